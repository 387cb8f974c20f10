import { fhirError } from '../fhir/outcome.ts';
import { referenceTo } from '../fhir/references/literal.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { dateRange } from '../search/dates.ts';
import { notFree } from './conflict.ts';
import type { Desk } from './desk.ts';
import type { FreeTime } from './find.ts';
import { messageEntries } from './messages.ts';
import { withNamedSlots } from './named-slots.ts';
import { appointmentAt, patientIn, patientOf, wantedOf } from './proposal.ts';
import { appointmentIn, takeTime, timeOf } from './take.ts';
import {
  changing,
  holdOf,
  holdUntil,
  replacing as replacingSlot,
  slotAs,
  slotsOf,
  unheld,
  visitSlots,
} from './visit-slots.ts';
import { replacing } from './waiting.ts';
import { wishOf } from './wish.ts';
import { writeVisit } from './write-visit.ts';

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
  return take(desk, { ...order, patient: patientOfOrder(order) }, undefined);
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
  const who = patientOfOrder({ appointment, patient });
  const { start, end } = timeOf(appointment);
  if (expires <= desk.now() || appointment['status'] === 'cancelled')
    throw await notFree(desk, wantedOf(appointment), 'The hold has ended', start);
  const slots = await slotsOf(desk, appointment);
  const participants = objectsOf(appointment['participant']).map((one) => ({ ...one, status: 'accepted' }));
  const answer = await writeVisit(desk, [
    ...slots.map((slot) => {
      const from = dateRange(String(slot['start']))?.low;
      const isVisit = from !== undefined && from >= start && end !== undefined && from < end;
      return replacingSlot(slot, slotAs(slot, isVisit ? 'busy' : 'busy-unavailable'));
    }),
    changing(appointment, {
      extension: unheld(appointment),
      status: 'booked',
      ...(comment === undefined ? {} : { comment }),
      participant:
        patientOf(appointment) === undefined ? [patientIn(who, 'accepted'), ...participants] : participants,
    }),
    ...(await replacing(desk, wishOf(appointment))),
    ...messageEntries(desk, who, {
      kind: 'booked',
      appointment: referenceTo(appointment),
      visits: [appointment],
    }),
  ]);
  return appointmentIn(answer);
}

async function take(desk: Desk, given: Order, expires: number | undefined): Promise<Resource> {
  const order = { ...given, appointment: await withNamedSlots(desk, given.appointment) };
  const asked = { wanted: wantedOf(order.appointment), ...timeOf(order.appointment) };
  return takeTime(desk, asked, async (time, calendars) => {
    const { entries, slots } = visitSlots(time, calendars, expires);
    const fullUrl = `urn:uuid:${crypto.randomUUID()}`;
    const resource = visitAt(desk, order, time, slots, expires);
    const told = {
      kind: 'booked',
      appointment: fullUrl,
      visits: [resource],
      zone: time.candidate.zone.name,
    } as const;
    return [
      ...entries,
      { fullUrl, resource, request: { method: 'POST', url: 'Appointment' } },
      ...messageEntries(desk, expires === undefined ? order.patient : undefined, told),
    ];
  });
}

/** The Appointment of an order at a time. @param expires when the hold ends, epoch milliseconds; booked without it */
export function visitAt(
  desk: Desk,
  { appointment, patient, comment }: Order,
  time: FreeTime,
  slots: readonly JsonObject[],
  expires: number | undefined,
): Resource {
  const answer = expires === undefined ? 'accepted' : 'tentative';
  const { participant, ...rest } = appointmentAt(time, answer);
  const said = Object.fromEntries(
    SAID.flatMap((name) => (appointment[name] === undefined ? [] : [[name, appointment[name]]])),
  ) as JsonObject;
  return {
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
}

/** @throws FhirError 400 where no patient is named, or two are */
export function patientOfOrder(order: Pick<Order, 'appointment' | 'patient'>): string {
  const patient = patientFor(order);
  if (patient !== undefined) return patient;
  throw fhirError(400, 'required', 'Whose visit it is must be said: patient-id', 'http.query.patient-id');
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
