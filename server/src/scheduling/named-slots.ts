import { fhirError } from '../fhir/outcome.ts';
import { localReferences } from '../fhir/references/literal.ts';
import { objectsOf } from '../json/objects.ts';
import type { JsonObject } from '../json/types.ts';
import type { Desk } from './desk.ts';
import { actorsIn } from './proposal.ts';
import { slotsOf } from './visit-slots.ts';

const WITH = /^(Device|HealthcareService|Location|Practitioner|PractitionerRole)\//;

/**
 * What somebody asks for who names free Slots (R4 Appointment.slot) in place of the time and the people: as $find would
 * propose it.
 * @throws FhirError 422 when there are no such Slots, 400 where it is not said with whom or for what the visit is to be
 */
export async function withNamedSlots(desk: Desk, appointment: JsonObject): Promise<JsonObject> {
  const isNamed = actorsIn(appointment).some((one) => WITH.test(one));
  if (isNamed && appointment['start'] !== undefined) return appointment;
  const named = localReferences(appointment['slot']);
  if (named.length === 0) {
    if (isNamed || objectsOf(appointment['serviceType']).length > 0) return appointment;
    const message = 'The Appointment must say with whom: participant, slot or serviceType';
    throw fhirError(400, 'required', message, 'Appointment.participant');
  }
  const slots = await slotsOf(desk, appointment);
  if (slots.length < named.length)
    throw fhirError(422, 'not-found', 'There are no such Slots', 'Appointment.slot');
  const [first] = slots.toSorted((a, b) => Date.parse(String(a['start'])) - Date.parse(String(b['start'])));
  const schedules = isNamed
    ? []
    : await Promise.all(slots.map((slot) => desk.directory.follow(slot['schedule'])));
  const actors = new Set(schedules.flatMap((schedule) => localReferences(schedule?.['actor'])));
  return {
    ...appointment,
    start: appointment['start'] ?? (first?.['start'] as string),
    participant: [
      ...objectsOf(appointment['participant']),
      ...[...actors].map((reference) => ({ actor: { reference } })),
    ],
  };
}
