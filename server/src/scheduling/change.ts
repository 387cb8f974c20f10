import { fhirError } from '../fhir/outcome.ts';
import { referenceTo } from '../fhir/references/literal.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import type { Desk } from './desk.ts';
import { messageEntries, tellOf } from './messages.ts';
import { appointmentAt, patientOf, wantedOf } from './proposal.ts';
import { appointmentIn, takeTime, timeOf } from './take.ts';
import { changing, givingBack, slotsOf, visitSlots } from './visit-slots.ts';
import { writeVisit } from './write-visit.ts';

/** States of a visit that is still to come (R4 valueset-appointmentstatus.html). */
const TO_COME = ['proposed', 'pending', 'booked', 'waitlist'];

/**
 * Moves a visit: the new time is taken and the old one given back in one transaction, or all stays as it was.
 * @param appointment as the caller reads it
 * @param next the new start and, to go to somebody else, who: as $find proposed it
 * @throws FhirError 409 with the next free times, 422 when it is not booked
 */
export async function rescheduleVisit(
  desk: Desk,
  appointment: Resource,
  next: JsonObject,
): Promise<Resource> {
  assertStatus(appointment, ['booked'], 'moved');
  const old = await slotsOf(desk, appointment);
  const given = await givingBack(desk, old);
  const isElsewhere = objectsOf(next['participant']).length > 0;
  const asked = {
    wanted: wantedOf(isElsewhere ? next : appointment),
    ...timeOf(next),
    except: [...old, appointment].map(referenceTo),
  };
  const patient = patientOf(appointment);
  const patients = objectsOf(appointment['participant']).filter(
    ({ actor }) => isObject(actor) && actor['reference'] === patient,
  );
  return takeTime(desk, asked, async (time, calendars) => {
    const { entries, slots } = visitSlots(time, calendars, undefined);
    const { participant, ...rest } = appointmentAt(time, 'accepted');
    const moved = { ...rest, slot: [...slots], participant: [...patients, ...objectsOf(participant)] };
    const told = {
      kind: 'moved',
      appointment: referenceTo(appointment),
      visits: [moved],
      zone: time.candidate.zone.name,
    } as const;
    return [...given, ...entries, changing(appointment, moved), ...messageEntries(desk, patient, told)];
  });
}

/**
 * Cancels a visit and gives its time back.
 * @param reason CodeableConcept (R4 valueset-appointment-cancellation-reason.html)
 */
export async function cancelVisit(
  desk: Desk,
  appointment: Resource,
  reason: JsonObject | undefined,
): Promise<Resource> {
  assertStatus(appointment, TO_COME, 'cancelled');
  return write(desk, await cancellation(desk, appointment, reason));
}

/** Entries that cancel a visit and give its time back; who has booked or waits is told. */
export async function cancellation(
  desk: Desk,
  appointment: Resource,
  reason: JsonObject | undefined,
): Promise<JsonObject[]> {
  const slots = await slotsOf(desk, appointment);
  const { status } = appointment;
  const kind = status === 'booked' ? 'cancelled' : status === 'waitlist' ? 'left' : undefined;
  const cancelled = {
    status: 'cancelled',
    ...(reason === undefined ? {} : { cancelationReason: reason }),
  };
  return [
    ...(await givingBack(desk, slots)),
    changing(appointment, cancelled),
    ...(kind === undefined ? [] : tellOf(desk, kind, appointment)),
  ];
}

/** Notes that the patient has come. */
export async function checkIn(desk: Desk, appointment: Resource): Promise<Resource> {
  assertStatus(appointment, ['booked', 'arrived'], 'checked in');
  return write(desk, [changing(appointment, { status: 'checked-in' })]);
}

/** Notes that the patient has not come. @throws FhirError 422 before the visit was to begin */
export async function noShow(desk: Desk, appointment: Resource): Promise<Resource> {
  assertStatus(appointment, ['booked'], 'missed');
  if (timeOf(appointment).start > desk.now())
    throw fhirError(422, 'business-rule', 'The visit is still to come', 'Appointment.start');
  return write(desk, [changing(appointment, { status: 'noshow' })]);
}

async function write(desk: Desk, entry: JsonObject[]): Promise<Resource> {
  return appointmentIn(await writeVisit(desk, entry));
}

function assertStatus({ status }: Resource, allowed: readonly string[], done: string): void {
  if (allowed.includes(String(status))) return;
  throw fhirError(
    422,
    'business-rule',
    `A visit that is ${status} cannot be ${done}: it must be ${allowed.join(' or ')}`,
    'Appointment.status',
  );
}
