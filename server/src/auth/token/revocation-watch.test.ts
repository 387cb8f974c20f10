import { describe, expect, it } from 'vitest';
import type { Connections, Row, SqlStatement } from '../../storage/connections.ts';
import { RevocationWatch } from './revocation-watch.ts';

/** A watch whose questions to the database wait until the test answers them. */
function watched() {
  const asked: { since: number; answer: (rows: Row[]) => void; fail: (error: Error) => void }[] = [];
  const told: string[] = [];
  const time = { clock: 0 };
  const connections: Connections = {
    within: () => Promise.reject(new Error('not used')),
    global: ({ values }: SqlStatement) =>
      new Promise((answer, fail) => asked.push({ since: values[0] as number, answer, fail })),
  };
  const watch = new RevocationWatch(
    connections,
    (revoked) => told.push(...revoked.map(({ tenantId, id }) => `${tenantId}/${id}`)),
    () => time.clock,
  );
  /** Whether a promise has been settled by now. */
  const isDone = async (promise: Promise<void> | undefined): Promise<boolean> => {
    let done = false;
    promise?.then(
      () => (done = true),
      () => (done = true),
    );
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    return done;
  };
  return { asked, told, time, watch, isDone };
}
const nothing = (now: number): Row[] => [[String(now), null, null]];

describe('knowing what was revoked', () => {
  it('waits for the first answer, and then for nobody for a while', async () => {
    const { asked, watch, time } = watched();
    const first = watch.fresh();
    asked[0]?.answer(nothing(1_000_000));
    await first;
    time.clock = 1999;
    expect(watch.fresh()).toBeUndefined();
    expect(asked).toHaveLength(1);
  });

  it('asks beside the requests after two seconds, and holds them after four', async () => {
    const { asked, told, watch, time, isDone } = watched();
    const first = watch.fresh();
    asked[0]?.answer(nothing(1_000_000));
    await first;
    time.clock = 2001;
    expect(watch.fresh()).toBeUndefined();
    expect(watch.fresh()).toBeUndefined();
    expect(asked).toHaveLength(2);
    // With an overlap: what is committed late is not missed.
    expect(asked[1]?.since).toBeLessThan(1_000_000);
    time.clock = 4001;
    const held = watch.fresh();
    expect(await isDone(held)).toBe(false);
    asked[1]?.answer([['1002000', 7, 'grant']]);
    await held;
    expect(told).toEqual(['7/grant']);
  });

  it('after a revocation of its own waits for an answer that was asked for later', async () => {
    const { asked, watch, time, isDone } = watched();
    const first = watch.fresh();
    asked[0]?.answer(nothing(1_000_000));
    await first;
    time.clock = 2500;
    watch.fresh();
    watch.note();
    const held = watch.fresh();
    asked[1]?.answer(nothing(1_002_500));
    expect(await isDone(held)).toBe(false);
    asked[2]?.answer(nothing(1_002_501));
    await held;
    expect(watch.fresh()).toBeUndefined();
  });

  it('passes the failure of the database on, and asks again', async () => {
    const { asked, watch } = watched();
    const first = watch.fresh();
    asked[0]?.fail(new Error('away'));
    await expect(first).rejects.toThrow('away');
    const second = watch.fresh();
    asked[1]?.answer(nothing(1_000_000));
    await second;
    expect(watch.fresh()).toBeUndefined();
  });
});
