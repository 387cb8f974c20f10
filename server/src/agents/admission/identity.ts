import { isObject, isResource, objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import { personOf } from '../../matching/person.ts';
import type { Grade } from '../../matching/score.ts';
import type { AgentTools } from '../agent.ts';
import { TEMPORARY_PATIENT } from '../triage/terms.ts';

const MATCH_GRADE = 'http://hl7.org/fhir/StructureDefinition/match-grade';

/** What $match found. */
export interface Found {
  readonly reference: string;
  readonly grade: Grade;
  readonly score: number;
  readonly patient: Resource;
}

/** Whether nobody knows yet who a Patient is. */
export function isTemporary(patient: Resource): boolean {
  const names = objectsOf(patient['name']);
  return (
    objectsOf(patient['identifier']).some(({ system }) => system === TEMPORARY_PATIENT) ||
    (names.length > 0 && names.every(({ use }) => use === 'temp'))
  );
}

/** Whether a Patient says enough to look for the person: a number, a way to reach them, or a name. */
export function isTelling(patient: Resource): boolean {
  const { identifiers, names, phones, emails } = personOf(patient);
  const own = identifiers.filter(({ system }) => system !== TEMPORARY_PATIENT);
  return own.length > 0 || names.length > 0 || phones.length > 0 || emails.length > 0;
}

/** Asks Patient/$match. @param patient those that a Patient with this id matches, but itself */
export async function matchesOf(fhir: AgentTools, patient: Resource): Promise<Found[]> {
  const bundle = await fhir.operation(['Patient', '$match'], {
    resourceType: 'Parameters',
    parameter: [
      { name: 'resource', resource: patient },
      { name: 'count', valueInteger: 20 },
    ],
  });
  return objectsOf(bundle['entry']).flatMap(({ resource, search }) => {
    const grade = isObject(search)
      ? objectsOf(search['extension']).find(({ url }) => url === MATCH_GRADE)?.['valueCode']
      : undefined;
    if (!isResource(resource) || typeof grade !== 'string' || !isObject(search)) return [];
    const score = Number(search['score']);
    return [
      { reference: `Patient/${String(resource['id'])}`, grade: grade as Grade, score, patient: resource },
    ];
  });
}

/** The temporary Patient with what is known of the person by now; its number stays, as what it was called by. */
export function registered(temporary: Resource, demographics: Resource): Resource {
  const { id: _id, meta: _meta, resourceType: _type, identifier, ...known } = demographics;
  const identifiers = objectsOf(temporary['identifier']).map((one) =>
    one['system'] === TEMPORARY_PATIENT ? { ...one, use: 'old' } : one,
  );
  const all = [...identifiers, ...objectsOf(identifier)];
  const { name: _name, ...rest } = temporary;
  return {
    ...rest,
    ...known,
    resourceType: 'Patient',
    active: true,
    ...(all.length === 0 ? {} : { identifier: all }),
    // Without a name of the own the temporary one stays.
    ...(known['name'] === undefined && temporary['name'] !== undefined ? { name: temporary['name'] } : {}),
  };
}

/** In words for who decides: what the two have in common is in their records, which the Task names. */
export function duplicateReason({ reference, score, grade }: Found, own: string): string {
  return `${own} may be the same person as ${reference} (${grade}, ${Math.round(score * 100)} %)`;
}

export const concept = (system: string, code: string, display: string): JsonObject => ({
  coding: [{ system, code, display }],
});
