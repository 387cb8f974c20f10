import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccessToken } from '../src/auth/token/access-token.ts';
import { mintAccessToken } from '../src/auth/token/mint.ts';
import type { AuthService } from '../src/http/auth-service.ts';
import { newMasterKey } from '../src/security/keys/master-key.ts';
import { entry, type Harness, type Json, resourcesOf, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let auth: AuthService;
let demo: TestClient;
let admin: Record<string, string>;
let practitioner: string;

beforeAll(async () => {
  harness = await startHarness({
    tenants: ['demo'],
    service: { auth: { masterKeys: { keys: [newMasterKey()], reload() {} }, mail: async () => {} } },
  });
  auth = harness.service.auth as AuthService;
  demo = harness.client('demo');
  admin = await token({ scopes: 'system/*.cruds' });
  practitioner = `Practitioner/${(await demo.post('Practitioner', { resourceType: 'Practitioner' }, admin)).json.id}`;
});
afterAll(() => harness?.stop());

async function token(fields: Partial<AccessToken>): Promise<Record<string, string>> {
  const tenant = await auth.services.findTenant('demo');
  if (tenant === undefined) throw new Error('demo');
  const base = { grantId: randomUUID(), clientId: 'loader', subject: 'loader', scopes: '' };
  const { jwt } = await mintAccessToken(auth.services, tenant, { ...base, ...fields }, 300);
  return { authorization: `Bearer ${jwt}` };
}

const header = (more: object = {}) => ({
  'X-Provenance': JSON.stringify({
    resourceType: 'Provenance',
    recorded: '2026-01-05T10:00:00Z',
    agent: [{ who: { reference: practitioner } }],
    ...more,
  }),
});

const provenances = async (target: string): Promise<Json[]> =>
  resourcesOf((await demo.get(`Provenance?target=${target}`, admin)).json);
const count = async (query = '') =>
  (await demo.get(`Provenance?_summary=count${query}`, admin)).json.total as number;
const targetsOf = (provenance: Json): string[] => provenance.target.map((one: Json) => one.reference);

describe('X-Provenance (R4 provenance.html#header)', () => {
  it('create, update, patch and delete store it with the version that they have written as target', async () => {
    const made = await demo.post('Patient', { resourceType: 'Patient' }, { ...admin, ...header() });
    const id = made.json.id as string;
    expect(made.status).toBe(201);
    await demo.put(`Patient/${id}`, { resourceType: 'Patient', id, active: true }, { ...admin, ...header() });
    await demo.patch(`Patient/${id}`, [{ op: 'replace', path: '/active', value: false }], {
      ...admin,
      ...header(),
    });
    const told = (await provenances(`Patient/${id}`)).flatMap(targetsOf).sort();
    expect(told).toEqual([1, 2, 3].map((version) => `Patient/${id}/_history/${version}`));
    const [one] = await provenances(`Patient/${id}`);
    expect(one.agent[0].who.reference).toBe(practitioner);
    const basic = (await demo.post('Basic', { resourceType: 'Basic', code: { text: 'x' } }, admin)).json.id;
    const gone = await demo.delete(`Basic/${basic}`, { ...admin, ...header() });
    expect(gone.status).toBe(204);
    expect((await provenances(`Basic/${basic}`)).flatMap(targetsOf)).toEqual([`Basic/${basic}/_history/2`]);
  });

  it('of a transaction all that is written is the target of one, whose references are resolved with the others', async () => {
    const urn = `urn:uuid:${randomUUID()}`;
    const answer = await demo.transaction(
      [
        entry('POST', 'Practitioner', { resourceType: 'Practitioner' }, { fullUrl: urn }),
        entry('POST', 'Basic', { resourceType: 'Basic', code: { text: 'x' } }),
        entry('GET', 'Practitioner?_count=1'),
      ],
      { ...admin, ...header({ agent: [{ who: { reference: urn } }] }) },
    );
    expect(answer.status).toBe(200);
    expect(answer.json.entry).toHaveLength(3);
    const [author, basic] = answer.json.entry.map(
      (one: Json) => /\w+\/[^/]+(?=\/_history)/.exec(one.response.location ?? '')?.[0],
    );
    const [told, ...others] = await provenances(basic);
    expect(others).toEqual([]);
    expect(targetsOf(told).sort()).toEqual([`${basic}/_history/1`, `${author}/_history/1`].sort());
    expect(told.agent[0].who.reference).toBe(author);
  });

  it('of a batch each entry that writes gets its own', async () => {
    const before = await count();
    const basic = { resourceType: 'Basic', code: { text: 'x' } };
    await demo.batch(
      [entry('POST', 'Basic', basic), entry('POST', 'Basic', basic), entry('GET', 'Basic?_count=1')],
      {
        ...admin,
        ...header(),
      },
    );
    expect((await count()) - before).toBe(2);
  });

  it('an invalid one is a 400 that names it, and nothing is written', async () => {
    for (const [more, expression] of [
      [{ agent: undefined }, 'Provenance.agent'],
      [{ target: [{ reference: 'Patient/1' }] }, 'Provenance.target'],
      [{ nonsense: 1 }, 'Provenance.nonsense'],
      [{ resourceType: 'Patient' }, 'http.x-provenance'],
    ] as const) {
      const answer = await demo.put(
        'Basic/refused',
        { resourceType: 'Basic', id: 'refused', code: { text: 'x' } },
        { ...admin, ...header(more) },
      );
      expect([answer.status, answer.expressions]).toEqual([400, [expression]]);
    }
    const dangling = await demo.put(
      'Basic/refused',
      { resourceType: 'Basic', id: 'refused', code: { text: 'x' } },
      {
        ...admin,
        ...header({ agent: [{ who: { reference: 'Practitioner/none' } }] }),
      },
    );
    expect(dangling.status).toBe(422);
    expect((await demo.get('Basic/refused', admin)).status).toBe(404);
  });

  it('where nothing is written, nothing is told; a write that fails leaves no Provenance', async () => {
    const before = await count();
    await demo.put('Basic/there', { resourceType: 'Basic', id: 'there', code: { text: 'x' } }, admin);
    const again = await demo.post(
      'Basic',
      { resourceType: 'Basic', code: { text: 'x' } },
      { ...admin, ...header(), 'If-None-Exist': '_id=there' },
    );
    expect(again.status).toBe(200);
    const stale = await demo.put(
      'Basic/there',
      { resourceType: 'Basic', id: 'there', code: { text: 'y' } },
      { ...admin, ...header(), 'If-Match': 'W/"7"' },
    );
    expect(stale.status).toBe(412);
    expect(await count()).toBe(before);
  });

  it('takes the right to create a Provenance', async () => {
    const narrow = await token({ scopes: 'system/Basic.cruds' });
    const answer = await demo.post(
      'Basic',
      { resourceType: 'Basic', code: { text: 'x' } },
      { ...narrow, ...header() },
    );
    expect(answer.status).toBe(403);
  });
});

describe('every write of an agent has a Provenance (issue 5, section 4)', () => {
  it('names the agent and for whom it acts, also where the agent has no right to Provenance', async () => {
    const agent = await token({
      clientId: 'helper',
      subject: 'account',
      fhirUser: practitioner,
      role: 'attending',
      purposeOfUse: 'TREAT',
      scopes: 'user/Observation.cruds',
      actor: { clientId: 'helper' },
    });
    const task = { resourceType: 'Observation', status: 'preliminary', code: { text: 'x' } };
    const made = await demo.post('Observation', task, agent);
    expect([made.status, made.text.slice(0, 300)]).toEqual([201, expect.anything()]);
    const { id } = made.json;
    const [told, ...others] = await provenances(`Observation/${id}`);
    expect(others).toEqual([]);
    expect(told).toMatchObject({
      target: [{ reference: `Observation/${id}/_history/1` }],
      activity: { coding: [{ code: 'CREATE' }] },
      reason: [{ coding: [{ code: 'TREAT' }] }],
      agent: [{ who: { identifier: { value: 'helper' } }, onBehalfOf: { reference: practitioner } }],
    });
    await demo.put(`Observation/${id}`, { ...task, id, status: 'final' }, agent);
    expect((await provenances(`Observation/${id}`)).map((one) => one.activity.coding[0].code).sort()).toEqual(
      ['CREATE', 'UPDATE'],
    );
    const byPerson = await token({
      fhirUser: practitioner,
      role: 'attending',
      scopes: 'user/Observation.cruds',
    });
    const own = await demo.post('Observation', task, byPerson);
    expect(await provenances(`Observation/${own.json.id}`)).toEqual([]);
  });
});
