import type { Tenant } from '../../access/scope.ts';
import { typeCode } from '../../conformance/resource-types.ts';
import type { Connections } from '../connections.ts';

/** Most resources that are looked through. */
const MOST = 20_000;

/*
 * Every write makes a version more, and what is deleted keeps its row: whatever is written by whom, and committed in
 * whichever order, changes the sum.
 */
const MARK = `select count(*)::int, sum(version)::text, max(last_updated)::text from (
    select version, last_updated from tenant.resource
    where tenant_id = $1::int and type = any($2::smallint[]) limit ${MOST + 1}) as r`;

/**
 * A text that another one stands for as soon as any resource of some types was written, by whichever process.
 * @returns undefined where there are too many of them to tell
 */
export async function directoryMark(
  connections: Connections,
  tenant: Tenant,
  types: readonly string[],
): Promise<string | undefined> {
  const { rows } = await connections.within(tenant, 'read', (connection) =>
    connection.query({
      name: 'directory-mark',
      text: MARK,
      values: [tenant.id, types.map(typeCode)],
    }),
  );
  const [count, versions, last] = rows[0] as [number, string | null, string | null];
  return count > MOST ? undefined : `${count} ${versions} ${last}`;
}
