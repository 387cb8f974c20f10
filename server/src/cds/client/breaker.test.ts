import { describe, expect, it } from 'vitest';
import { Breakers } from './breaker.ts';

describe('circuit breaker', () => {
  it('opens after failures one after the other, lets one call try after a pause, closes when that succeeds', () => {
    let now = 0;
    const breakers = new Breakers({ failures: 3, pause: 1000 }, () => now);
    for (let i = 0; i < 2; i++) {
      expect(breakers.enter('a')).toBe(true);
      breakers.failed('a');
    }
    // A success in between begins the count anew.
    breakers.succeeded('a');
    for (let i = 0; i < 3; i++) {
      expect(breakers.enter('a')).toBe(true);
      breakers.failed('a');
    }
    expect(breakers.enter('a')).toBe(false);
    expect(breakers.isOpen('a')).toBe(true);
    expect(breakers.enter('b')).toBe(true);
    now = 1000;
    expect(breakers.enter('a')).toBe(true);
    expect(breakers.enter('a')).toBe(false);
    breakers.failed('a');
    expect(breakers.enter('a')).toBe(false);
    now = 2000;
    expect(breakers.enter('a')).toBe(true);
    breakers.succeeded('a');
    expect([breakers.enter('a'), breakers.enter('a')]).toEqual([true, true]);
  });
});
