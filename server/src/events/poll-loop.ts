import { isTransient } from '../storage/connections.ts';

export interface PollLoopOptions {
  /** Milliseconds between looks when nobody wakes it; a quarter more or less, so that not all processes look at once. */
  readonly poll: number;
  /** Looks for work and begins it. */
  readonly look: () => Promise<void>;
  /** Told of failures, except those of a database that is away: others report these. */
  readonly onError: (error: unknown) => void;
}

/** Looks for work again and again, at once when it is woken. One look at a time. */
export class PollLoop {
  readonly #options: PollLoopOptions;
  #loop: Promise<void> | undefined;
  #stopping = false;
  #woken = false;
  #wakeUp: () => void = () => {};

  constructor(options: PollLoopOptions) {
    this.#options = options;
  }

  /** Whether it takes up nothing more. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /** Begins; once. */
  start(): void {
    this.#loop ??= this.#work();
  }

  /** There may be work: look now, or again when the look that is under way has ended. */
  wake(): void {
    this.#woken = true;
    this.#wakeUp();
  }

  /** @returns when the last look has ended; the work that it has begun may go on */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.wake();
    await this.#loop;
  }

  async #work(): Promise<void> {
    const { look, onError } = this.#options;
    while (!this.#stopping) {
      this.#woken = false;
      try {
        await look();
      } catch (error) {
        if (!isTransient(error)) onError(error);
      }
      if (!this.#woken && !this.#stopping) await this.#pause();
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#options.poll * (0.75 + Math.random() / 2));
      timer.unref();
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
