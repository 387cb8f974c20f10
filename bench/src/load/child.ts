// A process of its own for the load, so that it shares its event loop with nothing else. One job, one answer.
import { answerJob } from '../child-process.ts';
import { runLoad } from './run-load.ts';
import { runCollect, runIngest } from './run-once.ts';
import type { Job } from './types.ts';

answerJob(async (job: Job) => {
  if (job.kind === 'load') return await runLoad(job);
  return job.kind === 'collect' ? await runCollect(job) : await runIngest(job);
});
