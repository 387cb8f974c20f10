import { referenceTo } from '../../fhir/references/literal.ts';
import { referencesIn } from '../../fhir/references/references-in.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import type { Section } from './collect.ts';
import { absent } from './required.ts';

const ABSENT = 'http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips';
/** What IPS 2 says instead of the codes of absent-unknown-uv-ips, which are of IPS 1. */
const NO_INFORMATION = {
  system: 'http://snomed.info/sct',
  code: '1287211007',
  display: 'No information available',
};

/** Of what a MedicationRequest says, what a MedicationStatement says by the same name. */
const SAME = ['medicationCodeableConcept', 'medicationReference', 'reasonCode', 'reasonReference'];

/**
 * The statement that is the entry of a row where IPS names things by statements of their use: of a Device that has none,
 * and of an order, since readers of IPS 1 know medicines as MedicationStatements alone. Undefined for other rows.
 */
export function statementFor(
  resource: Resource,
  subject: string,
  idFor: (name: string) => string,
): Resource | undefined {
  const reference = referenceTo(resource);
  const id = idFor(`statement-${reference}`);
  switch (resource.resourceType) {
    case 'Device':
      return {
        resourceType: 'DeviceUseStatement',
        id,
        status: 'active',
        subject: { reference: subject },
        _timingDateTime: absent('unknown'),
        device: { reference },
      };
    case 'MedicationRequest':
      return { resourceType: 'MedicationStatement', id, ...ofOrder(resource, subject, reference) };
    default:
      return undefined;
  }
}

function ofOrder(order: Resource, subject: string, reference: string): JsonObject {
  const { meta, status, encounter, authoredOn, dosageInstruction, reportedReference: source } = order;
  const security = isObject(meta) ? objectsOf(meta['security']) : [];
  const said: JsonObject = {
    status: status === 'on-hold' ? 'on-hold' : 'active',
    subject: { reference: subject },
    derivedFrom: [{ reference }],
  };
  if (source !== undefined) said['informationSource'] = source;
  else if (order['reportedBoolean'] !== true)
    said['note'] = [{ text: 'By the order. Whether it is taken is not recorded.' }];
  for (const name of SAME) if (order[name] !== undefined) said[name] = order[name];
  if (encounter !== undefined) said['context'] = encounter;
  if (dosageInstruction !== undefined) said['dosage'] = dosageInstruction;
  if (authoredOn === undefined) said['_effectiveDateTime'] = absent('unknown');
  else Object.assign(said, { effectivePeriod: { start: authoredOn }, dateAsserted: authoredOn });
  const contained = containedOf(said, objectsOf(order['contained']));
  if (contained.length > 0) said['contained'] = contained;
  if (security.length > 0) said['meta'] = { security };
  return said;
}

/** Of contained resources those that are referred to from here, by one another too (R4 dom-3). */
function containedOf(said: JsonObject, contained: readonly JsonObject[]): JsonObject[] {
  const kept = new Set<JsonObject>();
  const follow = (from: JsonObject): void => {
    const referred = new Set([...referencesIn(from)].map(({ reference }) => reference));
    for (const one of contained) {
      if (kept.has(one) || !referred.has(`#${String(one['id'])}`)) continue;
      kept.add(one);
      follow(one);
    }
  };
  follow(said);
  return [...kept];
}

/** What stands in a required section of which nothing is known; undefined for others, and for what is withheld. */
export function absentOf(
  { plan: { name, unknown }, isWithheld }: Section,
  subject: string,
  idFor: (name: string) => string,
): Resource | undefined {
  if (unknown === undefined || isWithheld) return undefined;
  const code = {
    coding: [{ system: ABSENT, code: unknown.code, display: unknown.display }, NO_INFORMATION],
    text: unknown.display,
  };
  const id = idFor(unknown.code);
  const active = (system: string) => ({
    coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code: 'active' }],
  });
  switch (name) {
    case 'allergies':
      return {
        resourceType: 'AllergyIntolerance',
        id,
        clinicalStatus: active('allergyintolerance-clinical'),
        code,
        patient: { reference: subject },
      };
    case 'problems':
      return {
        resourceType: 'Condition',
        id,
        clinicalStatus: active('condition-clinical'),
        code,
        subject: { reference: subject },
      };
    case 'medications':
      return {
        resourceType: 'MedicationStatement',
        id,
        status: 'unknown',
        medicationCodeableConcept: code,
        subject: { reference: subject },
        _effectiveDateTime: absent('not-applicable'),
      };
    default:
      return undefined;
  }
}
