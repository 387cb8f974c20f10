import { existsSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type FhirPackage, loadPackage, PackageError } from './package.ts';
import { compareVersions, versionMatches } from './version.ts';

/** There is no package of that name in any of the places. */
export class PackageNotFound extends PackageError {}

/** The FHIR package cache of the user (FHIR package cache specification). */
export function packageCache(): string {
  return join(homedir(), '.fhir', 'packages');
}

/**
 * The files and folders named by the environment variable VESTA_PACKAGES, separated as PATH is.
 */
export function environmentPackages(environment: NodeJS.ProcessEnv = process.env): string[] {
  return (environment['VESTA_PACKAGES'] ?? '').split(delimiter).filter((path) => path !== '');
}

/**
 * Loads what a person names: a .tgz, a package's folder, a folder of such, or `name#version` (also `name`, for the
 * newest), looked for in the places.
 *
 * @param places files and folders where `name#version` is looked for. Default: VESTA_PACKAGES and the package cache
 * @param options.files false: `named` is never a file or folder
 * @throws PackageNotFound if nothing is found, PackageError if a package is broken
 */
export function findPackages(
  named: string,
  places: readonly string[] = [...environmentPackages(), packageCache()],
  { files = true }: { readonly files?: boolean } = {},
): FhirPackage[] {
  if (files && existsSync(named)) return packagePaths(named, true).map(loadPackage);
  const [best] = pathsOf(named, places);
  if (best === undefined) {
    const inPlaces = `in ${places.join(', ') || 'any folder'}`;
    throw new PackageNotFound(
      `There is no package ${named}${files ? `: neither a file or folder of that name, nor ${inPlaces}` : ` ${inPlaces}`}`,
    );
  }
  return [loadPackage(best)];
}

/** Whether `name#version` is in one of the places, by the names of files: whether it can be read is not known. */
export function hasPackage(id: string, places: readonly string[]): boolean {
  return pathsOf(id, places).length > 0;
}

/** The paths in the places whose names say that they are the package, the newest first. */
function pathsOf(id: string, places: readonly string[]): string[] {
  const [name, version = ''] = id.split('#', 2) as [string, string?];
  return places
    .flatMap((place) => packagePaths(place, false))
    .map((path) => ({ path, id: packageId(path) }))
    .filter((one) => one.id !== undefined && one.id.name === name && versionMatches(one.id.version, version))
    .sort((a, b) => compareVersions(b.id?.version ?? '', a.id?.version ?? ''))
    .map(({ path }) => path);
}

/**
 * Packages with those that they depend on, as far as these are found in the places; what is not found is left out
 * (PackageSet.missingDependencies tells it).
 */
export function withDependencies(packages: readonly FhirPackage[], places: readonly string[]): FhirPackage[] {
  const all = [...packages];
  for (let i = 0; i < all.length; i++) {
    for (const [name, version] of (all[i] as FhirPackage).manifest.dependencies) {
      if (
        name === 'hl7.fhir.r4.core' ||
        all.some(({ manifest }) => manifest.name === name && versionMatches(manifest.version, version))
      )
        continue;
      try {
        all.push(...findPackages(`${name}#${version}`, places));
      } catch (error) {
        if (!(error instanceof PackageNotFound)) throw error;
      }
    }
  }
  return all;
}

/** The packages at a path: itself, or those directly below. @throws PackageError if `must` and there are none */
function packagePaths(path: string, must: boolean): string[] {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return [];
  if (!stats.isDirectory()) return /\.(tgz|tar\.gz)$/i.test(path) || must ? [path] : [];
  if (existsSync(join(path, 'package.json')) || existsSync(join(path, 'package', 'package.json')))
    return [path];
  const below = readdirSync(path)
    .sort()
    .map((name) => join(path, name))
    .filter(
      (inner) =>
        /\.(tgz|tar\.gz)$/i.test(inner) ||
        existsSync(join(inner, 'package', 'package.json')) ||
        existsSync(join(inner, 'package.json')),
    );
  if (must && below.length === 0) throw new PackageError(`The folder ${path} holds no FHIR packages`);
  return below;
}

/** Name and version from a path: `name#version` (folders of the cache), `name-version.tgz` or `name#version.tgz`. */
function packageId(path: string): { name: string; version: string } | undefined {
  const base = path.split(/[/\\]/).at(-1) ?? '';
  const match = /^([A-Za-z][\w.-]*?)[#-](\d[\w.-]*?|current|dev)(?:\.tgz|\.tar\.gz)?$/.exec(base);
  return match === null ? undefined : { name: match[1] as string, version: match[2] as string };
}
