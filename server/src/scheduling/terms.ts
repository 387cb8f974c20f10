/* Names of our own that scheduling reads and writes; those of the standard stand where they are used. */

/** On a HealthcareService: a kind of visit, with its duration, buffers and what else it needs. */
export const VISIT_TYPE = 'https://vesta.health/fhir/StructureDefinition/visit-type';
/** On a Slot or Appointment that is held: when the hold ends (valueInstant). */
export const HOLD_EXPIRES = 'https://vesta.health/fhir/StructureDefinition/hold-expires';
/** On an issue that refuses a visit: a free time (valuePeriod) that can be asked for instead; repeats. */
export const FREE_TIME = 'https://vesta.health/fhir/StructureDefinition/free-time';
/** The time zone of a place, service or role (FHIR extensions pack). */
export const TIME_ZONE = 'http://hl7.org/fhir/StructureDefinition/timezone';
/** On an Appointment that waits or is offered: what visit is wished for, in the parameters of `$find`. */
export const VISIT_WISH = 'https://vesta.health/fhir/StructureDefinition/visit-wish';
/** On a HealthcareService: how long before a visit the patient is reminded of it (valueDuration); repeats. */
export const VISIT_REMINDER = 'https://vesta.health/fhir/StructureDefinition/visit-reminder';
/** CommunicationRequest.reasonCode of what patients are told of their visits. */
export const VISIT_MESSAGE = 'https://vesta.health/fhir/CodeSystem/visit-message';
/** CommunicationRequest.groupIdentifier: the id of the Appointment that it is about. */
export const VISIT_IDENTIFIER = 'https://vesta.health/fhir/identifier/visit';
/** CommunicationRequest.identifier of a reminder: the Appointment's id, its start and how long ahead. */
export const REMINDER_IDENTIFIER = 'https://vesta.health/fhir/identifier/visit-reminder';
/** Appointment.identifier: the same in all visits that were booked as a series. */
export const SERIES_IDENTIFIER = 'https://vesta.health/fhir/identifier/visit-series';
