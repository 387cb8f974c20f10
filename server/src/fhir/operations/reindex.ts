import { isUnrestricted } from '../../access/scope.ts';
import { RESOURCE_TYPES, typeCode } from '../../conformance/resource-types.ts';
import { REINDEX_JOB, type ReindexRequest } from '../../jobs/reindex-job.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonValue } from '../../json/types.ts';
import { storedParameters } from '../../storage/search-parameters.ts';
import { accepted } from '../async-response.ts';
import { type FhirError, fhirError } from '../outcome.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import { OperationParameters } from './parameters.ts';
import { Reindexer } from './reindex-slice.ts';

/** Abstract types that a SearchParameter may have as base: all resource types are below them. */
const ABSTRACT = new Set(['Resource', 'DomainResource']);

/**
 * `$reindex`: brings index entries up to date with the tenant's search parameters. Of one resource at once; of a type
 * or of all as a job, answered by 202 (R4 async.html). Input parameters, for types and all: `type` (0..*), and `url`,
 * also called `searchParameter` (0..*): a SearchParameter by canonical URL, reference or id, whose base types are done.
 * The result is a Parameters resource: `examined`, `changed`, `ready` (SearchParameters that are usable now), `refused`.
 * @throws FhirError 400 for an unknown type or parameter, 403 for who may not change all of it, 404 or 410 for a
 *   resource that is not there
 */
export async function reindex(services: Services, request: FhirRequest, route: Route): Promise<FhirResponse> {
  if (route.version !== undefined) {
    throw fhirError(405, 'not-supported', 'Past versions have no index', 'http.path');
  }
  if (route.id !== undefined) return reindexOne(services, request, route.type as string, route.id);
  const types = await chosenTypes(services, request, route);
  const { scope, context } = request;
  for (const type of types ?? RESOURCE_TYPES) assertMayReindex(request, type);
  const stored: ReindexRequest = { subject: scope.subject, types: types ?? null };
  return accepted(context, await services.jobs.enqueue(context.tenant, REINDEX_JOB, stored));
}

async function reindexOne(
  services: Services,
  request: FhirRequest,
  type: string,
  id: string,
): Promise<FhirResponse> {
  assertMayReindex(request, type);
  const { context } = request;
  const refHash = context.keys.reference(`${type}/${id}`);
  const { rows, examined, changed, refused } = await new Reindexer(services, context).run(async () => [
    refHash,
  ]);
  if (rows.length === 0) throw fhirError(404, 'not-found', `There is no ${type}/${id}`, 'http.path');
  if (rows[0]?.deleted) throw fhirError(410, 'deleted', `${type}/${id} was deleted`, 'http.path');
  if (refused.length > 0) {
    throw fhirError(
      422,
      'too-costly',
      `${type}/${id} has more combinations of values than can be indexed`,
      type,
    );
  }
  const parameters = {
    resourceType: 'Parameters',
    parameter: [
      { name: 'examined', valueInteger: examined },
      { name: 'changed', valueInteger: changed },
    ],
  };
  return { status: 200, text: JSON.stringify(parameters), interaction: 'operation', type };
}

/** Index entries decide what searches find for everybody: only who may use operations on all of a type may renew them. */
function assertMayReindex({ scope }: FhirRequest, type: string): void {
  if (isUnrestricted(scope, type, 'operation')) return;
  throw fhirError(403, 'forbidden', `$reindex of ${type} is not allowed here`, 'http.path');
}

/** The types that URL and parameters name; undefined for all. */
async function chosenTypes(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<string[] | undefined> {
  const given = new OperationParameters(request);
  const named = given.all('type').map((value) => typeOf(value));
  if (route.type !== undefined && named.some((type) => type !== route.type)) {
    throw fhirError(400, 'value', `The URL is of ${route.type}, the parameter type names another`, 'type');
  }
  const asked = route.type !== undefined ? [route.type] : named;
  const parameters = [...given.all('url'), ...given.all('searchParameter')].map(parameterName);
  if (parameters.length === 0) return asked.length === 0 ? undefined : distinct(asked);
  const bases = await basesOf(services, request, parameters);
  const all = bases.some((base) => ABSTRACT.has(base));
  if (asked.length === 0) return all ? undefined : distinct(bases);
  const outside = all ? undefined : asked.find((type) => !bases.includes(type));
  if (outside !== undefined) {
    throw fhirError(400, 'value', `The search parameter is not for resources of type ${outside}`, 'type');
  }
  return distinct(asked);
}

function typeOf(value: JsonValue): string {
  if (typeof value === 'string' && typeCode(value) !== undefined) return value;
  throw fhirError(400, 'value', `${JSON.stringify(value)} is no resource type`, 'type');
}

/** What names a SearchParameter: a canonical or uri, a Reference, or an id. */
function parameterName(value: JsonValue): string {
  const name = isObject(value) ? value['reference'] : value;
  if (typeof name === 'string' && name !== '') return name;
  throw fhirError(
    400,
    'value',
    'A search parameter is named by its URL, by a reference to it or by its id',
    'url',
  );
}

/** The base types of search parameters, the tenant's own or built-in ones. */
async function basesOf(
  services: Services,
  { context }: FhirRequest,
  names: readonly string[],
): Promise<string[]> {
  const own = await services.connections.within(context.tenant, 'read', (connection) =>
    storedParameters(connection, context.tenant),
  );
  return names.flatMap((name) => {
    const url = name.split('|')[0] as string;
    const id = /(?:^|\/)SearchParameter\/([A-Za-z0-9\-.]{1,64})$/.exec(name)?.[1] ?? name;
    const found = own.find((one) => one.url === url) ?? own.find((one) => one.id === id);
    if (found !== undefined) return found.base;
    const types = RESOURCE_TYPES.filter((type) =>
      [...context.definitions.search(type).params.values()].some((param) => param.url === url),
    );
    if (types.length === 0) throw unknownParameter(name);
    return types;
  });
}

function unknownParameter(name: string): FhirError {
  return fhirError(400, 'not-found', `There is no search parameter '${name}'`, 'url');
}

const distinct = (types: readonly string[]): string[] => [...new Set(types)];
