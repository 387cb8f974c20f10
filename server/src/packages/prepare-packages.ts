import { join } from 'node:path';
import {
  type FhirPackage,
  findPackages,
  PackageError,
  PackageNotFound,
  PackageSet,
  versionMatches,
} from '../conformance/packages/index.ts';
import { openPackedPackage, PACKAGE_STAMP } from '../conformance/packages/packed-package.ts';
import { checkPackage } from './check-package.ts';
import { packPackage } from './pack-package.ts';
import type { Preparation, PreparationJob } from './preparation.ts';
import { downloadPackage } from './registry.ts';

const CORE = 'hl7.fhir.r4.core';

/**
 * Finds the packages and what they depend on, checks them, and writes them in packed form.
 * @throws PackageError for what is not found or broken, before anything is written
 */
export async function preparePackages(job: PreparationJob): Promise<Preparation> {
  const installed = job.installed.flatMap((file) => openPackedPackage(file, PACKAGE_STAMP) ?? []);
  const wanted: FhirPackage[] = [];
  for (const file of job.files) wanted.push(...findPackages(file, []));
  for (const name of job.names) wanted.push(...(await locate(name, job)));
  for (const { manifest } of wanted) {
    if (manifest.name === CORE) throw new PackageError(`${CORE} is built in: it is not installed`);
  }
  const all = uniquePackages(wanted);
  for (let i = 0; i < all.length; i++) {
    for (const [name, version] of (all[i] as FhirPackage).manifest.dependencies) {
      const isThere = [...all, ...installed].some(
        ({ manifest }) => manifest.name === name && versionMatches(manifest.version, version),
      );
      if (isThere || name === CORE) continue;
      try {
        all.push(...(await locate(`${name}#${version}`, job)));
      } catch (error) {
        if (!(error instanceof PackageNotFound)) throw error;
      }
    }
  }
  const set = new PackageSet([all, installed]);
  const warnings = all.map((one) => checkPackage(one, set));
  const missing = set
    .missingDependencies()
    .filter((one) => all.some(({ manifest }) => `${manifest.name}#${manifest.version}` === one.package));
  const packages = all.map((one, i) => ({
    ...packPackage(one, job.out),
    wanted: wanted.includes(one),
    warnings: warnings[i] ?? [],
  }));
  return { packages, missing };
}

/** @throws PackageNotFound if it is nowhere */
async function locate(name: string, job: PreparationJob): Promise<FhirPackage[]> {
  const id = name.includes('#') ? name : name.replace(/(?<=.)@/, '#');
  try {
    return findPackages(id, job.places, { files: false });
  } catch (error) {
    if (!(error instanceof PackageNotFound) || job.registries.length === 0) throw error;
    return findPackages(await downloadPackage(id, job.registries, [job.cache, join(job.out, 'cache')]), []);
  }
}

function uniquePackages(packages: readonly FhirPackage[]): FhirPackage[] {
  const unique = new Map(packages.map((one) => [`${one.manifest.name}#${one.manifest.version}`, one]));
  if (unique.size < packages.length) {
    const twice = packages.find((one) => unique.get(`${one.manifest.name}#${one.manifest.version}`) !== one);
    throw new PackageError(`${twice?.manifest.name}#${twice?.manifest.version} was named twice`);
  }
  return [...unique.values()];
}
