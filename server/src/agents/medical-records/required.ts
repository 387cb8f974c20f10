import { isObject, isResource, objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';

/** The extension that says why a value is not there. */
export const absent = (reason: 'unknown' | 'not-applicable'): JsonObject => ({
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: reason }],
});
const UNKNOWN = absent('unknown');
/** Of what is coded, a code says it. */
const UNKNOWN_CODE: JsonObject = {
  coding: [
    {
      system: 'http://terminology.hl7.org/CodeSystem/data-absent-reason',
      code: 'unknown',
      display: 'Unknown',
    },
  ],
};

const OBSERVATION_CATEGORY = 'http://terminology.hl7.org/CodeSystem/observation-category';

/** An element of any of its types, and what stands in for it. */
type Need = readonly [names: readonly string[], standIn: JsonObject];

const code: Need = [['code'], { code: UNKNOWN_CODE }];
const named: Need = [['name', '_name'], { _name: UNKNOWN }];
const when = (element: string): Need => [
  ['DateTime', 'Period', 'Timing', 'Instant', 'String', 'Age', 'Range'].flatMap((type) => [
    `${element}${type}`,
    `_${element}${type}`,
  ]),
  { [`_${element}DateTime`]: UNKNOWN },
];
/** What the profiles of IPS 1.1.0 and 2.0.0 require of a type and R4 does not. */
const NEEDS: Readonly<Record<string, readonly Need[]>> = {
  Patient: [
    [['name'], { name: [{ _text: UNKNOWN }] }],
    [['birthDate', '_birthDate'], { _birthDate: UNKNOWN }],
  ],
  AllergyIntolerance: [code],
  Condition: [code],
  DeviceUseStatement: [when('timing')],
  DiagnosticReport: [when('effective')],
  Medication: [code],
  MedicationStatement: [when('effective')],
  Organization: [named],
  Practitioner: [[['name'], { name: [{ _text: UNKNOWN }] }]],
  Procedure: [code, when('performed')],
  Specimen: [[['type'], { type: UNKNOWN_CODE }]],
};
const RESULT: readonly Need[] = [[['performer'], { performer: [UNKNOWN] }]];
const VALUE = /^_?value[A-Z]/;

/**
 * A resource with what the IPS profiles require: what nobody has recorded is said to be unknown (IPS, Empty sections and
 * missing data). The resource itself where nothing is missing; else a copy, which is no version of it any more.
 */
export function completed(resource: Resource): Resource {
  const added: JsonObject = {};
  const needs = [
    ...(NEEDS[resource.resourceType] ?? []),
    ...(resource.resourceType === 'Observation' ? needsOf(resource) : []),
  ];
  for (const [names, standIn] of needs)
    if (!names.some((name) => resource[name] !== undefined)) Object.assign(added, standIn);
  if (resource.resourceType === 'Patient') Object.assign(added, sayableNames(resource));
  const inner = objectsOf(resource['contained']).filter(isResource);
  const filled = inner.map(completed);
  if (filled.some((one, i) => one !== inner[i])) added['contained'] = filled;
  if (Object.keys(added).length === 0) return resource;
  const { meta } = resource;
  const { versionId: _, ...kept } = isObject(meta) ? meta : {};
  return { ...resource, ...(meta === undefined ? {} : { meta: kept }), ...added };
}

/** Of an Observation by its category (Observation-results-*-uv-ips); the profile of vital signs knows no unknown time. */
function needsOf(resource: Resource): readonly Need[] {
  const has = (category: string): boolean =>
    objectsOf(resource['category'])
      .flatMap(({ coding }) => objectsOf(coding))
      .some((one) => one['system'] === OBSERVATION_CATEGORY && one['code'] === category);
  if (has('vital-signs')) return [];
  if (!has('laboratory') && !has('imaging')) return [when('effective')];
  const hasResult =
    ['hasMember', 'component', 'dataAbsentReason'].some((name) => resource[name] !== undefined) ||
    Object.keys(resource).some((name) => VALUE.test(name));
  // Of a dateTime the profile of imaging wants a day (ips-1).
  const [names] = when('effective');
  const time: Need = has('imaging') ? [names, { effectivePeriod: UNKNOWN }] : when('effective');
  return [...RESULT, time, ...(hasResult ? [] : [[['value'], { dataAbsentReason: UNKNOWN_CODE }] as const])];
}

/** Names that say something (ips-pat-1); nothing where all do. */
function sayableNames({ name }: Resource): JsonObject {
  const names = objectsOf(name);
  const says = (one: JsonObject): boolean =>
    ['family', '_family', 'given', '_given', 'text', '_text'].some((part) => one[part] !== undefined);
  if (names.every(says)) return {};
  return { name: names.map((one) => (says(one) ? one : { ...one, _text: UNKNOWN })) };
}
