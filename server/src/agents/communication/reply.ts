import { CATEGORY, CONVERSATION, TWILIO_MESSAGE } from '../../communication/terms.ts';
import { localReference } from '../../fhir/references/literal.ts';
import { objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import type { AgentContext } from '../agent.ts';
import { OPTION } from '../supervisor/terms.ts';
import { messageIdOf } from './delivery-state.ts';
import type { CommunicationDesk } from './desk.ts';
import { putDownFor } from './put-down.ts';

/** Value: id of the message that is passed on. */
const FORWARDED = 'https://vesta.health/fhir/identifier/forwarded-reply';
/** Messages of a conversation that are looked at, the newest first. */
const MOST = 20;

/** Whether a Communication may be an answer to somebody: said by staff or an agent, in a conversation. */
export function mayBeReply(communication: Resource): boolean {
  const sender = localReference(communication['sender']) ?? '';
  return (
    communication['status'] === 'completed' &&
    /^(Device|Practitioner|PractitionerRole|Organization)\//.test(sender) &&
    conversationOf(communication) !== undefined &&
    messageIdOf(communication, [TWILIO_MESSAGE]) === undefined &&
    textOf(communication) !== ''
  );
}

/**
 * Sends what is answered in a conversation to the person, where that person has last written by SMS or WhatsApp; in the app
 * it is there already. It goes to the number that the record has, by the same channel.
 * @returns reference of the CommunicationRequest; undefined where it is not to be sent
 */
export async function forwardReply(
  context: AgentContext,
  desk: CommunicationDesk,
  id: string,
): Promise<string | undefined> {
  const { fhir, now } = context;
  const reply = await fhir.read('Communication', id);
  const conversation = reply && conversationOf(reply);
  if (reply === undefined || conversation === undefined || !mayBeReply(reply)) return undefined;
  const thread = await fhir.search('Communication', [
    ['identifier', `${CONVERSATION}|${conversation}`],
    ['_sort', '-_lastUpdated'],
    ['_count', String(MOST)],
  ]);
  const said = thread.find((one) => /^(Patient|RelatedPerson)\//.test(localReference(one['sender']) ?? ''));
  if (said === undefined || messageIdOf(said, [TWILIO_MESSAGE]) === undefined) return undefined;
  const request: Resource = {
    resourceType: 'CommunicationRequest',
    identifier: [{ system: FORWARDED, value: id }],
    status: 'active',
    category: [{ coding: [{ system: CATEGORY, code: 'notification' }] }],
    // Who has just written is awake.
    priority: 'asap',
    ...(said['medium'] === undefined ? {} : { medium: said['medium'] }),
    ...(said['subject'] === undefined ? {} : { subject: said['subject'] }),
    about: [{ reference: `Communication/${id}` }],
    authoredOn: now().toISOString(),
    recipient: [said['sender'] as JsonObject],
    payload: [{ contentString: textOf(reply) }],
    ...(typeof reply['language'] === 'string' ? { language: reply['language'] } : {}),
  };
  const made = await fhir.create(request, `identifier=${FORWARDED}|${id}`);
  await putDownFor(context, desk, made);
  return `CommunicationRequest/${String(made['id'])}`;
}

function conversationOf({ identifier }: Resource): string | undefined {
  const value = objectsOf(identifier).find(({ system }) => system === CONVERSATION)?.['value'];
  return typeof value === 'string' ? value : undefined;
}

/** What is said, and below it what can be chosen, but for what the text itself lists. */
function textOf(communication: Resource): string {
  const said = objectsOf(communication['payload']).flatMap(({ contentString }) =>
    typeof contentString === 'string' ? [contentString] : [],
  );
  const listed = new Set(
    said.flatMap((text) =>
      text.split('\n').map((line) => line.replace(/^\s*(?:\d+[.)]|[-•])\s*/, '').trim()),
    ),
  );
  const options = objectsOf(communication['extension']).flatMap(({ url, extension }) => {
    const label = objectsOf(extension).find((one) => one['url'] === 'label')?.['valueString'];
    return url === OPTION && typeof label === 'string' && !listed.has(label.trim()) ? [`- ${label}`] : [];
  });
  return [...said, ...options].join('\n').trim();
}
