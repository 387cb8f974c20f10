import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Resource } from '../../json/types.ts';
import { type FhirPackage, type PackageEntry, PackageError, type PackageManifest } from './package.ts';

/**
 * Counts up with every change of what is written. Packages lie in databases in this form too: a new number needs a
 * migration, or code that opens the older one.
 */
export const PACKED_FORMAT = 1;

/** The stamp of a package that came from a file; R4 core has another. */
export const PACKAGE_STAMP = `vesta package ${PACKED_FORMAT}`;

/**
 * The first line of a packed package, as JSON. After it come the resources' texts, each deflated (RFC 1951), in the order
 * of the entries. Examples are not part of it.
 */
interface PackedHeader {
  /** What it was made by and from: another stamp means that the file is to be made again. */
  readonly stamp: string;
  readonly manifest: PackedManifest;
  readonly entries: readonly (readonly [entry: PackageEntry, length: number])[];
}

/** A manifest as JSON takes it. */
export interface PackedManifest extends Omit<PackageManifest, 'dependencies'> {
  readonly dependencies: readonly (readonly [name: string, version: string])[];
}

/** Collects the resources of a package and puts them into packed form. */
export class PackagePacker {
  readonly #entries: [PackageEntry, number][] = [];
  readonly #texts: Buffer[] = [];

  /** Adds a resource, without what neither validation nor search nor snapshots need: narrative, mappings, xpath. */
  add(entry: PackageEntry, resource: Resource): void {
    const deflated = deflateRawSync(JSON.stringify(resource, dropBallast), { level: 6 });
    this.#texts.push(deflated);
    this.#entries.push([entry, deflated.length]);
  }

  /** The packed form, in pieces that follow each other. */
  finish(stamp: string, manifest: PackageManifest): Buffer[] {
    const header: PackedHeader = { stamp, manifest: packManifest(manifest), entries: this.#entries };
    return [Buffer.from(`${JSON.stringify(header)}\n`), ...this.#texts];
  }
}

function dropBallast(this: unknown, key: string, value: unknown): unknown {
  if (key === 'mapping' || key === 'xpath') return undefined;
  if (key === 'text' && typeof value === 'object' && value !== null && 'div' in value) return undefined;
  return value;
}

export function packManifest(manifest: PackageManifest): PackedManifest {
  return { ...manifest, dependencies: [...manifest.dependencies] };
}

/** What {@link packManifest} made. */
export function unpackManifest(packed: PackedManifest): PackageManifest {
  return { ...packed, dependencies: new Map(packed.dependencies) };
}

/**
 * Opens a file in packed form. Only its index is in memory; a resource is read from the file when it is asked for.
 * @param file the packed form; it may be removed while it is open
 * @returns undefined if it is absent, cut off, or has another stamp
 */
export function openPackedPackage(file: string, stamp: string): FhirPackage | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return undefined;
  }
  try {
    const opened = readIndex(file, descriptor, stamp);
    descriptors.register(opened, descriptor);
    return opened;
  } catch {
    closeSync(descriptor);
    return undefined;
  }
}

/** Closes the files of packages that nobody holds any more. */
const descriptors = new FinalizationRegistry<number>((descriptor) => closeSync(descriptor));

function readIndex(file: string, descriptor: number, stamp: string): FhirPackage {
  const [header, end] = readHeader(descriptor);
  if (header.stamp !== stamp) throw new Error('it was made from something else');
  const places = new Map<string, readonly [start: number, length: number]>();
  const entries: PackageEntry[] = [];
  let start = end + 1;
  for (const [entry, size] of header.entries) {
    entries.push(entry);
    places.set(entry.file, [start, size]);
    start += size;
  }
  if (statSync(file).size !== start) throw new Error('it is cut off');
  const manifest = unpackManifest(header.manifest);
  const name = `${manifest.name}#${manifest.version}`;
  return {
    manifest,
    path: file,
    entries,
    read(entry): Resource {
      const place = places.get(entry.file);
      if (place === undefined) throw new PackageError(`The package ${name} has no file ${entry.file}`);
      const bytes = Buffer.alloc(place[1]);
      readSync(descriptor, bytes, 0, place[1], place[0]);
      return JSON.parse(inflateRawSync(bytes).toString('utf8')) as Resource;
    },
    examples: () => [],
  };
}

function readHeader(descriptor: number): [PackedHeader, end: number] {
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    const chunk = Buffer.alloc(1 << 18);
    const read = readSync(descriptor, chunk, 0, chunk.length, length);
    if (read === 0) throw new Error('the header has no end');
    const newline = chunk.subarray(0, read).indexOf(10);
    chunks.push(chunk.subarray(0, read));
    if (newline >= 0) {
      const end = length + newline;
      return [JSON.parse(Buffer.concat(chunks).toString('utf8', 0, end)) as PackedHeader, end];
    }
    length += read;
  }
}
