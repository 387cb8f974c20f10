import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { FhirPackage } from '../conformance/packages/index.ts';
import { PACKAGE_STAMP, PackagePacker, packManifest } from '../conformance/packages/packed-package.ts';
import { writeWhole } from '../conformance/write-whole.ts';

/** A package in packed form, in a file. */
export interface PackedFile {
  readonly name: string;
  readonly version: string;
  /** JSON of the manifest. */
  readonly manifest: string;
  /** SHA-256 of the packed form, hexadecimal. */
  readonly digest: string;
  /** SHA-256 of manifest and resources: the same for an archive and for a folder with the same contents. */
  readonly source: string;
  /** Bytes of the packed form. */
  readonly size: number;
  readonly resources: number;
  readonly file: string;
}

/**
 * Writes a package to a file in packed form.
 * @param directory where the file is made, named by its digest
 * @throws PackageError for a resource that is broken
 */
export function packPackage(from: FhirPackage, directory: string): PackedFile {
  const { name, version } = from.manifest;
  const packer = new PackagePacker();
  const manifest = JSON.stringify(packManifest(from.manifest));
  const source = createHash('sha256').update(manifest);
  const inPackage = (file: string): string => (file.startsWith('package/') ? file : `package/${file}`);
  const entries = from.entries.map((entry) => ({ entry, file: inPackage(entry.file) }));
  entries.sort((a, b) => (a.file < b.file ? -1 : 1));
  for (const { entry, file } of entries) {
    const resource = from.read(entry);
    source.update(`\n${file}\n${JSON.stringify(resource)}`);
    packer.add({ ...entry, file }, resource);
  }
  const pieces = packer.finish(PACKAGE_STAMP, from.manifest);
  const hash = createHash('sha256');
  let size = 0;
  for (const piece of pieces) {
    hash.update(piece);
    size += piece.length;
  }
  const digest = hash.digest('hex');
  const file = join(directory, `${digest}.bin`);
  writeWhole(file, pieces);
  return {
    name,
    version,
    manifest,
    digest,
    source: source.digest('hex'),
    size,
    resources: entries.length,
    file,
  };
}
