import type { Figure } from './reports.ts';

/** Quarters that what is usual is worked out from. */
const BASELINE = 8;
/** Fewer than this are no outbreak, whatever was usual. */
const LEAST = 3;
/** Standard deviations above the mean from which on it is told. */
const DEVIATIONS = 2;

/** A condition that is more frequent in a quarter than it was before. */
export interface Signal {
  readonly key: string;
  readonly name: string;
  readonly count: number;
  /** Mean of the quarters before. */
  readonly expected: number;
  /** What may be at most before it is told. */
  readonly limit: number;
  /** Facilities, those with most first, with their counts. */
  readonly facilities: readonly { readonly facility: string; readonly count: number }[];
  /** Counts of the quarters before and of this one, oldest first. */
  readonly history: readonly { readonly quarter: string; readonly count: number }[];
}

/** `2025-Q3` of n quarters before another one. */
export function quarterBefore(quarter: string, n: number): string {
  const [year = 0, number = 1] = quarter.split('-Q').map(Number);
  const index = year * 4 + (number - 1) - n;
  return `${Math.floor(index / 4)}-Q${(index % 4) + 1}`;
}

/**
 * Conditions whose count of a quarter is above the mean and two standard deviations of the eight quarters before it, as
 * the aberration detection of CDC's EARS does it with days: quarters without a report of it count as none.
 * @returns the most unusual first
 */
export function signalsOf(figures: readonly Figure[], quarter: string): Signal[] {
  const quarters = Array.from({ length: BASELINE }, (_, n) => quarterBefore(quarter, BASELINE - n));
  const conditions = new Map<string, Figure[]>();
  for (const one of figures) {
    if (one.kind !== 'conditions') continue;
    const known = conditions.get(one.key);
    if (known === undefined) conditions.set(one.key, [one]);
    else known.push(one);
  }
  const signals = [...conditions].flatMap(([key, all]): Signal[] => {
    const countIn = (wanted: string) =>
      all.filter((one) => one.quarter === wanted).reduce((sum, { count }) => sum + count, 0);
    const count = countIn(quarter);
    const before = quarters.map(countIn);
    const expected = before.reduce((sum, one) => sum + one, 0) / BASELINE;
    const variance = before.reduce((sum, one) => sum + (one - expected) ** 2, 0) / (BASELINE - 1);
    const limit = expected + DEVIATIONS * Math.sqrt(variance);
    if (count < LEAST || count <= limit) return [];
    return [
      {
        key,
        name: all[0]?.name ?? key,
        count,
        expected,
        limit,
        facilities: all
          .filter((one) => one.quarter === quarter)
          .map(({ facility, count: own }) => ({ facility, count: own }))
          .sort((a, b) => b.count - a.count || a.facility.localeCompare(b.facility)),
        history: [...quarters, quarter].map((one) => ({ quarter: one, count: countIn(one) })),
      },
    ];
  });
  return signals.sort((a, b) => b.count - b.limit - (a.count - a.limit) || a.name.localeCompare(b.name));
}
