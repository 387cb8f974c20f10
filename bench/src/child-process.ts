import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onEnd } from './cleanup.ts';

type Answer<R> = { readonly result: R } | { readonly error: string };

/** In a child process: waits for one job, carries it out, answers and ends. */
export function answerJob<J, R>(work: (job: J) => Promise<R>): void {
  process.once('message', (job) => {
    work(job as J).then(
      (result) => process.send?.({ result } satisfies Answer<R>),
      (error: Error) => process.send?.({ error: error.stack ?? error.message } satisfies Answer<R>),
    );
  });
  process.on('disconnect', () => process.exit());
}

/**
 * Runs a job in a new process whose program calls {@link answerJob}.
 * @throws Error with what went wrong there, or when the process ends without an answer
 */
export async function runInChild<J, R>(program: URL, job: J): Promise<R> {
  const child = startChild(program);
  try {
    return await new Promise<R>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) =>
        reject(new Error(`${fileURLToPath(program)} ended without an answer (${signal ?? code})`)),
      );
      child.once('message', (answer) => {
        const { result, error } = answer as { result?: R; error?: string };
        if (error === undefined) resolve(result as R);
        else reject(new Error(error));
      });
      child.send(job as object);
    });
  } finally {
    await child.finish();
  }
}

/** A child process that ends with this one; `finish` disconnects and waits until it is gone. */
export function startChild(
  program: URL,
  args: readonly string[] = [],
): ChildProcess & { finish(): Promise<void> } {
  // Structured clones: a Float64Array or undefined in a job arrives as what it is.
  const child = fork(fileURLToPath(program), args, { serialization: 'advanced' });
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const finish = onEnd(`process ${child.pid}`, async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
    await gone;
    clearTimeout(timer);
  });
  return Object.assign(child, { finish });
}
