import type { DefinitionsModel, SearchParamModel } from '../../conformance/model.ts';
import { withoutVersion } from '../index/convert.ts';
import { type JsonPath, jsonPaths, valuesAt } from './json-path.ts';
import type { FoundRow } from './rows.ts';

const canonicalPaths = new WeakMap<SearchParamModel, readonly JsonPath[]>();

/** The paths of a reference parameter that end in canonical URLs. */
function pathsOf(param: SearchParamModel, definitions: DefinitionsModel): readonly JsonPath[] {
  let paths = canonicalPaths.get(param);
  if (paths === undefined) {
    paths = (jsonPaths(param, definitions) ?? []).filter(
      ({ type }) => type === 'canonical' || type === 'uri',
    );
    canonicalPaths.set(param, paths);
  }
  return paths;
}

/**
 * Canonical URLs (without version) that a reference parameter finds in resources; with `own`, instead, the resources' own
 * `url`s, if the parameter holds canonicals at all. Empty for a parameter of references.
 */
export function canonicalUrls(
  param: SearchParamModel,
  rows: readonly FoundRow[],
  definitions: DefinitionsModel,
  own?: 'url',
): string[] {
  const paths = own === undefined ? pathsOf(param, definitions) : [{ names: [own], type: 'uri' }];
  if (pathsOf(param, definitions).length === 0) return [];
  const urls = new Set<string>();
  for (const row of rows) {
    const resource: unknown = JSON.parse(row.content);
    for (const path of paths) {
      for (const value of valuesAt(resource, path))
        if (typeof value === 'string') urls.add(withoutVersion(value));
    }
  }
  return [...urls];
}

/** The types that a canonical may be of: those of the parameter that have a `url`. */
export function canonicalTargets(
  param: SearchParamModel,
  target: string | undefined,
  definitions: DefinitionsModel,
): string[] {
  const types = target === undefined ? param.targets : [target];
  return types.filter((type) => definitions.search(type).params.get('url')?.type === 'uri');
}
