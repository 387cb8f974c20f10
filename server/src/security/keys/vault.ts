import { randomBytes } from 'node:crypto';
import type { Tenant } from '../../access/scope.ts';
import type { Connections } from '../../storage/connections.ts';
import {
  addDataKey,
  addKeyUse,
  changedDataKeys,
  INSTALLATION,
  readDataKeys,
  type StoredDataKey,
} from '../../storage/security/data-keys.ts';
import { DataKey, KeyRing, UnknownKeyError } from './data-key.ts';
import type { KeyWrapper } from './key-wrapper.ts';
import { openBytes, type SecretBox, sealBytes, secretBoxOf } from './secret-box.ts';

/** How often a process asks for new keys and stores its counts, in milliseconds. */
const REFRESH = 15_000;
/** How long after it was made a key begins to encrypt, in milliseconds: by then every process has asked. */
export const ACTIVATION = 60_000;
/** Tenants whose keys are kept in memory. */
const MAX_TENANTS = 500;
/** Shortest time between two lookups for a key that is not known, in milliseconds. */
const COOLDOWN = 2000;

/** Something that concerns a key, for the log. */
export interface KeyEvent {
  readonly event: 'made' | 'unwrapped';
  readonly tenant: number;
  readonly key: number;
  readonly masterKey: string;
}

export interface VaultOptions {
  readonly connections: Connections;
  readonly wrapper: KeyWrapper;
  /** Told of each use of a master key. */
  readonly onEvent?: (event: KeyEvent) => void;
  /** Told when new keys could not be asked for, or counts not be stored. */
  readonly onError?: (error: unknown) => void;
  /** Epoch milliseconds; for tests. */
  readonly now?: () => number;
}

interface Entry {
  readonly tenant: Tenant;
  readonly ring: KeyRing;
  loaded: number;
}

/**
 * The data keys of all tenants: made when first needed, kept in memory unwrapped, counted. A key that another process
 * makes is known here before it is used.
 */
export class KeyVault {
  readonly #options: VaultOptions;
  readonly #now: () => number;
  readonly #entries = new Map<number, Entry>();
  readonly #loading = new Map<number, Promise<Entry>>();
  readonly #timer: NodeJS.Timeout;
  #moment: number | undefined;

  constructor(options: VaultOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#timer = setInterval(() => void this.refresh(), REFRESH);
    this.#timer.unref();
  }

  /** The keys of a tenant, at once when they are in memory. The first key is made when there is none. */
  ring(tenant: Tenant): KeyRing | Promise<KeyRing> {
    return this.#entries.get(tenant.id)?.ring ?? this.#load(tenant).then(({ ring }) => ring);
  }

  /** Seals bytes by the tenant's current key; see {@link SecretBox.seal}. */
  async seal(tenant: Tenant, purpose: string, secret: Uint8Array): Promise<Buffer> {
    return sealBytes(await this.ring(tenant), purpose, secret);
  }

  /** @throws TamperedError when it was sealed for another tenant or purpose, or changed */
  async open(tenant: Tenant, purpose: string, sealed: Uint8Array): Promise<Buffer> {
    return await this.retrying(tenant, (ring) => openBytes(ring, purpose, sealed));
  }

  /** The box of the installation, for secrets whose purpose names the tenant. Load it once; it follows rotations. */
  async secretBox(): Promise<SecretBox> {
    return secretBoxOf(await this.ring(INSTALLATION));
  }

  /** Runs `work`, once more after asking for new keys if it met a key that is unknown here. */
  async retrying<T>(tenant: Tenant, work: (ring: KeyRing) => T): Promise<T> {
    try {
      return work(await this.ring(tenant));
    } catch (error) {
      const entry = this.#entries.get(tenant.id);
      if (!(error instanceof UnknownKeyError) || entry === undefined) throw error;
      // Stored bytes may name any key: they must not make a query each.
      if (this.#now() - entry.loaded < COOLDOWN) throw error;
      return work((await this.#load(tenant)).ring);
    }
  }

  /**
   * Makes a new data key for the tenant, which begins to encrypt a minute later.
   * @returns its number
   */
  async rotate(tenant: Tenant): Promise<number> {
    await this.ring(tenant);
    const keys = await addDataKey(this.#options.connections, tenant, (known) =>
      this.#make(tenant, known, this.#now() + ACTIVATION),
    );
    await this.#load(tenant);
    return (keys.at(-1) as StoredDataKey).number;
  }

  /** Asks which tenants' keys have changed, loads those in memory anew, and stores the counts of uses. */
  async refresh(): Promise<void> {
    const { connections, onError } = this.#options;
    try {
      await this.#storeUses();
      const { now, tenants } = await changedDataKeys(connections, this.#moment ?? Number.MAX_SAFE_INTEGER);
      const known = tenants.flatMap((id) => this.#entries.get(id)?.tenant ?? []);
      for (const tenant of known) await this.#load(tenant);
      // A transaction that was under way at the last asking may have committed with an earlier time.
      this.#moment = now - 2 * REFRESH;
    } catch (error) {
      onError?.(error);
    }
  }

  /** Stores the counts and ends. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#storeUses().catch((error) => this.#options.onError?.(error));
  }

  async #storeUses(): Promise<void> {
    const day = Math.floor(this.#now() / 86_400_000);
    for (const { tenant, ring } of this.#entries.values()) {
      const uses = ring.keys.flatMap((key) =>
        key.takeUses().map(([purpose, use]) => [key.number, purpose, use] as const),
      );
      if (uses.length > 0) await addKeyUse(this.#options.connections, tenant, day, uses);
    }
  }

  #load(tenant: Tenant): Promise<Entry> {
    let loading = this.#loading.get(tenant.id);
    if (loading === undefined) {
      loading = this.#read(tenant).finally(() => this.#loading.delete(tenant.id));
      this.#loading.set(tenant.id, loading);
    }
    return loading;
  }

  async #read(tenant: Tenant): Promise<Entry> {
    const { connections, wrapper, onEvent } = this.#options;
    let stored = await readDataKeys(connections, tenant);
    if (stored.length === 0) {
      stored = await addDataKey(connections, tenant, async (keys) =>
        keys.length > 0 ? undefined : await this.#make(tenant, keys, this.#now()),
      );
    }
    const known = this.#entries.get(tenant.id);
    const keys = await Promise.all(
      stored.map(async (one) => {
        const same = known?.ring.keys.find(({ number }) => number === one.number);
        if (same !== undefined) return same;
        const key = await wrapper.unwrap(`${tenant.id}/${one.number}`, one);
        onEvent?.({ event: 'unwrapped', tenant: tenant.id, key: one.number, masterKey: one.masterKey });
        return new DataKey(one.number, one.activeFrom, key);
      }),
    );
    if (known !== undefined) {
      known.ring.keys = keys;
      known.loaded = this.#now();
      return known;
    }
    const entry = { tenant, ring: new KeyRing(tenant.id, keys, this.#now), loaded: this.#now() };
    this.#entries.set(tenant.id, entry);
    await this.#forgetOldest();
    return entry;
  }

  async #make(tenant: Tenant, keys: readonly StoredDataKey[], activeFrom: number): Promise<StoredDataKey> {
    const number = (keys.at(-1)?.number ?? 0) + 1;
    const wrapped = await this.#options.wrapper.wrap(`${tenant.id}/${number}`, randomBytes(32));
    const { masterKey } = wrapped;
    this.#options.onEvent?.({ event: 'made', tenant: tenant.id, key: number, masterKey });
    return { ...wrapped, number, created: this.#now(), activeFrom };
  }

  async #forgetOldest(): Promise<void> {
    if (this.#entries.size <= MAX_TENANTS) return;
    // The counts go with it otherwise.
    await this.#storeUses().catch((error) => this.#options.onError?.(error));
    for (const id of this.#entries.keys()) {
      if (id === INSTALLATION.id) continue;
      this.#entries.delete(id);
      return;
    }
  }
}
