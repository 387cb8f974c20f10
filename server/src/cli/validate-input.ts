import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { DefinitionsModel } from '../conformance/model.ts';
import {
  entryOf,
  type FhirPackage,
  type PackageEntry,
  PackageError,
} from '../conformance/packages/package.ts';
import { FhirError } from '../fhir/outcome.ts';
import { isResource } from '../json/objects.ts';
import { parseJson } from '../json/parse.ts';
import type { Resource } from '../json/types.ts';
import { parseXml } from '../xml/index.ts';
import { UsageError } from './command.ts';
import { inputFiles } from './loading/files.ts';

/** One resource as text. */
export interface Input {
  /** File, and line of an NDJSON file. */
  readonly place: string;
  readonly text: string;
}

const MAX_DEPTH = 256;

/**
 * The resources in files, in directories (.json, .ndjson, .jsonl and .xml, each with .gz or not), or of the standard
 * input (`-`), by path. A text that is not UTF-8 comes as an error in its place.
 * @throws UsageError when there is nothing to read
 */
export function* inputs(
  positionals: readonly string[],
): Generator<Input | { place: string; error: FhirError }> {
  if (positionals.includes('-')) {
    if (positionals.length > 1) throw new UsageError('- stands alone');
    yield decoded('-', readFileSync(0));
    return;
  }
  const lines = new Map(inputFiles(positionals).map(({ path, ndjson }) => [path, ndjson]));
  for (const path of positionals.flatMap(xmlBelow)) lines.set(path, false);
  if (lines.size === 0) throw new UsageError('There are no .json, .ndjson, .jsonl or .xml files');
  for (const path of [...lines.keys()].sort()) {
    const bytes = readFileSync(path);
    const whole = decoded(path, path.toLowerCase().endsWith('.gz') ? gunzipSync(bytes) : bytes);
    if ('error' in whole || lines.get(path) !== true) yield whole;
    else {
      for (const [i, line] of whole.text.split('\n').entries()) {
        if (line.trim() !== '') yield { place: `${path}:${i + 1}`, text: line };
      }
    }
  }
}

/** The XML files of a directory and those below it. */
function xmlBelow(path: string): string[] {
  if (!statSync(path).isDirectory()) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap((one) => {
    const full = join(path, one.name);
    if (one.name.startsWith('.')) return [];
    if (one.isDirectory()) return xmlBelow(full);
    return /\.xml(\.gz)?$/i.test(one.name) ? [full] : [];
  });
}

/** R4 json.html, xml.html: resources are in UTF-8. */
function decoded(place: string, bytes: Uint8Array): Input | { place: string; error: FhirError } {
  try {
    return { place, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    const diagnostics = 'The text is not UTF-8';
    return { place, error: new FhirError(400, { severity: 'error', code: 'structure', diagnostics }) };
  }
}

/**
 * A resource from its text, XML if it begins with "<", else JSON.
 * @throws FhirError for what is neither, or no resource
 */
export function parseInput(text: string, definitions: DefinitionsModel): Resource {
  const value = /^\s*</.test(text)
    ? parseXml(text, definitions, { maxDepth: MAX_DEPTH })
    : parseJson(text, { maxDepth: MAX_DEPTH });
  if (isResource(value)) return value;
  throw new FhirError(400, {
    severity: 'error',
    code: 'structure',
    diagnostics: 'This is no FHIR resource: a resource is an object with a resourceType',
  });
}

/**
 * Definitions that lie in no package: the resources of files and directories as {@link inputs} reads them, and those of
 * Bundles among them.
 * @throws UsageError for a path that is not there; PackageError, which names the file, for what cannot be read
 */
export function looseDefinitions(paths: readonly string[], definitions: DefinitionsModel): FhirPackage {
  const resources = new Map<PackageEntry, Resource>();
  for (const path of paths) if (!existsSync(path)) throw new UsageError(`There is no ${path}`);
  for (const input of paths.length === 0 ? [] : inputs(paths)) {
    let resource: Resource;
    try {
      if ('error' in input) throw input.error;
      resource = parseInput(input.text, definitions);
    } catch (error) {
      if (error instanceof FhirError) throw new PackageError(`${input.place}: ${error.message}`);
      throw error;
    }
    for (const one of withEntries(resource)) {
      const entry = entryOf(`${input.place}#${resources.size}`, one, 'definitions');
      if (entry !== undefined) resources.set(entry, one);
    }
  }
  return {
    manifest: { name: 'definitions', version: '0.0.0', fhirVersions: [], dependencies: new Map() },
    path: paths.join(),
    entries: [...resources.keys()],
    read: (entry) => resources.get(entry) as Resource,
    examples: () => [],
  };
}

function withEntries(resource: Resource): Resource[] {
  const entries = resource.resourceType === 'Bundle' ? resource['entry'] : undefined;
  if (!Array.isArray(entries)) return [resource];
  return entries.flatMap((entry) => {
    const inner = (entry as { resource?: unknown } | null)?.resource;
    return isResource(inner as never) ? [inner as unknown as Resource] : [];
  });
}
