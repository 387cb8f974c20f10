/* Names of our own that workflows read and write. */

/** Task.code of the steps of workflows, and PlanDefinition.action.code. */
export const WORKFLOW_STEP = 'https://vesta.health/fhir/CodeSystem/workflow-step';
/** Task.businessStatus of steps. */
export const STEP_STATE = 'https://vesta.health/fhir/CodeSystem/workflow-step-state';
/** Task.code of what the server asks people besides steps and approvals. */
export const TASK_CODE = 'https://vesta.health/fhir/CodeSystem/task';
/** Of a step that waits for a person: `Task/id` that must be settled first. */
export const WAITS_FOR = 'https://vesta.health/fhir/identifier/waits-for';
/** Task.groupIdentifier: id of the RequestGroup. */
export const WORKFLOW_IDENTIFIER = 'https://vesta.health/fhir/identifier/workflow';
/** On a RequestGroup: what the workflow was started with. */
export const INTAKE = 'https://vesta.health/fhir/StructureDefinition/workflow-intake';
/** On an action: who is it that does it where no agent does. */
export const PERFORMER_ROLE = 'https://vesta.health/fhir/StructureDefinition/performer-role';
/** On an action: which role is told when its time is over or its agent has failed. */
export const ESCALATES_TO = 'https://vesta.health/fhir/StructureDefinition/escalates-to';
/** On an action of a RequestGroup: whether an agent or a person does it; `device` or `person`. */
export const PERFORMED_BY = 'https://vesta.health/fhir/StructureDefinition/performed-by';

/** Codes of {@link TASK_CODE} that workflows use. */
export const TASK_CODES = {
  escalation: 'Look after a step of a workflow',
  identify: 'Find out who it is',
} as const;

/** Codes of {@link STEP_STATE}. */
export const STEP_STATES = {
  skipped: 'Not needed: its condition does not hold',
  overridden: 'A person has decided about it with a reason',
  overdue: 'Its time is over',
  undone: 'What it did was undone',
} as const;
export type StepState = keyof typeof STEP_STATES;

/** The steps that workflows know by name. */
export const STEP_CODES = {
  triage: 'Triage',
  admission: 'Admission',
  legal: 'Legal clarification',
  medical_records: 'Medical records',
  smart_health_device: 'Health devices',
  billing: 'Coverage and costs',
  communication: 'Communication',
  scheduling: 'Scheduling',
} as const;
export type StepCode = keyof typeof STEP_CODES;
