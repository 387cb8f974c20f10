import type { Tenant } from '../../access/scope.ts';
import type { Connections } from '../connections.ts';

/** Days since 1970-01-01 in UTC: what a tenant's tokens are counted by. */
export function dayOf(epochMilliseconds: number): number {
  return Math.floor(epochMilliseconds / 86_400_000);
}

/**
 * Reserves tokens of a tenant's day, if that many are left: whoever reserves first has them, in all processes.
 * @returns whether they are reserved; what was not used is given back with {@link settleTokens}
 */
export async function reserveTokens(
  connections: Connections,
  tenant: Tenant,
  day: number,
  tokens: number,
  budget: number,
): Promise<boolean> {
  const { count } = await connections.within(tenant, 'write', (connection) =>
    connection.query({
      text: `insert into store.model_use as u (tenant_id, day, tokens, requests)
        select $1, $2, $3::bigint, 1 where $3::bigint <= $4::bigint
        on conflict (tenant_id, day) do update set tokens = u.tokens + excluded.tokens, requests = u.requests + 1
          where u.tokens + excluded.tokens <= $4::bigint`,
      values: [tenant.id, day, tokens, budget],
    }),
  );
  return count > 0;
}

/** Counts what a request has really used. @param difference tokens used less those reserved */
export async function settleTokens(
  connections: Connections,
  tenant: Tenant,
  day: number,
  difference: number,
): Promise<void> {
  await connections.within(tenant, 'write', (connection) =>
    connection.query({
      text: `update store.model_use set tokens = greatest(tokens + $3::bigint, 0) where tenant_id = $1 and day = $2`,
      values: [tenant.id, day, difference],
    }),
  );
}

/** Tokens that a tenant has used, and reserved, on a day. */
export async function tokensUsed(connections: Connections, tenant: Tenant, day: number): Promise<number> {
  const { rows } = await connections.within(tenant, 'read', (connection) =>
    connection.query({
      text: 'select tokens from tenant.model_use where tenant_id = $1 and day = $2',
      values: [tenant.id, day],
    }),
  );
  return Number(rows[0]?.[0] ?? 0);
}
