import { isOpenScope } from '../../access/scope.ts';
import {
  estimatedCost,
  estimatedRows,
  type PlanContext,
  planSearch,
  type SearchPlan,
} from '../../search/plan/index.ts';
import { parseSearch } from '../../search/query/parse.ts';
import type { ParsedSearch } from '../../search/query/types.ts';
import { fhirError } from '../outcome.ts';
import type { FhirRequest } from '../request.ts';
import type { Services } from '../services.ts';

/*
 * A search whose estimated cost is above the limit is refused before it runs. Asking for the estimate costs as much as
 * planning the search itself, so it is asked only for shapes of statements that have not proven fast.
 */

/** A statement that took less than this, in milliseconds, is one that need not be checked next time. */
const FAST = 50;
const MAX_SHAPES = 5000;
const proven = new Set<string>();

/** Remembers whether a shape of statement is fast. */
export function noteDuration(text: string, milliseconds: number): void {
  if (milliseconds > FAST) {
    proven.delete(text);
    return;
  }
  if (proven.size >= MAX_SHAPES) proven.clear();
  proven.add(text);
}

/**
 * Refuses a search that costs more than the server's limit.
 * @throws FhirError 400 `too-costly` naming the parameter that narrows least
 */
export async function assertAffordable(
  services: Services,
  request: FhirRequest,
  parsed: ParsedSearch,
  plan: SearchPlan,
  context: PlanContext,
): Promise<void> {
  const limit = services.settings.searchCostLimit;
  const statement = plan.page ?? plan.count;
  if (limit === 0 || statement.prepare === 'generic' || proven.has(statement.text)) return;
  const estimate = (text: string, values: readonly unknown[]) =>
    services.connections.within(request.context.tenant, 'search', async (connection) => {
      const { rows } = await connection.query({ text, values });
      return rows;
    });
  const cost = estimatedCost(await estimate(`explain (format json) ${statement.text}`, statement.values));
  if (cost <= limit) return;
  let widest = { name: '_type', rows: -1 };
  for (const at of parsed.criterionNames) {
    const [name, value] = parsed.applied[at] as readonly [string, string];
    const alone = planSearch(parseSearch(parsed.resourceType, [[name, value]], context.search), context);
    const rows = estimatedRows(await estimate(alone.estimate.text, alone.estimate.values));
    if (rows > widest.rows) widest = { name, rows };
  }
  throw fhirError(
    400,
    'too-costly',
    widest.rows < 0 || !isOpenScope(request.scope)
      ? 'The search would read too much: add search parameters that narrow it down'
      : `The search would read too much: '${widest.name}' matches about ${widest.rows} resources. Narrow it, or add a patient, an identifier or a date`,
    `http.query.${widest.name}`,
  );
}
