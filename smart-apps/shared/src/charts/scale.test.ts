import fc from 'fast-check';
import { expect, it } from 'vitest';
import { scale, ticksOf } from './scale.ts';

it('an axis covers its values by steps that are alike, of which there are a few', () => {
  const value = fc.integer({ min: -1e9, max: 1e9 }).map((number) => number / 1000);
  fc.assert(
    fc.property(value, value, (a, b) => {
      const [least, most] = [Math.min(a, b), Math.max(a, b)];
      const ticks = ticksOf(least, most);
      expect(ticks[0]).toBeLessThanOrEqual(least);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(most);
      expect(ticks.length).toBeGreaterThan(1);
      expect(ticks.length).toBeLessThanOrEqual(8);
    }),
  );
});

it('steps are round numbers', () => {
  expect(ticksOf(61, 63)).toEqual([61, 61.5, 62, 62.5, 63]);
  expect(ticksOf(0, 97)).toEqual([0, 25, 50, 75, 100]);
});

it('a value lies between two lengths; a single one in the middle', () => {
  expect(scale(0, 10, 100, 0)(5)).toBe(50);
  expect(scale(3, 3, 0, 100)(3)).toBe(50);
});
