import type { Tenant } from '../access/scope.ts';
import { typeCode } from '../conformance/resource-types.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import type { Connections, TenantConnection } from './connections.ts';
import { runTransaction } from './transaction.ts';

/** A SearchParameter resource of a tenant as it is stored. */
export interface StoredParameter {
  readonly id: string;
  readonly version: number;
  readonly url: string;
  /** Resource types that it is for; may name the abstract ones. */
  readonly base: readonly string[];
}

/** The SearchParameter resources of a tenant. */
export async function storedParameters(
  connection: TenantConnection,
  tenant: Tenant,
): Promise<StoredParameter[]> {
  const { rows } = await connection.query({
    text: `select id, version, content::jsonb ->> 'url', content::jsonb -> 'base' from tenant.resource
      where tenant_id = $1 and type = $2 and not deleted`,
    values: [tenant.id, typeCode('SearchParameter')],
  });
  return rows.map((row) => ({
    id: row[0] as string,
    version: row[1] as number,
    url: (row[2] as string | null) ?? '',
    base: (row[3] as string[] | null) ?? [],
  }));
}

/** Whether a walk over these types has seen all resources that a parameter is for. */
export function readyBases({ base }: StoredParameter, walked: ReadonlySet<string> | 'all'): boolean {
  // The abstract types, Resource and DomainResource, are never in a set of concrete ones.
  return walked === 'all' || (base.length > 0 && base.every((type) => walked.has(type)));
}

/**
 * Records that all resources are indexed by these parameters, save those that were changed since they were read.
 * @param forgetGone whether entries of deleted parameters are gone everywhere, so that their rows can go as well
 * @returns the ids of the parameters that are ready
 */
export async function recordReady(
  connections: Connections,
  context: TenantContext,
  parameters: readonly StoredParameter[],
  forgetGone: boolean,
): Promise<string[]> {
  const { tenant, keys } = context;
  const code = typeCode('SearchParameter');
  return runTransaction(connections, tenant, async (transaction) => {
    // Who changes search parameters holds this lock exclusively: see conformance-guard.ts.
    await transaction.lockShared([keys.reference('lock/conformance')]);
    const rows = await transaction.query({
      text: `insert into store.search_parameter (tenant_id, id, ready)
        select $1::int, u.id, true from unnest($2::text[], $3::int[]) as u(id, version)
        join tenant.resource r on r.tenant_id = $1::int and r.type = $4::smallint and r.id = u.id
          and r.version = u.version and not r.deleted
        on conflict (tenant_id, id) do update set ready = true returning id`,
      values: [tenant.id, parameters.map(({ id }) => id), parameters.map(({ version }) => version), code],
    });
    if (forgetGone) {
      await transaction.query({
        text: `delete from store.search_parameter p where p.tenant_id = $1::int and not exists (
          select from tenant.resource r where r.tenant_id = $1::int and r.type = $2::smallint and r.id = p.id and not r.deleted)`,
        values: [tenant.id, code],
      });
    }
    return rows.map((row) => row[0] as string).sort();
  });
}
