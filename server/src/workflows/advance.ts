import type { AccessScope } from '../access/scope.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { forgetWorkflow, noteDue } from '../storage/workflows/workflow-rows.ts';
import { holds } from './conditions.ts';
import { outlook } from './order.ts';
import {
  changed,
  closed,
  deadlineOf,
  escalation,
  opened,
  progressOf,
  putEntry,
  stateOf,
  stepState,
  transactionOf,
  versionOf,
} from './resources.ts';
import type { Step } from './steps.ts';
import { undo } from './undo.ts';
import {
  type Engine,
  engineClient,
  loadWorkflow,
  progress,
  unlessConflict,
  type Workflow,
} from './workflow.ts';

const OPEN_ESCALATION = new Set(['requested', 'received', 'accepted', 'ready', 'in-progress', 'on-hold']);

/**
 * Brings a workflow on: gives steps whose turn has come to agents and people, leaves out those that are not needed, asks
 * for help with those that are late or have failed, and ends it when all is done. It may be called at any time, by several
 * processes at once: what it does follows from the resources alone.
 * @param starter the access under which the steps are done
 * @returns when it must be looked at again though nothing happens, epoch milliseconds
 */
export async function advance(
  engine: Engine,
  groupId: string,
  starter: AccessScope,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const { connections } = engine.runtime.options;
  const client = await engineClient(engine, starter, signal);
  const next = await unlessConflict(async () => {
    const workflow = await loadWorkflow(client, groupId);
    if (workflow === undefined) return 'ended';
    switch (workflow.group['status']) {
      case 'active':
        break;
      case 'revoked':
      case 'entered-in-error':
        await stopped(engine, workflow, starter, signal);
        return 'ended';
      case 'completed':
        return 'ended';
      default:
        return undefined;
    }
    const now = engine.now();
    const { entries, next: time, finished } = await comingChanges(workflow, now);
    if (entries.length > 0) await client.transaction(transactionOf(entries));
    return finished ? 'ended' : time;
  });
  if (next === 'ended') {
    await forgetWorkflow(connections, engine.context.tenant, groupId);
    return undefined;
  }
  if (next !== undefined) await noteDue(connections, engine.context.tenant, groupId, next);
  return next;
}

interface Changes {
  readonly entries: readonly JsonObject[];
  readonly next: number | undefined;
  readonly finished: boolean;
}

/** What has to be written so that a workflow is where it can be, and when time alone changes that. */
export async function comingChanges(workflow: Workflow, now: Date): Promise<Changes> {
  const { group, steps, escalations } = workflow;
  const tasks = new Map(workflow.tasks);
  const before = (id: string) => workflow.tasks.get(id) as Resource;
  const failures: JsonObject[] = [];
  const set = (step: Step, task: Resource) => tasks.set(step.id, task);
  /** A step that cannot be judged waits for a person. */
  const judged = async (step: Step, kind: 'applicability' | 'start' | 'stop') => {
    if (!step.conditions.some((one) => one.kind === kind)) return kind !== 'stop';
    try {
      return await holds(step.conditions, kind, { group, tasks });
    } catch (error) {
      if (!(error instanceof FhirError) || error.status >= 500) throw error;
      set(
        step,
        closed(tasks.get(step.id) as Resource, 'failed', now, `Its condition fails: ${error.message}`),
      );
      return undefined;
    }
  };

  for (const step of steps) {
    if (progressOf(tasks.get(step.id)).state !== 'open') continue;
    if ((await judged(step, 'stop')) === true)
      set(step, closed(tasks.get(step.id) as Resource, 'cancelled', now, 'It need not go on', 'skipped'));
  }
  const held = new Set<string>();
  for (;;) {
    const { due, leftOut } = outlook(steps, progress({ steps, tasks }), now.getTime());
    const [left] = leftOut;
    if (left !== undefined) {
      set(left, closed(tasks.get(left.id) as Resource, 'cancelled', now, 'Another one is done', 'skipped'));
      continue;
    }
    const step = due.find(({ id }) => !held.has(id));
    if (step === undefined) break;
    const task = tasks.get(step.id) as Resource;
    const applies = await judged(step, 'applicability');
    if (applies === undefined) continue;
    if (!applies) {
      set(step, closed(task, 'cancelled', now, 'Its condition does not hold', 'skipped'));
      continue;
    }
    const starts = await judged(step, 'start');
    if (starts === true) set(step, opened(task, step, now));
    else if (starts === false) held.add(step.id);
  }

  const { next, finished } = outlook(steps, progress({ steps, tasks }), now.getTime());
  let wake = next;
  for (const step of steps) {
    const task = tasks.get(step.id);
    if (task === undefined) continue;
    const { state } = progressOf(task);
    const asked = escalations.get(step.id) ?? [];
    const deadline = deadlineOf(task);
    if (state === 'open' && deadline !== undefined && stateOf(task) !== 'overdue') {
      if (deadline > now.getTime()) wake = Math.min(wake ?? deadline, deadline);
      else {
        set(step, changed(task, { businessStatus: stepState('overdue') }, now));
        failures.push(putEntry(escalation(task, step, 'overdue', now)));
      }
    } else if (state === 'failed') {
      const wanted = escalation(task, step, 'failed', now);
      if (!asked.some(({ id }) => id === wanted['id'])) failures.push(putEntry(wanted));
    } else if (state === 'done' || state === 'passed') {
      for (const one of asked.filter(({ status }) => OPEN_ESCALATION.has(String(status)))) {
        const settled = closed(one, 'cancelled', now, 'The step is settled');
        failures.push(putEntry(settled, versionOf(one)));
      }
    }
  }
  const entries = [...tasks]
    .filter(([id, task]) => task !== before(id))
    .map(([id, task]) => putEntry(task, versionOf(before(id))));
  const ended = finished ? [putEntry({ ...group, status: 'completed' }, versionOf(group))] : [];
  return { entries: [...entries, ...failures, ...ended], next: wake, finished };
}

/** Ends what is left of a workflow that was cancelled, and undoes what must not stay. */
async function stopped(
  engine: Engine,
  workflow: Workflow,
  starter: AccessScope,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { steps, tasks, escalations } = workflow;
  const now = engine.now();
  const client = await engineClient(engine, starter, signal);
  const open = steps.flatMap(({ id }) => {
    const task = tasks.get(id);
    if (task === undefined) return [];
    const { state } = progressOf(task);
    return state === 'open' || state === 'waiting' ? [task] : [];
  });
  const asked = [...escalations.values()].flat().filter(({ status }) => OPEN_ESCALATION.has(String(status)));
  const entries = [...open, ...asked].map((task) =>
    putEntry(closed(task, 'cancelled', now, 'The workflow was cancelled'), versionOf(task)),
  );
  if (entries.length > 0) await client.transaction(transactionOf(entries));
  await undo(engine, workflow, starter, client, signal);
}
