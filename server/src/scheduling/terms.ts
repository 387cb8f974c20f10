/* Names of our own that scheduling reads and writes; those of the standard stand where they are used. */

/** On a HealthcareService: a kind of visit, with its duration, buffers and what else it needs. */
export const VISIT_TYPE = 'https://vesta.health/fhir/StructureDefinition/visit-type';
/** On a Slot or Appointment that is held: when the hold ends (valueInstant). */
export const HOLD_EXPIRES = 'https://vesta.health/fhir/StructureDefinition/hold-expires';
/** On an issue that refuses a visit: a free time (valuePeriod) that can be asked for instead; repeats. */
export const FREE_TIME = 'https://vesta.health/fhir/StructureDefinition/free-time';
/** The time zone of a place, service or role (FHIR extensions pack). */
export const TIME_ZONE = 'http://hl7.org/fhir/StructureDefinition/timezone';
