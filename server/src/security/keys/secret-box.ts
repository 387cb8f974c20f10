import { createHmac } from 'node:crypto';
import { decrypt, encrypt, OVERHEAD, TamperedError } from './aead.ts';
import { DataKey, KeyRing } from './data-key.ts';
import { masterKeyOf } from './master-key.ts';

/** Seals secrets for storage, and opens them. */
export interface SecretBox {
  /**
   * @param purpose what it is and whose, e.g. `signing-key/3/abc`: what is sealed for one purpose opens for no other
   * @returns an envelope: version, number of the key, nonce, tag and ciphertext (AES-256-GCM)
   */
  seal(purpose: string, secret: string): Buffer;
  /** @throws TamperedError when it was sealed for another purpose or changed; UnknownKeyError */
  open(purpose: string, sealed: Uint8Array): string;
  /** 32 bytes that follow from the label and the text, that nobody else can tell, and that no rotation changes. */
  derive(label: string, text: string): Buffer;
}

const VERSION = 2;
const HEADER = 5;

/** Seals bytes by the ring's current key. @param purpose as for {@link SecretBox} */
export function sealBytes(ring: KeyRing, purpose: string, secret: Uint8Array): Buffer {
  const key = ring.current;
  const header = Buffer.alloc(HEADER);
  header[0] = VERSION;
  header.writeUInt32BE(key.number, 1);
  key.use('secrets').seals++;
  return Buffer.concat([header, encrypt(key.for('secrets'), aad(ring, header, purpose), secret)]);
}

/** @throws TamperedError, UnknownKeyError */
export function openBytes(ring: KeyRing, purpose: string, sealed: Uint8Array): Buffer {
  if (sealed.length < HEADER + OVERHEAD || sealed[0] !== VERSION)
    throw new TamperedError('This is no sealed secret');
  const header = Buffer.from(sealed.subarray(0, HEADER));
  const key = ring.find(header.readUInt32BE(1));
  key.use('secrets').opens++;
  try {
    return decrypt(key.for('secrets'), aad(ring, header, purpose), sealed.subarray(HEADER));
  } catch {
    throw new TamperedError(`A stored secret (${purpose.split('/')[0]}) cannot be opened by its key`);
  }
}

/** The secret box of a ring. */
export function secretBoxOf(ring: KeyRing): SecretBox {
  return {
    seal: (purpose, secret) => sealBytes(ring, purpose, Buffer.from(secret, 'utf8')),
    open: (purpose, sealed) => openBytes(ring, purpose, sealed).toString('utf8'),
    derive(label, text) {
      const key = ring.first;
      key.use('derive').seals++;
      return createHmac('sha256', key.for('derive')).update(label).update('\0').update(text).digest();
    },
  };
}

/**
 * A secret box of one key that is not in the database: for tests and tools.
 * @param key 32 bytes
 * @throws MasterKeyError for a key of another length
 */
export function createSecretBox(key: Uint8Array): SecretBox {
  return secretBoxOf(new KeyRing(0, [new DataKey(0, 0, masterKeyOf(key).key)]));
}

const aad = (ring: KeyRing, header: Buffer, purpose: string): Buffer =>
  Buffer.concat([header, Buffer.from(`${ring.tenantId}/${purpose}`)]);
