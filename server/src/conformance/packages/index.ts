export { corePackage } from './core.ts';
export {
  type FhirPackage,
  loadPackage,
  type PackageEntry,
  PackageError,
  type PackageManifest,
} from './package.ts';
export { type CanonicalResolver, type MissingDependency, PackageSet, splitCanonical } from './package-set.ts';
export {
  environmentPackages,
  findPackages,
  hasPackage,
  PackageNotFound,
  packageCache,
  withDependencies,
} from './search.ts';
export { SnapshotError, withSnapshot } from './snapshot.ts';
export { compareVersions, versionMatches } from './version.ts';
