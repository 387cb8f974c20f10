import type { Tenant } from '../../access/scope.ts';
import type { Connections, SqlStatement } from '../connections.ts';

/** A condition on rows of the audit log, with its parameters. */
export type AuditCondition =
  | { readonly kind: 'always' | 'never' }
  | { readonly kind: 'all' | 'any'; readonly of: readonly AuditCondition[] }
  | { readonly kind: 'not'; readonly of: AuditCondition }
  /** Any of these keys, as texts of bigint. */
  | { readonly kind: 'keys'; readonly keys: readonly string[] }
  | { readonly kind: 'kinds' | 'outcomes'; readonly numbers: readonly number[] }
  /** Happened from low to high, epoch milliseconds, both included. */
  | { readonly kind: 'happened'; readonly low: number; readonly high: number }
  | { readonly kind: 'written'; readonly low: number; readonly high: number }
  | { readonly kind: 'place'; readonly places: readonly { readonly written: number; readonly n: number }[] }
  /** A text of the entry: equal to, or beginning with, one of these; without regard to case where it is a string. */
  | {
      readonly kind: 'text';
      readonly name: 'address' | 'role' | 'token' | 'login' | 'client' | 'agent' | 'what' | 'request';
      readonly match: 'equals' | 'starts' | 'contains' | 'exact';
      readonly values: readonly string[];
    }
  /** Concerns one of these patients. */
  | { readonly kind: 'patients'; readonly ids: readonly string[] }
  /** Is about one of these. */
  | { readonly kind: 'about'; readonly references: readonly string[] }
  | { readonly kind: 'has'; readonly name: string };

/** A row as it is read. */
export interface ReadRow {
  readonly written: number;
  readonly n: number;
  readonly entry: string;
}

export interface PageRequest {
  readonly condition: AuditCondition;
  readonly descending: boolean;
  /** Begins after this place. */
  readonly after?: { readonly written: number; readonly n: number };
  readonly limit: number;
}

/** How much later than it happened an event of an ordinary day is written; and how far clocks differ. */
const CLOCKS = 300_000;

/** The rows of a page, by their place in the log. @throws FhirError 503 when the database is away or takes too long */
export async function readPage(
  connections: Connections,
  tenant: Tenant,
  { condition, descending, after, limit }: PageRequest,
): Promise<ReadRow[]> {
  const values: unknown[] = [tenant.id];
  const put = parameters(values);
  const where = [sqlOf(condition, put), ...timeBounds(condition, put)];
  if (after !== undefined) {
    const sign = descending ? '<' : '>';
    where.push(`(e.written, e.n) ${sign} (${put(after.written)}::bigint, ${put(after.n)}::int)`);
    // Prunes partitions, which the comparison of rows does not.
    where.push(`e.written ${sign}= ${put(after.written)}::bigint`);
  }
  const order = descending ? 'desc' : 'asc';
  const statement: SqlStatement = {
    text: `select e.written, e.n, e.entry from tenant.audit_event e where e.tenant_id = $1 and ${where.join(' and ')}
      order by e.written ${order}, e.n ${order} limit ${put(limit)}::int`,
    values,
  };
  const { rows } = await connections.within(tenant, 'search', (connection) => connection.query(statement));
  return rows.map(([written, n, entry]) => ({
    written: Number(written),
    n: n as number,
    entry: entry as string,
  }));
}

/** How many rows meet a condition. */
export async function countRows(
  connections: Connections,
  tenant: Tenant,
  condition: AuditCondition,
): Promise<number> {
  const values: unknown[] = [tenant.id];
  const put = parameters(values);
  const where = [sqlOf(condition, put), ...timeBounds(condition, put)];
  const statement = {
    text: `select count(*) from tenant.audit_event e where e.tenant_id = $1 and ${where.join(' and ')}`,
    values,
  };
  const { rows } = await connections.within(tenant, 'search', (connection) => connection.query(statement));
  return Number(rows[0]?.[0]);
}

type Put = (value: unknown) => string;

function parameters(values: unknown[]): Put {
  return (value) => `$${values.push(value)}`;
}

/**
 * Rows are in the order of writing, which follows the order of happening with a delay that the chain knows the greatest
 * of: what must have happened in a time can only stand in a part of the log.
 */
function timeBounds(condition: AuditCondition, put: Put): string[] {
  const ranges = condition.kind === 'all' ? condition.of : [condition];
  return ranges.flatMap((part) => {
    if (part.kind !== 'happened') return [];
    const bounds: string[] = [];
    if (Number.isFinite(part.low)) bounds.push(`e.written >= ${put(Math.floor(part.low) - CLOCKS)}::bigint`);
    if (Number.isFinite(part.high)) {
      bounds.push(`e.written <= ${put(Math.ceil(part.high) + CLOCKS)}::bigint
        + coalesce((select c.longest_delay from tenant.audit_chain c where c.tenant_id = $1), 0)`);
    }
    return bounds;
  });
}

function sqlOf(condition: AuditCondition, put: Put): string {
  switch (condition.kind) {
    case 'always':
      return 'true';
    case 'never':
      return 'false';
    case 'all':
      return joined(condition.of, ' and ', 'true', put);
    case 'any':
      return joined(condition.of, ' or ', 'false', put);
    case 'not':
      return `not coalesce(${sqlOf(condition.of, put)}, false)`;
    case 'keys':
      return `e.keys && ${put(condition.keys)}::bigint[]`;
    case 'kinds':
      return `e.kind = any(${put(condition.numbers)}::smallint[])`;
    case 'outcomes':
      return `e.outcome = any(${put(condition.numbers)}::smallint[])`;
    case 'happened':
      return between('e.happened', condition, put);
    case 'written':
      return between('e.written', condition, put);
    case 'place':
      return condition.places.length === 0
        ? 'false'
        : `(${condition.places
            .map(({ written, n }) => `e.written = ${put(written)}::bigint and e.n = ${put(n)}::int`)
            .join(' or ')})`;
    case 'text':
      return textSql(condition, put);
    case 'patients':
      return `(e.entry::jsonb -> 'patients') ?| ${put(condition.ids)}::text[]`;
    case 'about':
      return `(e.entry::jsonb -> 'about') ?| ${put(condition.references)}::text[]`;
    case 'has':
      return `e.entry::jsonb ? ${put(condition.name)}::text`;
  }
}

function joined(parts: readonly AuditCondition[], by: string, none: string, put: Put): string {
  return parts.length === 0 ? none : `(${parts.map((part) => sqlOf(part, put)).join(by)})`;
}

function between(column: string, { low, high }: { low: number; high: number }, put: Put): string {
  const parts: string[] = [];
  if (Number.isFinite(low)) parts.push(`${column} >= ${put(Math.ceil(low))}::bigint`);
  if (Number.isFinite(high)) parts.push(`${column} <= ${put(Math.floor(high))}::bigint`);
  return parts.length === 0 ? 'true' : `(${parts.join(' and ')})`;
}

function textSql(condition: AuditCondition & { kind: 'text' }, put: Put): string {
  const text = `(e.entry::jsonb ->> '${condition.name}')`;
  const { values, match } = condition;
  if (match === 'equals') return `${text} = any(${put(values)}::text[])`;
  const parts = values.map((value) => {
    if (match === 'exact') return `${text} = ${put(value)}::text`;
    if (match === 'contains') return `strpos(lower(${text}), lower(${put(value)}::text)) > 0`;
    return `starts_with(lower(${text}), lower(${put(value)}::text))`;
  });
  return parts.length === 0 ? 'false' : `(${parts.join(' or ')})`;
}
