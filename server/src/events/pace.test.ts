import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { Pace } from './pace.ts';

/* Issue 6: what can wait gives way to clients, and still goes on. */

let pace: Pace;
let answered = 0;
let load = 0;

function started(): Pace {
  answered = 0;
  pace = new Pace({ answered: () => answered, sample: 5, utilization: () => load });
  pace.start();
  return pace;
}
afterEach(() => pace.stop());

/** Clients that keep the process busy until `until` holds. */
async function clients(until: () => boolean): Promise<void> {
  load = 1;
  while (!until()) {
    answered += 10;
    await sleep(2);
  }
}

/** Work that notes how much of it goes on at once. */
function works(count: number) {
  const seen = { now: 0, most: 0, done: 0 };
  const one = async () => {
    seen.most = Math.max(seen.most, ++seen.now);
    await sleep(2);
    seen.now--;
    seen.done++;
  };
  return { seen, all: () => Array.from({ length: count }, () => pace.run(one)) };
}

describe('the pace of work that can wait', () => {
  test('while clients keep the process busy it is done piece after piece', async () => {
    started();
    await clients(() => pace.busy);
    const { seen, all } = works(4);
    const done = Promise.all(all());
    await clients(() => seen.done === 4);
    await done;
    expect(seen.most).toBe(1);
  });

  test('else all of it is done at once: with time left, or when nobody but itself takes it', async () => {
    started();
    load = 0.2;
    await sleep(30);
    const free = works(4);
    await Promise.all(free.all());
    expect(free.seen.most).toBe(4);
    load = 1;
    await sleep(30);
    expect(pace.busy).toBe(false);
    const alone = works(4);
    await Promise.all(alone.all());
    expect(alone.seen.most).toBe(4);
  });

  test('what waits for its turn ends when its signal does, and holds nobody up', async () => {
    started();
    await clients(() => pace.busy);
    const gate = Promise.withResolvers<void>();
    const first = pace.run(() => gate.promise);
    const ending = new AbortController();
    const second = pace.run(async () => 'done', ending.signal);
    const third = pace.run(async () => 'third');
    ending.abort(new Error('The server stops'));
    gate.resolve();
    await first;
    await expect(second).rejects.toThrow('The server stops');
    expect(await third).toBe('third');
  });

  test('a failure is passed on, and the next one comes', async () => {
    started();
    await clients(() => pace.busy);
    await expect(pace.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await pace.run(async () => 'yes')).toBe('yes');
  });
});
