import type { Tenant } from '../../access/scope.ts';
import type { LockoutRule } from '../../auth/accounts/lockout.ts';
import type { Connections } from '../connections.ts';

/**
 * Counts a try as a failure before it is judged, so that tries at the same time do not slip through together.
 * @param now epoch milliseconds
 * @returns how many failures there are with this one; undefined when the key has to wait, then nothing is counted
 */
export async function countTry(
  connections: Connections,
  tenant: Tenant,
  key: string,
  rule: LockoutRule,
  now: number,
): Promise<number | undefined> {
  const failures = 'case when f.expires <= $3 then 1 else f.failures + 1 end';
  const { rows } = await connections.within(tenant, 'write', (connection) =>
    connection.query({
      text: `insert into store.login_failure as f (tenant_id, key, failures, last_failure, locked_until, expires)
        values ($1, $2, 1, $3::bigint, null, $3::bigint + $7::bigint)
        on conflict (tenant_id, key) do update set
          failures = ${failures},
          last_failure = $3,
          locked_until = case when (${failures}) <= $4::int then null
            else $3 + least($6::bigint, ($5::float8 * 2 ^ least(40, (${failures}) - $4::int - 1))::bigint) end,
          expires = $3 + $7
        where coalesce(f.locked_until, 0) <= $3
        returning failures`,
      values: [tenant.id, key, now, rule.free, rule.first, rule.longest, rule.forgotten],
    }),
  );
  return rows[0]?.[0] as number | undefined;
}

/** Forgets the failures of a key: a try of it has succeeded. */
export async function forgetFailures(connections: Connections, tenant: Tenant, key: string): Promise<void> {
  await connections.within(tenant, 'write', (connection) =>
    connection.query({
      text: 'delete from store.login_failure where tenant_id = $1 and key = $2',
      values: [tenant.id, key],
    }),
  );
}

/** Takes one counted try back, with the wait that it began: it was no failure, but says nothing of those before it. */
export async function takeTryBack(connections: Connections, tenant: Tenant, key: string): Promise<void> {
  await connections.within(tenant, 'write', (connection) =>
    connection.query({
      text: `update store.login_failure set failures = greatest(0, failures - 1), locked_until = null
        where tenant_id = $1 and key = $2`,
      values: [tenant.id, key],
    }),
  );
}
