import { createHash } from 'node:crypto';
import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { Tenant } from '../access/scope.ts';
import { cacheDirectories, writableDirectory } from '../conformance/cache-directory.ts';
import { type FhirPackage, PackageError } from '../conformance/packages/index.ts';
import { openPackedPackage, PACKAGE_STAMP } from '../conformance/packages/packed-package.ts';
import { openWhole } from '../conformance/write-whole.ts';
import { type ActivePackage, type PackageReads, readChunks } from '../storage/packages/active-packages.ts';

export interface PackageFilesOptions {
  /** Where the files are kept; default as {@link cacheDirectories}. */
  readonly directories?: readonly string[];
}

/** What opening a package needs to know of it. */
export type StoredPackage = Pick<
  ActivePackage,
  'owner' | 'name' | 'version' | 'digest' | 'packageId' | 'size'
>;

/** Files that nobody has opened for this long are removed, in milliseconds. */
const UNUSED = 30 * 24 * 3600_000;

/**
 * Packages of the database as files of this machine's cache, named by their digest. Who holds an open package shares it
 * with all in this process who open the same; its file is closed when nobody holds it any more. Only an index of each is
 * in memory.
 */
export class PackageFiles {
  readonly #connections: PackageReads;
  readonly #directories: readonly string[];
  readonly #open = new Map<string, WeakRef<FhirPackage>>();
  readonly #opening = new Map<string, Promise<FhirPackage>>();
  readonly #forgotten = new FinalizationRegistry<string>((digest) => {
    if (this.#open.get(digest)?.deref() === undefined) this.#open.delete(digest);
  });

  constructor(connections: PackageReads, options: PackageFilesOptions = {}) {
    this.#connections = connections;
    this.#directories = options.directories ?? cacheDirectories();
  }

  /**
   * Opens a package that the tenant may read: from this process, from the cache, or from the database.
   * @throws PackageError when it is gone from the database, or what lies there is damaged; Error when no cache directory
   *   can be written
   */
  async open(tenant: Tenant, wanted: StoredPackage): Promise<FhirPackage> {
    const { digest } = wanted;
    const known = this.#open.get(digest)?.deref();
    if (known !== undefined) return known;
    let opening = this.#opening.get(digest);
    if (opening === undefined) {
      opening = this.#fetch(tenant, wanted).finally(() => this.#opening.delete(digest));
      this.#opening.set(digest, opening);
    }
    return opening;
  }

  async #fetch(tenant: Tenant, wanted: StoredPackage): Promise<FhirPackage> {
    const found =
      this.#find(wanted) ??
      openFile(await this.#download(tenant, wanted, writableDirectory(this.#directories)), wanted);
    if (found === undefined) throw damaged(wanted);
    this.#open.set(wanted.digest, new WeakRef(found));
    this.#forgotten.register(found, wanted.digest);
    return found;
  }

  #find(wanted: StoredPackage): FhirPackage | undefined {
    for (const directory of this.#directories) {
      const found = openFile(fileIn(directory, wanted), wanted);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Writes the packed form to the cache. @returns the file */
  async #download(tenant: Tenant, wanted: StoredPackage, directory: string): Promise<string> {
    removeUnused(directory);
    const file = fileIn(directory, wanted);
    const hash = createHash('sha256');
    const out = openWhole(file);
    try {
      for await (const chunk of readChunks(this.#connections, tenant, wanted)) {
        hash.update(chunk);
        out.write(chunk);
      }
      if (hash.digest('hex') !== wanted.digest) throw damaged(wanted);
      out.finish();
    } catch (error) {
      out.abandon();
      throw error;
    }
    return file;
  }
}

const byReads = new WeakMap<PackageReads, PackageFiles>();

/** The package files of a process, one set for its connections. */
export function packageFilesOf(connections: PackageReads): PackageFiles {
  let files = byReads.get(connections);
  if (files === undefined) {
    files = new PackageFiles(connections);
    byReads.set(connections, files);
  }
  return files;
}

function fileIn(directory: string, { digest }: StoredPackage): string {
  return join(directory, `package-${digest}.bin`);
}

function openFile(file: string, { size }: StoredPackage): FhirPackage | undefined {
  if (statSync(file, { throwIfNoEntry: false })?.size !== size) return undefined;
  const found = openPackedPackage(file, PACKAGE_STAMP);
  if (found === undefined) return undefined;
  try {
    const now = new Date();
    utimesSync(file, now, now);
  } catch {
    // Another user's, or a read-only directory: who may not change its times will not remove it either.
  }
  return found;
}

function removeUnused(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (!/^package-[0-9a-f]{64}\.bin/.test(name)) continue;
    const file = join(directory, name);
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats !== undefined && stats.mtimeMs < Date.now() - UNUSED) rmSync(file, { force: true });
  }
}

function damaged({ name, version }: StoredPackage): PackageError {
  return new PackageError(`The package ${name}#${version} is gone from the database, or damaged there`);
}
