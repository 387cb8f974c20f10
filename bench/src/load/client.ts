import { runInChild } from '../child-process.ts';
import type { Job, ResultOf } from './types.ts';

/** Runs a job of the load client in a child process. @throws Error when it could not be carried out */
export async function runJob<J extends Job>(job: J): Promise<ResultOf<J>> {
  return await runInChild<J, ResultOf<J>>(new URL('./child.ts', import.meta.url), job);
}
