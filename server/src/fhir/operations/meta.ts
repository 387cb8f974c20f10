import { hiddenPaths } from '../../access/hidden-elements.ts';
import { grantsFor, isUnrestricted } from '../../access/scope.ts';
import { RESOURCE_TYPES, typeCode } from '../../conformance/resource-types.ts';
import { isObject } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { read } from '../interactions/read.ts';
import { fhirError } from '../outcome.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import { OperationParameters } from './parameters.ts';

/*
 * $meta, $meta-add and $meta-delete (R4 resource-operation-meta.html and its neighbours). Adding and removing make a
 * new version, so that the history shows who changed a label and when.
 */

const LISTS = ['profile', 'security', 'tag'] as const;

/** $meta: the meta of a resource or version, or the profiles, labels and tags in use for a type or everywhere. */
export async function meta(services: Services, request: FhirRequest, route: Route): Promise<FhirResponse> {
  if (route.id !== undefined) {
    const interaction = route.version === undefined ? 'read' : 'vread';
    const response = await read(
      services,
      { ...request, query: [], header: () => undefined },
      { ...route, interaction },
    );
    const resource = parseJson(response.text ?? '{}') as Resource;
    return parametersOf(resource['meta'] ?? {}, route);
  }
  const { scope, context } = request;
  const types = (route.type === undefined ? [...RESOURCE_TYPES] : [route.type]).filter(
    (type) => grantsFor(scope, type, 'search-type').length > 0,
  );
  const isWhole = (type: string) =>
    isUnrestricted(scope, type, 'search-type') &&
    (scope.hidden === undefined || hiddenPaths(scope.hidden, type).length === 0);
  if (types.length === 0 || !types.every(isWhole)) {
    throw fhirError(403, 'forbidden', '$meta over many resources needs access to all of them', 'http.path');
  }
  const found: JsonObject = {};
  await services.connections.within(context.tenant, 'search', async (connection) => {
    for (const list of LISTS) {
      const { rows } = await connection.query({
        text: `select distinct e.value::text from tenant.resource r
          cross join lateral jsonb_array_elements(r.content::jsonb -> 'meta' -> '${list}') as e(value)
          where r.tenant_id = $1 and r.type = any($2::smallint[]) and not r.deleted limit 1000`,
        values: [context.tenant.id, types.map((type) => typeCode(type))],
      });
      if (rows.length > 0) found[list] = rows.map((row) => parseJson(row[0] as string));
    }
  });
  return parametersOf(found, route);
}

/** $meta-add: adds profiles, labels and tags that are not there yet. */
export async function metaAdd(services: Services, request: FhirRequest, route: Route): Promise<FhirResponse> {
  return changeMeta(services, request, route, (have, given, same) => [
    ...have,
    ...given.filter((value) => !have.some((other) => same(value, other))),
  ]);
}

/** $meta-delete: removes profiles, labels and tags; what is not there is no error. */
export async function metaDelete(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse> {
  return changeMeta(services, request, route, (have, given, same) =>
    have.filter((value) => !given.some((other) => same(value, other))),
  );
}

type Combine = (
  have: readonly JsonValue[],
  given: readonly JsonValue[],
  same: (a: JsonValue, b: JsonValue) => boolean,
) => JsonValue[];

async function changeMeta(
  services: Services,
  request: FhirRequest,
  route: Route,
  combine: Combine,
): Promise<FhirResponse> {
  if (route.version !== undefined) {
    throw fhirError(405, 'not-supported', 'The meta of a past version cannot be changed', 'http.path');
  }
  const given = new OperationParameters(request).get('meta');
  if (!isObject(given))
    throw fhirError(400, 'required', `${route.operation} needs a parameter meta`, 'Parameters.parameter');
  const outcome = await services.writes.write(request.scope, request.context, {
    kind: 'patch',
    type: route.type as string,
    id: route.id as string,
    at: '',
    patch: (current) => {
      const own = (current['meta'] ?? {}) as JsonObject;
      const changed: JsonObject = { ...own };
      for (const list of LISTS) {
        const combined = combine(asList(own[list]), asList(given[list]), sameMember);
        if (combined.length > 0) changed[list] = combined;
        else delete changed[list];
      }
      return { ...current, meta: changed };
    },
  });
  const resource = parseJson(outcome.content) as Resource;
  return parametersOf(resource['meta'] as JsonValue, route);
}

const asList = (value: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(value) ? value : []);

/** Profiles are the same by URL, codings by system and code. */
function sameMember(a: JsonValue, b: JsonValue): boolean {
  if (isObject(a) && isObject(b)) return a['system'] === b['system'] && a['code'] === b['code'];
  return a === b;
}

function parametersOf(value: JsonValue, route: Route): FhirResponse {
  const parameters = { resourceType: 'Parameters', parameter: [{ name: 'return', valueMeta: value }] };
  return {
    status: 200,
    text: JSON.stringify(parameters),
    interaction: 'operation',
    ...(route.type === undefined ? {} : { type: route.type }),
  };
}
