import type { AccessScope } from '../access/scope.ts';
import type { AgentTools } from '../agents/agent.ts';
import { idOf } from '../agents/runtime/run-ids.ts';
import type { InternalClient } from '../fhir/internal-client.ts';
import { FhirError } from '../fhir/outcome.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import {
  changed,
  escalation,
  putEntry,
  referenceText,
  stateOf,
  stepState,
  transactionOf,
  versionOf,
} from './resources.ts';
import type { Step } from './steps.ts';
import { type Engine, isConflict, WORKFLOW_ENGINE, type Workflow } from './workflow.ts';

/** How something is undone: an operation on it, or another status. */
export type Undoing =
  | { readonly kind: 'operation'; readonly name: string; readonly parameters: JsonObject }
  | { readonly kind: 'status'; readonly status: string }
  | undefined;

const REASON = 'The workflow was cancelled';

/** Status of what was only planned -> its status when it will not come to pass. */
const WITHDRAWN: Readonly<Record<string, { readonly from: readonly string[]; readonly to: string }>> = {
  CommunicationRequest: { from: ['draft', 'active', 'on-hold'], to: 'revoked' },
  ServiceRequest: { from: ['draft', 'active', 'on-hold'], to: 'revoked' },
  Encounter: { from: ['planned', 'arrived', 'triaged'], to: 'cancelled' },
  Task: {
    from: ['draft', 'requested', 'received', 'accepted', 'ready', 'on-hold', 'in-progress'],
    to: 'cancelled',
  },
};

/**
 * What a cancelled workflow does with something that one of its steps has brought about: visits are cancelled (their time
 * is free again), what was only planned or asked for is withdrawn. What was found, given or told stays: it is a fact.
 */
export function undoingOf(resource: Resource): Undoing {
  const { resourceType: type, status } = resource;
  if (type === 'Appointment') {
    if (!['proposed', 'pending', 'booked', 'waitlist'].includes(String(status))) return undefined;
    return {
      kind: 'operation',
      name: '$cancel',
      parameters: {
        resourceType: 'Parameters',
        parameter: [{ name: 'reason', valueCodeableConcept: { text: REASON } }],
      },
    };
  }
  const rule = WITHDRAWN[type];
  if (rule === undefined || !rule.from.includes(String(status))) return undefined;
  return { kind: 'status', status: rule.to };
}

/**
 * Undoes what the steps of a cancelled workflow have brought about, newest first, under the part of the starter's access
 * that is the engine's, recorded as a run. What is undone already is left as it is; what cannot be undone is left to the
 * role that looks after the step.
 */
export async function undo(
  { runtime, context, now }: Engine,
  { group, steps, tasks }: Workflow,
  starter: AccessScope,
  client: InternalClient,
  signal: AbortSignal | undefined,
): Promise<void> {
  const groupId = String(group['id']);
  const done = steps
    .map((step) => ({ step, task: tasks.get(step.id) }))
    .filter((one): one is { step: Step; task: Resource } => one.task?.['status'] === 'completed')
    .filter(({ task }) => stateOf(task) !== 'undone')
    .sort((a, b) => endOf(b.task).localeCompare(endOf(a.task)));
  for (const { step, task } of done) {
    const outputs = objectsOf(task['output']).flatMap(
      ({ valueReference }) => referenceText(valueReference) ?? [],
    );
    if (outputs.length === 0) continue;
    const runId = idOf('workflow-undo', groupId, String(task['id']));
    const input = { group: `RequestGroup/${groupId}`, task: `Task/${String(task['id'])}`, outputs };
    let undone = 0;
    const left: string[] = [];
    await runtime.within(context, WORKFLOW_ENGINE, input, { caller: starter, runId, signal }, async (run) => {
      for (const reference of outputs.toReversed()) {
        try {
          if (await run.step(`undo: ${reference}`, reference, () => undoOne(run.fhir, reference))) undone++;
        } catch (error) {
          if (!(error instanceof FhirError) || error.status >= 500 || isConflict(error)) throw error;
          left.push(`${reference}: ${error.message}`);
        }
      }
      return { undone, left };
    });
    if (undone === 0 && left.length === 0) continue;
    const reason = left.length === 0 ? {} : { statusReason: { text: left.join('; ') } };
    const marked = changed(task, { businessStatus: stepState('undone'), ...reason }, now());
    const asked = left.length === 0 ? [] : [putEntry(escalation(marked, step, 'not undone', now()))];
    await client.transaction(transactionOf([putEntry(marked, versionOf(task)), ...asked]));
  }
}

/** @returns whether there was something to be undone */
async function undoOne(fhir: AgentTools, reference: string): Promise<boolean> {
  const resource = await visible(fhir, reference);
  const undoing = resource === undefined ? undefined : undoingOf(resource);
  if (resource === undefined || undoing === undefined) return false;
  if (undoing.kind === 'status') {
    await fhir.update({ ...resource, status: undoing.status }, versionOf(resource));
    return true;
  }
  await fhir.operation([resource.resourceType, String(resource['id']), undoing.name], undoing.parameters);
  return true;
}

/** Of a type that is not the engine's nothing can be undone. */
async function visible(fhir: AgentTools, reference: string): Promise<Resource | undefined> {
  try {
    return await fhir.follow(reference);
  } catch (error) {
    if (error instanceof FhirError && error.status === 403) return undefined;
    throw error;
  }
}

function endOf(task: Resource): string {
  const period = task['executionPeriod'];
  return isObject(period) ? String(period['end'] ?? '') : '';
}
