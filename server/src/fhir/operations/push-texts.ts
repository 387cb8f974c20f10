import { answered, given, type OperationText } from '../vesta-definitions/parameter.ts';

const ENDPOINT = given(
  'endpoint',
  '1..1',
  'url',
  'PushSubscription.endpoint: an https URL of a push service.',
);

/** What the OperationDefinitions of the operations on push messages say, by their names. */
export const PUSH_TEXTS: Readonly<Record<string, OperationText>> = {
  'push-key': {
    title: 'Key for push messages',
    description: 'The key by which browsers subscribe to push messages (Push API, applicationServerKey).',
    parameters: [answered('key', '1..1', 'string', 'A public key of P-256, uncompressed, in base64url.')],
  },
  'push-subscribe': {
    title: 'Take push messages',
    description:
      'Has push messages for a person sent to a browser, as its PushSubscription says (RFC 8030, RFC 8291). For the person. They say that there is a message, and nothing of what it says.',
    parameters: [
      ENDPOINT,
      given('p256dh', '1..1', 'string', 'The key p256dh of the PushSubscription, in base64url.'),
      given('auth', '1..1', 'string', 'The key auth of the PushSubscription, in base64url.'),
      answered('return', '1..1', 'Device', 'The Device that stands for the browser.'),
    ],
  },
  'push-unsubscribe': {
    title: 'Take no push messages',
    description: 'Ends the push messages for a person to a browser. For the person.',
    parameters: [ENDPOINT],
  },
};
