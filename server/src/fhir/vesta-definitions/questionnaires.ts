import { COMPLAINTS } from '../../agents/triage/rules/complaints.ts';
import { COMPLAINT_SYSTEM, INTAKE_QUESTIONNAIRE } from '../../agents/triage/terms.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import { definition } from './common.ts';

const UCUM = 'http://unitsofmeasure.org';
const UNIT = 'http://hl7.org/fhir/StructureDefinition/questionnaire-unitOption';

const item = (linkId: string, text: string, type: string, more: JsonObject = {}): JsonObject => ({
  linkId,
  text,
  type,
  ...more,
});
const measured = (linkId: string, text: string, code: string, display: string): JsonObject =>
  item(linkId, text, 'quantity', {
    extension: [{ url: UNIT, valueCoding: { system: UCUM, code, display } }],
  });
const choice = (
  linkId: string,
  text: string,
  system: string,
  codes: Readonly<Record<string, string>>,
  repeats = false,
): JsonObject =>
  item(linkId, text, 'choice', {
    ...(repeats ? { repeats } : {}),
    answerOption: Object.entries(codes).map(([code, display]) => ({
      valueCoding: { system, code, display },
    })),
  });

/** The forms (R4 questionnaire.html) whose answers Vesta reads by their linkIds. */
export function questionnaires(): Resource[] {
  const id = INTAKE_QUESTIONNAIRE.slice(INTAKE_QUESTIONNAIRE.lastIndexOf('/') + 1);
  return [
    {
      ...definition('Questionnaire', id, 'EmergencyIntake', 'Emergency intake'),
      description:
        'What is taken down of somebody who comes to the emergency department. The triage reads it by its linkIds.',
      subjectType: ['Patient'],
      item: [
        item('complaint', 'What has happened?', 'text'),
        measured('age', 'Age', 'a', 'years'),
        choice('sex', 'Sex', 'http://hl7.org/fhir/administrative-gender', {
          female: 'Female',
          male: 'Male',
          other: 'Other',
        }),
        item('pregnant', 'Pregnant', 'boolean'),
        choice(
          'symptom',
          'Symptoms',
          COMPLAINT_SYSTEM,
          Object.fromEntries(Object.entries(COMPLAINTS).map(([code, { display }]) => [code, display])),
          true,
        ),
        item('vital-signs', 'Vital signs', 'group', {
          item: [
            measured('heart-rate', 'Heart rate', '/min', 'per minute'),
            measured('respiratory-rate', 'Respiratory rate', '/min', 'per minute'),
            measured('systolic', 'Systolic blood pressure', 'mm[Hg]', 'mmHg'),
            measured('diastolic', 'Diastolic blood pressure', 'mm[Hg]', 'mmHg'),
            measured('temperature', 'Temperature', 'Cel', '°C'),
            measured('oxygen-saturation', 'Oxygen saturation', '%', '%'),
            item('oxygen', 'Oxygen is given', 'boolean'),
            measured('oxygen-flow', 'Oxygen flow', 'L/min', 'L/min'),
            item('hypercapnic', 'Target of 88 to 92 % by a clinician (NEWS2 scale 2)', 'boolean'),
            choice('consciousness', 'Consciousness', 'http://snomed.info/sct', {
              '248234008': 'Alert',
              '130987000': 'New confusion',
              '300202002': 'Reacts to voice',
              '450847001': 'Reacts to pain',
              '422768004': 'Unresponsive',
            }),
            item('gcs', 'Glasgow Coma Scale, 3 to 15', 'integer'),
            measured('glucose', 'Blood sugar', 'mg/dL', 'mg/dL'),
            item('pain', 'Pain, 0 to 10', 'integer'),
          ],
        }),
      ],
    },
  ];
}
