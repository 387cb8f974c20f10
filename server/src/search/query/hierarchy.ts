import type { DefinitionsModel, SearchParamModel } from '../../conformance/model.ts';

/** Codes of the parameters by which R4 resources name their parent in a strict hierarchy of their own type. */
const PARENT_CODES = ['partof', 'part-of', 'parent'];

/** For each of the types that form a hierarchy, the reference parameter that points to the parent (R4 search.html#recursive). */
export function hierarchyParents(
  definitions: DefinitionsModel,
  types: readonly string[],
): Map<string, SearchParamModel> {
  const parents = new Map<string, SearchParamModel>();
  for (const type of types) {
    const { params } = definitions.search(type);
    for (const code of PARENT_CODES) {
      const param = params.get(code);
      if (param?.type !== 'reference' || !param.targets.includes(type)) continue;
      parents.set(type, param);
      break;
    }
  }
  return parents;
}
