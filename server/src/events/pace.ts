import { performance } from 'node:perf_hooks';

export interface PaceOptions {
  /** Answers that clients got from this process so far: grows. */
  readonly answered: () => number;
  /** Milliseconds that are looked at to tell whether the process is busy; default 250. */
  readonly sample?: number;
  /** Part of the time since it was asked last that the event loop was taken; the process' own by default. For tests. */
  readonly utilization?: () => number;
}

/** Part of the event loop's time that is taken when the process counts as busy. */
const BUSY = 0.75;
/** Answers a second without which it is its own work that keeps it busy, and there is nobody to give way to. */
const FEW = 10;
/** How long is rested after a piece of work, as a multiple of its time, and at most, in milliseconds. */
const REST = 4;
const LONGEST_REST = 2000;

/**
 * Lets work that can wait give way to clients: while they keep the process busy it is done one piece after another, in a
 * fifth of the time, and so goes on without holding them up. Else all of it is done at once.
 */
export class Pace {
  readonly #options: Required<PaceOptions>;
  #lastAnswered = 0;
  #lastAt = performance.now();
  #busy = false;
  #turn: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PaceOptions) {
    this.#options = { sample: 250, utilization: eventLoopUtilization(), ...options };
  }

  /** Begins to look at how busy the process is. */
  start(): void {
    this.#timer ??= setInterval(() => this.#look(), this.#options.sample).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#busy = false;
  }

  /** Whether clients keep the process busy. */
  get busy(): boolean {
    return this.#busy;
  }

  /**
   * Does work when its turn has come: at once unless the process is busy.
   * @throws what the work throws, or the signal's reason when it ends before the turn
   */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (!this.#busy) return work();
    const before = this.#turn;
    const mine = Promise.withResolvers<void>();
    this.#turn = mine.promise;
    await before;
    const began = performance.now();
    try {
      signal?.throwIfAborted();
      return await work();
    } finally {
      this.#rest(performance.now() - began, signal).then(mine.resolve, mine.resolve);
    }
  }

  async #rest(worked: number, signal: AbortSignal | undefined): Promise<void> {
    const until = performance.now() + Math.min(LONGEST_REST, worked * REST);
    while (this.#busy && !signal?.aborted && performance.now() < until)
      await new Promise((resolve) =>
        setTimeout(resolve, Math.min(this.#options.sample, worked * REST)).unref(),
      );
  }

  #look(): void {
    const now = performance.now();
    const { answered: count, utilization } = this.#options;
    const answered = count();
    const rate = ((answered - this.#lastAnswered) * 1000) / Math.max(1, now - this.#lastAt);
    this.#busy = utilization() > BUSY && rate > FEW;
    this.#lastAnswered = answered;
    this.#lastAt = now;
  }
}

/** Tells which part of the time since it was asked last the event loop was taken. */
function eventLoopUtilization(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}
