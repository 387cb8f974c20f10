import { dateRange } from '../search/dates.ts';
import { Calendars } from './calendars.ts';
import { type Candidate, candidatesFor, type Wanted } from './candidates.ts';
import type { Desk } from './desk.ts';
import { boundsOf, type Hours, openHours } from './hours.ts';
import { covers, difference, type Interval, type Intervals, intersection, union } from './intervals.ts';
import { type Offer, visitTimes } from './starts.ts';
import { addDays, compareDays, type DayOfWeek, dayOfWeek, type TimeZone } from './zone.ts';

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
  const calendars = await Calendars.of(desk, candidates.flatMap(neededBy), except);
  const asked = candidates.flatMap((candidate) => {
    const within = boundsIn(when, candidate.zone, desk.now());
    return within === undefined ? [] : [{ candidate, within }];
  });
  if (asked.length === 0) return { times: [], calendars };
  const start = Math.min(...asked.map(({ within }) => within.start));
  const end = Math.max(...asked.map(({ within }) => within.end));
  const reach = Math.max(...asked.map(({ candidate }) => lengthOf(candidate)));
  await calendars.lookForFree({ start: start - reach, end });
  const allowed = new AllowedTimes(when);
  const times: FreeTime[] = [];
  let width = FIRST_WINDOW;
  for (let from = start; from < end && times.length < count; width *= 2) {
    const window = { start: from, end: Math.min(end, from + width) };
    const opened = asked.flatMap(({ candidate, within }) => {
      const open = openIn(calendars, candidate, within, window, allowed);
      return open.length === 0 ? [] : [{ candidate, within, open }];
    });
    // A visit that begins in the window may need what is before and after it.
    const around = { start: window.start - reach, end: window.end + reach };
    await calendars.look(
      around,
      opened.flatMap(({ candidate }) => neededBy(candidate)),
    );
    const earliest = new Earliest(count - times.length);
    for (const { candidate, within, open } of opened)
      addTimes(earliest, calendars, candidate, open, within, window, allowed);
    times.push(...earliest.times);
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

/** References of all whose calendars a visit with a candidate bears on. */
const neededBy = ({ actors, groups }: Candidate): string[] => [
  ...actors,
  ...groups.flat().map(({ reference }) => reference),
];

/**
 * When somebody is open in the window, or free by a stored Slot, and visits may be by what is wanted. Without stated hours
 * nobody is open.
 */
function openIn(
  calendars: Calendars,
  candidate: Candidate,
  within: Interval,
  window: Interval,
  allowed: AllowedTimes,
): Intervals {
  const from = Math.max(window.start, within.start);
  const to = Math.min(window.end, within.end);
  if (from >= to) return [];
  const reach = lengthOf(candidate);
  const whole = { start: from - reach, end: to + reach };
  const { hours, zone, actors } = candidate;
  const isStated = hours.some(({ weekly }) => weekly !== undefined);
  const open = isStated ? allowed.openHours(hours, zone, whole) : [];
  const stored = calendars.freeOf(actors);
  const all = stored.length === 0 ? open : union([...open, ...intersection(stored, [whole])]);
  return allowed.within(candidate, whole, all);
}

/** Adds the times of a candidate in a window. */
function addTimes(
  earliest: Earliest,
  calendars: Calendars,
  candidate: Candidate,
  open: Intervals,
  within: Interval,
  window: Interval,
  allowed: AllowedTimes,
): void {
  const { visit, zone, groups, actors, calendar } = candidate;
  const from = Math.max(window.start, within.start);
  const to = Math.min(window.end, within.end);
  const free = difference(open, calendars.busyOf(actors));
  if (free.length === 0) return;
  const reach = lengthOf(candidate);
  const whole = { start: from - reach, end: to + reach };
  const needed = groups.map((group) =>
    group.map(({ reference, hours }) => ({
      actor: reference,
      // A room without hours of its own is there as long as the building.
      free: difference(allowed.openHours(hours, zone, whole), calendars.busyOf([reference])),
    })),
  );
  const add = (offer: Offer): boolean => {
    if (offer.start >= to || !earliest.wants(offer.start)) return false;
    if (offer.end <= within.end && allowed.suits(offer, zone)) earliest.add({ ...offer, candidate });
    return true;
  };
  if (visit.isPlain === undefined) {
    for (const offer of visitTimes({ actor: calendar, free }, needed, visit, zone, from))
      if (!add(offer)) break;
    return;
  }
  const slots = calendars.freeSlotsOf(actors);
  const between = difference(free, union(slots));
  for (const offer of visitTimes({ actor: calendar, free: between }, needed, visit, zone, from))
    if (!add(offer)) break;
  for (const { start, end } of slots) {
    if (start < from || !covers(free, { start, end })) continue;
    if (!add({ start, end, resources: [] })) break;
  }
}

/** The first so many times of several candidates, in order; of those at the same time the ones that were added first. */
class Earliest {
  readonly times: FreeTime[] = [];
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  /** Whether a time that begins then would be among them. */
  wants(start: number): boolean {
    const last = this.times.at(-1);
    return this.times.length < this.#count || (last !== undefined && start < last.start);
  }

  add(time: FreeTime): void {
    let low = 0;
    let high = this.times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.times[middle] as FreeTime).start <= time.start) low = middle + 1;
      else high = middle;
    }
    this.times.splice(low, 0, time);
    if (this.times.length > this.#count) this.times.pop();
  }
}

/** The times of the day and days of the week that are wanted, and hours as far as they were worked out for the search. */
class AllowedTimes {
  readonly #when: When;
  readonly #kept = new Map<string, Intervals>();
  readonly #hours = new Map<string, Intervals>();

  constructor(when: When) {
    this.#when = when;
  }

  /** What of some free time can be used by visits that begin when they are wanted. */
  within({ zone, visit }: Candidate, window: Interval, free: Intervals): Intervals {
    const { timesOfDay, days } = this.#when;
    if (timesOfDay.length === 0 && days === undefined) return free;
    const before = visit.bufferBefore * MINUTE;
    const length = (visit.duration + visit.bufferAfter) * MINUTE;
    const key = [zone.name, window.start, window.end, before, length].join(' ');
    let allowed = this.#kept.get(key);
    if (allowed === undefined) {
      allowed = union(
        this.#startsIn(zone, window).map(({ start, end }) => ({ start: start - before, end: end + length })),
      );
      this.#kept.set(key, allowed);
    }
    return intersection(free, allowed);
  }

  /** As openHours of hours.ts; many people and rooms have the same. */
  openHours(hours: readonly Hours[], zone: TimeZone, window: Interval): Intervals {
    const key = `${window.start} ${window.end} ${zone.name} ${hours.map((one) => one.text).join(' ')}`;
    const known = this.#hours.get(key);
    if (known !== undefined) return known;
    const open = openHours(hours, zone, window);
    this.#hours.set(key, open);
    return open;
  }

  suits(offer: Offer, zone: TimeZone): boolean {
    const { timesOfDay, days, not } = this.#when;
    if (days !== undefined && !days.has(dayOfWeek(zone.dayAt(offer.start)))) return false;
    if (timesOfDay.length > 0) {
      const minutes = zone.minutesAt(offer.start);
      if (!timesOfDay.some(({ from, to }) => minutes >= from && minutes < to)) return false;
    }
    return !not.some(({ start, end }) => start < offer.end && offer.start < end);
  }

  #startsIn(zone: TimeZone, window: Interval): Interval[] {
    const { timesOfDay, days } = this.#when;
    const parts = timesOfDay.length === 0 ? [{ from: 0, to: 24 * 60 }] : timesOfDay;
    const found: Interval[] = [];
    const last = zone.dayAt(window.end);
    for (let day = zone.dayAt(window.start); compareDays(day, last) <= 0; day = addDays(day, 1)) {
      if (days !== undefined && !days.has(dayOfWeek(day))) continue;
      for (const { from, to } of parts)
        found.push({ start: zone.instantOf(day, from), end: zone.instantOf(day, to) });
    }
    return found;
  }
}

/** Bounds of a time that hold in every zone, epoch milliseconds: to look what a patient has then. */
export function widestBounds(start: string, end: string): Interval | undefined {
  const first = dateRange(start);
  const last = dateRange(end);
  if (first === undefined || last === undefined) return undefined;
  return { start: first.low - WIDEST, end: last.high + WIDEST };
}
