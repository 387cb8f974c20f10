export interface BreakerOptions {
  /** Failures in a row that open it; default 5. */
  readonly failures?: number;
  /** Milliseconds that it stays open before one request may try; default 30,000. */
  readonly pause?: number;
  /** Milliseconds that never go back; for tests. */
  readonly clock?: () => number;
}

/** A circuit breaker: after several failures in a row it lets nothing through for a while, then one request at a time. */
export class CircuitBreaker {
  readonly #failures: number;
  readonly #pause: number;
  readonly #clock: () => number;
  #count = 0;
  #openUntil: number | undefined;
  #trying = false;

  constructor({ failures = 5, pause = 30_000, clock = () => performance.now() }: BreakerOptions = {}) {
    this.#failures = failures;
    this.#pause = pause;
    this.#clock = clock;
  }

  /** Whether a request may be made now. Who is told so must tell {@link succeeded} or {@link failed}. */
  allows(): boolean {
    if (this.#openUntil === undefined) return true;
    if (this.#trying || this.#clock() < this.#openUntil) return false;
    this.#trying = true;
    return true;
  }

  succeeded(): void {
    this.#count = 0;
    this.#openUntil = undefined;
    this.#trying = false;
  }

  failed(): void {
    this.#count++;
    this.#trying = false;
    if (this.#openUntil !== undefined || this.#count >= this.#failures)
      this.#openUntil = this.#clock() + this.#pause;
  }

  get isOpen(): boolean {
    return this.#openUntil !== undefined;
  }
}
