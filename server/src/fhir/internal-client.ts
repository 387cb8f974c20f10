import type { AccessScope } from '../access/scope.ts';
import type { AuditActor } from '../audit/request-event.ts';
import { isObject, isResource, objectsOf } from '../json/objects.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import type { FhirServer } from './fhir-server.ts';
import { FhirError } from './outcome.ts';
import type { FhirRequest, Preferences } from './request.ts';
import type { TenantContext } from './tenant-context.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type Query = readonly (readonly [string, string])[];

/** What carries requests out: the FhirServer; within an operation its services, which stand in for it. */
export type RequestHandler = Pick<FhirServer, 'handle' | 'services'>;

/** What a call says besides its path. */
interface Call {
  readonly query?: Query;
  readonly json?: JsonValue;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What an internal client is told besides whose it is. */
export interface InternalClientOptions {
  /** Who acts, for the audit log; without it, who the scope says. */
  readonly actor?: AuditActor;
  /** Ends its requests. */
  readonly signal?: AbortSignal;
  /** Whether what it does is recorded in the audit log, as a client's requests are; true by default. */
  readonly audited?: boolean;
  /** X-Provenance of its requests. */
  readonly provenance?: string;
  /** See {@link FhirRequest.attributed}. */
  readonly attributed?: readonly string[];
}

const PREFER: Preferences = { return: 'representation', handling: 'strict', respondAsync: false };

/**
 * The FHIR API as parts of the server use it that act for somebody: the interactions of R4 http.html under an AccessScope,
 * in JSON, without HTTP. What a client could not do, it cannot.
 */
export class InternalClient {
  readonly context: TenantContext;
  readonly scope: AccessScope;
  readonly #server: RequestHandler;
  readonly #options: InternalClientOptions;

  constructor(
    server: RequestHandler,
    context: TenantContext,
    scope: AccessScope,
    options: InternalClientOptions = {},
  ) {
    this.#server = server;
    this.context = context;
    this.scope = scope;
    this.#options = options;
  }

  /** @returns undefined when there is none that the scope shows (404, 410) */
  async read(type: string, id: string): Promise<Resource | undefined> {
    try {
      return (await this.call('GET', [type, id])) as Resource;
    } catch (error) {
      if (error instanceof FhirError && (error.status === 404 || error.status === 410)) return undefined;
      throw error;
    }
  }

  /** Reads what a literal reference points to, `Type/id`; undefined for any other reference, or where there is none. */
  async follow(reference: JsonValue | undefined): Promise<Resource | undefined> {
    const text = isObject(reference) ? reference['reference'] : reference;
    const match = typeof text === 'string' ? /^([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})$/.exec(text) : null;
    return match === null ? undefined : this.read(match[1] as string, match[2] as string);
  }

  /** One page of a search. @returns its matches, without what `_include` adds */
  async search(type: string, query: Query): Promise<Resource[]> {
    return matchesOf(await this.call('GET', [type], { query }));
  }

  /** All pages of a search, as a Bundle's matches. @param most of them, after which the rest is left out */
  async searchAll(type: string, query: Query, most: number): Promise<Resource[]> {
    const found: Resource[] = [];
    let next: Query | undefined = query;
    while (next !== undefined && found.length < most) {
      const bundle: JsonObject = await this.call('GET', [type], { query: next });
      found.push(...matchesOf(bundle));
      next = nextOf(bundle);
    }
    return found.slice(0, most);
  }

  /** The whole Bundle of a page of a search. */
  bundle(type: string, query: Query): Promise<JsonObject> {
    return this.call('GET', [type], { query });
  }

  /** @param ifNoneExist query of a conditional create */
  async create(resource: Resource, ifNoneExist?: string): Promise<Resource> {
    const headers = ifNoneExist === undefined ? {} : { 'if-none-exist': ifNoneExist };
    return (await this.call('POST', [resource.resourceType], { json: resource, headers })) as Resource;
  }

  /** @param ifMatch the version that is changed; by default whichever is there */
  async update(resource: Resource, ifMatch?: string): Promise<Resource> {
    const headers = ifMatch === undefined ? {} : { 'if-match': `W/"${ifMatch}"` };
    const path = [resource.resourceType, String(resource['id'])];
    return (await this.call('PUT', path, { json: resource, headers })) as Resource;
  }

  /** @returns the response Bundle @throws FhirError for the first entry that cannot be done; then nothing was written */
  transaction(bundle: JsonObject): Promise<JsonObject> {
    return this.call('POST', [], { json: bundle });
  }

  /** Calls an operation that takes Parameters. @param path such as `['Patient', '1', '$everything']` */
  operation(path: readonly string[], parameters: JsonObject): Promise<JsonObject> {
    return this.call('POST', path, { json: parameters });
  }

  /** Any request. @throws FhirError as a client would be told */
  async call(method: Method, path: readonly string[], call: Call = {}): Promise<JsonObject> {
    const { actor, signal, audited = true, provenance, attributed } = this.#options;
    const headers: Readonly<Record<string, string>> = {
      ...call.headers,
      ...(provenance === undefined ? {} : { 'x-provenance': provenance }),
    };
    const request: FhirRequest = {
      scope: this.scope,
      context: this.context,
      method,
      path,
      query: call.query ?? [],
      header: (name) => headers[name],
      contentType: call.json === undefined ? undefined : 'application/fhir+json',
      ...(call.json === undefined ? {} : { json: call.json }),
      body: undefined,
      prefer: PREFER,
      ...(attributed === undefined ? {} : { attributed }),
      ...(actor === undefined ? {} : { actor }),
      ...(signal === undefined ? {} : { signal }),
    };
    const trail = audited ? this.#server.services.audit : undefined;
    try {
      const response = await this.#server.handle(request);
      await trail?.answered(request, response);
      return response.text === undefined ? {} : (parseJson(response.text) as JsonObject);
    } catch (error) {
      if (error instanceof FhirError) await trail?.refused(request, error);
      throw error;
    }
  }
}

/** The resources of a searchset that the search found (search.mode match). */
function matchesOf(bundle: JsonObject): Resource[] {
  return objectsOf(bundle['entry']).flatMap(({ resource, search }) =>
    isResource(resource) && (!isObject(search) || search['mode'] === 'match') ? [resource] : [],
  );
}

/** The query of the next page of a searchset or history (R4 http.html#paging); undefined after the last. */
export function nextOf(bundle: JsonObject): Query | undefined {
  const url = objectsOf(bundle['link']).find(({ relation }) => relation === 'next')?.['url'];
  return typeof url === 'string' ? [...new URL(url).searchParams] : undefined;
}
