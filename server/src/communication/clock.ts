import type { Pace } from '../events/pace.ts';
import { PollLoop } from '../events/poll-loop.ts';
import type { CommunicationAgenda, DueEntry } from '../storage/communication/agenda.ts';
import { isTransient } from '../storage/connections.ts';

export interface ClockOptions {
  readonly agenda: CommunicationAgenda;
  /** Does what is due. @throws what makes it be tried again later */
  readonly handle: (entry: DueEntry, signal: AbortSignal) => Promise<void>;
  readonly onError: (error: unknown) => void;
  /** Milliseconds between looks; default 1000. */
  readonly poll?: number;
  /** Milliseconds that an entry stays with a process that has died: longer than handling it can take. Default 120,000. */
  readonly lease?: number;
  /** Entries that this process works on at once; default 8. */
  readonly concurrency?: number;
  /** What it keeps to; without it, it gives way to nobody. */
  readonly pace?: Pace;
}

/** 2, 4, 8 s and so on, an hour at most. */
const backOff = (failures: number): number => Math.min(3_600_000, 2000 * 2 ** failures);

/** Does what is due, by whichever server process is free. What a process has left undone when it died is taken again. */
export class CommunicationClock {
  readonly #options: Required<Omit<ClockOptions, 'pace'>> & Pick<ClockOptions, 'pace'>;
  readonly #working = new Map<Promise<void>, AbortController>();
  readonly #loop: PollLoop;

  constructor(options: ClockOptions) {
    this.#options = { poll: 1000, lease: 120_000, concurrency: 8, ...options };
    const { poll, onError } = this.#options;
    this.#loop = new PollLoop({ poll, look: () => this.#takeAll(), onError });
  }

  start(): void {
    this.#loop.start();
  }

  /** Something may be due: look now. */
  wake(): void {
    this.#loop.wake();
  }

  /** Takes nothing more, and waits for what is under way, `patience` milliseconds at most. */
  async stop(patience = 10_000): Promise<void> {
    await this.#loop.stop();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patience);
    });
    await Promise.race([Promise.allSettled(this.#working.keys()), late]);
    clearTimeout(timer);
    for (const controller of this.#working.values()) controller.abort(new Error('The server stops'));
  }

  async #takeAll(): Promise<void> {
    const { agenda, concurrency, lease } = this.#options;
    if (this.#working.size >= concurrency) return;
    const tenants = await agenda.tenants();
    // Nobody's messages wait for all of another's.
    const share = Math.max(1, Math.floor(concurrency / Math.max(1, tenants.length)));
    for (const tenant of tenants) {
      const free = concurrency - this.#working.size;
      if (free <= 0 || this.#loop.stopping) return;
      for (const entry of await agenda.take(tenant, Math.min(free, share), lease)) this.#begin(entry);
    }
  }

  #begin(entry: DueEntry): void {
    const controller = new AbortController();
    const ended = this.#handle(entry, controller.signal)
      .catch((error) => {
        // What could not be recorded stays leased: it is taken again when the lease is over.
        if (!isTransient(error)) this.#options.onError(error);
      })
      .finally(() => {
        this.#working.delete(ended);
        this.wake();
      });
    this.#working.set(ended, controller);
  }

  async #handle(entry: DueEntry, signal: AbortSignal): Promise<void> {
    const { agenda, handle, onError, pace } = this.#options;
    const work = () => handle(entry, signal);
    try {
      await (pace === undefined || entry.urgent ? work() : pace.run(work, signal));
    } catch (error) {
      if (!isTransient(error)) onError(error);
      await agenda.failed(entry, backOff(entry.failures));
      return;
    }
    await agenda.done(entry);
  }
}
