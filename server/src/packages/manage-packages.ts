import { versionMatches } from '../conformance/packages/index.ts';
import type { PackageStore } from '../storage/packages/package-store.ts';
import { chooseShared, setActive } from '../storage/packages/stored-packages.ts';
import { dropPackages, retirePackages } from '../storage/packages/write-packages.ts';
import { dependents, type ListedPackage, listPackages, packageId } from './list-packages.ts';
import { PackageProblem } from './package-problem.ts';

/**
 * Switches packages on: the tenant's own, or a shared one for this tenant; of the shared (owner 0) for all tenants that
 * have made no choice of their own.
 *
 * @param named `name`, if there is one version only, or `name#version`, also `name#4.0.x` and `name#*`
 * @returns the packages that are active now and were named
 * @throws PackageProblem when there is no such package, or a name fits several versions
 */
export function activate(store: PackageStore, named: readonly string[]): Promise<ListedPackage[]> {
  return switchTo(store, named, true);
}

/** Switches packages off, as {@link activate} switches them on. */
export function deactivate(store: PackageStore, named: readonly string[]): Promise<ListedPackage[]> {
  return switchTo(store, named, false);
}

async function switchTo(
  store: PackageStore,
  named: readonly string[],
  active: boolean,
): Promise<ListedPackage[]> {
  const found = chosen(await listPackages(store), named);
  const different = found.filter((one) => one.active !== active);
  if (different.length === 0) return found;
  const own = different.filter(({ owner }) => store.owner === 0 || owner === 'tenant');
  const shared = different.filter((one) => !own.includes(one));
  await store.change(async (run) => {
    if (own.length > 0)
      await setActive(
        store,
        run,
        own.map(({ id }) => id),
        active,
      );
    if (shared.length > 0) await chooseShared(store, run, shared, active);
  });
  return found.map((one) => ({ ...one, active }));
}

/**
 * Removes packages of the store's owner.
 *
 * @param options.others for the shared ones: what each tenant has, which may depend on them
 * @param options.force also when others depend on them
 * @throws PackageProblem when there is no such package, it is shared and this is a tenant's, or others depend on it
 */
export async function removePackages(
  store: PackageStore,
  named: readonly string[],
  {
    force = false,
    others = [],
  }: { readonly force?: boolean; readonly others?: readonly (readonly ListedPackage[])[] } = {},
): Promise<ListedPackage[]> {
  const all = await listPackages(store);
  const found = chosen(all, named);
  const foreign = found.find(({ owner }) => store.owner !== 0 && owner === 'shared');
  if (foreign !== undefined) {
    throw new PackageProblem(
      'business-rule',
      `${packageId(foreign)} is shared by all tenants: it can be deactivated for this one, not removed`,
    );
  }
  const needed = [[], ...others].flatMap((group) => dependents(found, [...all, ...group]));
  if (needed.length > 0 && !force) {
    throw new PackageProblem(
      'conflict',
      `${found.map(packageId).join(', ')} cannot be removed: ${[...new Set(needed.map(packageId))].join(', ')} depend on it`,
    );
  }
  const ids = await store.change((run) =>
    retirePackages(
      store,
      run,
      found.map(({ id }) => id),
    ),
  );
  await dropPackages(store, ids);
  return found;
}

/** The packages that are named: the tenant's own before the shared. */
function chosen(packages: readonly ListedPackage[], named: readonly string[]): ListedPackage[] {
  const found = named.flatMap((text) => {
    const [name, version] = text.replace(/(?<=.)@/, '#').split('#', 2) as [string, string?];
    const fitting = packages.filter(
      (one) => one.name === name && (version === undefined || versionMatches(one.version, version)),
    );
    const [first] = fitting;
    if (first === undefined) throw new PackageProblem('not-found', `The package ${text} is not installed`);
    const nearest = fitting.filter(({ owner }) => owner === first.owner);
    if (version === undefined && nearest.length > 1) {
      throw new PackageProblem(
        'invalid',
        `${name} is there in several versions: say which of ${nearest.map(packageId).join(', ')}`,
      );
    }
    return nearest;
  });
  return [...new Map(found.map((one) => [one.id, one])).values()];
}
