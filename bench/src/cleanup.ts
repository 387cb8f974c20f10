/**
 * What has to be undone when the benchmark ends, in whatever way: children ended, directories removed. The newest comes
 * first, so that a server is stopped before the directory of its data goes.
 */
const tasks = new Map<symbol, { readonly what: string; readonly undo: () => unknown }>();
let running: Promise<void> | undefined;

/** Registers something to undo; returns a function that undoes it now (once). */
export function onEnd(what: string, undo: () => unknown): () => Promise<void> {
  const key = Symbol(what);
  tasks.set(key, { what, undo });
  return async () => {
    if (!tasks.delete(key)) return;
    await undo();
  };
}

/** Undoes everything that is left; an error in one does not keep the others from being undone. */
export function cleanUp(): Promise<void> {
  running ??= (async () => {
    while (tasks.size > 0) {
      const [key, task] = [...tasks].at(-1)!;
      tasks.delete(key);
      try {
        await task.undo();
      } catch (error) {
        console.error(`While ending (${task.what}): ${(error as Error).message}`);
      }
    }
    running = undefined;
  })();
  return running;
}

/** Cleans up on signals from the terminal, and when the process that started this one is gone. */
export function cleanUpOnSignals(): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => {
      console.error(`\n${signal}: ending and cleaning up`);
      cleanUp().finally(() => process.exit(code));
    });
  }
  process.on('disconnect', () => {
    cleanUp().finally(() => process.exit(1));
  });
}
