import { ROLE_SYSTEM, RUN_IDENTIFIER } from '../agents/codes.ts';
import { idOf } from '../agents/runtime/run-ids.ts';
import { referenceTo } from '../fhir/references/literal.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import { intakeParts } from './intake.ts';
import type { Progress } from './order.ts';
import type { Intake } from './step.ts';
import type { Step } from './steps.ts';
import {
  ESCALATES_TO,
  PERFORMED_BY,
  PERFORMER_ROLE,
  STEP_CODES,
  STEP_STATE,
  STEP_STATES,
  type StepCode,
  type StepState,
  TASK_CODE,
  TASK_CODES,
  WAITS_FOR,
  WORKFLOW_IDENTIFIER,
  WORKFLOW_STEP,
} from './terms.ts';

/** Elements that an action of a RequestGroup has in common with one of a PlanDefinition. */
const COMMON = [
  'id',
  'prefix',
  'title',
  'description',
  'textEquivalent',
  'priority',
  'code',
  'documentation',
  'condition',
  'relatedAction',
  'timingDuration',
  'type',
  'groupingBehavior',
  'selectionBehavior',
  'requiredBehavior',
  'precheckBehavior',
] as const;

/** What a new workflow is made of. */
export interface Beginning {
  readonly groupId: string;
  readonly plan: Resource;
  readonly steps: readonly Step[];
  readonly subject: string | undefined;
  readonly encounter: string | undefined;
  readonly intake: Intake;
  /** Who starts it, where there is a resource of them. */
  readonly starter: string | undefined;
  /** `Device/id` of the agent that does a step; undefined where a person does. */
  readonly deviceOf: (step: Step) => string | undefined;
  readonly now: Date;
}

/** The id of a step's Task. */
export const taskIdOf = (groupId: string, stepId: string): string => idOf('workflow-task', groupId, stepId);

/** The RequestGroup (R4 requestgroup.html) of a new workflow: the definition as it is now, with a Task for each step. */
export function groupOf(beginning: Beginning): Resource {
  const { groupId, plan, steps, subject, encounter, intake, starter, now } = beginning;
  const { contained, extension } = intakeParts(intake);
  const byId = new Map(steps.map((step) => [step.id, step]));
  return {
    resourceType: 'RequestGroup',
    id: groupId,
    ...(contained.length === 0 ? {} : { contained }),
    ...(extension === undefined ? {} : { extension: [extension] }),
    instantiatesCanonical: [canonicalOf(plan)],
    status: 'active',
    intent: 'order',
    priority: priorityOf(steps),
    code: { text: textOf(plan['title'] ?? plan['name']) },
    ...(subject === undefined ? {} : { subject: { reference: subject } }),
    ...(encounter === undefined ? {} : { encounter: { reference: encounter } }),
    authoredOn: now.toISOString(),
    ...(starter === undefined || !AUTHORS.test(starter) ? {} : { author: { reference: starter } }),
    action: objectsOf(plan['action']).map((action) => actionOf(action, groupId, byId, beginning.deviceOf)),
  };
}

const AUTHORS = /^(Device|Practitioner|PractitionerRole)\//;

function canonicalOf({ url, version, id }: Resource): string {
  const own = typeof url === 'string' ? url : `PlanDefinition/${String(id)}`;
  return typeof version === 'string' ? `${own}|${version}` : own;
}

function priorityOf(steps: readonly Step[]): string {
  const order = ['stat', 'asap', 'urgent'];
  return order.find((one) => steps.some(({ priority }) => priority === one)) ?? 'routine';
}

const textOf = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : 'Workflow');

function actionOf(
  action: JsonObject,
  groupId: string,
  steps: ReadonlyMap<string, Step>,
  deviceOf: Beginning['deviceOf'],
): JsonObject {
  const common = Object.fromEntries(
    COMMON.flatMap((name) => (action[name] === undefined ? [] : [[name, action[name] as JsonValue]])),
  );
  const step = steps.get(String(action['id']));
  if (step === undefined) {
    const action_ = objectsOf(action['action']).map((one) => actionOf(one, groupId, steps, deviceOf));
    return { ...common, action: action_ };
  }
  const { performer, escalatesTo } = step;
  return {
    ...common,
    extension: [
      { url: PERFORMED_BY, valueCode: deviceOf(step) === undefined ? 'person' : 'device' },
      ...(performer === undefined
        ? []
        : [{ url: PERFORMER_ROLE, valueCodeableConcept: roleConcept(performer) }]),
      { url: ESCALATES_TO, valueCodeableConcept: roleConcept(escalatesTo) },
    ],
    resource: { reference: `Task/${taskIdOf(groupId, step.id)}` },
  };
}

const roleConcept = (code: string): JsonObject => ({ coding: [{ system: ROLE_SYSTEM, code }] });

/** The Task (R4 task.html) of a step whose turn has not come. */
export function stepTask(beginning: Beginning, step: Step): Resource {
  const { groupId, plan, subject, encounter, starter, now } = beginning;
  const device = beginning.deviceOf(step);
  const display = STEP_CODES[step.code as StepCode];
  return {
    resourceType: 'Task',
    id: taskIdOf(groupId, step.id),
    identifier: [{ system: RUN_IDENTIFIER, value: idOf('workflow-run', groupId, step.id) }],
    instantiatesCanonical: canonicalOf(plan),
    basedOn: [{ reference: `RequestGroup/${groupId}` }],
    groupIdentifier: { system: WORKFLOW_IDENTIFIER, value: groupId },
    status: 'draft',
    intent: 'order',
    priority: step.priority ?? 'routine',
    code: {
      coding: [{ system: WORKFLOW_STEP, code: step.code, ...(display === undefined ? {} : { display }) }],
      text: step.title,
    },
    description: step.description ?? step.title,
    focus: { reference: `RequestGroup/${groupId}` },
    ...(subject === undefined ? {} : { for: { reference: subject } }),
    ...(encounter === undefined ? {} : { encounter: { reference: encounter } }),
    authoredOn: now.toISOString(),
    ...(starter === undefined ? {} : { requester: { reference: starter } }),
    ...(device !== undefined || step.performer === undefined
      ? {}
      : { performerType: [roleConcept(step.performer)] }),
    ...(device === undefined ? {} : { owner: { reference: device } }),
  };
}

/** A step's Task when its turn has come. */
export function opened(task: Resource, step: Pick<Step, 'limit'>, now: Date): Resource {
  const start = now.toISOString();
  const end = step.limit === undefined ? {} : { end: new Date(now.getTime() + step.limit).toISOString() };
  return changed(task, { status: 'requested', restriction: { period: { start, ...end } } }, now);
}

/** A step's Task that is over. */
export function closed(
  task: Resource,
  status: 'completed' | 'cancelled' | 'failed',
  now: Date,
  reason?: string,
  state?: StepState,
): Resource {
  const period = isObject(task['executionPeriod']) ? task['executionPeriod'] : {};
  const ended = changed(
    task,
    {
      status,
      executionPeriod: { ...period, end: now.toISOString() },
      ...(reason === undefined ? {} : { statusReason: { text: reason } }),
      ...(state === undefined ? {} : { businessStatus: stepState(state) }),
    },
    now,
  );
  if (reason === undefined) delete ended['statusReason'];
  return withoutWait(ended);
}

export function changed(task: Resource, changes: JsonObject, now: Date): Resource {
  return { ...task, ...changes, lastModified: now.toISOString() };
}

export const stepState = (code: StepState): JsonObject => ({
  coding: [{ system: STEP_STATE, code, display: STEP_STATES[code] }],
});

export function stateOf(task: Resource): StepState | undefined {
  const concept = task['businessStatus'];
  const codings = isObject(concept) ? objectsOf(concept['coding']) : [];
  const code = codings.find(({ system }) => system === STEP_STATE)?.['code'];
  return typeof code === 'string' && code in STEP_STATES ? (code as StepState) : undefined;
}

/** A step's Task that waits until a person has settled another one. */
export function onHold(task: Resource, waitsFor: string, now: Date): Resource {
  const others = identifiersBut(task, WAITS_FOR);
  return changed(
    task,
    {
      status: 'on-hold',
      statusReason: { text: `Waits for ${waitsFor}` },
      identifier: [...others, { system: WAITS_FOR, value: waitsFor }],
    },
    now,
  );
}

/** What a step's Task waits for. */
export const waitsFor = (task: Resource): string | undefined => identifierOf(task, WAITS_FOR);
/** The id of a step's run. */
export const runIdOf = (task: Resource): string | undefined => identifierOf(task, RUN_IDENTIFIER);

export function withoutWait(task: Resource): Resource {
  if (waitsFor(task) === undefined) return task;
  return { ...task, identifier: identifiersBut(task, WAITS_FOR) };
}

/** With another run's id: what is done again is not what was done before. */
export function withRun(task: Resource, runId: string): Resource {
  return {
    ...task,
    identifier: [...identifiersBut(task, RUN_IDENTIFIER), { system: RUN_IDENTIFIER, value: runId }],
  };
}

const identifiersBut = (task: Resource, not: string): JsonObject[] =>
  objectsOf(task['identifier']).filter(({ system }) => system !== not);

function identifierOf(task: Resource, wanted: string): string | undefined {
  const value = objectsOf(task['identifier']).find(({ system }) => system === wanted)?.['value'];
  return typeof value === 'string' ? value : undefined;
}

/** The workflow that a Task is a step of, or tells of. */
export function workflowIdOf(task: Resource): string | undefined {
  const group = task['groupIdentifier'];
  if (!isObject(group) || group['system'] !== WORKFLOW_IDENTIFIER) return undefined;
  return typeof group['value'] === 'string' ? group['value'] : undefined;
}

/** How far a step is, by its Task; one whose Task was deleted is left out. */
export function progressOf(task: Resource | undefined): Progress {
  if (task === undefined) return { state: 'passed' };
  const { restriction, executionPeriod } = task;
  const begun = timeOf(restriction, 'period', 'start') ?? timeOf(executionPeriod, 'start');
  const ended =
    timeOf(executionPeriod, 'end') ?? timeOf(task, 'lastModified') ?? timeOf(task, 'meta', 'lastUpdated');
  switch (task['status']) {
    case 'draft':
      return { state: 'waiting' };
    case 'completed':
      return { state: 'done', begun, ended };
    case 'cancelled':
    case 'entered-in-error':
      return { state: 'passed', begun, ended };
    case 'failed':
    case 'rejected':
      return { state: 'failed', begun, ended };
    default:
      return { state: 'open', begun };
  }
}

/** When a step's time is over; undefined without a limit. */
export const deadlineOf = (task: Resource): number | undefined =>
  timeOf(task['restriction'], 'period', 'end');

function timeOf(value: JsonValue | undefined, ...path: readonly string[]): number | undefined {
  let current = value;
  for (const name of path) current = isObject(current) ? current[name] : undefined;
  const time = typeof current === 'string' ? Date.parse(current) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

/** Why somebody must look after a step. */
export type Trouble = 'overdue' | 'failed' | 'not undone';

const TROUBLES: Readonly<Record<Trouble, string>> = {
  overdue: 'has not been done in its time',
  failed: 'has failed',
  'not undone': 'was cancelled, but not all that it did could be undone',
};

/** Asks a role to look after a step. */
export function escalation(task: Resource, step: Step, why: Trouble, now: Date): Resource {
  const own = `Task/${String(task['id'])}`;
  const reason = isObject(task['statusReason']) ? task['statusReason']['text'] : undefined;
  const because = why === 'overdue' || typeof reason !== 'string' ? '' : `: ${reason}`;
  const text = `"${step.title}" ${TROUBLES[why]}${because}`;
  return {
    resourceType: 'Task',
    id: idOf('workflow-escalation', own, why, deadlineText(task), runIdOf(task) ?? ''),
    ...copied(task, 'basedOn', 'groupIdentifier', 'for', 'encounter', 'requester'),
    partOf: [{ reference: own }],
    status: 'requested',
    intent: 'order',
    priority: task['priority'] === 'stat' ? 'stat' : 'urgent',
    code: { coding: [{ system: TASK_CODE, code: 'escalation', display: TASK_CODES.escalation }], text },
    description: text,
    focus: { reference: own },
    authoredOn: now.toISOString(),
    performerType: [roleConcept(step.escalatesTo)],
  };
}

const deadlineText = (task: Resource): string => String(deadlineOf(task) ?? '');

/** Whether a Task asks somebody to look after a step. */
export function isEscalationOf(task: Resource, step: Resource): boolean {
  const code = isObject(task['code']) ? objectsOf(task['code']['coding']) : [];
  return (
    code.some((coding) => coding['system'] === TASK_CODE && coding['code'] === 'escalation') &&
    objectsOf(task['partOf']).some(({ reference }) => reference === `Task/${String(step['id'])}`)
  );
}

function copied(task: Resource, ...names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) => (task[name] === undefined ? [] : [[name, task[name] as JsonValue]])),
  );
}

/** What a Reference says, as it stands. */
export function referenceText(value: JsonValue | undefined): string | undefined {
  const reference = isObject(value) ? value['reference'] : undefined;
  return typeof reference === 'string' ? reference : undefined;
}

export const versionOf = (resource: Resource): string =>
  String(isObject(resource['meta']) ? resource['meta']['versionId'] : '');

/** A transaction entry that changes what has not changed meanwhile. */
export function putEntry(resource: Resource, ifMatch?: string): JsonObject {
  const url = referenceTo(resource);
  return {
    resource,
    request: { method: 'PUT', url, ...(ifMatch === undefined ? {} : { ifMatch: `W/"${ifMatch}"` }) },
  };
}

/** @param entries of {@link putEntry} */
export const transactionOf = (entries: readonly JsonObject[]): JsonObject => ({
  resourceType: 'Bundle',
  type: 'transaction',
  entry: [...entries],
});
