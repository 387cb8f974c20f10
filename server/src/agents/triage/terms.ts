/** Codes and URLs of what triage writes. */

const VESTA = 'https://vesta.health/fhir/';

/** Codes 1 to 5. */
export const ESI_SYSTEM = `${VESTA}CodeSystem/esi`;
export const ESI_LEVELS = [
  { code: '1', display: 'ESI 1: immediate, life-saving intervention' },
  { code: '2', display: 'ESI 2: emergent, high risk' },
  { code: '3', display: 'ESI 3: urgent, several resources' },
  { code: '4', display: 'ESI 4: less urgent, one resource' },
  { code: '5', display: 'ESI 5: not urgent, no resources' },
] as const;
/** valueString on RiskAssessment, repeats: what must not be overlooked. */
export const RED_FLAG = `${VESTA}StructureDefinition/red-flag`;
/** Of a Patient whom nobody knows yet. */
export const TEMPORARY_PATIENT = `${VESTA}identifier/temporary-patient`;
/** Codes of rules/complaints.ts: Encounter.reasonCode. */
export const COMPLAINT_SYSTEM = `${VESTA}CodeSystem/triage-complaint`;
/** The form whose answers are read by linkId; see reading/questionnaire.ts. */
export const INTAKE_QUESTIONNAIRE = `${VESTA}Questionnaire/emergency-intake`;
/** Task.output.type of the step `triage`. */
export const TRIAGE_OUTPUT = `${VESTA}CodeSystem/triage-output`;
export const TRIAGE_OUTPUTS = {
  level: 'Level of the Emergency Severity Index',
  assessment: 'RiskAssessment of the triage',
  encounter: 'Encounter on the emergency board',
  'red-flag': 'What must not be overlooked',
  news2: 'National Early Warning Score 2',
} as const;

export const LOINC = 'http://loinc.org';
export const SNOMED = 'http://snomed.info/sct';
export const UCUM = 'http://unitsofmeasure.org';
