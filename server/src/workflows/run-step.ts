import { RESTRICTED } from '../access/policies/labels.ts';
import type { AccessScope, Grant } from '../access/scope.ts';
import type { InternalClient } from '../fhir/internal-client.ts';
import { FhirError } from '../fhir/outcome.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import { advance } from './advance.ts';
import { intakeOf } from './intake.ts';
import {
  changed,
  closed,
  onHold,
  putEntry,
  referenceText,
  runIdOf,
  taskIdOf,
  transactionOf,
  versionOf,
} from './resources.ts';
import type { StepOutput } from './step.ts';
import type { Step } from './steps.ts';
import {
  type Engine,
  engineClient,
  isConflict,
  loadWorkflow,
  unlessConflict,
  type Workflow,
} from './workflow.ts';

/** Tries of a step whose agent fails, with the dispatcher's back-off between them. */
const TRIES = 5;

/** Task.status of what a person has settled. */
export const SETTLED = new Set(['completed', 'rejected', 'cancelled', 'failed', 'entered-in-error']);

/**
 * What the house lets a workflow do that not everybody may do by hand who may start it: a nurse who cannot register
 * patients has them registered by the workflow. The agent's own grants confine it still.
 */
const HOUSE: readonly Grant[] = [
  {
    types: ['Patient', 'Coverage'],
    interactions: ['read', 'search-type', 'create', 'update', 'transaction'],
    hiddenLabels: RESTRICTED,
  },
];

/** Whether an agent is at a step's Task: by status. */
export const isRunnable = (task: Resource): boolean =>
  task['status'] === 'requested' || task['status'] === 'in-progress';

/**
 * Has a step's agent do the step. After a crash it is called again with the same Task: the agent runs again under the same
 * run id, by which it finds what it has done already.
 * @param attempt which try of the event that has brought it here
 * @throws what makes it fail, to be tried again; a refusal, or the last failure, is written into the Task
 */
export async function runStep(
  engine: Engine,
  groupId: string,
  step: Step,
  starter: AccessScope,
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  const client = await engineClient(engine, starter, signal);
  const agent = engine.runtime.agentOfStep(step.code);
  const begun = await begin(engine, client, groupId, step);
  if (begun === undefined) return;
  const { workflow, task } = begun;
  const runId = runIdOf(task) as string;
  if (agent === undefined) {
    await end(engine, client, groupId, step, runId, (now, current) =>
      closed(current, 'failed', now, `There is no agent for ${step.code} any more`),
    );
  } else {
    const caller: AccessScope = { ...starter, grants: [...starter.grants, ...HOUSE] };
    try {
      const input = inputOf(workflow, step, task);
      const { output } = await engine.runtime.run(engine.context, agent.name, input, {
        caller,
        runId,
        signal,
      });
      const result = outputOf(output);
      await end(
        engine,
        client,
        groupId,
        step,
        runId,
        (now, current) => settled(current, result, now),
        result,
      );
      if (result.waits !== undefined) await resumeIfSettled(engine, client, groupId, step, result.waits);
    } catch (error) {
      if (signal.aborted || !isFinal(error, attempt)) throw error;
      const reason = error instanceof FhirError ? error.message : `The agent ${agent.name} has failed`;
      await end(engine, client, groupId, step, runId, (now, current) =>
        closed(current, 'failed', now, reason),
      );
    }
  }
  await advance(engine, groupId, starter, signal);
}

/** A refusal stays one however often it is tried. */
function isFinal(error: unknown, attempt: number): boolean {
  const passing =
    !(error instanceof FhirError) || error.status >= 500 || isConflict(error) || error.status === 429;
  return !passing || attempt >= TRIES;
}

/** Marks the step as being done. @returns undefined where it is not to be done (any more) */
function begin(
  engine: Engine,
  client: InternalClient,
  groupId: string,
  step: Step,
): Promise<{ workflow: Workflow; task: Resource } | undefined> {
  return unlessConflict(async () => {
    const workflow = await loadWorkflow(client, groupId);
    const task = workflow?.tasks.get(step.id);
    if (workflow === undefined || task === undefined || !isRunnable(task)) return undefined;
    const now = engine.now();
    if (workflow.group['status'] !== 'active') {
      // Of one that is only held up the turn comes again.
      const isHeld = workflow.group['status'] === 'on-hold' && task['status'] === 'requested';
      if (isHeld) await client.update(changed(task, { status: 'draft' }, now), versionOf(task));
      return undefined;
    }
    if (task['status'] === 'in-progress') return { workflow, task };
    const started = { status: 'in-progress', executionPeriod: { start: now.toISOString() } };
    return { workflow, task: await client.update(changed(task, started, now), versionOf(task)) };
  });
}

/**
 * Writes how a step has ended, unless it was ended otherwise meanwhile, and what the workflow is about from now on.
 * @param make the Task as it is to be, from what it is
 */
function end(
  engine: Engine,
  client: InternalClient,
  groupId: string,
  step: Step,
  runId: string,
  make: (now: Date, task: Resource) => Resource,
  { subject, encounter }: Partial<StepOutput> = {},
): Promise<void> {
  return unlessConflict(async () => {
    const workflow = await loadWorkflow(client, groupId);
    const task = workflow?.tasks.get(step.id);
    if (workflow === undefined || task?.['status'] !== 'in-progress' || runIdOf(task) !== runId) return;
    if (workflow.group['status'] !== 'active' && workflow.group['status'] !== 'on-hold') return;
    const about = {
      ...(subject === undefined ? {} : { for: { reference: subject } }),
      ...(encounter === undefined ? {} : { encounter: { reference: encounter } }),
    };
    const tasks = [...workflow.tasks.values(), ...[...workflow.escalations.values()].flat()];
    const others = tasks.filter((one) => one !== task && isAboutSomethingElse(one, subject, encounter));
    const { group } = workflow;
    const moved = {
      ...group,
      ...(subject === undefined ? {} : { subject: { reference: subject } }),
      ...(encounter === undefined ? {} : { encounter: { reference: encounter } }),
    };
    const isMoved =
      (subject !== undefined && referenceText(group['subject']) !== subject) ||
      (encounter !== undefined && referenceText(group['encounter']) !== encounter);
    await client.transaction(
      transactionOf([
        putEntry({ ...make(engine.now(), task), ...about }, versionOf(task)),
        ...others.map((one) => putEntry({ ...one, ...about }, versionOf(one))),
        ...(isMoved ? [putEntry(moved, versionOf(group))] : []),
      ]),
    );
  });
}

function isAboutSomethingElse(
  task: Resource,
  subject: string | undefined,
  encounter: string | undefined,
): boolean {
  return (
    (subject !== undefined && referenceText(task['for']) !== subject) ||
    (encounter !== undefined && referenceText(task['encounter']) !== encounter)
  );
}

function settled(task: Resource, { outputs, waits }: StepOutput, now: Date): Resource {
  const output = outputs.length === 0 ? {} : { output: [...outputs] };
  if (waits !== undefined) return onHold({ ...task, ...output }, waits, now);
  return closed({ ...task, ...output }, 'completed', now);
}

/** A person may have settled it before the step began to wait. */
async function resumeIfSettled(
  engine: Engine,
  client: InternalClient,
  groupId: string,
  step: Step,
  waits: string,
): Promise<void> {
  const awaited = await client.follow(waits);
  if (awaited !== undefined && !SETTLED.has(String(awaited['status']))) return;
  await resume(engine, client, groupId, step.id);
}

/** Lets a step that waited for a person go on. */
export function resume(
  engine: Engine,
  client: InternalClient,
  groupId: string,
  stepId: string,
): Promise<void> {
  return unlessConflict(async () => {
    const task = await client.read('Task', taskIdOf(groupId, stepId));
    if (task?.['status'] !== 'on-hold') return;
    const { statusReason: _, ...rest } = task;
    const next = changed({ ...rest, resourceType: 'Task' }, { status: 'requested' }, engine.now());
    await client.update(next, versionOf(task));
  });
}

/** What an agent is given; see step.ts. */
function inputOf({ group, tasks, steps }: Workflow, step: Step, task: Resource): JsonObject {
  const subject = referenceText(group['subject']);
  const encounter = referenceText(group['encounter']);
  const intake = intakeOf(group);
  const earlier = steps.flatMap(({ id, code }): [string, JsonValue][] => {
    const other = tasks.get(id);
    if (id === step.id || other?.['status'] !== 'completed') return [];
    return [[code, objectsOf(other['output'])]];
  });
  return {
    task,
    group,
    ...(subject === undefined ? {} : { subject }),
    ...(encounter === undefined ? {} : { encounter }),
    ...(intake === undefined ? {} : { intake: intake as JsonObject }),
    earlier: Object.fromEntries(earlier),
  };
}

/** @throws Error for what is no output of a step: a defect of the agent */
function outputOf(value: unknown): StepOutput {
  if (!isObject(value as JsonValue)) throw new Error('The agent of a step must answer with a StepOutput');
  const { outputs, subject, encounter, waits } = value as JsonObject;
  const text = (one: JsonValue | undefined, name: string): string | undefined => {
    if (one === undefined || typeof one === 'string') return one;
    throw new Error(`StepOutput.${name} must be a reference`);
  };
  const [about, visit, wait] = [text(subject, 'subject'), text(encounter, 'encounter'), text(waits, 'waits')];
  return {
    outputs: objectsOf(outputs),
    ...(about === undefined ? {} : { subject: about }),
    ...(visit === undefined ? {} : { encounter: visit }),
    ...(wait === undefined ? {} : { waits: wait }),
  };
}
