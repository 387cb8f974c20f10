import { type BucketState, Buckets, type Limit } from './bucket.ts';

/** What limits count by. */
export type Dimension = 'address' | 'client' | 'user' | 'tenant';

/** Kinds of requests with limits of their own; `auth` is what takes passwords, codes and client secrets. */
export type RequestClass = 'fhir' | 'auth';

/** Limits of each class; a dimension without a limit is not counted. */
export type RateLimits = Readonly<Record<RequestClass, Readonly<Partial<Record<Dimension, Limit>>>>>;

/** Who a request counts for. */
export interface Subject {
  /** As {@link addressKey} writes it. */
  readonly address?: string | undefined;
  readonly tenant?: string | undefined;
  readonly client?: string | undefined;
  readonly user?: string | undefined;
}

/** What became of a request: of the dimensions that count it, the one that has least left. */
export interface RateVerdict {
  readonly allowed: boolean;
  readonly dimension: Dimension;
  readonly limit: Limit;
  /** Requests that would be let through now. */
  readonly remaining: number;
  /** Seconds until all of the burst is there again. */
  readonly reset: number;
  /** Seconds until the request would be let through; 0 when it was. */
  readonly retryAfter: number;
  /** The policies of the class, as RateLimit-Policy writes them. */
  readonly policies: string;
}

interface Counted {
  readonly dimension: Dimension;
  readonly limit: Limit;
  readonly buckets: Buckets;
}

const DIMENSIONS: readonly Dimension[] = ['address', 'client', 'user', 'tenant'];
const CLASSES: readonly RequestClass[] = ['fhir', 'auth'];
/** Buckets of a dimension in a generation: an address takes about 100 bytes. */
const CAPACITY = 20_000;

/** Counts requests of this process against limits. */
export class RateLimiter {
  readonly #classes = new Map<RequestClass, { counted: readonly Counted[]; policies: string }>();
  readonly #now: () => number;
  readonly #refused: Record<Dimension, number> = { address: 0, client: 0, user: 0, tenant: 0 };
  readonly #state: BucketState = { remaining: 0, fullAfter: 0, retryAfter: 0 };

  /**
   * @param capacity most buckets of each class and dimension, twice over
   * @param now milliseconds of a clock that does not go back; for tests
   */
  constructor(limits: RateLimits, { capacity = CAPACITY, now = () => performance.now() } = {}) {
    this.#now = now;
    for (const name of CLASSES) {
      const counted = DIMENSIONS.flatMap((dimension) => {
        const limit = limits[name][dimension];
        return limit === undefined ? [] : [{ dimension, limit, buckets: new Buckets(limit, capacity) }];
      });
      this.#classes.set(name, { counted, policies: counted.map(policyText).join(', ') });
    }
  }

  /** Whether requests of a class are counted by a dimension at all. */
  counts(name: RequestClass, dimension: Dimension): boolean {
    return this.#classes.get(name)?.counted.some((one) => one.dimension === dimension) ?? false;
  }

  /** Requests that were refused since the process began, by the dimension whose limit they met: for /metrics. */
  get refused(): Readonly<Record<Dimension, number>> {
    return this.#refused;
  }

  /** Buckets in memory. */
  get size(): number {
    let size = 0;
    for (const { counted } of this.#classes.values()) for (const { buckets } of counted) size += buckets.size;
    return size;
  }

  /**
   * Counts a request. One that is refused is counted nowhere, so that who waits as long as he is told gets through.
   *
   * What is known of who asks grows: count the address (and tenant) before the token is verified, the client and user
   * after it, each once.
   * @param cost how many requests it counts as, such as the entries of a batch
   * @returns undefined when no limit concerns it
   */
  check(name: RequestClass, subject: Subject, cost = 1): RateVerdict | undefined {
    const { counted, policies } = this.#classes.get(name) as {
      counted: readonly Counted[];
      policies: string;
    };
    const now = this.#now();
    const state = this.#state;
    let least: Counted | undefined;
    let remaining = 0;
    let fullAfter = 0;
    let retryAfter = 0;
    for (const one of counted) {
      const key = keyOf(one.dimension, subject);
      if (key === undefined) continue;
      one.buckets.look(key, now, cost, state);
      const worse =
        least === undefined ||
        state.retryAfter > retryAfter ||
        (retryAfter === 0 && state.remaining < remaining);
      if (!worse) continue;
      least = one;
      ({ remaining, fullAfter, retryAfter } = state);
    }
    if (least === undefined) return undefined;
    const allowed = retryAfter === 0;
    if (allowed) {
      for (const { dimension, buckets } of counted) {
        const key = keyOf(dimension, subject);
        if (key !== undefined) buckets.take(key, now, cost);
      }
      remaining = Math.max(0, remaining - cost);
      fullAfter += (cost * 60_000) / least.limit.perMinute;
    } else this.#refused[least.dimension]++;
    return {
      allowed,
      dimension: least.dimension,
      limit: least.limit,
      remaining: allowed ? remaining : 0,
      reset: Math.ceil(fullAfter / 1000),
      retryAfter: Math.ceil(retryAfter / 1000),
      policies,
    };
  }

  /** Counts what a request that was let through has turned out to cost besides, even if there is not so much left. */
  charge(name: RequestClass, subject: Subject, cost: number): void {
    const now = this.#now();
    for (const { dimension, buckets } of this.#classes.get(name)?.counted ?? []) {
      const key = keyOf(dimension, subject);
      if (key !== undefined) buckets.take(key, now, cost);
    }
  }
}

/** Clients and users are named within their tenant. */
function keyOf(dimension: Dimension, subject: Subject): string | undefined {
  const value = subject[dimension];
  if (value === undefined || dimension === 'address' || dimension === 'tenant') return value;
  return `${subject.tenant ?? ''} ${value}`;
}

function policyText({ dimension, limit }: Counted): string {
  return `"${dimension}";q=${limit.burst};w=${Math.max(1, Math.round((limit.burst * 60) / limit.perMinute))}`;
}
