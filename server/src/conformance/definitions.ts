import { fhirError } from '../fhir/outcome.ts';
import { type CacheOptions, openCache } from './cache.ts';
import { type PackedTypeSearch, unpackParam } from './compile-search.ts';
import { type PackedType, unpackType } from './compile-types.ts';
import { LazyMap } from './lazy-map.ts';
import type { CompartmentModel, DefinitionsModel, SearchParamModel, TypeSearchModel } from './model.ts';
import type { PackedSection } from './packed.ts';
import { RESOURCE_TYPES } from './resource-types.ts';
import { loadTerminology } from './terminology.ts';

const loaded = new Map<string, DefinitionsModel>();

/**
 * The built-in R4 definitions. The first call on a machine compiles them into a cache file (about two seconds, in a
 * process of its own); later ones open that file, and types, parameters and value sets are made when first asked for.
 * The same object for every call with the same directory. Throws if the definitions package is not installed.
 */
export function loadDefinitions(options: CacheOptions = {}): DefinitionsModel {
  const key = options.cacheDir ?? '';
  let model = loaded.get(key);
  if (model === undefined) {
    model = openDefinitions(options);
    loaded.set(key, model);
  }
  return model;
}

function openDefinitions(options: CacheOptions): DefinitionsModel {
  const sections = openCache('definitions', options);
  const section = (name: string): PackedSection => sections.get(name) as PackedSection;
  const search = new LazyMap(RESOURCE_TYPES, (type) =>
    unpackSearch(type, section('search').read(type) as PackedTypeSearch),
  );
  const codes = new Map<string, ReadonlySet<string> | undefined>();
  return {
    types: new LazyMap(section('types').names, (name) =>
      unpackType(name, section('types').read(name) as PackedType),
    ),
    resourceTypes: RESOURCE_TYPES,
    compartments: new LazyMap(section('compartments').names, (code): CompartmentModel => {
      const [url, params] = section('compartments').read(code) as [string, [string, string[]][]];
      return { code, url, params: new Map(params) };
    }),
    search: (resourceType) => search.get(resourceType) ?? unknownType(resourceType),
    requiredCodes(valueSetUrl) {
      if (!codes.has(valueSetUrl)) {
        const list = loadTerminology(options).expandCodes(valueSetUrl);
        codes.set(
          valueSetUrl,
          list && new Set(list.flatMap(({ system, code }) => [code, `${system}|${code}`])),
        );
      }
      return codes.get(valueSetUrl);
    },
  };
}

function unpackSearch(
  resourceType: string,
  [packed, primaryDate, patientParam]: PackedTypeSearch,
): TypeSearchModel {
  return {
    resourceType,
    params: new Map(packed.map((param) => [param[0], unpackParam(param, resourceType, RESOURCE_TYPES)])),
    ...(primaryDate === '' ? {} : { primaryDate }),
    ...(patientParam === '' ? {} : { patientParam }),
  };
}

/** R4 http.html#general: 404 for a resource type that is not supported. */
function unknownType(resourceType: string): never {
  throw fhirError(404, 'not-supported', `Unknown resource type ${JSON.stringify(resourceType)}`);
}

/**
 * Definitions with more search parameters, such as a tenant's own. Everything else is shared with the definitions given.
 * A parameter with the code of a built-in one of its type takes its place.
 */
export function withSearchParameters(
  definitions: DefinitionsModel,
  custom: readonly SearchParamModel[],
): DefinitionsModel {
  if (custom.length === 0) return definitions;
  const byType = Map.groupBy(custom, (param) => param.resourceType);
  const merged = new Map<string, TypeSearchModel>();
  return {
    ...definitions,
    search(resourceType) {
      const own = byType.get(resourceType);
      if (own === undefined) return definitions.search(resourceType);
      let model = merged.get(resourceType);
      if (model === undefined) {
        const base = definitions.search(resourceType);
        model = {
          ...base,
          params: new Map([...base.params, ...own.map((param) => [param.code, param] as const)]),
        };
        merged.set(resourceType, model);
      }
      return model;
    },
  };
}
