import type { Tenant } from '../../access/scope.ts';
import type { Connections } from '../connections.ts';

/** What reading packages needs of {@link Connections}. */
export type PackageReads = Pick<Connections, 'within'>;

/** A package that is active in a tenant. */
export interface ActivePackage {
  /** Whose it is: the tenant's own, or one that all tenants share. */
  readonly owner: 'tenant' | 'shared';
  readonly name: string;
  readonly version: string;
  /** SHA-256 of its packed form, hexadecimal: equal digests are equal packages. */
  readonly digest: string;
  /** Its row: see {@link readChunks}. */
  readonly packageId: number;
  /** Bytes of its packed form. */
  readonly size: number;
}

/**
 * The packages that are active in a tenant: its own first, each group by name and version. A shared package counts
 * unless the tenant has switched it off, and one that is inactive for others when the tenant has switched it on. Of a
 * shared one that the tenant has too (by name and version) the tenant's is given only, active or not.
 */
export async function activePackages(connections: PackageReads, tenant: Tenant): Promise<ActivePackage[]> {
  const { rows } = await connections.within(tenant, 'read', (connection) =>
    connection.query({
      name: 'active-packages',
      text: `select p.tenant_id, p.name, p.version, p.digest, p.id, p.size from tenant.package p
        left join tenant.package_use u on u.tenant_id = $1 and p.tenant_id = 0 and u.name = p.name and u.version = p.version
        where p.tenant_id in (0, $1) and p.state = 'ready' and coalesce(u.active, p.active)
          and (p.tenant_id <> 0 or not exists (select from tenant.package o
            where o.tenant_id = $1 and o.name = p.name and o.version = p.version and o.state = 'ready'))
        order by p.tenant_id = 0, p.name, p.version`,
      values: [tenant.id],
    }),
  );
  return rows.map(([owner, name, version, digest, id, size]) => ({
    owner: owner === 0 ? 'shared' : 'tenant',
    name: name as string,
    version: version as string,
    digest: digest as string,
    packageId: id as number,
    size: Number(size),
  }));
}

/** The packed form of a package of the tenant or a shared one, piece by piece, so that it is not in memory whole. */
export async function* readChunks(
  connections: PackageReads,
  tenant: Tenant,
  { owner, packageId }: Pick<ActivePackage, 'owner' | 'packageId'>,
): AsyncGenerator<Buffer> {
  for (let place = 0; ; place++) {
    const { rows } = await connections.within(tenant, 'read', (connection) =>
      connection.query({
        name: 'package-chunk',
        text: 'select bytes from tenant.package_chunk where tenant_id = $1 and package_id = $2 and place = $3',
        values: [owner === 'shared' ? 0 : tenant.id, packageId, place],
      }),
    );
    if (rows[0] === undefined) return;
    yield rows[0][0] as Buffer;
  }
}
