import { setTimeout as sleep } from 'node:timers/promises';
import type { Tenant } from '../access/scope.ts';
import type { OwnerConnection } from './migrate.ts';

/** A tenant as `vesta tenant list` shows it. */
export interface TenantInfo extends Tenant {
  readonly created: Date;
  readonly state: 'active' | 'deleting';
}

/** Thrown when a tenant's name is wrong, taken or unknown; the message is for the operator. */
export class TenantError extends Error {}

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** @throws TenantError when the text cannot be a tenant's name, which is part of URLs */
export function checkTenantName(name: string): void {
  if (!NAME.test(name)) {
    throw new TenantError(
      `"${name}" is no tenant name: 1 to 63 of a-z, 0-9 and hyphens are allowed, beginning with a letter or digit`,
    );
  }
}

/**
 * Makes a tenant.
 * @param connection of the owner
 * @throws TenantError when the name is wrong or taken
 */
export async function createTenant(connection: OwnerConnection, name: string): Promise<Tenant> {
  const made = await insertTenant(connection, name);
  if (made === undefined) throw new TenantError(`There is a tenant "${name}" already`);
  return made;
}

/** The tenant of this name, made when there is none. `created` tells which. */
export async function ensureTenant(
  connection: OwnerConnection,
  name: string,
): Promise<{ tenant: Tenant; created: boolean }> {
  const { rows } = await connection.query('select id from store.tenant where name = $1', [name]);
  if (rows[0] !== undefined) return { tenant: { id: rows[0].id, name }, created: false };
  const made = await insertTenant(connection, name);
  return made === undefined ? await ensureTenant(connection, name) : { tenant: made, created: true };
}

/** All tenants by name. */
export async function listTenants(connection: OwnerConnection): Promise<TenantInfo[]> {
  const { rows } = await connection.query('select id, name, created, state from store.tenant order by name');
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    created: new Date(Number(row.created)),
    state: row.state,
  }));
}

export interface DeleteOptions {
  /** Rows per statement; default 20,000. */
  readonly batch?: number;
  /** How long to wait after the tenant was closed, until no server process uses it any more; default 3 s. */
  readonly settle?: number;
  /** Told how many rows have gone so far. */
  readonly progress?: (rows: number) => void;
}

/**
 * Removes a tenant with all its rows in schema `store`, in batches that do not block others. The audit log (schema
 * `audit`) stays until its retention is over (storage/audit/partitions.ts): who saw what is asked for after the tenant,
 * too. Data keys go, and with them what they have encrypted. The tenant is closed to requests first; if this is
 * interrupted, calling it again goes on.
 * @param connection of the owner, outside a transaction
 * @returns how many rows were removed
 * @throws TenantError when there is no such tenant
 */
export async function deleteTenant(
  connection: OwnerConnection,
  name: string,
  { batch = 20_000, settle = 3000, progress = () => {} }: DeleteOptions = {},
): Promise<number> {
  const { rows } = await connection.query(
    `update store.tenant set state = 'deleting' where name = $1 returning id`,
    [name],
  );
  if (rows[0] === undefined) throw new TenantError(`There is no tenant "${name}"`);
  const id = rows[0].id as number;
  await sleep(settle);
  const tables = await connection.query(
    `select quote_ident(table_name) as name from information_schema.columns
      join information_schema.tables using (table_schema, table_name)
      where table_schema = 'store' and column_name = 'tenant_id' and table_type = 'BASE TABLE' order by 1`,
  );
  let total = 0;
  // A second pass catches what a transaction wrote that began before the tenant was closed.
  for (let pass = 0; pass < 2; pass++) {
    for (const { name: table } of tables.rows as { name: string }[]) {
      for (;;) {
        const { rowCount } = await connection.query(
          `delete from store.${table} where ctid = any(array(select ctid from store.${table} where tenant_id = $1 limit $2))`,
          [id, batch],
        );
        total += rowCount ?? 0;
        progress(total);
        if ((rowCount ?? 0) < batch) break;
      }
    }
  }
  await connection.query(`delete from store.tenant where id = $1 and state = 'deleting'`, [id]);
  return total;
}

/**
 * Changes settings of a tenant; running servers observe them with their next request.
 * @param settings by name; null takes one away
 * @returns all settings of the tenant
 * @throws TenantError when there is no such tenant
 */
export async function configureTenant(
  connection: OwnerConnection,
  name: string,
  settings: Readonly<Record<string, string | readonly string[] | null>>,
): Promise<Record<string, unknown>> {
  const { rows } = await connection.query(
    `update store.tenant set config = jsonb_strip_nulls(config || $2::jsonb),
        conformance_version = conformance_version + ($2::jsonb <> '{}')::int
      where name = $1 and state = 'active' returning config`,
    [name, JSON.stringify(settings)],
  );
  if (rows[0] === undefined) throw new TenantError(`There is no tenant "${name}"`);
  return rows[0].config as Record<string, unknown>;
}

/** As {@link configureTenant}, of those settings that nobody has made yet. */
export async function configureWhereUnset(
  connection: OwnerConnection,
  name: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const known = await configureTenant(connection, name, {});
  const unset = Object.entries(settings).filter(([setting]) => known[setting] === undefined);
  if (unset.length > 0) await configureTenant(connection, name, Object.fromEntries(unset));
}

async function insertTenant(connection: OwnerConnection, name: string): Promise<Tenant | undefined> {
  checkTenantName(name);
  const { rows } = await connection.query(
    'insert into store.tenant (name, created) values ($1, $2) on conflict (name) do nothing returning id',
    [name, Date.now()],
  );
  return rows[0] && { id: rows[0].id as number, name };
}
