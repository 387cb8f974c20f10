import { fhirError } from '../fhir/outcome.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { dateRange } from '../search/dates.ts';
import type { Calendars } from './calendars.ts';
import { notFree } from './conflict.ts';
import type { Desk } from './desk.ts';
import type { FreeTime } from './find.ts';
import { appointmentAt, patientIn, patientOf, wantedOf } from './proposal.ts';
import { appointmentIn, takeTime, timeOf } from './take.ts';
import {
  changing,
  holdOf,
  holdUntil,
  replacing,
  slotAs,
  slotsOf,
  unheld,
  visitSlots,
} from './visit-slots.ts';

/** Elements of a proposed Appointment that are the asker's to say. */
const SAID = [
  'identifier',
  'appointmentType',
  'reasonCode',
  'reasonReference',
  'priority',
  'description',
  'supportingInformation',
  'comment',
  'patientInstruction',
  'basedOn',
] as const;

/** A visit that somebody asks for. */
export interface Order {
  /** As $find proposed it: who, what kind of visit, when. */
  readonly appointment: JsonObject;
  /** `Patient/id`. */
  readonly patient: string | undefined;
  readonly comment?: string | undefined;
}

/**
 * Books a visit: its Slots and the Appointment in one transaction, or nothing.
 * @returns the Appointment, booked
 * @throws FhirError 409 with the next free times when the time is not free, 403 when the caller may not make it
 */
export async function bookVisit(desk: Desk, order: Order): Promise<Resource> {
  const patient = patientFor(order);
  if (patient === undefined)
    throw fhirError(400, 'required', 'Whose visit it is must be said: patient-id', 'http.query.patient-id');
  return take(desk, { ...order, patient }, undefined);
}

/**
 * Holds a time for a while, so that nobody else gets it: an Appointment that is pending, with Slots that are
 * busy-tentative until then.
 * @param minutes how long
 */
export async function holdVisit(desk: Desk, order: Order, minutes: number): Promise<Resource> {
  return take(desk, { ...order, patient: patientFor(order) }, desk.now() + minutes * 60_000);
}

/**
 * Books what is held.
 * @param appointment as the caller reads it
 * @throws FhirError 409 with the next free times when the hold has ended, 422 when it is not held
 */
export async function bookHeld(
  desk: Desk,
  appointment: Resource,
  { patient, comment }: Pick<Order, 'patient' | 'comment'>,
): Promise<Resource> {
  const expires = holdOf(appointment);
  if (expires === undefined || !['pending', 'cancelled'].includes(String(appointment['status']))) {
    throw fhirError(422, 'business-rule', 'This Appointment is not held', 'Appointment.status');
  }
  const who = patientFor({ appointment, patient });
  if (who === undefined)
    throw fhirError(400, 'required', 'Whose visit it is must be said: patient-id', 'http.query.patient-id');
  const { start, end } = timeOf(appointment);
  if (expires <= desk.now() || appointment['status'] === 'cancelled')
    throw await notFree(desk, wantedOf(appointment), 'The hold has ended', start);
  const slots = await slotsOf(desk, appointment);
  const participants = objectsOf(appointment['participant']).map((one) => ({ ...one, status: 'accepted' }));
  const answer = await desk.writer.transaction({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      ...slots.map((slot) => {
        const from = dateRange(String(slot['start']))?.low;
        const isVisit = from !== undefined && from >= start && end !== undefined && from < end;
        return replacing(slot, slotAs(slot, isVisit ? 'busy' : 'busy-unavailable'));
      }),
      changing(appointment, {
        extension: unheld(appointment),
        status: 'booked',
        ...(comment === undefined ? {} : { comment }),
        participant:
          patientOf(appointment) === undefined ? [patientIn(who, 'accepted'), ...participants] : participants,
      }),
    ],
  });
  return appointmentIn(answer);
}

function take(desk: Desk, order: Order, expires: number | undefined): Promise<Resource> {
  const asked = { wanted: wantedOf(order.appointment), ...timeOf(order.appointment) };
  return takeTime(desk, asked, (time, calendars) => entriesOf(desk, order, time, calendars, expires));
}

function entriesOf(
  desk: Desk,
  { appointment, patient, comment }: Order,
  time: FreeTime,
  calendars: Calendars,
  expires: number | undefined,
): JsonObject[] {
  const { entries, slots } = visitSlots(time, calendars, expires);
  const answer = expires === undefined ? 'accepted' : 'tentative';
  const { participant, ...rest } = appointmentAt(time, answer);
  const said = Object.fromEntries(
    SAID.flatMap((name) => (appointment[name] === undefined ? [] : [[name, appointment[name]]])),
  ) as JsonObject;
  const resource: JsonObject = {
    resourceType: 'Appointment',
    ...(expires === undefined ? {} : { extension: [holdUntil(expires)] }),
    status: expires === undefined ? 'booked' : 'pending',
    ...said,
    ...rest,
    ...(comment === undefined ? {} : { comment }),
    created: new Date(desk.now()).toISOString(),
    slot: [...slots],
    participant: [...(patient === undefined ? [] : [patientIn(patient, answer)]), ...objectsOf(participant)],
  };
  return [...entries, { resource, request: { method: 'POST', url: 'Appointment' } }];
}

/** The patient that is named, who must be the one that the Appointment names if it names one. */
function patientFor({ appointment, patient }: Pick<Order, 'appointment' | 'patient'>): string | undefined {
  const named = isObject(appointment) ? patientOf(appointment) : undefined;
  if (patient !== undefined && named !== undefined && named !== patient) {
    throw fhirError(
      400,
      'business-rule',
      `The Appointment is for ${named}, not for ${patient}`,
      'Appointment.participant',
    );
  }
  return patient ?? named;
}
