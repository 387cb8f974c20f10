import type { ResourceScope } from './scope.ts';

const CONDITION = 'http://terminology.hl7.org/CodeSystem/condition-category';
const US_CORE = 'http://hl7.org/fhir/us/core/CodeSystem/condition-category';
const OBSERVATION = 'http://terminology.hl7.org/CodeSystem/observation-category';
const US_CORE_CATEGORY = 'http://hl7.org/fhir/us/core/CodeSystem/us-core-category';

/** Categories whose granular scopes US Core 6 and later ask of servers ("SMART on FHIR Obligations and Capabilities"). */
const CATEGORIES: Readonly<Record<string, readonly string[]>> = {
  Condition: [
    `${CONDITION}|encounter-diagnosis`,
    `${CONDITION}|problem-list-item`,
    `${US_CORE}|health-concern`,
  ],
  Observation: [
    `${OBSERVATION}|laboratory`,
    `${OBSERVATION}|social-history`,
    `${OBSERVATION}|vital-signs`,
    `${OBSERVATION}|survey`,
    `${US_CORE_CATEGORY}|sdoh`,
  ],
};

/** The types of which US Core has profiles. */
const US_CORE_TYPES = [
  'AllergyIntolerance',
  'CarePlan',
  'CareTeam',
  'Condition',
  'Coverage',
  'Device',
  'DiagnosticReport',
  'DocumentReference',
  'Encounter',
  'Goal',
  'Immunization',
  'Location',
  'Medication',
  'MedicationDispense',
  'MedicationRequest',
  'Observation',
  'Organization',
  'Patient',
  'Practitioner',
  'PractitionerRole',
  'Procedure',
  'Provenance',
  'QuestionnaireResponse',
  'RelatedPerson',
  'ServiceRequest',
  'Specimen',
];

/** The scopes that US Core 7 and later have a server name in `scopes_supported` ("Additional US Core Requirements"). */
export function usCoreScopes(): string[] {
  const granular = Object.entries(CATEGORIES).flatMap(([type, categories]) =>
    categories.map((category) => `${type}.rs?category=${category}`),
  );
  const parts = [...US_CORE_TYPES.map((type) => `${type}.rs`), ...granular];
  return ['patient', 'user', 'system'].flatMap((level) => parts.map((part) => `${level}/${part}`));
}

/**
 * The granular scopes that a person may choose in place of one for a whole type: those of US Core, with the permissions
 * of the scope. Empty where there are none or the scope is granular itself; for `*` those of each type that has some.
 */
export function subScopesOf(scope: ResourceScope): ResourceScope[] {
  if (scope.search.length > 0) return [];
  const types = scope.type === '*' ? Object.keys(CATEGORIES) : [scope.type];
  return types.flatMap((type) =>
    (CATEGORIES[type] ?? []).map(
      (category): ResourceScope => ({ ...scope, type, search: [['category', category]], version: 2 }),
    ),
  );
}
