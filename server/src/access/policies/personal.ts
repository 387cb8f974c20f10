import { RESTRICTED, VERY_RESTRICTED } from './labels.ts';
import type { RolePolicy } from './policy.ts';
import {
  CARE,
  CLINICAL,
  DIRECTORY,
  DOCUMENTS,
  FINANCIAL,
  KNOWLEDGE,
  MEDICATION_EVENTS,
  ORDERS,
  SUPPLIES,
} from './types.ts';

/* Patients and those who care for them: their own records, by the Patient compartment. */

const WITHOUT_LISTS = DOCUMENTS.filter((type) => type !== 'Bundle');

export const PERSONAL_POLICIES: readonly RolePolicy[] = [
  {
    role: 'patient',
    title: 'Patient: reads the own record, books visits, answers questionnaires, adds own measurements',
    ownPatients: true,
    // A person may read what is restricted to others of the own record (45 CFR 164.524), but for what could do harm.
    hiddenLabels: VERY_RESTRICTED,
    hiddenElements: {},
    breakGlass: false,
    rules: [
      { types: ['Patient', 'RelatedPerson'], may: 'rs' },
      { types: ['Patient'], may: 'u' },
      { types: CLINICAL, may: 'rs' },
      { types: ['Observation'], may: 'cu', search: 'status=preliminary,registered' },
      { types: WITHOUT_LISTS, may: 'rs' },
      { types: ['QuestionnaireResponse'], may: 'cu' },
      { types: CARE, may: 'rs' },
      { types: ['Communication', 'Goal'], may: 'c' },
      { types: ORDERS, may: 'rs' },
      { types: MEDICATION_EVENTS, may: 'rs' },
      { types: ['MedicationStatement'], may: 'cu' },
      { types: SUPPLIES, may: 'rs' },
      { types: ['Appointment', 'AppointmentResponse'], may: 'crus' },
      { types: ['Schedule', 'Slot'], may: 'rs' },
      { types: FINANCIAL, may: 'rs' },
      { types: DIRECTORY, may: 'rs' },
      { types: KNOWLEDGE, may: 'rs' },
      { types: ['Consent'], may: 'crus' },
      { types: ['Provenance', 'AuditEvent'], may: 'rs' },
    ],
  },
  {
    role: 'caregiver',
    title: 'Caregiver: reads the records of those cared for, but restricted ones, and books their visits',
    ownPatients: true,
    hiddenLabels: RESTRICTED,
    hiddenElements: {},
    breakGlass: false,
    rules: [
      { types: ['Patient', 'RelatedPerson'], may: 'rs' },
      { types: CLINICAL, may: 'rs' },
      { types: WITHOUT_LISTS, may: 'rs' },
      { types: ['QuestionnaireResponse'], may: 'cu' },
      { types: CARE, may: 'rs' },
      { types: ['Communication'], may: 'c' },
      { types: ORDERS, may: 'rs' },
      { types: MEDICATION_EVENTS, may: 'rs' },
      { types: SUPPLIES, may: 'rs' },
      { types: ['Appointment', 'AppointmentResponse'], may: 'crus' },
      { types: ['Schedule', 'Slot'], may: 'rs' },
      { types: ['Coverage', 'ExplanationOfBenefit'], may: 'rs' },
      { types: DIRECTORY, may: 'rs' },
      { types: KNOWLEDGE, may: 'rs' },
      { types: ['Consent', 'Provenance'], may: 'rs' },
    ],
  },
];
