import type { JobHandler } from '../jobs/job.ts';
import { REINDEX_JOB, reindexJob } from '../jobs/reindex-job.ts';
import { LARGE_REQUEST_JOB, REQUEST_JOB, requestJob } from './interactions/async.ts';
import type { Services } from './services.ts';

/** What does the jobs of each kind, for JobQueue.start. */
export function jobHandlers(services: Services): Record<string, JobHandler> {
  return {
    [REINDEX_JOB]: reindexJob(services),
    [REQUEST_JOB]: requestJob(services, false),
    [LARGE_REQUEST_JOB]: requestJob(services, true),
  };
}
