import { createHash } from 'node:crypto';

/**
 * A version 8 UUID (RFC 9562) that follows from texts: whoever tries something again finds what the first try has made.
 * Texts hold no line breaks.
 */
export function idOf(...texts: readonly string[]): string {
  const bytes = createHash('sha256').update(texts.join('\n')).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
