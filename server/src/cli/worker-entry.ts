import { flushCompileCache } from 'node:module';

// What each server process of the cluster runs. The primary stops it with SIGTERM; a Ctrl-C at the terminal reaches
// the whole group, and only the primary may act on it.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});

try {
  const { startWorker } = await import('../http/worker.ts');
  await startWorker();
  // Written at exit otherwise, which a process that is killed does not reach.
  setTimeout(flushCompileCache, 1000).unref();
} catch (error) {
  const { syscall } = error as NodeJS.ErrnoException;
  console.error(syscall === 'bind' || syscall === 'listen' ? (error as Error).message : error);
  process.exit(1);
}
