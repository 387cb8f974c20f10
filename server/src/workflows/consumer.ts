import { AGENT_ACTION } from '../agents/codes.ts';
import type { AgentRuntime } from '../agents/runtime/runtime.ts';
import { runtimeScope } from '../agents/runtime/scope.ts';
import type { EventConsumer, ResourceEvent } from '../events/event.ts';
import { InternalClient } from '../fhir/internal-client.ts';
import type { Resource } from '../json/types.ts';
import { workflowScope } from '../storage/workflows/workflow-rows.ts';
import { advance } from './advance.ts';
import { taskIdOf, versionOf, workflowIdOf } from './resources.ts';
import { isRunnable, resume, runStep, SETTLED } from './run-step.ts';
import { stepsOf } from './steps.ts';
import { TASK_CODE, WAITS_FOR, WORKFLOW_STEP } from './terms.ts';
import { type Engine, engineClient } from './workflow.ts';

const WRITTEN = ['create', 'update'] as const;

/**
 * What brings workflows on: every version of a step's Task and of a workflow's RequestGroup, and of the Tasks that steps
 * may wait for. Emergencies have a lane of their own, so that they do not queue behind what can wait.
 */
export function workflowConsumers(runtime: AgentRuntime): EventConsumer[] {
  const lane = (name: string, isUrgent: boolean): EventConsumer => ({
    name,
    wants: isUrgent
      ? [{ type: 'Task', methods: WRITTEN, mentions: '"priority":"stat"' }]
      : [
          { type: 'Task', methods: WRITTEN, mentions: WORKFLOW_STEP },
          { type: 'Task', methods: WRITTEN, mentions: AGENT_ACTION },
          { type: 'Task', methods: WRITTEN, mentions: TASK_CODE },
          { type: 'RequestGroup', methods: WRITTEN },
        ],
    handle: async (event, signal) => {
      const context = await runtime.options.fhir().tenants.recent(event.tenant);
      const now = runtime.options.now ?? (() => new Date());
      await handle({ runtime, context, now }, event, isUrgent, signal);
    },
  });
  return [lane('workflows', false), lane('workflows-urgent', true)];
}

async function handle(
  engine: Engine,
  event: ResourceEvent,
  isUrgent: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { connections } = engine.runtime.options;
  const { tenant, resourceId } = event;
  if (event.type === 'RequestGroup') {
    const starter = await workflowScope(connections, tenant, resourceId);
    if (starter !== undefined) await advance(engine, resourceId, starter, signal);
    return;
  }
  const task = await readTask(engine, resourceId, signal);
  if (task === undefined) return;
  const groupId = workflowIdOf(task);
  const starter = groupId === undefined ? undefined : await workflowScope(connections, tenant, groupId);
  if (groupId !== undefined && starter !== undefined) {
    const client = await engineClient(engine, starter, signal);
    const group = await client.read('RequestGroup', groupId);
    const steps = group === undefined ? [] : stepsOf(group['action'], 'RequestGroup.action');
    const step = steps.find(({ id }) => taskIdOf(groupId, id) === resourceId);
    if (step !== undefined) {
      if ((task['priority'] === 'stat') !== isUrgent) return;
      if (step.automated && isRunnable(task)) {
        await runStep(engine, groupId, step, starter, event.attempt, signal);
      } else if (versionOf(task) === String(event.version)) {
        // A later version has an event of its own.
        await advance(engine, groupId, starter, signal);
      }
      return;
    }
  }
  if (!isUrgent && SETTLED.has(String(task['status']))) await wakeWaiting(engine, resourceId, signal);
}

async function readTask(
  { runtime, context }: Engine,
  id: string,
  signal: AbortSignal,
): Promise<Resource | undefined> {
  const client = new InternalClient(runtime.options.fhir(), context, runtimeScope(context.tenant), {
    audited: false,
    signal,
  });
  return client.read('Task', id);
}

/** Lets the steps go on that waited for a Task that a person has settled. */
async function wakeWaiting(engine: Engine, taskId: string, signal: AbortSignal): Promise<void> {
  const own = await engineClient(engine, undefined, signal);
  const waiting = await own.search('Task', [
    ['identifier', `${WAITS_FOR}|Task/${taskId}`],
    ['status', 'on-hold'],
  ]);
  for (const task of waiting) {
    const groupId = workflowIdOf(task);
    if (groupId === undefined) continue;
    const starter = await workflowScope(engine.runtime.options.connections, engine.context.tenant, groupId);
    if (starter === undefined) continue;
    const group = await own.read('RequestGroup', groupId);
    const step = stepsOf(group?.['action'], 'RequestGroup.action').find(
      ({ id }) => taskIdOf(groupId, id) === task['id'],
    );
    if (step === undefined) continue;
    await resume(engine, await engineClient(engine, starter, signal), groupId, step.id);
  }
}
