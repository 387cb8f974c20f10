import { Turns } from '../collections/turns.ts';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import { isObject, isResource, objectsOf } from '../json/objects.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { dateRange } from '../search/dates.ts';
import type { Calendars } from './calendars.ts';
import { type Candidate, candidatesFor, type Wanted } from './candidates.ts';
import { notFree } from './conflict.ts';
import type { Desk } from './desk.ts';
import { type FreeTime, timesOf } from './find.ts';
import { writeVisit } from './write-visit.ts';

/** How often a time is tried again when somebody else took one of several rooms meanwhile. */
export const ATTEMPTS = 4;

const turns = new Turns();

/** A time that somebody wants. */
export interface Asked {
  readonly wanted: Wanted;
  /** Epoch milliseconds. */
  readonly start: number;
  /** When it is to end; undefined: as the kind of visit has it. */
  readonly end: number | undefined;
  /** `Slot/id` of the visit that is moved. */
  readonly except?: readonly string[];
}

/**
 * Takes a time: finds who and what is free then and writes what `entriesFor` makes of it in one transaction.
 * @returns the Appointment of the transaction's answer
 * @throws FhirError 409 with the next free times when it is not free (any more), 422 when nobody is there for such a visit,
 *   and what the transaction is refused for
 */
export async function takeTime(
  desk: Desk,
  asked: Asked,
  entriesFor: (time: FreeTime, calendars: Calendars) => Promise<readonly JsonObject[]>,
): Promise<Resource> {
  const { wanted, start, except = [] } = asked;
  const candidates = await someCandidates(desk, wanted);
  const reason = `${new Date(start).toISOString()} is not free`;
  for (let attempt = 1; ; attempt++) {
    const look = () => timeAt(desk, candidates, start, asked.end, except);
    const found = await look();
    if (found.time === undefined) throw await notFree(desk, wanted, reason, start);
    const key = `${desk.context.tenant.id} ${found.time.candidate.calendar}`;
    try {
      // Many may want the same time at once: who had to wait looks again before anything is written.
      const answer = await turns.run(key, async (waited) => {
        const { time, calendars } = waited ? await look() : found;
        if (time === undefined) return undefined;
        return writeVisit(desk, await entriesFor(time, calendars));
      });
      if (answer === undefined) throw await notFree(desk, wanted, reason, start);
      return appointmentIn(answer);
    } catch (error) {
      if (!isTaken(error)) throw error;
      // Perhaps in a calendar that another process has only just made.
      desk.known.forget(desk.context.tenant);
      if (attempt === ATTEMPTS) throw await notFree(desk, wanted, reason, start);
    }
  }
}

/** As candidatesFor. @throws FhirError 422 when there are none */
export async function someCandidates(desk: Desk, wanted: Wanted): Promise<readonly Candidate[]> {
  const candidates = await candidatesFor(desk, wanted);
  if (candidates.length > 0) return candidates;
  throw fhirError(
    422,
    'business-rule',
    'Nobody of those named offers such a visit',
    'Appointment.participant',
  );
}

/** The free time of a start, and of an end where that is given; undefined when it is not free. */
export async function timeAt(
  desk: Desk,
  candidates: readonly Candidate[],
  start: number,
  end: number | undefined,
  except: readonly string[] = [],
): Promise<{ readonly time: FreeTime | undefined; readonly calendars: Calendars }> {
  const when = {
    start: new Date(start).toISOString(),
    end: new Date(start + 24 * 60 * 60_000).toISOString(),
    timesOfDay: [],
    days: undefined,
    not: [],
  };
  const { times, calendars } = await timesOf(desk, candidates, when, candidates.length, except);
  const time = times.find((one) => one.start === start && (end === undefined || one.end === end));
  return { time, calendars };
}

/** Whether a transaction was refused because somebody has taken the time, or the free Slot of it, meanwhile. */
export function isTaken(error: unknown): boolean {
  if (!(error instanceof FhirError)) return false;
  if (error.status === 412) return error.issues.some(({ expression }) => expression === 'Slot');
  return (
    error.status === 409 &&
    error.issues.some(({ code, expression }) => code === 'conflict' && expression === 'Slot.start')
  );
}

/** The Appointment that a transaction has written, as its response Bundle tells it. */
export function appointmentIn(answer: JsonObject): Resource {
  const found = objectsOf(answer['entry'])
    .map(({ resource }) => resource)
    .find((resource) => isResource(resource) && resource.resourceType === 'Appointment');
  if (found === undefined) throw new Error('The transaction answered without the Appointment');
  return found as Resource;
}

/**
 * The time that an Appointment names.
 * @throws FhirError 400 without a start, or with one that is no instant
 */
export function timeOf(appointment: JsonObject): { start: number; end: number | undefined } {
  const start = instantAt(appointment, 'start');
  if (start === undefined)
    throw fhirError(400, 'required', 'The Appointment needs a start', 'Appointment.start');
  return { start, end: instantAt(appointment, 'end') };
}

function instantAt(appointment: JsonObject, name: 'start' | 'end'): number | undefined {
  const value = isObject(appointment) ? appointment[name] : undefined;
  if (value === undefined) return undefined;
  const range = typeof value === 'string' && value.includes('T') ? dateRange(value) : undefined;
  if (range === undefined) throw fhirError(400, 'value', `${name} must be an instant`, `Appointment.${name}`);
  return range.low;
}
