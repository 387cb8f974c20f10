import { COMMON_WORDS, FILLERS } from './common-words.ts';

/** Rows that fingers walk along, forth and back. */
const WALKS = [
  '1234567890',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'qwertzuiop',
  'azertyuiop',
  'abcdefghijklmnopqrstuvwxyz',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
  '1q2w3e4r5t6y7u8i9o0p',
  'q1w2e3r4t5y6u7i8o9p0',
  'zaq1xsw2cde3vfr4bgt5nhy6mju7',
].flatMap((row) => [row, [...row].reverse().join('')]);

const LOOKALIKES: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '8': 'b',
  '9': 'g',
  '@': 'a',
  $: 's',
  '!': 'i',
  '+': 't',
  '€': 'e',
};

const plain = (text: string): string => [...text].map((sign) => LOOKALIKES[sign] ?? sign).join('');

/** Fewest pieces that a text of this kind would be guessed in; as much as a stranger would have to know. */
const FREE_SIGNS = 3;
const WORST_PIECE = 14;

/**
 * Whether a password is among those that are tried first: common words and phrases, keyboard walks, repetitions, years and
 * dates, however they are capitalised, spelled with look-alike signs, repeated, joined or decorated with a few signs. NIST
 * SP 800-63B-4 (3.1.1.2) asks for a blocklist of what is commonly used and expected; of guesses that follow a rule the
 * rule says more than a list.
 * @param expected words that stand near: the login, the person's name, the service's name
 */
export function isCommon(password: string, expected: readonly string[] = []): boolean {
  const text = password.normalize('NFKC').toLowerCase();
  const context = new Set(
    expected
      .flatMap((each) => [each, ...each.split(/[^\p{L}\p{N}]+/u)])
      .map((each) => each.normalize('NFKC').toLowerCase())
      .filter((each) => [...each].length >= 3),
  );
  if (new Set(text).size <= 3) return true;
  return cost(repeatedUnit(text), context) <= FREE_SIGNS;
}

/** The shortest text whose repetition this one is. */
function repeatedUnit(text: string): string {
  const unit = (text + text).indexOf(text, 1);
  return unit < text.length ? text.slice(0, unit) : text;
}

/**
 * What is left to guess: 0 for the first common word, 1 for each further one, a filler, a walk or a date, none for a
 * separator, and 1 for every sign that belongs to nothing.
 */
function cost(text: string, context: ReadonlySet<string>): number {
  const signs = [...text];
  const costs: number[] = [0];
  for (let end = 1; end <= signs.length; end++) {
    let least = (costs[end - 1] as number) + 1;
    for (let start = Math.max(0, end - 36); start < end; start++) {
      const piece = pieceCost(signs.slice(start, end).join(''), context);
      if (piece !== undefined) least = Math.min(least, (costs[start] as number) + piece);
    }
    costs[end] = least;
  }
  // Of a long phrase of common words only the first two come for nothing.
  return (costs[signs.length] as number) - 1;
}

function pieceCost(piece: string, context: ReadonlySet<string>): number | undefined {
  const length = piece.length;
  if (context.has(piece) || (length >= 3 && context.has(plain(piece)))) return 0;
  if (length >= 3 && (COMMON_WORDS.has(piece) || COMMON_WORDS.has(plain(piece))))
    return length > WORST_PIECE ? 2 : 1;
  if (/^[-_. ]$/.test(piece)) return 0;
  if (FILLERS.has(piece)) return 1;
  if (length >= 3 && new Set(piece).size === 1) return 1;
  if (length >= 3 && WALKS.some((walk) => walk.includes(piece))) return 1;
  if (
    /^(19|20)\d\d$/.test(piece) ||
    /^(0?[1-9]|[12]\d|3[01])[-./]?(0?[1-9]|1[0-2])[-./]?((19|20)?\d\d)$/.test(piece)
  )
    return 1;
  return undefined;
}
