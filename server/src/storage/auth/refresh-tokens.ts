import type { Tenant } from '../../access/scope.ts';
import { hashSecret } from '../../auth/hash.ts';
import type { Connections } from '../connections.ts';
import type { Transaction } from '../transaction.ts';

/** A refresh token as it is found when it is presented. */
export interface StoredRefreshToken {
  readonly grantId: string;
  /** Epoch milliseconds. */
  readonly created: number;
  readonly expires: number;
  /** When it was exchanged for the next one. */
  readonly used?: number;
  /** Whether the next one was used, too. */
  readonly successorUsed: boolean;
  /** Until when the next one lives. */
  readonly successorExpires?: number;
}

export async function insertRefreshToken(
  transaction: Transaction,
  token: string,
  { grantId, expires }: Pick<StoredRefreshToken, 'grantId' | 'expires'>,
): Promise<void> {
  await transaction.query({
    text: 'insert into store.refresh_token (tenant_id, token_hash, grant_id, created, expires) values ($1, $2, $3, $4, $5)',
    values: [transaction.tenant.id, hashSecret(token), grantId, Date.now(), expires],
  });
}

const FIND = `select t.grant_id, t.created, t.expires, t.used, n.used is not null, n.expires from store.refresh_token t
  left join store.refresh_token n on n.tenant_id = $1 and n.token_hash = t.successor_hash
  where t.tenant_id = $1 and t.token_hash = $2`;

/** Looks a refresh token up and keeps others from using it until the transaction's end. */
export async function lockRefreshToken(
  transaction: Transaction,
  token: string,
): Promise<StoredRefreshToken | undefined> {
  const values = [transaction.tenant.id, hashSecret(token)];
  // First the lock, then the look: what another transaction did while this one waited has to be seen.
  await transaction.query({
    text: 'select from store.refresh_token where tenant_id = $1 and token_hash = $2 for update',
    values,
  });
  const rows = await transaction.query({ text: FIND, values });
  return rows[0] && refreshTokenOf(rows[0]);
}

/** Looks a refresh token up, for introspection. */
export async function findRefreshToken(
  connections: Connections,
  tenant: Tenant,
  token: string,
): Promise<StoredRefreshToken | undefined> {
  const { rows } = await connections.within(tenant, 'read', (connection) =>
    connection.query({ text: FIND, values: [tenant.id, hashSecret(token)] }),
  );
  return rows[0] && refreshTokenOf(rows[0]);
}

/** Notes that a refresh token was exchanged for another. */
export async function markExchanged(
  transaction: Transaction,
  token: string,
  successor: string,
): Promise<void> {
  await transaction.query({
    text: 'update store.refresh_token set used = $3, successor_hash = $4 where tenant_id = $1 and token_hash = $2',
    values: [transaction.tenant.id, hashSecret(token), Date.now(), hashSecret(successor)],
  });
}

function refreshTokenOf(row: readonly unknown[]): StoredRefreshToken {
  return {
    grantId: row[0] as string,
    created: Number(row[1]),
    expires: Number(row[2]),
    ...(row[3] === null ? {} : { used: Number(row[3]) }),
    successorUsed: row[4] === true,
    ...(row[5] === null ? {} : { successorExpires: Number(row[5]) }),
  };
}
