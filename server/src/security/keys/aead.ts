import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Bytes that {@link encrypt} adds: nonce and tag. */
export const OVERHEAD = 28;
const NONCE = 12;

/** Thrown when ciphertext was changed, or is of another key or context. */
export class TamperedError extends Error {}

/**
 * AES-256-GCM with a random nonce (NIST SP 800-38D): nonce, tag, ciphertext.
 * @param key 32 bytes
 * @param context what the ciphertext belongs to: it opens with the same context only
 */
export function encrypt(key: Uint8Array, context: Uint8Array | string, plain: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(context as string));
  const text = cipher.update(plain);
  const rest = cipher.final();
  return Buffer.concat([nonce, cipher.getAuthTag(), text, rest]);
}

/**
 * What {@link encrypt} was given.
 * @throws TamperedError for another key or context, and for changed bytes
 */
export function decrypt(key: Uint8Array, context: Uint8Array | string, sealed: Uint8Array): Buffer {
  if (sealed.length < OVERHEAD) throw new TamperedError('The ciphertext is too short');
  const cipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE), { authTagLength: 16 });
  cipher.setAAD(Buffer.from(context as string));
  cipher.setAuthTag(sealed.subarray(NONCE, OVERHEAD));
  try {
    return Buffer.concat([cipher.update(sealed.subarray(OVERHEAD)), cipher.final()]);
  } catch {
    throw new TamperedError('The ciphertext was changed, or belongs to another key or place');
  }
}
