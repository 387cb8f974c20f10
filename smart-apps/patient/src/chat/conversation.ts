import type { Appointment, Communication, Extension } from '@vesta/app-kit';

/** Communication.identifier: the same in all messages of a conversation. */
export const CONVERSATION = 'https://vesta.health/fhir/identifier/conversation';
const CATEGORY = 'https://vesta.health/fhir/CodeSystem/communication-category';
const OPTION = 'https://vesta.health/fhir/StructureDefinition/conversation-option';
const KEY = 'vesta:patient:conversation';

/** The conversation that a message belongs to. */
export function conversationOf({ identifier }: Communication): string | undefined {
  return identifier?.find(({ system }) => system === CONVERSATION)?.value;
}

/** The conversation of this browser tab goes on when the page is loaded again. */
export const lastConversation = (): string | undefined => sessionStorage.getItem(KEY) ?? undefined;

export function rememberConversation(conversation: string | undefined): void {
  if (conversation === undefined) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, conversation);
}

/** What a reply offers to be chosen. */
export interface ConversationOption {
  readonly label: string;
  /** What is sent when it is chosen. */
  readonly value: string;
  readonly appointment: Appointment | undefined;
}

export function optionsOf(message: Communication): ConversationOption[] {
  const part = (extension: Extension, url: string) => extension.extension?.find((one) => one.url === url);
  return (message.extension ?? [])
    .filter(({ url }) => url === OPTION)
    .flatMap((option) => {
      const label = part(option, 'label')?.valueString;
      if (label === undefined) return [];
      const id = part(option, 'appointment')?.valueReference?.reference?.replace(/^#/, '');
      const contained = message.contained?.find((one) => one.id === id && one.resourceType === 'Appointment');
      return [
        {
          label,
          value: part(option, 'value')?.valueString ?? label,
          appointment: contained as Appointment | undefined,
        },
      ];
    });
}

/** A message of a person, as `Communication/$converse` takes it. */
export function messageOf(
  text: string,
  {
    patient,
    sender,
    conversation,
    last,
    language,
  }: {
    readonly patient: string;
    readonly sender: string;
    readonly conversation: string | undefined;
    readonly last: Communication | undefined;
    readonly language: string;
  },
): Communication {
  return {
    resourceType: 'Communication',
    language,
    status: 'completed',
    category: [{ coding: [{ system: CATEGORY, code: 'chat' }] }],
    subject: { reference: patient },
    sender: { reference: sender },
    sent: new Date().toISOString(),
    ...(conversation === undefined ? {} : { identifier: [{ system: CONVERSATION, value: conversation }] }),
    ...(last?.id === undefined ? {} : { inResponseTo: [{ reference: `Communication/${last.id}` }] }),
    payload: [{ contentString: text }],
  };
}

/** Messages in the order in which they were written; each once. */
export function inOrder(messages: readonly Communication[]): Communication[] {
  const each = new Map(messages.map((message) => [message.id, message]));
  const at = ({ sent, meta }: Communication) => new Date(sent ?? meta?.lastUpdated ?? 0).getTime();
  return [...each.values()].toSorted((a, b) => at(a) - at(b) || Number(a.id) - Number(b.id) || 0);
}
