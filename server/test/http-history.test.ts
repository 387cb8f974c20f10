import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entry, type Harness, type Json, linkOf, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let client: TestClient;
/** A patient with versions POST 1, PUT 2, PATCH 3, DELETE 4, PUT 5, and when each was made. */
let id: string;
const times: string[] = [];

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
  const note = async (resource: Json) => {
    times.push(resource.meta.lastUpdated);
    await sleep(15);
  };
  const created = await client.create({ resourceType: 'Patient', gender: 'male' });
  id = created.id;
  await note(created);
  await note((await client.put(`Patient/${id}`, { resourceType: 'Patient', id, gender: 'female' })).json);
  await note(
    (await client.patch(`Patient/${id}`, [{ op: 'replace', path: '/gender', value: 'other' }])).json,
  );
  await client.delete(`Patient/${id}`);
  const deletion = (await client.get(`Patient/${id}/_history?_count=1`)).json.entry[0];
  await note({ meta: { lastUpdated: deletion.response.lastModified } });
  await note((await client.put(`Patient/${id}`, { resourceType: 'Patient', id, gender: 'unknown' })).json);
  await client.create({ resourceType: 'Patient', name: [{ family: 'Other' }] });
  await client.create({ resourceType: 'Practitioner' });
});
afterAll(() => harness?.stop());

const versions = (bundle: Json): string[] =>
  (bundle.entry ?? []).map((one: Json) => one.response.etag.replace(/\D/g, ''));

describe('history of an instance (R4 http.html#history)', () => {
  it('all versions, newest first, each with request and response', async () => {
    const { status, json } = await client.get(`Patient/${id}/_history`);
    expect(status).toBe(200);
    expect(json).toMatchObject({ resourceType: 'Bundle', type: 'history', total: 5 });
    expect(versions(json)).toEqual(['5', '4', '3', '2', '1']);
    expect(json.entry.map((one: Json) => one.request.method)).toEqual([
      'PUT',
      'DELETE',
      'PATCH',
      'PUT',
      'POST',
    ]);
    expect(json.entry.map((one: Json) => one.resource?.gender)).toEqual([
      'unknown',
      undefined,
      'other',
      'female',
      'male',
    ]);
    expect(json.entry[0].request.url).toBe(`Patient/${id}`);
    expect(json.entry[4].request.url).toBe('Patient');
    for (const one of json.entry) expect(one.fullUrl).toBe(`${client.base}/Patient/${id}`);
    expect(json.entry[4].response.status).toMatch(/^201/);
    expect(json.entry.map((one: Json) => one.response.lastModified)).toEqual([...times].reverse());
  });

  it('a deletion has no resource', async () => {
    const { json } = await client.get(`Patient/${id}/_history`);
    expect('resource' in json.entry[1]).toBe(false);
    expect(json.entry[1].response.status).toMatch(/^204/);
  });

  it('what is deleted has a history, what never was has none: 404', async () => {
    const gone = await client.create({ resourceType: 'Basic', code: { text: 'x' } });
    await client.delete(`Basic/${gone.id}`);
    expect((await client.get(`Basic/${gone.id}/_history`)).json.entry).toHaveLength(2);
    expect((await client.get('Basic/none/_history')).status).toBe(404);
    expect((await client.get(`Observation/${id}/_history`)).status).toBe(404);
  });

  it('_since: versions made at or after the instant', async () => {
    expect(versions((await client.get(`Patient/${id}/_history?_since=${times[2]}`)).json)).toEqual([
      '5',
      '4',
      '3',
    ]);
    const future = new Date(Date.now() + 60_000).toISOString();
    const none = await client.get(`Patient/${id}/_history?_since=${future}`);
    expect([none.status, versions(none.json)]).toEqual([200, []]);
  });

  it('_since with an offset: + in URLs is often left unescaped', async () => {
    const local = (times[2] as string).replace('Z', '+00:00');
    expect(
      versions((await client.get(`Patient/${id}/_history?_since=${encodeURIComponent(local)}`)).json),
    ).toEqual(['5', '4', '3']);
  });

  it('_at: versions that were current at some time in the period', async () => {
    expect(versions((await client.get(`Patient/${id}/_history?_at=${times[1]}`)).json)).toEqual(['2']);
    const year = (times[0] as string).slice(0, 4);
    expect(versions((await client.get(`Patient/${id}/_history?_at=${year}`)).json)).toEqual([
      '5',
      '4',
      '3',
      '2',
      '1',
    ]);
    expect(versions((await client.get(`Patient/${id}/_history?_at=1999`)).json)).toEqual([]);
  });

  it('_count pages to the end, no version twice and none left out', async () => {
    const { entries, pages } = await client.pages(`Patient/${id}/_history?_count=2`);
    expect(entries.map((one) => one.response.etag)).toEqual(['W/"5"', 'W/"4"', 'W/"3"', 'W/"2"', 'W/"1"']);
    expect(pages).toHaveLength(3);
    expect(linkOf(pages[0], 'self')).toContain('_count=2');
    expect(linkOf(pages[2], 'next')).toBeUndefined();
  });

  it('_summary and _elements count for its resources', async () => {
    const { json } = await client.get(`Patient/${id}/_history?_elements=gender`);
    expect(json.entry[0].resource.meta.tag[0].code).toBe('SUBSETTED');
  });

  it('wrong parameters are a 400 that names them', async () => {
    for (const [query, expression] of [
      ['_since=yesterday', 'http.query._since'],
      ['_at=x', 'http.query._at'],
      ['_count=many', 'http.query._count'],
      ['_cursor=x', 'http.query._cursor'],
    ]) {
      const answer = await client.get(`Patient/${id}/_history?${query}`);
      expect([query, answer.status]).toEqual([query, 400]);
      expect(answer.expressions).toEqual([expression]);
    }
  });

  it('history is read only: other methods are 405', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      expect(
        (await client.request(method, `Patient/${id}/_history`, method === 'DELETE' ? undefined : {})).status,
      ).toBe(405);
      expect(
        (await client.request(method, `Patient/${id}/_history/1`, method === 'DELETE' ? undefined : {}))
          .status,
      ).toBe(405);
    }
  });
});

describe('history of a type and of everything', () => {
  it('a type: its versions only, deletions too', async () => {
    const { json } = await client.get('Patient/_history');
    expect(json.entry.length).toBeGreaterThanOrEqual(6);
    for (const one of json.entry) expect(one.fullUrl).toContain('/Patient/');
    expect(json.entry.some((one: Json) => one.request.method === 'DELETE')).toBe(true);
  });

  it('everything: newest first, several types', async () => {
    const { json } = await client.get('_history?_count=100');
    const types = new Set(json.entry.map((one: Json) => one.fullUrl.split('/').at(-2)));
    expect(types.has('Practitioner') && types.has('Patient')).toBe(true);
    const modified = json.entry.map((one: Json) => one.response.lastModified);
    expect(modified).toEqual([...modified].sort().reverse());
  });

  it('_since and _list', async () => {
    const since = await client.get(`Patient/_history?_since=${times[4]}`);
    expect(
      since.json.entry.map((one: Json) => one.fullUrl).filter((url: string) => url.endsWith(id)),
    ).toHaveLength(1);
    const list = await client.create({
      resourceType: 'List',
      status: 'current',
      mode: 'working',
      entry: [{ item: { reference: `Patient/${id}` } }],
    });
    const { json } = await client.get(`Patient/_history?_list=${list.id}`);
    expect(new Set(json.entry.map((one: Json) => one.fullUrl))).toEqual(
      new Set([`${client.base}/Patient/${id}`]),
    );
  });

  it('pages of a transaction whose versions share one instant lose none', async () => {
    const tenant = await harness.addTenant('burst');
    const made = await tenant.transaction(
      Array.from({ length: 25 }, () => entry('POST', 'Patient', { resourceType: 'Patient' })),
    );
    const locations = made.json.entry.map((one: Json) =>
      one.response.location.split('/_history')[0].split('/').at(-1),
    );
    for (const path of ['Patient/_history?_count=4', '_history?_count=7']) {
      const { entries } = await tenant.pages(path);
      expect(entries).toHaveLength(25);
      expect(new Set(entries.map((one) => one.resource.id))).toEqual(new Set(locations));
    }
  });

  it('writes that come between pages repeat and lose nothing that was there', async () => {
    const tenant = await harness.addTenant('moving');
    const ids: string[] = [];
    for (let i = 0; i < 9; i++) ids.push((await tenant.create({ resourceType: 'Patient' })).id);
    const seen: string[] = [];
    for (let url: string | undefined = 'Patient/_history?_count=2'; url !== undefined; ) {
      const { json }: { json: Json } = await tenant.get(url);
      seen.push(...json.entry.map((one: Json) => `${one.resource.id}/${one.resource.meta.versionId}`));
      // The oldest ones change while the client is still on its way to them.
      await tenant.put(`Patient/${ids[0]}`, { resourceType: 'Patient', id: ids[0] });
      url = linkOf(json, 'next');
    }
    expect([...seen].sort()).toEqual(ids.map((one) => `${one}/1`).sort());
  });

  it('a cursor of another history, or one that was changed, is a 400', async () => {
    const { json } = await client.get('Patient/_history?_count=1');
    const next = linkOf(json, 'next') as string;
    expect((await client.get(next.replace('/Patient/_history', '/_history'))).status).toBe(400);
    expect((await client.get(next.replace('_count=1', '_count=2'))).status).toBe(400);
    const cursor = /_cursor=([^&]+)/.exec(next)?.[1] as string;
    const changed = (cursor[5] === 'A' ? 'B' : 'A') + cursor.slice(1);
    expect((await client.get(next.replace(cursor, cursor.slice(0, 5) + changed))).status).toBe(400);
  });
});
