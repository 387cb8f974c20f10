import { request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import type { FhirSettings } from '../src/fhir/services.ts';
import { type RunningService, type ServiceSettings, startService } from '../src/http/service.ts';
import { withOwner } from '../src/storage/prepare.ts';
import { ensureTenant } from '../src/storage/tenants.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

/** A parsed JSON body whose shape the test knows. */
// biome-ignore lint/suspicious/noExplicitAny: tests walk through bodies of every shape
export type Json = any;

export type HeaderMap = Readonly<Record<string, string>>;

/** An HTTP answer, read whole. */
export interface Answer {
  readonly status: number;
  /** A response header by name, or null. */
  header(name: string): string | null;
  /** The body as text, e.g. to look at the digits of decimals. */
  readonly text: string;
  readonly bytes: Buffer;
  /** The body as JSON; undefined for an empty one. @throws SyntaxError when it is no JSON */
  readonly json: Json;
  /** Codes of the issues of an OperationOutcome body. */
  readonly issueCodes: string[];
  /** All `expression`s of the issues of an OperationOutcome body. */
  readonly expressions: string[];
}

/** An object is sent as JSON, a string or bytes as they are; `application/fhir+json` unless the headers say otherwise. */
export type Body = object | string | Uint8Array;

/** A client of one tenant. Paths are relative to the tenant's base, e.g. `Patient?name=x`; a full URL is used as it is. */
export interface TestClient {
  /** The tenant's base, without trailing slash. */
  readonly base: string;
  readonly tenant: string;
  /** Any request. @throws Error for a 5xx answer: no request of a test may cause one */
  request(method: string, path: string, body?: Body, headers?: HeaderMap): Promise<Answer>;
  get(path: string, headers?: HeaderMap): Promise<Answer>;
  head(path: string, headers?: HeaderMap): Promise<Answer>;
  delete(path: string, headers?: HeaderMap): Promise<Answer>;
  post(path: string, body: Body, headers?: HeaderMap): Promise<Answer>;
  put(path: string, body: Body, headers?: HeaderMap): Promise<Answer>;
  patch(path: string, body: Body, headers?: HeaderMap): Promise<Answer>;
  /** POSTs a resource to its type. @returns the stored resource @throws Error unless the answer is 201 */
  create(resource: object): Promise<Json>;
  /** POSTs a Bundle of type transaction made of these entries to the base. */
  transaction(entries: readonly object[], headers?: HeaderMap): Promise<Answer>;
  /** POSTs a Bundle of type batch made of these entries to the base. */
  batch(entries: readonly object[], headers?: HeaderMap): Promise<Answer>;
  /** The resources of all pages of a search or history, following `next` to the end. */
  pages(path: string, headers?: HeaderMap): Promise<{ entries: Json[]; pages: Json[] }>;
}

export interface Harness {
  readonly database: TestDatabase;
  readonly service: RunningService;
  readonly settings: ServiceSettings;
  /** `http://127.0.0.1:port`, without trailing slash. */
  readonly url: string;
  /** The client of a tenant, by default the first one. */
  client(tenant?: string): TestClient;
  /** Makes another tenant. */
  addTenant(name: string): Promise<TestClient>;
  /** A second server process on the same database, for what must hold across processes. */
  startAnother(
    settings?: HarnessOptions,
  ): Promise<{ service: RunningService; client(tenant?: string): TestClient }>;
  /** Stops the service and removes the database. */
  stop(): Promise<void>;
}

export interface HarnessOptions {
  /** Tenants to make; default `['test']`. */
  readonly tenants?: readonly string[];
  readonly fhir?: Partial<FhirSettings>;
  /** Anything else of the service's settings. */
  readonly service?: Partial<Omit<ServiceSettings, 'fhir' | 'servingUrl'>>;
}

/**
 * Starts a service on a free port with a database and tenants of its own: for `beforeAll` of an integration test.
 *
 * ```ts
 * let harness: Harness;
 * beforeAll(async () => { harness = await startHarness(); });
 * afterAll(() => harness?.stop());
 * ```
 */
export async function startHarness(options: HarnessOptions = {}): Promise<Harness> {
  const database = await createTestDatabase();
  const tenants = options.tenants ?? ['test'];
  const addTenants = (names: readonly string[]) =>
    withOwner(database.ownerUrl, async (connection) => {
      for (const name of names) await ensureTenant(connection, name);
    });
  try {
    await addTenants(tenants);
    const { service, settings } = await start(database.servingUrl, options);
    const others: RunningService[] = [];
    const clientAt =
      (baseUrl: string) =>
      (tenant = tenants[0] as string) =>
        createClient(`${baseUrl}/fhir/${tenant}`, tenant);
    return {
      database,
      service,
      settings,
      url: settings.baseUrl,
      client: clientAt(settings.baseUrl),
      async addTenant(name) {
        await addTenants([name]);
        return clientAt(settings.baseUrl)(name);
      },
      async startAnother(other = options) {
        const started = await start(database.servingUrl, other);
        others.push(started.service);
        return { service: started.service, client: clientAt(started.settings.baseUrl) };
      },
      async stop() {
        await Promise.all([service, ...others].map((each) => each.stop(2000)));
        await database.drop();
      },
    };
  } catch (error) {
    await database.drop();
    throw error;
  }
}

async function start(servingUrl: string, options: HarnessOptions) {
  for (let attempt = 0; ; attempt++) {
    const port = await freePort();
    const settings: ServiceSettings = {
      port,
      host: '127.0.0.1',
      baseUrl: `http://127.0.0.1:${port}`,
      servingUrl,
      maxBodyBytes: 64 * 1024 * 1024,
      bodyBudgetBytes: 40_000_000,
      poolSize: 12,
      statementTimeout: 30_000,
      requestTimeout: 60_000,
      logLevel: 'error',
      ...options.service,
      fhir: {
        references: 'strict',
        defaultPage: 20,
        maxPage: 1000,
        maxIncludes: 5000,
        maxBundleEntries: 50_000,
        maxConditionalDelete: 1000,
        searchCostLimit: 5_000_000,
        softwareVersion: '0.0.0-test',
        ...options.fhir,
      },
    };
    try {
      return { service: await startService(settings), settings };
    } catch (error) {
      // Another test's server may have taken the port meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempt === 5) throw error;
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** A client of the tenant at `base`. */
export function createClient(base: string, tenant = base.split('/').at(-1) as string): TestClient {
  const request = async (
    method: string,
    path: string,
    body?: Body,
    headers: HeaderMap = {},
  ): Promise<Answer> => {
    const url = /^https?:/.test(path)
      ? path
      : path === '' || path.startsWith('?')
        ? `${base}${path}`
        : `${base}/${path}`;
    const raw = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: {
        ...(body === undefined ? {} : { 'Content-Type': 'application/fhir+json' }),
        ...lowered(headers),
      },
      ...(body === undefined ? {} : { body: (raw ? body : JSON.stringify(body)) as string }),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const answer = answerOf(response.status, (name) => response.headers.get(name), bytes);
    if (answer.status >= 500)
      throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text.slice(0, 1000)}`);
    return answer;
  };
  const bundle = (type: string) => (entries: readonly object[], headers?: HeaderMap) =>
    request(
      'POST',
      '',
      { resourceType: 'Bundle', type, ...(entries.length === 0 ? {} : { entry: entries }) },
      headers,
    );
  return {
    base,
    tenant,
    request,
    get: (path, headers) => request('GET', path, undefined, headers),
    head: (path, headers) => request('HEAD', path, undefined, headers),
    delete: (path, headers) => request('DELETE', path, undefined, headers),
    post: (path, body, headers) => request('POST', path, body, headers),
    put: (path, body, headers) => request('PUT', path, body, headers),
    patch: (path, body, headers) =>
      request('PATCH', path, body, {
        ...(Array.isArray(body) ? { 'Content-Type': 'application/json-patch+json' } : {}),
        ...headers,
      }),
    async create(resource) {
      const { resourceType } = resource as { resourceType: string };
      const answer = await request('POST', resourceType, resource);
      if (answer.status !== 201)
        throw new Error(`create ${resourceType} answered ${answer.status}: ${answer.text}`);
      return answer.json;
    },
    transaction: bundle('transaction'),
    batch: bundle('batch'),
    async pages(path, headers) {
      const pages: Json[] = [];
      const entries: Json[] = [];
      for (let url: string | undefined = path; url !== undefined; ) {
        const answer: Answer = await request('GET', url, undefined, headers);
        if (answer.status !== 200) throw new Error(`GET ${url} answered ${answer.status}: ${answer.text}`);
        pages.push(answer.json);
        entries.push(...(answer.json.entry ?? []));
        url = linkOf(answer.json, 'next');
      }
      return { entries, pages };
    },
  };
}

function lowered(headers: HeaderMap): Record<string, string> {
  // Otherwise content-type and Content-Type would be joined to one value.
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase() === 'content-type' ? 'Content-Type' : name,
      value,
    ]),
  );
}

/** An Answer made of a response's parts. */
export function answerOf(status: number, header: (name: string) => string | null, bytes: Buffer): Answer {
  const text = bytes.toString('utf8');
  let parsed: Json;
  const json = () => (parsed ??= text === '' ? undefined : JSON.parse(text));
  const issues = (): Json[] => (text === '' ? [] : (json()?.issue ?? []));
  return {
    status,
    header,
    text,
    bytes,
    get json() {
      return json();
    },
    get issueCodes() {
      return issues().map((issue) => issue.code as string);
    },
    get expressions() {
      return issues().flatMap((issue) => (issue.expression ?? []) as string[]);
    },
  };
}

/** The URL of a Bundle's link; undefined when it has none of that relation. */
export function linkOf(bundle: Json, relation: string): string | undefined {
  return (bundle.link as Json[] | undefined)?.find((link) => link.relation === relation)?.url;
}

/** The resources of a Bundle's entries. */
export const resourcesOf = (bundle: Json): Json[] =>
  ((bundle.entry ?? []) as Json[]).map((entry) => entry.resource);

/** The logical ids of a Bundle's resources. */
export const idsOf = (bundle: Json): string[] => resourcesOf(bundle).map((resource) => resource.id);

/** An entry of a batch or transaction. */
export function entry(
  method: string,
  url: string,
  resource?: object,
  more: {
    fullUrl?: string;
    ifNoneExist?: string;
    ifMatch?: string;
    ifNoneMatch?: string;
    ifModifiedSince?: string;
  } = {},
): object {
  const { fullUrl, ...request } = more;
  return {
    ...(fullUrl === undefined ? {} : { fullUrl }),
    ...(resource === undefined ? {} : { resource }),
    request: { method, url, ...request },
  };
}

/** A request with exactly these headers; the body of the answer is left encoded as it came. */
export function rawRequest(
  url: string,
  options: { method?: string; headers?: HeaderMap; body?: string | Uint8Array } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      url,
      { method: options.method ?? 'GET', headers: options.headers ?? {} },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const header = (name: string): string | null => {
            const value = response.headers[name.toLowerCase()];
            return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value;
          };
          resolve(answerOf(response.statusCode as number, header, Buffer.concat(chunks)));
        });
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}
