import type { AccessScope, Grant } from '../access/scope.ts';
import { InternalClient, type InternalClientOptions } from '../fhir/internal-client.ts';
import type { FhirRequest } from '../fhir/request.ts';
import type { Services } from '../fhir/services.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import { type KnownDirectory, knownDirectoryOf } from './known-directory.ts';

/** What scheduling reads of its own right: who works where and when, and what is taken; nothing of patients. */
export const DIRECTORY: readonly Grant[] = [
  {
    types: [
      'Device',
      'HealthcareService',
      'Location',
      'Organization',
      'Practitioner',
      'PractitionerRole',
      'Schedule',
      'Slot',
    ],
    interactions: ['read', 'search-type'],
  },
];

/** How the directory and the calendars were before. */
const EARLIER: Grant = {
  types: ['HealthcareService', 'Location', 'PractitionerRole', 'Slot'],
  interactions: ['vread'],
};

/**
 * What it does of its own right together with an Appointment that the caller's scope decides about: it writes the
 * calendars and what patients are told, and refers to people and places, whether or not the caller has had to do with
 * them before.
 */
const CALENDAR: readonly Grant[] = [
  ...DIRECTORY,
  { types: ['Schedule', 'Slot'], interactions: ['read', 'search-type', 'create', 'update'] },
  { types: ['CommunicationRequest'], interactions: ['create'] },
];

/** Who is taken when, by visits that have no Slots: nothing else is told of them. */
const VISITS: Grant = { types: ['Appointment'], interactions: ['search-type'] };

/** Where visits are made: the tools of scheduling for one caller. */
export interface Desk {
  readonly services: Services;
  readonly context: TenantContext;
  readonly scope: AccessScope;
  /** What the caller may do. */
  readonly caller: InternalClient;
  /** Directory and calendars, whoever asks. */
  readonly directory: InternalClient;
  /** All visits, whoever asks: to tell who is taken. */
  readonly visits: InternalClient;
  /** Writes Appointments as the caller may, and the calendars' Slots with them. */
  readonly writer: InternalClient;
  /** What was read of the directory a moment ago. */
  readonly known: KnownDirectory;
  readonly now: () => number;
}

/**
 * What is written gets a Provenance of the Appointments that names the caller.
 * @param options the caller as the audit log names them, what ends the work, and the Provenance that they give themselves
 */
export function openDesk(
  services: Services,
  context: TenantContext,
  scope: AccessScope,
  options: InternalClientOptions = {},
  now: () => number = Date.now,
): Desk {
  const handler = { services, handle: services.handle };
  // The operation as a whole is what the audit log tells of; what is written is told of by the write engine.
  const { provenance, ...rest } = options;
  const quiet = { ...rest, audited: false };
  const told = { ...quiet, attributed: ['Appointment'], ...(provenance === undefined ? {} : { provenance }) };
  const client = (as: AccessScope, how: InternalClientOptions = quiet) =>
    new InternalClient(handler, context, as, how);
  const own = (grants: readonly Grant[]) => client({ tenant: scope.tenant, subject: 'scheduling', grants });
  return {
    services,
    context,
    scope,
    caller: client(scope),
    directory: own([...DIRECTORY, EARLIER]),
    visits: own([VISITS]),
    writer: client({ ...scope, grants: [...scope.grants, ...CALENDAR] }, told),
    known: knownDirectoryOf(services.connections),
    now,
  };
}

/** The desk for the caller of an operation. */
export function deskOf(services: Services, request: FhirRequest): Desk {
  const { context, scope, actor, signal } = request;
  const provenance = request.header('x-provenance');
  return openDesk(services, context, scope, {
    ...(provenance === undefined ? {} : { provenance }),
    ...(actor === undefined ? {} : { actor }),
    ...(signal === undefined ? {} : { signal }),
  });
}
