import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Resource } from '../../json/types.ts';
import { readTarGz } from './tar.ts';

/** What is wrong with a package, or with one file of it. The message names both. */
export class PackageError extends Error {
  /** The file at fault, if it is one file. */
  readonly file: string | undefined;

  constructor(message: string, file?: string) {
    super(message);
    this.file = file;
  }
}

/** A resource of a package: what is known of it without parsing it again. */
export interface PackageEntry {
  /** Path inside the package, e.g. `package/StructureDefinition-us-core-patient.json`. */
  readonly file: string;
  readonly resourceType: string;
  readonly id: string;
  /** Canonical URL without version; '' for what has none. */
  readonly url: string;
  /** Business version; '' if it has none. */
  readonly version: string;
  /** StructureDefinition.type or SearchParameter.type, CodeSystem.content; '' else. */
  readonly type: string;
  /** StructureDefinition.kind and derivation; '' else. */
  readonly kind: string;
  readonly derivation: string;
  /** Lies in the package's folder of examples. */
  readonly example: boolean;
}

export interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly canonical?: string;
  readonly title?: string;
  readonly fhirVersions: readonly string[];
  /** Name and version of each package that this one needs. */
  readonly dependencies: ReadonlyMap<string, string>;
}

/** A FHIR package (FHIR NPM package specification): its manifest and an index of its resources. */
export interface FhirPackage {
  readonly manifest: PackageManifest;
  /** Where it was read from. */
  readonly path: string;
  /** All resources but the examples. */
  readonly entries: readonly PackageEntry[];
  /** JSON files among the resources that are none: they have no resourceType. */
  readonly strays?: readonly string[];
  /**
   * A resource, freshly parsed. @throws PackageError that names the file if it is broken
   */
  read(entry: PackageEntry): Resource;
  /** The examples, read from the source again on every call: they are not kept. */
  examples(): Iterable<{ readonly entry: PackageEntry; readonly resource: Resource }>;
}

/** Bytes of a package's largest file. */
const MAX_FILE = 128 * 2 ** 20;
/** A text below this is kept as it is: there is nothing to win. */
const SMALL = 512;

/**
 * Reads a FHIR package: a .tgz, the folder that `package/` lies in, or that folder itself. All files are looked at once,
 * so that a broken one is found now; what is kept is an index and, of an archive, the deflated texts.
 *
 * @throws PackageError for a path that is no package, a broken manifest, and any resource that is not JSON or has no
 *   resourceType; the message names the file
 */
export function loadPackage(path: string): FhirPackage {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new PackageError(`There is no package ${path}`);
  return stats.isDirectory() ? loadFolder(path) : loadArchive(path);
}

function loadArchive(path: string): FhirPackage {
  const texts = new Map<string, { readonly bytes: Buffer; readonly deflated: boolean }>();
  let manifest: PackageManifest | undefined;
  const entries: PackageEntry[] = [];
  const strays: string[] = [];
  try {
    for (const { path: file, content } of readTarGz(readFileSync(path), isPackageFile)) {
      if (file === 'package/package.json') manifest = readManifest(path, content);
      else if (isResourceFile(file) && !isExample(file)) {
        const entry = indexResource(path, file, content);
        if (entry === undefined) {
          strays.push(file);
          continue;
        }
        entries.push(entry);
        const deflated = content.length > SMALL;
        texts.set(file, {
          bytes: deflated ? deflateRawSync(content, { level: 1 }) : Buffer.from(content),
          deflated,
        });
      }
    }
  } catch (error) {
    if (error instanceof PackageError) throw error;
    throw new PackageError(`The package ${path} cannot be read: ${(error as Error).message}`);
  }
  if (manifest === undefined) throw new PackageError(`The package ${path} has no package/package.json`);
  return {
    manifest,
    path,
    entries,
    strays,
    read(entry) {
      const text = texts.get(entry.file);
      if (text === undefined) throw new PackageError(`The package ${path} has no file ${entry.file}`);
      const bytes = text.deflated ? inflateRawSync(text.bytes, { maxOutputLength: MAX_FILE }) : text.bytes;
      return parseResource(path, entry.file, bytes);
    },
    *examples() {
      for (const { path: file, content } of readTarGz(readFileSync(path), isExample)) {
        if (!isResourceFile(file)) continue;
        const entry = indexResource(path, file, content);
        if (entry !== undefined) yield { entry, resource: parseResource(path, file, content) };
      }
    },
  };
}

function loadFolder(path: string): FhirPackage {
  // ~/.fhir/packages/name#version/package, or the inner folder itself.
  const inner = existsSync(join(path, 'package', 'package.json')) ? join(path, 'package') : path;
  const manifestFile = join(inner, 'package.json');
  if (!existsSync(manifestFile)) throw new PackageError(`The folder ${path} has no package.json`);
  const manifest = readManifest(path, readFileSync(manifestFile));
  const list = (folder: string): string[] =>
    existsSync(join(inner, folder))
      ? readdirSync(join(inner, folder))
          .sort()
          .map((name) => (folder === '' ? name : `${folder}/${name}`))
          .filter((file) => isResourceFile(`package/${file}`))
      : [];
  const readFile = (file: string): Buffer => {
    const full = join(inner, file);
    if (statSync(full).size > MAX_FILE)
      throw new PackageError(`${path}: ${file} is larger than ${MAX_FILE} bytes`, file);
    return readFileSync(full);
  };
  const entries: PackageEntry[] = [];
  const strays: string[] = [];
  for (const file of list('')) {
    const entry = indexResource(path, file, readFile(file));
    if (entry === undefined) strays.push(file);
    else entries.push(entry);
  }
  return {
    manifest,
    path,
    entries,
    strays,
    read: (entry) => parseResource(path, entry.file, readFile(entry.file)),
    *examples() {
      for (const file of [...list('example'), ...list('examples')]) {
        const content = readFile(file);
        const entry = indexResource(path, file, content);
        if (entry !== undefined) yield { entry, resource: parseResource(path, file, content) };
      }
    },
  };
}

function isPackageFile(file: string): boolean {
  return /^package\/[^/]+\.json$/.test(file);
}

function isExample(file: string): boolean {
  return /^(?:package\/)?examples?\//.test(file);
}

function isResourceFile(file: string): boolean {
  return (
    /^package\/(?:examples?\/)?[^/.][^/]*\.json$/.test(file) &&
    !/\/(?:package|ig-r4|validation-oo|validation-summary)\.json$/.test(file) &&
    !file.endsWith('.openapi.json') &&
    !file.endsWith('.schema.json')
  );
}

function readManifest(path: string, content: Buffer): PackageManifest {
  let json: unknown;
  try {
    json = JSON.parse(content.toString('utf8').replace(/^\ufeff/, ''));
  } catch (error) {
    throw new PackageError(`${path}: package.json is not JSON: ${(error as Error).message}`);
  }
  const { name, version, canonical, title, fhirVersions, dependencies } = (json ?? {}) as Record<
    string,
    unknown
  >;
  const fhirVersionList = (json as Record<string, unknown>)['fhir-version-list'];
  if (typeof name !== 'string' || typeof version !== 'string') {
    throw new PackageError(`${path}: package.json has no name and version`);
  }
  const versions = Array.isArray(fhirVersions) ? fhirVersions : fhirVersionList;
  return {
    name,
    version,
    ...(typeof canonical === 'string' ? { canonical } : {}),
    ...(typeof title === 'string' ? { title } : {}),
    fhirVersions: Array.isArray(versions) ? versions.filter((item) => typeof item === 'string') : [],
    dependencies: new Map(
      Object.entries((dependencies ?? {}) as Record<string, unknown>).filter(
        (pair): pair is [string, string] => typeof pair[1] === 'string',
      ),
    ),
  };
}

function parseResource(path: string, file: string, content: Buffer): Resource {
  let json: unknown;
  try {
    json = JSON.parse(content.toString('utf8').replace(/^\ufeff/, ''));
  } catch (error) {
    throw new PackageError(`${path}: ${file} is not JSON: ${(error as Error).message}`, file);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new PackageError(`${path}: ${file} is not a JSON object`, file);
  }
  return json as Resource;
}

/** Undefined for a JSON file that is no resource (other tools leave such in packages). @throws PackageError */
function indexResource(path: string, file: string, content: Buffer): PackageEntry | undefined {
  return entryOf(file, parseResource(path, file, content), path);
}

/** The index entry of a resource. @throws PackageError for a conformance resource that is broken */
export function entryOf(file: string, resource: Resource, path: string): PackageEntry | undefined {
  const text = (name: string): string => {
    const value = resource[name];
    if (value !== undefined && typeof value !== 'string')
      throw new PackageError(`${path}: ${file}: ${name} must be a string`, file);
    return value ?? '';
  };
  if (typeof resource.resourceType !== 'string') {
    if (resource['resourceType'] === undefined) return undefined;
    throw new PackageError(`${path}: ${file}: resourceType must be a string`, file);
  }
  const isStructure = resource.resourceType === 'StructureDefinition';
  if (isStructure && (text('url') === '' || text('type') === '')) {
    throw new PackageError(`${path}: ${file}: a StructureDefinition needs url and type`, file);
  }
  const isExampleFile = isExample(file) || isExample(file.replace(/^package\//, ''));
  return {
    file,
    resourceType: resource.resourceType,
    id: typeof resource['id'] === 'string' ? resource['id'] : '',
    url: isExampleFile || typeof resource['url'] !== 'string' ? '' : resource['url'],
    version: typeof resource['version'] === 'string' ? resource['version'] : '',
    type: isStructure
      ? text('type')
      : resource.resourceType === 'CodeSystem' && typeof resource['content'] === 'string'
        ? resource['content']
        : '',
    kind: isStructure ? text('kind') : '',
    derivation: isStructure ? text('derivation') : '',
    example: isExampleFile,
  };
}
