import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentContext, AnyAgent } from '../src/agents/agent.ts';
import { fhirError } from '../src/fhir/outcome.ts';
import { isObject } from '../src/json/objects.ts';
import type { JsonObject } from '../src/json/types.ts';
import { clientKey } from './auth-server.ts';
import { type CdsServer, hookRequest, post, send, startCdsServer } from './cds-support.ts';
import type { HeaderMap, Json } from './harness.ts';

/* Issue 6, section 2: agents that run as CDS Hooks services. */

let mode: 'look' | 'insist' | 'miss' | 'hang' | 'nonsense' | 'wrong-card' = 'look';
const card = (summary: string, more: object = {}) => ({
  summary,
  indicator: 'info',
  source: { label: 'Looker' },
  ...more,
});

/** An agent that says what it can see of the patient in context. */
const looker: AnyAgent = {
  name: 'looker',
  title: 'Looker',
  version: '1',
  description: 'Says what it sees',
  wakes: [
    {
      kind: 'hook',
      hook: 'patient-view',
      id: 'looker',
      prefetch: { patient: 'Patient/{{context.patientId}}' },
    },
  ],
  grants: [{ types: ['Patient', 'Observation'], interactions: ['read', 'search-type'] }],
  timeout: 60_000,
  actions: [],
  input(value) {
    if (!isObject(value)) throw fhirError(400, 'structure', 'It takes an object', 'looker');
    return value;
  },
  async run({ context, prefetch, hook }: JsonObject, { fhir }: AgentContext) {
    if (mode === 'hang') {
      setImmediate(() => server.time.advance(looker.timeout));
      return new Promise(() => {});
    }
    if (mode === 'miss') throw fhirError(404, 'not-found', 'There is no such Patient', 'http.path');
    if (mode === 'nonsense') return 'Hello';
    if (mode === 'wrong-card') {
      return {
        cards: [card('good', { detail: '<script>' }), { summary: 'no indicator' }],
        systemActions: [{ type: 'create', description: 'd', resource: { resourceType: 'Basic' } }],
      };
    }
    const { patientId } = context as { patientId: string };
    if (mode === 'insist')
      return {
        cards: [card((await fhir.search('Observation', [['patient', patientId]])).length.toString())],
      };
    const attempt = async (type: string) => {
      try {
        return (await fhir.search(type, [['patient', patientId]])).length;
      } catch {
        return 'refused';
      }
    };
    const [seen, conditions] = [await attempt('Observation'), await attempt('Condition')];
    const given = isObject(prefetch) && isObject(prefetch['patient']) ? prefetch['patient']['id'] : 'none';
    return { cards: [card(`${hook} ${given}: ${seen} observations, ${conditions} conditions`)] };
  },
};

let server: CdsServer;
let url: string;
let signed: () => Promise<HeaderMap>;

beforeAll(async () => {
  server = await startCdsServer({}, [looker]);
  url = `${server.harness.url}/cds-services/one/looker`;
  const key = await clientKey('ES384', 'ehr');
  const iss = 'https://ehr.example';
  await server.registrations.addClient(server.tenants.one, {
    issuer: iss,
    name: 'E',
    jwks: { keys: [key.publicJwk] },
  });
  signed = async () => {
    const iat = Math.floor(Date.now() / 1000);
    const jwt = await key.assertion({ iss, aud: url, iat, exp: iat + 60, jti: crypto.randomUUID() });
    return { authorization: `Bearer ${jwt}` };
  };
  const observation = (id: string) => ({
    resourceType: 'Observation',
    id,
    status: 'final',
    code: { text: 'x' },
    subject: { reference: 'Patient/p' },
  });
  await server.put(
    { resourceType: 'Patient', id: 'p' },
    { resourceType: 'Practitioner', id: 'doc' },
    observation('o1'),
    observation('o2'),
    { resourceType: 'Condition', subject: { reference: 'Patient/p' }, id: 'c1' },
  );
});
afterAll(() => server?.stop());

const ask = async (scopes: string): Promise<Json> => {
  const token = await server.as({ role: 'attending', fhirUser: 'Practitioner/doc', scopes });
  const context = { patientId: 'p' };
  const answer = await post(`${server.harness.url}/cds-hooks/one/patient-view`, { context }, token);
  const name = 'own/looker';
  return {
    state: answer.json.extension['health.vesta.services'].find(({ id }: Json) => id === name),
    cards: answer.json.cards.filter((one: Json) => one.extension['health.vesta.service'] === name),
    systemActions: answer.json.systemActions,
  };
};
const summaries = ({ cards }: Json) => cards.map((one: Json) => one.summary);

describe('an agent that a hook wakes', () => {
  it('is a service that discovery lists (CDS Hooks 2.0, Discovery)', async () => {
    const { services } = (await send('GET', `${server.harness.url}/cds-services/one`)).json;
    expect(services.find(({ id }: Json) => id === 'looker')).toEqual({
      id: 'looker',
      hook: 'patient-view',
      title: 'Looker',
      description: 'Says what it sees',
      prefetch: { patient: 'Patient/{{context.patientId}}' },
    });
  });

  it('sees what both the user and its own grants allow', async () => {
    mode = 'look';
    expect(summaries(await ask('user/*.rs'))).toEqual(['patient-view p: 2 observations, refused conditions']);
    expect(summaries(await ask('user/Patient.rs user/AllergyIntolerance.rs'))).toEqual([
      'patient-view p: refused observations, refused conditions',
    ]);
  });

  it('sees of an EHR that has no access here what was prefetched, and nothing of the record', async () => {
    mode = 'look';
    const body = hookRequest(
      'patient-view',
      {},
      { prefetch: { patient: { resourceType: 'Patient', id: 'p' } } },
    );
    const answer = await post(url, body, await signed());
    expect([answer.status, summaries(answer.json)]).toEqual([
      200,
      ['patient-view p: refused observations, refused conditions'],
    ]);
  });

  it('that cannot do without the record says 412 where that is closed (HTTP Status Codes)', async () => {
    mode = 'insist';
    const prefetch = { patient: { resourceType: 'Patient', id: 'p' } };
    const answer = await post(url, hookRequest('patient-view', {}, { prefetch }), await signed());
    expect([answer.status, answer.expressions]).toEqual([412, ['fhirAuthorization']]);
    // 404 would say that there is no such service.
    mode = 'miss';
    const missed = await post(url, hookRequest('patient-view', {}, { prefetch }), await signed());
    expect([missed.status, missed.expressions]).toEqual([412, ['fhirAuthorization']]);
    mode = 'insist';
    expect((await ask('user/Patient.rs')).state).toMatchObject({ reason: 'missing-data' });
    expect((await ask('user/*.rs')).state).toMatchObject({ status: 'answered' });
  });

  it('is recorded as a run', async () => {
    const found = await server.one.get(
      'AuditEvent?subtype=https://vesta.health/fhir/CodeSystem/audit-event|agent-run&patient=Patient/p',
      await server.as(),
    );
    expect(JSON.stringify(found.json.entry)).toContain('looker');
  });

  it('is held to its time: the answer says so, and has no cards', async () => {
    mode = 'hang';
    const prefetch = { patient: { resourceType: 'Patient', id: 'p' } };
    const answer = await post(url, hookRequest('patient-view', {}, { prefetch }), await signed());
    expect([answer.status, answer.json]).toEqual([
      200,
      { cards: [], extension: { 'health.vesta.degraded': 'time-limit' } },
    ]);
    expect((await ask('user/*.rs')).state).toMatchObject({ status: 'unavailable', reason: 'time-limit' });
  });

  it('is held to the rules for answers, as services of others are', async () => {
    mode = 'wrong-card';
    const answer = await ask('user/*.rs');
    expect(answer.cards.map(({ summary, detail }: Json) => [summary, detail])).toEqual([
      ['good', '&lt;script>'],
    ]);
    expect(answer.systemActions).toHaveLength(1);
    mode = 'nonsense';
    expect((await ask('user/*.rs')).state).toMatchObject({ status: 'unavailable', reason: 'failure' });
  });
});
