import type { OwnerConnection } from '../migrate.ts';

/** How long a grant is kept after its last token has ended, in milliseconds: a reuse of its tokens is noticed so long. */
const GRANTS_KEPT = 30 * 86_400_000;
/** What others keep beyond their end, in milliseconds, for clocks that differ; codes too, so that a replay is noticed. */
const MARGIN = 3600_000;
const BATCH = 5000;

/** What ends by itself, with how long it is kept after that. */
const EXPIRING: Readonly<Record<string, number>> = {
  authorization_code: 24 * MARGIN,
  refresh_token: GRANTS_KEPT,
  auth_grant: GRANTS_KEPT,
  token_revocation: MARGIN,
  launch: MARGIN,
  client_assertion: MARGIN,
  account_session: GRANTS_KEPT,
  account_token: MARGIN,
  login_failure: 0,
  authorization_request: MARGIN,
  federated_login: MARGIN,
  consent_decision: MARGIN,
};

/**
 * Removes what has ended, in all tenants, in batches that do not block others.
 * @param connection of the owner, outside a transaction
 * @returns how many rows were removed
 */
export async function purgeAuth(connection: OwnerConnection): Promise<number> {
  let total = 0;
  for (const [table, kept] of Object.entries(EXPIRING)) {
    for (;;) {
      const { rowCount } = await connection.query(
        `delete from store.${table} where ctid = any(array(select ctid from store.${table} where expires < $1 limit $2))`,
        [Date.now() - kept, BATCH],
      );
      total += rowCount ?? 0;
      if ((rowCount ?? 0) < BATCH) break;
    }
  }
  return total;
}
