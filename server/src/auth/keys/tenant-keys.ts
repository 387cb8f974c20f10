import { randomBytes } from 'node:crypto';
import * as jose from 'jose';
import type { Tenant } from '../../access/scope.ts';
import { Lru } from '../../collections/lru.ts';
import type { SecretBox } from '../../security/keys/secret-box.ts';
import { changeSigningKeys, readSigningKeys, type StoredKey } from '../../storage/auth/signing-keys.ts';
import type { Connections } from '../../storage/connections.ts';
import type { JwkSet, PublicJwk } from '../clients/client.ts';
import { type KeyAlgorithm, planKeys } from './rotation.ts';

/** Every tenant has keys of these. */
const ALGORITHMS: readonly KeyAlgorithm[] = ['RS256', 'ES256'];
/** Of these it has keys once something was to be signed with one. */
const ON_DEMAND: readonly KeyAlgorithm[] = ['ES384'];
/** How long keys are used without asking whether there are others, in milliseconds. */
const FRESH = 60_000;
/** Shortest time between two lookups for a key that is not known, in milliseconds. */
const COOLDOWN = 5000;
/** Tenants whose keys are kept in memory. */
const MAX_TENANTS = 500;

export interface SigningKey {
  readonly kid: string;
  readonly algorithm: KeyAlgorithm;
  readonly key: jose.CryptoKey;
}

interface Entry {
  readonly keys: readonly StoredKey[];
  readonly loaded: number;
  readonly imported: Map<string, Promise<jose.CryptoKey>>;
}

export interface TenantKeysOptions {
  /** Age in seconds at which a key is replaced. */
  readonly rotationSeconds: number;
  /** Epoch milliseconds; for tests. */
  readonly now?: () => number;
}

/** The signing keys of tenants: made when first needed, replaced by age, published until their tokens have ended. */
export class TenantKeys {
  readonly #connections: Connections;
  readonly #secrets: SecretBox;
  readonly #rotation: number;
  readonly #now: () => number;
  readonly #tenants = new Lru<number, Promise<Entry>>(MAX_TENANTS);

  constructor(connections: Connections, secrets: SecretBox, options: TenantKeysOptions) {
    this.#connections = connections;
    this.#secrets = secrets;
    this.#rotation = options.rotationSeconds * 1000;
    this.#now = options.now ?? Date.now;
  }

  /** What to sign a tenant's tokens with. */
  async signing(tenant: Tenant, algorithm: KeyAlgorithm): Promise<SigningKey> {
    const entry = await this.#complete(tenant, algorithm);
    const { signing } = planKeys(ofAlgorithm(entry.keys, algorithm), this.#rotation, this.#now());
    if (signing === undefined) throw new Error(`Tenant ${tenant.name} has no ${algorithm} key`);
    const key = await this.#imported(entry, `private/${signing.kid}`, () =>
      importKey(
        JSON.parse(this.#secrets.open(purposeOf(tenant, signing.kid), signing.sealedPrivate)),
        algorithm,
      ),
    );
    return { kid: signing.kid, algorithm, key };
  }

  /** The public key of a `kid`; undefined when the tenant has none, or it is of another algorithm, or has ended. */
  async verifying(tenant: Tenant, kid: string, algorithm: string): Promise<jose.CryptoKey | undefined> {
    const find = (entry: Entry) =>
      this.#served(entry).find((key) => key.kid === kid && key.algorithm === algorithm);
    let entry = await this.#entry(tenant);
    let found = find(entry);
    if (found === undefined && entry.loaded + COOLDOWN <= this.#now()) {
      entry = await this.#reload(tenant);
      found = find(entry);
    }
    if (found === undefined) return undefined;
    const { publicJwk } = found;
    return await this.#imported(entry, `public/${kid}`, () => importKey(publicJwk, algorithm));
  }

  /** The JWK set of the tenant (RFC 7517): public keys that sign, will sign or have signed what is alive. */
  async jwks(tenant: Tenant): Promise<JwkSet> {
    const entry = await this.#complete(tenant);
    return { keys: this.#served(entry).map(({ publicJwk }) => publicJwk as PublicJwk) };
  }

  #served(entry: Entry): readonly StoredKey[] {
    const now = this.#now();
    return [...ALGORITHMS, ...ON_DEMAND].flatMap(
      (each) => planKeys(ofAlgorithm(entry.keys, each), this.#rotation, now).served,
    );
  }

  /** The tenant's keys after those that are due were made and those that have ended were removed. */
  async #complete(tenant: Tenant, asked?: KeyAlgorithm): Promise<Entry> {
    const entry = await this.#entry(tenant);
    if (!this.#work(entry.keys, asked)) return entry;
    const changed = changeSigningKeys(this.#connections, tenant, async (keys) => {
      const now = this.#now();
      const plans = algorithmsOf(keys, asked).map((algorithm) => ({
        algorithm,
        plan: planKeys(ofAlgorithm(keys, algorithm), this.#rotation, now),
      }));
      return {
        add: await Promise.all(
          plans.filter(({ plan }) => plan.due).map(({ algorithm }) => this.#make(tenant, algorithm, now)),
        ),
        remove: plans.flatMap(({ plan }) => plan.ended.map(({ kid }) => kid)),
      };
    });
    return await this.#keep(tenant, changed);
  }

  #work(keys: readonly StoredKey[], asked: KeyAlgorithm | undefined): boolean {
    const now = this.#now();
    return algorithmsOf(keys, asked).some((algorithm) => {
      const plan = planKeys(ofAlgorithm(keys, algorithm), this.#rotation, now);
      return plan.due || plan.ended.length > 0;
    });
  }

  async #make(tenant: Tenant, algorithm: KeyAlgorithm, now: number): Promise<StoredKey> {
    const pair = await jose.generateKeyPair(algorithm, {
      extractable: true,
      ...(algorithm === 'RS256' ? { modulusLength: 2048 } : {}),
    });
    const kid = randomBytes(12).toString('base64url');
    const [publicJwk, privateJwk] = await Promise.all([
      jose.exportJWK(pair.publicKey),
      jose.exportJWK(pair.privateKey),
    ]);
    return {
      kid,
      algorithm,
      publicJwk: { ...publicJwk, kid, alg: algorithm, use: 'sig' },
      sealedPrivate: this.#secrets.seal(purposeOf(tenant, kid), JSON.stringify(privateJwk)),
      created: now,
    };
  }

  async #entry(tenant: Tenant): Promise<Entry> {
    const known = this.#tenants.get(tenant.id);
    if (known !== undefined) {
      const entry = await known;
      if (entry.loaded + FRESH > this.#now()) return entry;
      // Of many that wait one asks again.
      const current = this.#tenants.get(tenant.id);
      if (current !== undefined && current !== known) return await current;
    }
    return await this.#reload(tenant);
  }

  #reload(tenant: Tenant): Promise<Entry> {
    return this.#keep(tenant, readSigningKeys(this.#connections, tenant));
  }

  #keep(tenant: Tenant, keys: Promise<readonly StoredKey[]>): Promise<Entry> {
    const made = keys.then((all): Entry => ({ keys: all, loaded: this.#now(), imported: new Map() }));
    this.#tenants.set(tenant.id, made);
    // What failed is asked for again.
    made.catch(() => {
      if (this.#tenants.get(tenant.id) === made) this.#tenants.delete(tenant.id);
    });
    return made;
  }

  #imported(entry: Entry, name: string, make: () => Promise<jose.CryptoKey>): Promise<jose.CryptoKey> {
    let key = entry.imported.get(name);
    if (key === undefined) {
      key = make();
      entry.imported.set(name, key);
      key.catch(() => entry.imported.delete(name));
    }
    return key;
  }
}

const ofAlgorithm = (keys: readonly StoredKey[], algorithm: KeyAlgorithm): StoredKey[] =>
  keys.filter((key) => key.algorithm === algorithm);

/** What there must be keys of. */
const algorithmsOf = (keys: readonly StoredKey[], asked: KeyAlgorithm | undefined): KeyAlgorithm[] => [
  ...ALGORITHMS,
  ...ON_DEMAND.filter((one) => one === asked || keys.some(({ algorithm }) => algorithm === one)),
];

const purposeOf = (tenant: Tenant, kid: string): string => `signing-key/${tenant.id}/${kid}`;

async function importKey(jwk: Readonly<Record<string, unknown>>, algorithm: string): Promise<jose.CryptoKey> {
  return (await jose.importJWK(jwk as jose.JWK, algorithm)) as jose.CryptoKey;
}
