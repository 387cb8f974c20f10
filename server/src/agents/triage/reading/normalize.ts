/** Letters of Arabic that are written in several ways, and digits of Arabic and Urdu. */
const LETTERS: Readonly<Record<string, string>> = {
  ي: 'ی',
  ى: 'ی',
  ئ: 'ی',
  ك: 'ک',
  ه: 'ہ',
  ھ: 'ہ',
  ة: 'ہ',
  أ: 'ا',
  إ: 'ا',
  آ: 'ا',
  ؤ: 'و',
  '٫': '.',
  '،': ',',
  '؛': ';',
  '؟': '?',
  '۔': '.',
};

/**
 * A text as its words are compared: lower case, without accents and vowel signs, one way of writing for each letter and
 * digit, single spaces. Line breaks stay: they end sentences.
 */
export function normalize(text: string): string {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .replace(/[\u0660-\u0669\u06f0-\u06f9]/g, (digit) => String((digit.codePointAt(0) as number) & 0xf))
      .replace(/[آأإؤئيىكھهة٫،؛؟۔]/g, (letter) => LETTERS[letter] ?? letter)
      .normalize('NFD')
      .replace(/[\p{Mn}\u0640\p{Cf}]/gu, '')
      .replace(/[‘’`´]/g, "'")
      .replace(/[–—−]/g, '-')
      // As it is typed in a hurry: `cant breathe`.
      .replace(/(?<!\p{L})(ca|wo|do|does|did|has|have|had|is|was|are|were|could|would)nt(?!\p{L})/gu, "$1n't")
      .replace(/[^\S\n]+/g, ' ')
      .trim()
  );
}
