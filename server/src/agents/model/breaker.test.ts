import { expect, test } from 'vitest';
import { CircuitBreaker } from './breaker.ts';

test('opens after failures in a row, lets one try after the pause, closes when that succeeds', () => {
  let now = 0;
  const breaker = new CircuitBreaker({ failures: 2, pause: 100, clock: () => now });
  breaker.failed();
  breaker.succeeded();
  breaker.failed();
  expect(breaker.allows()).toBe(true);
  breaker.failed();
  expect([breaker.isOpen, breaker.allows()]).toEqual([true, false]);
  now = 99;
  expect(breaker.allows()).toBe(false);
  now = 100;
  expect([breaker.allows(), breaker.allows()]).toEqual([true, false]);
  breaker.failed();
  now = 199;
  expect(breaker.allows()).toBe(false);
  now = 200;
  expect(breaker.allows()).toBe(true);
  breaker.succeeded();
  expect([breaker.isOpen, breaker.allows(), breaker.allows()]).toEqual([false, true, true]);
});
