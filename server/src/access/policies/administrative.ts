import { ROLE_SYSTEM } from '../../agents/codes.ts';
import { BREAK_GLASS_CATEGORY, CHAT_CATEGORY, CONVERSATION_TASK, RESTRICTED } from './labels.ts';
import type { PolicyRule, Role, RolePolicy } from './policy.ts';
import { DIRECTORY, FINANCIAL, KNOWLEDGE, SCHEDULING } from './types.ts';

/*
 * Those who run the organisation. HIPAA's minimum necessary (45 CFR 164.502(b)): no role here reads notes or findings but
 * those that its work is about.
 */

/** What workflows and agents ask of people with a role: steps, approvals, escalations. */
function ownTasks(role: Role): PolicyRule {
  return { types: ['Task'], may: 'rus', search: `performer=${ROLE_SYSTEM}|${role}` };
}

export const ADMINISTRATIVE_POLICIES: readonly RolePolicy[] = [
  {
    role: 'super_admin',
    title: 'Runs the server: all resources and operations of the tenant',
    ownPatients: false,
    hiddenLabels: [],
    hiddenElements: {},
    breakGlass: false,
    rules: [
      { types: '*', except: ['AuditEvent'], may: 'crudso' },
      // The audit trail is added to by the server only.
      { types: ['AuditEvent'], may: 'rso' },
    ],
  },
  {
    role: 'org_admin',
    title:
      'Administers the organisation: its directory, definitions, consents and audit; no clinical records',
    ownPatients: false,
    hiddenLabels: RESTRICTED,
    hiddenElements: {},
    breakGlass: false,
    rules: [
      { types: DIRECTORY, may: 'cruds' },
      ownTasks('org_admin'),
      { types: KNOWLEDGE, may: 'cruds' },
      { types: SCHEDULING, may: 'crus' },
      { types: ['Patient', 'RelatedPerson', 'Person'], may: 'crus' },
      { types: ['Consent', 'Group', 'Subscription', 'Basic', 'Parameters'], may: 'cruds' },
      { types: ['AuditEvent', 'Provenance', 'MeasureReport'], may: 'rs' },
      { types: ['Communication'], may: 'rs', search: `category=${BREAK_GLASS_CATEGORY}` },
    ],
  },
  {
    role: 'practice_manager',
    title:
      'Manages a practice: schedules, staff, money and quality figures; of patients who they are and their visits',
    ownPatients: false,
    hiddenLabels: RESTRICTED,
    hiddenElements: { Encounter: ['reasonCode', 'reasonReference', 'diagnosis'] },
    breakGlass: false,
    rules: [
      { types: ['Patient', 'RelatedPerson'], may: 'crus' },
      { types: ['Encounter', 'EpisodeOfCare', 'Task'], may: 'rs' },
      ownTasks('practice_manager'),
      { types: SCHEDULING, may: 'cruds' },
      { types: FINANCIAL, may: 'rs' },
      { types: DIRECTORY, may: 'crus' },
      { types: KNOWLEDGE, may: 'rs' },
      { types: ['Group', 'MeasureReport'], may: 'rs' },
    ],
  },
  {
    role: 'front_desk',
    title:
      'Receives patients: registers them, their insurance and arrival; answers those who ask for a person',
    ownPatients: false,
    hiddenLabels: RESTRICTED,
    hiddenElements: {
      Appointment: ['reasonCode', 'reasonReference', 'comment'],
      Encounter: ['reasonCode', 'reasonReference', 'diagnosis'],
    },
    breakGlass: false,
    rules: [
      { types: ['Patient', 'RelatedPerson', 'Coverage'], may: 'crus' },
      { types: ['Encounter'], may: 'rs' },
      { types: SCHEDULING, may: 'crus' },
      { types: ['CoverageEligibilityRequest', 'CoverageEligibilityResponse'], may: 'crs' },
      ownTasks('front_desk'),
      { types: DIRECTORY, may: 'rs' },
      { types: ['Consent', 'QuestionnaireResponse'], may: 'c' },
      { types: ['Questionnaire', 'ValueSet', 'CodeSystem'], may: 'rs' },
      // Whom patients are written to by when they ask for a person.
      { types: ['Task'], may: 'rus', search: `code=${CONVERSATION_TASK}` },
      { types: ['Communication'], may: 'crs', search: `category=${CHAT_CATEGORY}` },
    ],
  },
  {
    role: 'scheduler',
    title: 'Makes appointments: calendars and who the patient is; no clinical records',
    ownPatients: false,
    hiddenLabels: RESTRICTED,
    hiddenElements: {
      // What a call back needs: name, birth date, telephone, language.
      Patient: ['identifier', 'photo', 'maritalStatus', 'contact', 'link', 'deceased[x]', 'multipleBirth[x]'],
      ServiceRequest: ['reasonCode', 'reasonReference', 'note', 'supportingInfo'],
    },
    breakGlass: false,
    rules: [
      { types: ['Patient'], may: 'rs' },
      { types: SCHEDULING, may: 'cruds' },
      { types: ['ServiceRequest'], may: 'rs', search: 'status=active' },
      ownTasks('scheduler'),
      {
        types: [
          'Endpoint',
          'HealthcareService',
          'Location',
          'Organization',
          'Practitioner',
          'PractitionerRole',
        ],
        may: 'rs',
      },
      { types: ['ValueSet', 'CodeSystem'], may: 'rs' },
    ],
  },
  {
    role: 'billing',
    title: 'Bills: coverage, claims and what was done; no notes and results',
    ownPatients: false,
    hiddenLabels: RESTRICTED,
    hiddenElements: {
      Patient: ['photo', 'communication', 'generalPractitioner', 'link'],
      Procedure: ['note', 'complication', 'complicationDetail', 'followUp', 'outcome', 'report'],
    },
    breakGlass: false,
    rules: [
      { types: ['Patient', 'RelatedPerson'], may: 'rs' },
      { types: FINANCIAL, may: 'cruds' },
      ownTasks('billing'),
      { types: ['Encounter', 'EpisodeOfCare', 'Procedure', 'ServiceRequest'], may: 'rs' },
      { types: ['Condition'], may: 'rs', search: 'category=encounter-diagnosis' },
      { types: DIRECTORY, may: 'rs' },
      { types: ['ChargeItemDefinition', 'ValueSet', 'CodeSystem', 'ConceptMap'], may: 'rs' },
    ],
  },
];
