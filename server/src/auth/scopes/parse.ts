import { typeCode } from '../../conformance/resource-types.ts';
import {
  CONTEXT_SCOPES,
  type ContextScope,
  type ParsedScopes,
  PERMISSIONS,
  type Permission,
  type ResourceScope,
  type ScopeContext,
} from './scope.ts';

const RESOURCE = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]*)\.(\*|read|write|c?r?u?d?s?)(?:\?(.+))?$/s;

/** What the permissions of SMART 1 are in those of SMART 2 (SMART App Launch 2.2, "Scopes for requesting FHIR Resources"). */
const VERSION_1: Readonly<Record<string, readonly Permission[]>> = {
  read: ['r', 's'],
  write: ['c', 'u', 'd'],
  '*': PERMISSIONS,
};

const CONTEXT = new Set<string>(CONTEXT_SCOPES);

/**
 * Reads the `scope` parameter of OAuth 2.0 (RFC 6749 3.3: separated by spaces, order without meaning, repetition without
 * effect) with the scopes of SMART App Launch 2.2, those of version 1 included. Never fails: what is no scope is listed
 * as unknown. Letters of a permission stand in the order `cruds`; `rc` is no permission.
 */
export function parseScopes(text: string): ParsedScopes {
  const resources = new Map<string, ResourceScope>();
  const context = new Set<ContextScope>();
  const unknown = new Set<string>();
  for (const one of text.split(/\s+/).filter(Boolean)) {
    if (CONTEXT.has(one)) context.add(one as ContextScope);
    else {
      const scope = parseResourceScope(one);
      if (scope === undefined) unknown.add(one);
      else resources.set(formatScope(scope), scope);
    }
  }
  return { resources: [...resources.values()], context: [...context], unknown: [...unknown] };
}

/** One scope for resources; undefined for anything else. */
export function parseResourceScope(text: string): ResourceScope | undefined {
  const match = RESOURCE.exec(text);
  if (match === null) return undefined;
  const [, context, type, letters, query] = match as unknown as [
    string,
    ScopeContext,
    string,
    string,
    string?,
  ];
  if (letters === '' || (type !== '*' && typeCode(type) === undefined)) return undefined;
  const old = VERSION_1[letters];
  // Search parameters came with version 2, and a search goes with a type.
  if (query !== undefined && (old !== undefined || type === '*')) return undefined;
  const search = query === undefined ? [] : [...new URLSearchParams(query)];
  if (search.some(([name, value]) => name === '' || value === '')) return undefined;
  return {
    context,
    type,
    permissions: old ?? ([...letters] as string[] as Permission[]),
    search: search as [string, string][],
    version: old === undefined ? 2 : 1,
  };
}

/** The text of a scope for resources. */
export function formatScope(scope: ResourceScope): string {
  const { context, type, permissions, search, version } = scope;
  return `${context}/${type}.${version === 1 ? version1(permissions) : permissions.join('')}${
    search.length === 0 ? '' : `?${search.map((pair) => pair.map(encode).join('=')).join('&')}`
  }`;
}

function version1(permissions: readonly Permission[]): string {
  const letters = permissions.join('');
  return letters === 'rs' ? 'read' : letters === 'cud' ? 'write' : '*';
}

/** Percent-encoding that leaves the separators of search values as people write them; a scope has no spaces. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/%(7C|2C|3A|2F|24)/g, (code) => decodeURIComponent(code));
}

/** The text of a `scope` parameter: context scopes first, then those for resources; unknown ones are left out. */
export function formatScopes({ resources, context }: Pick<ParsedScopes, 'resources' | 'context'>): string {
  return [...context, ...resources.map(formatScope)].join(' ');
}
