import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: ['server/test/global-setup.ts'],
    pool: 'forks',
    maxWorkers: Math.max(1, Math.min(4, availableParallelism())),
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['server/src/**/*.test.ts', 'bench/src/**/*.test.ts', 'smart-apps/*/src/**/*.test.ts'],
          // Pure code leaves nothing behind: files share a process, and what it has loaded.
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: 'integration', include: ['server/test/**/*.test.ts', 'test/src/**/*.test.ts'] },
      },
    ],
  },
});
