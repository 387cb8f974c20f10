import { allows, intersectResourceScopes } from '../scopes/intersect.ts';
import { formatScope, parseResourceScope, parseScopes } from '../scopes/parse.ts';

/** The single scopes of a `scope` parameter, each once, as they were written (RFC 6749, section 3.3). */
const scopesOf = (text: string): string[] => [...new Set(text.split(' ').filter((one) => one !== ''))];

/**
 * The part of what is asked that is allowed too. A scope that is allowed as a whole stays as it was written, so that the
 * client finds what it asked for; of another one the part that is allowed remains.
 * @returns scopes separated by spaces; empty when there is nothing in common
 */
export function granted(asked: string, allowed: string): string {
  const have = parseScopes(allowed);
  const given = scopesOf(asked).flatMap((text) => {
    const scope = parseResourceScope(text);
    if (scope === undefined) return (have.context as readonly string[]).includes(text) ? [text] : [];
    if (allows(have.resources, scope)) return [text];
    return have.resources.flatMap((other) => {
      const both = intersectResourceScopes(scope, other);
      return both === undefined ? [] : [formatScope(both)];
    });
  });
  return [...new Set(given)].join(' ');
}

/**
 * A request for fewer scopes than were granted (RFC 6749, section 6).
 * @returns what was asked, each scope once; undefined when any of it was not granted, or nothing is asked
 */
export function narrowed(asked: string, grantedScopes: string): string | undefined {
  const have = parseScopes(grantedScopes);
  const wanted = scopesOf(asked);
  const fits = wanted.every((text) => {
    const scope = parseResourceScope(text);
    if (scope !== undefined) return allows(have.resources, scope);
    return (have.context as readonly string[]).includes(text);
  });
  return fits && wanted.length > 0 ? wanted.join(' ') : undefined;
}

/** The scopes for resources with the context `system`. */
export const systemOnly = (text: string): string =>
  scopesOf(text)
    .filter((one) => parseResourceScope(one)?.context === 'system')
    .join(' ');

/** The scopes for resources: what can be passed on to somebody else. */
export const resourceOnly = (text: string): string =>
  scopesOf(text)
    .filter((one) => parseResourceScope(one) !== undefined)
    .join(' ');
