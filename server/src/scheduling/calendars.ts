import { localReference, referenceTo } from '../fhir/references/literal.ts';
import { objectsOf } from '../json/objects.ts';
import type { Resource } from '../json/types.ts';
import { dateRange } from '../search/dates.ts';
import { busyTimes, scheduleKey } from '../storage/scheduling/busy.ts';
import type { Desk } from './desk.ts';
import { type Interval, type Intervals, union } from './intervals.ts';
import { plainVisits } from './plain-visits.ts';

/** Actors in one search. */
const AT_ONCE = 100;
/** Most Schedules, and free Slots that other systems have stored, that are looked at. */
const MOST_SCHEDULES = 5000;
const MOST_FREE = 5000;

/**
 * A Schedule of an actor. What was taken in one that is not in use any more stays taken (R4 Schedule.active), but nothing is
 * added to it.
 */
interface KnownSchedule {
  readonly reference: string;
  readonly isActive: boolean;
}

/** A free Slot that somebody has stored. */
export interface FreeSlot extends Interval {
  readonly slot: Resource;
}

/** When actors are taken, and free by Slots that others have stored. */
export class Calendars {
  readonly #desk: Desk;
  readonly #schedules: ReadonlyMap<string, readonly KnownSchedule[]>;
  readonly #except: readonly string[];
  #busy = new Map<string, Intervals>();
  #plain: ReadonlyMap<string, Intervals> = new Map();
  #free: ReadonlyMap<string, readonly FreeSlot[]> = new Map();

  private constructor(
    desk: Desk,
    schedules: ReadonlyMap<string, readonly KnownSchedule[]>,
    except: readonly string[],
  ) {
    this.#desk = desk;
    this.#schedules = schedules;
    this.#except = except;
  }

  /**
   * @param actors references
   * @param except `Slot/id` and `Appointment/id` of visits that are to be moved: their time counts as free
   */
  static async of(desk: Desk, actors: Iterable<string>, except: readonly string[] = []): Promise<Calendars> {
    const all = [...new Set(actors)].sort();
    const schedules = await desk.known.remember(
      desk.context.tenant,
      `schedules ${all.join(' ')}`,
      () => readSchedules(desk, all),
      (found) => found.size,
    );
    return new Calendars(desk, schedules, except);
  }

  /** The Schedule that an actor's visits are written to; undefined where there is none yet. */
  scheduleOf(actor: string): string | undefined {
    return this.#schedules.get(actor)?.find(({ isActive }) => isActive)?.reference;
  }

  /** Reads what of some actors is taken in a window of time; {@link busyOf} tells of it then. */
  async look(window: Interval, actors: readonly string[]): Promise<void> {
    const { services, context, now } = this.#desk;
    const { keys } = context;
    const references = [...new Set(actors.flatMap((actor) => this.#referencesOf(actor)))];
    const found = await busyTimes(
      services.connections,
      context.tenant,
      references.map((one) => keys.reference(one)),
      window,
      now(),
      this.#except.map((one) => keys.reference(one)),
    );
    this.#plain = await plainVisits(this.#desk, actors, window, this.#except);
    this.#busy = new Map(
      references.flatMap((one) => {
        const busy = found.get(scheduleKey(keys.reference(one)));
        return busy === undefined ? [] : [[one, busy]];
      }),
    );
  }

  /** Reads the free Slots of a time, which count as hours of their actors; {@link freeOf} tells of them then. */
  async lookForFree(window: Interval): Promise<void> {
    if (!(await this.#areFreeStored())) return;
    const all = [...this.#schedules.values()].flat();
    const references = [...new Set(all.flatMap(({ isActive, reference }) => (isActive ? [reference] : [])))];
    const free = new Map<string, FreeSlot[]>();
    for (let at = 0; at < references.length; at += AT_ONCE) {
      const slots = await this.#desk.directory.searchAll(
        'Slot',
        [
          ['schedule', references.slice(at, at + AT_ONCE).join(',')],
          ['status', 'free'],
          ['start', `ge${new Date(window.start).toISOString()}`],
          ['start', `lt${new Date(window.end).toISOString()}`],
          ['_sort', 'start'],
          ['_count', String(this.#desk.services.settings.maxPage)],
        ],
        MOST_FREE,
      );
      for (const slot of slots) {
        const schedule = localReference(slot['schedule']);
        const start = dateRange(String(slot['start']))?.low;
        const end = dateRange(String(slot['end']))?.low;
        if (schedule === undefined || start === undefined || end === undefined) continue;
        const known = free.get(schedule);
        if (known === undefined) free.set(schedule, [{ start, end, slot }]);
        else known.push({ start, end, slot });
      }
    }
    this.#free = free;
  }

  /** Whether anybody has stored free Slots in this tenant: where the hours say it all there are none. */
  #areFreeStored(): Promise<boolean> {
    const { known, context, directory } = this.#desk;
    const look = async () => {
      const found = await directory.search('Slot', [
        ['status', 'free'],
        ['_count', '1'],
      ]);
      return found.length > 0;
    };
    return known.rememberBriefly(context.tenant, 'free slots', look, () => 1);
  }

  /** When any of the actors is taken. */
  busyOf(actors: readonly string[]): Intervals {
    const plain = this.#plain.size === 0 ? [] : actors.flatMap((actor) => this.#plain.get(actor) ?? []);
    const lists = [...this.#of(actors, this.#busy), ...(plain.length === 0 ? [] : [union(plain)])];
    return lists.length === 1 ? (lists[0] as Intervals) : union(lists.flat());
  }

  /** When any of the actors is free by a Slot. */
  freeOf(actors: readonly string[]): Intervals {
    return union(this.freeSlotsOf(actors));
  }

  /** The free Slots of actors, in order of time. */
  freeSlotsOf(actors: readonly string[]): FreeSlot[] {
    if (this.#free.size === 0) return [];
    return this.#of(actors, this.#free)
      .flat()
      .sort((a, b) => a.start - b.start);
  }

  #referencesOf(actor: string): string[] {
    return (this.#schedules.get(actor) ?? []).map(({ reference }) => reference);
  }

  #of<T>(actors: readonly string[], map: ReadonlyMap<string, readonly T[]>): (readonly T[])[] {
    const schedules = new Set(actors.flatMap((actor) => this.#referencesOf(actor)));
    return [...schedules].flatMap((one) => {
      const found = map.get(one);
      return found === undefined ? [] : [found];
    });
  }
}

/** The Schedules of actors, those with the lowest id first: visits are written to the first that is active. */
async function readSchedules(
  desk: Desk,
  all: readonly string[],
): Promise<ReadonlyMap<string, readonly KnownSchedule[]>> {
  const schedules = new Map<string, KnownSchedule[]>();
  for (let at = 0; at < all.length; at += AT_ONCE) {
    const some = all.slice(at, at + AT_ONCE);
    const found = await desk.directory.searchAll(
      'Schedule',
      [
        ['actor', some.join(',')],
        ['_count', String(desk.services.settings.maxPage)],
      ],
      MOST_SCHEDULES,
    );
    for (const schedule of found) {
      const one = { reference: referenceTo(schedule), isActive: schedule['active'] !== false };
      for (const actor of objectsOf(schedule['actor']).flatMap((actor) => localReference(actor) ?? [])) {
        if (!some.includes(actor)) continue;
        const known = schedules.get(actor);
        if (known === undefined) schedules.set(actor, [one]);
        else known.push(one);
      }
    }
  }
  for (const own of schedules.values()) own.sort((a, b) => (a.reference < b.reference ? -1 : 1));
  return schedules;
}
