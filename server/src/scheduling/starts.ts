import { covers, type Intervals } from './intervals.ts';
import type { VisitType } from './visit-type.ts';
import type { TimeZone } from './zone.ts';

const MINUTE = 60_000;

/** Who or what is needed for a visit: when each may begin it. */
export interface Availability {
  /** Reference, `PractitionerRole/1`. */
  readonly actor: string;
  /** When it is open and not taken. */
  readonly free: Intervals;
}

/** A time at which a visit can take place, with the place or device of each group that is free then. */
export interface Offer {
  readonly start: number;
  readonly end: number;
  readonly resources: readonly string[];
}

/**
 * The times at which a visit can begin: everybody needed is free from the buffer before to the buffer after. Times are
 * aligned to the clocks of the zone.
 * @param groups candidates of each group of resources; the first free one is taken
 * @param earliest no visit begins before it, epoch milliseconds
 * @yields offers in order of time
 */
export function* visitTimes(
  practitioner: Availability,
  groups: readonly (readonly Availability[])[],
  visit: VisitType,
  zone: TimeZone,
  earliest: number,
): Generator<Offer> {
  const duration = visit.duration * MINUTE;
  const before = visit.bufferBefore * MINUTE;
  const after = visit.bufferAfter * MINUTE;
  for (const free of practitioner.free) {
    let start = aligned(Math.max(free.start + before, earliest), visit.alignment, zone);
    for (; start + duration + after <= free.end; start = aligned(start + MINUTE, visit.alignment, zone)) {
      const whole = { start: start - before, end: start + duration + after };
      const resources: string[] = [];
      for (const group of groups) {
        const found = group.find(({ actor, free }) => !resources.includes(actor) && covers(free, whole));
        if (found === undefined) break;
        resources.push(found.actor);
      }
      if (resources.length === groups.length) yield { start, end: start + duration, resources };
    }
  }
}

/** The first instant, at or after this, at which the zone's clocks show a multiple of so many minutes after midnight. */
function aligned(instant: number, minutes: number, zone: TimeZone): number {
  const whole = Math.ceil(instant / MINUTE) * MINUTE;
  const late = zone.minutesAt(whole) % minutes;
  if (late === 0) return whole;
  const next = whole + (minutes - late) * MINUTE;
  // Clocks that changed in between show another time: on by the minute, an hour at most.
  return zone.minutesAt(next) % minutes === 0 ? next : aligned(whole + MINUTE, minutes, zone);
}
