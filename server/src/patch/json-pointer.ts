/**
 * The reference tokens of a JSON Pointer (RFC 6901 sections 3 and 4), unescaped: `/a~1b/0` gives `['a/b', '0']`, the
 * empty pointer gives none. Undefined for text that is no JSON Pointer.
 */
export function parsePointer(text: string): string[] | undefined {
  if (text === '') return [];
  if (!text.startsWith('/') || /~(?![01])/.test(text)) return undefined;
  return text
    .slice(1)
    .split('/')
    .map((token) => (token.includes('~') ? token.replaceAll('~1', '/').replaceAll('~0', '~') : token));
}

/** The array index that a token stands for: digits without leading zeros (RFC 6901 section 4); undefined for any other token. */
export function arrayIndex(token: string): number | undefined {
  return /^(?:0|[1-9]\d{0,14})$/.test(token) ? Number(token) : undefined;
}
