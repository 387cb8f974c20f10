/** Longest part of a message that is read for what is wanted, in characters; a person reads the rest. */
const LONGEST = 4000;

/** Letters that people type for one another in Urdu: Arabic forms, and the two kinds of h. */
const SAME_LETTERS: Readonly<Record<string, string>> = {
  ي: 'ی',
  ى: 'ی',
  ے: 'ی',
  ك: 'ک',
  ه: 'ہ',
  ة: 'ہ',
  ۃ: 'ہ',
  ھ: 'ہ',
  أ: 'ا',
  إ: 'ا',
  ؤ: 'و',
  ئ: 'ی',
};

/** Letters without case, accents, vowel marks and what cannot be seen, so that words that look alike are alike. */
export function fold(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFD')
    .replace(/[\p{M}\p{Cf}]/gu, '')
    .replace(/[\u0600-\u06ff]/g, (letter) => SAME_LETTERS[letter] ?? letter);
}

/**
 * A text as words with one space between and around them: folded, digits of all scripts as 0 to 9, without punctuation but
 * for `: . / -` between digits and `#` before one.
 */
export function wordsOf(text: string): string {
  const folded = fold(text.slice(0, LONGEST).toWellFormed())
    .replace(/\p{Nd}/gu, digitOf)
    .replace(/\b([ap])\s?\.\s?m\b\.?/g, '$1m')
    .replace(/['’‘`ʼ]/g, '')
    .replace(/(?<!\d)[:./-]|[:./-](?!\d)|#(?!\d)|[^\p{L}\p{N}:./#-]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return ` ${folded} `;
}

/** Blocks of decimal digits are ten long and begin at multiples of their own. */
function digitOf(digit: string): string {
  const code = digit.codePointAt(0) as number;
  if (code < 0x80) return digit;
  let zero = code;
  while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
  return String(code - zero);
}
