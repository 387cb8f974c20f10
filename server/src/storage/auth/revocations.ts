import type { Tenant } from '../../access/scope.ts';
import { LONGEST_ACCESS_TOKEN } from '../../auth/settings.ts';
import type { Connections } from '../connections.ts';
import type { Transaction } from '../transaction.ts';

/** What is kept beyond the longest life of an access token, in milliseconds, for clocks that differ. */
const MARGIN = 300_000;

/** Notes that grants (their ids) or access tokens (their jti) have ended. */
export async function addRevocations(transaction: Transaction, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await transaction.query({
    text: `insert into store.token_revocation (tenant_id, id, expires) select $1::int, u, $3::bigint from unnest($2::text[]) as u
      on conflict do nothing`,
    values: [transaction.tenant.id, ids, Date.now() + LONGEST_ACCESS_TOKEN * 1000 + MARGIN],
  });
}

/** Whether any of these ids (of a grant, of a token) is revoked. */
export async function isRevoked(
  connections: Connections,
  tenant: Tenant,
  ids: readonly string[],
): Promise<boolean> {
  const { rows } = await connections.within(tenant, 'read', (connection) =>
    connection.query({
      name: 'is-revoked',
      text: 'select exists (select from tenant.token_revocation where tenant_id = $1 and id = any($2::text[]))',
      values: [tenant.id, ids],
    }),
  );
  return rows[0]?.[0] === true;
}

export interface Revocation {
  readonly tenantId: number;
  readonly id: string;
}

/**
 * What was revoked in all tenants since a moment.
 * @param moment by the database's clock, epoch milliseconds
 * @returns also the database's clock when it was asked
 */
export async function revocationsSince(
  connections: Connections,
  moment: number,
): Promise<{ now: number; revoked: Revocation[] }> {
  const rows = await connections.global({
    text: 'select now, tenant_id, id from store.revocations_since($1)',
    values: [moment],
  });
  return {
    now: Number(rows[0]?.[0]),
    revoked: rows
      .filter((row) => row[1] !== null)
      .map((row) => ({ tenantId: row[1] as number, id: row[2] as string })),
  };
}
