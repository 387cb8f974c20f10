import type { Tenant } from '../access/scope.ts';
import { typeName } from '../conformance/resource-types.ts';
import type { Hash64 } from '../search/hash.ts';
import { SqlBuilder } from '../search/plan/sql.ts';
import type { Connections, Row } from './connections.ts';
import type { RowRestriction } from './read-versions.ts';

/** A current resource as operations over many of them return it. */
export interface FoundResource {
  readonly rid: string;
  readonly type: string;
  readonly id: string;
  readonly content: string;
}

export interface MemberQuery {
  /** `Type/id` hash of the resource whose compartment it is: it comes first. */
  readonly focus: Hash64;
  /** Token of membership. */
  readonly token: Hash64;
  /** Codes of the types wanted; undefined for all. */
  readonly types?: readonly number[];
  /** Only what was changed at or after this time, epoch milliseconds. */
  readonly since?: number;
  /** Only what has no date of care or one that overlaps this period, epoch milliseconds. */
  readonly care?: { readonly low: number; readonly high: number };
  /** Row id of the last resource of the page before. */
  readonly after?: string;
  readonly limit: number;
  /** Writes the condition of an access scope. */
  readonly restriction?: RowRestriction;
  /** Likewise, of the members that support is looked for from. */
  readonly memberRestriction?: RowRestriction;
}

const found = (row: Row): FoundResource => ({
  rid: row[0] as string,
  type: typeName(row[1] as number),
  id: row[2] as string,
  content: row[3] as string,
});

/** Conditions that both kinds of members share, over alias `r`. */
function conditions(query: MemberQuery, sql: SqlBuilder): string[] {
  const result: string[] = ['r.tenant_id = $1', 'not r.deleted'];
  if (query.types !== undefined) result.push(`r.type = any(${sql.bind(query.types, 'smallint[]')})`);
  if (query.since !== undefined) result.push(`r.last_updated >= ${sql.bind(query.since, 'bigint')}`);
  if (query.care !== undefined) {
    const { low, high } = query.care;
    const overlaps = `r.date_low <= ${sql.bind(high, 'bigint')} and r.date_high >= ${sql.bind(low, 'bigint')}`;
    result.push(`(r.date_low is null or r.ref_hash = ${sql.hash(query.focus)} or (${overlaps}))`);
  }
  if (query.after !== undefined) result.push(`r.rid > ${sql.bind(query.after, 'bigint')}`);
  if (query.restriction !== undefined) result.push(`(${query.restriction(sql, 'r')})`);
  return result;
}

/** The members of a compartment and its focus, oldest row first, at most `limit`. */
export async function compartmentMembers(
  connections: Connections,
  tenant: Tenant,
  query: MemberQuery,
): Promise<FoundResource[]> {
  const sql = new SqlBuilder(tenant.id);
  const where = conditions(query, sql);
  where.push(`(r.tokens @> array[${sql.hash(query.token)}] or r.ref_hash = ${sql.hash(query.focus)})`);
  const text = `select r.rid, r.type, r.id, r.content from tenant.resource r
    where ${where.join(' and ')} order by r.rid limit ${sql.bind(query.limit, 'int')}`;
  return connections.within(tenant, 'search', async (connection) => {
    const { rows } = await connection.query(sql.statement(text, 'custom'));
    return rows.map(found);
  });
}

/**
 * What the members of a compartment refer to and is no member itself, such as practitioners, organizations, locations
 * and medications, oldest row first, at most `limit`.
 * @param salts salts of the pseudo-parameters whose tokens say "refers to" (fhir/write/integrity.ts)
 * @param excluded codes of types that are never support, e.g. other patients
 */
export async function compartmentSupport(
  connections: Connections,
  tenant: Tenant,
  query: MemberQuery,
  salts: readonly Hash64[],
  excluded: readonly number[],
): Promise<FoundResource[]> {
  const sql = new SqlBuilder(tenant.id);
  const { care: _care, ...rest } = query;
  const token = sql.hash(query.token);
  const focus = sql.hash(query.focus);
  const where = conditions(rest, sql);
  where.push(
    `not r.tokens @> array[${token}]`,
    `r.ref_hash <> ${focus}`,
    `r.type <> all(${sql.bind(excluded, 'smallint[]')})`,
  );
  const allowed = query.memberRestriction === undefined ? 'true' : query.memberRestriction(sql, 'm');
  const text = `with targets as (
      select distinct t.token # s.salt as ref_hash
      from tenant.resource m cross join lateral unnest(m.tokens) as t(token) cross join unnest(${sql.hashes(salts)}) as s(salt)
      where m.tenant_id = $1 and not m.deleted and (m.tokens @> array[${token}] or m.ref_hash = ${focus}) and (${allowed})
    )
    select r.rid, r.type, r.id, r.content from targets join tenant.resource r on r.ref_hash = targets.ref_hash
    where ${where.join(' and ')} order by r.rid limit ${sql.bind(query.limit, 'int')}`;
  return connections.within(tenant, 'search', async (connection) => {
    const { rows } = await connection.query(sql.statement(text, 'custom'));
    return rows.map(found);
  });
}
