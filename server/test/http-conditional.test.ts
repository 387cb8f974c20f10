import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let client: TestClient;
let next = 0;

beforeAll(async () => {
  harness = await startHarness({ fhir: { maxConditionalDelete: 5 } });
  client = harness.client();
});
afterAll(() => harness?.stop());

const SYSTEM = 'http://example.org/mrn';
const fresh = () => `v${next++}`;
const patient = (value: string, more: object = {}) => ({
  resourceType: 'Patient',
  identifier: [{ system: SYSTEM, value }],
  ...more,
});
const criteria = (value: string) => `identifier=${SYSTEM}|${value}`;
const count = async (value: string): Promise<number> =>
  (await client.get(`Patient?${criteria(value)}&_total=accurate`)).json.total;

describe('conditional create (R4 http.html#ccreate)', () => {
  it('no match: 201', async () => {
    const value = fresh();
    const answer = await client.post('Patient', patient(value), { 'If-None-Exist': criteria(value) });
    expect(answer.status).toBe(201);
    expect(await count(value)).toBe(1);
  });

  it('one match: 200, the resource that is there is named and not changed', async () => {
    const value = fresh();
    const { id } = await client.create(patient(value, { gender: 'male' }));
    const answer = await client.post('Patient', patient(value, { gender: 'female' }), {
      'If-None-Exist': criteria(value),
    });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ id, gender: 'male', meta: { versionId: '1' } });
    expect(answer.header('location')).toBe(`${client.base}/Patient/${id}/_history/1`);
    expect(answer.header('etag')).toBe('W/"1"');
    expect(await count(value)).toBe(1);
  });

  it('several matches: 412', async () => {
    const value = fresh();
    await client.create(patient(value));
    await client.create(patient(value));
    const answer = await client.post('Patient', patient(value), { 'If-None-Exist': criteria(value) });
    expect([answer.status, answer.issueCodes]).toEqual([412, ['multiple-matches']]);
    expect(await count(value)).toBe(2);
  });

  it('criteria of several parameters, of other types, percent-encoded, and with a leading Type?', async () => {
    const value = fresh();
    await client.create(patient(value, { name: [{ family: `Größe${value}` }], birthDate: '1970-01-01' }));
    for (const text of [
      `name=${encodeURIComponent(`größe${value}`)}&birthdate=1970-01-01`,
      `family:exact=${encodeURIComponent(`Größe${value}`)}`,
      `identifier=${encodeURIComponent(`${SYSTEM}|${value}`)}`,
      `Patient?${criteria(value)}`,
      `?${criteria(value)}`,
    ]) {
      const answer = await client.post('Patient', patient(value), { 'If-None-Exist': text });
      expect([text, answer.status]).toEqual([text, 200]);
    }
  });

  it('criteria that are unknown or empty are refused: they must not match everything', async () => {
    const value = fresh();
    for (const text of ['nonsense=1', `${criteria(value)}&nonsense=1`, '', '_count=1', 'birthdate=never']) {
      const answer = await client.post('Patient', patient(value), { 'If-None-Exist': text });
      expect([text, [400, 412].includes(answer.status)]).toEqual([text, true]);
    }
    expect(await count(value)).toBe(0);
  });

  it('a deleted resource does not match', async () => {
    const value = fresh();
    const { id } = await client.create(patient(value));
    await client.delete(`Patient/${id}`);
    expect((await client.post('Patient', patient(value), { 'If-None-Exist': criteria(value) })).status).toBe(
      201,
    );
  });
});

describe('conditional update (R4 http.html#cond-update)', () => {
  it('no match, no id: 201 with an id of the server', async () => {
    const value = fresh();
    const answer = await client.put(`Patient?${criteria(value)}`, patient(value));
    expect(answer.status).toBe(201);
    expect(answer.header('location')).toMatch(/\/Patient\/.+\/_history\/1$/);
    expect(await count(value)).toBe(1);
  });

  it('no match, with id: update as create under that id', async () => {
    const value = fresh();
    const answer = await client.put(`Patient?${criteria(value)}`, patient(value, { id: `given-${value}` }));
    expect([answer.status, answer.json.id]).toEqual([201, `given-${value}`]);
  });

  it('one match, no id or the same id: 200, the next version of it', async () => {
    const value = fresh();
    const { id } = await client.create(patient(value, { gender: 'male' }));
    const first = await client.put(`Patient?${criteria(value)}`, patient(value, { gender: 'female' }));
    expect([first.status, first.json.id, first.json.meta.versionId]).toEqual([200, id, '2']);
    const second = await client.put(`Patient?${criteria(value)}`, patient(value, { id, gender: 'other' }));
    expect([second.status, second.json.id, second.json.meta.versionId]).toEqual([200, id, '3']);
  });

  it('one match, another id: 400', async () => {
    const value = fresh();
    const { id } = await client.create(patient(value));
    const answer = await client.put(`Patient?${criteria(value)}`, patient(value, { id: 'another' }));
    expect([answer.status, answer.expressions]).toEqual([400, ['Patient.id']]);
    expect((await client.get(`Patient/${id}`)).json.meta.versionId).toBe('1');
  });

  it('several matches: 412', async () => {
    const value = fresh();
    await client.create(patient(value));
    await client.create(patient(value));
    const answer = await client.put(`Patient?${criteria(value)}`, patient(value));
    expect([answer.status, answer.issueCodes]).toEqual([412, ['multiple-matches']]);
  });

  it('If-Match counts for the match', async () => {
    const value = fresh();
    await client.create(patient(value));
    expect(
      (await client.put(`Patient?${criteria(value)}`, patient(value), { 'If-Match': 'W/"2"' })).status,
    ).toBe(412);
    expect(
      (await client.put(`Patient?${criteria(value)}`, patient(value), { 'If-Match': 'W/"1"' })).status,
    ).toBe(200);
  });

  it('without criteria, or with unknown ones, it is refused', async () => {
    expect((await client.put('Patient', { resourceType: 'Patient' })).status).toBe(412);
    expect((await client.put('Patient?nonsense=1', { resourceType: 'Patient' })).status).toBe(400);
    expect((await client.put('Patient?_format=json', { resourceType: 'Patient' })).status).toBe(412);
  });
});

describe('conditional delete (R4 http.html#cdelete)', () => {
  it('single: deletes the one match', async () => {
    const value = fresh();
    const { id } = await client.create(patient(value));
    const answer = await client.delete(`Patient?${criteria(value)}`);
    expect([200, 204]).toContain(answer.status);
    expect((await client.get(`Patient/${id}`)).status).toBe(410);
  });

  it('multiple: deletes all matches, and no others', async () => {
    const value = fresh();
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.push((await client.create(patient(value))).id);
    const other = await client.create(patient(fresh()));
    const answer = await client.delete(`Patient?${criteria(value)}`);
    expect(answer.status).toBe(200);
    expect(answer.json.issue[0].diagnostics).toContain('3');
    for (const id of ids) expect((await client.get(`Patient/${id}`)).status).toBe(410);
    expect((await client.get(`Patient/${other.id}`)).status).toBe(200);
  });

  it('none: success, nothing is deleted', async () => {
    expect([200, 204]).toContain((await client.delete(`Patient?${criteria(fresh())}`)).status);
  });

  it('more than the limit: 412 and nothing is deleted', async () => {
    const value = fresh();
    for (let i = 0; i < 6; i++) await client.create(patient(value));
    expect((await client.delete(`Patient?${criteria(value)}`)).status).toBe(412);
    expect(await count(value)).toBe(6);
  });

  it('without criteria, or with unknown ones, nothing is deleted', async () => {
    const value = fresh();
    await client.create(patient(value));
    for (const path of [
      'Patient',
      'Patient?',
      'Patient?nonsense=1',
      `Patient?${criteria(value)}&nonsense=1`,
      'Patient?_count=5',
    ]) {
      const answer = await client.delete(path);
      expect([path, [400, 412].includes(answer.status)]).toEqual([path, true]);
    }
    expect(await count(value)).toBe(1);
  });

  it('all or none: a match that is referred to stops the deletion of the others', async () => {
    const value = fresh();
    const { id } = await client.create(patient(value));
    await client.create(patient(value));
    await client.create({
      resourceType: 'Basic',
      code: { text: 'x' },
      subject: { reference: `Patient/${id}` },
    });
    expect((await client.delete(`Patient?${criteria(value)}`)).status).toBe(409);
    expect(await count(value)).toBe(2);
  });
});
