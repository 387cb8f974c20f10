import type { Role } from '../access/policies/policy.ts';
import { ROLE_SYSTEM } from '../agents/codes.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { ESCALATES_TO, STEP_CODES, type StepCode, WORKFLOW_STEP } from './terms.ts';

const BASE = 'https://vesta.health/fhir/PlanDefinition/';

/** A step of a definition as it is written below. */
interface Action {
  readonly code: StepCode;
  /** What people read where it is a Task of theirs. */
  readonly title: string;
  readonly description: string;
  /** An agent does it; without one, who is named. */
  readonly agent: boolean;
  readonly performer: Role;
  readonly escalatesTo: Role;
  /** Minutes that it may take. */
  readonly minutes: number;
  /** Steps that must have ended. */
  readonly after?: readonly StepCode[];
  /** Steps of people that must have been asked for, and that it does not wait for: they go on beside it. */
  readonly beside?: readonly StepCode[];
  /** Whether the workflow goes on without it when its agent fails. */
  readonly optional?: boolean;
}

const TRIAGE = {
  code: 'triage',
  title: 'Triage',
  description:
    'Complaint, vital signs, red flags and an Emergency Severity Index from what was said or answered.',
  agent: true,
  performer: 'nurse',
  escalatesTo: 'attending',
} as const;
const ADMISSION = {
  code: 'admission',
  title: 'Admission',
  description: 'Finds the patient among those who are known, or registers one; coverage as it was given.',
  agent: true,
  performer: 'front_desk',
  escalatesTo: 'nurse',
} as const;
const LEGAL = {
  code: 'legal',
  title: 'Clarify legal implications',
  description:
    'A person clarifies whether an accident, a crime or domestic violence must be reported, and secures what is evidence.',
  agent: false,
  performer: 'practice_manager',
  escalatesTo: 'org_admin',
} as const;
const RECORDS = {
  code: 'medical_records',
  title: 'Medical records',
  description: 'Allergies, medications, problems and last results on one page, with their sources.',
  agent: true,
  performer: 'nurse',
  escalatesTo: 'attending',
} as const;
const DEVICES = {
  code: 'smart_health_device',
  title: 'Connect and read health devices',
  description: 'A person connects the patient’s devices or monitors and sees that their readings arrive.',
  agent: false,
  performer: 'nurse',
  escalatesTo: 'attending',
} as const;
const BILLING = {
  code: 'billing',
  title: 'Check coverage and estimate costs',
  description: 'A person checks the insurance and tells the patient or the family what it will cost.',
  agent: false,
  performer: 'billing',
  escalatesTo: 'practice_manager',
} as const;
const COMMUNICATION = {
  code: 'communication',
  title: 'Tell family and staff',
  description: 'Tells those who may know: the family by consent, the staff, or the patient.',
  agent: true,
  performer: 'nurse',
  escalatesTo: 'nurse',
  optional: true,
} as const;
const SCHEDULING = {
  code: 'scheduling',
  title: 'Plan visits',
  description: 'Finds times for the visits that are needed and books, or proposes, them.',
  agent: true,
  performer: 'scheduler',
  escalatesTo: 'practice_manager',
  optional: true,
} as const;

/*
 * The order is that of the list. What agents do waits for what agents do before it; what people do is asked for in its
 * place (the next step needs it to have begun), and only waited for by what cannot be right without it.
 */

const EMERGENCY: readonly Action[] = [
  { ...TRIAGE, minutes: 2 },
  { ...ADMISSION, minutes: 10, after: ['triage'] },
  { ...LEGAL, minutes: 240, after: ['admission'] },
  // The family is told also where the record cannot be read.
  { ...RECORDS, minutes: 5, after: ['admission'], beside: ['legal'], optional: true },
  { ...DEVICES, minutes: 10, after: ['admission'], beside: ['legal'] },
  { ...BILLING, minutes: 480, after: ['admission'], beside: ['smart_health_device'] },
  { ...COMMUNICATION, minutes: 10, after: ['medical_records'], beside: ['billing'] },
  { ...SCHEDULING, minutes: 60, after: ['communication'] },
];

const REGULAR: readonly Action[] = [
  { ...ADMISSION, minutes: 60 },
  { ...TRIAGE, minutes: 30, after: ['admission'] },
  { ...RECORDS, minutes: 30, after: ['triage'] },
  { ...DEVICES, minutes: 240, after: ['admission'], beside: ['medical_records'] },
  { ...BILLING, minutes: 24 * 60, after: ['admission'], beside: ['smart_health_device'] },
  { ...SCHEDULING, minutes: 60, after: ['medical_records'], beside: ['billing'] },
  { ...COMMUNICATION, title: 'Confirm to the patient', minutes: 30, after: ['scheduling'] },
];

const DEVICE_SCAN: readonly Action[] = [
  { ...DEVICES, minutes: 60 },
  { ...RECORDS, minutes: 30, after: ['smart_health_device'] },
  { ...COMMUNICATION, minutes: 30, after: ['medical_records'] },
];

const EMERGENCY_DEVICE: readonly Action[] = [
  { ...DEVICES, minutes: 5 },
  // What the devices tell is part of it, but nobody's emergency waits for a cable.
  { ...TRIAGE, minutes: 2, beside: ['smart_health_device'] },
  { ...COMMUNICATION, minutes: 10, after: ['triage'] },
  { ...ADMISSION, minutes: 10, after: ['triage'], beside: ['communication'] },
];

/** The PlanDefinitions (R4 plandefinition.html) of Vesta's own workflows. */
export function planDefinitions(): Resource[] {
  return [
    plan(
      'emergency',
      'emergency',
      'Emergency intake',
      'From what is said at the door to the bed: triage at once, the rest beside each other.',
      'stat',
      EMERGENCY,
    ),
    plan(
      'regular',
      'regular',
      'Regular visit',
      'A visit that was asked for: who it is, how urgent, what is known, when.',
      'routine',
      REGULAR,
    ),
    plan(
      'device-scan',
      'device_scan',
      'Device scan',
      'Reading a patient’s devices outside an emergency.',
      'routine',
      DEVICE_SCAN,
    ),
    plan(
      'emergency-device',
      'emergency_device',
      'Emergency told by a device',
      'A device tells of an emergency: triage, who must know, admission.',
      'stat',
      EMERGENCY_DEVICE,
    ),
  ];
}

function plan(
  id: string,
  name: string,
  title: string,
  description: string,
  priority: string,
  actions: readonly Action[],
): Resource {
  return {
    resourceType: 'PlanDefinition',
    id,
    url: BASE + name,
    version: '1.0.0',
    name: name
      .split('_')
      .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
      .join(''),
    title,
    type: {
      coding: [
        {
          system: 'http://terminology.hl7.org/CodeSystem/plan-definition-type',
          code: 'workflow-definition',
          display: 'Workflow Definition',
        },
      ],
    },
    status: 'active',
    experimental: false,
    date: '2026-11-21',
    publisher: 'Vesta',
    description,
    action: actions.map((action) => actionOf(action, priority)),
  };
}

/** Ids of actions have no underscore. */
const idOf = (code: StepCode): string => code.replaceAll('_', '-');

function actionOf(action: Action, priority: string): JsonObject {
  const { code, title, description, agent, performer, escalatesTo, minutes } = action;
  const related = [
    ...(action.after ?? []).map((other) => ({ actionId: idOf(other), relationship: 'after-end' })),
    ...(action.beside ?? []).map((other) => ({ actionId: idOf(other), relationship: 'after-start' })),
  ];
  const person = { type: 'practitioner', role: { coding: [roleCoding(performer)] } };
  return {
    id: idOf(code),
    extension: [{ url: ESCALATES_TO, valueCodeableConcept: { coding: [roleCoding(escalatesTo)] } }],
    title,
    description,
    priority,
    code: [{ coding: [{ system: WORKFLOW_STEP, code, display: STEP_CODES[code] }] }],
    ...(related.length === 0 ? {} : { relatedAction: related }),
    timingDuration: { value: minutes, unit: 'min', system: 'http://unitsofmeasure.org', code: 'min' },
    participant: agent ? [{ type: 'device' }, person] : [person],
    requiredBehavior: action.optional === true ? 'could' : 'must',
  };
}

/** Coding of a role. */
export const roleCoding = (code: Role): JsonObject => ({ system: ROLE_SYSTEM, code });
