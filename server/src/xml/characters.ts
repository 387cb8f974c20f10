/** Characters that XML 1.0 has no place for (section 2.2), apart from halves of surrogate pairs. */
const NO_CHARACTER = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;
const EVERY_NO_CHARACTER = new RegExp(NO_CHARACTER.source, 'g');

/** The position of the first character that an XML document cannot hold; -1 if there is none. */
export function badCharacter(text: string): number {
  const control = text.search(NO_CHARACTER);
  if (text.isWellFormed()) return control;
  const surrogate = text.search(/\p{Surrogate}/u);
  return control < 0 ? surrogate : Math.min(control, surrogate);
}

/** A text in which U+FFFD stands for each character that neither XML nor FHIR's string has a place for (R4 datatypes.html#string). */
export function withoutBadCharacters(text: string): string {
  if (badCharacter(text) < 0) return text;
  return text.toWellFormed().replace(EVERY_NO_CHARACTER, '\ufffd');
}

/** Whether a character reference may name this code point (XML 1.0 section 4.1, production Char). */
export function isCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x09 || code === 0x0a || code === 0x0d;
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff);
}

const NAME_START =
  'A-Z_a-z\\xC0-\\xD6\\xD8-\\xF6\\xF8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C\\u200D\\u2070-\\u218F\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\u{10000}-\\u{EFFFF}';
const NC_NAME = `[${NAME_START}][${NAME_START}\\-.0-9\\xB7\\u0300-\\u036F\\u203F\\u2040]*`;
const QUALIFIED_NAME = new RegExp(`^${NC_NAME}(?::${NC_NAME})?$`, 'u');

/** Whether a text is a qualified name (Namespaces in XML 1.0 section 4, production QName). */
export function isQualifiedName(text: string): boolean {
  return QUALIFIED_NAME.test(text);
}

/** The five entities that XML itself has (XML 1.0 section 4.6). */
export const PREDEFINED: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

const SPECIAL_IN_ATTRIBUTE = /[&<>"\t\n\r]/;
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/**
 * A value as it stands between double quotes. Tabs and line ends become references, because a reader makes spaces of
 * those that stand there as they are (XML 1.0 section 3.3.3).
 */
export function escapeAttribute(value: string): string {
  if (!SPECIAL_IN_ATTRIBUTE.test(value)) return value;
  return value.replace(/[&<>"\t\n\r]/g, (character) => ESCAPES[character] as string);
}

/** A text as it stands between tags. */
export function escapeText(text: string): string {
  return text.replace(/[&<>\r]/g, (character) => ESCAPES[character] as string);
}
