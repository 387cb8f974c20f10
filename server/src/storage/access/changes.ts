import type { Connections } from '../connections.ts';
import type { Transaction } from '../transaction.ts';

/** How often what bears on access has changed in a tenant. */
export interface AccessChange {
  readonly tenantId: number;
  readonly count: number;
}

/** Counts a change that bears on access, in the transaction that makes it. Its row is the last that is locked. */
export async function noteAccessChange(transaction: Transaction): Promise<void> {
  await transaction.note([
    {
      name: 'note-access-change',
      text: `insert into store.access_change as a (tenant_id, count) values ($1, 1)
        on conflict (tenant_id) do update set count = a.count + 1,
          changed = (extract(epoch from clock_timestamp()) * 1000)::bigint`,
      values: [transaction.tenant.id],
    },
  ]);
}

/**
 * Where what bears on access has changed since a moment, in all tenants.
 * @param moment by the database's clock, epoch milliseconds
 * @returns also the database's clock when it was asked
 */
export async function accessChangesSince(
  connections: Connections,
  moment: number,
): Promise<{ now: number; changed: AccessChange[] }> {
  const rows = await connections.global({
    text: 'select now, tenant_id, count from store.access_changes_since($1)',
    values: [moment],
  });
  return {
    now: Number(rows[0]?.[0]),
    changed: rows
      .filter((row) => row[1] !== null)
      .map((row) => ({ tenantId: row[1] as number, count: Number(row[2]) })),
  };
}
