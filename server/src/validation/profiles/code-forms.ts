/**
 * Whether a text cannot be a code of a system whose codes have a known form, whatever edition of the system is meant
 * (R4 snomedct.html: SNOMED CT identifiers and expressions; loinc.html: LOINC codes, parts and answers).
 */
export function isImpossible(system: string, code: string): boolean {
  if (system === 'http://snomed.info/sct') {
    return /^[0-9]+$/.test(code) ? !isSnomedId(code) : !/[0-9]{6}/.test(code);
  }
  if (system === 'http://loinc.org') {
    // Parts, answers, answer lists and groups have a letter in front, concepts of UMLS in LOINC two.
    return /^[0-9]{1,7}-[0-9]$/.test(code)
      ? !hasLoincDigit(code)
      : !/^(?:L[A-Z]|MTHU)[0-9]+(?:-[0-9])?$/.test(code);
  }
  return false;
}

/** The last digit of a LOINC code by Mod 10 (LOINC Users' Guide, appendix C). */
function hasLoincDigit(code: string): boolean {
  let sum = 0;
  let isDoubled = true;
  for (let i = code.length - 3; i >= 0; i--) {
    const digit = code.charCodeAt(i) - ZERO;
    const counted = isDoubled ? digit * 2 : digit;
    sum += counted > 9 ? counted - 9 : counted;
    isDoubled = !isDoubled;
  }
  return (10 - (sum % 10)) % 10 === code.charCodeAt(code.length - 1) - ZERO;
}

/** A SNOMED CT identifier: 6 to 18 digits, the last of them by Verhoeff's algorithm. */
function isSnomedId(code: string): boolean {
  const { length } = code;
  if (length < 6 || length > 18 || code.startsWith('0')) return false;
  let check = 0;
  for (let place = 0; place < length; place++) {
    const digit = code.charCodeAt(length - 1 - place) - ZERO;
    check = product(check, (PERMUTATIONS[place % 8] as readonly number[])[digit] as number);
  }
  return check === 0;
}

const ZERO = 48;

/** In the dihedral group of order 10: rotations 0 to 4, reflections 5 to 9. */
function product(a: number, b: number): number {
  if (a < 5) return b < 5 ? (a + b) % 5 : ((a + b) % 5) + 5;
  return b < 5 ? ((a - b + 10) % 5) + 5 : (a - b + 10) % 5;
}

const PERMUTATION = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/** What the digits become by none, one, two... seven permutations: as many as a digit is places away from the end. */
const PERMUTATIONS: readonly (readonly number[])[] = Array.from({ length: 8 }, (_, times) =>
  Array.from({ length: 10 }, (_one, digit) => {
    let result = digit;
    for (let i = 0; i < times; i++) result = PERMUTATION[result] as number;
    return result;
  }),
);
