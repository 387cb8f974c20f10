import { isLogId } from '../../audit/resource.ts';
import { type AuditReader, auditRead, auditSearch } from '../../audit/search.ts';
import { isObject } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { uuidV7 } from '../../storage/row-id.ts';
import { type BundleEntryText, type BundleLink, bundleText } from '../bundle/bundle-text.ts';
import { etag, httpDate, notModified } from '../entity-tags.ts';
import { operationOutcome } from '../outcome.ts';
import { projectionOf, projectText } from '../projection-request.ts';
import { encodeQuery } from '../query-text.ts';
import { type FhirRequest, type FhirResponse, queryValue } from '../request.ts';
import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import { instant } from '../write/prepare.ts';
import { search } from './search.ts';

/*
 * AuditEvents come from two places: the audit log, whose ids tell, and what clients have stored. Searches give those of
 * the log first and then the stored ones; `_cursor` tells where a page goes on.
 */
const LOG_CURSOR = 'log.';
const STORED_FROM_START = 'stored';

/**
 * Answers what is asked of the audit log: read, vread, history and search of AuditEvents.
 * @returns undefined for anything else
 * @throws FhirError 403 where AuditEvents may not be seen, 400 for malformed parameters
 */
export async function auditEvents(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse | undefined> {
  const reader = services.audit?.reader;
  if (reader === undefined || route.type !== 'AuditEvent') return undefined;
  switch (route.interaction) {
    case 'read':
    case 'vread':
    case 'history-instance':
      return isLogId(route.id as string) ? readEvent(reader, request, route) : undefined;
    case 'search-type':
      return searchEvents(services, reader, request, route);
    default:
      return undefined;
  }
}

async function readEvent(
  reader: AuditReader,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse | undefined> {
  const { scope, context } = request;
  const interaction = route.interaction as 'read' | 'vread' | 'history-instance';
  // An event never changes: it has one version.
  if (route.version !== undefined && route.version !== 1) return undefined;
  const found = await auditRead(reader, scope, context, route.id as string, interaction);
  if (found === undefined) return undefined;
  const headers = { ETag: etag(1), 'Last-Modified': httpDate(found.lastUpdated) };
  const common = { interaction, type: 'AuditEvent', patients: [] };
  const projection = projectionOf(request);
  const text = projection === undefined ? found.text : projectText(found.text, projection, context);
  if (interaction === 'history-instance') {
    const entry: BundleEntryText = {
      fullUrl: `${context.baseUrl}/AuditEvent/${route.id}`,
      resource: text,
      request: { method: 'POST', url: 'AuditEvent' },
      response: { status: '201 Created', etag: etag(1), lastModified: instant(found.lastUpdated) },
    };
    const links = [{ relation: 'self', url: `${context.baseUrl}/${request.path.join('/')}` }];
    const history = bundleText({ type: 'history', id: uuidV7(), total: 1, links, entries: [entry] });
    return { ...common, status: 200, text: history };
  }
  const isKnown =
    interaction === 'read' &&
    notModified(request.header('if-none-match'), request.header('if-modified-since'), 1, found.lastUpdated);
  return isKnown ? { ...common, status: 304, headers } : { ...common, status: 200, text, headers };
}

async function searchEvents(
  services: Services,
  reader: AuditReader,
  request: FhirRequest,
  route: Route,
): Promise<FhirResponse> {
  const { scope, context } = request;
  const cursor = queryValue(request, '_cursor');
  if (cursor !== undefined && !cursor.startsWith(LOG_CURSOR)) {
    const query = request.query.filter(([name, value]) => name !== '_cursor' || value !== STORED_FROM_START);
    return search(services, { ...request, query }, route);
  }
  const query = request.query.map(([name, value]): [string, string] =>
    name === '_cursor' ? [name, value.slice(LOG_CURSOR.length)] : [name, value],
  );
  const page = await auditSearch(reader, scope, context, [...query, ...compartmentQuery(route)], {
    strict: request.prefer.handling === 'strict',
    defaultCount: services.settings.defaultPage,
    maxCount: services.settings.maxPage,
  });
  const size = queryValue(request, '_count');
  const wanted = Math.min(services.settings.maxPage, Number(size ?? services.settings.defaultPage));
  const room = page.next === undefined ? wanted - page.entries.length : 0;
  const countOnly = queryValue(request, '_summary') === 'count';
  const rest = request.query.filter(([name]) => name !== '_cursor' && name !== '_count');
  const isTotalWanted = page.total !== undefined;
  // With no room left it tells whether there are any, and how many.
  const stored = await storedEvents(
    services,
    { ...request, query: [...rest, ['_count', String(room)] as const, ...(isTotalWanted ? [TOTAL] : [])] },
    route,
  );
  const total =
    page.total === undefined || stored.total === undefined ? undefined : page.total + stored.total;
  const url = (parameters: readonly (readonly [string, string])[]): string =>
    `${context.baseUrl}/${request.path.filter((part) => part !== '_search').join('/')}${parameters.length === 0 ? '' : `?${encodeQuery(parameters)}`}`;
  const links: BundleLink[] = [
    {
      relation: 'self',
      url: url([...page.applied, ...(cursor === undefined ? [] : [['_cursor', cursor] as const])]),
    },
  ];
  if (page.next !== undefined) {
    links.push({ relation: 'next', url: url([...page.applied, ['_cursor', LOG_CURSOR + page.next]]) });
  } else if (room > 0 && stored.next !== undefined) {
    links.push({ relation: 'next', url: stored.next });
  } else if (room === 0 && !countOnly && wanted > 0) {
    links.push({ relation: 'next', url: url([...page.applied, ['_cursor', STORED_FROM_START]]) });
  }
  const projection = projectionOf(request);
  const entries: BundleEntryText[] = page.entries.map(({ id, text }) => ({
    fullUrl: `${context.baseUrl}/AuditEvent/${id}`,
    resource: projection === undefined ? text : projectText(text, projection, context),
    search: { mode: 'match' },
  }));
  entries.push(...stored.entries);
  if (page.issues.length > 0)
    entries.push({ resource: JSON.stringify(operationOutcome(page.issues)), search: { mode: 'outcome' } });
  return {
    status: 200,
    interaction: 'search-type',
    type: 'AuditEvent',
    // Looking at the log is no access to the data that its events are about.
    patients: stored.patients,
    text: bundleText({
      type: 'searchset',
      id: uuidV7(),
      total,
      links,
      entries,
      subsetted: projection !== undefined,
    }),
  };
}

const TOTAL = ['_total', 'accurate'] as const;

/** R4 compartmentdefinition-patient.html and others: in which parameters of an AuditEvent a compartment's resource is. */
function compartmentQuery({ compartment }: Route): [string, string][] {
  if (compartment === undefined) return [];
  const { type, id } = compartment;
  return [[type === 'Patient' ? 'patient' : 'agent', `${type}/${id}`]];
}

interface StoredEvents {
  readonly entries: readonly BundleEntryText[];
  readonly next: string | undefined;
  readonly total: number | undefined;
  readonly patients: readonly string[];
}

/** The first page of the AuditEvents that clients have stored. */
async function storedEvents(services: Services, request: FhirRequest, route: Route): Promise<StoredEvents> {
  const { text, patients = [] } = await search(services, request, route);
  const bundle = parseJson(text ?? '{}') as JsonObject;
  const list = (value: JsonValue | undefined): JsonObject[] =>
    Array.isArray(value) ? value.filter(isObject) : [];
  const next = list(bundle['link']).find(({ relation }) => relation === 'next')?.['url'];
  const total = bundle['total'];
  return {
    entries: list(bundle['entry']).flatMap((entry) => {
      const { fullUrl, resource, search: found } = entry;
      // What is unknown to both is told by the log.
      const mode = isObject(found) ? found['mode'] : undefined;
      if (mode !== 'match' && mode !== 'include') return [];
      return [{ fullUrl: String(fullUrl), resource: JSON.stringify(resource), search: { mode } } as const];
    }),
    next: typeof next === 'string' ? next : undefined,
    total: total === undefined ? undefined : Number(total),
    patients,
  };
}
