import type { Tenant } from '../access/scope.ts';
import { typeName } from '../conformance/resource-types.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { Hash64 } from '../search/hash.ts';
import { SqlBuilder } from '../search/plan/sql.ts';
import { hashArray } from './binary-array.ts';
import type { Connections, Row, SqlStatement } from './connections.ts';
import { hashToText, type Method, type StoredVersion } from './rows.ts';

const COLUMNS = 'type, id, version, last_updated, method, deleted, content';

function toVersion(row: Row, at = 0): StoredVersion {
  return {
    type: typeName(row[at] as number),
    id: row[at + 1] as string,
    version: row[at + 2] as number,
    lastUpdated: Number(row[at + 3]),
    method: row[at + 4] as Method,
    deleted: row[at + 5] as boolean,
    content: row[at + 6] as string,
  };
}

/** A version, and which of the tokens that were asked about its resource has in the index: texts of bigint. */
export interface ReadVersion extends StoredVersion {
  readonly tokens?: readonly string[];
}

interface Waiting {
  readonly refHash: Hash64;
  /** What is asked about its tokens. */
  readonly tokens: readonly Hash64[];
  readonly resolve: (version: ReadVersion | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Most reads that go into one statement, and most statements of a tenant under way at once. */
const BATCH = 64;
const UNDER_WAY = 2;

/**
 * Reads by id. Those that arrive while others are under way share one statement: under load a read costs a fraction of
 * a round trip, and a single read waits for nobody.
 */
export class VersionReader {
  readonly #connections: Connections;
  readonly #queues = new Map<number, { waiting: Waiting[]; underWay: number; scheduled: boolean }>();

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /**
   * The current version of a resource, a deletion too, by the hash of `Type/id`; undefined if there never was one.
   * @param tokens index tokens of which the answer says whether the resource has them
   */
  read(
    tenant: Tenant,
    refHash: Hash64,
    tokens: readonly Hash64[] = NO_TOKENS,
  ): Promise<ReadVersion | undefined> {
    let queue = this.#queues.get(tenant.id);
    if (queue === undefined) {
      queue = { waiting: [], underWay: 0, scheduled: false };
      this.#queues.set(tenant.id, queue);
    }
    const { promise, resolve, reject } = Promise.withResolvers<ReadVersion | undefined>();
    queue.waiting.push({ refHash, tokens, resolve, reject });
    if (queue.underWay < UNDER_WAY && !queue.scheduled) {
      queue.scheduled = true;
      const scheduled = queue;
      // After the requests that the same turn of the event loop has read from their sockets.
      setImmediate(() => {
        scheduled.scheduled = false;
        this.#start(tenant, scheduled);
      });
    }
    return promise;
  }

  #start(tenant: Tenant, queue: { waiting: Waiting[]; underWay: number }): void {
    while (queue.waiting.length > 0 && queue.underWay < UNDER_WAY) {
      const batch = queue.waiting.splice(0, BATCH);
      queue.underWay++;
      this.#readBatch(tenant, batch).finally(() => {
        queue.underWay--;
        this.#start(tenant, queue);
      });
    }
  }

  async #readBatch(tenant: Tenant, batch: readonly Waiting[]): Promise<void> {
    try {
      const rows = await this.#connections.within(tenant, 'read', async (connection) => {
        const { rows } = await connection.query(readStatement(tenant, batch));
        return rows;
      });
      if (batch.length === 1) {
        batch[0]!.resolve(rows.length === 0 ? undefined : toReadVersion(rows[0]!));
        return;
      }
      const found = new Map(rows.map((row) => [row[0] as string, row]));
      for (const waiting of batch) {
        const row = found.get(hashToText(waiting.refHash));
        waiting.resolve(row === undefined ? undefined : toReadVersion(row));
      }
    } catch (error) {
      // One resource that cannot be decrypted is no reason to refuse those that were read with it.
      if (batch.length > 1 && error instanceof FhirError && error.status === 500)
        for (const waiting of batch) await this.#readBatch(tenant, [waiting]);
      else for (const waiting of batch) waiting.reject(error);
    }
  }
}

const NO_TOKENS: readonly Hash64[] = [];

/** Which tokens each resource has is asked for only where some read of the batch asks. */
function readStatement(tenant: Tenant, batch: readonly Waiting[]): SqlStatement {
  const refHashes = hashArray(batch.map((waiting) => waiting.refHash));
  const tokens = batch.flatMap((waiting) => waiting.tokens);
  const where = 'from tenant.resource r where tenant_id = $1 and ref_hash = any($2::bigint[])';
  if (tokens.length === 0)
    return { name: 'read', text: `select ref_hash, ${COLUMNS} ${where}`, values: [tenant.id, refHashes] };
  return {
    name: 'read-tokens',
    text: `select ref_hash, ${COLUMNS},
        (select string_agg(asked.token::text, ' ') from unnest($3::bigint[]) asked(token) where asked.token = any(r.tokens)) ${where}`,
    values: [tenant.id, refHashes, hashArray(tokens)],
  };
}

function toReadVersion(row: Row): ReadVersion {
  const tokens = row[8] as string | null | undefined;
  return typeof tokens === 'string' ? { ...toVersion(row, 1), tokens: tokens.split(' ') } : toVersion(row, 1);
}

/** A version by number, current or past; undefined if there is none. */
export async function readVersion(
  connections: Connections,
  tenant: Tenant,
  refHash: Hash64,
  version: number,
): Promise<StoredVersion | undefined> {
  return connections.within(tenant, 'read', async (connection) => {
    const values = [tenant.id, hashToText(refHash), version];
    const { rows } = await connection.query({
      name: 'vread',
      text: `select ${COLUMNS} from tenant.resource where tenant_id = $1 and ref_hash = $2 and version = $3
        union all
        select h.type, h.id, h.version, h.last_updated, h.method, h.deleted, h.content from tenant.history h
        where h.tenant_id = $1 and h.version = $3
          and h.rid = (select rid from tenant.resource where tenant_id = $1 and ref_hash = $2)`,
      values,
    });
    return rows[0] === undefined ? undefined : toVersion(rows[0]);
  });
}

/** Writes a condition over the row of an alias, binding its values in the statement. */
export type RowRestriction = (sql: SqlBuilder, alias: string) => string;

/** Where a page of a history goes on: strictly after this version in newest-first order. */
export interface HistoryPosition {
  readonly lastUpdated: number;
  readonly rid: string;
}

export interface HistoryQuery {
  /** The instance, else the type (its code), else everything. */
  readonly refHash?: Hash64;
  readonly types?: readonly number[];
  /** Only versions made at or after this time (`_since`), epoch milliseconds. */
  readonly since?: number;
  /** Only versions that were current at some time within this period (`_at`), epoch milliseconds, inclusive. */
  readonly at?: { readonly low: number; readonly high: number };
  /** Only these resources (`_list`). */
  readonly refHashes?: readonly Hash64[];
  /** Writes the condition of an access scope over a row of versions. */
  readonly restriction?: RowRestriction;
  readonly after?: HistoryPosition;
  readonly limit: number;
}

/**
 * Versions newest first (R4 http.html#history), deletions included, at most `limit`.
 * @returns versions with their row id, which with lastUpdated is the position for the next page
 */
export async function readHistory(
  connections: Connections,
  tenant: Tenant,
  query: HistoryQuery,
): Promise<(StoredVersion & { rid: string })[]> {
  const sql = new SqlBuilder(tenant.id);
  const conditions: string[] = ['v.tenant_id = $1'];
  const current = 'select rid from tenant.resource where tenant_id = $1 and ref_hash';
  if (query.refHash !== undefined) conditions.push(`v.rid = (${current} = ${sql.hash(query.refHash)})`);
  if (query.types !== undefined) conditions.push(`v.type = any(${sql.bind(query.types, 'smallint[]')})`);
  if (query.since !== undefined) conditions.push(`v.last_updated >= ${sql.bind(query.since, 'bigint')}`);
  if (query.at !== undefined) {
    conditions.push(
      `v.last_updated <= ${sql.bind(query.at.high, 'bigint')}`,
      `(v.replaced is null or v.replaced > ${sql.bind(query.at.low, 'bigint')})`,
    );
  }
  if (query.refHashes !== undefined)
    conditions.push(`v.rid in (${current} = any(${sql.hashes(query.refHashes)}))`);
  if (query.restriction !== undefined) conditions.push(`(${query.restriction(sql, 'v')})`);
  if (query.after !== undefined) {
    const { lastUpdated, rid } = query.after;
    conditions.push(
      `(v.last_updated, v.rid) < (${sql.bind(lastUpdated, 'bigint')}, ${sql.bind(rid, 'bigint')})`,
    );
  }
  const limit = sql.bind(query.limit, 'int');
  const scoped = 'tenant_id, rid, ref_hash, date_low, date_high, patient, tokens, present';
  // Each half is ordered and limited by its own index before the two are merged.
  const half = (table: string, replaced: string) =>
    `(select v.rid, v.type, v.id, v.version, v.last_updated, v.method, v.deleted, v.content
      from (select ${scoped}, ${COLUMNS}, ${replaced} as replaced from tenant.${table}) v
      where ${conditions.join(' and ')} order by v.last_updated desc, v.rid desc limit ${limit})`;
  const text = `select * from (${half('resource', 'null::bigint')} union all ${half('history', 'replaced')}) as versions
    order by last_updated desc, rid desc limit ${limit}`;
  return connections.within(tenant, query.refHash === undefined ? 'search' : 'read', async (connection) => {
    const { rows } = await connection.query(sql.statement(text, 'custom'));
    return rows.map((row) => ({ ...toReadVersion(row), rid: row[0] as string }));
  });
}
