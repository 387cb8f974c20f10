import { randomUUID } from 'node:crypto';
import { type AccessScope, compartmentsOf, grantsFor, isOpenScope } from '../../access/scope.ts';
import type { InternalClient } from '../../fhir/internal-client.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { BY_OPERATION, CATEGORY_SYSTEM, CHAT, CONVERSATION, HANDLING } from './terms.ts';

/** Longest message, in characters. */
const LONGEST = 20_000;
const PERSON = /^(Patient|RelatedPerson|Practitioner|PractitionerRole)\/[A-Za-z0-9\-.]{1,64}$/;

/**
 * A message as it is stored: of the category chat, with its conversation's identifier, by the asker, at a time.
 * @param client the asker's
 * @throws FhirError 400 naming the element that is missing or wrong, 403 for a patient whose record is not the asker's to
 *   write to, 404 for a message before that the asker does not see
 */
export async function messageOf(client: InternalClient, given: JsonObject, now: Date): Promise<Resource> {
  if (given['resourceType'] !== 'Communication')
    throw fhirError(400, 'value', 'message must be a Communication', 'Parameters.parameter');
  const { scope } = client;
  const patient = patientOf(given, scope);
  assertMayWriteTo(scope, patient);
  assertText(given);
  assertOwn(given, scope);
  const status = given['status'] ?? 'completed';
  if (status !== 'completed') throw invalid('status', 'A message has the status completed');
  const conversation = await conversationOf(client, given, patient);
  const { id: _id, meta, ...rest } = given;
  const others = objectsOf(given['identifier']).filter(({ system }) => system !== CONVERSATION);
  const tags = isObject(meta) ? objectsOf(meta['tag']) : [];
  return {
    ...rest,
    resourceType: 'Communication',
    meta: { ...(isObject(meta) ? meta : {}), tag: [...tags, { system: HANDLING, code: BY_OPERATION }] },
    identifier: [{ system: CONVERSATION, value: conversation }, ...others],
    status,
    category: categoriesOf(given),
    subject: { ...(isObject(given['subject']) ? given['subject'] : {}), reference: patient },
    sent: given['sent'] ?? now.toISOString(),
    ...(given['sender'] === undefined && PERSON.test(scope.subject)
      ? { sender: { reference: scope.subject } }
      : {}),
  };
}

/** The search by which a message that is sent again is found: by an identifier of its own, if it has one. */
export function keyOf(message: Resource): string | undefined {
  const own = objectsOf(message['identifier']).find(
    ({ system, value }) => system !== CONVERSATION && typeof value === 'string' && value !== '',
  );
  if (own === undefined) return undefined;
  const escaped = (text: JsonValue | undefined) =>
    typeof text === 'string' ? encodeURIComponent(text.replace(/([\\,|$])/g, '\\$1')) : '';
  const subject = encodeURIComponent(referenceIn(message['subject']) ?? '');
  const category = encodeURIComponent(`${CATEGORY_SYSTEM}|${CHAT}`);
  return `identifier=${escaped(own['system'])}|${escaped(own['value'])}&subject=${subject}&category=${category}`;
}

/** The value of the conversation's identifier. */
export function threadOf(message: JsonObject): string | undefined {
  const value = objectsOf(message['identifier']).find(({ system }) => system === CONVERSATION)?.['value'];
  return typeof value === 'string' ? value : undefined;
}

/** `Type/id` of a Reference. */
export function referenceIn(value: JsonValue | undefined): string | undefined {
  return isObject(value) && typeof value['reference'] === 'string' ? value['reference'] : undefined;
}

/** The patient that it is about; without a subject the asker, who then is a patient. */
function patientOf(given: JsonObject, { subject }: AccessScope): string {
  const stated = given['subject'] === undefined ? subject : referenceIn(given['subject']);
  if (stated !== undefined && /^Patient\/[A-Za-z0-9\-.]{1,64}$/.test(stated)) return stated;
  throw fhirError(400, 'required', 'A message needs a Patient as its subject', 'Communication.subject');
}

/**
 * A message is in the records of its subject, sender and recipient: who may write to one of these might not be the one who
 * may talk for the subject.
 * @throws FhirError 403
 */
export function assertMayWriteTo(scope: AccessScope, patient: string): void {
  if (isOpenScope(scope)) return;
  const id = patient.slice('Patient/'.length);
  const may = grantsFor(scope, 'Communication', 'create').some((grant) => {
    const compartments = compartmentsOf(grant);
    return compartments === undefined || compartments.some((one) => one.type === 'Patient' && one.id === id);
  });
  if (!may)
    throw fhirError(
      403,
      'forbidden',
      'Messages about this patient are not allowed here',
      'Communication.subject',
    );
}

function assertText(given: JsonObject): void {
  const payload = objectsOf(given['payload']);
  const texts = payload.map((one) => one['contentString']);
  if (texts.length === 0 || texts.some((one) => typeof one !== 'string'))
    throw fhirError(
      400,
      'required',
      'A message needs a text: payload.contentString',
      'Communication.payload',
    );
  if (texts.every((one) => String(one).trim() === ''))
    throw invalid('payload[0].contentString', 'A message needs a text');
  if (texts.map(String).join('').length > LONGEST)
    throw fhirError(400, 'too-long', `A message has at most ${LONGEST} characters`, 'Communication.payload');
}

/** Nobody speaks for another: a person's messages have that person as their sender. */
function assertOwn(given: JsonObject, scope: AccessScope): void {
  const sender = referenceIn(given['sender']);
  if (given['sender'] === undefined || isOpenScope(scope) || !PERSON.test(scope.subject)) return;
  if (sender !== scope.subject)
    throw fhirError(403, 'forbidden', 'The sender of a message is who sends it', 'Communication.sender');
}

function categoriesOf(given: JsonObject): JsonObject[] {
  const stated = objectsOf(given['category']);
  const isChat = stated.some(({ coding }) =>
    objectsOf(coding).some(({ system, code }) => system === CATEGORY_SYSTEM && code === CHAT),
  );
  if (!isChat && stated.length > 0)
    throw invalid('category', `A message of a conversation has the category ${CATEGORY_SYSTEM}|${CHAT}`);
  return isChat ? stated : [{ coding: [{ system: CATEGORY_SYSTEM, code: CHAT }] }];
}

/** The conversation that a message belongs to: that which it names, that of the message it answers, or a new one. */
async function conversationOf(client: InternalClient, given: JsonObject, patient: string): Promise<string> {
  const named = threadOf(given);
  const [answered] = objectsOf(given['inResponseTo']);
  if (answered === undefined) return named ?? randomUUID();
  const before = await client.follow(answered);
  if (before === undefined || before.resourceType !== 'Communication')
    throw fhirError(
      404,
      'not-found',
      'The message that this one answers is not there',
      'Communication.inResponseTo',
    );
  const thread = threadOf(before);
  if (referenceIn(before['subject']) !== patient || (named !== undefined && named !== thread))
    throw fhirError(
      400,
      'business-rule',
      'The message that this one answers is of another conversation',
      'Communication.inResponseTo',
    );
  return thread ?? named ?? randomUUID();
}

const invalid = (element: string, message: string) =>
  fhirError(400, 'value', message, `Communication.${element}`);
