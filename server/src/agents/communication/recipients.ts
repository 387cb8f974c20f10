import { isUrgent } from '../../events/urgency.ts';
import { localReference, localReferences } from '../../fhir/references/literal.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';
import { periodRange } from '../../search/dates.ts';
import type { AgentTools } from '../agent.ts';
import { mayBeTold, privacyConsents } from './consent.ts';

/** Somebody whom a request names, and whether they may be written to. */
export interface Recipient {
  /** `Patient/1`. */
  readonly reference: string;
  /** Undefined where there is no such resource, or it is nobody who can be written to: the dead are not. */
  readonly person: Resource | undefined;
  /** Why nothing may be sent; undefined where it may. */
  readonly objection?: string;
}

const MOST = 200;
const PEOPLE = ['Patient', 'RelatedPerson', 'Practitioner', 'PractitionerRole', 'Organization'];

/**
 * Whom a request is for: its recipients, the members of teams and groups among them, else its subject. Who is neither the
 * patient that it is about nor staff is told only with the patient's consent.
 */
export async function recipientsOf(fhir: AgentTools, request: Resource, now: number): Promise<Recipient[]> {
  const named = localReferences(request['recipient']);
  const subject = localReference(request['subject']);
  const wanted = named.length > 0 ? named : subject === undefined ? [] : [subject];
  const people = new Map<string, Resource | undefined>();
  for (const reference of wanted) await add(fhir, reference, people, now, true);
  const found: Recipient[] = [];
  for (const [reference, person] of people)
    found.push(await judged(fhir, request, subject, reference, person, now));
  return found;
}

/** Whether a person who was named before may still be written to. */
export async function stillRecipient(
  fhir: AgentTools,
  request: Resource,
  reference: string,
  now: number,
): Promise<Recipient> {
  const people = new Map<string, Resource | undefined>();
  await add(fhir, reference, people, now, false);
  return judged(fhir, request, localReference(request['subject']), reference, people.get(reference), now);
}

async function add(
  fhir: AgentTools,
  reference: string,
  people: Map<string, Resource | undefined>,
  now: number,
  expands: boolean,
): Promise<void> {
  if (people.has(reference) || people.size >= MOST) return;
  const resource = await fhir.follow(reference);
  if (
    resource !== undefined &&
    expands &&
    (resource.resourceType === 'CareTeam' || resource.resourceType === 'Group')
  ) {
    for (const member of members(resource, now)) await add(fhir, member, people, now, false);
    return;
  }
  const isPerson = resource !== undefined && PEOPLE.includes(resource.resourceType) && !hasDied(resource);
  people.set(reference, isPerson ? await withContacts(fhir, resource) : undefined);
}

/** Nothing is sent to the dead: who still reads what comes to their number is somebody else. */
const hasDied = ({ deceasedBoolean, deceasedDateTime }: Resource): boolean =>
  deceasedBoolean === true || deceasedDateTime !== undefined;

/** A role is reached as it says; where it says nothing, as its practitioner. */
async function withContacts(fhir: AgentTools, resource: Resource): Promise<Resource> {
  if (resource.resourceType !== 'PractitionerRole') return resource;
  const practitioner = await fhir.follow(resource['practitioner']);
  if (practitioner === undefined) return resource;
  const own = objectsOf(resource['telecom']);
  return { ...practitioner, ...(own.length === 0 ? {} : { telecom: own }) };
}

async function judged(
  fhir: AgentTools,
  request: Resource,
  subject: string | undefined,
  reference: string,
  person: Resource | undefined,
  now: number,
): Promise<Recipient> {
  if (person === undefined) return { reference, person };
  const isOther = person.resourceType === 'RelatedPerson' || person.resourceType === 'Patient';
  // Of whom somebody is told: the subject; without one, whoever somebody is related to.
  const patient = subject?.startsWith('Patient/') ? subject : localReference(person['patient']);
  if (!isOther || patient === undefined || reference === patient) return { reference, person };
  if (!holdsNow(person, now)) return { reference, person, objection: 'The relation does not hold now' };
  const labels = objectsOf(isObject(request['meta']) ? request['meta']['security'] : undefined).map(
    ({ system, code }) => `${String(system ?? '')}|${String(code)}`,
  );
  const consents = await privacyConsents(fhir, patient);
  return mayBeTold(consents, patient, reference, isUrgent(request), labels, now)
    ? { reference, person }
    : { reference, person, objection: 'No consent of the patient lets them be told' };
}

function holdsNow(person: Resource, now: number): boolean {
  if (person['active'] === false) return false;
  const period = isObject(person['period']) ? person['period'] : {};
  const range = periodRange(period['start'], period['end']);
  return range === undefined || (range.low <= now && now <= range.high);
}

/** Who is in a team or group now. */
function members(resource: Resource, now: number): string[] {
  const isTeam = resource.resourceType === 'CareTeam';
  return objectsOf(resource[isTeam ? 'participant' : 'member'])
    .filter((one) => one['inactive'] !== true && holdsNow({ resourceType: 'Basic', ...one }, now))
    .flatMap((one) => localReference(one[isTeam ? 'member' : 'entity']) ?? []);
}
