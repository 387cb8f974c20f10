import type { Json } from './harness.ts';

/** The names of search parameters that have to work together; one name for a parameter alone. */
export type Combination = readonly string[];

const EXPECTATION = 'http://hl7.org/fhir/StructureDefinition/capabilitystatement-expectation';
const COMBINATION =
  'http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination';

const shall = (element: Json): boolean =>
  (element.extension ?? []).some((one: Json) => one.url === EXPECTATION && one.valueCode === 'SHALL');

/** The searches that a CapabilityStatement demands (expectation SHALL), by resource type. */
export function requiredSearches(statement: Json): Map<string, Combination[]> {
  return new Map(
    statement.rest[0].resource.map((resource: Json): [string, Combination[]] => {
      const alone = (resource.searchParam ?? []).filter(shall).map(({ name }: Json) => [name]);
      const together = (resource.extension ?? [])
        .filter((one: Json) => one.url === COMBINATION && shall(one))
        .map((one: Json) =>
          one.extension.filter(({ url }: Json) => url === 'required').map((part: Json) => part.valueString),
        );
      return [resource.type, [...alone, ...together]];
    }),
  );
}

/** The types whose searches have to take `_revinclude=Provenance:target`. */
export function withProvenance(statement: Json): string[] {
  return statement.rest[0].resource
    .filter(({ searchRevInclude }: Json) => searchRevInclude?.includes('Provenance:target'))
    .map(({ type }: Json) => type);
}

/** The types whose searches have to take `_include=TYPE:medication`. */
export function withMedication(statement: Json): string[] {
  return statement.rest[0].resource
    .filter(({ type, searchInclude }: Json) => searchInclude?.includes(`${type}:medication`))
    .map(({ type }: Json) => type);
}

const list = (value: Json): Json[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);
const escaped = (text: string): string => text.replace(/[\\,$|]/g, (sign) => `\\${sign}`);
const tokens = (concepts: Json): string[] =>
  list(concepts).flatMap((concept) =>
    list(concept.coding ?? (concept.code === undefined ? [] : concept)).map(
      ({ system, code }: Json) => `${escaped(system)}|${escaped(code)}`,
    ),
  );
const words = (...texts: Json[]): string[] => texts.flatMap(list).map((text) => escaped(text));
const codes = (value: Json): string[] => list(value).map(escaped);

/** What R4's search parameters of these names look at, as far as US Core's required searches go. */
const VALUES: Readonly<Record<string, (resource: Json) => string[]>> = {
  _id: ({ id }) => [id],
  patient: ({ subject, patient, beneficiary }) =>
    [(subject ?? patient ?? beneficiary)?.reference].filter(Boolean),
  identifier: ({ identifier }) =>
    list(identifier).map(({ system, value }: Json) => `${escaped(system)}|${escaped(value)}`),
  name: ({ name }) =>
    list(name).flatMap((one) =>
      typeof one === 'string' ? words(one) : words(one.family, one.given, one.prefix, one.suffix),
    ),
  address: ({ address }) =>
    list(address).flatMap((one) => words(one.line, one.city, one.state, one.postalCode)),
  birthdate: ({ birthDate }) => list(birthDate),
  gender: ({ gender }) => codes(gender),
  category: ({ category }) => tokens(category),
  code: ({ code }) => tokens(code),
  type: ({ type }) => tokens(type),
  status: ({ status }) => codes(status),
  intent: ({ intent }) => codes(intent),
  specialty: ({ specialty }) => tokens(specialty),
  practitioner: ({ practitioner }) => list(practitioner?.reference),
  authored: ({ authoredOn }) => bounds(authoredOn),
  date: ({ resourceType, effectiveDateTime, effectivePeriod, performedDateTime, period, date }) =>
    bounds(
      resourceType === 'DocumentReference'
        ? date
        : (effectiveDateTime ?? effectivePeriod ?? performedDateTime ?? period),
    ),
};

/** The bounds of a date or period as conditions that it meets: at or after its start, at or before its end. */
function bounds(value: Json): string[] {
  if (value === undefined) return [];
  if (typeof value === 'string') return [`ge${value}`, `le${value}`];
  return [`ge${value.start}`, ...(value.end ? [`le${value.end}`] : [])];
}
const RANGES = new Set(['date', 'authored']);

/**
 * The queries of a combination that should find a resource: every value of a token, string or reference is tried, a
 * date as the range that holds it. Empty when the resource has no value for one of the parameters.
 */
export function queriesFor(resource: Json, combination: Combination): string[] {
  return combination.reduce<string[]>(
    (queries, name) => {
      const values = VALUES[name];
      if (values === undefined) throw new Error(`The test does not know the search parameter ${name}`);
      const found = values(resource).map((value) => `${name}=${encodeURIComponent(value)}`);
      if (found.length === 0) return [];
      const alternatives = RANGES.has(name) ? [found.join('&')] : found;
      return queries.flatMap((query) => alternatives.map((one) => (query === '' ? one : `${query}&${one}`)));
    },
    [''],
  );
}

/** How US Core tells the resources of a profile: the pattern of the code, or else that of a category it demands. */
export function tellsApart(profile: Json): ((resource: Json) => boolean) | undefined {
  const elements: Json[] = profile.snapshot.element;
  const has = (concepts: Json, { coding }: Json): boolean =>
    [concepts ?? []]
      .flat()
      .some((one: Json) =>
        coding.every((wanted: Json) =>
          one.coding?.some(({ system, code }: Json) => system === wanted.system && code === wanted.code),
        ),
      );
  const code = elements.find(({ id }) => id === `${profile.type}.code`)?.patternCodeableConcept;
  if (code !== undefined) return (resource) => has(resource.code, code);
  // Of the social history it is the codes of a value set that are smoking status.
  if (profile.id === 'us-core-smokingstatus') return undefined;
  const category = elements.find(
    ({ path, sliceName, min }) => path === `${profile.type}.category` && sliceName !== undefined && min > 0,
  )?.patternCodeableConcept;
  return category && ((resource) => has(resource.category, category));
}
