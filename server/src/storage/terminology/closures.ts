import type { Tenant } from '../../access/scope.ts';
import type { Connections } from '../connections.ts';

/** A concept of a closure table. */
export interface ClosureConcept {
  readonly system: string;
  /** Empty when the client gave none. */
  readonly version: string;
  readonly code: string;
}

/** `above` subsumes `below`, both of one code system. */
export interface ClosureEntry {
  readonly system: string;
  readonly version: string;
  readonly below: string;
  readonly above: string;
}

export interface ClosureState {
  readonly version: number;
  readonly concepts: readonly ClosureConcept[];
}

/** The version and concepts of a closure table; undefined when it was not initialized. */
export async function readClosure(
  connections: Connections,
  tenant: Tenant,
  name: string,
): Promise<ClosureState | undefined> {
  return connections.within(tenant, 'read', async (connection) => {
    const [{ rows }, { rows: concepts }] = await Promise.all([
      connection.query({
        text: 'select version from tenant.closure where tenant_id = $1 and name = $2',
        values: [tenant.id, name],
      }),
      connection.query({
        text: 'select system, system_version, code from tenant.closure_concept where tenant_id = $1 and name = $2',
        values: [tenant.id, name],
      }),
    ]);
    if (rows[0] === undefined) return undefined;
    return {
      version: rows[0][0] as number,
      concepts: (concepts as [string, string, string][]).map(([system, version, code]) => ({
        system,
        version,
        code,
      })),
    };
  });
}

/** Makes a closure table, or empties it. */
export async function resetClosure(connections: Connections, tenant: Tenant, name: string): Promise<void> {
  await connections.within(tenant, 'write', async (connection) => {
    const values = [tenant.id, name];
    const done = [
      connection.query({ text: 'begin', values: [] }),
      connection.query({
        text: 'delete from store.closure_entry where tenant_id = $1 and name = $2',
        values,
      }),
      connection.query({
        text: 'delete from store.closure_concept where tenant_id = $1 and name = $2',
        values,
      }),
      connection.query({
        text: `insert into store.closure (tenant_id, name, version, created) values ($1, $2, 0, $3)
          on conflict (tenant_id, name) do update set version = 0, created = excluded.created`,
        values: [...values, Date.now()],
      }),
      connection.query({ text: 'commit', values: [] }),
    ];
    await Promise.all(done);
  });
}

/**
 * Adds concepts and the entries that they make.
 * @param expected the version that the entries were worked out for
 * @returns the new version; undefined when the table has changed meanwhile
 */
export async function extendClosure(
  connections: Connections,
  tenant: Tenant,
  name: string,
  expected: number,
  concepts: readonly ClosureConcept[],
  entries: readonly ClosureEntry[],
): Promise<number | undefined> {
  return connections.within(tenant, 'write', async (connection) => {
    const { rows } = await connection.query({
      text: `with bumped as (
          update store.closure set version = version + 1 where tenant_id = $1 and name = $2 and version = $3 returning version
        ), added as (
          insert into store.closure_concept (tenant_id, name, since, system, system_version, code)
          select $1, $2, b.version, u.system, u.version, u.code
          from bumped b, unnest($4::text[], $5::text[], $6::text[]) as u(system, version, code)
          on conflict do nothing
        ), related as (
          insert into store.closure_entry (tenant_id, name, since, system, system_version, below, above)
          select $1, $2, b.version, u.system, u.version, u.below, u.above
          from bumped b, unnest($7::text[], $8::text[], $9::text[], $10::text[]) as u(system, version, below, above)
          on conflict do nothing
        ) select version from bumped`,
      values: [
        tenant.id,
        name,
        expected,
        concepts.map(({ system }) => system),
        concepts.map(({ version }) => version),
        concepts.map(({ code }) => code),
        entries.map(({ system }) => system),
        entries.map(({ version }) => version),
        entries.map(({ below }) => below),
        entries.map(({ above }) => above),
      ],
    });
    return rows[0]?.[0] as number | undefined;
  });
}

/** Entries that were added after a version of the table. */
export async function closureEntries(
  connections: Connections,
  tenant: Tenant,
  name: string,
  after: number,
): Promise<ClosureEntry[]> {
  const { rows } = await connections.within(tenant, 'read', (connection) =>
    connection.query({
      text: `select system, system_version, below, above from tenant.closure_entry
        where tenant_id = $1 and name = $2 and since > $3 order by since, system, below, above`,
      values: [tenant.id, name, after],
    }),
  );
  return (rows as [string, string, string, string][]).map(([system, version, below, above]) => ({
    system,
    version,
    below,
    above,
  }));
}
