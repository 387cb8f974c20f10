export { describeScope } from './describe.ts';
export { INTERACTIONS, interactionsOf } from './interactions.ts';
export { allows, grantedScopes, intersectResourceScopes, intersectScopes, normalized } from './intersect.ts';
export { formatScope, formatScopes, parseResourceScope, parseScopes } from './parse.ts';
export {
  CONTEXT_SCOPES,
  type ContextScope,
  type ParsedScopes,
  PERMISSIONS,
  type Permission,
  type ResourceScope,
  type ScopeContext,
} from './scope.ts';
export { subScopesOf, usCoreScopes } from './sub-scopes.ts';
