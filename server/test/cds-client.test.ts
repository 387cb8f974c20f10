import { randomUUID } from 'node:crypto';
import * as jose from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clientKey } from './auth-server.ts';
import {
  allergy,
  type CdsServer,
  draft,
  hookRequest,
  json,
  type OtherServer,
  orders,
  post,
  type Received,
  send,
  startCdsServer,
  startOtherServer,
} from './cds-support.ts';
import type { Answer, HeaderMap, Json } from './harness.ts';

let server: CdsServer;
let good: OtherServer;
let bad: OtherServer;
let physician: HeaderMap;

const BUDGET = 60_000;
const PAUSE = 400;

const SERVICE = {
  id: 'guidance',
  hook: 'patient-view',
  title: 'Guidance',
  description: 'Says something',
  prefetch: {
    patient: 'Patient/{{context.patientId}}',
    user: 'Practitioner/{{userPractitionerId}}',
    other: 'Observation?subject=Patient/neighbour',
    none: 'Condition?patient={{context.patientId}}',
    odd: 'Patient/{{context.patientId}}/$everything',
  },
};
const card = (more: object = {}) => ({
  uuid: randomUUID(),
  summary: 'Somebody else says',
  indicator: 'info',
  source: { label: 'Somebody else' },
  ...more,
});
/** A provider of these services that answers each call with these cards. */
const provides =
  (services: object[], answer: object = { cards: [card()] }): OtherServer['answer'] =>
  ({ path }, response) =>
    json(response, path === '/cds-services' ? { services } : answer);

beforeAll(async () => {
  // As in production: private addresses only where a registration says so.
  server = await startCdsServer({
    allowPrivateAddresses: false,
    budget: BUDGET,
    breaker: { failures: 3, pause: PAUSE },
  });
  [good, bad] = await Promise.all([startOtherServer(() => {}), startOtherServer(() => {})]);
  await server.put(
    { resourceType: 'Practitioner', id: 'doc' },
    { resourceType: 'Practitioner', id: 'other' },
    {
      resourceType: 'PractitionerRole',
      id: 'doc-role',
      practitioner: { reference: 'Practitioner/doc' },
    },
    { resourceType: 'Patient', id: 'p', birthDate: '1960-01-01', gender: 'female' },
    { resourceType: 'Patient', id: 'neighbour', birthDate: '1970-01-01', gender: 'male' },
    {
      resourceType: 'Observation',
      id: 'of-neighbour',
      status: 'final',
      code: { text: 'Secret' },
      subject: { reference: 'Patient/neighbour' },
    },
    allergy('a1', 'p', 'Penicillin'),
  );
  physician = await server.as({
    role: 'attending',
    fhirUser: 'Practitioner/doc',
    scopes: 'user/*.rs patient/*.rs',
    patient: 'p',
  });
});
afterAll(async () => {
  await server?.stop();
  await Promise.all([good?.stop(), bad?.stop()]);
});

/** Each test has providers of its own: what a process knows of one is of its id and URL. */
let ids: { good: string; bad: string };
beforeEach(async () => {
  const { registrations, tenants } = server;
  for (const { id } of await registrations.providers(tenants.one)) {
    await registrations.removeProvider(tenants.one, id);
  }
  ids = { good: `good-${randomUUID()}`, bad: `bad-${randomUUID()}` };
  const common = { privateNetwork: true };
  await registrations.addProvider(tenants.one, { id: ids.good, name: 'Good', url: good.url, ...common });
  await registrations.addProvider(tenants.one, { id: ids.bad, name: 'Bad', url: bad.url, ...common });
  good.received.length = 0;
  bad.received.length = 0;
  good.answer = provides([SERVICE]);
  bad.answer = provides([]);
});

const ask = (hook = 'patient-view', context: object = {}, headers = physician): Promise<Answer> =>
  post(`${server.harness.url}/cds-hooks/one/${hook}`, { context: { patientId: 'p', ...context } }, headers);
const services = (answer: Answer): Json[] => answer.json.extension['health.vesta.services'];
/** Status and reason by service. */
const states = (answer: Answer) =>
  Object.fromEntries(services(answer).map(({ id, status, reason }) => [id, reason ?? status]));
const calls = (other: OtherServer): Received[] => other.received.filter(({ method }) => method === 'POST');

describe('asking all services of a hook', () => {
  it('merges cards by urgency, each with its service, and says what became of every service', async () => {
    good.answer = provides([SERVICE, { ...SERVICE, id: 'elsewhere', hook: 'order-sign' }], {
      cards: [card(), card({ indicator: 'critical', summary: 'Now' })],
      systemActions: [
        { type: 'create', description: 'd', resource: { resourceType: 'Basic', code: { text: 'x' } } },
      ],
    });
    bad.answer = (_request, response) => void response.destroy();
    const answer = await ask();
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.json).sort()).toEqual(['cards', 'extension', 'systemActions']);
    expect(answer.json.extension['health.vesta.hookInstance']).toMatch(/^[0-9a-f-]{36}$/);
    const guidance = `${ids.good}/guidance`;
    expect(states(answer)).toEqual({
      'own/record-gaps': 'answered',
      [guidance]: 'answered',
      [ids.bad]: 'failure',
    });
    expect(
      answer.json.cards.map((one: Json) => [one.indicator, one.extension['health.vesta.service']]),
    ).toEqual([
      ['critical', guidance],
      ['info', guidance],
    ]);
    expect(answer.json.systemActions[0].extension).toEqual({ 'health.vesta.service': guidance });
  });

  it('gives the allergy card of an order, whoever else is down (issue 6, story 4)', async () => {
    good.answer = provides([{ ...SERVICE, id: 'orders', hook: 'order-sign' }]);
    bad.answer = (_request, response) => json(response, {}, 500);
    const answer = await ask('order-sign', { draftOrders: orders(draft('rx', 'Amoxicillin 500 MG')) });
    expect(states(answer)).toEqual({
      'own/allergy-check': 'answered',
      [`${ids.good}/orders`]: 'answered',
      [ids.bad]: 'failure',
    });
    const [first] = answer.json.cards;
    expect(first).toMatchObject({
      indicator: 'critical',
      extension: { 'health.vesta.service': 'own/allergy-check' },
      suggestions: [{ actions: [{ type: 'delete', resourceId: 'MedicationRequest/rx' }] }],
    });
  });

  it('asks nobody for nothing: no token, another user, an unknown hook, a wrong context', async () => {
    expect((await ask('patient-view', {}, {})).status).toBe(401);
    const cases: [string, object, number, string][] = [
      ['patient-view', { userId: 'Practitioner/other' }, 400, 'context.userId'],
      ['patient-view', { userId: 'PractitionerRole/none' }, 400, 'context.userId'],
      ['patient-view', { patientId: 'Patient/p' }, 400, 'context.patientId'],
      ['order-sign', {}, 400, 'context.draftOrders'],
      ['medication-prescribe', {}, 404, 'http.path'],
    ];
    for (const [hook, context, status, at] of cases) {
      const answer = await ask(hook, context);
      expect([hook, answer.status, answer.expressions]).toEqual([hook, status, [at]]);
    }
    const context = { patientId: 'p' };
    const unnamed = await post(
      `${server.harness.url}/cds-hooks/one/patient-view`,
      { hookInstance: 'x', context },
      physician,
    );
    expect([unnamed.status, unnamed.expressions]).toEqual([400, ['hookInstance']]);
    expect(good.received).toEqual([]);
    expect((await ask('patient-view', { userId: 'PractitionerRole/doc-role' })).status).toBe(200);
  });

  it('asks the providers of the tenant only', async () => {
    const token = await server.as({ role: 'attending', scopes: 'user/*.rs' }, 'two');
    const context = { patientId: 'p', userId: 'Practitioner/doc' };
    const answer = await post(`${server.harness.url}/cds-hooks/two/patient-view`, { context }, token);
    expect(answer.status).toBe(200);
    expect(good.received).toEqual([]);
  });
});

describe('what services of others are sent (CDS Hooks 2.0, Calling a CDS Service)', () => {
  it('is hook, instance, server, context, and prefetch within the record of the patient', async () => {
    const hookInstance = randomUUID();
    await post(
      `${server.harness.url}/cds-hooks/one/patient-view`,
      { hookInstance, context: { patientId: 'p' } },
      physician,
    );
    const [call, ...more] = calls(good);
    expect(more).toEqual([]);
    expect(call?.path).toBe('/cds-services/guidance');
    expect(call?.body).toMatchObject({
      hook: 'patient-view',
      hookInstance,
      fhirServer: server.one.base,
      context: { patientId: 'p', userId: 'Practitioner/doc' },
      prefetch: {
        patient: { resourceType: 'Patient', id: 'p' },
        user: { resourceType: 'Practitioner', id: 'doc' },
      },
    });
    expect(call?.body).not.toHaveProperty('fhirAuthorization');
    expect(JSON.stringify(call?.body)).not.toContain('Secret');
    // Prefetch Template: null where there is no data, no key for what is not satisfied.
    expect(call?.body.prefetch.none).toBeNull();
    expect(Object.keys(call?.body.prefetch)).not.toContain('odd');
    expect(JSON.stringify(call?.body)).not.toContain('next');
  });

  it('comes with a JWT for that URL, signed by the key of the tenant that its jku publishes (ES384)', async () => {
    await ask();
    const [call] = calls(good);
    const jwt = call?.headers.authorization?.replace(/^Bearer /, '') as string;
    const header = jose.decodeProtectedHeader(jwt);
    expect(header).toMatchObject({ alg: 'ES384', typ: 'JWT' });
    const keys = (await send('GET', header.jku as string)).json;
    const { payload } = await jose.jwtVerify(jwt, jose.createLocalJWKSet(keys), {
      audience: `${good.url}/cds-services/guidance`,
      issuer: `${server.harness.url}/auth/one`,
    });
    expect(payload.jti).toBeTruthy();
    const ids = good.received.map(
      ({ headers }) => jose.decodeJwt(headers.authorization?.slice(7) as string).jti,
    );
    expect(new Set(ids).size).toBe(2);
  });

  it('has an access token where the registration has scopes: for the patient, to read, no more than the user', async () => {
    const { registrations, tenants } = server;
    await registrations.removeProvider(tenants.one, ids.good);
    await registrations.addProvider(tenants.one, {
      id: ids.good,
      name: 'Good',
      url: good.url,
      scopes: 'patient/Patient.rs patient/AllergyIntolerance.rs',
      privateNetwork: true,
    });
    await ask();
    const { fhirAuthorization } = calls(good)[0]?.body ?? {};
    expect(fhirAuthorization).toMatchObject({
      token_type: 'Bearer',
      subject: `cds-service/${ids.good}`,
      scope: 'patient/AllergyIntolerance.rs patient/Patient.rs',
      // Of patient scopes it tells whom they are about.
      patient: 'p',
    });
    expect(fhirAuthorization.expires_in).toBeLessThanOrEqual(60);
    const headers = { authorization: `Bearer ${fhirAuthorization.access_token}` };
    const status = async (path: string) => (await server.one.get(path, headers)).status;
    expect(await status('Patient/p')).toBe(200);
    expect(await status('AllergyIntolerance/a1')).toBe(200);
    expect(await status('Patient/neighbour')).toBe(404);
    expect([403, 404]).toContain(await status('Observation/of-neighbour'));
    const write = await server.one.put('Patient/p', { resourceType: 'Patient', id: 'p' }, headers);
    expect([403, 404]).toContain(write.status);
  });

  it('is in the audit log, as given to the service (45 CFR 164.528)', async () => {
    await ask();
    const found = await server.one.get(
      'AuditEvent?patient=Patient/p&subtype=https://vesta.health/fhir/CodeSystem/audit-event|cds-call&_sort=-date&_count=1',
      await server.as(),
    );
    const event = JSON.stringify(found.json.entry[0].resource);
    expect(event).toContain(`${ids.good}/guidance`);
    expect(event).toContain('Practitioner/doc');
  });
});

describe('services that fail cost their own cards only', () => {
  /** What becomes of the bad service when it answers a call so; the good one is asked at the same time. */
  const outcome = async (answerCall: OtherServer['answer']) => {
    bad.answer = (request, response) =>
      request.path === '/cds-services'
        ? json(response, { services: [{ ...SERVICE, id: 'x' }] })
        : answerCall(request, response);
    const answer = await ask();
    expect(answer.status).toBe(200);
    expect(states(answer)).toMatchObject({
      'own/record-gaps': 'answered',
      [`${ids.good}/guidance`]: 'answered',
    });
    return { state: states(answer)[`${ids.bad}/x`], answer };
  };
  /** The same, with a provider that nothing is known of. */
  const fresh = async (answerCall: OtherServer['answer']) => {
    const { registrations, tenants } = server;
    await registrations.removeProvider(tenants.one, ids.bad);
    ids.bad = `bad-${randomUUID()}`;
    await registrations.addProvider(tenants.one, {
      id: ids.bad,
      name: 'Bad',
      url: bad.url,
      privateNetwork: true,
    });
    return (await outcome(answerCall)).state;
  };

  /** Calls of services of others, and of our own, that were answered. */
  const answered = async (): Promise<number> => {
    const { text } = await send('GET', `${server.harness.url}/metrics`);
    const counts = text.matchAll(/^cds_service_calls_total\{[^}]*outcome="answered"\} (\d+)$/gm);
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  };

  it('when they are too slow for the budget', async () => {
    const before = await answered();
    const asked = outcome(() => {});
    // Both lists of services, the good service and our own; then the time is over.
    await expect.poll(answered, { timeout: 50_000 }).toBe(before + 4);
    server.time.advance(BUDGET);
    expect((await asked).state).toBe('time-limit');
  });

  it('when what they answer is no answer', async () => {
    const cases: Record<string, OtherServer['answer']> = {
      'no JSON': (_request, response) => void response.end('<html>'),
      'no cards': (_request, response) => json(response, { card: [] }),
      'a list': (_request, response) => json(response, []),
      'an error': (_request, response) => json(response, { cards: [card()] }, 500),
      'too much': (_request, response) => void response.end(' '.repeat(3_000_000)),
      'deep nesting': (_request, response) => void response.end('['.repeat(100_000)),
      'a broken answer': (_request, response) => {
        response.writeHead(200, { 'Content-Length': '100' }).write('{"cards":');
        response.destroy();
      },
      'a redirect elsewhere': (_request, response) =>
        void response.writeHead(302, { Location: `${good.url}/cds-services/guidance` }).end(),
      'a redirect within': (_request, response) =>
        void response.writeHead(307, { Location: 'http://169.254.169.254/latest/meta-data' }).end(),
    };
    for (const [name, answer] of Object.entries(cases))
      expect([name, await fresh(answer)]).toEqual([name, 'failure']);
  });

  it('when their list of services is none', async () => {
    for (const list of [{}, { services: {} }, 'x', null]) {
      const { registrations, tenants } = server;
      await registrations.removeProvider(tenants.one, ids.bad);
      ids.bad = `bad-${randomUUID()}`;
      await registrations.addProvider(tenants.one, {
        id: ids.bad,
        name: 'B',
        url: bad.url,
        privateNetwork: true,
      });
      bad.answer = (_request, response) => json(response, list);
      expect(states(await ask())).toMatchObject({ [ids.bad]: 'failure' });
    }
  });

  it('with scripts and wrong cards taken out of what they say', async () => {
    const { answer } = await outcome((_request, response) =>
      json(response, {
        cards: [
          card({
            detail: 'See <img src=x onerror=alert(1)><script>alert(1)</script>',
            source: { label: 'S', url: 'javascript:alert(1)' },
            links: [{ label: 'x', url: 'javascript:alert(1)', type: 'absolute' }],
          }),
          card({ indicator: 'hard-stop' }),
        ],
      }),
    );
    const theirs = answer.json.cards.filter(
      (one: Json) => one.extension['health.vesta.service'] === `${ids.bad}/x`,
    );
    expect(theirs).toHaveLength(1);
    expect(theirs[0].detail).toBe('See &lt;img src=x onerror=alert(1)>&lt;script>alert(1)&lt;/script>');
    expect(theirs[0].source).toEqual({ label: 'S' });
    expect(theirs[0].links).toBeUndefined();
    expect(services(answer).find(({ id }) => id === `${ids.bad}/x`)?.problems).toHaveLength(3);
  });

  it('with actions taken out that write to the record of another patient', async () => {
    const action = (type: string, id: string, patient: string) => ({
      type,
      description: 'd',
      ...(type === 'delete'
        ? { resourceId: `Observation/${id}` }
        : { resource: { resourceType: 'Observation', id, subject: { reference: `Patient/${patient}` } } }),
    });
    const suggestions = [
      { label: 'of the patient', actions: [action('create', 'x', 'p')] },
      { label: 'of another', actions: [action('create', 'x', 'neighbour')] },
      { label: 'taken from another', actions: [action('update', 'of-neighbour', 'p')] },
      { label: 'deleted from another', actions: [action('delete', 'of-neighbour', 'p')] },
    ];
    const { answer } = await outcome((_request, response) =>
      json(response, {
        cards: [card({ suggestions, selectionBehavior: 'any' })],
        systemActions: [action('update', 'of-neighbour', 'p')],
      }),
    );
    const theirs = answer.json.cards.find(
      (one: Json) => one.extension['health.vesta.service'] === `${ids.bad}/x`,
    );
    expect(theirs.suggestions.map(({ label }: Json) => label)).toEqual(['of the patient']);
    expect(answer.json.systemActions).toBeUndefined();
    expect(services(answer).find(({ id }) => id === `${ids.bad}/x`)?.problems).toHaveLength(4);
  });

  it('and are no failures where they say that data is missing (HTTP Status Codes: 412)', async () => {
    for (let i = 0; i < 4; i++) {
      const { state } = await outcome((_request, response) => json(response, {}, 412));
      expect(state).toBe('missing-data');
    }
  });

  it('and are left alone for a while after several failures, then tried again', async () => {
    const fails: OtherServer['answer'] = (_request, response) => json(response, {}, 503);
    for (let i = 0; i < 3; i++) expect((await outcome(fails)).state).toBe('failure');
    const before = calls(bad).length;
    expect((await outcome(fails)).state).toBe('circuit-open');
    expect(calls(bad)).toHaveLength(before);
    server.time.advance(PAUSE);
    // Half open: one call tries, and when it fails the pause begins anew.
    expect((await outcome(fails)).state).toBe('failure');
    expect((await outcome(fails)).state).toBe('circuit-open');
    expect(calls(bad)).toHaveLength(before + 1);
    server.time.advance(PAUSE);
    const works: OtherServer['answer'] = (_request, response) => json(response, { cards: [] });
    expect((await outcome(works)).state).toBe('answered');
    expect((await outcome(works)).state).toBe('answered');
  });

  it('and count in the metrics', async () => {
    await outcome((_request, response) => json(response, {}, 503));
    const { text } = await send('GET', `${server.harness.url}/metrics`);
    expect(text).toMatch(/cds_service_calls_total\{service="external",outcome="failure"\} [1-9]/);
    expect(text).toMatch(/cds_service_calls_total\{service="external",outcome="answered"\} [1-9]/);
  });
});

describe('addresses of private networks', () => {
  it('are called for registrations only that say so', async () => {
    const { registrations, tenants } = server;
    await registrations.removeProvider(tenants.one, ids.good);
    const id = `public-${randomUUID()}`;
    await registrations.addProvider(tenants.one, { id, name: 'P', url: good.url });
    const https = `tls-${randomUUID()}`;
    await registrations.addProvider(tenants.one, { id: https, name: 'P', url: 'https://10.1.2.3/x' });
    expect(states(await ask())).toMatchObject({ [id]: 'failure', [https]: 'failure' });
    expect(good.received).toEqual([]);
  });
});

describe('FHIR servers of EHRs at private addresses', () => {
  it('are asked for registrations only that say so', async () => {
    const key = await clientKey('ES384');
    const url = `${server.harness.url}/cds-services/one/record-gaps`;
    const fhirServer = `${good.url}/fhir`;
    good.answer = (_request, response) => json(response, { resourceType: 'Patient', id: 'p' });
    const status = async (privateNetwork: boolean) => {
      const issuer = `https://ehr-${randomUUID()}.example`;
      await server.registrations.addClient(server.tenants.one, {
        issuer,
        name: 'E',
        jwks: { keys: [key.publicJwk] },
        fhirServers: [fhirServer],
        privateNetwork,
      });
      const iat = Math.floor(Date.now() / 1000);
      const claims = { iss: issuer, aud: url, iat, exp: iat + 60, jti: randomUUID() };
      const body = hookRequest('patient-view', {}, { fhirServer, prefetch: { allergies: null } });
      return (await post(url, body, { authorization: `Bearer ${await key.assertion(claims)}` })).status;
    };
    expect(await status(false)).toBe(412);
    expect(good.received).toEqual([]);
    expect(await status(true)).toBe(200);
    expect(good.received.map(({ path }) => path)).toEqual(['/fhir/Patient/p']);
  });
});

describe('feedback (CDS Hooks 2.0, Feedback)', () => {
  const feedback = {
    feedback: [
      {
        card: 'c1',
        outcome: 'accepted',
        acceptedSuggestions: [{ id: 's1' }],
        outcomeTimestamp: '2026-01-02T03:04:05Z',
      },
    ],
  };
  const give = (service: string, body: object = feedback, headers = physician) =>
    post(`${server.harness.url}/cds-hooks/one/${service}/feedback`, body, headers);

  it('goes to the service that made the card, with a JWT', async () => {
    // The specification says of no status that it is the one of success.
    good.answer = (_request, response) => void response.writeHead(204).end();
    expect((await give(`${ids.good}/guidance`)).status).toBe(200);
    const [call] = calls(good);
    expect(call?.path).toBe('/cds-services/guidance/feedback');
    expect(call?.body).toEqual(feedback);
    const { aud } = jose.decodeJwt(call?.headers.authorization?.slice(7) as string);
    expect(aud).toContain(`${good.url}/cds-services/guidance/feedback`);
  });

  it('about own services is kept, with who has given it', async () => {
    expect((await give('own/record-gaps')).status).toBe(200);
    const found = await server.one.get('Basic?code=feedback&author=Practitioner/doc', await server.as());
    expect(found.json.entry).toHaveLength(1);
  });

  it('is refused where it is none, for nobody, or by nobody; 502 when it cannot be handed on', async () => {
    expect((await give('own/record-gaps', { feedback: [{}] })).status).toBe(400);
    expect((await give('own/none')).status).toBe(404);
    expect((await give('none/guidance')).status).toBe(404);
    expect((await give('%00/guidance')).status).toBe(404);
    expect((await give(`${ids.good}/%2e%2e`)).status).toBe(404);
    expect(good.received).toEqual([]);
    expect((await give('own/record-gaps', feedback, {})).status).toBe(401);
    bad.answer = (_request, response) => json(response, {}, 500);
    expect((await give(`${ids.bad}/x`)).status).toBe(502);
  });
});
