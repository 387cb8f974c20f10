import cluster, { type Worker } from 'node:cluster';
import { join } from 'node:path';

export interface WorkersOptions {
  readonly count: number;
  /** Environment of the server processes; undefined removes a variable. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: (message: string) => void;
  /** Called once when restarting has become pointless. */
  readonly giveUp: (reason: string) => void;
  /** Module that a process runs; a test's own. */
  readonly entry?: string;
}

/** glibc's allocator gives freed buffers back to the system only below a threshold that it otherwise raises by itself. */
const MEMORY = { MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_ARENA_MAX: '2' };

/** So many ends per process within a minute, before it listened, are no accidents any more: at the start, and later. */
const FIRST_STARTS = 2;
const STARTS = 5;
const ENDS_PER_MINUTE = 30;

/**
 * The server processes, one per core: keeps as many running as asked for, and stops them gracefully. One that ends is
 * started again, at once the first time, later each time it happens within a minute.
 */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #ends: { time: number; listened: boolean }[] = [];
  readonly #listening = new Set<Worker>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopping = false;
  #everListened = false;
  #onReady: (() => void) | undefined;

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  /** Starts them; resolves when all listen, or when it is given up or stopped: check for that. Never rejects. */
  start(): Promise<void> {
    cluster.setupPrimary({
      exec: this.#options.entry ?? join(import.meta.dirname, 'worker-entry.ts'),
      args: [],
      // The nursery's size in MB. Large bundles make much garbage, of which a small nursery hands less to the old
      // generation; with one still smaller, what bookings keep while they wait for the database outlived it, and a sixth
      // of the processor's time went into collecting it.
      execArgv: [...process.execArgv, '--max-semi-space-size=16'],
    });
    const removed = Object.entries(this.#options.environment).filter(([, value]) => value === undefined);
    // cluster.fork adds to this process' variables and cannot leave one out.
    for (const [name] of removed) delete process.env[name];
    const ready = new Promise<void>((resolve) => {
      this.#onReady = resolve;
    });
    for (let index = 0; index < this.#options.count; index++) this.#fork();
    return ready;
  }

  #fork(): void {
    const defined = Object.entries(this.#options.environment).filter(([, value]) => value !== undefined);
    const worker = cluster.fork({ ...MEMORY, ...Object.fromEntries(defined) });
    worker.on('listening', () => {
      this.#everListened = true;
      this.#listening.add(worker);
      if (this.#listening.size === this.#options.count) this.#onReady?.();
    });
    worker.on('error', (error) =>
      this.#options.log(`Server process ${worker.process.pid}: ${error.message}`),
    );
    worker.on('exit', (code, signal) => this.#ended(worker, signal ?? `code ${code}`));
  }

  #ended(worker: Worker, how: string): void {
    const listened = this.#listening.delete(worker);
    if (this.#stopping) return;
    const now = Date.now();
    this.#ends.push({ time: now, listened });
    while (now - this.#ends[0]!.time > 60_000) this.#ends.shift();
    const unborn = this.#ends.filter((end) => !end.listened).length;
    const patience = (this.#everListened ? STARTS : FIRST_STARTS) * this.#options.count;
    if (unborn >= patience || this.#ends.length > ENDS_PER_MINUTE) {
      this.#stopping = true;
      this.#onReady?.();
      this.#options.giveUp(`Server processes keep ending (the last one with ${how}): giving up`);
      return;
    }
    const wait = this.#ends.length === 1 ? 0 : Math.min(10_000, 100 * 2 ** (this.#ends.length - 2));
    this.#options.log(`Server process ${worker.process.pid} ended with ${how}: starting another one`);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#stopping) this.#fork();
    }, wait);
    this.#timers.add(timer);
  }

  /** Asks all to finish what runs and end; kills what is left after `grace` milliseconds. */
  async stop(grace: number): Promise<void> {
    this.#stopping = true;
    this.#onReady?.();
    for (const timer of this.#timers) clearTimeout(timer);
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    const gone = workers.map((worker) =>
      worker.isDead() ? undefined : new Promise((resolve) => worker.once('exit', resolve)),
    );
    for (const worker of workers) worker.process.kill('SIGTERM');
    const kill = setTimeout(() => this.kill(), grace);
    await Promise.all(gone);
    clearTimeout(kill);
  }

  /** Ends all at once. */
  kill(): void {
    this.#stopping = true;
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL');
  }
}
