/** What is compared of two records. */
export type Feature =
  | 'identifier'
  | 'family'
  | 'given'
  | 'birthDate'
  | 'gender'
  | 'phone'
  | 'email'
  | 'address';

/**
 * For each level of agreement how often it is found in two records of one person (m), and in records of two persons (u).
 * The u of names is that of usual ones: chance agreements of names are those of frequent names. The m say how often
 * records of one person are wrong or out of date: surnames change, telephones more so.
 */
const LEVELS: Readonly<Record<Feature, Readonly<Record<string, readonly [m: number, u: number]>>>> = {
  // A number of the same system. One that differs may be mistyped: similar. Where a system is not said: unnamed.
  identifier: {
    same: [0.95, 0.000001],
    similar: [0.03, 0.0001],
    unnamed: [0.5, 0.00005],
    different: [0.02, 0.9999],
  },
  family: {
    same: [0.88, 0.005],
    similar: [0.05, 0.004],
    swapped: [0.02, 0.0005],
    sound: [0.01, 0.01],
    different: [0.04, 0.98],
  },
  given: {
    same: [0.83, 0.01],
    nickname: [0.07, 0.004],
    similar: [0.04, 0.008],
    initial: [0.03, 0.05],
    sound: [0.01, 0.01],
    different: [0.02, 0.92],
  },
  birthDate: {
    same: [0.94, 0.00004],
    transposed: [0.015, 0.00004],
    near: [0.015, 0.0002],
    partial: [0.02, 0.01],
    different: [0.01, 0.99],
  },
  gender: { same: [0.99, 0.5], different: [0.01, 0.5] },
  phone: { same: [0.6, 0.0002], different: [0.4, 0.9998] },
  email: { same: [0.7, 0.0001], different: [0.3, 0.9999] },
  address: {
    same: [0.6, 0.0003],
    postalCode: [0.15, 0.01],
    city: [0.1, 0.08],
    different: [0.15, 0.91],
  },
};

/** Bits of evidence for (above 0) or against two records being of one person. */
export function bits(feature: Feature, level: string): number {
  const found = LEVELS[feature][level];
  if (found === undefined) throw new Error(`${feature} has no level ${level}`);
  const [m, u] = found;
  return Math.log2(m / u);
}
