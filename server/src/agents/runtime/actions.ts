import { InternalClient } from '../../fhir/internal-client.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { TenantContext } from '../../fhir/tenant-context.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import { keepRequest } from '../../storage/events/agent-requests.ts';
import type { ActionOutcome, AgentAction, AgentContext, AnyAgent } from '../agent.ts';
import { AGENT_ACTION, ROLE_SYSTEM, RUN_IDENTIFIER, TASK_PART } from '../codes.ts';
import type { Actor } from './record.ts';
import { idOf } from './run-ids.ts';
import type { AgentRuntime } from './runtime.ts';
import { runtimeScope } from './scope.ts';

/** Where in which run an action is. */
export interface ActionSite {
  readonly runtime: AgentRuntime;
  readonly context: TenantContext;
  readonly agent: AnyAgent;
  readonly agentContext: AgentContext;
  readonly actor: Actor;
  /** The how-manieth action of the run it is: a run that is tried again asks for the same once. */
  readonly place: number;
}

/** See AgentContext.act. */
export async function act(
  site: ActionSite,
  code: string,
  reason: string,
  bundle: JsonObject,
  focus: string | undefined,
): Promise<ActionOutcome> {
  const { agent, agentContext, context } = site;
  const action = agent.actions.find((one) => one.code === code);
  if (action === undefined) throw new Error(`The agent ${agent.name} has no action "${code}"`);
  assertTransaction(bundle);
  const autonomy = context.policy.autonomy.get(`${agent.name}.${code}`) ?? action.autonomy;
  const input = { reason, bundle, ...(focus === undefined ? {} : { focus }) };
  if (autonomy === 'acts') {
    const response = await agentContext.step(`act: ${code}`, input, () =>
      agentContext.fhir.transaction(bundle),
    );
    return { done: true, response };
  }
  return agentContext.step(`ask: ${code}`, input, async () => ({
    done: false,
    task: await ask(site, action, reason, bundle, focus),
  }));
}

/** @throws FhirError 400 */
export function assertTransaction(bundle: JsonObject): void {
  if (bundle['resourceType'] !== 'Bundle' || bundle['type'] !== 'transaction')
    throw fhirError(
      400,
      'invalid',
      'What an agent would do must be a Bundle of type transaction',
      'Bundle.type',
    );
}

/** Makes the Task for the approver. @returns its reference */
async function ask(
  { runtime, context, agent, agentContext, actor, place }: ActionSite,
  action: AgentAction,
  reason: string,
  bundle: JsonObject,
  focus: string | undefined,
): Promise<string> {
  const { tenant } = context;
  const runId = agentContext.run.id;
  const id = idOf(runId, action.code, String(place));
  const client = new InternalClient(runtime.options.fhir(), context, runtimeScope(tenant, actor.device), {
    actor: { agent: actor.device, client: actor.device, request: runId },
  });
  if ((await client.read('Task', id)) !== undefined) return `Task/${id}`;
  // First: a Task without it could be approved and never be done.
  await keepRequest(runtime.options.connections, tenant, {
    taskId: id,
    agent: agent.name,
    action: action.code,
    scope: agentContext.scope,
  });
  const patient = patientOf(focus, bundle);
  const requester = agentContext.scope.subject;
  const task: Resource = {
    resourceType: 'Task',
    id,
    identifier: [{ system: RUN_IDENTIFIER, value: runId }],
    status: 'requested',
    intent: 'proposal',
    priority: 'routine',
    code: actionCode(agent, action),
    description: action.title,
    ...(focus === undefined ? {} : { focus: { reference: focus } }),
    ...(patient === undefined ? {} : { for: { reference: patient } }),
    authoredOn: agentContext.now().toISOString(),
    requester: { reference: actor.device, display: agent.title },
    performerType: [{ coding: [{ system: ROLE_SYSTEM, code: action.approver }] }],
    reasonCode: { text: reason },
    ...(requester === actor.device ? {} : { note: [{ text: `On behalf of ${requester}` }] }),
    input: [taskInput(bundle)],
  };
  const made = await client.update(task);
  return `Task/${String(made['id'])}`;
}

/** Task.code of an action. */
export function actionCode(agent: Pick<AnyAgent, 'name'>, action: AgentAction): JsonObject {
  return {
    coding: [{ system: AGENT_ACTION, code: `${agent.name}.${action.code}`, display: action.title }],
  };
}

const part = (code: string): JsonObject => ({ coding: [{ system: TASK_PART, code }] });

/** Task.input that holds the transaction: its JSON, in base64, so that nothing in it counts as a part of the Task. */
export function taskInput(bundle: JsonObject): JsonObject {
  return {
    type: part('transaction'),
    valueBase64Binary: Buffer.from(JSON.stringify(bundle)).toString('base64'),
  };
}

/** Task.output that names what was written. */
export function taskOutput(reference: string): JsonObject {
  return { type: part('written'), valueReference: { reference } };
}

/** The base64 text of a Task's transaction; undefined where it has none, or several. */
export function transactionOf(task: Resource): string | undefined {
  const found = objectsOf(task['input']).filter(
    ({ type }) =>
      isObject(type) &&
      objectsOf(type['coding']).some(({ system, code }) => system === TASK_PART && code === 'transaction'),
  );
  const data = found[0]?.['valueBase64Binary'];
  return found.length === 1 && typeof data === 'string' ? data : undefined;
}

/** Whom the action is for, when there is just one patient in it that is there already. */
function patientOf(focus: string | undefined, bundle: JsonObject): string | undefined {
  if (focus?.startsWith('Patient/')) return focus;
  const found = new Set(
    [...JSON.stringify(bundle).matchAll(/"reference":"(Patient\/[A-Za-z0-9\-.]{1,64})"/g)].map(
      ([, reference]) => reference as string,
    ),
  );
  const [only] = found;
  return found.size === 1 ? only : undefined;
}
