/** Characters that separate parts of a value and are escaped by `\` (R4 search.html#escaping). */
const ESCAPABLE = ',$|\\';

/**
 * Splits at each separator that is not escaped. Parts keep their escapes: {@link unescapeValue} them last.
 * At least one part; an empty text gives one empty part.
 */
export function splitEscaped(text: string, separator: ',' | '$' | '|'): string[] {
  if (!text.includes(separator)) return [text];
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === separator) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

/** The text that an escaped text stands for. A `\` before any other character is that character's neighbour and stays. */
export function unescapeValue(text: string): string {
  if (!text.includes('\\')) return text;
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const next = text[i + 1];
    if (text[i] === '\\' && next !== undefined && ESCAPABLE.includes(next)) {
      out += next;
      i++;
    } else out += text[i];
  }
  return out;
}

/** The escaped form of a text, for a parameter value: the inverse of {@link unescapeValue}. */
export function escapeValue(text: string): string {
  return text.replace(/[,$|\\]/g, '\\$&');
}
