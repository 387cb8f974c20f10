import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { covers, difference, type Interval, intersection, union } from './intervals.ts';

const some = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 60 }))
    .map(([start, end]) => ({ start, end })),
  { maxLength: 12 },
);
/** The whole numbers that lie in any of the intervals: a set that is easy to reason about. */
const points = (intervals: readonly Interval[]) =>
  new Set(
    Array.from({ length: 61 }, (_, at) => at).filter((at) =>
      intervals.some(({ start, end }) => start <= at && at < end),
    ),
  );

describe('intervals behave as sets of instants', () => {
  test('union', () => {
    fc.assert(
      fc.property(some, (all) => {
        const joined = union(all);
        expect(points(joined)).toEqual(points(all));
        for (const [i, one] of joined.entries()) {
          expect(one.start).toBeLessThan(one.end);
          if (i > 0) expect(one.start).toBeGreaterThan((joined[i - 1] as Interval).end);
        }
      }),
    );
  });

  test('intersection and difference', () => {
    fc.assert(
      fc.property(some, some, (left, right) => {
        const [a, b] = [union(left), union(right)];
        expect(points(intersection(a, b))).toEqual(points(a).intersection(points(b)));
        expect(points(difference(a, b))).toEqual(points(a).difference(points(b)));
      }),
    );
  });

  test('covers: the whole lies in one interval', () => {
    fc.assert(
      fc.property(
        some,
        fc.integer({ min: 0, max: 50 }),
        fc.integer({ min: 1, max: 9 }),
        (all, start, length) => {
          const joined = union(all);
          const whole = { start, end: start + length };
          const expected = points([whole]).isSubsetOf(points(joined));
          expect(covers(joined, whole)).toBe(expected);
        },
      ),
    );
  });
});
