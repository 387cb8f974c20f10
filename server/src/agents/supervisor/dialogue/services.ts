import { isObject, objectsOf } from '../../../json/objects.ts';
import type { Resource } from '../../../json/types.ts';
import { fold } from '../language/normalize.ts';
import { isSpecialty, type Specialty, tokensOf } from '../language/specialties.ts';
import { specialtiesNamed } from '../language/understand.ts';
import type { Turn } from './turn.ts';
import type { Wish } from './wish.ts';

/** A kind of visit that the tenant offers. */
export interface Offered {
  /** `HealthcareService/id`. */
  readonly reference: string;
  readonly name: string;
}

const MOST = 100;

/** The services of the tenant, by name. */
export async function servicesOf({ context }: Pick<Turn, 'context'>): Promise<Offered[]> {
  const found = await context.directory.searchAll(
    'HealthcareService',
    [
      ['active:not', 'false'],
      ['_count', String(MOST)],
    ],
    MOST,
  );
  return found.flatMap(offeredOf).sort((a, b) => a.name.localeCompare(b.name));
}

function offeredOf(service: Resource): Offered[] {
  const [type] = objectsOf(service['type']);
  const name = service['name'] ?? type?.['text'] ?? objectsOf(type?.['coding'])[0]?.['display'];
  return typeof name === 'string' ? [{ reference: `HealthcareService/${String(service['id'])}`, name }] : [];
}

/**
 * What of the tenant a specialty means: a service, several to choose from, or roles with its code.
 * @returns an empty list where nobody offers it
 */
export async function forSpecialty(
  turn: Turn,
  specialty: string,
): Promise<{ readonly wish?: Wish; readonly among?: readonly Offered[] }> {
  const tokens = isSpecialty(specialty) ? tokensOf(specialty as Specialty) : [];
  const { directory } = turn.context;
  const coded =
    tokens.length === 0
      ? []
      : await directory.search('HealthcareService', [
          ['specialty', tokens.join(',')],
          ['active:not', 'false'],
        ]);
  const named =
    coded.length > 0
      ? []
      : (await servicesOf(turn)).filter(({ name }) => specialtiesNamed(name).includes(specialty));
  const among = [...coded.flatMap(offeredOf), ...named];
  const [only, second] = among;
  if (second !== undefined) return { among };
  if (only !== undefined) return { wish: { service: only.reference } };
  if (tokens.length === 0) return {};
  const roles = await directory.search('PractitionerRole', [
    ['specialty', tokens.join(',')],
    ['active:not', 'false'],
  ]);
  const codes = roles.flatMap((role) =>
    objectsOf(role['specialty']).flatMap(({ coding }) => objectsOf(coding)),
  );
  const token = tokens.find((one) =>
    codes.some(({ system, code }) => `${String(system)}|${String(code)}` === one),
  );
  return token === undefined ? {} : { wish: { specialty: token } };
}

/** Somebody whom visits can be with, by the family name as it was written. @param name folded */
export async function practitionerNamed({ context }: Turn, name: string): Promise<string | undefined> {
  const found = await context.directory.search('Practitioner', [
    ['name', name],
    ['active:not', 'false'],
  ]);
  const isCalled = (one: Resource) =>
    objectsOf(one['name']).some(
      ({ family, text }) =>
        (typeof family === 'string' &&
          fold(family)
            .split(/[\s-]+/)
            .includes(name)) ||
        (typeof text === 'string' &&
          fold(text)
            .split(/[\s-]+/)
            .includes(name)),
    );
  const one = found.find(isCalled);
  return one === undefined ? undefined : `Practitioner/${String(one['id'])}`;
}

/** The service that a text names, of those that were offered or all. */
export function serviceIn(text: string, offered: readonly Offered[]): Offered | undefined {
  const folded = fold(text);
  return offered.find(({ name }) => folded.includes(fold(name)));
}

/** Displays of the participants of a visit, but of the patient. */
export function participantsOf(visit: Resource): string[] {
  return objectsOf(visit['participant']).flatMap(({ actor }) => {
    if (!isObject(actor) || typeof actor['display'] !== 'string') return [];
    return String(actor['reference']).startsWith('Patient/') ? [] : [actor['display']];
  });
}
