import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addDays, dayOfWeek, timeZone } from './zone.ts';

const newYork = timeZone('America/New_York');
const iso = (instant: number) => new Date(instant).toISOString();

describe('time zones (IANA), with their changes of clocks', () => {
  test('standard and daylight saving time', () => {
    expect(iso(newYork.instantOf({ year: 2026, month: 1, day: 5 }, 9 * 60))).toBe('2026-01-05T14:00:00.000Z');
    expect(iso(newYork.instantOf({ year: 2026, month: 7, day: 6 }, 9 * 60))).toBe('2026-07-06T13:00:00.000Z');
  });

  test('a time that the clocks jump over is the instant of the jump', () => {
    // On 2026-03-08 the clocks go from 02:00 to 03:00.
    const day = { year: 2026, month: 3, day: 8 };
    expect(iso(newYork.instantOf(day, 2 * 60 + 30))).toBe('2026-03-08T07:00:00.000Z');
    expect(iso(newYork.instantOf(day, 3 * 60))).toBe('2026-03-08T07:00:00.000Z');
    expect(iso(newYork.instantOf(day, 60 + 59))).toBe('2026-03-08T06:59:00.000Z');
  });

  test('of a time that is shown twice it is the first', () => {
    // On 2026-11-01 the clocks go from 02:00 back to 01:00.
    expect(iso(newYork.instantOf({ year: 2026, month: 11, day: 1 }, 90))).toBe('2026-11-01T05:30:00.000Z');
  });

  test('days without midnight begin when their clocks do', () => {
    // Beirut's clocks jump from 00:00 to 01:00 on 2026-03-29.
    const beirut = timeZone('Asia/Beirut');
    expect(iso(beirut.instantOf({ year: 2026, month: 3, day: 29 }, 0))).toBe('2026-03-28T22:00:00.000Z');
  });

  test.each([
    'Asia/Karachi',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    'Pacific/Apia',
    'Europe/London',
    'UTC',
  ])(
    'what the clocks of %s show leads back to the instant, or an hour or less from it where they were put back',
    (name) => {
      const zone = timeZone(name);
      fc.assert(
        fc.property(
          fc.integer({ min: Date.UTC(2015, 0) / 60_000, max: Date.UTC(2035, 0) / 60_000 }),
          (minute) => {
            const instant = minute * 60_000;
            const back = zone.instantOf(zone.dayAt(instant), zone.minutesAt(instant));
            expect(instant - back).toBeGreaterThanOrEqual(0);
            expect(instant - back).toBeLessThanOrEqual(3_600_000);
            expect(zone.minutesAt(back)).toBe(zone.minutesAt(instant));
          },
        ),
      );
    },
  );

  test('an unknown zone', () => {
    expect(() => timeZone('Mars/Olympus')).toThrow(RangeError);
  });

  test('days of the week and of the calendar', () => {
    expect(dayOfWeek({ year: 2026, month: 11, day: 21 })).toBe('sat');
    expect(addDays({ year: 2028, month: 2, day: 28 }, 2)).toEqual({ year: 2028, month: 3, day: 1 });
  });
});
