import { covers, type Intervals } from './intervals.ts';
import type { VisitType } from './visit-type.ts';
import type { TimeZone } from './zone.ts';

const MINUTE = 60_000;
const NONE: readonly string[] = [];

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
 * @param groups candidates of each group of resources; one of each is taken, and none for two groups
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
      const resources = oneOfEach(groups, (one) => covers(one.free, whole));
      if (resources !== undefined) yield { start, end: start + duration, resources };
    }
  }
}

/**
 * One of each group, none of them twice: the first that nobody else has, or one that another group can do without (augmenting
 * paths of bipartite matching).
 * @param isFree asked only of those that are looked at
 * @returns their actors; undefined where there are not enough
 */
function oneOfEach(
  groups: readonly (readonly Availability[])[],
  isFree: (one: Availability) => boolean,
): readonly string[] | undefined {
  if (groups.length === 0) return NONE;
  const owners = new Map<string, number>();
  const find = (group: number, seen: Set<string>): boolean => {
    const wanted = groups[group] as readonly Availability[];
    const unowned = wanted.find((one) => !owners.has(one.actor) && isFree(one));
    if (unowned !== undefined) {
      owners.set(unowned.actor, group);
      return true;
    }
    return wanted.some((one) => {
      const owner = owners.get(one.actor);
      if (owner === undefined || seen.has(one.actor) || !isFree(one)) return false;
      seen.add(one.actor);
      if (!find(owner, seen)) return false;
      owners.set(one.actor, group);
      return true;
    });
  };
  for (const group of groups.keys()) if (!find(group, new Set())) return undefined;
  const chosen = new Array<string>(groups.length);
  for (const [actor, group] of owners) chosen[group] = actor;
  return chosen;
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
