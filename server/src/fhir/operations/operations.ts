import type { AnyAgent } from '../../agents/agent.ts';
import { AGENTS } from '../../agents/registry.ts';
import { fhirError } from '../outcome.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import { agentRuns } from './agent-runs.ts';
import { agentOperations } from './agents.ts';
import { APPOINTMENT_OPERATIONS } from './appointment/index.ts';
import { breakGlass, breakGlassEnd } from './break-glass.ts';
import { converse } from './communication/converse.ts';
import { disclosures } from './disclosures.ts';
import { docref } from './docref.ts';
import { everything } from './everything.ts';
import { EXPORT_OPERATIONS } from './export/kick-off.ts';
import { fhirpath } from './fhirpath.ts';
import { lastn } from './lastn.ts';
import { link } from './link.ts';
import { match } from './match.ts';
import { meta, metaAdd, metaDelete } from './meta.ts';
import { PACKAGE_OPERATIONS } from './packages.ts';
import { PUSH_OPERATIONS } from './push.ts';
import { reindex } from './reindex.ts';
import { snapshot } from './snapshot.ts';
import { TERMINOLOGY_OPERATIONS } from './terminology/index.ts';
import { validate } from './validate.ts';
import { WORKFLOW_OPERATIONS } from './workflow/index.ts';

export type OperationHandler = (
  services: Services,
  request: FhirRequest,
  route: Route,
) => Promise<FhirResponse>;

/** An operation as the server offers it (R4 operations.html); what /metadata says of it comes from here. */
export interface Operation {
  readonly name: string;
  /** Canonical URL of its OperationDefinition. */
  readonly definition: string;
  /** Resource types it is offered on, `*` for every type; empty when only at system level. */
  readonly types: readonly string[] | '*';
  readonly levels: readonly ('system' | 'type' | 'instance')[];
  /** Whether GET may call it: it changes nothing. */
  readonly safe: boolean;
  /** Whether it is there only where an audit log is kept. */
  readonly audited?: boolean;
  readonly handle: OperationHandler;
}

export const OPERATIONS: readonly Operation[] = [
  {
    name: 'everything',
    definition: 'http://hl7.org/fhir/OperationDefinition/Patient-everything',
    types: ['Patient'],
    levels: ['type', 'instance'],
    safe: true,
    handle: everything,
  },
  {
    name: 'everything',
    definition: 'http://hl7.org/fhir/OperationDefinition/Encounter-everything',
    types: ['Encounter'],
    levels: ['instance'],
    safe: true,
    handle: everything,
  },
  ...EXPORT_OPERATIONS,
  {
    name: 'lastn',
    definition: 'http://hl7.org/fhir/OperationDefinition/Observation-lastn',
    types: ['Observation'],
    levels: ['type'],
    safe: true,
    handle: lastn,
  },
  {
    name: 'match',
    definition: 'http://hl7.org/fhir/OperationDefinition/Patient-match',
    types: ['Patient'],
    levels: ['type'],
    safe: true,
    handle: match,
  },
  {
    name: 'meta',
    definition: 'http://hl7.org/fhir/OperationDefinition/Resource-meta',
    types: '*',
    levels: ['system', 'type', 'instance'],
    safe: true,
    handle: meta,
  },
  {
    name: 'meta-add',
    definition: 'http://hl7.org/fhir/OperationDefinition/Resource-meta-add',
    types: '*',
    levels: ['instance'],
    safe: false,
    handle: metaAdd,
  },
  {
    name: 'meta-delete',
    definition: 'http://hl7.org/fhir/OperationDefinition/Resource-meta-delete',
    types: '*',
    levels: ['instance'],
    safe: false,
    handle: metaDelete,
  },
  {
    name: 'validate',
    definition: 'http://hl7.org/fhir/OperationDefinition/Resource-validate',
    types: '*',
    levels: ['type', 'instance'],
    safe: true,
    handle: validate,
  },
  {
    name: 'fhirpath',
    definition: 'https://vesta.health/fhir/OperationDefinition/fhirpath',
    types: '*',
    levels: ['system', 'type', 'instance'],
    safe: true,
    handle: fhirpath,
  },
  {
    name: 'reindex',
    definition: 'https://vesta.health/fhir/OperationDefinition/reindex',
    types: '*',
    levels: ['system', 'type', 'instance'],
    safe: false,
    handle: reindex,
  },
  {
    name: 'snapshot',
    definition: 'http://hl7.org/fhir/OperationDefinition/StructureDefinition-snapshot',
    types: ['StructureDefinition'],
    levels: ['type', 'instance'],
    safe: true,
    handle: snapshot,
  },
  {
    name: 'docref',
    definition: 'http://hl7.org/fhir/us/core/OperationDefinition/docref',
    types: ['DocumentReference'],
    levels: ['type'],
    safe: true,
    handle: docref,
  },
  {
    name: 'disclosures',
    definition: 'https://vesta.health/fhir/OperationDefinition/disclosures',
    types: ['Patient'],
    levels: ['instance'],
    safe: true,
    audited: true,
    handle: disclosures,
  },
  {
    name: 'break-glass',
    definition: 'https://vesta.health/fhir/OperationDefinition/break-glass',
    types: ['Patient'],
    levels: ['instance'],
    safe: true,
    audited: true,
    handle: breakGlass,
  },
  {
    name: 'break-glass-end',
    definition: 'https://vesta.health/fhir/OperationDefinition/break-glass-end',
    types: ['Patient'],
    levels: ['instance'],
    safe: false,
    audited: true,
    handle: breakGlassEnd,
  },
  {
    name: 'link',
    definition: 'https://vesta.health/fhir/OperationDefinition/link',
    types: ['Binary'],
    levels: ['instance'],
    safe: true,
    audited: true,
    handle: link,
  },
  {
    name: 'agent-runs',
    definition: 'https://vesta.health/fhir/OperationDefinition/agent-runs',
    types: [],
    levels: ['system'],
    safe: true,
    handle: agentRuns,
  },
  ...TERMINOLOGY_OPERATIONS,
  ...PACKAGE_OPERATIONS,
  ...APPOINTMENT_OPERATIONS,
  {
    name: 'converse',
    definition: 'https://vesta.health/fhir/OperationDefinition/converse',
    types: ['Communication'],
    levels: ['type'],
    safe: false,
    handle: converse,
  },
  ...PUSH_OPERATIONS,
  ...WORKFLOW_OPERATIONS,
  ...agentOperations(AGENTS),
];

/**
 * The handler of an operation at the level of the route.
 * @param agents those of the process, where they are others than all of the server
 * @throws FhirError 404 when there is no such operation there, 405 when the method may not call it
 */
export function findOperation(
  route: Route,
  method: FhirRequest['method'],
  agents: readonly AnyAgent[] = AGENTS,
): OperationHandler {
  const name = (route.operation as string).slice(1);
  const level = route.id !== undefined ? 'instance' : route.type !== undefined ? 'type' : 'system';
  const offered = agents === AGENTS ? OPERATIONS : [...OPERATIONS, ...agentOperations(agents)];
  const operation = offered.find(
    (candidate) =>
      candidate.name === name &&
      candidate.levels.includes(level) &&
      (route.type === undefined || candidate.types === '*' || candidate.types.includes(route.type)),
  );
  if (operation === undefined) {
    const where =
      route.type === undefined ? 'the system' : route.id === undefined ? route.type : `a ${route.type}`;
    throw fhirError(404, 'not-supported', `There is no operation $${name} on ${where}`, 'http.path');
  }
  if (method === 'POST' || (operation.safe && (method === 'GET' || method === 'HEAD')))
    return operation.handle;
  throw fhirError(
    405,
    'not-supported',
    `$${name} is called by POST${operation.safe ? ' or GET' : ''}`,
    'http.method',
  );
}
