import { NICKNAMES } from './nicknames.ts';

/**
 * A name as it is compared: without accents, case, hyphens, apostrophes and titles. Letters that no decomposition changes
 * (ß, ø, ł and the like) become those that they are written with elsewhere; other scripts stay as they are.
 */
export function plainName(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[ßøłđæœðþ]/g, (letter) => SPECIAL[letter] as string)
    .replace(/\b(dr|mr|mrs|ms|prof|jr|sr|ii|iii|iv)\b\.?/g, ' ')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

const SPECIAL: Readonly<Record<string, string>> = {
  ß: 'ss',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  æ: 'ae',
  œ: 'oe',
  ð: 'd',
  þ: 'th',
};

/**
 * Jaro-Winkler similarity of two texts (Winkler 1990): 1 for the same, 0 for nothing in common; a common beginning of up
 * to four letters counts more, where the texts are alike at all (0.7).
 */
export function jaroWinkler(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  const jaro = jaroOf(left, right);
  if (jaro < 0.7) return jaro;
  let prefix = 0;
  while (prefix < 4 && prefix < left.length && left[prefix] === right[prefix]) prefix++;
  return jaro + prefix * 0.1 * (1 - jaro);
}

function jaroOf(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return a.length === b.length ? 1 : 0;
  const reach = Math.max(0, Math.floor(Math.max(a.length, b.length) / 2) - 1);
  const used = new Array<boolean>(b.length).fill(false);
  const matched: string[] = [];
  for (const [i, letter] of a.entries()) {
    const last = Math.min(b.length - 1, i + reach);
    for (let j = Math.max(0, i - reach); j <= last; j++) {
      if (used[j] || b[j] !== letter) continue;
      used[j] = true;
      matched.push(letter);
      break;
    }
  }
  const count = matched.length;
  if (count === 0) return 0;
  const others = b.filter((_, index) => used[index]);
  const transposed = matched.filter((letter, index) => letter !== others[index]).length / 2;
  return (count / a.length + count / b.length + (count - transposed) / count) / 3;
}

/**
 * How a Latin name sounds, roughly as Soundex of the U.S. National Archives has it: a letter and three digits; empty for
 * what is not Latin.
 */
export function soundex(name: string): string {
  const letters = plainName(name).replace(/[^a-z]/g, '');
  const [first] = letters;
  if (first === undefined) return '';
  let code = first;
  let last = DIGITS[first] ?? '';
  for (const letter of letters.slice(1)) {
    const digit = DIGITS[letter] ?? '';
    if (digit !== '' && digit !== last) code += digit;
    // Letters of one sound that h or w stands between count once; a vowel between them parts them.
    if (letter !== 'h' && letter !== 'w') last = digit;
  }
  return code.slice(0, 4).padEnd(4, '0');
}

const DIGITS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({ 1: 'bfpv', 2: 'cgjkqsxz', 3: 'dt', 4: 'l', 5: 'mn', 6: 'r' }).flatMap(([digit, letters]) =>
    [...letters].map((letter) => [letter, digit]),
  ),
);

/** Other given names that somebody may be called by, in the form of {@link plainName}; not the name itself. */
export function nicknamesOf(given: string): string[] {
  const own = plainName(given);
  const others = NICKNAMES.filter((names) => names.includes(own)).flat();
  return [...new Set(others)].filter((name) => name !== own);
}

/** Whether two given names are forms of one. */
export function sameGiven(a: string, b: string): boolean {
  return a !== b && nicknamesOf(a).includes(b);
}
