import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entry, type Harness, idsOf, type Json, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let client: TestClient;
let next = 0;

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
});
afterAll(() => harness?.stop());

const fresh = () => `t${next++}`;
const patient = (value: string, more: object = {}) => ({
  resourceType: 'Patient',
  identifier: [{ value }],
  ...more,
});
const total = async (value: string): Promise<number> =>
  (await client.get(`Patient?identifier=${value}`)).json.total;
const observation = (subject: string, more: object = {}) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'x' },
  subject: { reference: subject },
  ...more,
});

describe('transaction (R4 http.html#transaction)', () => {
  it('answers each entry in its place with status, location, etag and lastModified', async () => {
    const answer = await client.transaction([
      entry('POST', 'Patient', patient(fresh()), {
        fullUrl: 'urn:uuid:3a6b8f1e-7c43-4a10-9d4c-94c6d7a0f7aa',
      }),
      entry('PUT', 'Patient/tx-put', { resourceType: 'Patient', id: 'tx-put' }),
    ]);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ resourceType: 'Bundle', type: 'transaction-response' });
    for (const one of answer.json.entry) {
      expect(one.response).toMatchObject({ status: '201 Created', etag: 'W/"1"' });
      expect(one.response.location).toMatch(/Patient\/[^/]+\/_history\/1$/);
      expect(Date.parse(one.response.lastModified)).not.toBeNaN();
      expect(one.resource).toBeUndefined();
    }
    expect(answer.json.entry[1].response.location).toContain('Patient/tx-put/');
  });

  it('Prefer: return=representation gives the resources, return=OperationOutcome outcomes', async () => {
    const entries = [entry('POST', 'Patient', patient(fresh()))];
    const whole = await client.transaction(entries, { Prefer: 'return=representation' });
    expect(whole.json.entry[0].resource.meta.versionId).toBe('1');
    const outcome = await client.transaction(entries, { Prefer: 'return=OperationOutcome' });
    expect(outcome.json.entry[0].response.outcome.resourceType).toBe('OperationOutcome');
  });

  it('an empty transaction is answered by an empty Bundle', async () => {
    const answer = await client.transaction([]);
    expect([answer.status, answer.json.type, 'entry' in answer.json]).toEqual([
      200,
      'transaction-response',
      false,
    ]);
  });

  it('order is DELETE, POST, PUT and PATCH, GET, whatever the order of the entries (#trules)', async () => {
    const value = fresh();
    const old = await client.create(patient(value));
    const kept = await client.create({ resourceType: 'Patient', gender: 'male' });
    const answer = await client.transaction([
      entry('GET', `Patient?identifier=${value}`),
      entry('GET', `Patient/${kept.id}`),
      entry('PUT', `Patient/${kept.id}`, { resourceType: 'Patient', id: kept.id, gender: 'female' }),
      entry('POST', 'Patient', patient(value)),
      entry('DELETE', `Patient/${old.id}`),
    ]);
    expect(answer.status).toBe(200);
    const [search, read] = answer.json.entry;
    const found = idsOf(search.resource);
    expect(found).toHaveLength(1);
    expect(found[0]).not.toBe(old.id);
    expect(read.resource.gender).toBe('female');
  });

  it('a conditional create after a conditional delete of the same criteria: each sees the state before', async () => {
    const value = fresh();
    await client.create(patient(value));
    const answer = await client.transaction([
      entry('DELETE', `Patient?identifier=${value}`),
      entry('PUT', `Patient?identifier=${value}-new`, patient(`${value}-new`)),
    ]);
    expect(answer.status).toBe(200);
    expect([await total(value), await total(`${value}-new`)]).toEqual([0, 1]);
  });

  it('absolute URLs below the base, and URLs with a leading slash, are as relative ones', async () => {
    const answer = await client.transaction([
      entry('PUT', `${client.base}/Patient/tx-abs`, { resourceType: 'Patient', id: 'tx-abs' }),
      entry('GET', '/Patient/tx-abs'),
    ]);
    expect(answer.json.entry[1].resource.id).toBe('tx-abs');
  });

  it('ifMatch, ifNoneMatch and conditional update by criteria', async () => {
    const value = fresh();
    const { id } = await client.create(patient(value));
    const answer = await client.transaction([
      entry('PUT', `Patient?identifier=${value}`, patient(value, { gender: 'other' }), { ifMatch: 'W/"1"' }),
      entry('GET', `Patient/${id}`, undefined, { ifNoneMatch: 'W/"2"' }),
    ]);
    expect(answer.json.entry.map((one: Json) => one.response.status)).toEqual(['200 OK', '304 Not Modified']);
    const refused = await client.transaction([
      entry('POST', 'Patient', patient(`${value}-x`)),
      entry('PUT', `Patient/${id}`, patient(value, { id }), { ifMatch: 'W/"1"' }),
    ]);
    expect(refused.status).toBe(412);
    expect(refused.expressions.join()).toContain('Bundle.entry[1]');
    expect(await total(`${value}-x`)).toBe(0);
  });

  it('conditional delete of several', async () => {
    const value = fresh();
    await client.create(patient(value));
    await client.create(patient(value));
    const answer = await client.transaction([entry('DELETE', `Patient?identifier=${value}`)]);
    expect(answer.status).toBe(200);
    expect(await total(value)).toBe(0);
  });
});

describe('GETs of a transaction see what it has written (R4 http.html#trules)', () => {
  it('by every way of reading', async () => {
    const value = fresh();
    const fullUrl = 'urn:uuid:f4a3bd2c-3b0c-4b5e-8b56-7f7f6b3a2c11';
    const id = `tx-read-${value}`;
    const answer = await client.transaction([
      entry('PUT', `Patient/${id}`, { ...patient(value), id }, { fullUrl }),
      entry('POST', 'Observation', observation(fullUrl)),
      entry('GET', `Patient/${id}`),
      entry('GET', `Patient/${id}/_history/1`),
      entry('GET', `Patient/${id}/_history`),
      entry('GET', `Patient?identifier=${value}&_revinclude=Observation:subject&_total=accurate`),
      entry('GET', `Observation?subject.identifier=${value}`),
      entry('GET', `Patient/${id}/Observation`),
      entry('GET', `Patient/${id}/$everything`),
      entry('GET', `Patient/${id}/$meta`),
      entry('GET', 'metadata'),
    ]);
    expect(answer.status, answer.text.slice(0, 500)).toBe(200);
    const [read, vread, history, search, chain, compartment, everything, meta] = answer.json.entry
      .slice(2)
      .map((one: Json) => one.resource);
    expect([read.id, vread.id]).toEqual([id, id]);
    expect(history.entry).toHaveLength(1);
    expect([search.total, search.entry.length]).toEqual([1, 2]);
    expect([chain.total, compartment.total]).toEqual([1, 1]);
    expect(everything.entry).toHaveLength(2);
    expect(meta.parameter[0].valueMeta.versionId).toBe('1');
  });

  it('what writes by itself cannot be part of one: other Bundles, operations that change something', async () => {
    const { id } = await client.create(patient(fresh()));
    const parameters = {
      resourceType: 'Parameters',
      parameter: [{ name: 'meta', valueMeta: { tag: [{ code: 'x' }] } }],
    };
    for (const refused of [
      entry('POST', '/', { resourceType: 'Bundle', type: 'batch' }),
      entry('POST', `Patient/${id}/$meta-add`, parameters),
      entry('POST', '$reindex', { resourceType: 'Parameters' }),
    ]) {
      const answer = await client.transaction([refused]);
      expect([answer.status, answer.issueCodes]).toEqual([400, ['not-supported']]);
      expect(answer.expressions).toEqual(['Bundle.entry[0]']);
    }
    expect((await client.get(`Patient/${id}`)).json.meta.versionId).toBe('1');
  });
});

describe('the same identity twice is refused (R4 http.html#trules)', () => {
  it.each([
    [
      'PUT and PUT',
      (id: string) => [
        entry('PUT', `Patient/${id}`, { resourceType: 'Patient', id }),
        entry('PUT', `Patient/${id}`, { resourceType: 'Patient', id }),
      ],
    ],
    [
      'PUT and DELETE',
      (id: string) => [
        entry('PUT', `Patient/${id}`, { resourceType: 'Patient', id }),
        entry('DELETE', `Patient/${id}`),
      ],
    ],
    [
      'DELETE and DELETE',
      (id: string) => [entry('DELETE', `Patient/${id}`), entry('DELETE', `Patient/${id}`)],
    ],
    [
      'PUT and conditional PUT that resolves to it',
      (id: string, value: string) => [
        entry('PUT', `Patient/${id}`, { resourceType: 'Patient', id }),
        entry('PUT', `Patient?identifier=${value}`, patient(value)),
      ],
    ],
    [
      'PATCH and PUT',
      (id: string) => [
        entry('PATCH', `Patient/${id}`, {
          resourceType: 'Binary',
          contentType: 'application/json-patch+json',
          data: Buffer.from('[]').toString('base64'),
        }),
        entry('PUT', `Patient/${id}`, { resourceType: 'Patient', id }),
      ],
    ],
    [
      'conditional DELETE and PUT',
      (id: string, value: string) => [
        entry('DELETE', `Patient?identifier=${value}`),
        entry('PUT', `Patient/${id}`, patient(value, { id })),
      ],
    ],
  ])('%s', async (_, entries) => {
    const value = fresh();
    const { id } = await client.create(patient(value, { gender: 'male' }));
    const answer = await client.transaction(entries(id, value));
    expect([answer.status, answer.issueCodes]).toEqual([400, ['duplicate']]);
    expect((await client.get(`Patient/${id}`)).json).toMatchObject({
      gender: 'male',
      meta: { versionId: '1' },
    });
  });

  it('two PUTs of one new id', async () => {
    const id = fresh();
    const put = entry('PUT', `Patient/${id}`, { resourceType: 'Patient', id });
    expect((await client.transaction([put, put])).status).toBe(400);
    expect((await client.get(`Patient/${id}`)).status).toBe(404);
  });

  it('two creates or updates with equal criteria never make two resources', async () => {
    const value = fresh();
    const ifNoneExist = `identifier=${value}`;
    const creates = await client.transaction([
      entry('POST', 'Patient', patient(value), { ifNoneExist }),
      entry('POST', 'Patient', patient(value), { ifNoneExist }),
    ]);
    expect(creates.status).toBeLessThan(500);
    expect(await total(value)).toBeLessThanOrEqual(1);
    const other = fresh();
    const update = entry('PUT', `Patient?identifier=${other}`, patient(other));
    expect((await client.transaction([update, update])).status).toBeLessThan(500);
    expect(await total(other)).toBeLessThanOrEqual(1);
  });

  it('one fullUrl for two entries (R4 bundle.html, bdl-7)', async () => {
    const fullUrl = 'urn:uuid:7b1c2f8e-1b61-4d3f-b1b2-0d7c3f9f4a11';
    const answer = await client.transaction([
      entry('POST', 'Patient', patient(fresh()), { fullUrl }),
      entry('POST', 'Patient', patient(fresh()), { fullUrl }),
    ]);
    expect([answer.status, answer.issueCodes, answer.expressions]).toEqual([
      400,
      ['duplicate'],
      ['Bundle.entry[1].fullUrl'],
    ]);
  });
});

describe('all or nothing (R4 http.html#transaction)', () => {
  const failing: [string, (id: string) => object, number[]][] = [
    [
      'an invalid resource',
      () => entry('POST', 'Patient', { resourceType: 'Patient', gender: 'x' }),
      [400, 422],
    ],
    ['an unknown element', () => entry('POST', 'Patient', { resourceType: 'Patient', colour: 'x' }), [400]],
    ['a reference to nothing', () => entry('POST', 'Observation', observation('Patient/none')), [422]],
    ['a delete of what is referred to', (id) => entry('DELETE', `Patient/${id}`), [409]],
    ['a GET of what is not there', () => entry('GET', 'Patient/none'), [404]],
    ['a GET of an unknown type', () => entry('GET', 'Nonsense'), [404]],
    [
      'a stale ifMatch',
      (id) => entry('PUT', `Patient/${id}`, { resourceType: 'Patient', id }, { ifMatch: 'W/"9"' }),
      [412],
    ],
    [
      'ifNoneExist with several matches',
      () => entry('POST', 'Patient', patient('x'), { ifNoneExist: 'identifier=tx-many' }),
      [412],
    ],
    [
      'ifNoneExist that is no search',
      () => entry('POST', 'Patient', patient('x'), { ifNoneExist: 'nonsense=1' }),
      [400],
    ],
    ['another id than the URL', () => entry('PUT', 'Patient/a', { resourceType: 'Patient', id: 'b' }), [400]],
    [
      'another type than the URL',
      () => entry('POST', 'Patient', { resourceType: 'Basic', code: { text: 'x' } }),
      [400],
    ],
    ['no resource', () => entry('POST', 'Patient'), [400]],
    ['no request', () => ({ resource: patient('x') }), [400]],
    ['no url', () => ({ resource: patient('x'), request: { method: 'POST' } }), [400]],
    ['an unknown method', () => entry('BREW', 'Patient'), [400]],
    ['a method that does not fit', () => entry('POST', 'Patient/1', { resourceType: 'Patient' }), [405]],
    [
      'a PATCH of what is not there',
      () => entry('PATCH', 'Patient/none', { resourceType: 'Parameters', parameter: [] }),
      [400, 404, 422],
    ],
    ['an unknown operation', () => entry('POST', 'Patient/$nonsense', { resourceType: 'Parameters' }), [404]],
    ['a URL of another server', () => entry('GET', 'http://other.example.org/fhir/Patient'), [400]],
  ];

  it.each(failing)('%s: the error names the entry and nothing is written', async (_, make, statuses) => {
    if ((await total('tx-many')) === 0) {
      await client.create(patient('tx-many'));
      await client.create(patient('tx-many'));
    }
    const value = fresh();
    const referred = await client.create({ resourceType: 'Patient' });
    await client.create(observation(`Patient/${referred.id}`));
    const changed = await client.create({ resourceType: 'Patient', gender: 'male' });
    const answer = await client.transaction([
      entry('POST', 'Patient', patient(value)),
      entry('PUT', `Patient/${changed.id}`, { resourceType: 'Patient', id: changed.id, gender: 'female' }),
      make(referred.id),
    ]);
    expect(statuses).toContain(answer.status);
    expect(answer.json.resourceType).toBe('OperationOutcome');
    expect(answer.expressions.length).toBeGreaterThan(0);
    for (const expression of answer.expressions) expect(expression).toMatch(/^Bundle\.entry\[2\]/);
    expect(await total(value)).toBe(0);
    expect((await client.get(`Patient/${changed.id}`)).json.meta.versionId).toBe('1');
  });

  it('all invalid resources are named at once, each by its path', async () => {
    const answer = await client.transaction([
      entry('POST', 'Patient', { resourceType: 'Patient', gender: 'x' }),
      entry('POST', 'Patient', patient(fresh())),
      entry('POST', 'Patient', { resourceType: 'Patient', birthDate: 'x' }),
    ]);
    expect(answer.expressions).toEqual([
      'Bundle.entry[0].resource.gender',
      'Bundle.entry[2].resource.birthDate',
    ]);
  });
});
