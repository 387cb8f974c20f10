import { grantsFor } from '../../../access/scope.ts';
import type { JsonValue } from '../../../json/types.ts';
import { accepted } from '../../async-response.ts';
import { internalRequest } from '../../internal-request.ts';
import { keptScope } from '../../kept-scope.ts';
import { fhirError } from '../../outcome.ts';
import { encodeQuery } from '../../query-text.ts';
import type { FhirRequest, FhirResponse } from '../../request.ts';
import type { Route } from '../../route.ts';
import type { Services } from '../../services.ts';
import type { Operation } from '../operations.ts';
import { EXPORT_JOB } from './answers.ts';
import { existing, groupPatients } from './patients.ts';
import { type ExportLevel, type ExportParameters, type ExportRequest, exportParameters } from './request.ts';

const DEFINITIONS = 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition';
const SAFE = { name: 'export', safe: true, handle: kickOff } as const;

/** $export of everything, of all patients' records, and of those of a group's members (Bulk Data Access 2.0.0). */
export const EXPORT_OPERATIONS: readonly Operation[] = [
  { ...SAFE, definition: `${DEFINITIONS}/export`, types: [], levels: ['system'] },
  { ...SAFE, definition: `${DEFINITIONS}/patient-export`, types: ['Patient'], levels: ['type'] },
  { ...SAFE, definition: `${DEFINITIONS}/group-export`, types: ['Group'], levels: ['instance'] },
];

/**
 * The kick-off request: puts the export into the queue, to be carried out with the rights of who asks.
 * @returns 202 with the status URL in Content-Location
 * @throws FhirError 400 for a parameter that is not understood and without `Prefer: respond-async`, 403 for what may
 *   not be read, 404 or 410 for a group that is not there
 */
async function kickOff(services: Services, request: FhirRequest, route: Route): Promise<FhirResponse> {
  const { context, scope, prefer } = request;
  if (!prefer.respondAsync)
    throw fhirError(
      400,
      'required',
      '$export is asynchronous only: send Prefer: respond-async',
      'http.prefer',
    );
  const level: ExportLevel =
    route.id !== undefined ? { kind: 'group', id: route.id } : { kind: route.type ? 'patient' : 'system' };
  const parameters = exportParameters(request, level.kind);
  const allowed = allowedParameters(request, level, parameters);
  await assertFilters(services, request, allowed);
  await assertPatients(services, request, level, parameters);
  const path = `${context.baseUrl}/${request.path.join('/')}`;
  const stored: ExportRequest = {
    ...keptScope(scope),
    url: request.query.length === 0 ? path : `${path}?${encodeQuery(request.query)}`,
    transactionTime: new Date().toISOString(),
    level: level as unknown as JsonValue,
    parameters: allowed as unknown as JsonValue,
  };
  return accepted(context, await services.jobs.enqueue(context.tenant, EXPORT_JOB, stored));
}

/**
 * The parameters without types that may not be searched, where the client takes less than it asks for.
 * @throws FhirError 403 for such a type, and where not even patients may be read
 */
function allowedParameters(
  { scope, prefer }: FhirRequest,
  level: ExportLevel,
  parameters: ExportParameters,
): ExportParameters {
  const maySearch = (type: string) => grantsFor(scope, type, 'search-type').length > 0;
  if (level.kind !== 'system' && grantsFor(scope, 'Patient', 'read').length === 0)
    throw fhirError(403, 'forbidden', 'Reading Patient is not allowed', 'http.path');
  if (level.kind === 'patient' && !maySearch('Patient'))
    throw fhirError(403, 'forbidden', 'Searching Patient is not allowed', 'http.path');
  const refused = parameters.types?.find((type) => !maySearch(type));
  if (refused === undefined) return parameters;
  if (prefer.handling !== 'lenient')
    throw fhirError(403, 'forbidden', `Searching ${refused} is not allowed`, 'http.query._type');
  return { ...parameters, types: (parameters.types ?? []).filter(maySearch) };
}

/**
 * Reads the group, so that who may not is told at once.
 * @throws FhirError 400 for patients that are not there, unless the client takes less than it asks for
 */
async function assertPatients(
  services: Services,
  { context, scope, prefer }: FhirRequest,
  level: ExportLevel,
  { patients = [] }: ExportParameters,
): Promise<void> {
  const known =
    level.kind === 'group'
      ? await groupPatients({ services, context, scope }, level.id)
      : await existing({ services, context, scope }, patients);
  const strange = patients.find((id) => !known.includes(id));
  if (strange === undefined || prefer.handling === 'lenient') return;
  const where = level.kind === 'group' ? 'is not in the group' : 'does not exist';
  throw fhirError(400, 'value', `Patient/${strange} ${where}`, 'http.query.patient');
}

/** @throws FhirError 400 for criteria that are not understood: they would let everything through */
async function assertFilters(
  { handle }: Services,
  { context, scope, prefer }: FhirRequest,
  { filters }: ExportParameters,
): Promise<void> {
  for (const { type, query } of filters) {
    const asked = internalRequest(context, scope, [type], [...query, ['_count', '0']]);
    await handle({ ...asked, prefer: { ...asked.prefer, handling: prefer.handling ?? 'strict' } });
  }
}
