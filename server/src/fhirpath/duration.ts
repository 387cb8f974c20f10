import { type Decimal, divide, fromInteger, multiply, rounded } from './decimal.ts';
import { failure } from './errors.ts';
import { dayNumber, daysIn, type Temporal } from './temporal.ts';

/** Calendar units from the coarsest, as many as a {@link Temporal} has parts; then weeks and milliseconds. */
export type CalendarUnit = 'year' | 'month' | 'week' | 'day' | 'hour' | 'minute' | 'second' | 'millisecond';

const PARTS: readonly CalendarUnit[] = ['year', 'month', 'day', 'hour', 'minute', 'second'];
/** How many of the next finer unit there are (FHIRPath, table of conversion factors). */
const FINER: Readonly<Partial<Record<CalendarUnit, readonly [CalendarUnit, number]>>> = {
  year: ['month', 12],
  month: ['day', 30],
  week: ['day', 7],
  day: ['hour', 24],
  hour: ['minute', 60],
  minute: ['second', 60],
  second: ['millisecond', 1000],
};

/** How many of `to` one `from` is; undefined if `to` is the coarser of the two. */
export function factorBetween(from: CalendarUnit, to: CalendarUnit): number | undefined {
  if (from === to) return 1;
  // A year is 12 months, and 365 days rather than 12 times 30.
  if (from === 'year' && to !== 'month') {
    const days = factorBetween('day', to);
    return days === undefined ? undefined : 365 * days;
  }
  if (from === 'month' && to === 'week') return undefined;
  const [finer, count] = FINER[from] ?? [];
  if (finer === undefined || count === undefined) return undefined;
  const rest = factorBetween(finer, to);
  return rest === undefined ? undefined : count * rest;
}

/** A value in another calendar unit, by the shortest chain of conversions. */
export function convertCalendar(value: Decimal, from: CalendarUnit, to: CalendarUnit): Decimal | undefined {
  const down = factorBetween(from, to);
  if (down !== undefined) return multiply(value, fromInteger(down));
  const up = factorBetween(to, from);
  if (up !== undefined) return divide(value, fromInteger(up));
  const days = convertCalendar(value, from, 'day');
  return days === undefined ? undefined : convertCalendar(days, 'day', to);
}

/**
 * FHIRPath 6.7: a date or time some calendar units later (or earlier, for a negative value). A unit finer than what is
 * given is converted to the finest part and its fraction dropped.
 * @throws FhirPathError for a unit that the type does not take, and for years that are not in 1 to 9999
 */
export function plus(value: Temporal, amount: Decimal, unit: CalendarUnit): Temporal {
  const isTime = value.type === 'Time';
  if (isTime && ['year', 'month', 'week', 'day'].includes(unit)) {
    throw failure(`a Time has no ${unit} to add to`);
  }
  if (unit === 'week') return plus(value, multiply(rounded(amount, 0, 'truncate'), fromInteger(7)), 'day');
  const finest = (isTime ? PARTS.slice(3) : PARTS)[value.parts.length - 1] as CalendarUnit;
  if (unit === 'second' || unit === 'millisecond') {
    if (finest === 'second') return plusSeconds(value, amount, unit);
  }
  const whole = rounded(amount, 0, 'truncate');
  const isCoarser = unit !== finest && factorBetween(finest, unit) !== undefined;
  const inFinest = isCoarser ? convertCalendar(whole, unit, finest) : whole;
  const count = Number(rounded(inFinest ?? whole, 0, 'truncate').digits);
  const step = isCoarser ? finest : unit;
  if (!Number.isSafeInteger(count)) throw outOfRange();
  switch (step) {
    case 'year':
      return plusMonths(value, count * 12);
    case 'month':
      return plusMonths(value, count);
    case 'day':
      return plusMinutes(value, count * 1440);
    case 'hour':
      return plusMinutes(value, count * 60);
    default:
      return plusMinutes(value, count);
  }
}

function outOfRange(): Error {
  return failure('the resulting year is not in 1 to 9999');
}

/** A day that the resulting month does not have becomes its last. */
function plusMonths(value: Temporal, count: number): Temporal {
  const [year = 1, month = 1, day] = value.parts;
  const total = year * 12 + month - 1 + count;
  const newYear = Math.floor(total / 12);
  const newMonth = (total % 12) + 1;
  if (newYear < 1 || newYear > 9999) throw outOfRange();
  const newDay = day === undefined ? undefined : Math.min(day, daysIn(newYear, newMonth));
  const parts = [newYear, newMonth, newDay ?? 1, ...value.parts.slice(3)].slice(0, value.parts.length);
  return { ...value, parts };
}

function plusMinutes(value: Temporal, count: number): Temporal {
  if (value.type === 'Time') {
    const [hour = 0, minute = 0] = value.parts;
    const total = (((hour * 60 + minute + count) % 1440) + 1440) % 1440;
    const parts = [Math.floor(total / 60), total % 60, ...value.parts.slice(2)].slice(0, value.parts.length);
    return { ...value, parts };
  }
  const [year = 1, month = 1, day = 1, hour = 0, minute = 0] = value.parts;
  const total = dayNumber(year, month, day) * 1440 + hour * 60 + minute + count;
  const date = new Date(total * 60_000);
  const newYear = date.getUTCFullYear();
  if (!(newYear >= 1 && newYear <= 9999)) throw outOfRange();
  const moved = [
    newYear,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
  ];
  return { ...value, parts: [...moved, ...value.parts.slice(5)].slice(0, value.parts.length) };
}

/** Fractions of seconds count, to the millisecond or as finely as the value is given. */
function plusSeconds(value: Temporal, amount: Decimal, unit: 'second' | 'millisecond'): Temporal {
  const inMilliseconds = unit === 'second' ? multiply(amount, fromInteger(1000)) : amount;
  const added = rounded(inMilliseconds, 0, 'truncate').digits;
  const digits = Math.max(value.fraction.length, added % 1000n === 0n ? 0 : 3);
  const perSecond = 10n ** BigInt(digits);
  const scaled = digits >= 3 ? added * 10n ** BigInt(digits - 3) : added / 10n ** BigInt(3 - digits);
  const second = BigInt(value.parts.at(-1) ?? 0);
  const total = second * perSecond + BigInt(value.fraction.padEnd(digits, '0') || '0') + scaled;
  const perMinute = 60n * perSecond;
  const rest = ((total % perMinute) + perMinute) % perMinute;
  const minutes = Number((total - rest) / perMinute);
  if (!Number.isSafeInteger(minutes)) throw outOfRange();
  const moved = plusMinutes(value, minutes);
  const parts = [...moved.parts.slice(0, -1), Number(rest / perSecond)];
  return { ...moved, parts, fraction: digits === 0 ? '' : String(rest % perSecond).padStart(digits, '0') };
}

const MILLISECONDS: Readonly<Partial<Record<CalendarUnit, number>>> = {
  week: 604_800_000,
  day: 86_400_000,
  hour: 3_600_000,
  minute: 60_000,
  second: 1000,
  millisecond: 1,
};

/** Milliseconds since 1970 of what is given, in UTC where there is an offset. */
function milliseconds({ type, parts, fraction, offset }: Temporal): number {
  const [year = 1970, month = 1, day = 1] = type === 'Time' ? [] : parts;
  const [hour = 0, minute = 0, second = 0] = type === 'Time' ? parts : parts.slice(3);
  const minutes = dayNumber(year, month, day) * 1440 + hour * 60 + minute - (offset ?? 0);
  return minutes * 60_000 + second * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0'));
}

/** Whether both values are given as finely as a unit. */
function reaches(value: Temporal, unit: CalendarUnit): boolean {
  const parts = value.type === 'Time' ? PARTS.slice(3) : PARTS;
  const needed = unit === 'week' ? 'day' : unit === 'millisecond' ? 'second' : unit;
  const place = parts.indexOf(needed);
  return place >= 0 && value.parts.length > place;
}

/**
 * Whole calendar units from one value to another (duration()), or boundaries of units between them (difference());
 * undefined if one is given less precisely than the unit.
 */
export function between(
  from: Temporal,
  to: Temporal,
  unit: CalendarUnit,
  boundaries: boolean,
): number | undefined {
  if (!reaches(from, unit) || !reaches(to, unit)) return undefined;
  if (unit === 'year' || unit === 'month') {
    const months = monthNumber(to) - monthNumber(from);
    if (boundaries) return unit === 'month' ? months : (to.parts[0] as number) - (from.parts[0] as number);
    let whole = months;
    const rest = restOfMonth(to) - restOfMonth(from);
    if (whole > 0 && rest < 0) whole--;
    if (whole < 0 && rest > 0) whole++;
    return unit === 'month' ? whole : Math.trunc(whole / 12);
  }
  const size = MILLISECONDS[unit] as number;
  const byDate = unit === 'week' || unit === 'day';
  const start = milliseconds(byDate ? { ...from, offset: undefined } : from);
  const end = milliseconds(byDate ? { ...to, offset: undefined } : to);
  if (!boundaries) return Math.trunc((end - start) / size) + 0;
  // 1970-01-04 was a Sunday, with which weeks begin.
  const origin = unit === 'week' ? 3 * 86_400_000 : 0;
  return Math.floor((end - origin) / size) - Math.floor((start - origin) / size);
}

function monthNumber({ parts: [year = 0, month = 1] }: Temporal): number {
  return year * 12 + month;
}

function restOfMonth(value: Temporal): number {
  const [, , day = 1, hour = 0, minute = 0, second = 0] = value.parts;
  return ((day * 24 + hour) * 60 + minute) * 60 + second;
}
