/** Names of our own that CDS Hooks leaves to implementers, and where they are written. */

/** In `extension` of a card that the server hands on: the id of the service that made it, as `services` lists it. */
export const SERVICE_EXTENSION = 'health.vesta.service';
/** In `extension` of an answer to an app: how each service fared that was asked. */
export const SERVICES_EXTENSION = 'health.vesta.services';
/** In `extension` of an answer to an app: the hookInstance by which services were asked. */
export const INSTANCE_EXTENSION = 'health.vesta.hookInstance';
/** In `extension` of an answer without guidance: why there is none although the service was asked. */
export const DEGRADED_EXTENSION = 'health.vesta.degraded';
/** Says the same as {@link DEGRADED_EXTENSION} in a header. */
export const DEGRADED_HEADER = 'X-CDS-Degraded';

const BASE = 'https://vesta.health/fhir';

/** Code system of reasons for which guidance is overridden. */
export const OVERRIDE_REASONS = `${BASE}/CodeSystem/cds-override-reason`;
/** Code system of what a Basic resource of CDS Hooks is. */
export const BASIC_KINDS = `${BASE}/CodeSystem/cds-hooks`;
/** The kind of those that hold feedback. */
export const FEEDBACK_KIND = { code: 'feedback', display: 'Feedback about a CDS card' };
/** The extension of a Basic resource that holds one item of feedback. */
export const FEEDBACK_EXTENSION = `${BASE}/StructureDefinition/cds-feedback`;
/** System of the identifier by which feedback that is sent again is known. */
export const FEEDBACK_IDENTIFIER = `${BASE}/NamingSystem/cds-feedback`;

/** Before the id of a service of this server, where services of others are listed too. */
export const OWN = 'own';
