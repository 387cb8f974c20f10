import { FhirError } from '../../fhir/outcome.ts';
import { numberOf } from '../../json/exact-number.ts';
import { isResource, objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import type { Freed } from '../../scheduling/freed.ts';
import { actorsIn } from '../../scheduling/proposal.ts';
import { type Wish, wishOf } from '../../scheduling/wish.ts';
import { dateRange } from '../../search/dates.ts';
import type { AgentContext } from '../agent.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** How far from the freed time a visit may begin that it has made possible. */
const AROUND = 4 * HOUR;
/** Most who wait that are looked through, and asked about. */
const MOST_READ = 1000;
const MOST_TRIED = 100;
/** An offer lasts a day, but at most half of the time until the visit; it is not worth making for less than this. */
const LONGEST_OFFER = DAY;
const SHORTEST_OFFER = 15 * MINUTE;
/** Zones differ by less than this. */
const WIDEST = 27 * HOUR;

/** Statuses of errors that tell that an Appointment waits no more: gone, of another version, in another state. */
const CHANGED = [404, 410, 412, 422];

interface Entry {
  readonly resource: Resource;
  readonly wish: Wish;
}

/** Who got which time. */
export interface Given {
  readonly appointment: string;
  readonly start: string;
  readonly status: string;
}

interface Window {
  readonly start: number;
  readonly end: number;
}

/** Gives time that has become free to those who wait for such, the most urgent and then the longest waiting first. */
export async function fillFreed(context: AgentContext, freed: Freed): Promise<Given[]> {
  const now = context.now().getTime();
  const start = instantOf(freed.start);
  const end = instantOf(freed.end);
  const within =
    start === undefined || end === undefined
      ? undefined
      : { start: Math.max(start - AROUND, now), end: end + AROUND };
  const entries = await entriesFor(
    context,
    freed.actors,
    within ?? { start: now, end: Number.POSITIVE_INFINITY },
  );
  const given: Given[] = [];
  // What is left may suit somebody who comes later, though not the next one.
  for (const entry of entries.slice(0, MOST_TRIED)) {
    const got = await fillFor(context, entry, within);
    if (got !== undefined) given.push(got);
  }
  return given;
}

/**
 * Gives a free time to somebody who waits, if there is one that nobody wants who comes first.
 * @param waiting `Appointment/id`
 */
export async function fillWaiting(context: AgentContext, waiting: string): Promise<Given[]> {
  const resource = await context.fhir.follow(waiting);
  if (resource?.['status'] !== 'waitlist') return [];
  const [proposal] = await timesFor(context, String(resource['id']), undefined, 1);
  const start = instantOf(proposal?.['start']);
  const end = instantOf(proposal?.['end']);
  if (proposal === undefined || start === undefined || end === undefined) return [];
  const given: Given[] = [];
  for (const entry of await entriesFor(context, actorsIn(proposal), { start, end })) {
    const isAsked = entry.resource['id'] === resource['id'];
    const got = await fillFor(context, entry, isAsked ? undefined : { start, end });
    if (got !== undefined) given.push(got);
    if (isAsked) break;
  }
  return given;
}

/** Those who wait for a time like this, in the order in which they get it. */
async function entriesFor(
  { fhir }: AgentContext,
  actors: readonly string[],
  around: Window,
): Promise<Entry[]> {
  const all = await fhir.searchAll('Appointment', [['status', 'waitlist']], MOST_READ);
  const entries = all.flatMap((resource): Entry[] => {
    const wish = wishOf(resource);
    return wish !== undefined && mayConcern(wish, actors, around) ? [{ resource, wish }] : [];
  });
  entries.sort((a, b) => urgency(a.resource) - urgency(b.resource) || since(a.resource) - since(b.resource));
  return entries;
}

/** As {@link tryFor}; undefined too when the visit was changed by somebody else: it is theirs. */
async function fillFor(
  context: AgentContext,
  entry: Entry,
  within: Window | undefined,
): Promise<Given | undefined> {
  try {
    return await tryFor(context, entry, within);
  } catch (error) {
    if (error instanceof FhirError && CHANGED.includes(error.status)) return undefined;
    throw error;
  }
}

async function tryFor(
  context: AgentContext,
  { resource, wish }: Entry,
  within: Window | undefined,
): Promise<Given | undefined> {
  const { fhir, now, step } = context;
  const id = String(resource['id']);
  for (const proposal of await timesFor(context, id, within, 3)) {
    const start = instantOf(proposal['start']);
    if (start === undefined) continue;
    const offer = Math.min(LONGEST_OFFER, (start - now().getTime()) / 2);
    if (wish.whenFree === 'offer' && offer < SHORTEST_OFFER) continue;
    const operation = wish.whenFree === 'book' ? '$book' : '$hold';
    const parameter: JsonObject[] = [
      text('appt-id', id),
      { name: 'appt-resource', resource: proposal },
      ...(wish.whenFree === 'book' ? [] : [{ name: 'minutes', valueInteger: Math.floor(offer / MINUTE) }]),
    ];
    try {
      const visit = await step(
        wish.whenFree === 'book' ? 'book for one who waits' : 'offer to one who waits',
        { appointment: `Appointment/${id}`, start: String(proposal['start']) },
        () => fhir.operation(['Appointment', operation], { resourceType: 'Parameters', parameter }),
      );
      return {
        appointment: `Appointment/${id}`,
        start: String(visit['start']),
        status: String(visit['status']),
      };
    } catch (error) {
      // Somebody else has taken the time: the next one.
      if (!(error instanceof FhirError) || error.status !== 409) throw error;
    }
  }
  return undefined;
}

/** Free times that suit somebody who waits, as $find proposes them. */
async function timesFor(
  { fhir }: AgentContext,
  id: string,
  within: Window | undefined,
  count: number,
): Promise<Resource[]> {
  const bundle = await fhir.operation(['Appointment', '$find'], {
    resourceType: 'Parameters',
    parameter: [
      text('waiting', id),
      ...(within === undefined
        ? []
        : [
            text('start', new Date(within.start).toISOString()),
            text('end', new Date(within.end).toISOString()),
          ]),
      { name: '_count', valueInteger: count },
    ],
  });
  return objectsOf(bundle['entry']).flatMap(({ resource }) => (isResource(resource) ? [resource] : []));
}

const text = (name: string, value: string): JsonObject => ({ name, valueString: value });

function mayConcern({ wanted, when }: Wish, actors: readonly string[], around: Window): boolean {
  const first = dateRange(when.start)?.low ?? Number.POSITIVE_INFINITY;
  const last = dateRange(when.end)?.high ?? Number.NEGATIVE_INFINITY;
  if (first - WIDEST > around.end || last + WIDEST < around.start) return false;
  const people = wanted.practitioners.filter((one) => one.startsWith('Practitioner/'));
  // Roles may be anybody's.
  if (people.length === 0 || people.length < wanted.practitioners.length) return true;
  const freed = actors.filter((one) => one.startsWith('Practitioner/'));
  return freed.length === 0 || freed.some((one) => people.includes(one));
}

/** As iCalendar has it, which Appointment.priority is after: 1 first, 9 last, 0 not stated. */
function urgency(appointment: Resource): number {
  const priority = numberOf(appointment['priority']);
  return priority > 0 ? priority : 10;
}

const since = (appointment: Resource): number =>
  instantOf(appointment['created']) ?? Number.POSITIVE_INFINITY;

const instantOf = (value: unknown): number | undefined =>
  typeof value === 'string' ? dateRange(value)?.low : undefined;
