import { setTimeout as sleep } from 'node:timers/promises';
import type { Tenant } from '../access/scope.ts';
import { FhirError, fhirError, operationOutcome } from '../fhir/outcome.ts';
import type { JsonObject } from '../json/types.ts';
import { type Connections, isTransient } from '../storage/connections.ts';
import { uuidV7 } from '../storage/row-id.ts';
import { type JobHandler, JobInterrupted, type JobProgress, type JobResult, type JobStatus } from './job.ts';
import type { JobSealer } from './job-sealer.ts';
import { type ClaimedJob, JobStore, type OpenJob } from './job-store.ts';
import { LoadGauge } from './load.ts';

export interface JobQueueOptions {
  /** Milliseconds between looks for open jobs; default 1000. */
  readonly poll?: number;
  /** Milliseconds between signs of life of running jobs; default 5000. */
  readonly heartbeat?: number;
  /** Jobs at once in this process; default 2. Of the heavy kinds there is never more than one. */
  readonly concurrency?: number;
  /** Waiting and running jobs that a tenant may have; default 100. */
  readonly maxOpen?: number;
  /** Encrypts requests and results; default: they are kept in clear. */
  readonly sealer?: JobSealer;
  /** Told of failures that are not the client's. */
  readonly onError?: (error: unknown, job?: { readonly kind: string; readonly id: string }) => void;
}

interface Running {
  readonly job: ClaimedJob;
  readonly heavy: boolean;
  readonly controller: AbortController;
  done: Promise<void>;
}

/** Times a job may be taken without making progress, before it is given up as one that kills its workers. */
const MAX_ATTEMPTS = 5;
/** Looks for work that a process may leave out in a row because it is busy. */
const MAX_SKIPPED = 10;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Work that outlives its request, kept in table store.job: any process can take any job, and a job whose process dies
 * is taken over by another within about half a minute and goes on where its handler last saved.
 */
export class JobQueue {
  readonly #store: JobStore;
  readonly #options: Required<Omit<JobQueueOptions, 'sealer'>>;
  readonly #gauge = new LoadGauge();
  readonly #running = new Map<string, Running>();
  #handlers: ReadonlyMap<string, JobHandler> = new Map();
  #loop: Promise<void> | undefined;
  #stopping = false;
  #wake: () => void = () => {};
  #woken = false;
  #skipped = 0;
  #beat: NodeJS.Timeout | undefined;

  constructor(connections: Connections, options: JobQueueOptions = {}) {
    this.#store = new JobStore(connections, options.sealer);
    this.#options = {
      poll: 1000,
      heartbeat: 5000,
      concurrency: 2,
      maxOpen: 100,
      onError: () => {},
      ...options,
    };
  }

  /**
   * Makes a job. It is durable when this resolves.
   * @param kind which handler is to do it
   * @param request what the handler needs; of modest size
   * @param body text of any size, kept until the job has ended
   * @returns the job's id
   * @throws FhirError 429 when the tenant has too many open jobs, 503 when the database is away
   */
  async enqueue(tenant: Tenant, kind: string, request: JsonObject, body?: string): Promise<string> {
    const id = uuidV7();
    if (!(await this.#store.insert(tenant, { id, kind, request, body }, this.#options.maxOpen))) {
      throw new FhirError(
        429,
        {
          severity: 'error',
          code: 'throttled',
          diagnostics: 'Too many jobs are waiting already. Try again later.',
        },
        { 'Retry-After': '30' },
      );
    }
    this.#wakeUp();
    return id;
  }

  /**
   * Keeps a part of what a running job makes, sealed and removed as results of jobs are. It is found by {@link status},
   * and given up by {@link cancel}.
   * @param kind what it is; no handler may have it
   * @returns its id
   */
  async keep(tenant: Tenant, kind: string, request: JsonObject, result: string): Promise<string> {
    const id = uuidV7();
    await this.#store.insertEnded(tenant, { id, kind, request, result });
    return id;
  }

  /** Jobs that wait or run, by kind, and when the oldest was made: for /metrics. */
  depths(): Promise<Map<string, { depth: number; oldest: number }>> {
    return this.#store.depths();
  }

  /** A job of the tenant; undefined when it has no such job (any more). */
  async status(tenant: Tenant, id: string): Promise<JobStatus | undefined> {
    return UUID.test(id) ? this.#store.status(tenant, id) : undefined;
  }

  /**
   * Cancels a job, or gives up the result of one that has ended. A running one stops within seconds.
   * @returns false when the tenant has no such job, or it was cancelled before
   */
  async cancel(tenant: Tenant, id: string): Promise<boolean> {
    if (!UUID.test(id) || !(await this.#store.cancel(tenant, id))) return false;
    this.#running.get(id)?.controller.abort(new JobInterrupted('cancelled'));
    return true;
  }

  /** How many jobs this process is doing: for /metrics. */
  get running(): number {
    return this.#running.size;
  }

  /** Begins to take jobs of the kinds that have a handler here. */
  start(handlers: Readonly<Record<string, JobHandler>>): void {
    if (this.#loop !== undefined) throw new Error('The job queue was started before');
    this.#handlers = new Map(Object.entries(handlers));
    this.#loop = this.#work();
    this.#beat = setInterval(() => void this.#heartbeats(), this.#options.heartbeat);
    this.#beat.unref();
  }

  /**
   * Takes no more jobs and asks the running ones to stop; what has stopped goes back into the queue for others.
   * @param patience milliseconds to wait for handlers; what still runs then is taken over by others later
   */
  async stop(patience = 20_000): Promise<void> {
    this.#stopping = true;
    this.#wakeUp();
    for (const { controller } of this.#running.values()) controller.abort(new JobInterrupted('stopping'));
    await this.#loop;
    for (const { controller } of this.#running.values()) controller.abort(new JobInterrupted('stopping'));
    const all = Promise.allSettled([...this.#running.values()].map(({ done }) => done));
    await Promise.race([all, sleep(patience, undefined, { ref: false })]);
    clearInterval(this.#beat);
  }

  #wakeUp(): void {
    this.#woken = true;
    this.#wake();
  }

  async #work(): Promise<void> {
    while (!this.#stopping) {
      const woken = this.#woken;
      this.#woken = false;
      try {
        if (this.#mayLook(woken)) await this.#takeJobs();
      } catch (error) {
        // While the database is away others report it.
        if (!isTransient(error)) this.#options.onError(error);
      }
      if (!this.#woken && !this.#stopping) await this.#pause();
    }
  }

  /** A busy process leaves work to others, though not for ever; what came in here itself it begins at once. */
  #mayLook(woken: boolean): boolean {
    const busy = this.#gauge.busy();
    if (this.#running.size >= this.#options.concurrency) return false;
    if ((this.#gauge.full() || (busy && !woken)) && this.#skipped < MAX_SKIPPED) {
      this.#skipped++;
      return false;
    }
    this.#skipped = 0;
    return true;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      // Not all processes at the same time.
      const timer = setTimeout(resolve, this.#options.poll * (0.75 + Math.random() / 2));
      timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #takeJobs(): Promise<void> {
    for (const open of await this.#store.open()) {
      if (this.#stopping || this.#running.size >= this.#options.concurrency) return;
      const handler = this.#handlers.get(open.kind);
      if (handler === undefined || (handler.heavy && this.#heavy())) continue;
      await this.#take(open, handler);
    }
  }

  #heavy(): boolean {
    for (const { heavy } of this.#running.values()) if (heavy) return true;
    return false;
  }

  async #take(open: OpenJob, handler: JobHandler): Promise<void> {
    // Its own earlier attempt may still be at work when the database was away for longer than the silence allowed.
    if (this.#running.has(open.id)) return;
    const job = await this.#store.claim(open, crypto.randomUUID());
    if (job === undefined) return;
    const running: Running = {
      job,
      heavy: handler.heavy,
      controller: new AbortController(),
      done: Promise.resolve(),
    };
    this.#running.set(job.id, running);
    running.done = this.#do(running, handler)
      .catch((error) => this.#options.onError(error, job))
      .finally(() => {
        this.#running.delete(job.id);
        this.#wakeUp();
      });
  }

  async #do({ job, controller }: Running, handler: JobHandler): Promise<void> {
    const { signal } = controller;
    if (job.attempts > MAX_ATTEMPTS) {
      const error = fhirError(500, 'exception', 'The job was given up: it failed several times over.');
      await this.#finish(job, signal, 'failed', failure(error));
      return;
    }
    let outcome: JobResult;
    try {
      outcome = await handler.run({
        tenant: job.tenant,
        id: job.id,
        request: job.request,
        body: job.body,
        progress: job.progress,
        signal,
        save: (progress) => this.#save(job, controller, progress),
      });
    } catch (error) {
      if (error instanceof JobInterrupted) {
        if (error.reason === 'stopping') await this.#store.release(job);
        return;
      }
      // Left as it is: when its silence has lasted long enough it is taken again, here or elsewhere.
      if (isTransient(error)) return;
      if (!(error instanceof FhirError)) this.#options.onError(error, job);
      await this.#finish(job, signal, 'failed', failure(error));
      return;
    }
    await this.#finish(job, signal, 'done', outcome);
  }

  async #save(job: ClaimedJob, controller: AbortController, progress: JobProgress): Promise<void> {
    if (!(await this.#store.save(job, progress))) controller.abort(new JobInterrupted('lost'));
    controller.signal.throwIfAborted();
  }

  /** Records the end of a job, for which it waits out a database that is away: what was done cannot be done again. */
  async #finish(
    job: ClaimedJob,
    signal: AbortSignal,
    state: 'done' | 'failed',
    outcome: JobResult,
  ): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#store.finish(job, state, outcome);
        return;
      } catch (error) {
        const { reason } = signal as { reason?: unknown };
        const mine = !(reason instanceof JobInterrupted) || reason.reason === 'stopping';
        if (!isTransient(error) || !mine || attempt === 60) throw error;
        await sleep(Math.min(5000, 100 * 2 ** attempt));
      }
    }
  }

  async #heartbeats(): Promise<void> {
    for (const { job, controller } of [...this.#running.values()]) {
      try {
        if (await this.#store.heartbeat(job)) continue;
        if (this.#running.get(job.id)?.job === job) controller.abort(new JobInterrupted('lost'));
      } catch {
        // The next beat may come through; if none does, others may take the job, and a later beat tells so.
      }
    }
  }
}

function failure(error: unknown): JobResult {
  const known =
    error instanceof FhirError
      ? error
      : fhirError(500, 'exception', 'The job failed. The failure has been logged.');
  return { status: known.status, result: JSON.stringify(operationOutcome(known.issues)) };
}
