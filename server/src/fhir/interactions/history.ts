import { shownText } from '../../access/hidden-elements.ts';
import { grantsFor, isUnrestricted } from '../../access/scope.ts';
import { RESOURCE_TYPES, typeCode } from '../../conformance/resource-types.ts';
import { dateRange } from '../../search/dates.ts';
import { type HistoryQuery, readHistory } from '../../storage/read-versions.ts';
import { uuidV7 } from '../../storage/row-id.ts';
import { METHODS, type StoredVersion } from '../../storage/rows.ts';
import { type BundleEntryText, type BundleLink, bundleText } from '../bundle/bundle-text.ts';
import { etag } from '../entity-tags.ts';
import { fhirError } from '../outcome.ts';
import { projectionOf, projectText } from '../projection-request.ts';
import { encodeQuery } from '../query-text.ts';
import { type FhirRequest, type FhirResponse, queryValue } from '../request.ts';
import type { Route } from '../route.ts';
import { versionRestriction } from '../search/conditional-search.ts';
import { listMembers } from '../search/list-members.ts';
import type { Services } from '../services.ts';
import { instant } from '../write/prepare.ts';

/**
 * history of an instance, a type or everything, newest first (R4 http.html#history): `_since`, `_at`, `_count`,
 * `_list`, paged by cursor.
 */
export async function history(services: Services, request: FhirRequest, route: Route): Promise<FhirResponse> {
  const { context, scope } = request;
  const { interaction } = route;
  const types = route.type === undefined ? RESOURCE_TYPES : [route.type];
  const allowed = types.filter((type) => grantsFor(scope, type, interaction).length > 0);
  if (allowed.length === 0)
    throw fhirError(403, 'forbidden', 'This history is not allowed here', 'http.path');

  const count = pageSize(services, queryValue(request, '_count'));
  const cursor = queryValue(request, '_cursor');
  const path = request.path.join('/');
  const fingerprint = `history ${path} ${encodeQuery(request.query.filter(([name]) => name !== '_cursor'))}`;
  const after =
    cursor === undefined ? undefined : services.cursors.decode(context.tenant.id, fingerprint, cursor);
  const refHash = route.id === undefined ? undefined : context.keys.reference(`${route.type}/${route.id}`);
  const restricted = allowed.some((type) => !isUnrestricted(scope, type, interaction));
  const query: HistoryQuery = {
    limit: count + 1,
    ...(refHash === undefined ? {} : { refHash }),
    ...(route.type === undefined && allowed.length === RESOURCE_TYPES.length
      ? {}
      : { types: allowed.map((type) => typeCode(type) as number) }),
    ...since(request),
    ...at(request),
    ...(await list(services, request)),
    ...(restricted ? { restriction: versionRestriction(scope, context, allowed, interaction) } : {}),
    ...(after === undefined ? {} : { after: { lastUpdated: Number(after.keys[0]), rid: after.rid } }),
  };
  const versions = await readHistory(services.connections, context.tenant, query);
  if (
    versions.length === 0 &&
    refHash !== undefined &&
    after === undefined &&
    query.since === undefined &&
    query.at === undefined
  ) {
    throw fhirError(404, 'not-found', `${route.type}/${route.id} does not exist`, 'http.path');
  }
  const page = versions.slice(0, count);
  const links: BundleLink[] = [
    { relation: 'self', url: `${context.baseUrl}/${path}${suffix(request.query)}` },
  ];
  const last = page.at(-1);
  if (versions.length > count && last !== undefined) {
    const next = services.cursors.encode(context.tenant.id, fingerprint, {
      keys: [String(last.lastUpdated)],
      rid: last.rid,
      size: count,
    });
    const parameters = [...request.query.filter(([name]) => name !== '_cursor'), ['_cursor', next] as const];
    links.push({ relation: 'next', url: `${context.baseUrl}/${path}${suffix(parameters)}` });
  }
  const projection = projectionOf(request);
  const total = cursor === undefined && versions.length <= count ? versions.length : undefined;
  const text = bundleText({
    type: 'history',
    id: uuidV7(),
    timestamp: instant(Date.now()),
    total,
    links,
    entries: page.map((version) => {
      const shown = shownText(version.content, scope.hidden);
      const whole = projection === undefined || version.deleted;
      return historyEntry(context.baseUrl, version, whole ? shown : projectText(shown, projection, context));
    }),
  });
  return { status: 200, text, interaction, ...(route.type === undefined ? {} : { type: route.type }) };
}

function historyEntry(baseUrl: string, version: StoredVersion, resource: string): BundleEntryText {
  const method = METHODS[version.method] as string;
  const location = `${version.type}/${version.id}`;
  return {
    fullUrl: `${baseUrl}/${location}`,
    ...(version.deleted ? {} : { resource }),
    request: { method, url: method === 'POST' ? version.type : location },
    response: {
      status: version.deleted ? '204 No Content' : version.version === 1 ? '201 Created' : '200 OK',
      etag: etag(version.version),
      lastModified: instant(version.lastUpdated),
    },
  };
}

/** The number of entries on a page: `_count` within the server's limits. */
export function pageSize(services: Services, text: string | undefined): number {
  if (text === undefined) return services.settings.defaultPage;
  if (!/^\d{1,9}$/.test(text))
    throw fhirError(400, 'value', `_count must be a whole number, not '${text}'`, 'http.query._count');
  return Math.min(Math.max(Number(text), 1), services.settings.maxPage);
}

const suffix = (query: readonly (readonly [string, string])[]): string =>
  query.length === 0 ? '' : `?${encodeQuery(query)}`;

function since(request: FhirRequest): { since?: number } {
  const text = queryValue(request, '_since');
  if (text === undefined) return {};
  const range = dateRange(text);
  if (range === undefined)
    throw fhirError(400, 'value', `_since must be an instant, not '${text}'`, 'http.query._since');
  return { since: range.low };
}

function at(request: FhirRequest): Pick<HistoryQuery, 'at'> {
  const text = queryValue(request, '_at');
  if (text === undefined) return {};
  const range = dateRange(text);
  if (range === undefined)
    throw fhirError(400, 'value', `_at must be a date or time, not '${text}'`, 'http.query._at');
  return { at: range };
}

async function list(services: Services, request: FhirRequest): Promise<Pick<HistoryQuery, 'refHashes'>> {
  const id = queryValue(request, '_list');
  if (id === undefined) return {};
  return { refHashes: await listMembers(services, request, id) };
}
