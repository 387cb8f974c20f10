import { FhirRequestError } from './errors.ts';
import type { Bundle, OperationOutcome, Parameters, ParametersParameter, Resource } from './types.ts';

/** Values of search parameters; of several of one name all must hold. Undefined ones are left out. */
export type SearchParameters = Readonly<
  Record<string, string | number | boolean | undefined | readonly (string | number)[]>
>;

/** Where tokens come from: fhirclient's Client, seen from here. */
export interface TokenSource {
  /** The value of `Authorization`, renewed when it is about to end; undefined for a server without authorization. */
  authorization(signal?: AbortSignal): Promise<string | undefined>;
  /** Renews the access after a 401. @returns false when that is not possible */
  renew(): Promise<boolean>;
}

export interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

const FHIR_JSON = 'application/fhir+json';

/** A FHIR server's RESTful API (R4 http.html) for one session. Paths are relative to its base. */
export class FhirApi {
  /** Without trailing slash. */
  readonly base: string;
  readonly #tokens: TokenSource;

  constructor(base: string, tokens: TokenSource) {
    this.base = base.replace(/\/+$/, '');
    this.#tokens = tokens;
  }

  /** @throws FhirRequestError */
  read<T extends Resource>(reference: string, signal?: AbortSignal): Promise<T> {
    return this.request<T>(reference, { signal });
  }

  /** One page of a search (R4 search.html). @throws FhirRequestError */
  search<T extends Resource>(
    type: string,
    parameters: SearchParameters = {},
    signal?: AbortSignal,
  ): Promise<Bundle<T>> {
    return this.request<Bundle<T>>(`${type}${queryOf(parameters)}`, { signal });
  }

  /** The pages of a search joined to one Bundle. @param most pages at most @throws FhirRequestError */
  async searchAll<T extends Resource>(
    type: string,
    parameters: SearchParameters = {},
    signal?: AbortSignal,
    most = 20,
  ): Promise<Bundle<T>> {
    const first = await this.search<T>(type, { _count: 200, ...parameters }, signal);
    const entry = [...(first.entry ?? [])];
    let next = nextOf(first);
    for (let page = 1; next !== undefined && page < most; page++) {
      const bundle: Bundle<T> = await this.request<Bundle<T>>(next, { signal });
      entry.push(...(bundle.entry ?? []));
      next = nextOf(bundle);
    }
    return { ...first, entry };
  }

  /**
   * @returns the stored resource: servers that do not answer with it say where it is (R4 http.html#create)
   * @throws FhirRequestError
   */
  async create<T extends Resource>(resource: T): Promise<T> {
    const answer = await this.#send(resource.resourceType, { method: 'POST', body: resource });
    if (!answer.ok) throw await errorOf(answer);
    const text = await answer.text();
    if (text !== '') return JSON.parse(text) as T;
    const [, id] = /\/([A-Za-z0-9.-]+)(?:\/_history\/|$)/.exec(answer.headers.get('Location') ?? '') ?? [];
    return id === undefined ? resource : this.read<T>(`${resource.resourceType}/${id}`);
  }

  /**
   * Stores a changed resource, unless somebody else has changed it meanwhile (R4 http.html#concurrency): that is a
   * FhirRequestError of status 412.
   */
  update<T extends Resource>(resource: T): Promise<T> {
    const version = resource.meta?.versionId;
    return this.request<T>(`${resource.resourceType}/${resource.id}`, {
      method: 'PUT',
      body: resource,
      ...(version === undefined ? {} : { headers: { 'If-Match': `W/"${version}"` } }),
    });
  }

  /** @param operations of JSON Patch (RFC 6902) */
  patch<T extends Resource>(reference: string, operations: readonly object[]): Promise<T> {
    return this.request<T>(reference, {
      method: 'PATCH',
      body: operations,
      headers: { 'Content-Type': 'application/json-patch+json' },
    });
  }

  async remove(reference: string): Promise<void> {
    await this.request(reference, { method: 'DELETE' });
  }

  /** All or nothing (R4 http.html#transaction). */
  transaction(entry: NonNullable<Bundle['entry']>): Promise<Bundle> {
    return this.request<Bundle>('', {
      method: 'POST',
      body: { resourceType: 'Bundle', type: 'transaction', entry },
    });
  }

  /**
   * Calls an operation with Parameters (R4 operations.html).
   * @param path e.g. `Appointment/$book`
   */
  operation<T extends Resource>(
    path: string,
    parameter: readonly ParametersParameter[] = [],
    signal?: AbortSignal,
  ): Promise<T> {
    const body: Parameters = { resourceType: 'Parameters', parameter: [...parameter] };
    return this.request<T>(path, { method: 'POST', body, signal });
  }

  /** Calls an operation that changes nothing, by GET. @param path e.g. `Appointment/$find` */
  ask<T extends Resource>(path: string, parameters: SearchParameters = {}, signal?: AbortSignal): Promise<T> {
    return this.request<T>(`${path}${queryOf(parameters)}`, { signal });
  }

  /** The content of a Binary or of another attachment of this server. @throws FhirRequestError */
  async content(path: string, signal?: AbortSignal): Promise<Blob> {
    const answer = await this.#send(path, { signal, headers: { Accept: '*/*' } });
    if (!answer.ok) throw await errorOf(answer);
    return answer.blob();
  }

  /**
   * Any request. A path may be a whole address of this server, such as `next` links are: no other server gets the token.
   * @throws FhirRequestError
   */
  async request<T = unknown>(path: string, options: RequestOptions = {}): Promise<T> {
    const answer = await this.#send(path, options);
    if (!answer.ok) throw await errorOf(answer);
    const text = await answer.text();
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  async #send(path: string, options: RequestOptions): Promise<Response> {
    const url = this.urlOf(path);
    const send = async () => {
      const authorization = await this.#tokens.authorization(options.signal);
      const { method = 'GET', body, headers, signal } = options;
      return fetch(url, {
        method,
        headers: {
          Accept: FHIR_JSON,
          ...(body === undefined ? {} : { 'Content-Type': FHIR_JSON, Prefer: 'return=representation' }),
          ...headers,
          ...(authorization === undefined ? {} : { Authorization: authorization }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
        credentials: 'omit',
        cache: 'no-store',
      });
    };
    try {
      const answer = await send();
      if (answer.status === 401 && (await this.#tokens.renew())) return await send();
      return answer;
    } catch (error) {
      if (options.signal?.aborted === true || error instanceof FhirRequestError) throw error;
      throw new FhirRequestError(0, undefined, error instanceof Error ? error.message : String(error));
    }
  }

  /**
   * Another interface of this server under the same access, such as CDS Hooks.
   * @throws FhirRequestError for an address of another server
   */
  beside(base: string): FhirApi {
    if (new URL(base).origin !== new URL(this.base).origin)
      throw new FhirRequestError(0, undefined, `${new URL(base).host} is not the server of this session`);
    return new FhirApi(base, this.#tokens);
  }

  /** @throws FhirRequestError for an address of another server */
  urlOf(path: string): string {
    if (!/^[a-z][a-z0-9+.-]*:/i.test(path)) return path === '' ? this.base : `${this.base}/${path}`;
    if (path === this.base || path.startsWith(`${this.base}/`) || path.startsWith(`${this.base}?`))
      return path;
    throw new FhirRequestError(0, undefined, `${new URL(path).host} is not the server of this session`);
  }
}

/** The address of the next page, if there is one. */
export function nextOf(bundle: Bundle): string | undefined {
  return bundle.link?.find(({ relation }) => relation === 'next')?.url;
}

/** The resources of a Bundle that match; with a type, those of the type, included ones too. */
export function resourcesOf<T extends Resource>(bundle: Bundle | undefined, type?: T['resourceType']): T[] {
  return (bundle?.entry ?? []).flatMap(({ resource, search }) =>
    resource !== undefined &&
    search?.mode !== 'outcome' &&
    (type === undefined ? search?.mode !== 'include' : resource.resourceType === type)
      ? [resource as T]
      : [],
  );
}

/** A query string with its question mark; empty when there is nothing to ask. */
export function queryOf(parameters: SearchParameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [value]) query.append(name, String(each));
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

async function errorOf(answer: Response): Promise<FhirRequestError> {
  let outcome: OperationOutcome | undefined;
  try {
    const body = (await answer.json()) as Resource;
    if (body.resourceType === 'OperationOutcome') outcome = body as OperationOutcome;
  } catch {
    // An answer of something on the way, in HTML: the status says enough.
  }
  return new FhirRequestError(answer.status, outcome);
}
