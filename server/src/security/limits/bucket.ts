/** How much may be asked: `perMinute` requests in the long run, and `burst` at once. */
export interface Limit {
  readonly perMinute: number;
  readonly burst: number;
}

/** What a bucket had to say, in requests and milliseconds. */
export interface BucketState {
  /** How many more would be let through now. */
  remaining: number;
  /** Until the bucket is full again. */
  fullAfter: number;
  /** Until the request would be let through; 0 if it is now. */
  retryAfter: number;
}

/**
 * Token buckets by key. A bucket is one number, the moment at which it will be full again (the generic cell rate
 * algorithm, ITU-T I.371: the same as a token bucket, without refilling), so a bucket that is full needs none.
 *
 * Memory is bounded by two generations of `capacity` buckets: when the young one is full, the old one is forgotten.
 * A bucket that is in use moves to the young one, so that others cannot push it out without using it up themselves.
 */
export class Buckets {
  readonly #interval: number;
  readonly #window: number;
  readonly #capacity: number;
  #young = new Map<string, number>();
  #old = new Map<string, number>();

  /** @param capacity most buckets of a generation */
  constructor({ perMinute, burst }: Limit, capacity: number) {
    this.#interval = 60_000 / perMinute;
    this.#window = burst * this.#interval;
    this.#capacity = capacity;
  }

  /** Buckets in memory. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /**
   * What would be if `cost` requests were made now; nothing is taken.
   * @param now milliseconds of a clock that does not go back
   */
  look(key: string, now: number, cost: number, into: BucketState): BucketState {
    const full = Math.max(this.#young.get(key) ?? this.#old.get(key) ?? 0, now);
    const room = this.#window - (full - now);
    // A cost above the burst is let through when the bucket is full: it could never be otherwise.
    const needed = Math.min(cost * this.#interval, this.#window);
    into.retryAfter = room + EPSILON >= needed ? 0 : needed - room;
    into.remaining = Math.floor((room + EPSILON) / this.#interval);
    into.fullAfter = full - now;
    return into;
  }

  /** Takes `cost` requests, also when there is not enough left: who takes looks first. */
  take(key: string, now: number, cost: number): void {
    const full = Math.max(this.#young.get(key) ?? this.#old.get(key) ?? 0, now);
    if (this.#young.size >= this.#capacity && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, full + cost * this.#interval);
  }
}

/** Rounding of the milliseconds must not cost a request. */
const EPSILON = 1e-6;
