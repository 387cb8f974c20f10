import { parseResourceScope } from '../auth/scopes/index.ts';
import type { DefinitionsModel } from '../conformance/model.ts';
import { visibleDefinitions } from './hidden-parameters.ts';
import type { RolePolicy } from './policies/policy.ts';
import { scopeSearchProblem } from './scope-search.ts';

/** Searches over all of a resource's words: they would tell of elements that are hidden. */
const TEXT = /^_(text|content|filter)\b/;

/**
 * Scopes without those whose search cannot be carried out here, or looks at what the role may not see: they could not be
 * enforced, so they are not granted.
 * @param text scopes separated by spaces
 * @param policy of the role of the person; undefined for services
 */
export function enforceableScopes(
  text: string,
  definitions: DefinitionsModel,
  policy: RolePolicy | undefined,
): string {
  const hidden = policy?.hiddenElements;
  const hidesSomething = hidden !== undefined && Object.keys(hidden).length > 0;
  const visible = visibleDefinitions(definitions, hidden);
  return text
    .split(/\s+/)
    .filter((one) => {
      const scope = one === '' ? undefined : parseResourceScope(one);
      if (scope === undefined || scope.search.length === 0) return one !== '';
      if (hidesSomething && scope.search.some(([name]) => TEXT.test(name))) return false;
      return scopeSearchProblem(scope, visible) === undefined;
    })
    .join(' ');
}
