/** Code systems of the agent `medical-records`. */

/** Topics of its cards. */
export const RECORDS_SYSTEM = 'https://vesta.health/fhir/CodeSystem/medical-records-topic';
/** Task.output.type of the step `medical_records`. */
export const RECORDS_OUTPUT = 'https://vesta.health/fhir/CodeSystem/medical-records-output';
export const RECORDS_OUTPUTS = {
  summary: 'Composition with the summary of the record',
  allergies: 'How many allergies and intolerances are recorded',
  medications: 'How many medicines are taken',
  problems: 'How many problems there are',
} as const;
