import { LEGAL, PSYCHOTHERAPY_NOTES, RESTRICTED, VERY_RESTRICTED } from './labels.ts';
import type { RolePolicy } from './policy.ts';
import {
  CARE,
  CLINICAL,
  DEMOGRAPHICS,
  DIRECTORY,
  FINANCIAL,
  KNOWLEDGE,
  MEDICATION_EVENTS,
  ORDERS,
  SCHEDULING,
  SUPPLIES,
} from './types.ts';

/* Research, and programs that act. */

/** What says who a patient is (45 CFR 164.514(b)(2)), as far as it stands in elements of its own. */
const DIRECT_IDENTIFIERS = {
  '*': ['Reference.display', 'identifier', 'note', 'extension'],
  Patient: [
    'name',
    'telecom',
    'photo',
    'contact',
    'link',
    'birthDate@year',
    'address.text',
    'address.line',
    'address.city',
    'address.district',
    'address.period',
    'address.postalCode@zip3',
    'deceased[x]',
    'multipleBirth[x]',
  ],
  Encounter: ['hospitalization.preAdmissionIdentifier'],
  Specimen: ['accessionIdentifier'],
};

export const SYSTEM_POLICIES: readonly RolePolicy[] = [
  {
    role: 'researcher',
    title: 'Researcher: findings without names, addresses, identifiers, notes and documents; reads only',
    ownPatients: false,
    hiddenLabels: RESTRICTED,
    hiddenElements: DIRECT_IDENTIFIERS,
    breakGlass: false,
    rules: [
      { types: ['Patient'], may: 'rs' },
      {
        types: CLINICAL.filter(
          (type) => !['Media', 'ImagingStudy', 'FamilyMemberHistory', 'Flag'].includes(type),
        ),
        may: 'rs',
      },
      { types: ['CarePlan', 'Goal', 'MedicationRequest', 'ServiceRequest'], may: 'rs' },
      { types: MEDICATION_EVENTS, may: 'rs' },
      { types: ['Medication', 'Substance', 'Group', 'MeasureReport', 'ResearchSubject'], may: 'rs' },
      { types: KNOWLEDGE, may: 'rs' },
    ],
  },
  {
    role: 'national',
    title:
      'National health authority: facilities, measures and the figures they submit; no record of a patient',
    ownPatients: false,
    hiddenLabels: RESTRICTED,
    hiddenElements: {},
    breakGlass: false,
    rules: [
      // Figures of groups only: a report of type individual is about a patient.
      { types: ['MeasureReport'], may: 'rs', search: 'subject:missing=true' },
      { types: DIRECTORY, may: 'rs' },
      { types: KNOWLEDGE, may: 'rs' },
    ],
  },
  {
    role: 'api_consumer',
    title: 'Program of a partner: reads records as far as its scopes go; writes nothing',
    ownPatients: false,
    hiddenLabels: RESTRICTED,
    hiddenElements: {},
    breakGlass: false,
    rules: [
      {
        types: '*',
        except: ['AuditEvent', 'Basic', 'Binary', 'Consent', 'Parameters', 'Subscription'],
        may: 'rs',
      },
    ],
  },
  {
    role: 'agent',
    title: 'Agent for a person: no more than that person may; drafts, not orders, and nothing is deleted',
    ownPatients: false,
    hiddenLabels: [...VERY_RESTRICTED, ...PSYCHOTHERAPY_NOTES, ...LEGAL],
    hiddenElements: {},
    breakGlass: false,
    rules: [
      { types: DEMOGRAPHICS, may: 'rs' },
      { types: CLINICAL, may: 'crus' },
      {
        types: ['DiagnosticReport', 'DocumentReference', 'QuestionnaireResponse', 'Composition', 'List'],
        may: 'crus',
      },
      { types: CARE, may: 'crus' },
      // What touches a patient waits for a person.
      { types: ORDERS, may: 'rs' },
      { types: ['MedicationRequest', 'ServiceRequest'], may: 'cu', search: 'status=draft' },
      { types: MEDICATION_EVENTS, may: 'rs' },
      { types: SUPPLIES, may: 'rs' },
      { types: SCHEDULING, may: 'crus' },
      { types: FINANCIAL, may: 'rs' },
      { types: DIRECTORY, may: 'rs' },
      { types: KNOWLEDGE, may: 'rs' },
      { types: ['Provenance'], may: 'crs' },
      { types: ['Group', 'Consent'], may: 'rs' },
    ],
  },
];
