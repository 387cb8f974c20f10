import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tenant } from '../access/scope.ts';
import {
  environmentPackages,
  type MissingDependency,
  PackageError,
  packageCache,
} from '../conformance/packages/index.ts';
import type { PackageStore } from '../storage/packages/package-store.ts';
import {
  dropPackages,
  PackageConflict,
  publishPackages,
  writePackage,
} from '../storage/packages/write-packages.ts';
import { type ListedPackage, listPackages, packageId } from './list-packages.ts';
import type { PackageFiles } from './package-files.ts';
import { PackageProblem } from './package-problem.ts';
import { type PreparedPackage, prepare } from './preparation.ts';
import { environmentRegistries } from './registry.ts';

export interface InstallRequest {
  /** Archives, folders, and folders of such, of this machine. */
  readonly files?: readonly string[];
  /** `name#version`, `name@version`, or `name` for the newest. */
  readonly names?: readonly string[];
  /** Whether what is installed is active at once. Default true. */
  readonly active?: boolean;
  /** A dependency that is not found is an error. Default false: it is told in the report. */
  readonly strict?: boolean;
  /** What is there with the same name and version, and other contents, is replaced. Default false: it is an error. */
  readonly replace?: boolean;
  /** Base URLs of FHIR package registries. Default: VESTA_PACKAGE_REGISTRY. */
  readonly registries?: readonly string[];
  /** Files and folders where names are looked for. Default: VESTA_PACKAGES and `~/.fhir/packages`. */
  readonly places?: readonly string[];
  /** Where registries' packages are kept. Default `~/.fhir/packages`. */
  readonly cache?: string;
}

/** What was done with one package. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** `present`: it was there already, with the same contents; nothing was changed. */
  readonly outcome: 'installed' | 'replaced' | 'present';
  readonly active: boolean;
  /** Asked for itself, not only needed by another. */
  readonly wanted: boolean;
  readonly resources: number;
  readonly warnings: readonly string[];
}

export interface InstallReport {
  readonly packages: readonly InstalledPackage[];
  /** What packages of this installation depend on and was nowhere found. */
  readonly missing: readonly MissingDependency[];
}

/** Bytes of a row of the packed form. */
const PIECE = 1 << 20;

/**
 * Installs packages, with those that they depend on as far as these are found. All of it is checked first: a package with
 * a broken file installs nothing.
 *
 * @param tenant whose packages they will be; number 0 for the shared ones
 * @throws PackageProblem that says what is wrong, and with which file
 */
export async function installPackage(
  tenant: Tenant,
  store: PackageStore,
  files: PackageFiles,
  request: InstallRequest,
): Promise<InstallReport> {
  const { strict = false, replace = false, active = true, cache = packageCache() } = request;
  const out = mkdtempSync(join(tmpdir(), 'vesta-install-'));
  try {
    const there = await listPackages(store);
    const { packages, missing } = await prepare({
      files: request.files ?? [],
      names: request.names ?? [],
      places: request.places ?? [...environmentPackages(), packageCache()],
      registries: request.registries ?? environmentRegistries(),
      cache,
      installed: await openInstalled(tenant, files, there),
      out,
    });
    if (strict && missing.length > 0) throw new PackageProblem('not-found', missingText(missing));
    const own = there.filter(({ owner }) => owner === 'tenant' || store.owner === 0);
    const decided = packages.map((one) => ({ one, outcome: decide(one, own, replace) }));
    await write(
      store,
      decided.flatMap(({ one, outcome }) => (outcome === 'present' ? [] : [one])),
      active,
    );
    return { packages: decided.map(({ one, outcome }) => report(one, outcome, own, active)), missing };
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** Which packages are missing, in a sentence. */
export function missingText(missing: readonly MissingDependency[]): string {
  const names = [...new Set(missing.map((one) => `${one.name}#${one.version} (for ${one.package})`))];
  return `Packages that are needed and were not found: ${names.join(', ')}`;
}

/** The files of what is installed, as far as it can be read. */
async function openInstalled(
  tenant: Tenant,
  files: PackageFiles,
  there: readonly ListedPackage[],
): Promise<string[]> {
  const paths: string[] = [];
  for (const one of there) {
    try {
      paths.push((await files.open(tenant, { ...one, packageId: one.id })).path);
    } catch (error) {
      if (!(error instanceof PackageError)) throw error;
    }
  }
  return paths;
}

function decide(
  one: PreparedPackage,
  own: readonly ListedPackage[],
  replace: boolean,
): InstalledPackage['outcome'] {
  const known = own.find(({ name, version }) => name === one.name && version === one.version);
  if (known === undefined) return 'installed';
  if (known.source === one.source) return 'present';
  if (replace) return 'replaced';
  throw new PackageProblem(
    'conflict',
    `${packageId(one)} is installed already with other contents. Replace it (--replace, parameter replace) or remove it first.`,
  );
}

async function write(
  store: PackageStore,
  packages: readonly PreparedPackage[],
  active: boolean,
): Promise<void> {
  if (packages.length === 0) return;
  const ids: number[] = [];
  let replaced: readonly number[];
  try {
    for (const one of packages) ids.push(await writePackage(store, { ...one, active }, piecesOf(one.file)));
    replaced = await store.change((run) => publishPackages(store, run, ids));
  } catch (error) {
    await dropPackages(store, ids).catch(() => {});
    throw error instanceof PackageConflict ? new PackageProblem('conflict', error.message) : error;
  }
  await dropPackages(store, replaced);
}

function report(
  one: PreparedPackage,
  outcome: InstalledPackage['outcome'],
  own: readonly ListedPackage[],
  active: boolean,
): InstalledPackage {
  const { name, version, wanted, warnings, resources } = one;
  const known = own.find((other) => other.name === name && other.version === version);
  return {
    name,
    version,
    outcome,
    active: outcome === 'present' ? known?.active === true : active,
    wanted,
    resources,
    warnings,
  };
}

function* piecesOf(file: string): Generator<Buffer> {
  const descriptor = openSync(file, 'r');
  try {
    for (;;) {
      const piece = Buffer.alloc(PIECE);
      const length = readSync(descriptor, piece, 0, PIECE, null);
      if (length === 0) return;
      yield piece.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}
