import type { AccessScope, Grant, Tenant } from '../../access/scope.ts';
import type { AuditActor } from '../../audit/request-event.ts';
import { InternalClient, type RequestHandler } from '../../fhir/internal-client.ts';
import type { TenantContext } from '../../fhir/tenant-context.ts';
import { isObject, isResource, objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import type { AgentContext } from '../agent.ts';
import { ROLE_SYSTEM } from '../codes.ts';
import { idOf } from '../runtime/run-ids.ts';
import type { AgentRuntime } from '../runtime/runtime.ts';
import { beforeOf, heldBy } from './dialogue/state.ts';
import { type SupervisorAnswer, supervisor } from './index.ts';
import { referenceIn, threadOf } from './message.ts';
import { CATEGORY_SYSTEM, CHAT, CONVERSATION, CONVERSATION_TASK, REPLY, TASK_SYSTEM } from './terms.ts';

/** Where a message is answered. */
export interface Desk {
  readonly runtime: AgentRuntime;
  /** What carries requests out. */
  readonly handler: RequestHandler;
  readonly context: TenantContext;
  /** Whose access the agents have part of. */
  readonly caller: AccessScope;
  readonly actor?: AuditActor | undefined;
  readonly signal?: AbortSignal | undefined;
}

const MOST_REPLIES = 10;
/** States of a Task in which a person has still to answer (R4 valueset-task-status.html). */
const OPEN = new Set(['requested', 'received', 'accepted', 'ready', 'in-progress', 'on-hold']);

/**
 * Answers a message that is stored: has the supervisor find the answer under the asker's access, and stores it. A message
 * that has been answered is not answered again.
 * @returns the replies, as they are stored
 */
export async function answerMessage(desk: Desk, message: Resource): Promise<Resource[]> {
  const { runtime, context, caller, signal } = desk;
  const before = await repliesTo(desk, message);
  if (before.length > 0) return before;
  const agent = runtime.agent(supervisor.name) ?? supervisor;
  const runId = idOf('conversation', context.tenant.name, String(message['id']));
  const last = await lastReply(desk, message);
  const input: JsonObject = {
    message,
    ...(last === undefined ? {} : { last }),
    ...((await isPersonAsked(desk, message, last)) ? { personAsked: true } : {}),
  };
  const { output } = await runtime.within(
    context,
    agent,
    input,
    { caller, signal, runId },
    async (agentContext) => {
      const answer = (await agent.run(agent.input(input), agentContext)) as SupervisorAnswer;
      return agentContext.step('reply', { text: answer.text }, () =>
        reply(desk, message, answer, agentContext),
      );
    },
  );
  return output as Resource[];
}

/** The replies to a message, in order. */
async function repliesTo(desk: Desk, message: Resource): Promise<Resource[]> {
  const found = await client(desk, keeper(desk.context.tenant, desk.caller, message)).search(
    'Communication',
    [
      [
        'identifier',
        Array.from({ length: MOST_REPLIES }, (_, index) => `${REPLY}|${replyKey(message, index)}`).join(','),
      ],
      ['subject', subjectOf(message)],
    ],
  );
  return found.sort((a, b) => String(a['sent']).localeCompare(String(b['sent'])));
}

/**
 * The reply of the supervisor that a message goes on from: it holds how far the conversation has come. It is the one that the
 * message answers, or else the last one of the conversation.
 */
async function lastReply(desk: Desk, message: Resource): Promise<Resource | undefined> {
  const device = await desk.runtime.devices.referenceOf(desk.context, supervisor);
  const keeping = client(desk, keeper(desk.context.tenant, desk.caller, message));
  const [answered] = objectsOf(message['inResponseTo']);
  const before = answered === undefined ? undefined : await keeping.follow(answered);
  if (before !== undefined && referenceIn(before['sender']) === device) return before;
  const thread = threadOf(message);
  if (thread === undefined) return undefined;
  const [last] = await keeping.search('Communication', [
    ['identifier', `${CONVERSATION}|${thread}`],
    ['subject', subjectOf(message)],
    ['sender', device],
    ['_sort', '-sent'],
    ['_count', '1'],
  ]);
  return last;
}

/** Whether somebody of the staff was asked for in the conversation, and has still to answer. */
async function isPersonAsked(desk: Desk, message: Resource, last: Resource | undefined): Promise<boolean> {
  const { task } = beforeOf(last).state;
  if (task === undefined) return false;
  const found = await client(desk, keeper(desk.context.tenant, desk.caller, message)).follow(task);
  return found !== undefined && OPEN.has(String(found['status']));
}

const replyKey = (message: Resource, index: number): string => `${String(message['id'])}.${index}`;
const subjectOf = (message: Resource): string => referenceIn(message['subject']) as string;

/** Stores a reply, and the Task for a person if there is one, in one transaction. */
async function reply(
  desk: Desk,
  message: Resource,
  answer: SupervisorAnswer,
  agentContext: AgentContext,
): Promise<Resource[]> {
  const { context, caller, runtime } = desk;
  const device = await runtime.devices.referenceOf(context, supervisor);
  const scope = keeper(context.tenant, caller, message, device);
  const key = replyKey(message, 0);
  const task = answer.person && taskOf(message, answer, device, agentContext);
  const entry: JsonObject[] = [
    {
      resource: replyOf(message, answer, device, agentContext.now()),
      request: { method: 'POST', url: 'Communication', ifNoneExist: `identifier=${REPLY}|${key}` },
    },
    ...(task === undefined
      ? []
      : [{ resource: task, request: { method: 'PUT', url: `Task/${String(task['id'])}` } }]),
  ];
  const response = await client(desk, scope).transaction({
    resourceType: 'Bundle',
    type: 'transaction',
    entry,
  });
  return objectsOf(response['entry']).flatMap(({ resource }) =>
    isResource(resource) && resource.resourceType === 'Communication' ? [resource] : [],
  );
}

function replyOf(message: Resource, answer: SupervisorAnswer, device: string, now: Date): Resource {
  const { extension, contained } = heldBy(answer.state ?? {}, answer.options ?? []);
  const sender = message['sender'];
  const thread = threadOf(message);
  const sources = [...new Set(answer.about ?? [])];
  return {
    resourceType: 'Communication',
    language: answer.language,
    ...(contained.length === 0 ? {} : { contained }),
    ...(extension.length === 0 ? {} : { extension }),
    identifier: [
      ...(thread === undefined ? [] : [{ system: CONVERSATION, value: thread }]),
      { system: REPLY, value: replyKey(message, 0) },
    ],
    inResponseTo: [{ reference: `Communication/${String(message['id'])}` }],
    status: 'completed',
    category: [{ coding: [{ system: CATEGORY_SYSTEM, code: CHAT }] }],
    subject: { reference: subjectOf(message) },
    ...(sources.length === 0 ? {} : { about: sources.map((reference) => ({ reference })) }),
    // After what it answers, whatever the clock of who sent that.
    sent: new Date(Math.max(now.getTime(), sentOf(message) + 1)).toISOString(),
    ...(isObject(sender) ? { recipient: [sender] } : {}),
    sender: { reference: device, display: supervisor.title },
    payload: [{ contentString: answer.text }],
  };
}

const sentOf = ({ sent }: Resource): number => {
  const time = typeof sent === 'string' ? Date.parse(sent) : Number.NaN;
  return Number.isNaN(time) || time > Date.now() + 60_000 ? 0 : time;
};

/** The Task of the person who is to look at a conversation: reception, or a nurse at once where there is danger. */
function taskOf(
  message: Resource,
  answer: SupervisorAnswer,
  device: string,
  { now }: AgentContext,
): Resource {
  const { id = '', isEmergency = false, description = '' } = answer.person ?? {};
  const reference = `Communication/${String(message['id'])}`;
  const thread = threadOf(message);
  return {
    resourceType: 'Task',
    id,
    ...(thread === undefined ? {} : { groupIdentifier: { system: CONVERSATION, value: thread } }),
    status: 'requested',
    intent: 'order',
    priority: isEmergency ? 'stat' : 'routine',
    code: { coding: [{ system: TASK_SYSTEM, code: CONVERSATION_TASK }] },
    description,
    focus: { reference },
    for: { reference: subjectOf(message) },
    authoredOn: now().toISOString(),
    requester: { reference: device, display: supervisor.title },
    performerType: [{ coding: [{ system: ROLE_SYSTEM, code: isEmergency ? 'nurse' : 'front_desk' }] }],
  };
}

/**
 * The access by which conversations are kept: the messages and Tasks of one patient, written in the supervisor's name for the
 * asker. What messages refer to is only asked to be there.
 */
function keeper(
  tenant: Tenant,
  { subject, purposeOfUse }: AccessScope,
  message: Resource,
  device?: string,
): AccessScope {
  const compartment = { type: 'Patient', id: subjectOf(message).slice('Patient/'.length) };
  const referred: Grant['types'] = [
    ...[
      'Device',
      'HealthcareService',
      'Library',
      'Location',
      'Organization',
      'Practitioner',
      'PractitionerRole',
    ],
    'RelatedPerson',
  ];
  return {
    tenant,
    subject,
    ...(device === undefined ? {} : { client: device, agent: true }),
    ...(purposeOfUse === undefined ? {} : { purposeOfUse }),
    grants: [
      { types: ['Communication'], interactions: ['read', 'search-type', 'create'], compartment },
      // Tasks are in no patient's compartment.
      {
        types: ['Task'],
        interactions: ['read', 'create', 'update'],
        search: `code=${TASK_SYSTEM}|${CONVERSATION_TASK}&patient=${compartment.id}`,
      },
      { types: '*', interactions: ['read'], compartment },
      { types: referred, interactions: ['read'] },
    ],
  };
}

function client(desk: Desk, scope: AccessScope): InternalClient {
  const { actor, signal } = desk;
  return new InternalClient(desk.handler, desk.context, scope, {
    ...(actor === undefined ? {} : { actor }),
    ...(signal === undefined ? {} : { signal }),
    // The request as a whole is recorded, and every step of the run.
    audited: false,
  });
}
