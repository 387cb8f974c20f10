import type { DefinitionsModel, SearchParamModel } from '../conformance/model.ts';
import type { FhirPackage } from '../conformance/packages/index.ts';
import type { JsonObject } from '../json/types.ts';
import { compileSearchParameter } from '../search/index/search-parameter.ts';
import { FhirError } from './outcome.ts';

/** Packages whose compiled parameters are kept. */
const KEPT = 50;
const compiled = new Map<string, readonly SearchParamModel[]>();

/**
 * What the SearchParameter resources of a package add to the built-in ones. Those for a code that the type has already
 * add nothing: as in US Core they say again what R4 says, with the expectations of the guide. Those that are retired or
 * cannot be used here are left out; the install has told of them.
 *
 * @param digest of the package: it is compiled once in a process
 */
export function packageSearchParameters(
  digest: string,
  from: FhirPackage,
  builtIn: DefinitionsModel,
): readonly SearchParamModel[] {
  let models = compiled.get(digest);
  if (models === undefined) {
    models = from.entries.flatMap((entry) =>
      entry.resourceType === 'SearchParameter' ? additions(from.read(entry), builtIn) : [],
    );
    if (compiled.size >= KEPT) compiled.clear();
    compiled.set(digest, models);
  }
  return models;
}

function additions(resource: JsonObject, builtIn: DefinitionsModel): SearchParamModel[] {
  const { status, code, base } = resource;
  const known = (type: string) => builtIn.search(type).params.has(String(code));
  const bases = Array.isArray(base)
    ? base.filter((type) => builtIn.resourceTypes.includes(String(type)))
    : [];
  // To compile takes a while, and most say what R4 says already.
  if (status === 'retired' || (bases.length > 0 && bases.every((type) => known(String(type))))) return [];
  try {
    return compileSearchParameter(resource, builtIn).filter((model) => !known(model.resourceType));
  } catch (error) {
    if (error instanceof FhirError) return [];
    throw error;
  }
}
