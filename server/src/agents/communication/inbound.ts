import { hasNumber, spellings } from '../../communication/address.ts';
import { CONVERSATION, TELEPHONE_URI, TWILIO_MESSAGE, VESTA_CATEGORY } from '../../communication/terms.ts';
import { localReference, referenceTo } from '../../fhir/references/literal.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import { escapeValue } from '../../search/query/escape.ts';
import type { AgentContext } from '../agent.ts';
import { AGENT_IDENTIFIER } from '../codes.ts';
import { idOf } from '../runtime/run-ids.ts';
import { mediumOf } from './channels.ts';
import { refusalConsents, refusalId, refusalOf, refusedChannels, refusesOnly } from './consent.ts';
import type { CommunicationDesk } from './desk.ts';
import type { InboundMessage } from './input.ts';
import { type Wish, wishOf } from './stop-words.ts';
import { askPeople } from './tasks.ts';

/** Those who may write to us, with the parameter that finds their numbers. */
const SENDERS = ['Patient', 'RelatedPerson', 'Practitioner'] as const;
/** Spellings of a number in one search. */
const CHUNK = 25;
const MOST = 50;

/**
 * Keeps a message that has come in as a Communication, once, in the conversation of its number. The sender is whoever
 * has the number, where that is one person. STOP and START (and what else means them) set and take back the refusal of the
 * channel by everybody who has the number. A message that nobody sent shows nobody more of the record: a number can be forged.
 * @returns reference of the Communication
 */
export async function takeIn(
  context: AgentContext,
  desk: CommunicationDesk,
  message: InboundMessage,
): Promise<string> {
  const { fhir } = context;
  const [known] = await fhir.search('Communication', [['identifier', `${TWILIO_MESSAGE}|${message.sid}`]]);
  if (known !== undefined) return `Communication/${String(known['id'])}`;
  const policy = await desk.policy(context.tenant);
  const people = await peopleWith(context, message.from, policy.countryCode);
  const { wish, changes } = await refusals(context, people, message);
  const answerer =
    policy.inbound === 'supervisor' && people.length === 1 && wish === undefined
      ? await supervisorOf(context)
      : undefined;
  const communication = communicationOf(context, message, people, answerer);
  const answer = await fhir.transaction({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      {
        resource: communication,
        request: {
          method: 'POST',
          url: 'Communication',
          ifNoneExist: `identifier=${TWILIO_MESSAGE}|${message.sid}`,
        },
      },
      ...changes,
    ],
  });
  const reference = writtenBy(answer);
  if (people.length === 1 && wish === undefined && answerer === undefined)
    await askPeople(
      context,
      'message-received',
      reference,
      'It waits for an answer',
      subjectOf(people[0] as Resource),
    );
  if (people.length !== 1 && wish === undefined)
    await askPeople(
      context,
      'message-from-unknown',
      reference,
      people.length === 0 ? 'Nobody has the number' : 'Several people have the number',
      undefined,
    );
  return reference;
}

/** Who has a number, however it is written. */
async function peopleWith(
  { fhir }: AgentContext,
  number: string,
  country: string | undefined,
): Promise<Resource[]> {
  const written = spellings(number);
  const found = new Map<string, Resource>();
  for (const type of SENDERS) {
    for (let i = 0; i < written.length; i += CHUNK) {
      const values = written.slice(i, i + CHUNK).map(escapeValue);
      const matches = await fhir.search(type, [
        ['telecom', values.join(',')],
        ['_count', String(MOST)],
      ]);
      for (const one of matches)
        if (hasNumber(one, number, country) && one['active'] !== false)
          found.set(`${type}/${String(one['id'])}`, one);
    }
  }
  return [...found.values()];
}

/** What a word makes of the refusals of those who have the number. */
async function refusals(
  context: AgentContext,
  people: readonly Resource[],
  { channel, text, optOut }: InboundMessage,
): Promise<{ wish: Wish; changes: JsonObject[] }> {
  const now = context.now();
  const changes: JsonObject[] = [];
  const consents = new Map<string, Resource[]>();
  for (const person of people) {
    const reference = referenceTo(person);
    consents.set(reference, await refusalConsents(context.fhir, reference));
  }
  const isStopped = [...consents.values()].some((all) => refusedChannels(all, now.getTime()).has(channel));
  const wish = wishOf(text, optOut, isStopped);
  for (const [reference, all] of consents) {
    if (wish === 'stop') changes.push(put(refusalOf(refusalId(reference, channel), reference, channel, now)));
    if (wish === 'start')
      for (const one of all) if (refusesOnly(one, channel)) changes.push(put({ ...one, status: 'inactive' }));
  }
  return { wish, changes };
}

const put = (resource: Resource): JsonObject => ({
  resource,
  request: { method: 'PUT', url: referenceTo(resource) },
});

function communicationOf(
  { now, scope, tenant }: AgentContext,
  { sid, channel, from, text }: InboundMessage,
  people: readonly Resource[],
  answerer: string | undefined,
): Resource {
  const at = now().toISOString();
  const recipient = answerer ?? scope.client;
  const [person] = people;
  const sender =
    person !== undefined && people.length === 1
      ? { reference: referenceTo(person) }
      : { identifier: { system: TELEPHONE_URI, value: `tel:${from}` } };
  const subject = people.length === 1 ? subjectOf(person as Resource) : undefined;
  return {
    resourceType: 'Communication',
    identifier: [
      { system: TWILIO_MESSAGE, value: sid },
      { system: CONVERSATION, value: idOf('conversation', String(tenant.id), channel, from) },
    ],
    status: 'completed',
    category: [{ coding: [{ system: VESTA_CATEGORY, code: 'chat' }] }],
    medium: [mediumOf(channel)],
    ...(subject === undefined ? {} : { subject: { reference: subject } }),
    sent: at,
    received: at,
    sender,
    ...(recipient === undefined ? {} : { recipient: [{ reference: recipient }] }),
    payload: [{ contentString: text }],
  };
}

/** The Device of the supervisor, who answers people; undefined where there is none. */
async function supervisorOf({ fhir }: AgentContext): Promise<string | undefined> {
  const [device] = await fhir.search('Device', [['identifier', `${AGENT_IDENTIFIER}|supervisor`]]);
  return device && `Device/${String(device['id'])}`;
}

/** Whom a message of somebody is about. */
function subjectOf(person: Resource): string | undefined {
  return person.resourceType === 'Patient' ? referenceTo(person) : localReference(person['patient']);
}

/** The Communication of the answer's first entry. */
function writtenBy(answer: JsonObject): string {
  const text = JSON.stringify(answer['entry'] ?? []);
  return /Communication\/[A-Za-z0-9\-.]{1,64}/.exec(text)?.[0] ?? '';
}
