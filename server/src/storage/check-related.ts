import type { Tenant } from '../access/scope.ts';
import type { TextEntry } from '../search/index-model.ts';
import type { Findings, TenantCheck } from './check-report.ts';
import type { CurrentRow } from './check-resource.ts';
import type { SqlStatement } from './connections.ts';
import { hashToText } from './rows.ts';

/** Runs a statement of the check and gives its rows as arrays. */
export type RunQuery = (statement: SqlStatement) => Promise<unknown[][]>;

/** What the history says of one resource. */
export interface HistorySummary {
  readonly count: number;
  readonly first: number;
  readonly last: number;
  /** When the newest of them was replaced, epoch milliseconds. */
  readonly replaced: number;
  /** Versions whose times, deletion mark or content contradict each other. */
  readonly odd: number;
  /** Versions of another id or type than the current one. */
  readonly foreign: number;
}

/** The histories of these rows by row id; a resource without past versions is left out. */
export async function histories(
  run: RunQuery,
  tenant: Tenant,
  rids: readonly string[],
): Promise<Map<string, HistorySummary>> {
  const rows = await run({
    name: 'check-history',
    text: `select h.rid, count(*)::int, min(h.version), max(h.version), max(h.replaced),
        count(*) filter (where h.deleted <> (h.content = '') or h.last_updated >= h.replaced)::int,
        count(*) filter (where r.id <> h.id or r.type <> h.type)::int
      from store.history h
      join store.resource r on r.tenant_id = h.tenant_id and r.type = h.type and r.rid = h.rid
      where h.tenant_id = $1::int and h.rid = any($2::bigint[]) group by h.rid`,
    values: [tenant.id, `{${rids.join(',')}}`],
  });
  return new Map(
    rows.map((row) => [
      row[0] as string,
      {
        count: row[1] as number,
        first: row[2] as number,
        last: row[3] as number,
        replaced: Number(row[4]),
        odd: row[5] as number,
        foreign: row[6] as number,
      },
    ]),
  );
}

/** A resource of version n has the versions 1 to n-1 in its history, the last of them replaced by the current one. */
export function historyDifferences(row: CurrentRow, history: HistorySummary | undefined): string[] {
  const wrong: string[] = [];
  if (history === undefined)
    return row.version === 1 ? [] : [`history: versions 1 to ${row.version - 1} are missing`];
  if (history.count !== row.version - 1 || history.first !== 1 || history.last !== row.version - 1) {
    wrong.push(
      `history: ${history.count} versions from ${history.first} to ${history.last} before version ${row.version}`,
    );
  }
  if (history.replaced !== row.lastUpdated)
    wrong.push('history: it does not end where the current version begins');
  if (history.odd > 0) wrong.push(`history: ${history.odd} versions contradict themselves`);
  if (history.foreign > 0) wrong.push(`history: ${history.foreign} versions are of another resource`);
  return wrong;
}

/** Most dictionary entries that are remembered as seen. */
const MAX_KNOWN = 200_000;

/** Looks whether the dictionary (store.index_text) has what resources refer to; what it has seen it does not ask again. */
export class DictionaryCheck {
  readonly #tenant: Tenant;
  readonly #known = new Set<string>();

  constructor(tenant: Tenant) {
    this.#tenant = tenant;
  }

  /**
   * @param wanted entries with the resource that needs them
   * @returns those that are missing or have another text, each once
   */
  async missing(
    run: RunQuery,
    wanted: readonly { readonly entry: TextEntry; readonly at: string }[],
  ): Promise<{ at: string; message: string }[]> {
    const asked = new Map<string, { entry: TextEntry; at: string }>();
    for (const one of wanted) {
      const key = `${one.entry.param} ${hashToText(one.entry.token)}`;
      if (!this.#known.has(key)) asked.set(key, one);
    }
    if (asked.size === 0) return [];
    const keys = [...asked.keys()].map((key) => key.split(' ') as [string, string]);
    const rows = await run({
      name: 'check-dictionary',
      text: `select t.param, t.token, t.value from unnest($2::int[], $3::bigint[]) as u(param, token)
        join store.index_text t on t.tenant_id = $1::int and t.param = u.param and t.token = u.token`,
      values: [
        this.#tenant.id,
        `{${keys.map(([param]) => param).join(',')}}`,
        `{${keys.map(([, token]) => token).join(',')}}`,
      ],
    });
    if (this.#known.size + asked.size > MAX_KNOWN) this.#known.clear();
    for (const [param, token, value] of rows as [number, string, string][]) {
      const key = `${param} ${token}`;
      if (asked.get(key)?.entry.text === value) {
        asked.delete(key);
        this.#known.add(key);
      }
    }
    return [...asked.values()].map(({ at }) => ({
      at,
      message: 'index_text: an entry is missing or differs',
    }));
  }
}

const TABLES = ['history', 'index_date', 'index_string', 'index_quantity', 'busy'] as const;

/** Rows of a tenant that belong to no resource. */
export async function orphans(
  run: RunQuery,
  tenant: Tenant,
  findings: Findings,
  check: TenantCheck,
): Promise<void> {
  for (const table of TABLES) {
    // Only the number is kept of what could be a whole table.
    const [row] = await run({
      text: `select count(*)::int, min(x.rid) from store.${table} x where x.tenant_id = $1::int
        and not exists (select from store.resource r where r.tenant_id = $1::int and r.rid = x.rid)`,
      values: [tenant.id],
    });
    const [count, rid] = row as [number, string | null];
    if (count > 0) findings.add(check, table, `${count} rows without a resource, e.g. of rid ${rid}`, count);
  }
}

/** Row ids are unique in a tenant, not only within a type: side tables have no type. */
export async function repeatedRowIds(
  run: RunQuery,
  tenant: Tenant,
  findings: Findings,
  check: TenantCheck,
): Promise<void> {
  const rows = await run({
    text: `select rid, count(*)::int from store.resource where tenant_id = $1::int group by rid having count(*) > 1 limit 20`,
    values: [tenant.id],
  });
  for (const [rid, count] of rows)
    findings.add(check, 'resource', `row id ${rid} is used by ${count} resources`);
}

/** Rows of tenants that do not exist (any more). */
export async function homelessRows(run: RunQuery, findings: Findings): Promise<void> {
  const tables = ['resource', ...TABLES, 'index_text', 'search_parameter', 'job'];
  for (const table of tables) {
    // Goes from one tenant number to the next by the index that every table has, without reading the rows between.
    const rows = await run({
      text: `with recursive t(id) as (
          select min(tenant_id) from store.${table}
          union all select (select min(x.tenant_id) from store.${table} x where x.tenant_id > t.id) from t where t.id is not null
        ) select t.id from t where t.id is not null and not exists (select from store.tenant s where s.id = t.id)`,
      values: [],
    });
    for (const [id] of rows)
      findings.add(undefined, table, `there are rows of tenant number ${id}, which does not exist`);
  }
}
