import { shownText } from '../../access/hidden-elements.ts';
import { assertNoHiddenText } from '../../access/hidden-parameters.ts';
import { grantsFor, isOpenScope, isUnrestricted } from '../../access/scope.ts';
import { patientsIn } from '../../audit/patients.ts';
import { RESOURCE_TYPES } from '../../conformance/resource-types.ts';
import type { CursorState } from '../../search/cursor.ts';
import { filterContained } from '../../search/match/contained.ts';
import { type FoundRow, type PlanContext, planSearch, type SearchPlan } from '../../search/plan/index.ts';
import { estimatedRows } from '../../search/plan/plan.ts';
import { parseSearch } from '../../search/query/parse.ts';
import type { ParsedSearch } from '../../search/query/types.ts';
import { uuidV7 } from '../../storage/row-id.ts';
import { type BundleEntryText, type BundleLink, bundleText } from '../bundle/bundle-text.ts';
import { fhirError, type Issue, operationOutcome } from '../outcome.ts';
import { type Projection, projectText } from '../projection-request.ts';
import { encodeQuery } from '../query-text.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import type { Route } from '../route.ts';
import { assertAffordable, noteDuration } from '../search/cost-guard.ts';
import { includedRows } from '../search/included-rows.ts';
import { searchContext, terminologySearchContext } from '../search/search-context.ts';
import type { Services } from '../services.ts';
import { foundDefinitions } from '../vesta-definitions/index.ts';

/** search at type, system and compartment level (R4 http.html#search, search.html). */
export async function search(services: Services, request: FhirRequest, route: Route): Promise<FhirResponse> {
  assertNoHiddenText(request.scope, request.query);
  const { parsed, context } = await parse(services, request, route);
  const { tenant } = context;
  assertSearchable(request, parsed);
  const planContext: PlanContext = {
    keys: context.keys,
    scope: request.scope,
    search: searchContext(context),
  };
  const cursor =
    parsed.cursor === undefined
      ? undefined
      : services.cursors.decode(tenant.id, parsed.fingerprint, parsed.cursor);
  const plan = planSearch(parsed, planContext, cursor);
  const common = {
    status: 200,
    interaction: route.interaction,
    ...(route.type === undefined ? {} : { type: route.type }),
  };
  if (parsed.explain) {
    assertMayExplain(request);
    return { ...common, text: await explained(services, request, plan) };
  }

  await assertAffordable(services, request, parsed, plan, planContext);
  request.signal?.throwIfAborted();
  const [page, total] = await Promise.all([
    readPage(services, request, plan),
    countMatches(services, request, parsed, plan),
  ]);
  request.signal?.throwIfAborted();
  const included = await includedRows(services, parsed, page.rows, planContext);
  const issues: Issue[] = [...parsed.ignored, ...included.issues];
  const projection = projectionOf(parsed);
  const text = (row: Pick<FoundRow, 'content'>): string => {
    const shown = shownText(row.content, request.scope.hidden);
    return projection === undefined ? shown : projectText(shown, projection, context);
  };
  // Beside what is stored, as far as the page has room; a stored one with the same id takes its place.
  const ours = (
    cursor === undefined && page.next === undefined
      ? foundDefinitions(request.scope, parsed, context, planContext)
      : []
  ).filter((one) => !page.rows.some(({ type, id }) => type === one.resourceType && id === one['id']));
  const entries: BundleEntryText[] = [
    ...(plan.page === undefined ? [] : ours.slice(0, Math.max(0, parsed.count - page.rows.length))).map(
      (one) => {
        const { resourceType: type, id } = one;
        const row = { type, id: String(id), content: JSON.stringify(one) };
        return entryOf(request, row, text(row), 'match');
      },
    ),
    ...matchEntries(request, parsed, plan, planContext, page.rows, text),
    ...included.rows.map((row) => entryOf(request, row, text(row), 'include')),
  ];
  if (issues.length > 0) {
    entries.push({ resource: JSON.stringify(operationOutcome(issues)), search: { mode: 'outcome' } });
  }
  // Without being asked, the total is given where it costs nothing: all matches are on the first page.
  const whole =
    parsed.total === undefined &&
    cursor === undefined &&
    page.next === undefined &&
    !plan.needsContainedFilter;
  return {
    ...common,
    ...(services.audit === undefined ? {} : { patients: patientsOf([...page.rows, ...included.rows]) }),
    text: bundleText({
      type: 'searchset',
      id: uuidV7(),
      total:
        total === undefined
          ? whole && plan.page !== undefined
            ? page.rows.length + ours.length
            : undefined
          : total + ours.length,
      links: links(services, request, parsed, page.next),
      entries,
      subsetted: projection !== undefined,
    }),
  };
}

/** The patients that rows are about, also where what is shown of these does not tell. */
function patientsOf(rows: readonly FoundRow[]): string[] {
  const found = new Set<string>();
  for (const row of rows) for (const id of patientsIn(row.content)) found.add(id);
  return [...found];
}

/**
 * Reads the parameters. When one is unknown, the tenant may have got a search parameter since its context was made: the
 * newest context decides.
 */
async function parse(
  services: Services,
  request: FhirRequest,
  route: Route,
): Promise<{ parsed: ParsedSearch; context: FhirRequest['context'] }> {
  const attempt = async (context: FhirRequest['context']): Promise<ParsedSearch> =>
    parseSearch(route.type, request.query, {
      ...(await terminologySearchContext(services, context, request)),
      strict: request.prefer.handling === 'strict',
      ...(route.compartment === undefined ? {} : { compartment: route.compartment }),
      limits: { defaultCount: services.settings.defaultPage, maxCount: services.settings.maxPage },
    });
  let failure: unknown;
  let parsed: ParsedSearch | undefined;
  try {
    parsed = await attempt(request.context);
    if (parsed.ignored.length === 0) return { parsed, context: request.context };
  } catch (error) {
    failure = error;
  }
  const context = await services.tenants.current(request.context.tenant);
  if (context.conformanceVersion !== request.context.conformanceVersion)
    return { parsed: await attempt(context), context };
  if (parsed === undefined) throw failure;
  return { parsed, context };
}

function assertSearchable(request: FhirRequest, parsed: ParsedSearch): void {
  const types = parsed.types ?? request.context.definitions.resourceTypes;
  if (types.some((type) => grantsFor(request.scope, type, 'search-type').length > 0)) return;
  throw fhirError(403, 'forbidden', `Searching ${parsed.resourceType ?? 'here'} is not allowed`, 'http.path');
}

/** A plan tells how many resources of others there are, and its SQL what is kept back: it is for who runs the server. */
function assertMayExplain({ scope }: FhirRequest): void {
  if (isOpenScope(scope)) return;
  const seesAll =
    scope.hidden === undefined &&
    RESOURCE_TYPES.every(
      (type) => isUnrestricted(scope, type, 'search-type') && isUnrestricted(scope, type, 'operation'),
    );
  if (scope.role === 'super_admin' && seesAll) return;
  throw fhirError(
    403,
    'forbidden',
    '_explain is for the role super_admin, with a scope for everything (user/*.cruds)',
    'http.query._explain',
  );
}

async function readPage(
  services: Services,
  request: FhirRequest,
  plan: SearchPlan,
): Promise<{ rows: FoundRow[]; next: CursorState | undefined }> {
  const { page } = plan;
  if (page === undefined) return { rows: [], next: undefined };
  const pool = page.prepare === 'generic' ? 'read' : 'search';
  const started = performance.now();
  const { rows } = await services.connections.within(request.context.tenant, pool, (connection) =>
    connection.query(page),
  );
  noteDuration(page.text, performance.now() - started);
  return plan.readPage(rows);
}

async function countMatches(
  services: Services,
  request: FhirRequest,
  parsed: ParsedSearch,
  plan: SearchPlan,
): Promise<number | undefined> {
  const countOnly = plan.page === undefined;
  if (parsed.total === 'none' && !countOnly) return undefined;
  if (plan.needsContainedFilter && !countOnly) return undefined;
  if (!countOnly && parsed.total !== 'accurate' && parsed.total !== 'estimate') return undefined;
  // The planner estimates from the values of all, of which a narrowed scope must learn nothing.
  const estimate = parsed.total === 'estimate' && isOpenScope(request.scope);
  const { rows } = await services.connections.within(request.context.tenant, 'search', (connection) =>
    connection.query(estimate ? plan.estimate : plan.count),
  );
  return estimate ? estimatedRows(rows) : Number(rows[0]?.[0]);
}

function matchEntries(
  request: FhirRequest,
  parsed: ParsedSearch,
  plan: SearchPlan,
  planContext: PlanContext,
  rows: readonly FoundRow[],
  text: (row: FoundRow) => string,
): BundleEntryText[] {
  if (!plan.needsContainedFilter) return rows.map((row) => entryOf(request, row, text(row), 'match'));
  return filterContained(rows, parsed, planContext).flatMap(({ container, contained }) => {
    if (contained.length === 0 || parsed.containedType === 'container') {
      return [entryOf(request, container, text(container), 'match' as const)];
    }
    return contained.map((resource) => ({
      fullUrl: `${request.context.baseUrl}/${container.type}/${container.id}#${String(resource['id'])}`,
      resource: shownText(JSON.stringify(resource), request.scope.hidden),
      search: { mode: 'match' as const },
    }));
  });
}

function entryOf(
  request: FhirRequest,
  row: Pick<FoundRow, 'type' | 'id'>,
  resource: string,
  mode: 'match' | 'include',
): BundleEntryText {
  return { fullUrl: `${request.context.baseUrl}/${row.type}/${row.id}`, resource, search: { mode } };
}

function projectionOf(parsed: ParsedSearch): Projection | undefined {
  const { summary, elements } = parsed;
  const partial = summary === 'true' || summary === 'text' || summary === 'data';
  if (!partial && elements === undefined) return undefined;
  return { ...(partial ? { summary } : {}), ...(elements === undefined ? {} : { elements }) };
}

/** self with the parameters that took effect, and next (R4 http.html#paging). */
function links(
  services: Services,
  request: FhirRequest,
  parsed: ParsedSearch,
  next: CursorState | undefined,
): BundleLink[] {
  const { baseUrl, tenant } = request.context;
  const path = request.path.filter((segment) => segment !== '_search').join('/');
  const url = (parameters: readonly (readonly [string, string])[]): string => {
    const base = path === '' ? baseUrl : `${baseUrl}/${path}`;
    return parameters.length === 0 ? base : `${base}?${encodeQuery(parameters)}`;
  };
  const applied = parsed.applied;
  const self = parsed.cursor === undefined ? applied : [...applied, ['_cursor', parsed.cursor] as const];
  const result: BundleLink[] = [{ relation: 'self', url: url(self) }];
  if (next !== undefined) {
    const cursor = services.cursors.encode(tenant.id, parsed.fingerprint, next);
    result.push({ relation: 'next', url: url([...applied, ['_cursor', cursor]]) });
  }
  return result;
}

/** What `_explain=true` shows: the query as understood, the plan, its SQL, and PostgreSQL's own plan. */
async function explained(services: Services, request: FhirRequest, plan: SearchPlan): Promise<string> {
  const statement = plan.page ?? plan.count;
  const { rows } = await services.connections.within(request.context.tenant, 'search', (connection) =>
    connection.query({ text: `explain (format json) ${statement.text}`, values: statement.values }),
  );
  const details = { ...plan.explain(), postgresql: rows[0]?.[0] };
  return JSON.stringify({
    resourceType: 'Parameters',
    parameter: [
      { name: 'reason', valueString: plan.reason },
      { name: 'estimatedRows', valueDecimal: estimatedRows(rows) },
      { name: 'explain', valueString: JSON.stringify(details) },
    ],
  });
}
