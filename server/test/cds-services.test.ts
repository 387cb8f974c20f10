import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withOwner } from '../src/storage/prepare.ts';
import { configureTenant } from '../src/storage/tenants.ts';
import { type ClientKey, clientKey } from './auth-server.ts';
import {
  allergy,
  type CdsServer,
  draft,
  hookRequest,
  json,
  type OtherServer,
  orders,
  post,
  searchset,
  send,
  startCdsServer,
  startOtherServer,
} from './cds-support.ts';
import type { HeaderMap, Json } from './harness.ts';

const ISSUER = 'https://ehr.example.org';
let server: CdsServer;
let ehr: OtherServer;
let es: ClientKey;
let rs: ClientKey;
let es256: ClientKey;
let base: string;

beforeAll(async () => {
  server = await startCdsServer();
  base = `${server.harness.url}/cds-services/one`;
  [es, rs, es256] = await Promise.all([
    clientKey('ES384', 'es'),
    clientKey('RS384', 'rs'),
    clientKey('ES256', 'es256'),
  ]);
  ehr = await startOtherServer(() => {});
  await server.registrations.addClient(server.tenants.one, {
    issuer: ISSUER,
    name: 'EHR',
    jwks: { keys: [es.publicJwk, rs.publicJwk, es256.publicJwk] },
    fhirServers: [`${ehr.url}/fhir`, 'https://no-such-host.invalid/fhir'],
  });
  await server.put(
    { resourceType: 'Practitioner', id: 'doc' },
    { resourceType: 'Patient', id: 'p', birthDate: '1960-01-01', gender: 'female' },
    allergy('a1', 'p', 'Allergy to Penicillin'),
  );
});
afterAll(async () => {
  await server?.stop();
  await ehr?.stop();
});

const seconds = () => Math.floor(Date.now() / 1000);
const claims = (audience: string, more: object = {}) => ({
  iss: ISSUER,
  aud: audience,
  iat: seconds(),
  exp: seconds() + 240,
  jti: randomUUID(),
  ...more,
});
const signed = async (audience: string, more: object = {}, key = es): Promise<HeaderMap> => ({
  authorization: `Bearer ${await key.assertion(claims(audience, more))}`,
});
/** Calls a service as the registered EHR. */
const call = async (id: string, body: unknown, audience = `${base}/${id}`) =>
  await post(`${base}/${id}`, body, await signed(audience));
/** A request that needs no data, so that only who asks decides. */
const plain = () =>
  hookRequest('patient-view', { patientId: 'new' }, { prefetch: { patient: null, allergies: searchset() } });
/** Access to this server's tenant, as an EHR gives it. */
const ownAccess = async (scopes = 'system/*.rs') => ({
  fhirServer: server.one.base,
  fhirAuthorization: {
    access_token: ((await server.as({ scopes }))['authorization'] as string).slice(7),
    token_type: 'Bearer',
    expires_in: 300,
    scope: scopes,
    subject: 'cds',
  },
});

describe('discovery (CDS Hooks 2.0, Discovery)', () => {
  it('lists the services with hook, title, description, id and prefetch, to anybody', async () => {
    const answer = await send('GET', base);
    expect(answer.status).toBe(200);
    const services = answer.json.services as Json[];
    expect(services.map(({ hook, id }) => [hook, id])).toEqual([
      ['order-sign', 'allergy-check'],
      ['order-select', 'allergy-check-select'],
      ['patient-view', 'record-gaps'],
      ['appointment-book', 'appointment-conflict'],
      ['encounter-start', 'encounter-briefing'],
      ['encounter-discharge', 'discharge-check'],
    ]);
    for (const service of services) {
      expect(service.title).toBeTruthy();
      expect(service.description).toBeTruthy();
      expect(Object.keys(service).sort()).toEqual(
        expect.arrayContaining(['description', 'hook', 'id', 'prefetch', 'title']),
      );
      expect(JSON.stringify(service)).not.toContain('null');
      // Prefetch tokens: root-level fields of the context only, so that every client can fill them.
      for (const template of Object.values<string>(service.prefetch))
        expect(template.replaceAll(/\{\{context\.(patientId|encounterId)\}\}/g, '')).not.toContain('{');
    }
  });

  it('lets browsers in (Cross-Origin Resource Sharing)', async () => {
    const origin = { origin: 'https://sandbox.example' };
    const preflight = await send('OPTIONS', `${base}/record-gaps`, undefined, {
      ...origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    });
    expect(preflight.status).toBe(204);
    expect(preflight.header('access-control-allow-origin')).toBe('*');
    expect(preflight.header('access-control-allow-methods')).toContain('POST');
    expect(preflight.header('access-control-allow-headers')).toMatch(/Authorization.*Content-Type/);
    expect((await send('GET', base, undefined, origin)).header('access-control-allow-origin')).toBe('*');
    const refused = await post(`${base}/record-gaps`, plain(), origin);
    expect([refused.status, refused.header('access-control-allow-origin')]).toEqual([401, '*']);
  });

  it('tells browsers too that there is no such endpoint, or that a path cannot be read', async () => {
    const origin = { origin: 'https://sandbox.example' };
    const cases: [string, string, number][] = [
      ['GET', `${server.harness.url}/cds-services`, 404],
      // The public sandbox tells a path of CDS Hooks 1.0 which suggestion was taken.
      ['POST', `${base}/record-gaps/analytics/1`, 404],
      ['OPTIONS', `${base}/record-gaps/analytics/1`, 204],
      ['POST', `${base}/%zz`, 400],
      ['POST', `${server.harness.url}/cds-hooks/one`, 404],
    ];
    for (const [method, url, status] of cases) {
      const answer = await send(method, url, undefined, origin);
      expect([url, answer.status, answer.header('access-control-allow-origin')]).toEqual([url, status, '*']);
      if (status !== 204) expect(answer.expressions).toEqual(['http.path']);
    }
  });

  it('is the same below a base URL that ends before /cds-services (HTTP API: {baseUrl}/cds-services)', async () => {
    const other = `${server.harness.url}/cds/one/cds-services`;
    expect((await send('GET', other)).json).toEqual((await send('GET', base)).json);
    const url = `${other}/record-gaps`;
    expect((await post(url, plain(), await signed(url))).status).toBe(200);
    const answer = await post(`${url}/feedback`, { feedback: [] }, await signed(`${url}/feedback`));
    expect([answer.status, answer.expressions]).toEqual([400, ['feedback']]);
    expect((await post(url, plain(), await signed(url.replace('/one/', '/two/')))).status).toBe(401);
  });

  it('knows no other tenant, service or method', async () => {
    expect((await send('GET', `${server.harness.url}/cds-services/none`)).status).toBe(404);
    expect((await call('none', plain())).status).toBe(404);
    const answer = await send('GET', `${base}/record-gaps`);
    expect([answer.status, answer.header('allow')]).toEqual([405, 'POST']);
    const list = await post(base, {});
    expect([list.status, list.header('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

describe('JWT of the EHR (CDS Hooks 2.0, Trusting CDS Clients)', () => {
  const url = () => `${base}/record-gaps`;
  const status = async (headers: HeaderMap) => (await post(url(), plain(), headers)).status;

  it('accepts ES384 and RS384 of a registered issuer, with the audience as text or list', async () => {
    expect(await status(await signed(url()))).toBe(200);
    expect(await status(await signed(url(), {}, rs))).toBe(200);
    // The public sandbox signs with ES256.
    expect(await status(await signed(url(), {}, es256))).toBe(200);
    expect(await status(await signed(url(), { aud: [url()] }))).toBe(200);
  });

  it('refuses what is missing, forged, old, for another or used twice', async () => {
    const other = await clientKey('ES384', 'es');
    const secret = new TextEncoder().encode(JSON.stringify(es.publicJwk));
    const none = [{ alg: 'none', typ: 'JWT', kid: 'es' }, claims(url())]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const hs = await new SignJWT(claims(url()))
      .setProtectedHeader({ alg: 'HS256', kid: 'es', typ: 'JWT' })
      .sign(secret);
    const hs384 = await new SignJWT(claims(url()))
      .setProtectedHeader({ alg: 'HS384', kid: 'es', typ: 'JWT' })
      .sign(secret);
    const header = async (more: Record<string, unknown>) => ({
      authorization: `Bearer ${await es.assertion(claims(url()), more)}`,
    });
    const cases: Record<string, HeaderMap> = {
      'no token': {},
      'no JWT': { authorization: 'Bearer x' },
      'an access token': await server.as(),
      'alg none': { authorization: `Bearer ${none}.` },
      HS256: { authorization: `Bearer ${hs}` },
      HS384: { authorization: `Bearer ${hs384}` },
      'a strange key': await signed(url(), {}, other),
      'an unknown issuer': await signed(url(), { iss: 'https://other.example' }),
      'an issuer that is no URI': await signed(url(), { iss: 'https://a\u0000' }),
      'an issuer that is no text': await signed(url(), { iss: 1 }),
      'no issuer': await signed(url(), { iss: undefined }),
      'another service': await signed(`${base}/allergy-check`),
      'another tenant': await signed(url().replace('/one/', '/two/')),
      'two audiences': await signed(url(), { aud: [url(), 'https://other.example'] }),
      'no audience': await signed(url(), { aud: undefined }),
      expired: await signed(url(), { exp: seconds() - 60 }),
      'no exp': await signed(url(), { exp: undefined }),
      'an hour': await signed(url(), { exp: seconds() + 3600 }),
      'not yet': await signed(url(), { nbf: seconds() + 100 }),
      'from the future': await signed(url(), { iat: seconds() + 100 }),
      'no iat': await signed(url(), { iat: undefined }),
      'no jti': await signed(url(), { jti: undefined }),
      'an unregistered jku': await header({ jku: 'https://evil.example/jwks' }),
      'no kid': await header({ kid: undefined }),
      'another typ': await header({ typ: 'at+jwt' }),
    };
    for (const [name, headers] of Object.entries(cases)) {
      const answer = await post(url(), plain(), headers);
      expect([name, answer.status, answer.issueCodes]).toEqual([name, 401, ['login']]);
      expect(answer.header('www-authenticate')).toMatch(/^Bearer/);
    }
    const once = await signed(url());
    expect([await status(once), await status(once)]).toEqual([200, 401]);
  });

  it('trusts an issuer in the tenant only that has registered it', async () => {
    const elsewhere = url().replace('/one/', '/two/');
    expect((await post(elsewhere, plain(), await signed(elsewhere))).status).toBe(401);
  });

  it('gets keys from the registered jku', async () => {
    const key = await clientKey('ES384', 'fetched');
    ehr.answer = (_request, response) => json(response, { keys: [key.publicJwk] });
    const issuer = 'https://ehr-with-jku.example.org';
    const jku = `${ehr.url}/jwks`;
    await server.registrations.addClient(server.tenants.one, { issuer, name: 'EHR', jku });
    const jwt = await key.assertion(claims(url(), { iss: issuer }), { jku });
    expect(await status({ authorization: `Bearer ${jwt}` })).toBe(200);
  });
});

describe('callers without proof (setting cds.unsignedClients)', () => {
  const url = () => base.replace('/one', '/two');
  const allow = async (value: string | null) => {
    await withOwner(server.harness.database.ownerUrl, (owner) =>
      configureTenant(owner, 'two', { 'cds.unsignedClients': value }),
    );
    await server.harness.service.fhir.tenants.current(server.tenants.two);
  };

  it('are served where the tenant says so, without access to its record, and leave no feedback', async () => {
    const sandbox = await clientKey('ES384', 'sandbox');
    const strange = async () => ({
      authorization: `Bearer ${await sandbox.assertion({ ...claims(`${url()}/record-gaps`), iss: 'https://sandbox.example' })}`,
    });
    expect((await post(`${url()}/record-gaps`, plain())).status).toBe(401);
    await allow('allow');
    expect((await post(`${url()}/record-gaps`, plain())).status).toBe(200);
    expect((await post(`${url()}/record-gaps`, plain(), await strange())).status).toBe(200);
    const fhirServer = `${server.harness.url}/fhir/two`;
    const unread = await post(`${url()}/record-gaps`, hookRequest('patient-view', {}, { fhirServer }));
    expect([unread.status, unread.expressions]).toEqual([412, ['prefetch.patient', 'prefetch.allergies']]);
    const item = { card: 'c', outcome: 'overridden', outcomeTimestamp: '2026-01-02T03:04:05Z' };
    expect((await post(`${url()}/record-gaps/feedback`, { feedback: [item] })).status).toBe(401);
    await allow('refuse');
    expect((await post(`${url()}/record-gaps`, plain())).status).toBe(401);
  });

  it('do not pass for an EHR that is registered', async () => {
    await allow('allow');
    await server.registrations.addClient(server.tenants.two, {
      issuer: 'https://known.example',
      name: 'Known',
      jwks: { keys: [es.publicJwk] },
    });
    const target = `${url()}/record-gaps`;
    const forged = await clientKey('ES384', 'es');
    const header = async (key: ClientKey) => ({
      authorization: `Bearer ${await key.assertion({ ...claims(target), iss: 'https://known.example' })}`,
    });
    expect((await post(target, plain(), await header(forged))).status).toBe(401);
    expect((await post(target, plain(), await header(es))).status).toBe(200);
    await allow(null);
  });
});

describe('calls (CDS Hooks 2.0, Calling a CDS Service)', () => {
  it('answers 400 that names the field', async () => {
    const cases: [string, object | string, string | undefined][] = [
      ['record-gaps', hookRequest('order-sign', {}), 'hook'],
      ['record-gaps', hookRequest('patient-view', { patientId: undefined }), 'context.patientId'],
      ['allergy-check', hookRequest('order-sign', {}), 'context.draftOrders'],
      ['allergy-check-select', hookRequest('order-select', { draftOrders: orders() }), 'context.selections'],
      ['appointment-conflict', hookRequest('appointment-book', {}), 'context.appointments'],
    ];
    for (const [id, body, at] of cases) {
      const answer = await call(id, body);
      expect([id, answer.status, answer.expressions[0]]).toEqual([id, 400, at]);
    }
    expect((await call('record-gaps', '{"hook":')).status).toBe(400);
    expect((await call('record-gaps', '['.repeat(50_000))).status).toBe(400);
    expect((await call('record-gaps', `"${' '.repeat(8_000_001)}"`)).status).toBe(413);
    expect((await call('record-gaps', '')).status).toBe(400);
  });

  it('takes a JSON object and nothing else (Use of JSON)', async () => {
    const target = `${base}/record-gaps`;
    const sent = async (body: string | Uint8Array<ArrayBuffer>, headers: HeaderMap) => {
      const response = await fetch(target, {
        method: 'POST',
        headers: { ...(await signed(target)), ...headers },
        body,
      });
      const { issue = [] } = (await response.json()) as Json;
      return [response.status, issue[0]?.expression[0]];
    };
    const body = JSON.stringify(plain());
    const json = { 'content-type': 'application/json' };
    expect(await sent(body, { 'content-type': 'application/fhir+json; charset=utf-8' })).toEqual([
      200,
      undefined,
    ]);
    expect(await sent(new TextEncoder().encode(body), {})).toEqual([200, undefined]);
    for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded'])
      expect(await sent(body, { 'content-type': type })).toEqual([415, 'http.content-type']);
    expect(await sent(body, { ...json, 'content-encoding': 'zip' })).toEqual([415, 'http.content-encoding']);
    expect(await sent(body, { ...json, 'content-encoding': 'gzip' })).toEqual([400, 'http.content-encoding']);
    expect(await sent(new Uint8Array([0x7b, 0xff, 0x7d]), json)).toEqual([400, 'http.body']);
    for (const other of ['[]', 'null', '"x"', '1'])
      expect(await sent(other, json)).toEqual([400, 'http.body']);
  });
});

describe('prefetch (CDS Hooks 2.0, Prefetch Template, FHIR Resource Access)', () => {
  const body = (more: object) =>
    hookRequest('order-sign', { draftOrders: orders(draft('rx', 'Penicillin G')) }, more);
  const outcome = async (more: object) => {
    const answer = await call('allergy-check', body(more));
    return answer.status === 200 ? answer.json.cards.length : [answer.status, answer.expressions];
  };
  const missing = [412, ['prefetch.allergies']];

  it('uses what the EHR has sent, null for nothing', async () => {
    expect(await outcome({ prefetch: { allergies: searchset(allergy('x', 'p', 'Penicillin')) } })).toBe(1);
    expect(await outcome({ prefetch: { allergies: null } })).toBe(0);
  });

  it('answers 412 when what it needs is not there and cannot be had', async () => {
    expect(await outcome({})).toEqual(missing);
    expect(await outcome({ prefetch: { allergies: { resourceType: 'OperationOutcome' } } })).toEqual(missing);
    // Of this server's own data nobody gets any without a token, or by one that is not good for it.
    expect(await outcome({ fhirServer: server.one.base })).toEqual(missing);
    expect(await outcome(await ownAccess('system/Patient.rs'))).toEqual(missing);
    const access = await ownAccess();
    const elsewhere = ((await server.as({}, 'two'))['authorization'] as string).slice(7);
    expect(
      await outcome({
        ...access,
        fhirAuthorization: { ...access.fhirAuthorization, access_token: elsewhere },
      }),
    ).toEqual(missing);
  });

  it('does not take for "nothing" what is not what the template asks for', async () => {
    const wrong = async (allergies: object) => await outcome({ prefetch: { allergies } });
    expect(await wrong(allergy('x', 'p', 'Penicillin'))).toEqual([400, ['prefetch.allergies']]);
    expect(await wrong({ ...searchset(), entry: {} })).toEqual([400, ['prefetch.allergies.entry']]);
    expect(await wrong({ ...searchset(), entry: [{ resource: {} }] })).toEqual([
      400,
      ['prefetch.allergies.entry'],
    ]);
    const prefetch = { patient: searchset(), allergies: null };
    const read = await call('record-gaps', hookRequest('patient-view', {}, { prefetch }));
    expect([read.status, read.expressions]).toEqual([400, ['prefetch.patient']]);
  });

  it('takes the Medication of an order from among the drafts, and needs no other then', async () => {
    const medicationReference = { reference: 'Medication/m' };
    const medication = { resourceType: 'Medication', id: 'm', code: { text: 'Penicillin G' } };
    const order = draft('rx', '', { medicationCodeableConcept: undefined, medicationReference });
    const checked = async (...drafts: object[]) => {
      const context = { draftOrders: orders(...drafts) };
      const prefetch = { allergies: searchset(allergy('x', 'p', 'Penicillin')) };
      const answer = await call('allergy-check', hookRequest('order-sign', context, { prefetch }));
      return answer.status === 200 ? answer.json.cards[0].indicator : [answer.status, answer.expressions];
    };
    expect(await checked(order, medication)).toBe('critical');
    expect(await checked(order)).toEqual([412, ['prefetch.medications']]);
  });

  it('does not take one page of a search for all of it', async () => {
    const page = { ...searchset(), link: [{ relation: 'next', url: 'https://ehr.example/next' }] };
    expect(await outcome({ prefetch: { allergies: page } })).toEqual(missing);
  });

  it('does not take a search that tells of an error for all of it', async () => {
    const told = (severity: string) => searchset({ resourceType: 'OperationOutcome', issue: [{ severity }] });
    expect(await outcome({ prefetch: { allergies: told('error') } })).toEqual(missing);
    expect(await outcome({ prefetch: { allergies: told('warning') } })).toBe(0);
    ehr.answer = (_request, response) => json(response, told('fatal'));
    expect(await outcome({ fhirServer: `${ehr.url}/fhir` })).toEqual(missing);
  });

  it('fetches it from the EHR with the token that it gives, all pages', async () => {
    ehr.received.length = 0;
    ehr.answer = ({ path }, response) =>
      json(
        response,
        path.includes('page=2')
          ? searchset(allergy('x', 'p', 'Penicillin'))
          : { ...searchset(), link: [{ relation: 'next', url: `${ehr.url}/fhir?page=2` }] },
      );
    const fhirAuthorization = {
      access_token: 'of-the-ehr',
      token_type: 'Bearer',
      expires_in: 60,
      scope: 's',
      subject: 'c',
    };
    expect(await outcome({ fhirServer: `${ehr.url}/fhir/`, fhirAuthorization })).toBe(1);
    expect(ehr.received.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /fhir/AllergyIntolerance?patient=p',
      'GET /fhir?page=2',
    ]);
    for (const { headers } of ehr.received) expect(headers.authorization).toBe('Bearer of-the-ehr');
  });

  it('fetches from no FHIR server that the registration does not name', async () => {
    ehr.received.length = 0;
    ehr.answer = (_request, response) => json(response, searchset());
    expect(await outcome({ fhirServer: `${ehr.url}/other` })).toEqual(missing);
    expect(await outcome({ fhirServer: `${ehr.url}/fhir/../other` })).toEqual(missing);
    expect(ehr.received).toEqual([]);
  });

  it('follows pages to no other server, and takes an EHR that fails for one without data', async () => {
    const fhirServer = `${ehr.url}/fhir`;
    ehr.answer = (_request, response) =>
      json(response, { ...searchset(), link: [{ relation: 'next', url: 'http://169.254.169.254/latest' }] });
    expect(await outcome({ fhirServer })).toEqual(missing);
    for (const answer of [
      (_request, response) => json(response, {}, 500),
      (_request, response) => json(response, { resourceType: 'OperationOutcome' }),
      (_request, response) => void response.end('{"resourceType":"Bundle"'),
      (_request, response) => void response.end(' '.repeat(11_000_000)),
      (_request, response) =>
        void response.writeHead(302, { Location: `${ehr.url}/fhir/AllergyIntolerance?patient=q` }).end(),
      (_request, response) =>
        json(response, { ...searchset(), link: [{ relation: 'next', url: `${ehr.url}/fhir?again` }] }),
    ] satisfies OtherServer['answer'][]) {
      ehr.answer = answer;
      expect(await outcome({ fhirServer })).toEqual(missing);
    }
    expect(await outcome({ fhirServer: 'https://no-such-host.invalid/fhir' })).toEqual(missing);
  });
});

describe('time limit of a service', () => {
  it('includes the time that the EHR takes to give data', async () => {
    // It never answers; when the part of the time is over that it has, the rest is for the answer.
    ehr.answer = () => server.time.advance(1500);
    const context = { draftOrders: orders(draft('rx', 'Penicillin G')) };
    const answer = await call(
      'allergy-check',
      hookRequest('order-sign', context, { fhirServer: `${ehr.url}/fhir` }),
    );
    // Never an answer as if there were nothing.
    expect([answer.status, answer.expressions]).toEqual([412, ['prefetch.allergies']]);
  });

  it('answers without cards, and says why, when a service is too slow', async () => {
    server.harness.service.cds.registry.add({
      id: 'slow',
      hook: 'patient-view',
      title: 'Slow',
      description: 'Never answers',
      timeout: 50,
      run: (_request, { signal }) => {
        setImmediate(() => server.time.advance(50));
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    });
    const answer = await call('slow', hookRequest('patient-view', {}));
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ cards: [], extension: { 'health.vesta.degraded': 'time-limit' } });
    expect(answer.header('x-cds-degraded')).toBe('time-limit');
    const metrics = await send('GET', `${server.harness.url}/metrics`);
    expect(metrics.text).toMatch(/cds_service_calls_total\{service="slow",outcome="time-limit"\} 1/);
  });
});

describe('feedback (CDS Hooks 2.0, Feedback)', () => {
  const feedback = {
    card: randomUUID(),
    outcome: 'overridden',
    overrideReason: { reason: { system: 'http://example.org', code: 'x' }, userComment: 'Not an allergy' },
    outcomeTimestamp: '2026-01-02T03:04:05Z',
  };
  const url = () => `${base}/allergy-check/feedback`;

  it('is kept once as a resource of the tenant', async () => {
    for (const audience of [url(), `${base}/allergy-check`]) {
      const answer = await post(url(), { feedback: [feedback] }, await signed(audience));
      expect([answer.status, answer.json]).toEqual([200, {}]);
    }
    const found = await server.one.get('Basic?code=feedback', await server.as());
    expect(found.json.entry).toHaveLength(1);
    const parts = found.json.entry[0].resource.extension[0].extension as Json[];
    expect(parts.map(({ url: name, ...value }) => [name, Object.values(value)[0]])).toEqual([
      ['service', 'allergy-check'],
      ['client', ISSUER],
      ['card', feedback.card],
      ['outcome', 'overridden'],
      ['outcomeTimestamp', feedback.outcomeTimestamp],
      ['overrideReason', { system: 'http://example.org', code: 'x' }],
      ['userComment', 'Not an allergy'],
    ]);
  });

  it('names the field of what cannot be kept, and keeps nothing then', async () => {
    const count = async () =>
      (await server.one.get('Basic?code=feedback&_summary=count', await server.as())).json.total;
    const before = await count();
    const reason = { system: 'http://example.org', code: 'x' };
    const cases: [object, string][] = [
      [{ card: 'a\u0000' }, 'card'],
      [{ overrideReason: { userComment: '\u0007' } }, 'overrideReason.userComment'],
      [{ overrideReason: { reason: { ...reason, code: ' x' } } }, 'overrideReason.reason.code'],
      [{ overrideReason: { reason: { ...reason, system: 'a b' } } }, 'overrideReason.reason.system'],
    ];
    for (const [more, at] of cases) {
      const batch = [
        { ...feedback, card: randomUUID() },
        { ...feedback, ...more },
      ];
      const answer = await post(url(), { feedback: batch }, await signed(url()));
      expect([answer.status, answer.expressions]).toEqual([400, [`feedback[1].${at}`]]);
    }
    expect(await count()).toBe(before);
  });

  it('needs the JWT of a registered EHR, and all of its fields', async () => {
    expect((await post(url(), { feedback: [feedback] })).status).toBe(401);
    const answer = await post(url(), { feedback: [{ ...feedback, card: undefined }] }, await signed(url()));
    expect([answer.status, answer.expressions]).toEqual([400, ['feedback[0].card']]);
  });
});
