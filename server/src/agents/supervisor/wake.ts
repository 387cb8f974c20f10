import { accessScopeOf } from '../../access/access-scope-of.ts';
import { type AccessScope, openScope } from '../../access/scope.ts';
import type { EventConsumer, ResourceEvent } from '../../events/event.ts';
import { InternalClient } from '../../fhir/internal-client.ts';
import { FhirError } from '../../fhir/outcome.ts';
import type { TenantContext } from '../../fhir/tenant-context.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';
import type { AgentRuntime } from '../runtime/runtime.ts';
import { answerMessage } from './conversation.ts';
import { supervisor } from './index.ts';
import { assertMayWriteTo, referenceIn } from './message.ts';
import { BY_OPERATION, CATEGORY_SYSTEM, CHAT, HANDLING } from './terms.ts';

/** People whose messages are answered, with the role in which they talk. */
const ROLES: Readonly<Record<string, string>> = { Patient: 'patient', RelatedPerson: 'caregiver' };
const PERSON = /^(Patient|RelatedPerson|Practitioner|PractitionerRole)\//;

/**
 * Answers messages that other clients have stored as plain Communications to the supervisor's Device: what comes in by SMS,
 * or from an app that knows nothing of $converse. The sender's own access decides, as it is now, not that of who has stored
 * the message.
 */
export function conversations(runtime: AgentRuntime): EventConsumer[] {
  if (runtime.agent(supervisor.name) === undefined) return [];
  const consumer: EventConsumer = {
    name: 'conversations',
    wants: [{ type: 'Communication', methods: ['create'], mentions: CATEGORY_SYSTEM }],
    async handle(event, signal) {
      const fhir = runtime.options.fhir();
      const context = await fhir.tenants.recent(event.tenant);
      const device = await runtime.devices.referenceOf(context, supervisor);
      const message = await versionOf(runtime, context, device, event);
      if (message === undefined || !isFor(message, device)) return;
      const caller = await senderScope(runtime, context, message, event);
      if (caller === undefined) return;
      try {
        assertMayWriteTo(caller, referenceIn(message['subject']) as string);
        await answerMessage({ runtime, handler: fhir, context, caller, signal }, message);
      } catch (error) {
        // A refusal is recorded with the run, and stays one however often it is tried.
        const isPassing =
          error instanceof FhirError && (error.status >= 500 || [409, 429].includes(error.status));
        if (!(error instanceof FhirError) || isPassing) throw error;
      }
    },
  };
  return [consumer];
}

async function versionOf(
  runtime: AgentRuntime,
  context: TenantContext,
  device: string,
  { type, resourceId, version }: ResourceEvent,
): Promise<Resource | undefined> {
  const scope: AccessScope = {
    tenant: context.tenant,
    subject: device,
    client: device,
    agent: true,
    grants: [{ types: ['Communication'], interactions: ['vread'] }],
  };
  const client = new InternalClient(runtime.options.fhir(), context, scope, {
    actor: { agent: device, client: device },
  });
  try {
    return (await client.call('GET', [type, resourceId, '_history', String(version)])) as Resource;
  } catch (error) {
    if (error instanceof FhirError && error.status < 500) return undefined;
    throw error;
  }
}

/** Whether it is a message of a patient's conversation to the supervisor that nothing else answers. */
function isFor(message: Resource, device: string): boolean {
  const meta = isObject(message['meta']) ? message['meta'] : {};
  const isHandled = objectsOf(meta['tag']).some(
    ({ system, code }) => system === HANDLING && code === BY_OPERATION,
  );
  const isChat = objectsOf(message['category']).some(({ coding }) =>
    objectsOf(coding).some(({ system, code }) => system === CATEGORY_SYSTEM && code === CHAT),
  );
  const isSaid = objectsOf(message['payload']).some(({ contentString }) => typeof contentString === 'string');
  return (
    isChat &&
    !isHandled &&
    isSaid &&
    message['status'] === 'completed' &&
    /^Patient\/[A-Za-z0-9\-.]{1,64}$/.test(referenceIn(message['subject']) ?? '') &&
    objectsOf(message['recipient']).some(({ reference }) => reference === device)
  );
}

/** What the sender may do; undefined for who is no patient or caregiver, and where a person has written as another. */
async function senderScope(
  runtime: AgentRuntime,
  context: TenantContext,
  message: Resource,
  { subject }: ResourceEvent,
): Promise<AccessScope | undefined> {
  const sender = referenceIn(message['sender']) ?? subject;
  const role = ROLES[sender.split('/')[0] as string];
  if (role === undefined || (PERSON.test(subject) && subject !== sender)) return undefined;
  const { access } = runtime.options.fhir().services;
  if (access === undefined) return { ...openScope(context.tenant), subject: sender };
  const claims = {
    clientId: 'conversation',
    subject: sender,
    fhirUser: sender,
    role,
    scopes: 'user/*.cruds',
  };
  await access.facts.fresh();
  const { facts } = await access.facts.factsOf(claims, context);
  return accessScopeOf(claims, context.tenant, facts);
}
