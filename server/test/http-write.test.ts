import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let client: TestClient;

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
});
afterAll(() => harness?.stop());

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('create (R4 http.html#create)', () => {
  it('201 with Location, ETag, Last-Modified and the resource', async () => {
    const answer = await client.post('Patient', { resourceType: 'Patient', active: true });
    expect(answer.status).toBe(201);
    const { id, meta } = answer.json;
    expect(id).toMatch(UUID_V7);
    expect(meta.versionId).toBe('1');
    expect(meta.lastUpdated).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(answer.header('location')).toBe(`${client.base}/Patient/${id}/_history/1`);
    expect(answer.header('etag')).toBe('W/"1"');
    expect(answer.header('last-modified')).toBe(new Date(meta.lastUpdated).toUTCString());
    expect((await client.get(answer.header('location') as string)).json).toEqual(answer.json);
  });

  it('the id, meta.versionId and meta.lastUpdated of the client are ignored, other meta is kept', async () => {
    const tag = [{ system: 'http://example.org/tag', code: 'x' }];
    const { id, meta } = await client.create({
      resourceType: 'Patient',
      id: 'mine',
      meta: {
        versionId: '77',
        lastUpdated: '1999-01-01T00:00:00Z',
        tag,
        source: 'http://example.org/source',
      },
    });
    expect(id).toMatch(UUID_V7);
    expect(meta).toMatchObject({ versionId: '1', tag, source: 'http://example.org/source' });
    expect(Date.parse(meta.lastUpdated)).toBeGreaterThan(Date.parse('2020-01-01'));
    expect((await client.get('Patient/mine')).status).toBe(404);
  });

  it('a body of another type than the URL, or none, is a 400', async () => {
    expect((await client.post('Patient', { resourceType: 'Observation' })).status).toBe(400);
    expect((await client.post('Patient', {})).status).toBe(400);
    expect((await client.post('Patient', '')).status).toBe(400);
    expect((await client.post('Patient', '[]')).status).toBe(400);
  });

  it('ids of later resources are greater: UUIDv7 is ordered by time', async () => {
    const first = await client.create({ resourceType: 'Patient' });
    const second = await client.create({ resourceType: 'Patient' });
    expect(second.id > first.id).toBe(true);
  });
});

describe('update (R4 http.html#update)', () => {
  it('200 with the next version; versionId counts 1, 2, 3', async () => {
    const { id } = await client.create({ resourceType: 'Patient' });
    for (const version of ['2', '3', '4']) {
      const answer = await client.put(`Patient/${id}`, { resourceType: 'Patient', id, gender: 'female' });
      expect(answer.status).toBe(200);
      expect(answer.json.meta.versionId).toBe(version);
      expect(answer.header('etag')).toBe(`W/"${version}"`);
      expect(answer.header('content-location')).toBe(`${client.base}/Patient/${id}/_history/${version}`);
    }
  });

  it('replaces: what the new version leaves out is gone; versionId and lastUpdated of the client are ignored', async () => {
    const { id, meta } = await client.create({ resourceType: 'Patient', gender: 'male', active: true });
    const body = {
      resourceType: 'Patient',
      id,
      active: false,
      meta: { versionId: '9', lastUpdated: '1999-01-01T00:00:00Z' },
    };
    const { json } = await client.put(`Patient/${id}`, body);
    expect(json.gender).toBeUndefined();
    expect(json.active).toBe(false);
    expect(json.meta.versionId).toBe('2');
    expect(Date.parse(json.meta.lastUpdated)).toBeGreaterThan(Date.parse(meta.lastUpdated));
  });

  it('400 when the id of the body is missing or another (R4 http.html#update)', async () => {
    const missing = await client.put('Patient/a', { resourceType: 'Patient' });
    expect([missing.status, missing.expressions]).toEqual([400, ['Patient.id']]);
    const other = await client.put('Patient/a', { resourceType: 'Patient', id: 'b' });
    expect([other.status, other.expressions]).toEqual([400, ['Patient.id']]);
    expect((await client.get('Patient/a')).status).toBe(404);
    expect((await client.get('Patient/b')).status).toBe(404);
  });

  it('update as create: 201 with Location under an id of the client (R4 http.html#upsert)', async () => {
    const answer = await client.put('Patient/my.Id-1', { resourceType: 'Patient', id: 'my.Id-1' });
    expect(answer.status).toBe(201);
    expect(answer.header('location')).toBe(`${client.base}/Patient/my.Id-1/_history/1`);
    expect(answer.json.meta.versionId).toBe('1');
    const longest = 'x'.repeat(64);
    expect((await client.put(`Patient/${longest}`, { resourceType: 'Patient', id: longest })).status).toBe(
      201,
    );
    const tooLong = 'x'.repeat(65);
    const refused = await client.put(`Patient/${tooLong}`, { resourceType: 'Patient', id: tooLong });
    expect(refused.status).toBeGreaterThanOrEqual(400);
  });

  it('the same id in two types are two resources', async () => {
    await client.put('Patient/twin', { resourceType: 'Patient', id: 'twin' });
    await client.put('Practitioner/twin', { resourceType: 'Practitioner', id: 'twin', active: true });
    expect((await client.get('Patient/twin')).json.resourceType).toBe('Patient');
    expect((await client.get('Practitioner/twin')).json.active).toBe(true);
    await client.delete('Patient/twin');
    expect((await client.get('Practitioner/twin')).status).toBe(200);
  });

  it('an update that changes nothing may make a version, and the version it names can be read', async () => {
    const { id } = await client.create({ resourceType: 'Patient', active: true });
    const { json } = await client.put(`Patient/${id}`, { resourceType: 'Patient', id, active: true });
    expect((await client.get(`Patient/${id}/_history/${json.meta.versionId}`)).status).toBe(200);
  });
});

describe('If-Match (R4 http.html#concurrency)', () => {
  it('update: 412 unless it names the current version, and nothing is written', async () => {
    const { id } = await client.create({ resourceType: 'Patient', gender: 'male' });
    const body = { resourceType: 'Patient', id, gender: 'female' };
    expect((await client.put(`Patient/${id}`, body, { 'If-Match': 'W/"1"' })).status).toBe(200);
    const stale = await client.put(`Patient/${id}`, { ...body, gender: 'other' }, { 'If-Match': 'W/"1"' });
    expect([stale.status, stale.issueCodes]).toEqual([412, ['conflict']]);
    const { json } = await client.get(`Patient/${id}`);
    expect([json.gender, json.meta.versionId]).toEqual(['female', '2']);
  });

  it('update as create with If-Match is a 412: there is no version to match', async () => {
    const answer = await client.put(
      'Patient/no-version',
      { resourceType: 'Patient', id: 'no-version' },
      { 'If-Match': 'W/"1"' },
    );
    expect(answer.status).toBe(412);
    expect((await client.get('Patient/no-version')).status).toBe(404);
  });

  it('delete: 412 for a version that is not current', async () => {
    const { id } = await client.create({ resourceType: 'Patient' });
    await client.put(`Patient/${id}`, { resourceType: 'Patient', id });
    expect((await client.delete(`Patient/${id}`, { 'If-Match': 'W/"1"' })).status).toBe(412);
    expect((await client.get(`Patient/${id}`)).status).toBe(200);
    expect((await client.delete(`Patient/${id}`, { 'If-Match': 'W/"2"' })).status).toBe(204);
  });

  it('a tag that no version can have is a 412, what is no tag a 400 that names the header', async () => {
    const { id } = await client.create({ resourceType: 'Patient' });
    const body = { resourceType: 'Patient', id };
    expect((await client.put(`Patient/${id}`, body, { 'If-Match': 'W/"abc"' })).status).toBe(412);
    const wrong = await client.put(`Patient/${id}`, body, { 'If-Match': 'abc' });
    expect([wrong.status, wrong.expressions]).toEqual([400, ['http.if-match']]);
  });
});

describe('delete (R4 http.html#delete)', () => {
  it('204 with the ETag of the deletion; twice is no error and makes no other version', async () => {
    const { id } = await client.create({ resourceType: 'Patient' });
    const first = await client.delete(`Patient/${id}`);
    expect([first.status, first.text, first.header('etag')]).toEqual([204, '', 'W/"2"']);
    expect((await client.delete(`Patient/${id}`)).status).toBe(204);
    const history = (await client.get(`Patient/${id}/_history`)).json;
    expect(history.entry).toHaveLength(2);
  });

  it('of what never was: 204, and a read says 404 still', async () => {
    expect((await client.delete('Patient/never-there')).status).toBe(204);
    expect((await client.get('Patient/never-there')).status).toBe(404);
  });

  it('what is deleted is in no search', async () => {
    const { id } = await client.create({ resourceType: 'Patient', name: [{ family: 'Vanished' }] });
    expect((await client.get('Patient?family=vanished')).json.total).toBe(1);
    await client.delete(`Patient/${id}`);
    expect((await client.get('Patient?family=vanished')).json.total).toBe(0);
    expect((await client.get(`Patient?_id=${id}`)).json.total).toBe(0);
  });

  it('PUT brings it back with the next version: 201, and the history keeps everything', async () => {
    const { id } = await client.create({ resourceType: 'Patient', gender: 'male' });
    await client.delete(`Patient/${id}`);
    const back = await client.put(`Patient/${id}`, { resourceType: 'Patient', id, gender: 'female' });
    expect([back.status, back.json.meta.versionId]).toEqual([201, '3']);
    expect((await client.get(`Patient/${id}`)).status).toBe(200);
    const { json } = await client.get(`Patient/${id}/_history`);
    expect(json.entry.map((entry: { request: { method: string } }) => entry.request.method)).toEqual([
      'PUT',
      'DELETE',
      'POST',
    ]);
    expect((await client.get(`Patient/${id}/_history/1`)).json.gender).toBe('male');
  });

  it('Prefer: return=OperationOutcome gets 200 with one', async () => {
    const { id } = await client.create({ resourceType: 'Patient' });
    const answer = await client.delete(`Patient/${id}`, { Prefer: 'return=OperationOutcome' });
    expect([answer.status, answer.json.resourceType]).toEqual([200, 'OperationOutcome']);
  });
});

describe('Prefer: return (R4 http.html#ops)', () => {
  const body = { resourceType: 'Patient', active: true };

  it('minimal: no body, all headers', async () => {
    const answer = await client.post('Patient', body, { Prefer: 'return=minimal' });
    expect([answer.status, answer.text]).toEqual([201, '']);
    expect(answer.header('location')).toMatch(/\/Patient\/.+\/_history\/1$/);
    expect(answer.header('etag')).toBe('W/"1"');
  });

  it('representation: the resource as it is stored', async () => {
    const answer = await client.post('Patient', body, { Prefer: 'return=representation' });
    expect(answer.json).toMatchObject({ resourceType: 'Patient', active: true, meta: { versionId: '1' } });
  });

  it('OperationOutcome: what happened', async () => {
    const created = await client.post('Patient', body, { Prefer: 'return=OperationOutcome' });
    expect([created.status, created.json.resourceType]).toEqual([201, 'OperationOutcome']);
    expect(created.json.issue[0].severity).toBe('information');
    const id = (created.header('location') as string).split('/Patient/')[1]?.split('/')[0];
    const updated = await client.put(`Patient/${id}`, { ...body, id }, { Prefer: 'return=OperationOutcome' });
    expect([updated.status, updated.json.resourceType]).toEqual([200, 'OperationOutcome']);
  });

  it('several preferences, quoted values and unknown ones (RFC 7240)', async () => {
    const answer = await client.post('Patient', body, {
      Prefer: 'wait=10; x, return="minimal", handling=strict',
    });
    expect([answer.status, answer.text]).toEqual([201, '']);
    const unknown = await client.post('Patient', body, { Prefer: 'return=nothing' });
    expect(unknown.json.resourceType).toBe('Patient');
  });
});
