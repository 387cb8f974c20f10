import { createHash } from 'node:crypto';
import { referenceTo } from '../fhir/references/literal.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';

/** Canonical URLs of the measures that facilities of the demo submit. */
export const VISITS_MEASURE = 'https://vesta.health/fhir/Measure/visits-by-department';
export const CONDITIONS_MEASURE = 'https://vesta.health/fhir/Measure/conditions-by-code';

const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const POPULATION = 'http://terminology.hl7.org/CodeSystem/measure-population';
/** The first year that reports are made of. */
const FIRST_YEAR = 2016;

/** Classes of encounters that stand for departments, as they are reported. */
const DEPARTMENTS: Readonly<Record<string, string>> = {
  AMB: 'ambulatory',
  EMER: 'emergency',
  IMP: 'inpatient encounter',
  HH: 'home health',
  VR: 'virtual',
};

/** What a facility reports of a quarter. */
interface Figures {
  readonly facility: string;
  readonly quarter: string;
  readonly visits: Map<string, number>;
  /** By `system|code`. */
  readonly conditions: Map<string, { readonly concept: JsonObject; count: number }>;
}

/**
 * Makes what a national authority holds of a country's facilities out of records of patients: the organisations and
 * places, the measures, and a MeasureReport (R4 measurereport.html, type summary) for each measure, facility and quarter
 * in which it had visits. Counts only: nothing of a patient is in it. Ids follow from what a resource is about.
 * @param bundles of records whose references are Synthea's: `urn:uuid:` and `Organization?identifier=system|value`
 */
export function nationalResources(bundles: readonly JsonObject[]): Resource[] {
  const resources = bundles.flatMap((bundle) =>
    objectsOf(bundle['entry']).flatMap((entry) => {
      const resource = entry['resource'];
      return isObject(resource)
        ? [{ url: String(entry['fullUrl'] ?? ''), resource: resource as Resource }]
        : [];
    }),
  );
  const figures = figuresOf(resources);
  const reporting = new Set(figures.map(({ facility }) => facility));
  const organizations = resources.flatMap(({ resource }) =>
    resource.resourceType === 'Organization' && reporting.has(String(resource['id']))
      ? [organizationOf(resource)]
      : [],
  );
  const known = new Set(organizations.map(({ id }) => String(id)));
  const places = resources.flatMap(({ resource }) => {
    const facility = identifierOf(resource['managingOrganization']);
    return resource.resourceType === 'Location' && facility !== undefined && known.has(facility)
      ? [placeOf(resource, facility)]
      : [];
  });
  return [
    authority,
    ...measures,
    ...organizations,
    ...places,
    ...figures.filter(({ facility }) => known.has(facility)).flatMap(reportsOf),
  ];
}

/** Transactions that store resources under their ids. @param most resources of one */
export function transactionsOf(resources: readonly Resource[], most = 150): JsonObject[] {
  const chunks: JsonObject[] = [];
  for (let at = 0; at < resources.length; at += most) {
    chunks.push({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: resources.slice(at, at + most).map((resource) => ({
        resource,
        request: { method: 'PUT', url: referenceTo(resource) },
      })),
    });
  }
  return chunks;
}

/** Who works with it. */
const authority: Resource = {
  resourceType: 'Practitioner',
  id: 'nadia-national',
  active: true,
  name: [{ family: 'National', given: ['Nadia'], text: 'Nadia National' }],
};

const measure = (id: string, url: string, title: string, description: string): Resource => ({
  resourceType: 'Measure',
  id,
  url,
  version: '1.0.0',
  name: title.replaceAll(/[^A-Za-z]/g, ''),
  title,
  status: 'active',
  description,
});

const measures: readonly Resource[] = [
  measure(
    'visits-by-department',
    VISITS_MEASURE,
    'Visits by department',
    'Visits that began in the period, by class of encounter.',
  ),
  measure(
    'conditions-by-code',
    CONDITIONS_MEASURE,
    'Conditions by code',
    'Diagnoses that were made in the period, by code.',
  ),
];

interface Located {
  readonly url: string;
  readonly resource: Resource;
}

function figuresOf(resources: readonly Located[]): Figures[] {
  const found = new Map<string, Figures>();
  const visits = new Map<string, Figures>();
  for (const { url, resource } of resources) {
    if (resource.resourceType !== 'Encounter') continue;
    const facility = identifierOf(resource['serviceProvider']);
    const quarter = quarterOf(isObject(resource['period']) ? resource['period']['start'] : undefined);
    if (facility === undefined || quarter === undefined) continue;
    const key = `${facility} ${quarter}`;
    const figures = found.get(key) ?? { facility, quarter, visits: new Map(), conditions: new Map() };
    found.set(key, figures);
    visits.set(url, figures);
    const department = isObject(resource['class']) ? String(resource['class']['code']) : '';
    if (department in DEPARTMENTS) figures.visits.set(department, (figures.visits.get(department) ?? 0) + 1);
  }
  for (const { resource } of resources) {
    if (resource.resourceType !== 'Condition' || !isObject(resource['encounter'])) continue;
    const figures = visits.get(String(resource['encounter']['reference']));
    const concept = resource['code'];
    const [coding] = isObject(concept) ? objectsOf(concept['coding']) : [];
    if (figures === undefined || coding === undefined || !isObject(concept)) continue;
    const key = `${String(coding['system'])}|${String(coding['code'])}`;
    const known = figures.conditions.get(key);
    if (known === undefined) figures.conditions.set(key, { concept, count: 1 });
    else known.count++;
  }
  return [...found.values()].sort(
    (a, b) => a.quarter.localeCompare(b.quarter) || a.facility.localeCompare(b.facility),
  );
}

function reportsOf({ facility, quarter, visits, conditions }: Figures): Resource[] {
  const visitGroups = [...visits].sort().map(([code, count]) => ({
    code: { coding: [{ system: ACT_CODE, code, display: DEPARTMENTS[code] as string }] },
    population: [population(count)],
  }));
  const strata = [...conditions.values()].map(({ concept, count }) => ({
    value: concept,
    population: [population(count)],
  }));
  const total = [...conditions.values()].reduce((sum, { count }) => sum + count, 0);
  return [
    report(VISITS_MEASURE, facility, quarter, visitGroups),
    ...(strata.length === 0
      ? []
      : [
          report(CONDITIONS_MEASURE, facility, quarter, [
            {
              population: [population(total)],
              stratifier: [{ code: [{ text: 'Condition' }], stratum: strata }],
            },
          ]),
        ]),
  ];
}

function report(measureUrl: string, facility: string, quarter: string, group: JsonValue[]): Resource {
  const { start, end } = periodOf(quarter);
  const id = createHash('sha256').update(`${measureUrl} ${facility} ${quarter}`).digest('hex').slice(0, 32);
  return {
    resourceType: 'MeasureReport',
    id,
    status: 'complete',
    type: 'summary',
    measure: measureUrl,
    // Facilities report within two weeks of a quarter's end.
    date: new Date(Date.parse(end) + 14 * 86_400_000).toISOString(),
    reporter: { reference: `Organization/${facility}` },
    period: { start, end },
    group,
  };
}

const population = (count: number): JsonObject => ({
  code: { coding: [{ system: POPULATION, code: 'initial-population' }] },
  count,
});

/** `2024-Q3` of an instant; undefined before the first year. */
function quarterOf(instant: JsonValue | undefined): string | undefined {
  const time = Date.parse(String(instant));
  if (Number.isNaN(time)) return undefined;
  const date = new Date(time);
  const year = date.getUTCFullYear();
  return year < FIRST_YEAR ? undefined : `${year}-Q${Math.floor(date.getUTCMonth() / 3) + 1}`;
}

/** First and last day of a quarter. */
function periodOf(quarter: string): { start: string; end: string } {
  const [year, number] = quarter.split('-Q').map(Number) as [number, number];
  const day = (date: Date) => date.toISOString().slice(0, 10);
  return {
    start: day(new Date(Date.UTC(year, 3 * (number - 1), 1))),
    end: day(new Date(Date.UTC(year, 3 * number, 0))),
  };
}

/** Value of the identifier by which a reference names an organisation. */
function identifierOf(reference: JsonValue | undefined): string | undefined {
  if (!isObject(reference)) return undefined;
  const identifier = reference['identifier'];
  if (isObject(identifier)) return String(identifier['value']);
  return /\?identifier=[^|]*\|(.+)$/.exec(String(reference['reference'] ?? ''))?.[1];
}

/** An organisation without what it counts of its patients. */
function organizationOf({ id, identifier, name, address, type }: Resource): Resource {
  return { resourceType: 'Organization', id, active: true, identifier, type, name, address } as Resource;
}

function placeOf({ id, name, address, position }: Resource, facility: string): Resource {
  return {
    resourceType: 'Location',
    id,
    status: 'active',
    name,
    ...(address === undefined ? {} : { address }),
    ...(position === undefined ? {} : { position }),
    managingOrganization: { reference: `Organization/${facility}` },
  } as Resource;
}
