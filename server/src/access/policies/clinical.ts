import { TEMPORARY_PATIENT } from '../../agents/triage/terms.ts';
import { LEGAL, PSYCHOTHERAPY_NOTES, RESTRICTED, SUBSTANCE_USE, VERY_RESTRICTED } from './labels.ts';
import type { RolePolicy } from './policy.ts';
import {
  CARE,
  CLINICAL,
  DEMOGRAPHICS,
  DIRECTORY,
  DOCUMENTS,
  FINANCIAL,
  KNOWLEDGE,
  MEDICATION_EVENTS,
  ORDERS,
  SCHEDULING,
  SUPPLIES,
} from './types.ts';

/*
 * Those who treat patients. They see every record of the organisation: who may treat whom is not known beforehand, and
 * what they open is audited. Notes that the law keeps apart are hidden from all of them.
 */

const PHYSICIAN = [
  { types: DEMOGRAPHICS, may: 'crus' },
  { types: CLINICAL, may: 'cruds' },
  { types: DOCUMENTS, may: 'cruds' },
  { types: CARE, may: 'cruds' },
  { types: ORDERS, may: 'cruds' },
  { types: MEDICATION_EVENTS, may: 'cruds' },
  { types: SUPPLIES, may: 'crus' },
  { types: SCHEDULING, may: 'crus' },
  { types: FINANCIAL, may: 'rs' },
  { types: DIRECTORY, may: 'rs' },
  { types: KNOWLEDGE, may: 'rs' },
  { types: ['Consent', 'Group'], may: 'crus' },
  { types: ['Provenance'], may: 'crs' },
  { types: ['MeasureReport', 'ResearchSubject'], may: 'rs' },
] as const;

export const CLINICAL_POLICIES: readonly RolePolicy[] = [
  {
    role: 'attending',
    title: 'Physician in charge of patients: reads and writes the whole clinical record',
    ownPatients: false,
    hiddenLabels: [...VERY_RESTRICTED, ...PSYCHOTHERAPY_NOTES, ...LEGAL],
    hiddenElements: {},
    breakGlass: true,
    rules: PHYSICIAN,
  },
  {
    role: 'specialist',
    title:
      'Physician who is consulted: as the attending, but substance use records need the patient or an emergency',
    ownPatients: false,
    hiddenLabels: [...VERY_RESTRICTED, ...PSYCHOTHERAPY_NOTES, ...LEGAL, ...SUBSTANCE_USE],
    hiddenElements: {},
    breakGlass: true,
    rules: PHYSICIAN,
  },
  {
    role: 'nurse',
    title: 'Nurse: reads the record, writes observations, medication events and care plans; signs no orders',
    ownPatients: false,
    hiddenLabels: RESTRICTED,
    hiddenElements: {},
    breakGlass: true,
    rules: [
      { types: DEMOGRAPHICS, may: 'rus' },
      // Somebody whom nobody knows: the admission finds out who it is.
      { types: ['Patient'], may: 'c', search: `identifier=${TEMPORARY_PATIENT}|` },
      { types: CLINICAL, may: 'crus' },
      { types: DOCUMENTS, may: 'crus' },
      { types: CARE, may: 'crus' },
      { types: ORDERS, may: 'rs' },
      { types: MEDICATION_EVENTS, may: 'crus' },
      { types: SUPPLIES, may: 'crus' },
      { types: SCHEDULING, may: 'crus' },
      { types: ['Coverage'], may: 'rs' },
      { types: DIRECTORY, may: 'rs' },
      { types: KNOWLEDGE, may: 'rs' },
      { types: ['Consent', 'Group'], may: 'rs' },
      { types: ['Provenance'], may: 'crs' },
    ],
  },
  {
    role: 'medical_assistant',
    title: 'Medical assistant: takes vital signs and histories, prepares visits; reads no notes',
    ownPatients: false,
    hiddenLabels: RESTRICTED,
    hiddenElements: {},
    breakGlass: false,
    rules: [
      { types: DEMOGRAPHICS, may: 'rus' },
      {
        types: ['AllergyIntolerance', 'Condition', 'Encounter', 'Immunization', 'Procedure', 'Specimen'],
        may: 'rs',
      },
      { types: ['Observation'], may: 'rs' },
      { types: ['Observation'], may: 'cu', search: 'category=vital-signs,social-history,survey' },
      { types: ['QuestionnaireResponse', 'MedicationStatement', 'Task', 'Communication'], may: 'crus' },
      { types: ['CarePlan', 'CareTeam', 'Goal', 'MedicationRequest', 'ServiceRequest'], may: 'rs' },
      { types: SCHEDULING, may: 'crus' },
      { types: ['Coverage'], may: 'rs' },
      { types: DIRECTORY, may: 'rs' },
      { types: KNOWLEDGE, may: 'rs' },
      { types: ['Provenance'], may: 'crs' },
    ],
  },
];
