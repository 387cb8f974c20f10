import type { Resource } from '../../json/types.ts';
import { readDataElements } from '../compile.ts';
import { correctToR4 } from '../r4-corrections.ts';
import { type DefinitionsPackage, readBundle } from '../source.ts';
import type { SourceStructure } from '../source-model.ts';
import { writeWhole } from '../write-whole.ts';
import { entryOf, type PackageManifest } from './package.ts';
import { PackagePacker } from './packed-package.ts';

/** Counts up with every change of what is written. */
export const CORE_FORMAT = 4;

const MANIFEST: PackageManifest = {
  name: 'hl7.fhir.r4.core',
  version: '4.0.1',
  canonical: 'http://hl7.org/fhir',
  fhirVersions: ['4.0.1'],
  dependencies: new Map(),
};

const STRUCTURES = [
  'profiles-types.json',
  'profiles-resources.json',
  'profiles-others.json',
  'extension-definitions.json',
];
const TERMINOLOGY = ['valuesets.json', 'v2-tables.json', 'v3-codesystems.json'];

/**
 * Writes the R4 core package to one file in packed form. Narratives, mappings and xpath are left out. Takes some seconds and some hundred MB; run it in a process of its own.
 */
export function buildCore(file: string, stamp: string, source: DefinitionsPackage): void {
  const packer = new PackagePacker();
  const seen = new Set<string>();
  const add = (resource: Resource): void => {
    const entry = entryOf('', resource, source.directory);
    if (entry === undefined || entry.url === '') return;
    const key = `${entry.resourceType} ${entry.url}`;
    // Of two with one URL the first stays: what the R4 files hold comes before what came with it.
    if (seen.has(key)) return;
    seen.add(key);
    packer.add({ ...entry, file: `${entry.resourceType}-${entry.id}.json` }, resource);
  };
  const dataElements = readDataElements(source);
  for (const name of STRUCTURES) {
    const structures = readBundle<Resource>(source, name).filter(
      ({ resourceType }) => resourceType === 'StructureDefinition',
    );
    const right =
      name === 'profiles-types.json' || name === 'profiles-resources.json'
        ? correctToR4(structures as unknown as SourceStructure[], dataElements)
        : structures;
    for (const structure of right) add(structure as unknown as Resource);
  }
  for (const name of TERMINOLOGY) {
    for (const resource of readBundle<Resource>(source, name)) {
      if (resource.resourceType === 'ValueSet' || resource.resourceType === 'CodeSystem') add(resource);
    }
  }
  writeWhole(file, packer.finish(stamp, MANIFEST));
}
