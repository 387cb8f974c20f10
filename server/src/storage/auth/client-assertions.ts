import type { Tenant } from '../../access/scope.ts';
import { hashSecret } from '../../auth/hash.ts';
import type { Connections } from '../connections.ts';

/**
 * Notes that an assertion of a client was used.
 * @param expires epoch milliseconds, after which the assertion is refused for its age
 * @returns false when it was used before
 */
export async function useAssertion(
  connections: Connections,
  tenant: Tenant,
  clientId: string,
  jti: string,
  expires: number,
): Promise<boolean> {
  const { count } = await connections.within(tenant, 'write', (connection) =>
    connection.query({
      text: 'insert into store.client_assertion (tenant_id, jti_hash, expires) values ($1, $2, $3) on conflict do nothing',
      values: [tenant.id, hashSecret(`${clientId}\0${jti}`), expires],
    }),
  );
  return count === 1;
}
