import { formatScope } from './parse.ts';
import { type ParsedScopes, PERMISSIONS, type Permission, type ResourceScope } from './scope.ts';

/**
 * What is in both: of each two scopes for resources the part that both allow. A granular scope and one for the whole type
 * give the granular one; of two granular scopes with other parameters both must hold, so their parameters are joined.
 * Context scopes are those that both name.
 *
 * The result is normal ({@link normalized}): so equal sets are written alike, whatever the order.
 */
export function intersectScopes(
  a: Pick<ParsedScopes, 'resources' | 'context'>,
  b: Pick<ParsedScopes, 'resources' | 'context'>,
): ParsedScopes {
  const resources: ResourceScope[] = [];
  for (const left of a.resources) {
    for (const right of b.resources) {
      const both = intersectResourceScopes(left, right);
      if (both !== undefined) resources.push(both);
    }
  }
  return {
    resources: normalized(resources),
    context: a.context.filter((one) => b.context.includes(one)).sort(),
    unknown: [],
  };
}

/** What two scopes both allow; undefined for nothing. */
export function intersectResourceScopes(a: ResourceScope, b: ResourceScope): ResourceScope | undefined {
  if (a.context !== b.context || (a.type !== b.type && a.type !== '*' && b.type !== '*')) return undefined;
  const permissions = a.permissions.filter((one) => b.permissions.includes(one));
  if (permissions.length === 0) return undefined;
  return made(a.context, a.type === '*' ? b.type : a.type, permissions, [...a.search, ...b.search], [a, b]);
}

/** A scope with its search in normal order, in the words of version 1 where all that it is made of are and it can be. */
function made(
  context: ResourceScope['context'],
  type: string,
  permissions: readonly Permission[],
  search: ResourceScope['search'],
  from: readonly ResourceScope[],
): ResourceScope {
  const letters = permissions.join('');
  const version = from.every((one) => one.version === 1) && ['rs', 'cud', 'cruds'].includes(letters) ? 1 : 2;
  return { context, type, permissions, search: sortedSearch(search), version };
}

function sortedSearch(search: ResourceScope['search']): ResourceScope['search'] {
  const distinct = new Map(search.map((pair) => [JSON.stringify(pair), pair]));
  return [...distinct].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair);
}

/**
 * Scopes in normal form: one for each context, type and search with all of its permissions, without those that others
 * allow already, in the order of their text.
 */
export function normalized(scopes: readonly ResourceScope[]): ResourceScope[] {
  const merged = new Map<string, ResourceScope>();
  for (const scope of scopes) {
    const search = sortedSearch(scope.search);
    const key = JSON.stringify([scope.context, scope.type, search]);
    const known = merged.get(key);
    const permissions = PERMISSIONS.filter(
      (one) => scope.permissions.includes(one) || known?.permissions.includes(one) === true,
    );
    merged.set(
      key,
      made(scope.context, scope.type, permissions, search, known === undefined ? [scope] : [scope, known]),
    );
  }
  const rest = [...merged.values()].flatMap((scope) => {
    // A permission that a wider scope gives need not be given again.
    const wider = [...merged.values()].filter((other) => other !== scope && isWider(other, scope));
    const own = scope.permissions.filter(
      (one) => !wider.some(({ permissions }) => permissions.includes(one)),
    );
    if (own.length === 0) return [];
    return [
      own.length === scope.permissions.length
        ? scope
        : made(scope.context, scope.type, own, scope.search, [scope]),
    ];
  });
  return rest.sort((a, b) => (formatScope(a) < formatScope(b) ? -1 : 1));
}

/** Whether what `scope` is about is all within what `other` is about, whatever the permissions. */
function isWider(other: ResourceScope, scope: ResourceScope): boolean {
  return (
    other.context === scope.context &&
    (other.type === '*' || other.type === scope.type) &&
    other.search.every((pair) => scope.search.some(([name, value]) => name === pair[0] && value === pair[1]))
  );
}

/** Whether scopes allow all that `scope` does, each of its permissions by some scope that is as wide. */
export function allows(scopes: readonly ResourceScope[], scope: ResourceScope): boolean {
  return scope.permissions.every((one) =>
    scopes.some((other) => isWider(other, scope) && other.permissions.includes(one)),
  );
}

/**
 * What of the scopes asked for is granted, in the words and order of who asked: a scope that is allowed whole stays as it
 * was written, of another that part is granted which is allowed. This is what a token response lists.
 */
export function grantedScopes(
  asked: Pick<ParsedScopes, 'resources' | 'context'>,
  allowed: Pick<ParsedScopes, 'resources' | 'context'>,
): ParsedScopes {
  const resources = asked.resources.flatMap((scope) =>
    allows(allowed.resources, scope)
      ? [scope]
      : intersectScopes({ resources: [scope], context: [] }, allowed).resources,
  );
  const distinct = new Map(resources.map((scope) => [formatScope(scope), scope]));
  return {
    resources: [...distinct.values()],
    context: asked.context.filter((one) => allowed.context.includes(one)),
    unknown: [],
  };
}
