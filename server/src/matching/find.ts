import type { InternalClient } from '../fhir/internal-client.ts';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import { objectsOf } from '../json/objects.ts';
import type { Resource } from '../json/types.ts';
import { blocksOf } from './blocks.ts';
import { personOf } from './person.ts';
import { type Match, score } from './score.ts';

/** A Patient that may be the one described. */
export interface Candidate extends Match {
  readonly patient: Resource;
}

/** Candidates of one search: more have nothing in common but what is common. */
const MOST = 200;

/**
 * Finds the Patients that may be the one described, best first; those that certainly are not are left out, and so are
 * those that were replaced by another.
 * @param patient described: need not be stored; if it is, it does not match itself
 * @throws FhirError 422 when nothing is known of it that could be searched for, 403 where Patients may not be searched
 */
export async function findMatches(
  client: Pick<InternalClient, 'search'>,
  patient: Resource,
): Promise<Candidate[]> {
  const blocks = blocksOf(patient);
  if (blocks.length === 0)
    throw fhirError(
      422,
      'business-rule',
      'To find a Patient takes an identifier, a telephone number or e-mail address, a birth date, or a family name with a given name',
      "Parameters.parameter.where(name='resource')",
    );
  const found = new Map<string, Resource>();
  const refusals: FhirError[] = [];
  await Promise.all(
    blocks.map(async (block) => {
      try {
        for (const one of await client.search('Patient', [...block, ['_count', String(MOST)]]))
          found.set(String(one['id']), one);
      } catch (error) {
        // What is hidden from the asker cannot be searched by; other searches may find the same.
        if (!(error instanceof FhirError) || !isRefusal(error)) throw error;
        refusals.push(error);
      }
    }),
  );
  if (refusals.length === blocks.length) throw refusals[0];
  const person = personOf(patient);
  return [...found.values()]
    .filter((one) => one['id'] !== patient['id'] && !isReplaced(one))
    .map((one): Candidate => ({ patient: one, ...score(person, personOf(one)) }))
    .filter(({ grade }) => grade !== 'certainly-not')
    .sort((a, b) => rank(a) - rank(b) || b.score - a.score || weight(b) - weight(a));
}

/** Not allowed, or by a parameter that there is not for the asker. */
const isRefusal = ({ status, issues }: FhirError): boolean =>
  status === 403 || (status === 400 && issues.every(({ code }) => code === 'not-supported'));

const GRADES = ['certain', 'probable', 'possible'];
const rank = ({ grade }: Candidate): number => GRADES.indexOf(grade);
const weight = ({ evidence }: Candidate): number => evidence.reduce((sum, { bits }) => sum + bits, 0);

/** Whether another Patient stands in its place (R4 patient.html#links). */
function isReplaced(patient: Resource): boolean {
  return objectsOf(patient['link']).some(({ type }) => type === 'replaced-by');
}

/**
 * The one Patient that certainly is the one described: none where another one is probable, too.
 * @param candidates as {@link findMatches} returns them
 */
export function certainOf(candidates: readonly Candidate[]): Candidate | undefined {
  const [first, second] = candidates;
  return first?.grade === 'certain' && (second === undefined || second.grade === 'possible')
    ? first
    : undefined;
}
