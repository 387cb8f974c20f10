/* Names that messages to people are written with: R4's where it has them, our own where not. */

/** How a message reaches a person. `log`: it stays in the record, where apps show it. */
export const CHANNELS = ['push', 'whatsapp', 'sms', 'email', 'log'] as const;
export type Channel = (typeof CHANNELS)[number];

export const VESTA_MEDIUM = 'https://vesta.health/fhir/CodeSystem/communication-medium';
/** v3 ParticipationMode, which R4 binds Communication.medium to (example). */
export const PARTICIPATION_MODE = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationMode';
/** v3 ParticipationMode of channels that it has. */
export const MODES: Readonly<Partial<Record<Channel, string>>> = {
  email: 'EMAILWRIT',
  sms: 'SMSWRIT',
};

/** R4 communication-not-done-reason. */
export const NOT_DONE_REASON = 'http://terminology.hl7.org/CodeSystem/communication-not-done-reason';
export type NotDoneReason =
  | 'unknown'
  | 'system-error'
  | 'invalid-phone-number'
  | 'recipient-unavailable'
  | 'family-objection'
  | 'patient-objection';

/** R4 communication-category. */
export const CATEGORY = 'http://terminology.hl7.org/CodeSystem/communication-category';
/** Categories of our own, such as `chat`. */
export const VESTA_CATEGORY = 'https://vesta.health/fhir/CodeSystem/communication-category';

/** CommunicationRequest.reasonCode: which text is sent; see agents/communication/strings. */
export const MESSAGE = 'https://vesta.health/fhir/CodeSystem/message';

/** On a Communication: by which channel, to which address, in which try. */
export const DELIVERY = 'https://vesta.health/fhir/StructureDefinition/delivery';
/** On a Patient, RelatedPerson or Practitioner (valueCode, repeats): channels in the order of preference. */
export const PREFERRED_CHANNEL = 'https://vesta.health/fhir/StructureDefinition/preferred-channel';

/** Values are `request recipient try`: nothing is sent twice. */
export const DELIVERY_IDENTIFIER = 'https://vesta.health/fhir/identifier/delivery';
/** Values are ids of messages at Twilio. */
export const TWILIO_MESSAGE = 'https://vesta.health/fhir/identifier/twilio-message';
/** Values are Message-IDs of mails (RFC 5322). */
export const MAIL_MESSAGE = 'https://vesta.health/fhir/identifier/mail-message';
/** Values name conversations: all messages of one have the same. */
export const CONVERSATION = 'https://vesta.health/fhir/identifier/conversation';
/** Values are telephone numbers as URIs (RFC 3966), for senders who are not known otherwise. */
export const TELEPHONE_URI = 'urn:ietf:rfc:3966';

/** Consent.scope of what a person refuses to be sent; of no bearing on access. */
export const CONSENT_SCOPE = 'https://vesta.health/fhir/CodeSystem/consent-scope';
export const CONSENT_SCOPE_CODE = 'communication';

/** Task.code of what people have to look after. */
export const TASK = 'https://vesta.health/fhir/CodeSystem/task';

/** Device.type of a place that push messages go to. */
export const DEVICE_TYPE = 'https://vesta.health/fhir/CodeSystem/device-type';
export const PUSH_DEVICE = 'push-subscription';
