import type { Interaction } from '../access/scope.ts';
import { typeCode } from '../conformance/resource-types.ts';
import { fhirError } from './outcome.ts';

/** What a method and path ask for (R4 http.html#summary). */
export interface Route {
  readonly interaction: Interaction;
  readonly type?: string;
  readonly id?: string;
  readonly version?: number;
  /** Operation name with `$`, for interaction `operation`. */
  readonly operation?: string;
  /** Search within a compartment: `Patient/1/Observation`, or `Patient/1/*` with type undefined. */
  readonly compartment?: { readonly type: string; readonly id: string };
  /** The criteria are in the query: conditional update, patch or delete. */
  readonly conditional?: boolean;
}

const ID = /^[A-Za-z0-9\-.]{1,64}$/;

function known(type: string): string {
  if (typeCode(type) === undefined)
    throw fhirError(404, 'not-supported', `Unknown resource type '${type}'`, 'http.path');
  return type;
}

function validId(id: string): string {
  if (!ID.test(id)) throw fhirError(404, 'not-found', `'${id}' is not a valid id`, 'http.path');
  return id;
}

function notAllowed(method: string, path: readonly string[]): never {
  throw fhirError(405, 'not-supported', `${method} is not allowed on '${path.join('/')}'`, 'http.method');
}

/**
 * Finds the interaction of a request. Pure.
 * @param path below the tenant's base, decoded
 * @throws FhirError 404 for an unknown type or malformed id, 405 where the method does not fit the path
 */
export function route(method: string, path: readonly string[]): Route {
  const verb = method === 'HEAD' ? 'GET' : method;
  const [first, second, third, fourth] = path;
  if (first === undefined) {
    if (verb === 'POST') return { interaction: 'batch' };
    if (verb === 'GET') return { interaction: 'search-system' };
    return notAllowed(method, path);
  }
  if (path.length === 1) {
    if (first === 'metadata')
      return verb === 'GET' ? { interaction: 'capabilities' } : notAllowed(method, path);
    if (first === '_history')
      return verb === 'GET' ? { interaction: 'history-system' } : notAllowed(method, path);
    if (first === '_search')
      return verb === 'POST' ? { interaction: 'search-system' } : notAllowed(method, path);
    if (first.startsWith('$')) return { interaction: 'operation', operation: first };
    const type = known(first);
    if (verb === 'GET') return { interaction: 'search-type', type };
    if (verb === 'POST') return { interaction: 'create', type };
    if (verb === 'PUT') return { interaction: 'update', type, conditional: true };
    if (verb === 'PATCH') return { interaction: 'patch', type, conditional: true };
    return { interaction: 'delete', type, conditional: true };
  }
  const type = known(first);
  if (path.length === 2 && second !== undefined) {
    if (second === '_history')
      return verb === 'GET' ? { interaction: 'history-type', type } : notAllowed(method, path);
    if (second === '_search')
      return verb === 'POST' ? { interaction: 'search-type', type } : notAllowed(method, path);
    if (second.startsWith('$')) return { interaction: 'operation', type, operation: second };
    const id = validId(second);
    if (verb === 'GET') return { interaction: 'read', type, id };
    if (verb === 'PUT') return { interaction: 'update', type, id };
    if (verb === 'PATCH') return { interaction: 'patch', type, id };
    if (verb === 'DELETE') return { interaction: 'delete', type, id };
    return notAllowed(method, path);
  }
  const id = validId(second as string);
  if (path.length === 3 && third !== undefined) {
    if (third === '_history')
      return verb === 'GET' ? { interaction: 'history-instance', type, id } : notAllowed(method, path);
    if (third.startsWith('$')) return { interaction: 'operation', type, id, operation: third };
    if (verb !== 'GET') return notAllowed(method, path);
    if (third === '*') return { interaction: 'search-system', compartment: { type, id } };
    return { interaction: 'search-type', type: known(third), compartment: { type, id } };
  }
  if (path.length === 4 && third === '_history' && fourth !== undefined) {
    if (fourth.startsWith('$')) return { interaction: 'operation', type, id, operation: fourth };
    if (verb !== 'GET') return notAllowed(method, path);
    return { interaction: 'vread', type, id, version: versionNumber(fourth) };
  }
  if (path.length === 4 && fourth === '_search' && verb === 'POST' && third !== undefined) {
    if (third === '*') return { interaction: 'search-system', compartment: { type, id } };
    return { interaction: 'search-type', type: known(third), compartment: { type, id } };
  }
  if (path.length === 5 && third === '_history' && path[4]?.startsWith('$')) {
    return {
      interaction: 'operation',
      type,
      id,
      version: versionNumber(fourth as string),
      operation: path[4],
    };
  }
  throw fhirError(404, 'not-found', `There is nothing at '${path.join('/')}'`, 'http.path');
}

/** A version id of this server: 1, 2, 3... Anything else names no version. */
export function versionNumber(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text))
    throw fhirError(404, 'not-found', `There is no version '${text}'`, 'http.path');
  return Number(text);
}
