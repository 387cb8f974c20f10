/**
 * How texts and codes are folded before they are compared (R4 search.html#string and search.html#token). Extraction and
 * the query parser use the same functions, so equality of folded texts is equality in the sense of the specification.
 */

/** Combining marks above or below a letter that accent-insensitive matching ignores, and characters without a width of their own. */
const ACCENTS =
  // biome-ignore lint/suspicious/noMisleadingCharacterClass: the marks are meant alone, after decomposition
  /[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]|[\u00ad\u0640\u200b-\u200d\u2060\ufeff]/g;

/** Letters that Unicode does not decompose, by what people type when they cannot type the letter. */
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  æ: 'ae',
  œ: 'oe',
  ħ: 'h',
  ı: 'i',
  ĸ: 'k',
  ŋ: 'n',
  ŧ: 't',
  ƀ: 'b',
  ɓ: 'b',
  ƈ: 'c',
  ɖ: 'd',
  ɗ: 'd',
  ǝ: 'e',
  ə: 'e',
  ɛ: 'e',
  ƒ: 'f',
  ǥ: 'g',
  ɠ: 'g',
  ɨ: 'i',
  ƙ: 'k',
  ƚ: 'l',
  ɲ: 'n',
  ɔ: 'o',
  ƥ: 'p',
  ƭ: 't',
  ʉ: 'u',
  ʋ: 'v',
  ƴ: 'y',
  ƶ: 'z',
  ς: 'σ',
  ſ: 's',
  ﬀ: 'ff',
  ﬁ: 'fi',
  ﬂ: 'fl',
  ﬃ: 'ffi',
  ﬄ: 'ffl',
  ﬅ: 'st',
  ﬆ: 'st',
  '\u2018': "'",
  '\u2019': "'",
  '\u02bc': "'",
  '\u201c': '"',
  '\u201d': '"',
  '\u2010': '-',
  '\u2011': '-',
  '\u2013': '-',
};
const LETTER = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'g');
/** White space, and control characters, which PostgreSQL's text could not hold. */
const SPACES = /[\s\u0000-\u001f]+/g;

const PLAIN = 0;
const UPPER = 1;
const SPACED = 2;
const BEYOND_ASCII = 4;

/** What there is to do to a text: a set of the flags above. */
function survey(text: string): number {
  let flags = PLAIN;
  let afterSpace = true;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return BEYOND_ASCII;
    if (code <= 0x20) {
      if (afterSpace || code !== 0x20) flags |= SPACED;
      afterSpace = true;
    } else {
      if (code >= 0x41 && code <= 0x5a) flags |= UPPER;
      afterSpace = false;
    }
  }
  return afterSpace ? flags | SPACED : flags;
}

/**
 * The form of a text in which `string` parameters are compared: without case and accents, with runs of white space as
 * one space and none at the ends; punctuation stays (R4 search.html#string leaves that to the server). Typographic
 * quotes, apostrophes and hyphens become their ASCII ones. Idempotent. The result is in Unicode form NFC and may be
 * empty. Accents of Latin, Greek, Cyrillic, Hebrew and Arabic go; vowel signs of scripts in which they are letters stay.
 */
export function normalizeString(text: string): string {
  const flags = survey(text);
  if (flags === PLAIN) return text;
  if (flags === UPPER) return text.toLowerCase();
  if ((flags & BEYOND_ASCII) === 0) return text.toLowerCase().replace(SPACES, ' ').trim();
  return text
    .toWellFormed()
    .toLowerCase()
    .normalize('NFD')
    .replace(ACCENTS, '')
    .replace(LETTER, (letter) => LETTERS[letter] ?? letter)
    .normalize('NFC')
    .replace(SPACES, ' ')
    .trim();
}

/**
 * The form of a code in which `token` parameters are compared where case does not matter: everything but the codes of
 * Identifier and `id` values (see IndexKeys in index-model.ts). White space stays as it is.
 */
export function foldCode(code: string): string {
  for (let i = 0; i < code.length; i++) {
    const unit = code.charCodeAt(i);
    if ((unit >= 0x41 && unit <= 0x5a) || unit > 0x7f) return code.toLowerCase();
  }
  return code;
}
