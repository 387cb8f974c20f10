import pg from 'pg';

export interface WatchdogOptions {
  readonly connectionString: string;
  /** After this many milliseconds a statement that is still unanswered is a reason to ask whether the database is there. */
  readonly patience: number;
}

/** A process that comes so many milliseconds late to what it wanted to do at a time has stood still meanwhile. */
const LATE = 500;

/**
 * Notices a database that neither answers nor refuses: a frozen machine, a network that drops packets. Its connections
 * look alive for a quarter of an hour, and whoever waits for an answer on one of them would wait as long. A statement that
 * only takes its time is left alone: the database is asked on a connection of its own whether it still answers.
 */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #lent = new Map<pg.PoolClient, number>();
  readonly #timer: NodeJS.Timeout;
  readonly #interval: number;
  /** When it last looked, and when this process last had stood still, as of performance.now(). */
  #looked = performance.now();
  #stoodStill = Number.NEGATIVE_INFINITY;
  #asking = false;
  #silent = false;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#interval = Math.min(1000, options.patience / 2);
    this.#timer = setInterval(() => void this.#look(), this.#interval);
    this.#timer.unref();
  }

  /** True while the database does not answer: nothing should be asked of it. */
  get silent(): boolean {
    return this.#silent;
  }

  /**
   * Whether this process itself has stood still at some time since then, in a long computation or for want of a processor.
   * Timers come before what has arrived meanwhile, so that what ran out of time may only be unread.
   * @param since as of performance.now()
   */
  stoodStill(since: number): boolean {
    return this.#stoodStill > since || performance.now() - this.#looked > this.#interval + LATE;
  }

  /** A connection is lent to a caller. */
  lent(client: pg.PoolClient): void {
    this.#lent.set(client, performance.now());
  }

  /** It was given back. */
  returned(client: pg.PoolClient): void {
    this.#lent.delete(client);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const now = performance.now();
    if (now - this.#looked > this.#interval + LATE) this.#stoodStill = now;
    this.#looked = now;
    if (this.#asking) return;
    const old = [...this.#lent].filter(([, since]) => now - since > this.#options.patience);
    if (old.length === 0 && !this.#silent) return;
    this.#asking = true;
    try {
      const answers = await this.#answers();
      // Who stood still knows nothing: it is asked again at the next look.
      if (!answers && this.stoodStill(now)) return;
      this.#silent = !answers;
      if (answers) return;
      // Whoever waits on them gets an error, which tells that the database is away.
      for (const [client, since] of this.#lent) {
        if (performance.now() - since > this.#options.patience) breakOff(client);
      }
    } finally {
      this.#asking = false;
    }
  }

  async #answers(): Promise<boolean> {
    const { connectionString, patience } = this.#options;
    const client = new pg.Client({
      connectionString,
      connectionTimeoutMillis: patience,
      query_timeout: patience,
      application_name: 'vesta-watchdog',
    });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('select 1');
      return true;
    } catch (error) {
      // One that refuses, for want of connections or because it is starting, does answer: it tells callers itself.
      return /^[0-9A-Z]{5}$/.test((error as { code?: string }).code ?? '');
    } finally {
      breakOff(client);
    }
  }
}

/** Ends a connection at once, without a word to the other side. */
function breakOff(client: pg.ClientBase): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
  connection.stream.destroy();
}
