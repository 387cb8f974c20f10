import type { Query } from '../fhir/internal-client.ts';
import { fhirError } from '../fhir/outcome.ts';
import { localReference, localReferences, referenceTo } from '../fhir/references/literal.ts';
import { objectsOf } from '../json/objects.ts';
import type { Resource } from '../json/types.ts';
import type { Desk } from './desk.ts';
import { type Hours, readHours } from './hours.ts';
import { TIME_ZONE } from './terms.ts';
import { PLAIN_VISIT, type VisitType, visitTypeOf, visitTypesOf } from './visit-type.ts';
import { type TimeZone, timeZone } from './zone.ts';

/** Whom a visit is wanted with; each list holds alternatives, an empty one says nothing. */
export interface Wanted {
  /** `Practitioner/id` or `PractitionerRole/id`. */
  readonly practitioners: readonly string[];
  readonly organizations: readonly string[];
  readonly locations: readonly string[];
  readonly services: readonly string[];
  /** Search tokens, `system|code` or `code`. */
  readonly specialties: readonly string[];
  /** `system|code` or `code` of a kind of visit. */
  readonly visitType: string | undefined;
}

/** A place or device that a visit can need, with its hours. */
export interface Facility {
  /** `Location/id` or `Device/id`. */
  readonly reference: string;
  readonly name: string | undefined;
  readonly hours: readonly Hours[];
}

/** Somebody who can see a patient: a PractitionerRole, or a HealthcareService or Practitioner that has none. */
export interface Candidate {
  readonly role: Resource | undefined;
  readonly service: Resource | undefined;
  readonly location: Resource | undefined;
  /** Whose calendar the visit takes: the person, who may work in several roles, or else the role or service. */
  readonly calendar: string;
  /** References whose Schedules say when the candidate is taken. */
  readonly actors: readonly string[];
  readonly hours: readonly Hours[];
  readonly zone: TimeZone;
  readonly visit: VisitType;
  readonly groups: readonly (readonly Facility[])[];
}

/** Who is meant, and for what. */
interface Chosen extends Pick<Candidate, 'role' | 'service' | 'visit'> {
  readonly person?: Resource;
}

/** Most roles that are looked at. */
const MOST = 1000;

/**
 * Those who may see the patient, with the kind of visit that is wanted.
 * @throws FhirError 400 when too many are meant
 */
export async function candidatesFor(desk: Desk, wanted: Wanted): Promise<readonly Candidate[]> {
  return desk.known.remember(
    desk.context.tenant,
    `candidates ${JSON.stringify(wanted)}`,
    () => readCandidates(desk, wanted),
    (found) => found.length,
  );
}

async function readCandidates(desk: Desk, wanted: Wanted): Promise<readonly Candidate[]> {
  const roles = await rolesFor(desk, wanted);
  const services = await byReference(desk, 'HealthcareService', [
    ...wanted.services,
    ...roles.flatMap((role) => localReferences(role['healthcareService'])),
  ]);
  const chosen = roles.flatMap((role) => {
    const own = localReferences(role['healthcareService']);
    const offered = own.filter((one) => wanted.services.length === 0 || wanted.services.includes(one));
    const pair = serviceAndVisit(offered, services, wanted);
    return pair === undefined ? [] : [{ role, ...pair }];
  });
  // A service that nobody is named for, such as a laboratory, is booked itself.
  const staffed = new Set(roles.flatMap((role) => localReferences(role['healthcareService'])));
  const unstaffed = wanted.practitioners.length > 0 ? [] : wanted.services.filter((one) => !staffed.has(one));
  const alone = unstaffed.flatMap((one) => {
    const pair = services.has(one) ? serviceAndVisit([one], services, wanted) : undefined;
    return pair === undefined ? [] : [{ role: undefined, ...pair }];
  });
  const found: Chosen[] = [...chosen, ...alone, ...(await withoutRole(desk, wanted, roles))];
  const needed = found.flatMap(({ visit }) => visit.resources.flat());
  const places = await byReference(desk, 'Location', [
    ...found.flatMap(({ role, service }) => placeOf(role, service, wanted) ?? []),
    ...needed,
  ]);
  const facilities = new Map([...places, ...(await byReference(desk, 'Device', needed))]);
  const organizations = await byReference(
    desk,
    'Organization',
    found.flatMap(({ role }) => localReference(role?.['organization']) ?? []),
  );
  // A service's hours are those of all its roles: read once, they are worked out once.
  const hours = new Map<Resource, Hours>();
  const hoursOf = (resource: Resource): Hours => {
    const read = hours.get(resource) ?? readHours(resource);
    hours.set(resource, read);
    return read;
  };
  return found.map(({ role, service, visit, person: alone }) => {
    const location = places.get(placeOf(role, service, wanted) ?? '');
    const organization = organizations.get(localReference(role?.['organization']) ?? '');
    const stated = [role, service, location].filter((one) => one !== undefined);
    const own = referenceTo((role ?? service ?? alone) as Resource);
    const person = localReference(role?.['practitioner']);
    const calendar = person ?? own;
    return {
      role,
      service,
      location,
      calendar,
      actors: person === undefined ? [own] : [person, own],
      hours: stated.map(hoursOf),
      zone: zoneOf([location, service, role, organization, alone]),
      visit,
      groups: visit.resources.map((group) =>
        group.map((reference) => facility(reference, facilities, hoursOf)),
      ),
    };
  });
}

/** Who is named and works in no role: of them free Slots that are stored tell when they are there. */
async function withoutRole(desk: Desk, wanted: Wanted, roles: readonly Resource[]): Promise<Chosen[]> {
  const { practitioners, organizations, locations, services, specialties, visitType } = wanted;
  if (
    visitType !== undefined ||
    [organizations, locations, services, specialties].some((one) => one.length > 0)
  )
    return [];
  const working = roles.flatMap((role) => localReference(role['practitioner']) ?? []);
  const people = await byReference(
    desk,
    'Practitioner',
    practitioners.filter((one) => !working.includes(one)),
  );
  return [...people.values()].flatMap((person) =>
    person['active'] === false ? [] : [{ role: undefined, service: undefined, visit: PLAIN_VISIT, person }],
  );
}

async function rolesFor(desk: Desk, wanted: Wanted): Promise<Resource[]> {
  const base: [string, string][] = [
    ['active:not', 'false'],
    ['_count', String(Math.min(MOST, desk.services.settings.maxPage))],
  ];
  const add = (name: string, values: readonly string[]) => {
    if (values.length > 0) base.push([name, values.join(',')]);
  };
  add('organization', wanted.organizations);
  add('location', wanted.locations);
  add('service', wanted.services);
  add('specialty', wanted.specialties);
  const named = (type: string) => wanted.practitioners.filter((one) => one.startsWith(`${type}/`));
  const people = named('Practitioner');
  const roles = named('PractitionerRole');
  const searches: Query[] = [];
  if (people.length > 0) searches.push([...base, ['practitioner', people.join(',')]]);
  if (roles.length > 0) searches.push([...base, ['_id', roles.map(idOf).join(',')]]);
  if (wanted.practitioners.length === 0) searches.push(base);
  const found = await Promise.all(
    searches.map((search) => desk.directory.searchAll('PractitionerRole', search, MOST + 1)),
  );
  const distinct = [...new Map(found.flat().map((role) => [role['id'], role])).values()];
  if (distinct.length > MOST)
    throw fhirError(
      400,
      'too-costly',
      'Too many are meant: name a service, specialty or location',
      'http.query',
    );
  return distinct;
}

/** The service that offers the kind of visit that is wanted; without a kind the first service and its first kind. */
function serviceAndVisit(
  offered: readonly string[],
  services: ReadonlyMap<string, Resource>,
  { visitType, services: asked }: Wanted,
): { service: Resource | undefined; visit: VisitType } | undefined {
  const known = offered.flatMap((one) => services.get(one) ?? []);
  const active = known.filter((service) => service['active'] !== false);
  // Who works for services that are given up only is not there any more.
  if (known.length > 0 && active.length === 0) return undefined;
  for (const service of active) {
    const types = typesOf(service);
    const visit = visitType === undefined ? (types[0] ?? PLAIN_VISIT) : visitTypeOf(types, visitType);
    if (visit !== undefined) return { service, visit };
  }
  return visitType === undefined && asked.length === 0
    ? { service: undefined, visit: PLAIN_VISIT }
    : undefined;
}

/** The kinds of visits of a service; where it tells of none, plain ones of its type. */
function typesOf(service: Resource): VisitType[] {
  const stated = visitTypesOf(service);
  if (stated.length > 0) return stated;
  return objectsOf(service['type']).map((code) => ({ ...PLAIN_VISIT, code }));
}

/** Where the visit takes place: where it is wanted, of the places of the role, or else of the service. */
function placeOf(
  role: Resource | undefined,
  service: Resource | undefined,
  { locations }: Wanted,
): string | undefined {
  const own = localReferences(role?.['location']);
  const all = own.length > 0 ? own : localReferences(service?.['location']);
  return all.find((one) => locations.includes(one)) ?? all[0];
}

function facility(
  reference: string,
  places: ReadonlyMap<string, Resource>,
  hoursOf: (place: Resource) => Hours,
): Facility {
  const place = places.get(reference);
  const name = place?.['name'];
  return {
    reference,
    name: typeof name === 'string' ? name : undefined,
    hours: place === undefined ? [] : [hoursOf(place)],
  };
}

/** The time zone that is stated nearest; one that is not known counts as not stated. */
function zoneOf(nearestFirst: readonly (Resource | undefined)[]): TimeZone {
  for (const resource of nearestFirst) {
    const stated = objectsOf(resource?.['extension']).find(({ url }) => url === TIME_ZONE);
    const name = stated?.['valueCode'] ?? stated?.['valueString'];
    if (typeof name !== 'string') continue;
    try {
      return timeZone(name);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return timeZone('UTC');
}

/** Resources of a type by their references; those that are not there are left out. */
export async function byReference(
  desk: Desk,
  type: string,
  references: readonly string[],
): Promise<ReadonlyMap<string, Resource>> {
  const ids = [...new Set(references)].filter((one) => one.startsWith(`${type}/`)).map(idOf);
  if (ids.length === 0) return new Map();
  ids.sort();
  return desk.known.remember(
    desk.context.tenant,
    `${type} ${ids.join(' ')}`,
    async () => {
      const found = new Map<string, Resource>();
      for (let at = 0; at < ids.length; at += 200) {
        const some = ids.slice(at, at + 200);
        const query: Query = [
          ['_id', some.join(',')],
          ['_count', '200'],
        ];
        for (const resource of await desk.directory.searchAll(type, query, some.length))
          found.set(referenceTo(resource), resource);
      }
      return found;
    },
    (found) => found.size,
  );
}

const idOf = (reference: string): string => reference.slice(reference.indexOf('/') + 1);
