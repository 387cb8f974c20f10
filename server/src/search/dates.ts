import { isObject } from '../json/objects.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';
import { MAX_DATE, MIN_DATE } from './index-model.ts';

/** An interval of time in epoch milliseconds, both ends included: `high` is its last millisecond. */
export interface DateRange {
  readonly low: number;
  readonly high: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** The number in `length` decimal digits from `at`, or -1. */
function digits(text: string, at: number, length: number): number {
  let value = 0;
  for (let i = at; i < at + length; i++) {
    const digit = text.charCodeAt(i) - 48;
    // NaN (past the end) fails too
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Days from 1970-01-01 to a day of the proleptic Gregorian calendar. */
function dayNumber(year: number, month: number, day: number): number {
  // Years begin in March here, so that the leap day is a year's last.
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146097 + dayOfEra - 719468;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)) return 29;
  return MONTH_DAYS[month - 1] as number;
}

/** Milliseconds that a zone is ahead of UTC for `Z`, `+hh:mm` or `-hh:mm` at the end of a text; NaN if malformed. */
function zoneOffset(text: string, at: number): number {
  if (at === text.length) return 0;
  const sign = text.charCodeAt(at);
  if (sign === 0x5a) return at + 1 === text.length ? 0 : Number.NaN;
  if ((sign !== 0x2b && sign !== 0x2d) || at + 6 !== text.length || text.charCodeAt(at + 3) !== 0x3a)
    return Number.NaN;
  const hours = digits(text, at + 1, 2);
  const minutes = digits(text, at + 4, 2);
  if (hours < 0 || minutes < 0 || minutes > 59 || hours > 14 || (hours === 14 && minutes > 0))
    return Number.NaN;
  const offset = hours * HOUR + minutes * MINUTE;
  return sign === 0x2d ? -offset : offset;
}

/**
 * The interval that a FHIR date, dateTime, instant or partial date stands for (R4 search.html#date: "1980-05" is the
 * whole month): `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, and `YYYY-MM-DDThh:mm[:ss[.f...]]` with `Z`, `+hh:mm`, `-hh:mm` or no
 * zone. Without a zone the time is UTC. Digits of a second below the millisecond are cut off. Years 0001 to 9999.
 * Anything else gives undefined.
 */
export function dateRange(text: string): DateRange | undefined {
  const length = text.length;
  const year = digits(text, 0, 4);
  if (year < 1) return undefined;
  if (length === 4) return { low: dayNumber(year, 1, 1) * DAY, high: dayNumber(year + 1, 1, 1) * DAY - 1 };
  const month = digits(text, 5, 2);
  if (text.charCodeAt(4) !== 0x2d || month < 1 || month > 12) return undefined;
  if (length === 7) {
    const low = dayNumber(year, month, 1) * DAY;
    return { low, high: low + daysInMonth(year, month) * DAY - 1 };
  }
  const day = digits(text, 8, 2);
  if (text.charCodeAt(7) !== 0x2d || day < 1 || day > daysInMonth(year, month)) return undefined;
  const midnight = dayNumber(year, month, day) * DAY;
  if (length === 10) return { low: midnight, high: midnight + DAY - 1 };

  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  if (text.charCodeAt(10) !== 0x54 || text.charCodeAt(13) !== 0x3a) return undefined;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return undefined;
  let time = midnight + hour * HOUR + minute * MINUTE;
  let width = MINUTE;
  let at = 16;
  if (text.charCodeAt(16) === 0x3a) {
    const second = digits(text, 17, 2);
    // 60 is a leap second (R4 datatypes.html#dateTime)
    if (second < 0 || second > 60) return undefined;
    time += second * SECOND;
    width = SECOND;
    at = 19;
    if (text.charCodeAt(19) === 0x2e) {
      at = 20;
      for (; at < length; at++) {
        const digit = text.charCodeAt(at) - 48;
        if (digit < 0 || digit > 9) break;
        if (width > 1) {
          width /= 10;
          time += digit * width;
        }
      }
      if (at === 20) return undefined;
    }
  }
  const offset = zoneOffset(text, at);
  if (Number.isNaN(offset)) return undefined;
  return { low: time - offset, high: time - offset + width - 1 };
}

/**
 * The interval of a Period (R4 search.html#date): from the start of `start` to the end of `end`. A missing end is open:
 * {@link MIN_DATE} or {@link MAX_DATE}. Undefined if both are missing or one is not a date.
 */
export function periodRange(start: JsonValue | undefined, end: JsonValue | undefined): DateRange | undefined {
  const hasStart = typeof start === 'string';
  const hasEnd = typeof end === 'string';
  if (!hasStart && !hasEnd) return undefined;
  const first = hasStart ? dateRange(start) : undefined;
  const last = hasEnd ? dateRange(end) : undefined;
  if ((hasStart && first === undefined) || (hasEnd && last === undefined)) return undefined;
  return { low: first?.low ?? MIN_DATE, high: last?.high ?? MAX_DATE };
}

/**
 * The interval of a Timing: its outer limits only (R4 search.html#date, "the specified scheduling details are ignored"),
 * that is from the earliest to the latest of `event` and `repeat.boundsPeriod`. Undefined where it names no date.
 */
export function timingRange(timing: JsonObject): DateRange | undefined {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  const add = (range: DateRange | undefined): void => {
    if (range === undefined) return;
    if (range.low < low) low = range.low;
    if (range.high > high) high = range.high;
  };
  const { event, repeat } = timing;
  if (Array.isArray(event)) for (const one of event) if (typeof one === 'string') add(dateRange(one));
  if (isObject(repeat) && isObject(repeat.boundsPeriod)) {
    add(periodRange(repeat.boundsPeriod.start, repeat.boundsPeriod.end));
  }
  return low > high ? undefined : { low, high };
}
