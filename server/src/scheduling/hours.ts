import { isObject, objectsOf } from '../json/objects.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';
import { dateRange } from '../search/dates.ts';
import { difference, type Interval, type Intervals, intersection, union } from './intervals.ts';
import { addDays, compareDays, DAYS_OF_WEEK, type DayOfWeek, dayOfWeek, type TimeZone } from './zone.ts';

/** Hours that repeat every week, in minutes since midnight; `to` up to 1440. Those beyond midnight are two. */
interface WeeklyHours {
  readonly days: ReadonlySet<DayOfWeek>;
  readonly from: number;
  readonly to: number;
}

/** When somebody or something is there: hours of the week, less what is excepted. */
export interface Hours {
  /** Undefined where nothing is stated: then only exceptions count. */
  readonly weekly: readonly WeeklyHours[] | undefined;
  /** When it is not available, as ISO 8601 intervals of the resource; days are those of the zone. */
  readonly closed: readonly { readonly start: string | undefined; readonly end: string | undefined }[];
  /** Outside of which there are none at all, as FHIR dateTimes; days are those of the zone. */
  readonly period: { readonly start: string | undefined; readonly end: string | undefined } | undefined;
  /** Another text for other hours. */
  readonly text: string;
}

const MIDNIGHT = 24 * 60;
/** Types with their states (R4 valueset-location-status.html, valueset-device-status.html). */
const NOT_IN_USE = new Set([
  'Location inactive',
  'Location suspended',
  'Device inactive',
  'Device entered-in-error',
]);

/**
 * Hours of a PractitionerRole (within its period) or HealthcareService (availableTime, notAvailable), or a Location
 * (hoursOfOperation); none of a Location or Device that is not in use.
 * Hours that end before they begin go on past midnight. Elements that make no sense are passed over.
 */
export function readHours(resource: JsonObject): Hours {
  const isLocation = resource['resourceType'] === 'Location';
  const stated = objectsOf(resource[isLocation ? 'hoursOfOperation' : 'availableTime']);
  const names = isLocation ? ['openingTime', 'closingTime'] : ['availableStartTime', 'availableEndTime'];
  const weekly = stated.flatMap((one) => weeklyHours(one, names[0] as string, names[1] as string));
  const closed = objectsOf(resource['notAvailable']).flatMap((one) => {
    const during = one['during'];
    if (!isObject(during)) return [];
    return [{ start: textOf(during['start']), end: textOf(during['end']) }];
  });
  const told = weekly.map(({ days, from, to }) => `${[...days]} ${from}-${to}`);
  if (NOT_IN_USE.has(`${String(resource['resourceType'])} ${String(resource['status'])}`))
    closed.push({ start: undefined, end: undefined });
  const period = isObject(resource['period'])
    ? { start: textOf(resource['period']['start']), end: textOf(resource['period']['end']) }
    : undefined;
  const text = JSON.stringify([
    stated.length > 0,
    told,
    closed.map(({ start, end }) => [start, end]),
    period ?? null,
  ]);
  return { weekly: stated.length === 0 ? undefined : weekly, closed, period, text };
}

/** The hours of a window of time that are open by all of some hours. @param zone in which the hours are told */
export function openHours(all: readonly Hours[], zone: TimeZone, window: Interval): Intervals {
  let open: Intervals = [window];
  for (const { weekly, closed, period } of all) {
    if (period !== undefined) open = intersection(open, [within(period, zone)]);
    if (weekly !== undefined) open = intersection(open, weeklyIntervals(weekly, zone, window));
    if (closed.length > 0) open = difference(open, closedIntervals(closed, zone));
  }
  return open;
}

function within({ start, end }: NonNullable<Hours['period']>, zone: TimeZone): Interval {
  return {
    start: (start === undefined ? undefined : boundsOf(start, zone)?.start) ?? Number.NEGATIVE_INFINITY,
    end: (end === undefined ? undefined : endOf(end, zone)) ?? Number.POSITIVE_INFINITY,
  };
}

function weeklyHours(one: JsonObject, startName: string, endName: string): WeeklyHours[] {
  const named = Array.isArray(one['daysOfWeek']) ? one['daysOfWeek'] : DAYS_OF_WEEK;
  const days = DAYS_OF_WEEK.filter((day) => named.includes(day));
  if (one['allDay'] === true) return [{ days: new Set(days), from: 0, to: MIDNIGHT }];
  const from = minutesOf(one[startName]) ?? 0;
  const to = minutesOf(one[endName]) ?? MIDNIGHT;
  if (from < to) return [{ days: new Set(days), from, to }];
  const next = days.map((day) => DAYS_OF_WEEK[(DAYS_OF_WEEK.indexOf(day) + 1) % 7] as DayOfWeek);
  return [
    { days: new Set(days), from, to: MIDNIGHT },
    { days: new Set(next), from: 0, to },
  ];
}

function weeklyIntervals(weekly: readonly WeeklyHours[], zone: TimeZone, window: Interval): Intervals {
  const found: Interval[] = [];
  const last = zone.dayAt(window.end);
  for (let day = zone.dayAt(window.start); compareDays(day, last) <= 0; day = addDays(day, 1)) {
    const name = dayOfWeek(day);
    for (const { days, from, to } of weekly) {
      if (days.has(name)) found.push({ start: zone.instantOf(day, from), end: zone.instantOf(day, to) });
    }
  }
  return union(found);
}

/** What was worked out of exceptions, which stay the same. */
const kept = new WeakMap<Hours['closed'], Map<string, Intervals>>();

function closedIntervals(closed: Hours['closed'], zone: TimeZone): Intervals {
  const known = kept.get(closed) ?? new Map<string, Intervals>();
  kept.set(closed, known);
  const found = known.get(zone.name) ?? readClosed(closed, zone);
  known.set(zone.name, found);
  return found;
}

function readClosed(closed: Hours['closed'], zone: TimeZone): Intervals {
  return union(
    closed.map(({ start, end }) => ({
      start: start === undefined ? Number.NEGATIVE_INFINITY : (boundsOf(start, zone)?.start ?? Number.NaN),
      end: end === undefined ? Number.POSITIVE_INFINITY : (endOf(end, zone) ?? Number.NaN),
    })),
  );
}

/** When something ends: a date with its day, an instant as it begins, because a visit may begin then. */
function endOf(text: string, zone: TimeZone): number | undefined {
  return text.includes('T') ? dateRange(text)?.low : boundsOf(text, zone)?.end;
}

/** What a date or instant covers; a day, month or year without zone is that of the zone (R4 datatypes.html#dateTime). */
export function boundsOf(text: string, zone: TimeZone): Interval | undefined {
  const range = dateRange(text);
  if (range === undefined) return undefined;
  if (text.includes('T')) return { start: range.low, end: range.high + 1 };
  const localInstant = (utc: number) => {
    const date = new Date(utc);
    const day = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
    return zone.instantOf(day, 0);
  };
  return { start: localInstant(range.low), end: localInstant(range.high + 1) };
}

/** Minutes since midnight of a FHIR time. */
function minutesOf(value: JsonValue | undefined): number | undefined {
  const match = typeof value === 'string' ? /^([01]\d|2[0-3]):([0-5]\d)/.exec(value) : null;
  return match === null ? undefined : Number(match[1]) * 60 + Number(match[2]);
}

const textOf = (value: JsonValue | undefined) => (typeof value === 'string' ? value : undefined);
