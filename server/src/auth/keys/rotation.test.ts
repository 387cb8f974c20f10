import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KeyAge, PUBLISHED_AFTER, PUBLISHED_BEFORE, planKeys } from './rotation.ts';

const DAY = 86_400_000;
const ROTATION = 30 * DAY;

describe('rotation of signing keys', () => {
  it('asks for the first key, which signs at once', () => {
    expect(planKeys([], ROTATION, 0)).toEqual({ signing: undefined, served: [], ended: [], due: true });
    const key = { kid: 'a', created: 0 };
    expect(planKeys([key], ROTATION, 0)).toEqual({ signing: key, served: [key], ended: [], due: false });
  });

  it('holds at every moment, when keys are made as soon as they are due', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 40 * DAY }), { minLength: 1, maxLength: 30 }),
        (pauses) => {
          let keys: KeyAge[] = [];
          let now = 0;
          const lastSigned = new Map<string, number>();
          const known = new Map<string, number>();
          for (const pause of pauses) {
            now += pause;
            let plan = planKeys(keys, ROTATION, now);
            if (plan.due) {
              const kid = `k${now}`;
              keys = [...keys, { kid, created: now }];
              known.set(kid, now);
              plan = planKeys(keys, ROTATION, now);
            }
            expect(plan.due).toBe(false);
            const { signing, served, ended } = plan;
            // What signs is served, and all keys are accounted for once.
            expect(served).toContain(signing);
            expect([...served, ...ended].length).toBe(keys.length);
            // But for the only key that is left, what signs was published long enough before.
            const created = known.get(signing?.kid as string) as number;
            const older = keys.some((key) => key.created < created);
            if (older) expect(now - created).toBeGreaterThanOrEqual(PUBLISHED_BEFORE);
            // What has signed is served for as long as its tokens live.
            for (const key of ended) {
              const last = lastSigned.get(key.kid);
              if (last !== undefined) expect(now - last).toBeGreaterThanOrEqual(PUBLISHED_AFTER);
            }
            lastSigned.set(signing?.kid as string, now);
            keys = keys.filter((key) => !ended.includes(key));
          }
        },
      ),
      { seed: 5, numRuns: 300 },
    );
  });
});
