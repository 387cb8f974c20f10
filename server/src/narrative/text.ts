/*
 * Plain text and how it becomes XHTML. Everything that a narrative says passes through `escapeText`, so this file alone
 * decides whether a hostile string can do harm.
 */

/** Longest text of one cell in UTF-16 units; what is longer ends with an ellipsis. */
const LONGEST_TEXT = 4000;

const NEEDS_CARE = /[&<>"\u0000-\u001f\u007f-\u009f\ud800-\udfff\ufffe\uffff]/;
// What XML 1.0 does not allow (production 2, Char), and what it allows but discourages among controls.
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/g;

/**
 * Text as the content of an XHTML element: cut to {@link LONGEST_TEXT}, markup escaped, lone surrogates and characters
 * that XML does not allow replaced, line ends as `<br/>`.
 */
export function escapeText(text: string): string {
  const short = text.length > LONGEST_TEXT ? cut(text, LONGEST_TEXT) : text;
  if (!NEEDS_CARE.test(short)) return short;
  return escapeMarkup(short.toWellFormed().replace(/\r\n?/g, '\n').replace(NOT_XML, '\ufffd')).replaceAll(
    '\n',
    '<br/>',
  );
}

function escapeMarkup(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** The beginning of a text with an ellipsis; no surrogate pair is split. */
export function cut(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? length - 1 : length;
  return `${text.slice(0, end)}…`;
}

/** A FHIR code such as `entered-in-error` as words; codes that are no lower-case words are left as they are. */
export function codeWords(code: string): string {
  return code.includes('-') && code.length < 100 && /^[a-z]+(?:-[a-z]+)+$/.test(code)
    ? code.replaceAll('-', ' ')
    : code;
}

/** An element or type name as words: `birthDate` is `Birth date`, `MedicationRequest` is `Medication request`. */
export function nameWords(name: string): string {
  const words = name.replace(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, ' ').split(' ');
  return words
    .map((word, i) => {
      if (/^[A-Z]{2,}/.test(word)) return word;
      return i === 0 ? word.charAt(0).toUpperCase() + word.slice(1) : word.toLowerCase();
    })
    .join(' ');
}

/** The texts that are there, joined; undefined if there is none. */
export function join(separator: string, ...texts: readonly (string | undefined)[]): string | undefined {
  let result: string | undefined;
  for (const text of texts) {
    if (text === undefined || text === '') continue;
    result = result === undefined ? text : result + separator + text;
  }
  return result;
}

/** A text in parentheses, or with another beginning and end; undefined stays undefined. */
export function wrap(text: string | undefined, before = '(', after = ')'): string | undefined {
  return text === undefined || text === '' ? undefined : before + text + after;
}
