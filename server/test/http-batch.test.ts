import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entry, type Harness, idsOf, type Json, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let client: TestClient;

beforeAll(async () => {
  harness = await startHarness({ fhir: { maxBundleEntries: 50 } });
  client = harness.client();
});
afterAll(() => harness?.stop());

const statuses = (bundle: Json): number[] =>
  bundle.entry.map((one: Json) => Number.parseInt(one.response.status, 10));

describe('batch (R4 http.html#transaction: entries are independent)', () => {
  it('every interaction, answered in the order of the entries', async () => {
    const { id } = await client.create({ resourceType: 'Patient', name: [{ family: 'Batch' }] });
    const gone = await client.create({ resourceType: 'Patient' });
    const answer = await client.batch([
      entry('GET', `Patient/${id}`),
      entry('POST', 'Patient', { resourceType: 'Patient', active: true }),
      entry('PUT', 'Patient/batch-put', { resourceType: 'Patient', id: 'batch-put' }),
      entry('DELETE', `Patient/${gone.id}`),
      entry('GET', 'Patient?family=batch'),
      entry('GET', `Patient/${id}/_history/1`),
      entry('GET', `Patient/${id}/_history`),
      entry('GET', 'metadata'),
      entry('HEAD', `Patient/${id}`),
      entry('POST', 'Observation/$validate', {
        resourceType: 'Observation',
        status: 'final',
        code: { text: 'x' },
      }),
    ]);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ resourceType: 'Bundle', type: 'batch-response' });
    expect(statuses(answer.json)).toEqual([200, 201, 201, 204, 200, 200, 200, 200, 200, 200]);
    const [read, created, put, , search, , history, metadata, head] = answer.json.entry;
    expect([head.resource, head.response.etag]).toEqual([undefined, 'W/"1"']);
    expect(read.resource.id).toBe(id);
    expect(read.response).toMatchObject({ etag: 'W/"1"' });
    expect(Date.parse(read.response.lastModified)).not.toBeNaN();
    expect(created.response.location).toMatch(/Patient\/.+\/_history\/1$/);
    expect(put.response.location).toMatch(/Patient\/batch-put\/_history\/1$/);
    expect(idsOf(search.resource)).toEqual([id]);
    expect(history.resource.type).toBe('history');
    expect(metadata.resource.resourceType).toBe('CapabilityStatement');
  });

  it("an error is its own entry's: status and OperationOutcome there, the others are done", async () => {
    const answer = await client.batch([
      entry('POST', 'Patient', { resourceType: 'Patient', identifier: [{ value: 'batch-before' }] }),
      entry('GET', 'Patient/none'),
      entry('POST', 'Patient', { resourceType: 'Patient', gender: 'x' }),
      entry('GET', 'Nonsense/1'),
      entry('BREW', 'Patient'),
      entry('PUT', 'Patient/a', { resourceType: 'Patient', id: 'b' }),
      { resource: { resourceType: 'Patient' } },
      entry('GET', 'http://other.example.org/fhir/Patient/1'),
      entry('POST', ''),
      entry('POST', 'Observation', {
        resourceType: 'Observation',
        status: 'final',
        code: { text: 'x' },
        subject: { reference: 'Patient/none' },
      }),
      entry('POST', 'Patient', { resourceType: 'Patient', identifier: [{ value: 'batch-after' }] }),
    ]);
    expect(answer.status).toBe(200);
    const found = statuses(answer.json);
    expect(found[0]).toBe(201);
    expect(found[1]).toBe(404);
    for (const status of found.slice(2, 10)) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
    }
    expect(found[10]).toBe(201);
    for (const one of answer.json.entry.slice(1, 10))
      expect(one.response.outcome.resourceType).toBe('OperationOutcome');
    expect((await client.get('Patient?identifier=batch-before,batch-after')).json.total).toBe(2);
  });

  it('conditions of entries: ifNoneMatch, ifModifiedSince, ifMatch, ifNoneExist', async () => {
    const { id } = await client.create({ resourceType: 'Patient', identifier: [{ value: 'batch-cond' }] });
    const answer = await client.batch([
      entry('GET', `Patient/${id}`, undefined, { ifNoneMatch: 'W/"1"' }),
      entry('GET', `Patient/${id}`, undefined, {
        ifModifiedSince: new Date(Date.now() + 60_000).toISOString(),
      }),
      entry('PUT', `Patient/${id}`, { resourceType: 'Patient', id }, { ifMatch: 'W/"5"' }),
      entry('POST', 'Patient', { resourceType: 'Patient' }, { ifNoneExist: 'identifier=batch-cond' }),
      entry('DELETE', 'Patient?identifier=batch-none'),
      entry('PUT', 'Patient?identifier=batch-new', {
        resourceType: 'Patient',
        identifier: [{ value: 'batch-new' }],
      }),
    ]);
    const found = statuses(answer.json);
    expect(found.slice(0, 4)).toEqual([304, 304, 412, 200]);
    expect([200, 204]).toContain(found[4]);
    expect(found[5]).toBe(201);
    expect(answer.json.entry[3].response.location).toContain(`Patient/${id}`);
  });

  it('Prefer counts for its entries: without one writes are answered without the resource', async () => {
    const entries = [entry('POST', 'Patient', { resourceType: 'Patient' })];
    expect((await client.batch(entries)).json.entry[0].resource).toBeUndefined();
    const whole = await client.batch(entries, { Prefer: 'return=representation' });
    expect(whole.json.entry[0].resource.resourceType).toBe('Patient');
    const outcome = await client.batch(entries, { Prefer: 'return=OperationOutcome' });
    expect(outcome.json.entry[0].response.outcome.resourceType).toBe('OperationOutcome');
  });

  it('an empty batch is answered by an empty Bundle without an entry property', async () => {
    const answer = await client.batch([]);
    expect(answer.status).toBe(200);
    expect(answer.json.type).toBe('batch-response');
    expect('entry' in answer.json).toBe(false);
  });

  it('the same resource may be changed by several entries, one after the other', async () => {
    const { id } = await client.create({ resourceType: 'Patient' });
    const answer = await client.batch(
      Array.from({ length: 10 }, () => entry('PUT', `Patient/${id}`, { resourceType: 'Patient', id })),
    );
    expect(statuses(answer.json)).toEqual(Array(10).fill(200));
    expect((await client.get(`Patient/${id}`)).json.meta.versionId).toBe('11');
  });
});

describe('the Bundle itself (R4 bundle.html, json.html)', () => {
  it('any other type, or none, is a 400 that names Bundle.type', async () => {
    for (const type of ['collection', 'searchset', 'nonsense', undefined, 5]) {
      const answer = await client.post('', { resourceType: 'Bundle', type });
      expect([type, answer.status, answer.expressions]).toEqual([type, 400, ['Bundle.type']]);
    }
  });

  it('a resource that is no Bundle is a 400', async () => {
    expect((await client.post('', { resourceType: 'Patient' })).status).toBe(400);
  });

  it('unknown properties and wrong cardinality are a 400 that names them', async () => {
    for (const [more, expression] of [
      [{ entries: [] }, 'Bundle.entries'],
      [{ entry: {} }, 'Bundle.entry'],
      [{ entry: [] }, 'Bundle.entry'],
      [{ entry: [{ ...(entry('GET', 'Patient') as object), extra: 1 }] }, 'Bundle.entry[0].extra'],
      [
        { entry: [{ request: { method: 'GET', url: 'Patient', verb: 'GET' } }] },
        'Bundle.entry[0].request.verb',
      ],
    ] as const) {
      const answer = await client.post('', { resourceType: 'Bundle', type: 'transaction', ...more });
      expect([expression, answer.status, answer.expressions]).toEqual([expression, 400, [expression]]);
    }
  });

  it('more entries than the limit are a 413', async () => {
    const answer = await client.batch(Array.from({ length: 51 }, () => entry('GET', 'metadata')));
    expect([answer.status, answer.expressions]).toEqual([413, ['Bundle.entry']]);
  });
});
