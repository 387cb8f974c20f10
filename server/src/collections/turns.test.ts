import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Turns } from './turns.ts';

it('work of one key happens in order and one at a time, also after a failure; other keys do not wait', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const work = (name: string) => async (waited: boolean) => {
    seen.push(`${name} ${waited ? 'after' : 'at once'}`);
    await sleep(5);
    seen.push(`${name} ends`);
    if (name === 'a') throw new Error('a');
  };
  const all = [turns.run('k', work('a')), turns.run('k', work('b')), turns.run('other', work('c'))];
  expect((await Promise.allSettled(all)).map(({ status }) => status)).toEqual([
    'rejected',
    'fulfilled',
    'fulfilled',
  ]);
  expect(seen.filter((one) => !one.startsWith('c'))).toEqual(['a at once', 'a ends', 'b after', 'b ends']);
  expect(seen).toContain('c at once');
  await turns.run('k', work('d'));
  expect(seen).toContain('d at once');
});
