import { shownText } from '../../access/hidden-elements.ts';
import { grantsFor, isUnrestricted } from '../../access/scope.ts';
import { RESOURCE_TYPES, typeCode } from '../../conformance/resource-types.ts';
import { dateRange } from '../../search/dates.ts';
import { compartmentParam, MAX_DATE, MIN_DATE, REFERS_TO } from '../../search/index-model.ts';
import {
  compartmentMembers,
  compartmentSupport,
  type FoundResource,
  type MemberQuery,
} from '../../storage/compartment-members.ts';
import { uuidV7 } from '../../storage/row-id.ts';
import { type BundleLink, bundleText } from '../bundle/bundle-text.ts';
import { pageSize } from '../interactions/history.ts';
import { read } from '../interactions/read.ts';
import { fhirError } from '../outcome.ts';
import { encodeQuery } from '../query-text.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import type { Route } from '../route.ts';
import { rowRestriction } from '../search/conditional-search.ts';
import type { Services } from '../services.ts';
import { OperationParameters } from './parameters.ts';

/**
 * $everything on a Patient or Encounter (R4 patient-operation-everything.html, encounter-operation-everything.html):
 * first the resource and its compartment, then what those refer to, each once, paged by cursor. Parameters `start`,
 * `end`, `_since`, `_type`, `_count`.
 */
export async function everything(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse> {
  const { context, scope } = request;
  const type = route.type as string;
  const id = route.id as string;
  // 404 or 410 when there is no such resource, and 403 when it is not to be seen.
  await read(services, { ...request, query: [], header: () => undefined }, { ...route, interaction: 'read' });

  const parameters = new OperationParameters(request);
  const wanted = parameters
    .texts('_type')
    .flatMap((value) => value.split(','))
    .filter(Boolean);
  for (const name of wanted) {
    if (typeCode(name) === undefined)
      throw fhirError(400, 'value', `_type names the unknown type '${name}'`, 'http.query._type');
  }
  const allowed = (wanted.length > 0 ? wanted : [...RESOURCE_TYPES]).filter(
    (name) => grantsFor(scope, name, 'search-type').length > 0,
  );
  const count =
    parameters.text('_count') === undefined
      ? services.settings.maxPage
      : pageSize(services, parameters.text('_count'));
  const shown: [string, string][] = [];
  for (const name of ['start', 'end', '_since', '_type', '_count']) {
    for (const value of parameters.texts(name)) shown.push([name, value]);
  }
  const fingerprint = `${type}/${id}/$everything ${encodeQuery(shown)}`;
  const cursor = parameters.text('_cursor');
  const position =
    cursor === undefined ? undefined : services.cursors.decode(context.tenant.id, fingerprint, cursor);
  let phase = position === undefined ? 'members' : String(position.keys[0]);
  let after = position === undefined ? undefined : position.rid;

  const unrestricted = allowed.every((name) => isUnrestricted(scope, name, 'search-type'));
  const base = {
    focus: context.keys.reference(`${type}/${id}`),
    token: context.keys.compartment(type, id),
    ...(allowed.length === RESOURCE_TYPES.length
      ? {}
      : { types: allowed.map((name) => typeCode(name) as number) }),
    ...since(parameters),
    ...care(parameters),
    ...(unrestricted ? {} : { restriction: rowRestriction(scope, context, allowed, 'search-type') }),
  };
  const page: FoundResource[] = [];
  if (phase === 'members') {
    page.push(
      ...(await compartmentMembers(services.connections, context.tenant, queryOf(base, after, count + 1))),
    );
    if (page.length <= count) {
      phase = 'support';
      after = undefined;
    }
  }
  const members = page.length;
  if (phase === 'support') {
    request.signal?.throwIfAborted();
    const salts = [
      REFERS_TO,
      ...['Practitioner', 'Device', 'RelatedPerson', 'Patient'].map(compartmentParam),
    ].map((param) => context.keys.salt(param));
    const excluded = type === 'Patient' ? [typeCode('Patient') as number] : [];
    // What only a member refers to that is kept back is no support.
    const visible = { memberRestriction: rowRestriction(scope, context, RESOURCE_TYPES, 'search-type') };
    const seesAll = RESOURCE_TYPES.every((name) => isUnrestricted(scope, name, 'search-type'));
    const query = { ...queryOf(base, after, count + 1 - page.length), ...(seesAll ? {} : visible) };
    page.push(...(await compartmentSupport(services.connections, context.tenant, query, salts, excluded)));
  }
  const links: BundleLink[] = [{ relation: 'self', url: url(request, shown) }];
  if (page.length > count) {
    page.length = count;
    const last = page[count - 1] as FoundResource;
    // A page that ends with a member goes on with members, though there may be none left.
    const next = services.cursors.encode(context.tenant.id, fingerprint, {
      keys: [count > members ? 'support' : 'members'],
      rid: last.rid,
      size: count,
    });
    links.push({ relation: 'next', url: url(request, [...shown, ['_cursor', next]]) });
  }
  const text = bundleText({
    type: 'searchset',
    id: uuidV7(),
    total: cursor === undefined && links.length === 1 ? page.length : undefined,
    links,
    entries: page.map((resource, i) => ({
      fullUrl: `${context.baseUrl}/${resource.type}/${resource.id}`,
      resource: shownText(resource.content, scope.hidden),
      search: { mode: i < members ? 'match' : 'include' },
    })),
  });
  return { status: 200, text, interaction: 'operation', type };
}

function queryOf(
  base: Omit<MemberQuery, 'after' | 'limit'>,
  after: string | undefined,
  limit: number,
): MemberQuery {
  return { ...base, ...(after === undefined ? {} : { after }), limit };
}

function url(request: FhirRequest, parameters: readonly (readonly [string, string])[]): string {
  const path = `${request.context.baseUrl}/${request.path.join('/')}`;
  return parameters.length === 0 ? path : `${path}?${encodeQuery(parameters)}`;
}

function since(parameters: OperationParameters): { since?: number } {
  const text = parameters.text('_since');
  if (text === undefined) return {};
  const range = dateRange(text);
  if (range === undefined)
    throw fhirError(400, 'value', `_since must be an instant, not '${text}'`, 'http.query._since');
  return { since: range.low };
}

/** The period of care that `start` and `end` name; open at a side that is not given. */
function care(parameters: OperationParameters): Pick<MemberQuery, 'care'> {
  const bound = (name: 'start' | 'end'): { low: number; high: number } | undefined => {
    const text = parameters.text(name);
    if (text === undefined) return undefined;
    const range = dateRange(text);
    if (range === undefined)
      throw fhirError(400, 'value', `${name} must be a date, not '${text}'`, `http.query.${name}`);
    return range;
  };
  const start = bound('start');
  const end = bound('end');
  if (start === undefined && end === undefined) return {};
  return { care: { low: start?.low ?? MIN_DATE, high: end?.high ?? MAX_DATE } };
}
