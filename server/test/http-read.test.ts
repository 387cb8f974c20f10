import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, type Json, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let client: TestClient;
let patient: Json;

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
  patient = await client.create({
    resourceType: 'Patient',
    active: true,
    name: [{ family: 'Ørsted', given: ['Ada'] }],
  });
});
afterAll(() => harness?.stop());

describe('read (R4 http.html#read)', () => {
  it('gives the resource with ETag of versionId and Last-Modified of lastUpdated', async () => {
    const answer = await client.get(`Patient/${patient.id}`);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual(patient);
    expect(answer.header('etag')).toBe('W/"1"');
    expect(answer.header('content-type')).toBe('application/fhir+json; charset=utf-8');
    const lastModified = Date.parse(answer.header('last-modified') as string);
    expect(lastModified).toBe(Math.floor(Date.parse(patient.meta.lastUpdated) / 1000) * 1000);
  });

  it('404 with an OperationOutcome for an id that never was', async () => {
    const answer = await client.get('Patient/none');
    expect(answer.status).toBe(404);
    expect(answer.json.resourceType).toBe('OperationOutcome');
    expect(answer.issueCodes).toEqual(['not-found']);
  });

  it('404 for the id of a resource of another type', async () => {
    expect((await client.get(`Observation/${patient.id}`)).status).toBe(404);
  });

  it('ids are case sensitive (R4 datatypes.html#id)', async () => {
    await client.put('Patient/CaseOfId', { resourceType: 'Patient', id: 'CaseOfId' });
    expect((await client.get('Patient/caseofid')).status).toBe(404);
    expect((await client.get('Patient/CaseOfId')).status).toBe(200);
  });

  it('404 for a malformed id, 404 for an unknown type', async () => {
    expect((await client.get(`Patient/${'x'.repeat(65)}`)).status).toBe(404);
    expect((await client.get('Patient/a_b')).status).toBe(404);
    expect((await client.get('Nonsense/1')).status).toBe(404);
    expect((await client.get('patient/1')).status).toBe(404);
  });

  it('410 for a deleted resource, with an OperationOutcome', async () => {
    const { id } = await client.create({ resourceType: 'Patient' });
    await client.delete(`Patient/${id}`);
    const answer = await client.get(`Patient/${id}`);
    expect(answer.status).toBe(410);
    expect(answer.issueCodes).toEqual(['deleted']);
  });
});

describe('HEAD (R4 http.html#summary: as GET, without the body)', () => {
  it('has the headers of GET and no body', async () => {
    const [get, head] = [
      await client.get(`Patient/${patient.id}`),
      await client.head(`Patient/${patient.id}`),
    ];
    expect(head.status).toBe(200);
    expect(head.text).toBe('');
    for (const name of ['etag', 'last-modified', 'content-type', 'content-length']) {
      expect(head.header(name), name).toBe(get.header(name));
    }
  });

  it('404 and 410 as GET, without a body', async () => {
    const missing = await client.head('Patient/none');
    expect([missing.status, missing.text]).toEqual([404, '']);
    const { id } = await client.create({ resourceType: 'Patient' });
    await client.delete(`Patient/${id}`);
    expect((await client.head(`Patient/${id}`)).status).toBe(410);
  });

  it('works for searches, history and metadata', async () => {
    for (const path of ['Patient?_count=1', 'metadata', '_history', `Patient/${patient.id}/_history/1`]) {
      const answer = await client.head(path);
      expect([path, answer.status, answer.text]).toEqual([path, 200, '']);
    }
  });
});

describe('vread (R4 http.html#vread)', () => {
  let id: string;
  beforeAll(async () => {
    id = (await client.create({ resourceType: 'Patient', gender: 'male' })).id;
    await client.put(`Patient/${id}`, { resourceType: 'Patient', id, gender: 'female' });
    await client.delete(`Patient/${id}`);
    await client.put(`Patient/${id}`, { resourceType: 'Patient', id, gender: 'other' });
  });

  it('gives each version with its own ETag', async () => {
    for (const [version, gender] of [
      ['1', 'male'],
      ['2', 'female'],
      ['4', 'other'],
    ]) {
      const answer = await client.get(`Patient/${id}/_history/${version}`);
      expect(answer.status).toBe(200);
      expect(answer.json.gender).toBe(gender);
      expect(answer.json.meta.versionId).toBe(version);
      expect(answer.header('etag')).toBe(`W/"${version}"`);
    }
  });

  it('410 for the version that is the deletion', async () => {
    expect((await client.get(`Patient/${id}/_history/3`)).status).toBe(410);
  });

  it('404 for versions that never were', async () => {
    for (const version of ['5', '0', '01', '-1', 'x', '1.0', '99999999999999999999']) {
      expect((await client.get(`Patient/${id}/_history/${version}`)).status).toBe(404);
    }
    expect((await client.get('Patient/none/_history/1')).status).toBe(404);
  });
});

describe('conditional read (R4 http.html#cread)', () => {
  it('If-None-Match: 304 without a body for the current version, 200 for another', async () => {
    const same = await client.get(`Patient/${patient.id}`, { 'If-None-Match': 'W/"1"' });
    expect([same.status, same.text, same.header('etag')]).toEqual([304, '', 'W/"1"']);
    expect((await client.get(`Patient/${patient.id}`, { 'If-None-Match': 'W/"2"' })).status).toBe(200);
    // RFC 9110 13.1.2: a list, *, and weak comparison.
    expect((await client.get(`Patient/${patient.id}`, { 'If-None-Match': 'W/"7", W/"1"' })).status).toBe(304);
    expect((await client.get(`Patient/${patient.id}`, { 'If-None-Match': '"1"' })).status).toBe(304);
    expect((await client.get(`Patient/${patient.id}`, { 'If-None-Match': '*' })).status).toBe(304);
  });

  it('If-Modified-Since: 304 unless it has changed since; broken dates are passed over (RFC 9110 13.1.3)', async () => {
    const modified = (await client.get(`Patient/${patient.id}`)).header('last-modified') as string;
    const earlier = new Date(Date.parse(modified) - 60_000).toUTCString();
    expect((await client.get(`Patient/${patient.id}`, { 'If-Modified-Since': modified })).status).toBe(304);
    expect((await client.get(`Patient/${patient.id}`, { 'If-Modified-Since': earlier })).status).toBe(200);
    expect((await client.get(`Patient/${patient.id}`, { 'If-Modified-Since': 'yesterday' })).status).toBe(
      200,
    );
  });

  it('If-None-Match goes before If-Modified-Since (RFC 9110 13.2.2)', async () => {
    const future = new Date(Date.now() + 60_000).toUTCString();
    const headers = { 'If-None-Match': 'W/"2"', 'If-Modified-Since': future };
    expect((await client.get(`Patient/${patient.id}`, headers)).status).toBe(200);
  });
});

describe('parts of resources on read (R4 search.html#summary, #elements)', () => {
  const isSubsetted = (resource: Json) =>
    resource.meta?.tag?.some((tag: Json) => tag.code === 'SUBSETTED') === true;
  let id: string;
  beforeAll(async () => {
    id = (
      await client.create({
        resourceType: 'Patient',
        text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">Ada</div>' },
        name: [{ family: 'Chalmers' }],
        maritalStatus: { text: 'single' },
        multipleBirthInteger: 2,
      })
    ).id;
  });

  it('_summary=true: summary elements only, SUBSETTED', async () => {
    const { json } = await client.get(`Patient/${id}?_summary=true`);
    expect(json).toMatchObject({ id, name: [{ family: 'Chalmers' }] });
    expect(json.maritalStatus).toBeUndefined();
    expect(json.text).toBeUndefined();
    expect(isSubsetted(json)).toBe(true);
  });

  it('_summary=text: text, id, meta', async () => {
    const { json } = await client.get(`Patient/${id}?_summary=text`);
    expect(Object.keys(json).sort()).toEqual(['id', 'meta', 'resourceType', 'text']);
    expect(isSubsetted(json)).toBe(true);
  });

  it('_summary=data: all but text', async () => {
    const { json } = await client.get(`Patient/${id}?_summary=data`);
    expect(json.text).toBeUndefined();
    expect(json).toMatchObject({ maritalStatus: { text: 'single' }, multipleBirthInteger: 2 });
    expect(isSubsetted(json)).toBe(true);
  });

  it('_summary=false: the whole resource', async () => {
    expect((await client.get(`Patient/${id}?_summary=false`)).text).toBe(
      (await client.get(`Patient/${id}`)).text,
    );
  });

  it('_elements: the named elements and mandatory ones, SUBSETTED; on vread too', async () => {
    for (const path of [`Patient/${id}`, `Patient/${id}/_history/1`]) {
      const { json } = await client.get(`${path}?_elements=name,multipleBirth`);
      expect(Object.keys(json).sort()).toEqual([
        'id',
        'meta',
        'multipleBirthInteger',
        'name',
        'resourceType',
      ]);
      expect(isSubsetted(json)).toBe(true);
    }
  });

  it('a wrong _summary is a 400 that names the parameter', async () => {
    const answer = await client.get(`Patient/${id}?_summary=some`);
    expect(answer.status).toBe(400);
    expect(answer.expressions).toEqual(['http.query._summary']);
  });

  it('what was read in part is not stored in part: SUBSETTED is not kept on the stored version', async () => {
    expect(isSubsetted((await client.get(`Patient/${id}`)).json)).toBe(false);
  });
});
