import { fhirError } from '../fhir/outcome.ts';
import { numberOf } from '../json/exact-number.ts';
import { isObject } from '../json/objects.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';
import { dateRange } from '../search/dates.ts';
import { boundsOf } from './hours.ts';
import { addDays, type CalendarDay, DAYS_OF_WEEK, type DayOfWeek, dayOfWeek, type TimeZone } from './zone.ts';

/** How often a visit is repeated. */
export interface Series {
  readonly unit: 'd' | 'wk' | 'mo';
  readonly period: number;
  /** How many visits, the first included; undefined: until {@link until}. */
  readonly count: number | undefined;
  /** dateTime after which no visit begins; a date is that of the place. */
  readonly until: string | undefined;
  /** Of a week; undefined: that of the first visit. */
  readonly days: ReadonlySet<DayOfWeek> | undefined;
}

/** Most visits of a series. */
const MOST = 52;
const UNITS = ['d', 'wk', 'mo'] as const;
const AT = 'Timing.repeat';
/** Elements of Timing.repeat that are understood. */
const KNOWN = ['frequency', 'period', 'periodUnit', 'count', 'boundsPeriod', 'dayOfWeek'];

/**
 * Reads a Timing (R4 datatypes.html#Timing): once every so many days, weeks or months, `count` times or until the end of
 * `boundsPeriod`; in weeks on days of the week.
 * @throws FhirError 400 naming the element
 */
export function readSeries(timing: JsonObject): Series {
  const repeat = isObject(timing['repeat']) ? timing['repeat'] : undefined;
  if (repeat === undefined) throw fhirError(400, 'required', 'The recurrence needs a repeat', AT);
  for (const name of Object.keys(repeat))
    if (!KNOWN.includes(name)) throw wrong(name, `is not understood here; ${KNOWN.join(', ')} are`);
  if (repeat['frequency'] !== undefined && numberOf(repeat['frequency']) !== 1)
    throw wrong('frequency', 'must be 1');
  const unit = repeat['periodUnit'];
  if (!UNITS.includes(unit as Series['unit'])) throw wrong('periodUnit', `must be ${UNITS.join(', ')}`);
  const period = whole(repeat, 'period', 1, 366) ?? 1;
  const count = whole(repeat, 'count', 2, MOST);
  const until = endOf(repeat['boundsPeriod']);
  if (count === undefined && until === undefined)
    throw wrong('count', 'or the end of boundsPeriod is needed');
  const named = repeat['dayOfWeek'];
  if (named === undefined) return { unit: unit as Series['unit'], period, count, until, days: undefined };
  const days = new Set(DAYS_OF_WEEK.filter((day) => Array.isArray(named) && named.includes(day)));
  if (unit !== 'wk' || !Array.isArray(named) || days.size < new Set(named).size)
    throw wrong('dayOfWeek', `is for weeks, of ${DAYS_OF_WEEK.join(', ')}`);
  return { unit, period, count, until, days };
}

/**
 * When the visits of a series begin, in order, the first at `first`: at the same time by the clocks of the zone. Months that
 * have no such day are passed over.
 * @param first epoch milliseconds
 * @throws FhirError 400 when there are too many, or but one
 */
export function startsOfSeries(series: Series, first: number, zone: TimeZone): number[] {
  const day = zone.dayAt(first);
  const minutes = zone.minutesAt(first);
  const starts: number[] = [];
  const until = series.until === undefined ? undefined : boundsOf(series.until, zone)?.end;
  for (const next of daysOf(series, day)) {
    const start = zone.instantOf(next, minutes);
    if (start < first) continue;
    if (until !== undefined && start >= until) break;
    if (starts.length === MOST) throw wrong('boundsPeriod', `makes more than ${MOST} visits`);
    starts.push(start);
    if (starts.length === series.count) break;
  }
  if (starts.length < 2) throw wrong('boundsPeriod', 'makes no second visit');
  return starts;
}

/** The end of `boundsPeriod`; undefined where none is stated. */
function endOf(bounds: JsonValue | undefined): string | undefined {
  if (bounds === undefined) return undefined;
  const end = isObject(bounds) ? bounds['end'] : null;
  if (end === undefined) return undefined;
  if (typeof end === 'string' && dateRange(end) !== undefined) return end;
  throw wrong('boundsPeriod', 'must be a Period');
}

function* daysOf({ unit, period, days }: Series, first: CalendarDay): Generator<CalendarDay> {
  for (let n = 0; ; n++) {
    if (unit === 'd') yield addDays(first, n * period);
    else if (unit === 'wk') {
      const monday = addDays(first, n * period * 7 - ((DAYS_OF_WEEK.indexOf(dayOfWeek(first)) + 6) % 7));
      for (let i = 0; i < 7; i++) {
        const day = addDays(monday, i);
        if (days === undefined ? dayOfWeek(day) === dayOfWeek(first) : days.has(dayOfWeek(day))) yield day;
      }
    } else {
      const months = first.year * 12 + first.month - 1 + n * period;
      const month = { year: Math.floor(months / 12), month: (months % 12) + 1 };
      if (new Date(Date.UTC(month.year, month.month, 0)).getUTCDate() >= first.day)
        yield { ...month, day: first.day };
    }
  }
}

function whole(repeat: JsonObject, name: string, least: number, most: number): number | undefined {
  if (repeat[name] === undefined) return undefined;
  const value = numberOf(repeat[name]);
  if (!Number.isInteger(value) || value < least || value > most)
    throw wrong(name, `must be a whole number from ${least} to ${most}`);
  return value;
}

const wrong = (name: string, message: string) =>
  fhirError(400, 'value', `${name} of the recurrence ${message}`, `${AT}.${name}`);
