import type { Tenant } from '../../access/scope.ts';
import type { KeyAlgorithm } from '../../auth/keys/rotation.ts';
import type { Connections } from '../connections.ts';
import { runTransaction } from '../transaction.ts';

/** A signing key as it is stored. */
export interface StoredKey {
  readonly kid: string;
  readonly algorithm: KeyAlgorithm;
  readonly publicJwk: Readonly<Record<string, unknown>>;
  readonly sealedPrivate: Uint8Array;
  /** Epoch milliseconds. */
  readonly created: number;
}

const KEYS =
  'select kid, algorithm, public_jwk, sealed_private, created from tenant.signing_key where tenant_id = $1';

/** All signing keys of a tenant. */
export async function readSigningKeys(connections: Connections, tenant: Tenant): Promise<StoredKey[]> {
  const { rows } = await connections.within(tenant, 'read', (connection) =>
    connection.query({ name: 'signing-keys', text: KEYS, values: [tenant.id] }),
  );
  return rows.map(keyOf);
}

/**
 * Changes a tenant's keys while no other process does.
 * @param change told the keys as they are; says which to add and which to remove
 * @returns the keys as they are then
 */
export async function changeSigningKeys(
  connections: Connections,
  tenant: Tenant,
  change: (keys: readonly StoredKey[]) => Promise<{ add: readonly StoredKey[]; remove: readonly string[] }>,
): Promise<StoredKey[]> {
  return await runTransaction(connections, tenant, async (transaction) => {
    await transaction.query({
      text: `select pg_advisory_xact_lock(hashtext('store.signing_key'), $1::int)`,
      values: [tenant.id],
    });
    const keys = (await transaction.query({ text: KEYS, values: [tenant.id] })).map(keyOf);
    const { add, remove } = await change(keys);
    for (const key of add) {
      await transaction.query({
        text: `insert into store.signing_key (tenant_id, kid, algorithm, public_jwk, sealed_private, created)
          values ($1, $2, $3, $4, $5, $6)`,
        values: [
          tenant.id,
          key.kid,
          key.algorithm,
          JSON.stringify(key.publicJwk),
          key.sealedPrivate,
          key.created,
        ],
      });
    }
    if (remove.length > 0) {
      await transaction.query({
        text: 'delete from store.signing_key where tenant_id = $1 and kid = any($2)',
        values: [tenant.id, remove],
      });
    }
    return [...keys.filter(({ kid }) => !remove.includes(kid)), ...add];
  });
}

function keyOf(row: readonly unknown[]): StoredKey {
  return {
    kid: row[0] as string,
    algorithm: row[1] as KeyAlgorithm,
    publicJwk: row[2] as Record<string, unknown>,
    sealedPrivate: row[3] as Buffer,
    created: Number(row[4]),
  };
}
