import { answered, given, type OperationText } from '../../vesta-definitions/parameter.ts';

/** What the OperationDefinitions of the operations on Communications say, by their names. */
export const COMMUNICATION_TEXTS: Readonly<Record<string, OperationText>> = {
  converse: {
    title: 'Talk with the supervisor',
    description:
      'Stores a message of a patient, or of somebody for a patient, and answers it: with free times, a booking, what the record or the organization says, or by asking a person. The state of the conversation is in the last reply. A message with an identifier of its own that was stored before is answered with the replies that it got.',
    parameters: [
      given(
        'message',
        '1..1',
        'Communication',
        'The message: subject (the Patient), payload.contentString, inResponseTo (the last message of the conversation) or its identifier, language. Status, category, sender and the conversation identifier are filled in.',
      ),
      answered('message', '1..1', 'Communication', 'The message, as it is stored.'),
      answered('reply', '1..*', 'Communication', 'Replies, as they are stored, in order.'),
    ],
  },
};
