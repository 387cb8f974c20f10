import { hkdfSync } from 'node:crypto';

/** What a data key is used for: each use has a key of its own that follows from it (HKDF, RFC 5869). */
export type KeyPurpose = 'secrets' | 'fields' | 'links' | 'derive';

/** A data key, unwrapped, with its uses since they were last taken. */
export class DataKey {
  readonly number: number;
  /** Epoch milliseconds. */
  readonly activeFrom: number;
  readonly #key: Buffer;
  readonly #subkeys = new Map<KeyPurpose, Buffer>();
  readonly #uses = new Map<KeyPurpose, KeyUse>();

  constructor(number: number, activeFrom: number, key: Buffer) {
    this.number = number;
    this.activeFrom = activeFrom;
    this.#key = key;
  }

  /** The key of a purpose, 32 bytes. */
  for(purpose: KeyPurpose): Buffer {
    let subkey = this.#subkeys.get(purpose);
    if (subkey === undefined) {
      subkey = Buffer.from(hkdfSync('sha256', this.#key, '', `vesta/${purpose}`, 32));
      this.#subkeys.set(purpose, subkey);
    }
    return subkey;
  }

  /** Where uses for a purpose are counted. */
  use(purpose: KeyPurpose): KeyUse {
    let use = this.#uses.get(purpose);
    if (use === undefined) this.#uses.set(purpose, (use = { seals: 0, opens: 0 }));
    return use;
  }

  /** The uses since the last call. */
  takeUses(): [KeyPurpose, KeyUse][] {
    const taken = [...this.#uses].filter(([, { seals, opens }]) => seals + opens > 0);
    this.#uses.clear();
    return taken;
  }
}

export interface KeyUse {
  seals: number;
  opens: number;
}

/** Thrown when something is encrypted by a key that the process does not know (yet). */
export class UnknownKeyError extends Error {
  readonly tenantId: number;

  constructor(tenantId: number, number: number) {
    super(`Tenant ${tenantId} has no data key ${number}`);
    this.tenantId = tenantId;
  }
}

/** The data keys of one tenant. It is kept up to date: who holds it sees new keys. */
export class KeyRing {
  readonly tenantId: number;
  readonly #now: () => number;
  #keys: readonly DataKey[];

  /** @param keys at least one */
  constructor(tenantId: number, keys: readonly DataKey[], now: () => number = Date.now) {
    this.tenantId = tenantId;
    this.#now = now;
    this.#keys = keys;
  }

  get keys(): readonly DataKey[] {
    return this.#keys;
  }

  set keys(keys: readonly DataKey[]) {
    this.#keys = keys;
  }

  /** The newest key that is active. */
  get current(): DataKey {
    const now = this.#now();
    return this.#keys.findLast(({ activeFrom }) => activeFrom <= now) ?? this.first;
  }

  /** The oldest key, which what must not change by a rotation follows from. */
  get first(): DataKey {
    return this.#keys[0] as DataKey;
  }

  /** @throws UnknownKeyError */
  find(number: number): DataKey {
    const key = this.#keys.find((one) => one.number === number);
    if (key === undefined) throw new UnknownKeyError(this.tenantId, number);
    return key;
  }
}
