import { localReference, referenceTo } from '../fhir/references/literal.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import type { Candidate, Wanted } from './candidates.ts';
import type { FreeTime } from './find.ts';
import type { TimeZone } from './zone.ts';

const MINUTE = 60_000;

/** Participant states of an Appointment (R4 valueset-participationstatus.html). */
export type Answer = 'needs-action' | 'tentative' | 'accepted';

/** A FHIR instant as the clocks of the zone show it. */
export function instantIn(zone: TimeZone, instant: number): string {
  const offset = zone.offsetAt(instant);
  const local = new Date(instant + offset).toISOString().slice(0, 19);
  const minutes = Math.round(Math.abs(offset) / MINUTE);
  const two = (value: number) => String(value).padStart(2, '0');
  return offset === 0
    ? `${local}Z`
    : `${local}${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/**
 * What an Appointment says of a free time: start, end, kind of visit and all that take part but the patient.
 * @param answer state of the participants
 */
export function appointmentAt({ candidate, start, end, resources }: FreeTime, answer: Answer): JsonObject {
  const { role, service, location, zone, visit } = candidate;
  const specialty = firstFilled(role?.['specialty'], service?.['specialty']);
  const actors = actorsOf(candidate);
  if (location !== undefined) actors.set(referenceTo(location), textOf(location['name']));
  const facilities = candidate.groups.flat();
  for (const reference of resources) {
    if (actors.has(reference)) continue;
    actors.set(reference, facilities.find((one) => one.reference === reference)?.name);
  }
  return {
    ...(visit.code === undefined ? {} : { serviceType: [visit.code] }),
    ...(specialty === undefined ? {} : { specialty }),
    start: instantIn(zone, start),
    end: instantIn(zone, end),
    minutesDuration: visit.isPlain ? Math.round((end - start) / MINUTE) : visit.duration,
    participant: [...actors].map(([reference, display]) => ({
      actor: { reference, ...(display === undefined ? {} : { display }) },
      required: 'required',
      status: answer,
    })),
  };
}

/** What a free time is told as: an Appointment that nobody has stored (R4 valueset-appointmentstatus.html#proposed). */
export function proposalOf(time: FreeTime, patient: string | undefined): Resource {
  const { participant, ...rest } = appointmentAt(time, 'needs-action');
  return {
    resourceType: 'Appointment',
    status: 'proposed',
    ...rest,
    participant: [
      ...(patient === undefined ? [] : [patientIn(patient, 'needs-action')]),
      ...objectsOf(participant),
    ],
  };
}

export function patientIn(patient: string, answer: Answer): JsonObject {
  return { actor: { reference: patient }, required: 'required', status: answer };
}

/** Whom and what an Appointment names: as what is wanted when a time for it is looked for. */
export function wantedOf(appointment: JsonObject): Wanted {
  const named = actorsIn(appointment);
  const of = (type: string) => named.filter((one) => one.startsWith(`${type}/`));
  const roles = of('PractitionerRole');
  return {
    practitioners: roles.length > 0 ? roles : of('Practitioner'),
    organizations: [],
    locations: of('Location'),
    services: of('HealthcareService'),
    specialties: [],
    visitType: visitTypeIn(appointment),
  };
}

/** References of an Appointment's participants. */
export function actorsIn(appointment: JsonObject): string[] {
  return objectsOf(appointment['participant']).flatMap(({ actor }) => localReference(actor) ?? []);
}

/** The patient that an Appointment is for. */
export function patientOf(appointment: JsonObject): string | undefined {
  return actorsIn(appointment).find((one) => one.startsWith('Patient/'));
}

function visitTypeIn(appointment: JsonObject): string | undefined {
  const [coding] = objectsOf(appointment['serviceType']).flatMap((one) => objectsOf(one['coding']));
  const code = coding?.['code'];
  if (typeof code !== 'string') return undefined;
  return typeof coding?.['system'] === 'string' ? `${coding['system']}|${code}` : code;
}

function actorsOf({ role, service, calendar }: Candidate): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  if (role === undefined && service === undefined) found.set(calendar, undefined);
  const person = role?.['practitioner'];
  const personReference = localReference(person);
  const display = isObject(person) ? textOf(person['display']) : undefined;
  if (role !== undefined) found.set(referenceTo(role), display);
  if (personReference !== undefined) found.set(personReference, display);
  if (service !== undefined) found.set(referenceTo(service), textOf(service['name']));
  return found;
}

function firstFilled(...values: (JsonValue | undefined)[]): JsonValue | undefined {
  return values.find((value) => Array.isArray(value) && value.length > 0);
}

const textOf = (value: JsonValue | undefined) => (typeof value === 'string' ? value : undefined);
