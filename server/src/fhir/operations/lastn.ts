import { shownText } from '../../access/hidden-elements.ts';
import { assertNoHiddenText } from '../../access/hidden-parameters.ts';
import { grantsFor } from '../../access/scope.ts';
import { isObject } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import type { CursorState } from '../../search/cursor.ts';
import { type FoundRow, type PlanContext, planSearch } from '../../search/plan/index.ts';
import { parseSearch } from '../../search/query/parse.ts';
import { uuidV7 } from '../../storage/row-id.ts';
import { bundleText } from '../bundle/bundle-text.ts';
import { fhirError } from '../outcome.ts';
import { encodeQuery } from '../query-text.ts';
import type { FhirRequest, FhirResponse } from '../request.ts';
import type { Route } from '../route.ts';
import { clientSearchContext, searchContext } from '../search/search-context.ts';
import type { Services } from '../services.ts';
import { OperationParameters } from './parameters.ts';

const PAGE = 1000;
/** Observations looked at before the operation gives up: more than a person has in a lifetime of monitoring by hand. */
const MOST = 50_000;

/**
 * Observation/$lastn (R4 observation-operation-lastn.html): of the observations that a search finds, the newest `max`
 * (1 by default) of each code, newest first. Codes that share a coding are the same code.
 * @throws FhirError 400 for a search over more observations than can be looked at
 */
export async function lastn(services: Services, request: FhirRequest, _route: Route): Promise<FhirResponse> {
  const { context, scope } = request;
  if (grantsFor(scope, 'Observation', 'search-type').length === 0) {
    throw fhirError(403, 'forbidden', 'Searching Observation is not allowed', 'http.path');
  }
  const given = new OperationParameters(request);
  const max = given.text('max') ?? '1';
  if (!/^[1-9]\d{0,5}$/.test(max))
    throw fhirError(400, 'value', `max must be a positive whole number, not '${max}'`, 'http.query.max');
  const criteria = given.pairs().filter(([name]) => name !== 'max' && name !== '_sort' && name !== '_count');
  const query: [string, string][] = [...criteria, ['_sort', '-date'], ['_count', String(PAGE)]];
  assertNoHiddenText(scope, query);
  const parsed = parseSearch('Observation', query, {
    ...clientSearchContext(context, scope),
    strict: request.prefer.handling === 'strict',
    limits: { maxCount: PAGE },
  });
  const planContext: PlanContext = { keys: context.keys, scope, search: searchContext(context) };
  const groups = new CodeGroups(Number(max));
  const kept: FoundRow[] = [];
  let cursor: CursorState | undefined;
  let seen = 0;
  do {
    const plan = planSearch(parsed, planContext, cursor);
    const statement = plan.page;
    if (statement === undefined) break;
    const { rows } = await services.connections.within(context.tenant, 'search', (connection) =>
      connection.query(statement),
    );
    const page = plan.readPage(rows);
    for (const row of page.rows) {
      if (groups.take((parseJson(row.content) as JsonObject)['code'])) kept.push(row);
    }
    seen += page.rows.length;
    cursor = page.next;
    if (seen > MOST) {
      throw fhirError(
        400,
        'too-costly',
        'Too many observations to look at: name a patient',
        'http.query.patient',
      );
    }
  } while (cursor !== undefined);
  const self = `${context.baseUrl}/Observation/$lastn?${encodeQuery([...criteria, ['max', max]])}`;
  const text = bundleText({
    type: 'searchset',
    id: uuidV7(),
    total: kept.length,
    links: [{ relation: 'self', url: self }],
    entries: kept.map((row) => ({
      fullUrl: `${context.baseUrl}/${row.type}/${row.id}`,
      resource: shownText(row.content, scope.hidden),
      search: { mode: 'match' },
    })),
  });
  return { status: 200, text, interaction: 'operation', type: 'Observation' };
}

/** Counts observations by code. */
class CodeGroups {
  readonly #max: number;
  readonly #groupOf = new Map<string, { count: number }>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Whether an observation of this code is among the first `max` of its group. */
  take(code: JsonValue | undefined): boolean {
    const names = namesOf(code);
    const group = names.map((name) => this.#groupOf.get(name)).find((known) => known !== undefined) ?? {
      count: 0,
    };
    for (const name of names) if (!this.#groupOf.has(name)) this.#groupOf.set(name, group);
    group.count++;
    return group.count <= this.#max;
  }
}

/** What a CodeableConcept is told apart by: its codings, or its text where it has none. */
function namesOf(code: JsonValue | undefined): string[] {
  if (!isObject(code)) return [''];
  const codings = (Array.isArray(code['coding']) ? code['coding'] : []).filter(isObject);
  if (codings.length === 0) return [`text ${String(code['text'] ?? '')}`];
  return codings.map((coding) => `${String(coding['system'] ?? '')}|${String(coding['code'] ?? '')}`);
}
