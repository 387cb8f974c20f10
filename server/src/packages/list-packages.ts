import { type PackageManifest, versionMatches } from '../conformance/packages/index.ts';
import { type PackedManifest, unpackManifest } from '../conformance/packages/packed-package.ts';
import type { PackageStore } from '../storage/packages/package-store.ts';
import {
  type StoredPackageRow,
  sharedPackages,
  storedPackages,
} from '../storage/packages/stored-packages.ts';

/** A package as a tenant has it, or for owner 0 a shared one. */
export interface ListedPackage {
  readonly owner: 'tenant' | 'shared';
  readonly id: number;
  readonly name: string;
  readonly version: string;
  readonly digest: string;
  readonly source: string;
  /** Bytes of its packed form. */
  readonly size: number;
  readonly manifest: PackageManifest;
  /** In effect: a tenant's own choice counts for shared ones. */
  readonly active: boolean;
  readonly installed: Date;
}

/** The packages that the store's owner sees: its own first, each group by name and version. */
export async function listPackages(store: PackageStore): Promise<ListedPackage[]> {
  const own = await storedPackages(store);
  if (store.owner === 0) return own.map((row) => listed(row, 'shared', row.active));
  const shared = await sharedPackages(store);
  return [
    ...own.map((row) => listed(row, 'tenant', row.active)),
    ...shared.map((row) => listed(row, 'shared', row.chosen ?? row.active)),
  ];
}

/** What a row of the database tells. */
export function listed(row: StoredPackageRow, owner: ListedPackage['owner'], active: boolean): ListedPackage {
  return {
    ...row,
    owner,
    active,
    manifest: unpackManifest(JSON.parse(row.manifest) as PackedManifest),
  };
}

/** A package's name and version as people write it: `name#version`. */
export function packageId({ name, version }: { readonly name: string; readonly version: string }): string {
  return `${name}#${version}`;
}

/** Those that need `removed` and find nothing else in its place among `packages`. */
export function dependents(
  removed: readonly ListedPackage[],
  packages: readonly ListedPackage[],
): ListedPackage[] {
  const rest = packages.filter((one) => !removed.some(({ id }) => id === one.id));
  return rest.filter((one) =>
    [...one.manifest.dependencies].some(([name, version]) => {
      const fits = (other: ListedPackage): boolean =>
        other.name === name && versionMatches(other.version, version);
      return removed.some(fits) && !rest.some(fits);
    }),
  );
}
