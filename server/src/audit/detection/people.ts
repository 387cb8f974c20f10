import type { Tenant } from '../../access/scope.ts';
import { encodeQuery } from '../../fhir/query-text.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonValue, Resource } from '../../json/types.ts';
import { normalizeString } from '../../search/normalize.ts';
import { escapeValue } from '../../search/query/escape.ts';
import type { AuditEntry } from '../entry.ts';
import { type PeopleFacts, Recent } from './rule.ts';

/** Finds resources of a tenant with a scope that sees all of it; at most `_count` of the query. */
export type FindResources = (tenant: Tenant, type: string, query: string) => Promise<readonly Resource[]>;

export interface PeopleOptions {
  readonly find: FindResources;
  /** Labels (`system|code`) of Patient.meta.security that mark specially protected persons. */
  readonly vipLabels?: readonly string[];
  /** Whether the same surname at the same address makes a relative. */
  readonly sameHousehold?: boolean;
  /** Milliseconds that what was looked up is held for true. */
  readonly keep?: number;
  readonly onError?: (error: unknown) => void;
}

/** v3 ActCode: a celebrity or another person of public interest; an employee. */
const VIP_LABELS = [
  'http://terminology.hl7.org/CodeSystem/v3-ActCode|CEL',
  'http://terminology.hl7.org/CodeSystem/v3-ActCode|EMP',
];
const MOST = 1000;

interface Known<T> {
  readonly value: T;
  readonly until: number;
}

/**
 * What is known of the people who act, looked up beside the requests: a first event of a person may be judged without,
 * and the next ones are judged with it. Bounded: the last 2000 persons.
 */
export class People {
  readonly #options: PeopleOptions;
  readonly #kin = new Recent<Known<Omit<PeopleFacts, 'vip'>>>(2000);
  readonly #vip = new Recent<Known<ReadonlySet<string>>>(500);
  readonly #asked = new Set<string>();

  constructor(options: PeopleOptions) {
    this.#options = options;
  }

  /** For {@link DetectorOptions.facts}: what is known now. */
  facts = (tenant: Tenant, entry: AuditEntry): PeopleFacts | undefined => {
    const { agent } = entry;
    if (agent === undefined || entry.patients === undefined || !agent.startsWith('Practitioner/'))
      return undefined;
    const kin = this.#known(this.#kin, `${tenant.id}/${agent}`, () => this.#lookUpKin(tenant, agent));
    const vip = this.#known(this.#vip, String(tenant.id), () => this.#lookUpVip(tenant));
    if (kin === undefined && vip === undefined) return undefined;
    return { self: kin?.self ?? NOBODY, family: kin?.family ?? NOBODY, vip: vip ?? NOBODY };
  };

  /** What is remembered, however old, and is looked up again when it is. */
  #known<T>(memory: Recent<Known<T>>, key: string, lookUp: () => Promise<T>): T | undefined {
    const known = memory.get(key);
    const now = Date.now();
    if ((known === undefined || known.until < now) && !this.#asked.has(key)) {
      this.#asked.add(key);
      lookUp()
        .then((value) => memory.set(key, { value, until: Date.now() + (this.#options.keep ?? 600_000) }))
        .catch((error: unknown) => this.#options.onError?.(error))
        .finally(() => this.#asked.delete(key));
    }
    return known?.value;
  }

  async #lookUpKin(tenant: Tenant, agent: string): Promise<Omit<PeopleFacts, 'vip'>> {
    const { find, sameHousehold = true } = this.#options;
    const [type, id] = agent.split('/') as [string, string];
    const [person] = await find(tenant, type, encodeQuery([['_id', id]]));
    const surnames = person === undefined ? [] : familyNames(person);
    if (person === undefined || surnames.length === 0) return { self: NOBODY, family: NOBODY };
    const query = encodeQuery([
      ['family', surnames.map(escapeValue).join(',')],
      ['_count', String(MOST)],
    ]);
    const nameQuery = query.replace(/^family=/, 'name=');
    const [patients, related] = await Promise.all([
      find(tenant, 'Patient', query),
      find(tenant, 'RelatedPerson', nameQuery),
    ]);
    const self = new Set<string>();
    const family = new Set<string>();
    for (const patient of patients) {
      const relation = relationTo(person, patient, sameHousehold);
      if (relation !== undefined) (relation === 'self' ? self : family).add(String(patient['id']));
    }
    for (const each of related) {
      const of = patientOf(each);
      if (of !== undefined && isSamePerson(person, each)) family.add(of);
    }
    return { self, family };
  }

  async #lookUpVip(tenant: Tenant): Promise<ReadonlySet<string>> {
    const labels = this.#options.vipLabels ?? VIP_LABELS;
    if (labels.length === 0) return NOBODY;
    const query = encodeQuery([
      ['_security', labels.join(',')],
      ['_elements', 'id'],
      ['_count', String(MOST)],
    ]);
    const found = await this.#options.find(tenant, 'Patient', query);
    return new Set(found.map((patient) => String(patient['id'])));
  }
}

const NOBODY: ReadonlySet<string> = new Set();

/**
 * How a patient relates to a member of staff, by what both resources say.
 * @param sameHousehold whether the same surname at the same address makes a relative
 */
export function relationTo(
  person: Resource,
  patient: Resource,
  sameHousehold: boolean,
): 'self' | 'family' | undefined {
  if (isSamePerson(person, patient)) return 'self';
  if (!sameHousehold || !overlap(familyNames(person), familyNames(patient))) return undefined;
  return overlap(addresses(person), addresses(patient)) ? 'family' : undefined;
}

/** An identifier in common; or the same full name and the same birth date. */
export function isSamePerson(a: Resource, b: Resource): boolean {
  if (overlap(identifiers(a), identifiers(b))) return true;
  return (
    typeof a['birthDate'] === 'string' &&
    a['birthDate'] === b['birthDate'] &&
    overlap(fullNames(a), fullNames(b))
  );
}

function overlap(a: readonly string[], b: readonly string[]): boolean {
  return a.some((value) => b.includes(value));
}

const texts = (value: JsonValue | undefined): string[] =>
  (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'string');

function familyNames(resource: Resource): string[] {
  return objectsOf(resource['name']).flatMap((name) => texts(name['family']).map(normalizeString));
}

function fullNames(resource: Resource): string[] {
  return objectsOf(resource['name']).flatMap((name) => {
    const [family] = texts(name['family']);
    const [given] = texts(name['given']);
    return family === undefined || given === undefined ? [] : [normalizeString(`${family} ${given}`)];
  });
}

/** An identifier without a system is nobody's in particular. */
function identifiers(resource: Resource): string[] {
  return objectsOf(resource['identifier']).flatMap(({ system, value }) =>
    typeof system === 'string' && typeof value === 'string' ? [`${system}|${value}`] : [],
  );
}

/** Street and town, or street and postal code. */
function addresses(resource: Resource): string[] {
  return objectsOf(resource['address']).flatMap((address) => {
    const street = texts(address['line']).map(normalizeString).join(' ');
    if (street === '') return [];
    return [...texts(address['city']), ...texts(address['postalCode'])].map(
      (place) => `${street}|${normalizeString(place)}`,
    );
  });
}

function patientOf(relatedPerson: Resource): string | undefined {
  const { patient } = relatedPerson;
  const reference = isObject(patient) ? patient['reference'] : undefined;
  return typeof reference === 'string'
    ? /(?:^|\/)Patient\/([A-Za-z0-9\-.]{1,64})$/.exec(reference)?.[1]
    : undefined;
}
