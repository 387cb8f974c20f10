import { parseQuery } from '../../http/fhir-handler.ts';
import { isObject, isResource } from '../../json/objects.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { validateStructure } from '../../validation/structure.ts';
import { ifMatchVersion } from '../entity-tags.ts';
import { FhirError, fhirError } from '../outcome.ts';
import { patchOf } from '../patch-body.ts';
import { queryText } from '../query-text.ts';
import type { FhirRequest } from '../request.ts';
import { type Route, route } from '../route.ts';
import type { TenantContext } from '../tenant-context.ts';
import { guardedPatch } from '../write/scope-check.ts';
import type { WriteRequest } from '../write/write-request.ts';

/** An entry of a batch or transaction (R4 bundle.html, http.html#transaction). */
export interface BundleEntry {
  /** `Bundle.entry[3]`. */
  readonly at: string;
  readonly fullUrl?: string;
  readonly resource?: Resource;
  readonly method: FhirRequest['method'];
  readonly path: readonly string[];
  readonly query: readonly (readonly [string, string])[];
  readonly route: Route;
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
  readonly ifNoneExist?: string;
  readonly ifModifiedSince?: string;
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);

function text(value: JsonValue | undefined, at: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '')
    throw fhirError(400, 'structure', `${at} must be a string that is not empty`, at);
  return value;
}

/**
 * Reads one entry.
 * @throws FhirError 400 naming the element that is missing or wrong; 404 and 405 as for a request of its own
 */
export function readEntry(value: JsonValue, index: number, context: TenantContext): BundleEntry {
  const at = `Bundle.entry[${index}]`;
  if (!isObject(value)) throw fhirError(400, 'structure', `${at} must be an object`, at);
  const request = value['request'];
  if (!isObject(request)) throw fhirError(400, 'required', `${at} needs a request`, `${at}.request`);
  const method = text(request['method'], `${at}.request.method`);
  if (method === undefined || !METHODS.has(method)) {
    throw fhirError(
      400,
      method === undefined ? 'required' : 'code-invalid',
      `${at}.request.method must be an HTTP verb of FHIR`,
      `${at}.request.method`,
    );
  }
  const url = text(request['url'], `${at}.request.url`);
  if (url === undefined) throw fhirError(400, 'required', `${at} needs request.url`, `${at}.request.url`);
  const { path, query } = splitUrl(url, context.baseUrl, at);
  const resource = value['resource'];
  if (resource !== undefined && !isResource(resource)) {
    throw fhirError(400, 'structure', `${at}.resource is not a FHIR resource`, `${at}.resource`);
  }
  assertEntryShape(value, at, context);
  const optional = (name: string, given: string | undefined) =>
    given === undefined ? {} : { [name]: given };
  return {
    at,
    method: method as FhirRequest['method'],
    path,
    query,
    route: route(method, path),
    ...optional('fullUrl', text(value['fullUrl'], `${at}.fullUrl`)),
    ...(resource === undefined ? {} : { resource }),
    ...optional('ifMatch', text(request['ifMatch'], `${at}.request.ifMatch`)),
    ...optional('ifNoneMatch', text(request['ifNoneMatch'], `${at}.request.ifNoneMatch`)),
    ...optional('ifNoneExist', text(request['ifNoneExist'], `${at}.request.ifNoneExist`)),
    ...optional('ifModifiedSince', text(request['ifModifiedSince'], `${at}.request.ifModifiedSince`)),
  };
}

/** Checks the entry's own elements against the definitions; its resource is checked where it is written. */
function assertEntryShape(entry: JsonObject, at: string, { definitions }: TenantContext): void {
  const { resource: _resource, ...shell } = entry;
  const issues = validateStructure({ resourceType: 'Bundle', type: 'batch', entry: [shell] }, definitions);
  if (issues.length === 0) return;
  const placed = issues.map((issue) => ({
    ...issue,
    expression: issue.expression?.replace('Bundle.entry[0]', at) ?? at,
  }));
  throw new FhirError(400, placed);
}

function splitUrl(url: string, baseUrl: string, at: string): { path: string[]; query: [string, string][] } {
  const relative = url.startsWith(`${baseUrl}/`)
    ? url.slice(baseUrl.length + 1)
    : url === baseUrl
      ? ''
      : url.replace(/^\//, '');
  if (/^[a-z][a-z0-9+.-]*:/i.test(relative)) {
    throw fhirError(
      400,
      'value',
      `${at}.request.url '${url.slice(0, 200)}' is not below this server's base`,
      `${at}.request.url`,
    );
  }
  const mark = relative.indexOf('?');
  const pathname = mark < 0 ? relative : relative.slice(0, mark);
  let path: string[];
  try {
    path = pathname.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    throw fhirError(400, 'value', `${at}.request.url is not percent-encoded UTF-8`, `${at}.request.url`);
  }
  return { path, query: mark < 0 ? [] : parseQuery(relative.slice(mark + 1)) };
}

const WRITES = new Set(['create', 'update', 'patch', 'delete']);

/** Whether the entry changes resources (and so takes part in the transaction itself). */
export function isWrite(entry: BundleEntry): boolean {
  return WRITES.has(entry.route.interaction);
}

/**
 * The write that an entry of a transaction asks for.
 * @throws FhirError 400 naming what the entry lacks
 */
export function writeOf(entry: BundleEntry, request: FhirRequest): WriteRequest {
  const { at } = entry;
  const { interaction, type, id, conditional } = entry.route as Route & { type: string };
  const ifMatch = ifMatchVersion(entry.ifMatch);
  const criteria = conditional ? queryText(entry.query) : undefined;
  if (criteria === '')
    throw fhirError(400, 'required', `${at}.request.url needs an id or search criteria`, `${at}.request.url`);
  const common = {
    type,
    at,
    ...(id === undefined ? {} : { id }),
    ...(criteria === undefined ? {} : { criteria }),
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(entry.fullUrl === undefined ? {} : { fullUrl: entry.fullUrl }),
  };
  if (interaction === 'delete') return { kind: 'delete', ...common };
  const { resource } = entry;
  if (resource === undefined) throw fhirError(400, 'required', `${at} needs a resource`, `${at}.resource`);
  if (interaction === 'patch') {
    return {
      kind: 'patch',
      ...common,
      patch: guardedPatch(request.scope, patchOf(patchRequest(resource, request, at))),
    };
  }
  if (resource.resourceType !== type) {
    const message = `${at}.resource is a ${resource.resourceType}, request.url asks for ${type}`;
    throw fhirError(400, 'value', message, `${at}.resource`);
  }
  if (interaction === 'create') {
    const search = entry.ifNoneExist?.replace(/^.*\?/, '');
    return { kind: 'create', ...common, resource, ...(search === undefined ? {} : { criteria: search }) };
  }
  if (id !== undefined && resource['id'] !== id) {
    const message = `${at}.resource.id is not the id of request.url, '${id}'`;
    throw fhirError(400, 'value', message, `${at}.resource.id`);
  }
  return { kind: 'update', ...common, resource };
}

/** A patch in a Bundle is a Parameters resource or a Binary that holds a JSON Patch (R4 http.html#patch). */
function patchRequest(resource: Resource, request: FhirRequest, at: string): FhirRequest {
  if (resource.resourceType !== 'Binary') return { ...request, json: resource, contentType: undefined };
  return { ...request, json: jsonPatchOf(resource, at), contentType: 'application/json-patch+json' };
}

/** The JSON Patch in a Binary. @throws FhirError 400 naming the entry's data */
export function jsonPatchOf(resource: Resource, at: string): JsonValue {
  const data = resource['data'];
  if (typeof data !== 'string')
    throw fhirError(400, 'required', `${at}.resource needs data`, `${at}.resource.data`);
  return parseJson(Buffer.from(data, 'base64').toString('utf8'));
}
