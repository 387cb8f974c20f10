import { TIME_ZONE, VISIT_TYPE } from '../src/scheduling/terms.ts';
import type { Answer, HeaderMap, Json, TestClient } from './harness.ts';

/** What visit types of a test are coded in. */
export const VISITS = 'http://example.org/visits';
export const minutes = (value: number) => ({ value, system: 'http://unitsofmeasure.org', code: 'min' });

export interface VisitOptions {
  readonly duration: number;
  readonly before?: number;
  readonly after?: number;
  readonly alignment?: number;
  /** Groups of `Location/id` or `Device/id`. */
  readonly resources?: readonly (readonly string[])[];
}

/** The extension of a HealthcareService for a kind of visit. */
export function visitType(code: string, options: VisitOptions): Json {
  const { duration, before, after, alignment, resources = [] } = options;
  const part = (url: string, value: number | undefined) =>
    value === undefined ? [] : [{ url, valueDuration: minutes(value) }];
  return {
    url: VISIT_TYPE,
    extension: [
      { url: 'code', valueCodeableConcept: { coding: [{ system: VISITS, code }] } },
      ...part('duration', duration),
      ...part('bufferBefore', before),
      ...part('bufferAfter', after),
      ...part('alignment', alignment),
      ...resources.map((group) => ({
        url: 'resource',
        extension: group.map((reference) => ({ url: 'candidate', valueReference: { reference } })),
      })),
    ],
  };
}

export const zone = (name: string) => ({ url: TIME_ZONE, valueCode: name });
export const WEEK = ['mon', 'tue', 'wed', 'thu', 'fri'];
export const hours = (from: string, to: string, days = WEEK) => ({
  daysOfWeek: days,
  availableStartTime: `${from}:00`,
  availableEndTime: `${to}:00`,
});

export interface ClinicOptions {
  readonly zone?: string;
  readonly visits?: readonly Json[];
  readonly service?: object;
  readonly role?: object;
  readonly location?: object;
}

export interface Clinic {
  readonly practitioner: string;
  readonly role: string;
  readonly service: string;
  readonly location: string;
}

/** Somebody who works in a place for a service: by default from 9 to 12 on weekdays, half an hour for a visit. */
export async function makeClinic(client: TestClient, options: ClinicOptions = {}): Promise<Clinic> {
  const location = await client.create({
    resourceType: 'Location',
    name: 'Room',
    extension: [zone(options.zone ?? 'UTC')],
    ...options.location,
  });
  const service = await client.create({
    resourceType: 'HealthcareService',
    name: 'Cardiology',
    extension: options.visits ?? [visitType('usual', { duration: 30, alignment: 30 })],
    ...options.service,
  });
  const practitioner = await client.create({ resourceType: 'Practitioner', name: [{ family: 'Kim' }] });
  const role = await client.create({
    resourceType: 'PractitionerRole',
    active: true,
    practitioner: { reference: `Practitioner/${practitioner.id}`, display: 'Dr Kim' },
    healthcareService: [{ reference: `HealthcareService/${service.id}` }],
    location: [{ reference: `Location/${location.id}` }],
    availableTime: [hours('09:00', '12:00')],
    ...options.role,
  });
  return {
    practitioner: `Practitioner/${practitioner.id}`,
    role: `PractitionerRole/${role.id}`,
    service: `HealthcareService/${service.id}`,
    location: `Location/${location.id}`,
  };
}

export async function makePatient(client: TestClient): Promise<string> {
  return `Patient/${(await client.create({ resourceType: 'Patient' })).id}`;
}

/** Free times, as Appointments. @throws Error unless the answer is 200 */
export async function findTimes(client: TestClient, query: string, headers?: HeaderMap): Promise<Json[]> {
  const answer = await client.get(`Appointment/$find?${query}`, headers);
  if (answer.status !== 200) throw new Error(`$find answered ${answer.status}: ${answer.text}`);
  return (answer.json.entry ?? []).map(({ resource }: Json) => resource);
}

export const startsOf = (appointments: readonly Json[]): string[] => appointments.map(({ start }) => start);

/** Calls an operation on Appointments with parameters: a resource, a text or a number each. */
export function call(
  client: TestClient,
  path: string,
  given: Readonly<Record<string, Json>> = {},
  headers?: HeaderMap,
): Promise<Answer> {
  const parameter = Object.entries(given).map(([name, value]) => {
    if (typeof value === 'number') return { name, valueInteger: value };
    if (typeof value === 'string') return { name, valueString: value };
    return value.resourceType === undefined
      ? { name, valueCodeableConcept: value }
      : { name, resource: value };
  });
  return client.post(`Appointment/${path}`, { resourceType: 'Parameters', parameter }, headers);
}

/** The next free times that a 409 tells: starts. */
export const nextTimes = ({ json }: Answer): string[] =>
  (json.issue[0].extension ?? []).map((one: Json) => one.valuePeriod.start);
