import type { OwnerConnection } from '../migrate.ts';

/** A batch with its events, as the owner reads them. */
export interface StoredBatch {
  readonly written: number;
  /** As its row says; undefined where events have no batch. */
  readonly link: { count: number; previous: Buffer; hash: Buffer; keyId: string } | undefined;
  readonly events: readonly StoredRow[];
}

export interface StoredRow {
  readonly n: number;
  readonly happened: number;
  readonly kind: number;
  readonly outcome: number;
  /** Texts of bigint. */
  readonly keys: readonly string[];
  readonly entry: string;
}

/** What is known of a chain besides its batches. */
export interface ChainState {
  /** Its end; undefined when nothing was ever added. */
  readonly head: { written: number; hash: Buffer } | undefined;
  /** The last batch that retention has removed. */
  readonly dropped: { written: number; hash: Buffer } | undefined;
  /** Events of writes that have not been added yet. */
  readonly waiting: number;
}

/** Tenants that have a chain or events, also those that were deleted: ids, with names where they are known. */
export async function chainTenants(
  connection: OwnerConnection,
): Promise<{ id: number; name: string | undefined }[]> {
  const { rows } = await connection.query(
    `select i.id, t.name from (
        select tenant_id as id from audit.chain union select tenant_id from audit.inbox
        union select tenant_id from audit.dropped
        union select distinct tenant_id from audit.batch union select distinct tenant_id from audit.event
      ) i left join store.tenant t on t.id = i.id order by i.id`,
  );
  return rows.map(({ id, name }) => ({ id, name: name ?? undefined }));
}

export async function chainState(connection: OwnerConnection, tenantId: number): Promise<ChainState> {
  const place = async (table: 'chain' | 'dropped') => {
    const { rows } = await connection.query(`select written, hash from audit.${table} where tenant_id = $1`, [
      tenantId,
    ]);
    return rows[0] && { written: Number(rows[0].written), hash: rows[0].hash as Buffer };
  };
  const { rows } = await connection.query('select count(*)::int as n from audit.inbox where tenant_id = $1', [
    tenantId,
  ]);
  return { head: await place('chain'), dropped: await place('dropped'), waiting: rows[0].n };
}

/** Batches read at once, and events at most unless one batch has more. */
const BATCHES = 200;

/**
 * All batches of a tenant in the order of the chain; also times that have events but no batch. Batches without a row of
 * their own are told all the same: they were removed or inserted.
 */
export async function* readBatches(
  connection: OwnerConnection,
  tenantId: number,
): AsyncGenerator<StoredBatch> {
  for (let after = -1; ; ) {
    const { rows: times } = await connection.query(
      `select written from (
          (select written from audit.batch where tenant_id = $1 and written > $2::bigint order by written limit ${BATCHES})
          union
          (select written from (select distinct written from audit.event where tenant_id = $1 and written > $2::bigint
            order by written limit ${BATCHES}) e)
        ) as t order by written limit ${BATCHES}`,
      [tenantId, after],
    );
    if (times.length === 0) return;
    const last = Number(times.at(-1).written);
    const range = [tenantId, after, last];
    const links = await connection.query(
      `select written, count, previous, hash, key_id from audit.batch
        where tenant_id = $1 and written > $2::bigint and written <= $3::bigint`,
      range,
    );
    const events = await connection.query(
      `select written, n, happened, kind, outcome, keys, entry from audit.event
        where tenant_id = $1 and written > $2::bigint and written <= $3::bigint order by written, n`,
      range,
    );
    const byTime = Map.groupBy(events.rows, (row) => Number(row.written));
    const linkOf = new Map(links.rows.map((row) => [Number(row.written), row]));
    for (const { written: text } of times) {
      const written = Number(text);
      const link = linkOf.get(written);
      yield {
        written,
        link: link && { count: link.count, previous: link.previous, hash: link.hash, keyId: link.key_id },
        events: (byTime.get(written) ?? []).map((row) => ({
          n: row.n,
          happened: Number(row.happened),
          kind: row.kind,
          outcome: row.outcome,
          keys: row.keys,
          entry: row.entry,
        })),
      };
    }
    after = last;
  }
}
