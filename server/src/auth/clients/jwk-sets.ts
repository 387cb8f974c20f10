import * as jose from 'jose';
import { Lru } from '../../collections/lru.ts';
import type { JwkSet, PublicJwk } from './client.ts';
import { FetchError, fetchPublic, type PublicFetchOptions } from './public-fetch.ts';

/** How long a fetched JWK set is used if it does not say itself, in milliseconds, and what it may say. */
const DEFAULT_LIFE = 300_000;
const SHORTEST_LIFE = 60_000;
const LONGEST_LIFE = 3600_000;
/** Shortest time between two fetches of a set for a key that is not in it, in milliseconds. */
const COOLDOWN = 30_000;
/** How long a failed fetch is not tried again, in milliseconds. */
const RETRY_AFTER = 5000;
/** JWK sets that are kept. */
const MAX_SETS = 500;
const MAX_KEYS = 100;

interface Fetched {
  readonly set: Promise<JwkSet>;
  readonly at: number;
  until: number;
}

/** JWK sets of clients and identity providers: fetched from their URLs and kept for a while. */
export class JwkSets {
  readonly #options: PublicFetchOptions;
  readonly #now: () => number;
  readonly #sets = new Lru<string, Fetched>(MAX_SETS);

  constructor(options: { readonly allowPrivateAddresses: boolean; readonly now?: () => number }) {
    this.#options = {
      allowPrivate: options.allowPrivateAddresses,
      allowHttp: options.allowPrivateAddresses,
      timeout: 5000,
      maxBytes: 262_144,
    };
    this.#now = options.now ?? Date.now;
  }

  /**
   * The set at a URL.
   * @param again because a key is not in it: the owner may have a new one since; not more often than every 30 seconds
   * @throws FetchError when it cannot be fetched or is none
   */
  get(url: string, again: boolean, allowPrivate = this.#options.allowPrivate): Promise<JwkSet> {
    const now = this.#now();
    const known = this.#sets.get(url);
    if (known !== undefined && (again ? known.at + COOLDOWN > now : known.until > now)) return known.set;
    const answer = fetchPublic(url, { ...this.#options, allowPrivate });
    const entry: Fetched = {
      set: answer.then(({ text }) => parseJwkSet(text)),
      at: now,
      until: now + DEFAULT_LIFE,
    };
    this.#sets.set(url, entry);
    Promise.all([answer, entry.set])
      .then(([{ cacheControl }]) => {
        entry.until = now + lifeOf(cacheControl);
      })
      // What failed is tried again, but not at once: the server may be in trouble. Keys that were known still
      // are.
      .catch(() => {
        entry.until = now + RETRY_AFTER;
        if (known !== undefined && this.#sets.get(url) === entry) {
          this.#sets.set(url, { ...known, at: now, until: now + RETRY_AFTER });
        }
      });
    return entry.set;
  }
}

/**
 * The keys of a set that a signature may have been made with: those of the `kid` whose type goes with the algorithm.
 * @param kid undefined: any
 */
export async function keysOf(
  { keys }: JwkSet,
  kid: string | undefined,
  algorithm: string,
): Promise<jose.CryptoKey[]> {
  const matching = keys.filter((key) => (kid === undefined || key.kid === kid) && fits(key, algorithm));
  const imported = await Promise.all(
    matching.map((key) => jose.importJWK(publicPart(key), algorithm).catch(() => undefined)),
  );
  return imported.filter((key) => key !== undefined) as jose.CryptoKey[];
}

function lifeOf(cacheControl: string | undefined): number {
  if (cacheControl === undefined) return DEFAULT_LIFE;
  if (/\bno-(store|cache)\b/i.test(cacheControl)) return SHORTEST_LIFE;
  const seconds = /\bmax-age=(\d{1,9})/i.exec(cacheControl)?.[1];
  if (seconds === undefined) return DEFAULT_LIFE;
  return Math.min(LONGEST_LIFE, Math.max(SHORTEST_LIFE, Number(seconds) * 1000));
}

/** @throws FetchError when the text is no JWK set (RFC 7517, section 5) */
function parseJwkSet(text: string): JwkSet {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new FetchError('The answer is not JSON');
  }
  const problem = jwkSetProblem(parsed);
  if (problem !== undefined) throw new FetchError(problem);
  return parsed as JwkSet;
}

/** What is wrong with a JWK set of public keys; undefined when nothing is. */
export function jwkSetProblem(value: unknown): string | undefined {
  const keys = (value as { keys?: unknown } | null)?.keys;
  if (typeof value !== 'object' || !Array.isArray(keys)) return 'A JWK set has a member keys with a list';
  if (keys.length > MAX_KEYS) return `There are more than ${MAX_KEYS} keys`;
  for (const key of keys as unknown[]) {
    if (typeof key !== 'object' || key === null || typeof (key as PublicJwk).kty !== 'string') {
      return 'Every key is an object with a kty';
    }
    if (PRIVATE.some((member) => Object.hasOwn(key, member))) return 'Private keys must not be published';
  }
  return undefined;
}

/** Members of private and symmetric keys (RFC 7518, section 6). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** The members that make up the public key: what else is said of it does not decide about its import. */
function publicPart({ kty, n, e, crv, x, y }: PublicJwk): jose.JWK {
  if (kty === 'RSA') return { kty, n, e } as jose.JWK;
  return (kty === 'OKP' ? { kty, crv, x } : { kty, crv, x, y }) as jose.JWK;
}

/** Curves of the algorithms that have one (RFC 7518, section 3.4; RFC 9864). */
const CURVES: Readonly<Record<string, string>> = {
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  EdDSA: 'Ed25519',
  Ed25519: 'Ed25519',
};

function fits(key: PublicJwk, algorithm: string): boolean {
  if (key.use !== undefined && key.use !== 'sig') return false;
  if (key.alg !== undefined && key.alg !== algorithm) return false;
  if (key.key_ops !== undefined && !key.key_ops.includes('verify')) return false;
  if (/^(RS|PS)\d{3}$/.test(algorithm)) return key.kty === 'RSA';
  return (
    (key.kty === 'EC' || key.kty === 'OKP') && key['crv'] !== undefined && key['crv'] === CURVES[algorithm]
  );
}
