/** Codes and URLs of what admission writes. */

const VESTA = 'https://vesta.health/fhir/';

/** Task.output.type of the step `admission`. */
export const ADMISSION_OUTPUT = `${VESTA}CodeSystem/admission-output`;
export const ADMISSION_OUTPUTS = {
  patient: 'The Patient that was admitted',
  outcome: 'How it was found: known, matched, registered, or not identified',
  score: 'Probability that the match is right',
  duplicate: 'Task that asks whether two Patients are one person',
  identify: 'Task that asks who somebody is',
  coverage: 'Coverage as it was given',
  document: 'Scanned document',
} as const;
export type AdmissionOutput = keyof typeof ADMISSION_OUTPUTS;
