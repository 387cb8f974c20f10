import { expect, it } from 'vitest';
import { TimeLimitError, withinTime } from './service/call.ts';
import { REAL_TIME } from './time.ts';

it('ends a wait when the time is over, and not what is done before', async () => {
  await expect(withinTime(new Promise(() => {}), REAL_TIME.limit(1))).rejects.toThrow(TimeLimitError);
  await expect(withinTime(new Promise(() => {}), REAL_TIME.limit(-1))).rejects.toThrow(TimeLimitError);
  expect(await withinTime(Promise.resolve('done'), REAL_TIME.limit(60_000))).toBe('done');
  await expect(withinTime(new Promise(() => {}), AbortSignal.abort())).rejects.toThrow(TimeLimitError);
});
