import type { PackageStore } from './package-store.ts';

/** A package that lies in the database, active or not. */
export interface StoredPackageRow {
  readonly id: number;
  readonly name: string;
  readonly version: string;
  readonly digest: string;
  readonly source: string;
  readonly size: number;
  /** JSON of the manifest, as {@link PackageInsert.manifest}. */
  readonly manifest: string;
  readonly active: boolean;
  readonly installed: Date;
}

const COLUMNS = 'id, name, version, digest, source, size, manifest, active, installed';

function toPackage(row: readonly unknown[]): StoredPackageRow {
  const [id, name, version, digest, source, size, manifest, active, installed] = row;
  return {
    id: id as number,
    name: name as string,
    version: version as string,
    digest: digest as string,
    source: source as string,
    size: Number(size),
    manifest: manifest as string,
    active: active as boolean,
    installed: new Date(Number(installed)),
  };
}

/** The packages of the store's owner, by name and version. */
export async function storedPackages({ owner, run }: PackageStore): Promise<StoredPackageRow[]> {
  const rows = await run(
    `select ${COLUMNS} from store.package where tenant_id = $1 and state = 'ready' order by name, version`,
    [owner],
  );
  return rows.map(toPackage);
}

/** A shared package as a tenant has it. */
export interface SharedPackageRow extends StoredPackageRow {
  /** What the tenant has chosen for itself; undefined: as the package is for all. */
  readonly chosen: boolean | undefined;
}

/** The shared packages, with what the store's owner (a tenant) has chosen. */
export async function sharedPackages({ owner, run }: PackageStore): Promise<SharedPackageRow[]> {
  const columns = COLUMNS.split(', ').map((column) => `p.${column}`);
  const rows = await run(
    `select ${columns.join(', ')}, u.active from store.package p
      left join store.package_use u on u.tenant_id = $1 and u.name = p.name and u.version = p.version
      where p.tenant_id = 0 and p.state = 'ready' order by p.name, p.version`,
    [owner],
  );
  return rows.map((row) => ({ ...toPackage(row), chosen: (row[9] as boolean | null) ?? undefined }));
}

/** A package of any owner as `vesta package list` shows it. */
export interface ListedPackageRow extends StoredPackageRow {
  /** Undefined for a shared one. */
  readonly tenant: string | undefined;
}

/** All packages of all tenants; for the database's owner. */
export async function allPackages({ run }: PackageStore): Promise<ListedPackageRow[]> {
  const columns = COLUMNS.split(', ').map((column) => `p.${column}`);
  const rows = await run(
    `select ${columns.join(', ')}, t.name from store.package p left join store.tenant t on t.id = p.tenant_id
      where p.state = 'ready' order by p.name, p.version, p.tenant_id`,
    [],
  );
  return rows.map((row) => ({ ...toPackage(row), tenant: (row[9] as string | null) ?? undefined }));
}

/** Switches packages of the store's owner on or off, by their ids. */
export async function setActive(
  { owner }: PackageStore,
  run: PackageStore['run'],
  ids: readonly number[],
  active: boolean,
): Promise<void> {
  await run('update store.package set active = $3 where tenant_id = $1 and id = any($2::int[])', [
    owner,
    ids,
    active,
  ]);
}

/** Notes what a tenant (the store's owner) chooses for shared packages. */
export async function chooseShared(
  { owner }: PackageStore,
  run: PackageStore['run'],
  packages: readonly { readonly name: string; readonly version: string }[],
  active: boolean,
): Promise<void> {
  await run(
    `insert into store.package_use (tenant_id, name, version, active)
      select $1, u.name, u.version, $4 from unnest($2::text[], $3::text[]) as u(name, version)
      on conflict (tenant_id, name, version) do update set active = excluded.active`,
    [owner, packages.map(({ name }) => name), packages.map(({ version }) => version), active],
  );
}
