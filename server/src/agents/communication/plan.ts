import { CATEGORY, type Channel, CONVERSATION, DELIVERY_IDENTIFIER } from '../../communication/terms.ts';
import { FhirError } from '../../fhir/outcome.ts';
import { localReference, localReferences } from '../../fhir/references/literal.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import type { AgentContext } from '../agent.ts';
import { idOf } from '../runtime/run-ids.ts';
import { mediumOf, type Route, routesTo } from './channels.ts';
import { change, communicationsOf, isActive, occurrenceOf } from './communications.ts';
import { refusalConsents, refusedChannels } from './consent.ts';
import { deliveryExtension, deliveryOf, notDone, statusReason } from './delivery-state.ts';
import type { CommunicationDesk } from './desk.ts';
import { putDownFor, putDownToSend } from './put-down.ts';
import { isReadable } from './readable.ts';
import { type Recipient, recipientsOf } from './recipients.ts';
import { patientOf, settleRequest } from './settle.ts';
import { askPeople } from './tasks.ts';
import { wordedFor } from './wording.ts';

/**
 * Looks at a CommunicationRequest as it is now: puts it down for when it begins, prepares a Communication for each recipient
 * when it has begun, and withdraws what has not been sent when it is not active any more. Doing it again changes nothing.
 * @returns references of the Communications
 */
export async function plan(context: AgentContext, desk: CommunicationDesk, id: string): Promise<string[]> {
  const { fhir } = context;
  const request = await fhir.read('CommunicationRequest', id);
  if (request === undefined) return [];
  const existing = await communicationsOf(context, id);
  if (!isActive(request)) {
    for (const one of existing)
      if (one['status'] === 'preparation')
        await change(context, notDone(one, 'The request was withdrawn'), one);
    return [];
  }
  const now = context.now().getTime();
  const { start, end } = occurrenceOf(request);
  if (start !== undefined && start > now) {
    await putDownFor(context, desk, request, start);
    return [];
  }
  if (end !== undefined && end < now) {
    await withdraw(context, request, 'Its time was over before it could be sent');
    return [];
  }
  const recipients = await recipientsOf(fhir, request, now);
  if (recipients.length === 0) {
    await withdraw(context, request, 'It names nobody');
    return [];
  }
  const all: Resource[] = [];
  for (const recipient of recipients) {
    const known = existing.filter((one) => localReferences(one['recipient']).includes(recipient.reference));
    if (known.length > 0) all.push(...known);
    else all.push(...(await prepared(context, desk, request, recipient)));
  }
  for (const one of all) await putDownToSend(context, desk, one);
  if (all.every((one) => one['status'] !== 'preparation')) await settleRequest(context, id);
  return all.map((one) => `Communication/${String(one['id'])}`);
}

/** As {@link prepare}; what the server refuses to store is left to people: trying again would not help. */
async function prepared(
  context: AgentContext,
  desk: CommunicationDesk,
  request: Resource,
  recipient: Recipient,
): Promise<Resource[]> {
  try {
    return [await prepare(context, desk, request, recipient, [])];
  } catch (error) {
    const isRefusal =
      error instanceof FhirError && error.status < 500 && ![409, 412, 429].includes(error.status);
    if (!isRefusal) throw error;
    const focus = `CommunicationRequest/${String(request['id'])}`;
    await askPeople(context, 'message-not-delivered', focus, error.message, patientOf(request));
    return [];
  }
}

/**
 * Prepares the Communication to a recipient, by the best way that was not tried; where there is none it is not done.
 * @param tried Communications to the recipient before, by other ways
 */
export async function prepare(
  context: AgentContext,
  desk: CommunicationDesk,
  request: Resource,
  recipient: Recipient,
  tried: readonly Resource[],
): Promise<Resource> {
  const { fhir, tenant, scope } = context;
  const place = tried.length;
  const value = idOf('communication', String(request['id']), recipient.reference, String(place));
  const policy = await desk.policy(tenant);
  const route =
    recipient.person === undefined || recipient.objection !== undefined
      ? undefined
      : (await waysTo(context, desk, request, recipient.reference, recipient.person)).ways.find(
          ({ channel, address }) => !tried.some((one) => isBy(one, channel, address)),
        );
  // Whoever else prepares it at the same time gets the same one.
  const once = `identifier=${DELIVERY_IDENTIFIER}|${value}`;
  const base = baseOf(request, recipient.reference, scope.client);
  const identifier = [
    { system: DELIVERY_IDENTIFIER, value },
    ...objectsOf(request['identifier']).filter(({ system }) => system === CONVERSATION),
  ];
  if (recipient.person === undefined || route === undefined) {
    const why = await whyNot(context, recipient);
    return fhir.create({ ...base, identifier, status: 'not-done', statusReason: why }, once);
  }
  const wording = await wordedFor(
    context,
    request,
    { reference: recipient.reference, person: recipient.person },
    policy,
  );
  const prepared: Resource = {
    ...base,
    identifier,
    language: wording.language,
    extension: [deliveryExtension({ ...route, place, tries: 0 })],
    status: 'preparation',
    medium: [mediumOf(route.channel)],
    payload: [{ contentString: wording.text }, ...otherPayload(request)],
  };
  return fhir.create(prepared, once);
}

/** The ways to a person that are open now. */
export async function waysTo(
  { fhir, tenant, now }: AgentContext,
  desk: CommunicationDesk,
  request: Resource,
  reference: string,
  person: Resource,
): Promise<{ ways: Route[]; refused: ReadonlySet<Channel> }> {
  const at = now().getTime();
  const [policy, adapters, consents, takesPush] = await Promise.all([
    desk.policy(tenant),
    desk.adapters(tenant),
    refusalConsents(fhir, reference),
    desk.takesPush(tenant, reference),
  ]);
  const refused = refusedChannels(consents, at);
  const available = new Set(adapters.keys());
  const ways = routesTo({ person, policy, available, refused, takesPush, media: request['medium'], now: at });
  return { ways, refused };
}

function isBy(communication: Resource, channel: Channel, address: string): boolean {
  const delivery = deliveryOf(communication);
  return delivery?.channel === channel && delivery.address === address;
}

async function whyNot({ fhir, now }: AgentContext, recipient: Recipient): Promise<JsonObject> {
  if (recipient.person === undefined)
    return statusReason(
      'The recipient does not exist, or is nobody who can be written to',
      'recipient-unavailable',
    );
  if (recipient.objection !== undefined) return statusReason(recipient.objection, 'patient-objection');
  const refused = refusedChannels(await refusalConsents(fhir, recipient.reference), now().getTime());
  return refused.size > 0
    ? statusReason('The recipient has refused the channels that there are', 'patient-objection')
    : statusReason('There is no way to the recipient', 'recipient-unavailable');
}

function baseOf(request: Resource, recipient: string, device: string | undefined): Resource {
  const copied = ['category', 'priority', 'subject', 'encounter', 'reasonCode'] as const;
  const from = Object.fromEntries(
    copied.flatMap((name) => (request[name] === undefined ? [] : [[name, request[name]]])),
  ) as JsonObject;
  const about = objectsOf(request['about']).filter((one) => isReadable(localReference(one)));
  const sender = request['sender'] ?? (device === undefined ? undefined : { reference: device });
  const security = isObject(request['meta']) ? request['meta']['security'] : undefined;
  return {
    resourceType: 'Communication',
    ...(security === undefined ? {} : { meta: { security } }),
    category: [{ coding: [{ system: CATEGORY, code: 'notification' }] }],
    ...from,
    ...(about.length === 0 ? {} : { about }),
    basedOn: [{ reference: `CommunicationRequest/${String(request['id'])}` }],
    recipient: [{ reference: recipient }],
    ...(sender === undefined ? {} : { sender }),
  };
}

/** Attachments and references stay in the record: apps show them. */
function otherPayload(request: Resource): JsonObject[] {
  return objectsOf(request['payload']).filter(
    ({ contentString, contentReference }) =>
      contentString === undefined &&
      (contentReference === undefined || isReadable(localReference(contentReference))),
  );
}

async function withdraw(context: AgentContext, request: Resource, reason: string): Promise<void> {
  const next = { ...request, status: 'revoked', statusReason: { text: reason } };
  await change(context, next, request);
}
