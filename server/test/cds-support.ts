import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Tenant } from '../src/access/scope.ts';
import type { AnyAgent } from '../src/agents/agent.ts';
import type { AccessToken } from '../src/auth/token/access-token.ts';
import { mintAccessToken } from '../src/auth/token/mint.ts';
import type { CdsSettings } from '../src/cds/environment.ts';
import type { Time } from '../src/cds/time.ts';
import type { AuthService } from '../src/http/auth-service.ts';
import { newMasterKey } from '../src/security/keys/master-key.ts';
import { StoredCdsRegistrations } from '../src/storage/cds/registrations.ts';
import {
  type Answer,
  answerOf,
  type Harness,
  type HeaderMap,
  type Json,
  startHarness,
  type TestClient,
} from './harness.ts';

/** Time that passes when a test says so. */
export class ManualTime implements Time {
  #now = 0;
  #limits: { readonly at: number; readonly ends: AbortController }[] = [];

  now(): number {
    return this.#now;
  }

  limit(milliseconds: number): AbortSignal {
    const ends = new AbortController();
    this.#limits.push({ at: this.#now + milliseconds, ends });
    if (milliseconds <= 0) this.advance(0);
    return ends.signal;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
    const due = this.#limits.filter(({ at }) => at <= this.#now).sort((a, b) => a.at - b.at);
    this.#limits = this.#limits.filter(({ at }) => at > this.#now);
    for (const { ends } of due) ends.abort();
  }
}

/** A server with authorization and the tenants `one` and `two`, for tests of CDS Hooks. */
export interface CdsServer {
  readonly harness: Harness;
  readonly auth: AuthService;
  readonly one: TestClient;
  readonly tenants: Readonly<Record<'one' | 'two', Tenant>>;
  readonly registrations: StoredCdsRegistrations;
  /** What its limits are measured by: it stands still, so that a machine that has much to do changes nothing. */
  readonly time: ManualTime;
  /** The Authorization header of somebody: by default a service that may do everything. */
  as(
    fields?: Partial<Omit<AccessToken, 'id' | 'issued' | 'expires'>>,
    tenant?: 'one' | 'two',
  ): Promise<HeaderMap>;
  /** Puts resources in tenant `one`. */
  put(...resources: readonly object[]): Promise<void>;
  stop(): Promise<void>;
}

export async function startCdsServer(
  cds: Partial<CdsSettings> = {},
  agents: readonly AnyAgent[] = [],
): Promise<CdsServer> {
  const time = new ManualTime();
  const harness = await startHarness({
    tenants: ['one', 'two'],
    service: {
      auth: {
        masterKeys: { keys: [newMasterKey()], reload() {} },
        mail: async () => {},
        settings: { allowPrivateAddresses: true },
      },
      cds: { time, ...cds },
      agents,
    },
  });
  const auth = harness.service.auth as AuthService;
  const tenantOf = async (name: string) => (await auth.services.findTenant(name)) as Tenant;
  const tenants = { one: await tenantOf('one'), two: await tenantOf('two') };
  const one = harness.client('one');
  const as: CdsServer['as'] = async (fields = {}, tenant = 'one') => {
    const base = { grantId: randomUUID(), clientId: 'test', subject: 'test', scopes: 'system/*.cruds' };
    const { jwt } = await mintAccessToken(auth.services, tenants[tenant], { ...base, ...fields }, 300);
    return { authorization: `Bearer ${jwt}` };
  };
  const system = await as();
  return {
    harness,
    auth,
    one,
    tenants,
    registrations: new StoredCdsRegistrations(harness.service.connections),
    time,
    as,
    put: async (...resources) => {
      for (const resource of resources as Json[]) {
        const answer = await one.put(`${resource.resourceType}/${resource.id}`, resource, system);
        if (answer.status >= 300) throw new Error(answer.text);
      }
    },
    stop: () => harness.stop(),
  };
}

/** POSTs JSON to a URL. */
export async function post(url: string, body: unknown, headers: HeaderMap = {}): Promise<Answer> {
  return await send('POST', url, typeof body === 'string' ? body : JSON.stringify(body), headers);
}

export async function send(
  method: string,
  url: string,
  body?: string,
  headers: HeaderMap = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return answerOf(
    response.status,
    (name) => response.headers.get(name),
    Buffer.from(await response.arrayBuffer()),
  );
}

/** A request as another server has got it. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Of JSON; undefined for another body or none. */
  readonly body: Json;
  readonly text: string;
}

/** Another party's server: tests say what it answers and look at what it got. */
export interface OtherServer {
  readonly url: string;
  readonly received: Received[];
  answer: (request: Received, response: ServerResponse) => void | Promise<void>;
  stop(): Promise<void>;
}

export async function startOtherServer(answer: OtherServer['answer']): Promise<OtherServer> {
  const received: Received[] = [];
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const one = {
      method: request.method as string,
      path: request.url as string,
      headers: request.headers,
      body: /^[{[]/.test(text) ? JSON.parse(text) : undefined,
      text,
    };
    received.push(one);
    await other.answer(one, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const other: OtherServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return other;
}

/** Answers with JSON. */
export function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

export const searchset = (...resources: object[]) => ({
  resourceType: 'Bundle',
  type: 'searchset',
  ...(resources.length === 0
    ? {}
    : { entry: resources.map((resource) => ({ resource, search: { mode: 'match' } })) }),
});

export const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';

export const allergy = (id: string, patient: string, text: string, more: object = {}) => ({
  resourceType: 'AllergyIntolerance',
  id,
  clinicalStatus: {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }],
  },
  code: { text },
  patient: { reference: `Patient/${patient}` },
  ...more,
});

export const draft = (id: string, text: string, more: object = {}) => ({
  resourceType: 'MedicationRequest',
  id,
  status: 'draft',
  intent: 'order',
  medicationCodeableConcept: { text },
  subject: { reference: 'Patient/p' },
  ...more,
});

export const orders = (...resources: object[]) => ({
  resourceType: 'Bundle',
  type: 'collection',
  entry: resources.map((resource) => ({ resource })),
});

/** The body of a call of a service. */
export const hookRequest = (hook: string, context: object, more: object = {}) => ({
  hook,
  hookInstance: randomUUID(),
  context: { userId: 'Practitioner/doc', patientId: 'p', ...context },
  ...more,
});
