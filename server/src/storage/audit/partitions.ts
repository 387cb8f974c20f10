import { inTransaction, type OwnerConnection } from '../migrate.ts';

/** How long events are kept, in months: 7 years. */
export const RETENTION_MONTHS = 84;
/** Progress of spool files older than this, in milliseconds, is forgotten: none is left so long. */
const SOURCES_KEPT = 30 * 24 * 60 * 60 * 1000;

/**
 * Makes the partitions of this month and the next, and removes those whose events are all older than the retention.
 * Where the chains were cut is kept for their verification.
 * @param connection of the owner, outside a transaction
 * @returns the months that were removed, as `2019_11`
 */
export async function maintainAuditPartitions(
  connection: OwnerConnection,
  { now = Date.now(), retentionMonths = RETENTION_MONTHS }: { now?: number; retentionMonths?: number } = {},
): Promise<string[]> {
  await connection.query('select audit.ensure_month($1::bigint), audit.ensure_month($2::bigint)', [
    now,
    monthStart(now, 1),
  ]);
  await connection.query('delete from audit.source where seen < $1::bigint', [now - SOURCES_KEPT]);
  const { rows } = await connection.query(
    `select right(relname, 7) as month from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'audit' and relkind = 'r' and relname ~ '^batch_[0-9]{4}_[0-9]{2}$' order by 1`,
  );
  const oldest = monthName(monthStart(now, -retentionMonths));
  const due = (rows as { month: string }[]).map(({ month }) => month).filter((month) => month < oldest);
  for (const month of due) {
    await inTransaction(connection, async () => {
      await connection.query(
        `insert into audit.dropped as d (tenant_id, written, hash)
          select distinct on (tenant_id) tenant_id, written, hash from audit.batch_${month}
            order by tenant_id, written desc
          on conflict (tenant_id) do update set written = excluded.written, hash = excluded.hash
            where d.written < excluded.written`,
      );
      await connection.query(`drop table audit.event_${month}, audit.batch_${month}`);
    });
  }
  return due;
}

/** The start of the month, UTC, so many months after that of a moment: epoch milliseconds. */
export function monthStart(moment: number, months: number): number {
  const date = new Date(moment);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1);
}

function monthName(moment: number): string {
  return new Date(moment).toISOString().slice(0, 7).replace('-', '_');
}
