import fc from 'fast-check';
import type { DefinitionsModel, SearchParamModel } from '../src/conformance/model.ts';
import {
  type Arb,
  BASE,
  CODES,
  DATES,
  DECIMALS,
  IDENTIFIERS,
  of,
  SYSTEMS,
  TARGETS,
  TEXTS,
  TIMES,
  URIS,
} from './search-datatypes.ts';
import { TYPES } from './search-resources.ts';

/* Values of random searches, by the type of the search parameter. */

export type Pair = readonly [name: string, value: string];
export const escaped = (text: string): string => text.replace(/[,$|\\]/g, '\\$&');

/** Codes of parameters whose elements are no CodeableConcept or Coding. */
export const CODES_OF: Readonly<Record<string, readonly string[]>> = {
  identifier: IDENTIFIERS,
  gender: ['male', 'female', 'FEMALE', 'other'],
  active: ['true', 'false'],
  deceased: ['true', 'false'],
  actual: ['true', 'false'],
  exclude: ['true', 'false'],
  telecom: ['555', 'ann@x.org', 'ANN@X.ORG'],
  phone: ['555', 'ann@x.org'],
  email: ['ann@x.org', '555'],
  'address-use': ['home', 'work'],
  version: ['1', '2.0', 'beta'],
  intent: ['order', 'plan'],
  priority: ['routine', 'stat'],
  'subject-type': ['Patient', 'group'],
  status: ['final', 'amended', 'active', 'finished', 'draft', 'completed', 'current', 'inactive'],
};
/** Where a system can be given: Coding, CodeableConcept, Identifier. */
const WITHOUT_SYSTEM = ['active', 'deceased', 'actual', 'exclude', 'telecom', 'phone', 'email', 'version'];
/** Systems of the codes of `code` elements, by `Type.code` of the parameter. */
export const IMPLICIT_SYSTEMS: Readonly<Record<string, string>> = {
  'Patient.gender': 'http://hl7.org/fhir/administrative-gender',
  'Practitioner.gender': 'http://hl7.org/fhir/administrative-gender',
  'Patient.address-use': 'http://hl7.org/fhir/address-use',
  'Practitioner.address-use': 'http://hl7.org/fhir/address-use',
  'Organization.address-use': 'http://hl7.org/fhir/address-use',
  'Location.address-use': 'http://hl7.org/fhir/address-use',
  'Observation.status': 'http://hl7.org/fhir/observation-status',
  'Encounter.status': 'http://hl7.org/fhir/encounter-status',
  'Procedure.status': 'http://hl7.org/fhir/event-status',
  'MedicationRequest.status': 'http://hl7.org/fhir/CodeSystem/medicationrequest-status',
  'MedicationRequest.intent': 'http://hl7.org/fhir/CodeSystem/medicationrequest-intent',
  'MedicationRequest.priority': 'http://hl7.org/fhir/request-priority',
  'Location.status': 'http://hl7.org/fhir/location-status',
  'List.status': 'http://hl7.org/fhir/list-status',
  'Questionnaire.status': 'http://hl7.org/fhir/publication-status',
  'ValueSet.status': 'http://hl7.org/fhir/publication-status',
  'QuestionnaireResponse.status': 'http://hl7.org/fhir/questionnaire-answers-status',
  'RiskAssessment.status': 'http://hl7.org/fhir/observation-status',
  'Group.type': 'http://hl7.org/fhir/group-type',
  'Questionnaire.subject-type': 'http://hl7.org/fhir/resource-types',
};

export const prefix = of(['', '', '', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap']);
export const dateText = fc.oneof(
  of(DATES),
  of(TIMES),
  of(['2020-02-29T10:00Z', '2020-03-01T01:30:00', '2020-01', '2020-02-29T10:00:00.1Z']),
);
export const numberText = fc.oneof(of(DECIMALS), of(['1e2', '5e0', '5.4e0', '5', '5.0', '+5', '54e2', '10']));
export const units = of([
  '',
  '',
  '|http://unitsofmeasure.org|mg',
  '|http://unitsofmeasure.org|g',
  '|http://unitsofmeasure.org|kg',
  '||mg',
  '||gram',
  '|http://units|x',
  '||x',
]);
const quantityText = fc.tuple(prefix, numberText, units).map((parts) => parts.join(''));
export const uriText = fc.oneof(
  of(URIS),
  of([
    'http://a.org/v',
    'http://a.org/',
    'http://a.org/vs/one/two/three',
    'urn:oid:1.2',
    'http://a.org/vs|1',
  ]),
);
/** A text, or some of it, perhaps in other letters. */
export const stringText = fc.tuple(of(TEXTS), fc.nat(12), fc.nat(3)).map(([text, cut, form]) => {
  const part = text.slice(0, Math.max(1, text.length - cut)).trim();
  return form === 0 ? part.toUpperCase() : form === 1 ? part.toLowerCase() : form === 2 ? text : part;
});

export function tokenText(param: SearchParamModel): Arb<string> {
  const codes = of(CODES_OF[param.code] ?? CODES).map(escaped);
  const implicit = IMPLICIT_SYSTEMS[`${param.resourceType}.${param.code}`];
  if (implicit !== undefined)
    return fc.oneof(
      codes,
      codes.map((code) => `${implicit}|${code}`),
      codes.map((code) => `http://s1|${code}`),
      fc.constant(`${implicit}|`),
    );
  if (WITHOUT_SYSTEM.includes(param.code)) return codes;
  return fc.oneof(
    codes,
    fc.tuple(of(SYSTEMS), codes).map((parts) => parts.join('|')),
    codes.map((code) => `|${code}`),
    of(SYSTEMS).map((system) => `${system}|`),
  );
}

export function referenceText(param: SearchParamModel): Arb<string> {
  const types = param.targets.filter((type) => TYPES.includes(type));
  const local = fc.tuple(of(types.length === 0 ? TYPES : types), of(TARGETS)).map((parts) => parts.join('/'));
  const canonical = of(['http://a.org/vs', 'http://a.org/vs|1', 'http://a.org/vs/one', 'Questionnaire/1']);
  if (['questionnaire', 'instantiates-canonical'].includes(param.code)) return canonical.map(escaped);
  return fc.oneof(
    { weight: 3, arbitrary: local },
    { weight: 3, arbitrary: of(TARGETS) },
    { weight: 1, arbitrary: local.map((one) => `${BASE}/${one}`) },
    { weight: 1, arbitrary: local.map((one) => `http://other.org/fhir/${one}`) },
    { weight: 1, arbitrary: local.map((one) => `${one}/_history/2`) },
    { weight: 1, arbitrary: of(['urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7']) },
  );
}

/** One alternative of a value of a parameter. */
export function alternativeOf(param: SearchParamModel, definitions: DefinitionsModel): Arb<string> {
  switch (param.type) {
    case 'token':
      return tokenText(param);
    case 'string':
      return stringText.map(escaped);
    case 'date':
      return fc.tuple(prefix, dateText).map((parts) => parts.join(''));
    case 'number':
      return fc.tuple(prefix, numberText).map((parts) => parts.join(''));
    case 'quantity':
      return quantityText;
    case 'uri':
      return uriText.map(escaped);
    case 'reference':
      return referenceText(param);
    case 'composite': {
      const all = [...definitions.search(param.resourceType).params.values()];
      return fc
        .tuple(
          ...param.components.map(({ definition }) =>
            alternativeOf(all.find(({ url }) => url === definition) as SearchParamModel, definitions),
          ),
        )
        .map((parts) => parts.join('$'));
    }
    default:
      throw new Error(param.code);
  }
}

/** One, or several alternatives, joined by commas (R4 search.html#combining). */
export const alternatives = (value: Arb<string>, maxLength = 3): Arb<string> =>
  fc.array(value, { minLength: 1, maxLength, size: 'small' }).map((all) => all.join(','));

const NOT_ASKED = ['_id', '_lastUpdated', '_text', '_content', '_query'];

export function askable(type: string, definitions: DefinitionsModel): SearchParamModel[] {
  return [...definitions.search(type).params.values()].filter(
    (one) => one.type !== 'special' && !NOT_ASKED.includes(one.code),
  );
}
