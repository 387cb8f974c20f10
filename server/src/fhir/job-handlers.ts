import type { JobHandler } from '../jobs/job.ts';
import { REINDEX_JOB, reindexJob } from '../jobs/reindex-job.ts';
import { LARGE_REQUEST_JOB, REQUEST_JOB, requestJob } from './interactions/async.ts';
import { EXPORT_JOB } from './operations/export/answers.ts';
import { exportJob } from './operations/export/job.ts';
import type { Services } from './services.ts';

/** What does the jobs of each kind, for JobQueue.start. */
export function jobHandlers(services: Services): Record<string, JobHandler> {
  return {
    [REINDEX_JOB]: reindexJob(services),
    [EXPORT_JOB]: exportJob(services),
    [REQUEST_JOB]: requestJob(services, false),
    [LARGE_REQUEST_JOB]: requestJob(services, true),
  };
}
