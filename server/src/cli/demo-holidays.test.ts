import { expect, it } from 'vitest';
import { closedDays } from './demo-holidays.ts';

/* The dates that the Office of Personnel Management publishes for federal holidays (5 U.S.C. 6103). */

it('holidays on weekdays, and those on weekends on the day before or after', () => {
  const days = closedDays(2026, 2).map(({ during }) => (during as { start: string }).start);
  expect(days).toEqual([
    '2026-01-01',
    '2026-01-19',
    '2026-05-25',
    '2026-06-19',
    '2026-07-03',
    '2026-09-07',
    '2026-11-26',
    '2026-12-25',
    '2027-01-01',
    '2027-01-18',
    '2027-05-31',
    '2027-06-18',
    '2027-07-05',
    '2027-09-06',
    '2027-11-25',
    '2027-12-24',
  ]);
});
