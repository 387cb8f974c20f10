import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './server/test/longest-first.ts';

export default defineConfig({
  test: {
    // One project: each would start a PostgreSQL of its own, and at its end its processes, with all they have loaded.
    include: [
      'server/{src,test}/**/*.test.ts',
      'bench/src/**/*.test.ts',
      'smart-apps/*/src/**/*.test.ts',
      'test/src/**/*.test.ts',
    ],
    globalSetup: ['server/test/global-setup.ts'],
    setupFiles: ['server/test/undo-stubs.ts'],
    sequence: { sequencer: LongestFirst },
    pool: 'forks',
    // One more than there are processors, which idle while a test waits.
    maxWorkers: Math.min(5, availableParallelism() + 1),
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Files share a process and what it has loaded: to load the server for each of them would be an eighth of the time.
    isolate: false,
  },
});
