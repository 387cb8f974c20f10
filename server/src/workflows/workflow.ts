import type { AccessScope, Grant } from '../access/scope.ts';
import type { AnyAgent } from '../agents/agent.ts';
import type { AgentRuntime } from '../agents/runtime/runtime.ts';
import { InternalClient } from '../fhir/internal-client.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import type { Resource } from '../json/types.ts';
import type { Progress } from './order.ts';
import { isEscalationOf, progressOf, taskIdOf } from './resources.ts';
import { type Step, stepsOf } from './steps.ts';

/** What carries workflows out: its Device is named in what it writes for who has started one. */
export const WORKFLOW_ENGINE: AnyAgent = {
  name: 'workflows',
  title: 'Workflows',
  version: '1.0.0',
  description: 'Carries out workflows: wakes agents and people step by step, and tells when one is late.',
  wakes: [],
  // What is undone when a workflow is cancelled; see undo.ts.
  grants: [
    {
      types: ['Appointment', 'CommunicationRequest', 'Encounter', 'ServiceRequest', 'Task'],
      interactions: ['read', 'update', 'patch', 'search-type', 'transaction'],
    },
    { types: ['Patient', 'RequestGroup'], interactions: ['read'] },
  ],
  timeout: 60_000,
  actions: [],
  input: (value) => value,
  run: () => Promise.reject(new Error('It is not run by itself')),
};

/** The engine's own access: to the workflows' resources, and to see that what these refer to is there. */
const OWN: readonly Grant[] = [
  {
    types: ['RequestGroup', 'Task'],
    interactions: ['read', 'search-type', 'create', 'update', 'transaction'],
  },
  { types: '*', interactions: ['read'] },
];

/** What the engine works with in one tenant. */
export interface Engine {
  readonly runtime: AgentRuntime;
  readonly context: TenantContext;
  readonly now: () => Date;
}

/** FHIR under the engine's own access. @param starter on whose behalf it writes */
export async function engineClient(
  { runtime, context }: Engine,
  starter: Pick<AccessScope, 'subject' | 'purposeOfUse'> | undefined,
  signal?: AbortSignal,
): Promise<InternalClient> {
  const device = await runtime.devices.referenceOf(context, WORKFLOW_ENGINE);
  const subject = starter?.subject ?? device;
  const scope: AccessScope = {
    tenant: context.tenant,
    subject,
    client: device,
    agent: true,
    grants: OWN,
    ...(starter?.purposeOfUse === undefined ? {} : { purposeOfUse: starter.purposeOfUse }),
  };
  return new InternalClient(runtime.options.fhir(), context, scope, {
    actor: { agent: subject, client: device },
    // What it writes is told of by the write engine, and what agents do by their runs.
    audited: false,
    ...(signal === undefined ? {} : { signal }),
  });
}

/** A workflow as it is stored. */
export interface Workflow {
  readonly group: Resource;
  readonly steps: readonly Step[];
  /** By the steps' ids. */
  readonly tasks: Map<string, Resource>;
  /** What asks people to look after steps, by the steps' ids. */
  readonly escalations: ReadonlyMap<string, readonly Resource[]>;
}

/** Tasks of a workflow that are read at most. */
const MOST_TASKS = 1000;

/** Reads a workflow. @returns undefined where there is no such RequestGroup (any more) */
export async function loadWorkflow(client: InternalClient, groupId: string): Promise<Workflow | undefined> {
  const [group, found] = await Promise.all([
    client.read('RequestGroup', groupId),
    client.searchAll(
      'Task',
      [
        ['based-on', `RequestGroup/${groupId}`],
        ['_count', '200'],
      ],
      MOST_TASKS,
    ),
  ]);
  if (group === undefined) return undefined;
  const steps = stepsOf(group['action'], 'RequestGroup.action');
  const byId = new Map(found.map((task) => [String(task['id']), task]));
  const tasks = new Map<string, Resource>();
  const escalations = new Map<string, readonly Resource[]>();
  for (const { id } of steps) {
    const task = byId.get(taskIdOf(groupId, id));
    if (task === undefined) continue;
    tasks.set(id, task);
    const own = found.filter((one) => isEscalationOf(one, task));
    if (own.length > 0) escalations.set(id, own);
  }
  return { group, steps, tasks, escalations };
}

/** How far the steps are. */
export function progress({ steps, tasks }: Pick<Workflow, 'steps' | 'tasks'>): Map<string, Progress> {
  return new Map(steps.map(({ id }) => [id, progressOf(tasks.get(id))]));
}

/** Whether somebody else has written meanwhile what was to be written. */
export function isConflict(error: unknown): boolean {
  return error instanceof FhirError && (error.status === 409 || error.status === 412);
}

/** Tries again what somebody else came between. @throws what the last try throws */
export async function unlessConflict<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isConflict(error) || attempt === 6) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * attempt));
    }
  }
}
