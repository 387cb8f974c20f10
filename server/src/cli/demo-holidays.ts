import type { JsonObject } from '../json/types.ts';

/** Days of the week as Date counts them. */
const MONDAY = 1;
const THURSDAY = 4;

interface Holiday {
  readonly name: string;
  /** The day of the month; of holidays on a weekday which one of the month it is, the last for 0. */
  readonly day: number;
  readonly month: number;
  readonly weekday?: number;
}

/** Federal holidays of the United States (5 U.S.C. 6103) on which the demo's clinic is closed. */
const HOLIDAYS: readonly Holiday[] = [
  { name: "New Year's Day", month: 1, day: 1 },
  { name: 'Birthday of Martin Luther King, Jr.', month: 1, day: 3, weekday: MONDAY },
  { name: 'Memorial Day', month: 5, day: 0, weekday: MONDAY },
  { name: 'Juneteenth', month: 6, day: 19 },
  { name: 'Independence Day', month: 7, day: 4 },
  { name: 'Labor Day', month: 9, day: 1, weekday: MONDAY },
  { name: 'Thanksgiving Day', month: 11, day: 4, weekday: THURSDAY },
  { name: 'Christmas Day', month: 12, day: 25 },
];

/** The holidays of some years, as HealthcareService.notAvailable. */
export function closedDays(firstYear: number, years: number): JsonObject[] {
  return Array.from({ length: years }, (_, i) => firstYear + i).flatMap((year) =>
    HOLIDAYS.map((holiday) => {
      const day = dateOf(holiday, year);
      return { description: holiday.name, during: { start: day, end: day } };
    }),
  );
}

/** Those on a Saturday are kept on the Friday before, those on a Sunday on the Monday after (5 U.S.C. 6103(b)). */
function dateOf({ month, day, weekday }: Holiday, year: number): string {
  const at = (date: number, monthIndex = month - 1) => new Date(Date.UTC(year, monthIndex, date));
  if (weekday === undefined) {
    const shift = { 6: -1, 0: 1 }[at(day).getUTCDay()] ?? 0;
    return text(at(day + shift));
  }
  if (day === 0) {
    const last = at(0, month);
    return text(at(last.getUTCDate() - ((last.getUTCDay() - weekday + 7) % 7)));
  }
  return text(at(1 + ((weekday - at(1).getUTCDay() + 7) % 7) + (day - 1) * 7));
}

const text = (date: Date): string => date.toISOString().slice(0, 10);
