import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Without requests for this long, in milliseconds, a process counts as idle. */
const IDLE = 3000;
/** Grown by less than this many bytes since it was last collected, the heap is left alone. */
const WORTH = 30_000_000;

/** After large bodies of this many bytes in all, their garbage is collected at once. */
const BODIES = 40_000_000;

/**
 * Gives memory back after a burst of work. V8 collects when it allocates, so a process that loaded large bundles and
 * then rests would keep hundreds of megabytes of garbage; this collects it once the process is idle.
 */
export class IdleMemory {
  readonly #timer: NodeJS.Timeout;
  readonly #collect: (options?: { type: 'major'; flavor?: 'last-resort'; execution?: 'sync' }) => void;
  #bodies = 0;
  #last = performance.now();
  #kept = 0;

  constructor() {
    setFlagsFromString('--expose-gc');
    this.#collect = runInNewContext('gc');
    this.#timer = setInterval(() => {
      if (performance.now() - this.#last < IDLE || process.memoryUsage().heapTotal < this.#kept + WORTH)
        return;
      // The last-resort flavour also shrinks the heap; it takes tens of milliseconds, which nobody is waiting for.
      this.#collect({ type: 'major', flavor: 'last-resort' });
      this.#kept = process.memoryUsage().heapTotal;
    }, IDLE);
    this.#timer.unref();
  }

  /**
   * Notes that a large body has been worked on. A bundle becomes ten times its bytes of garbage, and V8 would rather
   * let the heap grow than collect that between two of them; collecting takes a hundredth of the time of the work.
   */
  worked(bytes: number): void {
    this.#bodies += bytes;
    if (this.#bodies < BODIES) return;
    this.#bodies = 0;
    setImmediate(() => this.#collect({ type: 'major' }));
  }

  /** Notes that a request came. */
  busy(): void {
    this.#last = performance.now();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
