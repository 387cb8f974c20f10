import type { Tenant } from '../access/scope.ts';
import type { JsonObject } from '../json/types.ts';

export type JobState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';

/** A job as those who ask for it see it. */
export interface JobStatus {
  readonly id: string;
  readonly kind: string;
  readonly state: JobState;
  /** What {@link JobQueue.enqueue} was given. */
  readonly request: JsonObject;
  /** What the handler saved last; `text` is what a person reads. */
  readonly progress: JobProgress;
  /** HTTP status of the result, when it is done or has failed. */
  readonly status?: number;
  /** JSON text of the resource that is the result. */
  readonly result?: string;
  /** Epoch milliseconds by the database's clock: when it was made, and when it last gave a sign of life or ended. */
  readonly created: number;
  readonly heartbeat: number;
  /** The database's time when this was read. */
  readonly now: number;
}

/** What a handler saves on its way: its position in its own words, and a line for people (under 100 characters). */
export interface JobProgress extends JsonObject {
  text?: string;
}

export interface JobResult {
  readonly status: number;
  /** JSON text of a resource. */
  readonly result: string;
}

/** A job in the hands of its handler. */
export interface RunningJob {
  readonly tenant: Tenant;
  readonly id: string;
  readonly request: JsonObject;
  readonly body: string | undefined;
  /** What was saved last, by another worker perhaps: where to go on. Empty at the first start. */
  readonly progress: JobProgress;
  /** Ends with a {@link JobInterrupted} when the job was cancelled, was lost to another worker, or the process stops. */
  readonly signal: AbortSignal;
  /**
   * Saves the position. After a crash another worker goes on from here.
   * @throws JobInterrupted when the job is no longer this worker's: stop at once
   */
  save(progress: JobProgress): Promise<void>;
}

/** What does the jobs of one kind. */
export interface JobHandler {
  /** Of the heavy ones a process does one at a time. */
  readonly heavy: boolean;
  /**
   * Does the job from where `progress` says. Called again, here or elsewhere, when a worker died or was stopped.
   * @throws what `job.signal` says, when it stopped for it; FhirError for a failure that the client is told
   */
  run(job: RunningJob): Promise<JobResult>;
}

/** Why a job has to stop: cancelled by a client, taken over by another worker, or the process is stopping. */
export class JobInterrupted extends Error {
  readonly reason: 'cancelled' | 'lost' | 'stopping';

  constructor(reason: JobInterrupted['reason']) {
    super(`The job was interrupted: ${reason}`);
    this.name = 'JobInterrupted';
    this.reason = reason;
  }
}
