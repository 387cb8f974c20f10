import type { ParsedSearch } from '../query/types.ts';
import type { SqlStatement } from './sql.ts';

/**
 * A search for an operator to read (`_explain`): the parsed query, the chosen plan with its reason, and the SQL.
 * Plain JSON.
 */
export function describe(
  parsed: ParsedSearch,
  chosen: { readonly access: string; readonly order: string; readonly reason: string },
  statements: Readonly<Record<string, SqlStatement | undefined>>,
): Record<string, unknown> {
  return {
    query: plain({
      types: parsed.types ?? '*',
      compartment: parsed.compartment,
      criteria: parsed.criteria,
      sort: parsed.sort.map(({ code, descending }) => (descending ? `-${code}` : code)),
      includes: parsed.includes,
      contained: parsed.contained,
      count: parsed.count,
      ignored: parsed.ignored.map((issue) => issue.diagnostics),
    }),
    plan: chosen,
    statements: Object.entries(statements).flatMap(([purpose, statement]) =>
      statement === undefined
        ? []
        : [{ purpose, prepare: statement.prepare, sql: statement.text, values: statement.values }],
    ),
  };
}

/** Parameters become `Type.code`, maps become objects; everything else stays. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return plain(Object.fromEntries(value));
  if ('code' in value && 'resourceType' in value && 'expression' in value)
    return `${value.resourceType}.${value.code}`;
  const out: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(value)) if (one !== undefined) out[name] = plain(one);
  return out;
}
