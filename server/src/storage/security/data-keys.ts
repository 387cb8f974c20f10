import type { Tenant } from '../../access/scope.ts';
import type { KeyPurpose, KeyUse } from '../../security/keys/data-key.ts';
import type { WrappedKey } from '../../security/keys/key-wrapper.ts';
import type { Connections } from '../connections.ts';
import { runTransaction } from '../transaction.ts';

/** A data key as it is stored. Times are epoch milliseconds. */
export interface StoredDataKey extends WrappedKey {
  readonly number: number;
  readonly created: number;
  readonly activeFrom: number;
}

/** The installation itself: whose keys concern all tenants. */
export const INSTALLATION: Tenant = { id: 0, name: '' };

const KEYS = `select number, wrapped, master_key, created, active_from from tenant.data_key
  where tenant_id = $1 order by number`;

/** All data keys of a tenant, the oldest first. */
export async function readDataKeys(connections: Connections, tenant: Tenant): Promise<StoredDataKey[]> {
  const { rows } = await connections.within(tenant, 'read', (connection) =>
    connection.query({ name: 'data-keys', text: KEYS, values: [tenant.id] }),
  );
  return rows.map(keyOf);
}

/**
 * Adds a data key while no other process does.
 * @param make told the keys that are there; returns the new one, or undefined for none
 * @returns the keys as they are then
 */
export async function addDataKey(
  connections: Connections,
  tenant: Tenant,
  make: (keys: readonly StoredDataKey[]) => Promise<StoredDataKey | undefined>,
): Promise<StoredDataKey[]> {
  return await runTransaction(connections, tenant, async (transaction) => {
    await transaction.query({
      text: `select pg_advisory_xact_lock(hashtext('store.data_key'), $1::int)`,
      values: [tenant.id],
    });
    const keys = (await transaction.query({ text: KEYS, values: [tenant.id] })).map(keyOf);
    const made = await make(keys);
    if (made === undefined) return keys;
    await transaction.query({
      text: `insert into store.data_key (tenant_id, number, wrapped, master_key, created, active_from)
        values ($1, $2, $3, $4, $5, $6)`,
      values: [tenant.id, made.number, made.wrapped, made.masterKey, made.created, made.activeFrom],
    });
    await transaction.query({
      text: `insert into store.key_event (tenant_id, at, event, number, master_key) values ($1, $2, 'made', $3, $4)`,
      values: [tenant.id, made.created, made.number, made.masterKey],
    });
    return [...keys, made];
  });
}

/**
 * Tenants whose keys have changed since a moment.
 * @param moment what the last call returned as `now`; 0 for all
 */
export async function changedDataKeys(
  connections: Connections,
  moment: number,
): Promise<{ now: number; tenants: number[] }> {
  const rows = await connections.global({
    text: 'select now, tenant_id from store.data_keys_since($1)',
    values: [moment],
  });
  return {
    now: Number(rows[0]?.[0]),
    tenants: rows.flatMap(([, id]) => (id === null ? [] : [id as number])),
  };
}

/**
 * Adds uses of a tenant's keys to those of the day (days since 1970-01-01). Those of a tenant that has been deleted since
 * are forgotten.
 */
export async function addKeyUse(
  connections: Connections,
  tenant: Tenant,
  day: number,
  uses: readonly (readonly [number, KeyPurpose, KeyUse])[],
): Promise<void> {
  await connections.within(tenant, 'write', (connection) =>
    connection.query({
      name: 'key-use',
      text: `insert into store.key_use as u (tenant_id, number, purpose, day, seals, opens)
        select $1::int, n, p, $2, s, o from unnest($3::int[], $4::text[], $5::bigint[], $6::bigint[]) as v(n, p, s, o)
        where $1::int = 0 or exists (select from store.tenant t where t.id = $1::int and t.state = 'active')
        on conflict (tenant_id, number, purpose, day)
        do update set seals = u.seals + excluded.seals, opens = u.opens + excluded.opens`,
      values: [
        tenant.id,
        day,
        uses.map(([number]) => number),
        uses.map(([, purpose]) => purpose),
        uses.map(([, , { seals }]) => seals),
        uses.map(([, , { opens }]) => opens),
      ],
    }),
  );
}

function keyOf(row: readonly unknown[]): StoredDataKey {
  return {
    number: row[0] as number,
    wrapped: row[1] as Buffer,
    masterKey: row[2] as string,
    created: Number(row[3]),
    activeFrom: Number(row[4]),
  };
}
