import {
  type FoundRow,
  type PlanContext,
  planIncludes,
  readIncludes,
  specsOfRound,
} from '../../search/plan/index.ts';
import type { ParsedSearch } from '../../search/query/types.ts';
import type { Issue } from '../outcome.ts';
import type { Services } from '../services.ts';

/** Rounds of `:iterate`: deeper hierarchies than this are followed by searches of their own. */
const MAX_ROUNDS = 10;

/**
 * The resources that `_include` and `_revinclude` bring to a page of matches (R4 search.html#include), each once and
 * none that is a match itself. Beyond the server's limit the rest is left out, and an issue says so.
 */
export async function includedRows(
  services: Services,
  parsed: ParsedSearch,
  matches: readonly FoundRow[],
  context: PlanContext,
): Promise<{ rows: FoundRow[]; issues: Issue[] }> {
  const found = new Map<string, FoundRow>();
  const known = new Set(matches.map((row) => row.rid));
  const limit = services.settings.maxIncludes;
  let from: readonly FoundRow[] = matches;
  for (let round = 0; round < MAX_ROUNDS && from.length > 0; round++) {
    const statement = planIncludes(specsOfRound(parsed.includes, round), from, context, {
      limit: limit - found.size,
      known: [...known],
    });
    if (statement === undefined) break;
    const { rows } = await services.connections.within(context.scope.tenant, 'read', (connection) =>
      connection.query(statement),
    );
    const fresh = readIncludes(rows).filter((row) => !known.has(row.rid));
    for (const row of fresh) {
      if (found.size >= limit) {
        const diagnostics = `Only the first ${limit} included resources are here: ask for smaller pages`;
        return {
          rows: [...found.values()],
          issues: [{ severity: 'warning', code: 'too-costly', diagnostics }],
        };
      }
      found.set(row.rid, row);
      known.add(row.rid);
    }
    from = fresh;
  }
  return { rows: [...found.values()], issues: [] };
}
