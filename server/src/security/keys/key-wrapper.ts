import { decrypt, encrypt } from './aead.ts';
import { type MasterKey, MasterKeyError, type MasterKeySource } from './master-key.ts';

/** A data key as it is stored. */
export interface WrappedKey {
  /** Which master key it is wrapped by. */
  readonly masterKey: string;
  readonly wrapped: Buffer;
}

/**
 * Wraps data keys. The master key may be here ({@link localWrapper}) or in a key management service, which it never
 * leaves: an adapter for a service implements this.
 */
export interface KeyWrapper {
  /** Id of the master key that wraps now. */
  current(): Promise<string>;
  /** @param context whose key it is: it can be unwrapped with the same context only */
  wrap(context: string, key: Uint8Array): Promise<WrappedKey>;
  /** @throws MasterKeyError for an unknown master key, TamperedError for another context or changed bytes */
  unwrap(context: string, wrapped: WrappedKey): Promise<Buffer>;
}

/** Wraps with master keys that this process holds. */
export function localWrapper(source: MasterKeySource): KeyWrapper {
  const find = (id: string): MasterKey | undefined => source.keys.find((key) => key.id === id);
  return {
    async current() {
      return currentOf(source).id;
    },
    async wrap(context, key) {
      // After a rotation an older master key may be forgotten: nothing new may be wrapped by it.
      source.reload();
      const master = currentOf(source);
      return { masterKey: master.id, wrapped: encrypt(master.key, aad(context), key) };
    },
    async unwrap(context, { masterKey, wrapped }) {
      let master = find(masterKey);
      if (master === undefined) {
        source.reload();
        master = find(masterKey);
      }
      if (master === undefined) {
        const known = source.keys.map(({ id }) => id).join(', ');
        throw new MasterKeyError(
          `A data key is wrapped by the master key ${masterKey}, which is not configured (known: ${known})`,
        );
      }
      return decrypt(master.key, aad(context), wrapped);
    },
  };
}

const aad = (context: string): string => `vesta/data-key/${context}`;

const currentOf = (source: MasterKeySource): MasterKey => source.keys[0] as MasterKey;
