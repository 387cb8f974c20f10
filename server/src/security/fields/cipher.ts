import { decrypt, encrypt, TamperedError } from '../keys/aead.ts';
import type { KeyRing } from '../keys/data-key.ts';

/** What the text of an encrypted value begins with; the version of the format is the digit. */
export const ENVELOPE = 'vesta:sealed:1:';

/** Encrypts single values of one tenant's resources. */
export interface FieldCipher {
  /**
   * @param place `Type/id` of the resource: the envelope opens there only
   * @returns an envelope: {@link ENVELOPE}, the key's number, a colon, and nonce, tag and ciphertext in base64url
   */
  seal(place: string, plain: string): string;
  /** @throws TamperedError for an envelope of another tenant or resource, or a changed one; UnknownKeyError */
  open(place: string, envelope: string): string;
  /** Number of the key that encrypts now. */
  readonly current: number;
}

/** The cipher of a tenant's keys (AES-256-GCM). */
export function fieldCipher(ring: KeyRing): FieldCipher {
  const context = (place: string) => `${ring.tenantId}/${place}`;
  return {
    get current() {
      return ring.current.number;
    },
    seal(place, plain) {
      const key = ring.current;
      key.use('fields').seals++;
      const sealed = encrypt(key.for('fields'), context(place), Buffer.from(plain, 'utf8'));
      return `${ENVELOPE}${key.number}:${sealed.toString('base64url')}`;
    },
    open(place, envelope) {
      const match = /^vesta:sealed:1:(\d{1,9}):([\w-]+)$/.exec(envelope);
      if (match === null) throw new TamperedError('This is no envelope of an encrypted value');
      const key = ring.find(Number(match[1]));
      key.use('fields').opens++;
      return decrypt(
        key.for('fields'),
        context(place),
        Buffer.from(match[2] as string, 'base64url'),
      ).toString('utf8');
    },
  };
}
