import pg from 'pg';

export interface WatchdogOptions {
  readonly connectionString: string;
  /** After this many milliseconds a statement that is still unanswered is a reason to ask whether the database is there. */
  readonly patience: number;
}

/**
 * Notices a database that neither answers nor refuses: a frozen machine, a network that drops packets. Its connections
 * look alive for a quarter of an hour, and whoever waits for an answer on one of them would wait as long. A statement that
 * only takes its time is left alone: the database is asked on a connection of its own whether it still answers.
 */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #lent = new Map<pg.PoolClient, number>();
  readonly #timer: NodeJS.Timeout;
  #asking = false;
  #silent = false;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#look(), Math.min(1000, options.patience / 2));
    this.#timer.unref();
  }

  /** True while the database does not answer: nothing should be asked of it. */
  get silent(): boolean {
    return this.#silent;
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
    if (this.#asking) return;
    const now = performance.now();
    const old = [...this.#lent].filter(([, since]) => now - since > this.#options.patience);
    if (old.length === 0 && !this.#silent) return;
    this.#asking = true;
    try {
      this.#silent = !(await this.#answers());
      if (!this.#silent) return;
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
