import type pg from 'pg';
import type { Tenant } from '../../access/scope.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { type Hash64, hashToBigInt, TextHasher } from '../../search/hash.ts';
import { IndexKeys } from '../../search/index-model.ts';
import { type Connections, TenantConnection } from '../connections.ts';
import { inTransaction } from '../migrate.ts';
import { runTransaction } from '../transaction.ts';
import type { PackageReads } from './active-packages.ts';

/** Runs a statement. Rows are arrays. */
type Run = (text: string, values: readonly unknown[]) => Promise<readonly (readonly unknown[])[]>;

/**
 * Who writes packages, and whose: the serving role the packages of its tenant, the database's owner those of any tenant
 * and the shared ones.
 */
export interface PackageStore {
  /** The tenant's number; 0 for the shared packages. */
  readonly owner: number;
  readonly run: Run;
  /**
   * Runs `work` in one transaction that also counts a change of the tenant's definitions (of a shared package: of all
   * tenants'), under the lock that fhir/write/conformance-guard.ts explains: what is written after this has returned is
   * indexed by the search parameters as they are then. The work may run again after a deadlock.
   * @throws FhirError 404 when the tenant is being deleted
   */
  change<T>(work: (run: Run) => Promise<T>): Promise<T>;
}

/** What the exclusive lock on a tenant's definitions is taken on. */
const lockOf = (keys: IndexKeys): Hash64 => keys.reference('lock/conformance');

/** The packages of a tenant, by way of the serving role. */
export function tenantPackages(connections: Connections, tenant: Tenant, keys: IndexKeys): PackageStore {
  return {
    owner: tenant.id,
    run: async (text, values) =>
      (await connections.within(tenant, 'write', (connection) => connection.query({ text, values }))).rows,
    change: (work) =>
      runTransaction(connections, tenant, async (transaction) => {
        await transaction.lockExclusive([lockOf(keys)]);
        const there = await transaction.query({
          text: `select from store.tenant where id = $1 and state = 'active'`,
          values: [tenant.id],
        });
        if (there.length === 0) throw fhirError(404, 'not-found', 'There is no such tenant', 'http.path');
        const result = await work((text, values) => transaction.query({ text, values }));
        await transaction.query({
          text: `select store.note_conformance_change($1::int, '{}', '{}')`,
          values: [tenant.id],
        });
        return result;
      }),
  };
}

/** The owner's connection in the place of the pools, for code that reads packages by way of {@link Connections}. */
export function ownerReads(client: pg.Client): PackageReads {
  return {
    within: async (tenant, _pool, work) => {
      await client.query(`select set_config('app.tenant', $1, false)`, [String(tenant.id)]);
      return await work(new TenantConnection(client as unknown as pg.PoolClient, undefined));
    },
  };
}

/** The packages of a tenant, or with owner 0 the shared ones, by way of a connection of the database's owner. */
export function ownedPackages(client: pg.Client, owner: number): PackageStore {
  const run: Run = async (text, values) =>
    (await client.query({ text, values: values as unknown[], rowMode: 'array' })).rows as unknown[][];
  return {
    owner,
    run,
    async change(work) {
      if (owner !== 0) {
        const [keys] = await tenantKeys(run, owner);
        return await inTransaction(client, async () => {
          await run('select pg_advisory_xact_lock($1)', [keys]);
          const result = await work(run);
          await run('update store.tenant set conformance_version = conformance_version + 1 where id = $1', [
            owner,
          ]);
          return result;
        });
      }
      const result = await inTransaction(client, async () => {
        const done = await work(run);
        await run('update store.tenant set conformance_version = conformance_version + 1', []);
        return done;
      });
      // Locks of all tenants at once would not fit into PostgreSQL's table of locks. One after another they tell that
      // whoever had begun to write by the definitions of before has ended.
      for (const key of await tenantKeys(run)) {
        await inTransaction(client, () => run('select pg_advisory_xact_lock($1)', [key]));
      }
      return result;
    },
  };
}

/** The keys of the locks on the definitions of a tenant, or of all, as bigint texts. */
async function tenantKeys(run: Run, owner?: number): Promise<string[]> {
  const [setting] = await run(`select value from store.setting where name = 'hash_key'`, []);
  if (setting === undefined) throw new Error('The database has no hash_key: run vesta db migrate');
  const hasher = new TextHasher(Buffer.from(setting[0] as string, 'hex'));
  const rows =
    owner === undefined
      ? await run(`select id from store.tenant where state = 'active' order by id`, [])
      : [[owner]];
  return rows.map(([id]) => String(hashToBigInt(lockOf(new IndexKeys(hasher, id as number)))));
}
