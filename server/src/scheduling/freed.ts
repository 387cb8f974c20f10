import type { ResourceEvent } from '../events/event.ts';
import type { InternalClient } from '../fhir/internal-client.ts';
import { localReference, localReferences, referenceTo } from '../fhir/references/literal.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { dateRange } from '../search/dates.ts';
import type { Desk } from './desk.ts';
import { actorsIn } from './proposal.ts';
import { givingBack, slotsOf, takesTime, versionOf } from './visit-slots.ts';
import { writeVisit } from './write-visit.ts';

/** Time that has become free: in whose calendars, and when; without start and end any time to come. */
export type Freed = {
  /** References; none where anybody's may be meant. */
  readonly actors: string[];
  /** FHIR instants. */
  readonly start?: string;
  readonly end?: string;
};

type Written = Pick<ResourceEvent, 'type' | 'resourceId' | 'version' | 'method' | 'at'>;

/** States of an Appointment that keeps no time (R4 valueset-appointmentstatus.html). */
const KEEPS_NOTHING = ['cancelled', 'entered-in-error', 'waitlist'];
const KEEPS_TIME = 'proposed,pending,booked,arrived,checked-in,fulfilled,noshow';

/** Elements by which a resource of the directory says who is there, when, and for what. */
const SAYS_WHEN: Readonly<Record<string, readonly string[]>> = {
  HealthcareService: [
    'active',
    'availableTime',
    'notAvailable',
    'extension',
    'location',
    'type',
    'specialty',
  ],
  Location: ['status', 'hoursOfOperation', 'extension'],
  PractitionerRole: [
    ...['active', 'period', 'availableTime', 'notAvailable', 'extension', 'location'],
    ...['practitioner', 'organization', 'healthcareService', 'specialty'],
  ],
};

/** The types of the directory whose changes can make time free. */
export const TELLS_HOURS = Object.keys(SAYS_WHEN);

/**
 * The time that a write of a Slot has made free: of a Slot that is free, or what it took before and takes no more.
 * @returns undefined where it has made none free, or none that is still to come
 */
export async function freedBySlot(desk: Desk, event: Written): Promise<Freed | undefined> {
  const now = event.method === 'delete' ? undefined : await desk.directory.read('Slot', event.resourceId);
  if (now?.['status'] === 'free') return timeOf(desk, now);
  const before = await versionBefore(desk.directory, event);
  if (before === undefined || !takesTime(before)) return undefined;
  return now !== undefined && takesTime(now) && isSameTime(now, before) ? undefined : timeOf(desk, before);
}

async function timeOf(desk: Desk, slot: Resource): Promise<Freed | undefined> {
  const { start, end } = slot;
  if (typeof start !== 'string' || typeof end !== 'string') return undefined;
  if ((dateRange(end)?.low ?? 0) <= desk.now()) return undefined;
  const schedule = await desk.directory.follow(slot['schedule']);
  return { actors: localReferences(schedule?.['actor']), start, end };
}

function isSameTime(a: Resource, b: Resource): boolean {
  const instants = ({ start, end }: Resource) => [start, end].map((one) => dateRange(String(one))?.low);
  return (
    localReference(a['schedule']) === localReference(b['schedule']) && `${instants(a)}` === `${instants(b)}`
  );
}

/** Whose hours a write of the directory has changed, so that some may have become free; undefined where it has not. */
export async function freedByHours(desk: Desk, event: Written): Promise<Freed | undefined> {
  const now = await desk.directory.read(event.type, event.resourceId);
  if (now === undefined || now['active'] === false) return undefined;
  const before = await versionBefore(desk.directory, event);
  const told = (resource: Resource) =>
    JSON.stringify((SAYS_WHEN[event.type] as readonly string[]).map((name) => resource[name] ?? null));
  if (before !== undefined && told(before) === told(now)) return undefined;
  const person = localReference(now['practitioner']);
  return { actors: person === undefined ? [] : [person] };
}

/**
 * Gives the time back of Slots that an Appointment has kept and keeps no more: it was cancelled, moved or deleted by a plain
 * write, which says nothing of its Slots. Those that another Appointment keeps, or that were written since, stay as they are.
 * @param before as it was
 * @param visit as it is now; undefined for one that was deleted
 */
export async function giveBackLeft(
  desk: Desk,
  event: Pick<Written, 'at'>,
  before: Resource | undefined,
  visit: Resource | undefined,
): Promise<void> {
  if (before === undefined || !keepsTime(before)) return;
  const kept = visit !== undefined && keepsTime(visit) ? localReferences(visit['slot']) : [];
  const left = localReferences(before['slot']).filter((one) => !kept.includes(one));
  const slots = await slotsOf(desk, { slot: left.map((reference) => ({ reference })) });
  const lost: Resource[] = [];
  for (const slot of slots)
    if (takesTime(slot) && writtenAt(slot) <= event.at && !(await isKept(desk, slot))) lost.push(slot);
  if (lost.length > 0) await writeVisit(desk, await givingBack(desk, lost));
}

/** The time that a visit without Slots has taken, and takes no more. Parameters are those of {@link giveBackLeft}. */
export function freedByVisit(
  desk: Desk,
  before: Resource | undefined,
  visit: Resource | undefined,
): Freed | undefined {
  if (before === undefined || !keepsTime(before) || localReferences(before['slot']).length > 0)
    return undefined;
  const { start, end } = before;
  if (typeof start !== 'string' || typeof end !== 'string') return undefined;
  const isOver = (dateRange(end)?.low ?? 0) <= desk.now();
  const isKept = visit !== undefined && keepsTime(visit) && isSameTime(before, visit);
  return isOver || isKept ? undefined : { actors: actorsIn(before), start, end };
}

/** The version of an Appointment before the one that was written. */
export const visitBefore = (desk: Desk, event: Written) => versionBefore(desk.caller, event);

const keepsTime = ({ status }: Resource): boolean => !KEEPS_NOTHING.includes(String(status));

const writtenAt = ({ meta }: Resource): number => Date.parse(String((meta as JsonObject)['lastUpdated']));

/** Whether some Appointment keeps a Slot. */
async function isKept(desk: Desk, slot: Resource): Promise<boolean> {
  const found = await desk.caller.search('Appointment', [
    ['slot', referenceTo(slot)],
    ['status', KEEPS_TIME],
    ['_count', '1'],
  ]);
  return found.length > 0;
}

/** The version before the one that was written. */
const versionBefore = (client: InternalClient, { type, resourceId, version }: Written) =>
  versionOf(client, type, resourceId, version - 1);
