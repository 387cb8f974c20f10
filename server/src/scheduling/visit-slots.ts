import type { InternalClient } from '../fhir/internal-client.ts';
import { FhirError } from '../fhir/outcome.ts';
import { localReference, referenceTo } from '../fhir/references/literal.ts';
import { objectsOf } from '../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import { dateRange } from '../search/dates.ts';
import { uuidV7 } from '../storage/row-id.ts';
import type { Calendars } from './calendars.ts';
import type { Desk } from './desk.ts';
import type { FreeTime } from './find.ts';
import { instantIn } from './proposal.ts';
import { HOLD_EXPIRES } from './terms.ts';

const MINUTE = 60_000;

/** Entries of a transaction, and what refers to what they make. */
export interface VisitSlots {
  readonly entries: readonly JsonObject[];
  /** Appointment.slot. */
  readonly slots: readonly JsonObject[];
}

/**
 * The Slots that a visit takes: of each calendar (practitioner, places, devices) one for the visit and, where the kind of
 * visit has them, one for the buffer before and one after. A calendar's Schedule is made when there is none yet.
 * @param expires when a hold ends, epoch milliseconds; without it the time is taken for good
 * @param made Schedules that the transaction makes, by their actors: each is made once
 */
export function visitSlots(
  time: FreeTime,
  calendars: Calendars,
  expires: number | undefined,
  made = new Map<string, string>(),
): VisitSlots {
  const { candidate, start, end, resources } = time;
  const { visit, zone } = candidate;
  const entries: JsonObject[] = [];
  const slots: JsonObject[] = [];
  const parts = [
    [start - visit.bufferBefore * MINUTE, start, 'busy-unavailable'],
    [start, end, 'busy'],
    [end, end + visit.bufferAfter * MINUTE, 'busy-unavailable'],
  ] as const;
  for (const actor of [candidate.calendar, ...resources]) {
    let schedule = calendars.scheduleOf(actor) ?? made.get(actor);
    if (schedule === undefined) {
      schedule = `urn:uuid:${crypto.randomUUID()}`;
      made.set(actor, schedule);
      entries.push({
        fullUrl: schedule,
        resource: { resourceType: 'Schedule', active: true, actor: [{ reference: actor }] },
        request: { method: 'POST', url: 'Schedule', ifNoneExist: `actor=${actor}&active:not=false` },
      });
    }
    for (const [from, to, status] of parts) {
      if (from === to) continue;
      // A free Slot that somebody has stored for just this time is taken itself.
      const stored =
        actor === candidate.calendar && status === 'busy' ? freeSlotAt(time, calendars) : undefined;
      if (stored !== undefined) {
        const taken = { ...stored, status: expires === undefined ? status : 'busy-tentative' };
        entries.push(replacing(stored, expires === undefined ? taken : held(taken, expires)));
        slots.push({ reference: referenceTo(stored) });
        continue;
      }
      // With an id of their own: an Appointment that is patched cannot name them otherwise.
      const id = uuidV7();
      entries.push({
        resource: {
          resourceType: 'Slot',
          id,
          ...(expires === undefined ? {} : { extension: [holdUntil(expires)] }),
          schedule: { reference: schedule },
          status: expires === undefined ? status : 'busy-tentative',
          start: instantIn(zone, from),
          end: instantIn(zone, to),
        },
        request: { method: 'PUT', url: `Slot/${id}` },
      });
      slots.push({ reference: `Slot/${id}` });
    }
  }
  return { entries, slots };
}

/** The free Slot of a time, if it is of the Schedule that visits are written to: in another one two could take the time. */
function freeSlotAt({ candidate, start, end }: FreeTime, calendars: Calendars): Resource | undefined {
  const schedule = calendars.scheduleOf(candidate.calendar);
  return calendars
    .freeSlotsOf(candidate.actors)
    .find(
      (one) => one.start === start && one.end === end && localReference(one.slot['schedule']) === schedule,
    )?.slot;
}

function held(slot: Resource, expires: number): Resource {
  return { ...slot, extension: [...objectsOf(unheld(slot)), holdUntil(expires)] };
}

/** The extension that says when a hold ends. */
export function holdUntil(expires: number): JsonObject {
  return { url: HOLD_EXPIRES, valueInstant: new Date(expires).toISOString() };
}

/** When the hold that a Slot or Appointment is ends; undefined where it is none. */
export function holdOf(resource: JsonObject): number | undefined {
  const held = objectsOf(resource['extension']).find(({ url }) => url === HOLD_EXPIRES)?.['valueInstant'];
  return typeof held === 'string' ? dateRange(held)?.low : undefined;
}

/** The extensions of a resource without the mark of a hold; undefined where no other is left. */
export function unheld(resource: Resource): JsonValue | undefined {
  const others = objectsOf(resource['extension']).filter(({ url }) => url !== HOLD_EXPIRES);
  return others.length === 0 ? undefined : others;
}

/** A Slot that is no hold any more. */
export function slotAs(slot: Resource, status: string): Resource {
  const { extension: _extension, ...rest } = slot;
  const extension = unheld(slot);
  return { ...rest, ...(extension === undefined ? {} : { extension }), status } as Resource;
}

/** The Slots of an Appointment, as they are stored. */
export async function slotsOf(desk: Desk, appointment: JsonObject): Promise<Resource[]> {
  const references = objectsOf(appointment['slot']).flatMap((one) => localReference(one) ?? []);
  const found = await Promise.all(references.map((one) => desk.directory.follow({ reference: one })));
  return found.filter((one) => one !== undefined);
}

/**
 * An entry that changes elements of a resource, if nobody else has changed it since it was read. It is a patch, because
 * the caller may not see all elements.
 * @param changes elements by name; undefined takes one away
 */
export function changing(
  resource: Resource,
  changes: Readonly<Record<string, JsonValue | undefined>>,
): JsonObject {
  const patch = Object.entries(changes).flatMap(([name, value]): JsonObject[] => {
    if (value !== undefined) return [{ op: 'add', path: `/${name}`, value }];
    return resource[name] === undefined ? [] : [{ op: 'remove', path: `/${name}` }];
  });
  return {
    resource: {
      resourceType: 'Binary',
      contentType: 'application/json-patch+json',
      data: Buffer.from(JSON.stringify(patch)).toString('base64'),
    },
    request: { ...requestFor(resource), method: 'PATCH' },
  };
}

function requestFor(resource: Resource): JsonObject {
  const meta = resource['meta'] as JsonObject;
  return { url: referenceTo(resource), ifMatch: `W/"${meta['versionId']}"` };
}

/** An entry that replaces a resource, if nobody else has changed it since it was read. */
export function replacing(resource: Resource, changed: Resource): JsonObject {
  return { resource: changed, request: { ...requestFor(resource), method: 'PUT' } };
}

/** Whether a Slot says that its time is taken (R4 valueset-slotstatus.html). */
export const takesTime = ({ status }: Resource): boolean => String(status).startsWith('busy');

/**
 * Entries that give the time of Slots back. Those that visits have made become `entered-in-error` and not `free`, because
 * what is free is told by the hours, which may change; those that somebody has stored as free are so again.
 */
export async function givingBack(desk: Desk, slots: readonly Resource[]): Promise<JsonObject[]> {
  return Promise.all(
    slots.filter(takesTime).map(async (slot) => {
      const status = (await wasFree(desk, slot)) ? 'free' : 'entered-in-error';
      return replacing(slot, slotAs(slot, status));
    }),
  );
}

/** Versions that are looked through for what a Slot was before it was taken. */
const MOST_VERSIONS = 20;

async function wasFree(desk: Desk, slot: Resource): Promise<boolean> {
  const { versionId } = slot['meta'] as JsonObject;
  const version = Number(versionId);
  for (let back = 1; back <= MOST_VERSIONS && back < version; back++) {
    const before = await versionOf(desk.directory, 'Slot', String(slot['id']), version - back);
    if (before === undefined || !takesTime(before)) return before?.['status'] === 'free';
  }
  return false;
}

/** A version of a resource; undefined where there is none, or it was deleted by it. */
export async function versionOf(
  client: InternalClient,
  type: string,
  id: string,
  version: number,
): Promise<Resource | undefined> {
  if (version < 1) return undefined;
  try {
    return (await client.call('GET', [type, id, '_history', String(version)])) as Resource;
  } catch (error) {
    if (error instanceof FhirError && (error.status === 404 || error.status === 410)) return undefined;
    throw error;
  }
}
