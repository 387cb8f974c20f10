import type { AccessScope, Grant } from '../../access/scope.ts';
import type { EventConsumer, ResourceEvent } from '../../events/event.ts';
import { InternalClient } from '../../fhir/internal-client.ts';
import { FhirError, fhirError } from '../../fhir/outcome.ts';
import type { TenantContext } from '../../fhir/tenant-context.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { type AgentRequest, findRequest, settleRequest } from '../../storage/events/agent-requests.ts';
import type { AgentAction, AgentContext, AnyAgent } from '../agent.ts';
import { AGENT_ACTION } from '../codes.ts';
import { assertTransaction, taskOutput, transactionOf } from './actions.ts';
import type { AgentRuntime } from './runtime.ts';
import { runtimeScope } from './scope.ts';

/** Task.status that settles a request; `completed` by a person does, too, without anything being done. */
const SETTLED = new Set(['completed', 'rejected', 'cancelled', 'failed', 'entered-in-error']);

/**
 * Carries out what a person has approved. A Task of an agent is approved by a version with status `accepted` that
 * somebody with the approver's role has written: what this version's input holds is done, edited or not, under the access
 * that the agent had when it asked. The transaction completes the Task, so that it is done once.
 */
export function approvals(runtime: AgentRuntime): EventConsumer {
  return {
    name: 'agent-approvals',
    wants: [{ type: 'Task', methods: ['create', 'update'], mentions: AGENT_ACTION }],
    handle: (event, signal) => settle(runtime, event, signal),
  };
}

async function settle(runtime: AgentRuntime, event: ResourceEvent, signal: AbortSignal): Promise<void> {
  const { connections } = runtime.options;
  const { tenant, resourceId } = event;
  const request = await findRequest(connections, tenant, resourceId);
  if (request === undefined) return;
  const context = await runtime.options.fhir().tenants.recent(tenant);
  const client = new InternalClient(runtime.options.fhir(), context, runtimeScope(tenant), {
    actor: { agent: 'vesta', client: 'vesta' },
    signal,
  });
  const task = await client.read('Task', resourceId);
  const agent = runtime.agent(request.agent);
  const action = agent?.actions.find(({ code }) => code === request.action);
  const isSettled = task !== undefined && SETTLED.has(String(task['status']));
  if (isSettled && action !== undefined && !maySettle(runtime, event, action, request)) {
    // A later version has an event of its own, and its writer is who counts.
    if (versionOf(task) === event.version) await putBack(client, task, 'requested', waitsFor(action));
    return;
  }
  if (task === undefined || isSettled) {
    await settleRequest(connections, tenant, resourceId);
    return;
  }
  if (versionOf(task) !== event.version || task['status'] !== 'accepted') return;
  if (agent === undefined || action === undefined) {
    await putBack(client, task, 'failed', 'There is no such agent or action any more');
    return;
  }
  if (!mayApprove(runtime, event, action)) {
    await putBack(client, task, 'requested', waitsFor(action));
    return;
  }
  try {
    await carryOut(runtime, context, agent, action, request, task, event, signal);
  } catch (error) {
    if (!(error instanceof FhirError) || error.status >= 500) throw error;
    // Whether it was this Task that has changed meanwhile, or what the transaction is about, its state tells.
    await putBack(client, task, 'failed', error.message);
  }
  const now = await client.read('Task', resourceId);
  if (now === undefined || now['status'] === 'completed' || now['status'] === 'failed')
    await settleRequest(connections, tenant, resourceId);
}

/** Where everybody may do everything, people have no roles. */
function mayApprove({ options }: AgentRuntime, { role }: ResourceEvent, { approver }: AgentAction): boolean {
  return options.open || role === approver;
}

/**
 * Who may not approve may not reject or close it, either. Who has asked may take it back, and so may a program: a workflow that is
 * cancelled withdraws what it has asked for.
 */
function maySettle(
  runtime: AgentRuntime,
  event: ResourceEvent,
  action: AgentAction,
  { scope }: AgentRequest,
): boolean {
  return event.role === undefined || event.subject === scope.subject || mayApprove(runtime, event, action);
}

const waitsFor = ({ approver }: AgentAction): string =>
  `This waits for the approval of somebody with the role ${approver}`;

async function carryOut(
  runtime: AgentRuntime,
  context: TenantContext,
  agent: AnyAgent,
  action: AgentAction,
  request: AgentRequest,
  task: Resource,
  event: ResourceEvent,
  signal: AbortSignal,
): Promise<void> {
  const bundle = bundleOf(task);
  const own = `Task/${String(task['id'])}`;
  const { entries, written } = namedEntries(bundle, own);
  const input: JsonValue = { action: action.code, task: own, approver: event.subject, bundle };
  const approver = await approverOf(runtime, context, event);
  const completed: Resource = {
    ...task,
    status: 'completed',
    ...(approver === undefined ? {} : { owner: approver }),
    lastModified: new Date().toISOString(),
    ...(written.length === 0 ? {} : { output: written.map(taskOutput) }),
  };
  delete completed['statusReason'];
  const whole: JsonObject = {
    ...bundle,
    entry: [
      ...entries,
      {
        resource: completed,
        request: { method: 'PUT', url: own, ifMatch: `W/"${event.version}"` },
      },
    ],
  };
  const caller = request.scope;
  const extra = approvalGrants(String(task['id']), approver);
  const approved: AnyAgent = { ...agent, grants: [...agent.grants, ...extra] };
  const scope: AccessScope = { ...caller, grants: [...caller.grants, ...extra] };
  await runtime.within(context, approved, input, { caller: scope, signal }, (agentContext: AgentContext) =>
    agentContext.step(`approved: ${action.code}`, input, () => agentContext.fhir.transaction(whole)),
  );
}

/** What the carrying out needs besides what is carried out: to complete this Task, and to name who has approved it. */
function approvalGrants(taskId: string, approver: JsonObject | undefined): Grant[] {
  const [type, id] = String(approver?.['reference'] ?? '').split('/');
  return [
    { types: ['Task'], interactions: ['read', 'update'], search: `_id=${taskId}` },
    ...(id === undefined || type === undefined
      ? []
      : [{ types: [type], interactions: ['read'] as const, search: `_id=${id}` }]),
  ];
}

/** @throws FhirError 400, 422 */
function bundleOf(task: Resource): JsonObject {
  const text = transactionOf(task);
  if (text === undefined)
    throw fhirError(
      422,
      'business-rule',
      'The Task does not hold the one transaction to be done',
      'Task.input',
    );
  const bundle = parseJson(Buffer.from(text, 'base64').toString('utf8'));
  if (!isObject(bundle)) throw fhirError(400, 'structure', 'This is no Bundle', 'Task.input');
  assertTransaction(bundle);
  return bundle;
}

/**
 * The entries of a transaction, and what the output refers to: every resource that they create or change.
 * @throws FhirError 422 for one that would write the Task itself
 */
function namedEntries(bundle: JsonObject, own: string): { entries: JsonObject[]; written: string[] } {
  const written: string[] = [];
  const entries = objectsOf(bundle['entry']).map((entry) => {
    const request = isObject(entry['request']) ? entry['request'] : {};
    const url = String(request['url'] ?? '');
    if (url === own || url.startsWith(`${own}?`) || url.startsWith(`${own}/`))
      throw fhirError(422, 'business-rule', 'An action cannot write the Task that it waits in', 'Task.input');
    const method = request['method'];
    if (method === 'POST' && isObject(entry['resource'])) {
      const fullUrl =
        typeof entry['fullUrl'] === 'string' ? entry['fullUrl'] : `urn:uuid:${crypto.randomUUID()}`;
      written.push(fullUrl);
      return { ...entry, fullUrl };
    }
    if (method === 'PUT' && /^[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/.test(url)) written.push(url);
    return entry;
  });
  return { entries, written };
}

/** Who has approved, as Task.owner may name them. */
async function approverOf(
  runtime: AgentRuntime,
  context: TenantContext,
  { subject, tenant }: ResourceEvent,
): Promise<JsonObject | undefined> {
  const match = /^(Practitioner|PractitionerRole|Patient|RelatedPerson|Device)\/([A-Za-z0-9\-.]{1,64})$/.exec(
    subject,
  );
  if (match === null) return undefined;
  const client = new InternalClient(runtime.options.fhir(), context, runtimeScope(tenant), {
    audited: false,
  });
  const [, type, id] = match as unknown as [string, string, string];
  return (await client.read(type, id)) === undefined ? { display: subject } : { reference: subject };
}

/** Changes the Task's state, unless somebody has written it meanwhile. */
async function putBack(
  client: InternalClient,
  task: Resource,
  status: string,
  reason: string,
): Promise<void> {
  try {
    await client.update({ ...task, status, statusReason: { text: reason } }, String(versionOf(task)));
  } catch (error) {
    if (!(error instanceof FhirError) || (error.status !== 409 && error.status !== 412)) throw error;
  }
}

function versionOf(task: Resource): number {
  return Number(isObject(task['meta']) ? task['meta']['versionId'] : undefined);
}
