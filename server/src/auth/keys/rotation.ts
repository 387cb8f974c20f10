/** What tokens are signed with (RFC 7518): RS256 is what OpenID Connect asks of id_tokens. */
export type SigningAlgorithm = 'RS256' | 'ES256';
/** What a tenant has keys for: JWTs to CDS services are signed with ES384 (CDS Hooks 2.0, JWT Signing Algorithm). */
export type KeyAlgorithm = SigningAlgorithm | 'ES384';

/** What rotation needs to know of a key. */
export interface KeyAge {
  readonly kid: string;
  /** Epoch milliseconds. */
  readonly created: number;
}

export interface KeyPlan<K extends KeyAge> {
  /** Signs now; undefined when there is no key at all. */
  readonly signing: K | undefined;
  /** Is published: what signs, what will sign, and what has signed tokens that may be alive. */
  readonly served: readonly K[];
  /** Has signed nothing that is alive. */
  readonly ended: readonly K[];
  /** A new key has to be made now. */
  readonly due: boolean;
}

/** How long a new key is published before it signs, in milliseconds: longer than clients keep the JWKS. */
export const PUBLISHED_BEFORE = 2 * 3600_000;
/** How long a key is published after it has signed last: longer than any token lives. */
export const PUBLISHED_AFTER = 2 * 3600_000;

/**
 * Which of a tenant's keys of one algorithm does what.
 * @param rotation age in milliseconds at which a key is replaced
 * @param now epoch milliseconds
 */
export function planKeys<K extends KeyAge>(keys: readonly K[], rotation: number, now: number): KeyPlan<K> {
  const newestFirst = [...keys].sort((a, b) => b.created - a.created || (a.kid < b.kid ? -1 : 1));
  const oldest = newestFirst.at(-1);
  // The very first key cannot wait: nobody has fetched a JWKS without it.
  const signing = newestFirst.find((key) => key === oldest || key.created + PUBLISHED_BEFORE <= now);
  const served: K[] = [];
  const ended: K[] = [];
  newestFirst.forEach((key, index) => {
    const next = newestFirst[index - 1];
    // It has signed until the next one was old enough to.
    const last = next === undefined ? Number.POSITIVE_INFINITY : next.created + PUBLISHED_BEFORE;
    (last + PUBLISHED_AFTER > now ? served : ended).push(key);
  });
  const newest = newestFirst[0];
  return {
    signing,
    served,
    ended,
    due: newest === undefined || newest.created + rotation - PUBLISHED_BEFORE <= now,
  };
}
