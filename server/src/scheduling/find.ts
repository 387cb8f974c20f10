import { dateRange } from '../search/dates.ts';
import { Calendars } from './calendars.ts';
import { type Candidate, candidatesFor, type Wanted } from './candidates.ts';
import type { Desk } from './desk.ts';
import { boundsOf, type Hours, openHours } from './hours.ts';
import { difference, type Interval, type Intervals, intersection, union } from './intervals.ts';
import { type Availability, type Offer, visitTimes } from './starts.ts';
import { type DayOfWeek, dayOfWeek, type TimeZone } from './zone.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** The time that is looked through first; twice as much each time that it had too few. */
const FIRST_WINDOW = 2 * DAY;
/** Zones differ by less than this. */
const WIDEST = 27 * 60 * MINUTE;

/** What times are wanted. */
export interface When {
  /** Dates are those of the zone where the visit would be (R4 datatypes.html#dateTime). */
  readonly start: string;
  readonly end: string;
  /** Minutes since midnight of the first and last start, `to` excluded; none: any. */
  readonly timesOfDay: readonly { readonly from: number; readonly to: number }[];
  readonly days: ReadonlySet<DayOfWeek> | undefined;
  /** Times that do not suit the patient. */
  readonly not: Intervals;
}

/** A time at which a candidate can see the patient. */
export interface FreeTime extends Offer {
  readonly candidate: Candidate;
}

/** Free times, and the calendars that they were found in. */
export interface Found {
  readonly times: readonly FreeTime[];
  readonly calendars: Calendars;
}

/**
 * Free times in order, of all that are wanted: open hours without what is taken, at which everybody and everything that
 * the kind of visit needs is free.
 * @param count how many at most
 * @param except `Slot/id` whose time counts as free
 */
export async function findTimes(
  desk: Desk,
  wanted: Wanted,
  when: When,
  count: number,
  except: readonly string[] = [],
): Promise<Found> {
  return timesOf(desk, await candidatesFor(desk, wanted), when, count, except);
}

/** As {@link findTimes}, of candidates that are known. */
export async function timesOf(
  desk: Desk,
  candidates: readonly Candidate[],
  when: When,
  count: number,
  except: readonly string[] = [],
): Promise<Found> {
  const calendars = await Calendars.of(
    desk,
    candidates.flatMap(({ actors, groups }) => [...actors, ...groups.flat().map((one) => one.reference)]),
    except,
  );
  const asked = candidates.flatMap((candidate) => {
    const within = boundsIn(when, candidate.zone, desk.now());
    return within === undefined ? [] : [{ candidate, within }];
  });
  if (asked.length === 0) return { times: [], calendars };
  const start = Math.min(...asked.map(({ within }) => within.start));
  const end = Math.max(...asked.map(({ within }) => within.end));
  const reach = Math.max(...asked.map(({ candidate }) => lengthOf(candidate)));
  await calendars.lookForFree({ start: start - reach, end });
  const times: FreeTime[] = [];
  let width = FIRST_WINDOW;
  for (let from = start; from < end && times.length < count; width *= 2) {
    const window = { start: from, end: Math.min(end, from + width) };
    // A visit that begins in the window may need what is before and after it.
    await calendars.look({ start: window.start - reach, end: window.end + reach });
    const found = asked.flatMap(({ candidate, within }) =>
      timesIn(calendars, candidate, within, window, when, count - times.length),
    );
    found.sort((a, b) => a.start - b.start);
    times.push(...found.slice(0, count - times.length));
    from = window.end;
  }
  return { times, calendars };
}

/** What a visit takes of a calendar at most, in milliseconds. */
const lengthOf = ({ visit }: Candidate) => (visit.duration + visit.bufferBefore + visit.bufferAfter) * MINUTE;

/** From when to when visits of a candidate may be; undefined when that is over. */
function boundsIn({ start, end }: When, zone: TimeZone, now: number): Interval | undefined {
  const first = boundsOf(start, zone)?.start ?? now;
  const last = end.includes('T') ? dateRange(end)?.low : boundsOf(end, zone)?.end;
  const bounds = { start: Math.max(first, now), end: last ?? first };
  return bounds.start < bounds.end ? bounds : undefined;
}

function timesIn(
  calendars: Calendars,
  candidate: Candidate,
  within: Interval,
  window: Interval,
  when: When,
  count: number,
): FreeTime[] {
  const { visit, zone, groups } = candidate;
  const from = Math.max(window.start, within.start);
  const to = Math.min(window.end, within.end);
  if (from >= to) return [];
  const reach = lengthOf(candidate);
  const whole = { start: from - reach, end: to + reach };
  const free = freeIn(calendars, candidate.actors, candidate.hours, zone, whole);
  const practitioner: Availability = { actor: candidate.calendar, free };
  if (free.length === 0) return [];
  const needed = groups.map((group) =>
    group.map(({ reference, hours }) => ({
      actor: reference,
      // A room without hours of its own is there as long as the building.
      free: difference(openHours(hours, zone, whole), calendars.busyOf([reference])),
    })),
  );
  const found: FreeTime[] = [];
  for (const offer of visitTimes(practitioner, needed, visit, zone, from)) {
    if (offer.start >= to || found.length >= count) break;
    if (offer.end > within.end || !suits(offer, when, zone)) continue;
    found.push({ ...offer, candidate });
  }
  return found;
}

/** When somebody is open, or free by a stored Slot, and not taken. Without stated hours nobody is open. */
function freeIn(
  calendars: Calendars,
  actors: readonly string[],
  hours: readonly Hours[],
  zone: TimeZone,
  window: Interval,
): Intervals {
  const isStated = hours.some(({ weekly }) => weekly !== undefined);
  const open = isStated ? openHours(hours, zone, window) : [];
  const stored = calendars.freeOf(actors);
  const all = stored.length === 0 ? open : union([...open, ...intersection(stored, [window])]);
  return difference(all, calendars.busyOf(actors));
}

function suits(offer: Offer, { timesOfDay, days, not }: When, zone: TimeZone): boolean {
  if (days !== undefined && !days.has(dayOfWeek(zone.dayAt(offer.start)))) return false;
  if (timesOfDay.length > 0) {
    const minutes = zone.minutesAt(offer.start);
    if (!timesOfDay.some(({ from, to }) => minutes >= from && minutes < to)) return false;
  }
  return !not.some(({ start, end }) => start < offer.end && offer.start < end);
}

/** Bounds of a time that hold in every zone, epoch milliseconds: to look what a patient has then. */
export function widestBounds(start: string, end: string): Interval | undefined {
  const first = dateRange(start);
  const last = dateRange(end);
  if (first === undefined || last === undefined) return undefined;
  return { start: first.low - WIDEST, end: last.high + WIDEST };
}
