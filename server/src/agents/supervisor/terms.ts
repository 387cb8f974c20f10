/* Names of our own that conversations read and write. */

export {
  CONVERSATION,
  TASK as TASK_SYSTEM,
  VESTA_CATEGORY as CATEGORY_SYSTEM,
} from '../../communication/terms.ts';

/** Code of the category of the Communications of a conversation. */
export const CHAT = 'chat';
/** Communication.identifier of a reply: the id of the message that it answers, and its number. */
export const REPLY = 'https://vesta.health/fhir/identifier/conversation-reply';
/** On a reply: something that can be chosen (label, value, appointment); repeats. */
export const OPTION = 'https://vesta.health/fhir/StructureDefinition/conversation-option';
/** On a reply: how far the conversation has come, a reference to contained Parameters. */
export const STATE = 'https://vesta.health/fhir/StructureDefinition/conversation-state';
/** Task.code of what a person does for a conversation. */
export const CONVERSATION_TASK = 'conversation';
/** In meta.tag of a message that was given to $converse: it is answered there and not by the event. */
export const HANDLING = 'https://vesta.health/fhir/CodeSystem/conversation-handling';
export const BY_OPERATION = 'operation';
