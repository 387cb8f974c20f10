import { afterAll, vi } from 'vitest';

/* Files share a process: what one has stubbed is not for the next. */
afterAll(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});
