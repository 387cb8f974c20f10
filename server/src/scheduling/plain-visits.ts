import { batches } from '../collections/batches.ts';
import { referenceTo } from '../fhir/references/literal.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import { dateRange } from '../search/dates.ts';
import type { Desk } from './desk.ts';
import type { Interval } from './intervals.ts';
import { actorsIn } from './proposal.ts';

/** States in which an Appointment that is to come takes its people's time (R4 valueset-appointmentstatus.html). */
const TAKES_TIME: [string, string][] = [
  ['status', 'pending,booked,arrived,checked-in'],
  ['slot:missing', 'true'],
];
/** Actors in one search, and most visits that are looked at. */
const AT_ONCE = 100;
const MOST = 5000;
/** No visit is longer. */
const LONGEST = 24 * 60 * 60_000;

/**
 * When actors have visits that somebody has stored without Slots, as other systems do: their time is taken as well.
 * @param except references of visits that do not count
 * @returns by actor
 */
export async function plainVisits(
  desk: Desk,
  actors: readonly string[],
  window: Interval,
  except: readonly string[],
): Promise<ReadonlyMap<string, readonly Interval[]>> {
  const found = new Map<string, Interval[]>();
  if (actors.length === 0 || !(await areThere(desk))) return found;
  for (const wanted of batches([...new Set(actors)], AT_ONCE)) {
    const some = new Set(wanted);
    const visits = await desk.visits.searchAll(
      'Appointment',
      [
        ...TAKES_TIME,
        ['actor', wanted.join(',')],
        ['date', `ge${new Date(window.start - LONGEST).toISOString()}`],
        ['date', `lt${new Date(window.end).toISOString()}`],
        ['_count', String(desk.services.settings.maxPage)],
      ],
      MOST,
    );
    for (const visit of visits) {
      const start = dateRange(String(visit['start']))?.low;
      const end = dateRange(String(visit['end']))?.low;
      if (start === undefined || end === undefined || except.includes(referenceTo(visit))) continue;
      const declined = objectsOf(visit['participant']).flatMap(({ actor, status }) =>
        status === 'declined' && isObject(actor) ? [actor['reference']] : [],
      );
      for (const actor of actorsIn(visit)) {
        if (!some.has(actor) || declined.includes(actor)) continue;
        found.set(actor, [...(found.get(actor) ?? []), { start, end }]);
      }
    }
  }
  return found;
}

/** Whether anybody has stored such visits that are still to come: where all are booked here there are none. */
function areThere(desk: Desk): Promise<boolean> {
  const look = async () => {
    const date: [string, string] = ['date', `ge${new Date(desk.now() - LONGEST).toISOString()}`];
    const found = await desk.visits.search('Appointment', [...TAKES_TIME, date, ['_count', '1']]);
    return found.length > 0;
  };
  return desk.known.rememberBriefly(desk.context.tenant, 'plain visits', look, () => 1);
}
