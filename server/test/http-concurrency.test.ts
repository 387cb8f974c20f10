import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, entry, type Harness, type Json, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let client: TestClient;
/** The same tenant by another server process. */
let other: TestClient;
let next = 0;

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
  other = (await harness.startAnother()).client();
});
afterAll(() => harness?.stop());

const fresh = () => `c${next++}`;
const patient = (value: string, more: object = {}) => ({
  resourceType: 'Patient',
  identifier: [{ system: 'http://example.org', value }],
  ...more,
});
const criteria = (value: string) => `identifier=http://example.org|${value}`;
const times = <T>(count: number, make: (index: number, by: TestClient) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index, index % 2 === 0 ? client : other)));
const statusCounts = (answers: readonly Answer[]): Record<number, number> => {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};
const matches = async (value: string): Promise<Json[]> =>
  ((await client.get(`Patient?${criteria(value)}`)).json.entry ?? []).map((one: Json) => one.resource);
/** Version numbers of an instance's history, oldest first. */
const versionsOf = async (type: string, id: string): Promise<number[]> => {
  const { entries } = await client.pages(`${type}/${id}/_history?_count=500`);
  return entries.map((one) => Number(one.response.etag.replace(/\D/g, ''))).reverse();
};
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe('equal conditions at once never make two resources (issue 3, section 2; R4 http.html#ccreate, #cond-update)', () => {
  it('20 conditional creates by two processes: one 201, the others find it', async () => {
    const value = fresh();
    const answers = await times(20, (_, by) =>
      by.post('Patient', patient(value), { 'If-None-Exist': criteria(value) }),
    );
    expect(statusCounts(answers)).toEqual({ 201: 1, 200: 19 });
    expect(new Set(answers.map((answer) => answer.json.id)).size).toBe(1);
    expect(await matches(value)).toHaveLength(1);
  });

  it('20 conditional creates whose criteria are written differently', async () => {
    const value = fresh();
    const forms = [
      `identifier=http://example.org|${value}&active=true`,
      `active=true&identifier=http://example.org|${value}`,
      `identifier=${encodeURIComponent(`http://example.org|${value}`)}&active=true`,
      `Patient?active=true&identifier=http://example.org|${value}`,
    ];
    const answers = await times(20, (i, by) =>
      by.post('Patient', patient(value, { active: true }), {
        'If-None-Exist': forms[i % forms.length] as string,
      }),
    );
    expect(statusCounts(answers)).toEqual({ 201: 1, 200: 19 });
  });

  it('20 conditional updates: one resource with versions 1 to 20', async () => {
    const value = fresh();
    const answers = await times(20, (_, by) => by.put(`Patient?${criteria(value)}`, patient(value)));
    expect(statusCounts(answers)).toEqual({ 201: 1, 200: 19 });
    const found = await matches(value);
    expect(found).toHaveLength(1);
    expect(await versionsOf('Patient', found[0].id)).toEqual(upTo(20));
  });

  it('conditional creates and updates mixed, single and in bundles', async () => {
    const value = fresh();
    const answers = await times(24, (i, by) => {
      if (i % 4 === 0) return by.post('Patient', patient(value), { 'If-None-Exist': criteria(value) });
      if (i % 4 === 1) return by.put(`Patient?${criteria(value)}`, patient(value));
      if (i % 4 === 2)
        return by.transaction([entry('POST', 'Patient', patient(value), { ifNoneExist: criteria(value) })]);
      return by.batch([entry('PUT', `Patient?${criteria(value)}`, patient(value))]);
    });
    for (const answer of answers) expect([200, 201]).toContain(answer.status);
    expect(await matches(value)).toHaveLength(1);
  });

  it('transactions with the same ifNoneExist: their references meet in one resource', async () => {
    const value = fresh();
    const fullUrl = 'urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a';
    const answers = await times(12, (_, by) =>
      by.transaction(
        [
          entry('POST', 'Patient', patient(value), { fullUrl, ifNoneExist: criteria(value) }),
          entry('POST', 'Observation', {
            resourceType: 'Observation',
            status: 'final',
            code: { text: 'x' },
            subject: { reference: fullUrl },
          }),
        ],
        { Prefer: 'return=representation' },
      ),
    );
    expect(statusCounts(answers)).toEqual({ 200: 12 });
    expect(new Set(answers.map((answer) => answer.json.entry[1].resource.subject.reference)).size).toBe(1);
    expect(await matches(value)).toHaveLength(1);
  });
});

describe('many writers of one resource (R4 http.html#concurrency)', () => {
  it('50 updates without If-Match: all succeed, versions have no gap', async () => {
    const { id } = await client.create(patient(fresh()));
    const answers = await times(50, (i, by) =>
      by.put(`Patient/${id}`, { resourceType: 'Patient', id, multipleBirthInteger: i }),
    );
    expect(statusCounts(answers)).toEqual({ 200: 50 });
    const versions = answers.map((answer) => Number(answer.json.meta.versionId)).sort((a, b) => a - b);
    expect(versions).toEqual(upTo(51).slice(1));
    expect(await versionsOf('Patient', id)).toEqual(upTo(51));
    for (const answer of answers) {
      const stored = await client.get(`Patient/${id}/_history/${answer.json.meta.versionId}`);
      expect(stored.json).toEqual(answer.json);
    }
  });

  it('lastUpdated grows with every version', async () => {
    const { id } = await client.create(patient(fresh()));
    await times(20, (_, by) => by.put(`Patient/${id}`, { resourceType: 'Patient', id }));
    const { entries } = await client.pages(`Patient/${id}/_history?_count=100`);
    const instants = entries.map((one) => one.resource.meta.lastUpdated);
    expect(instants).toEqual([...new Set(instants)].sort().reverse());
  });

  it('50 updates with the same If-Match: one succeeds, 49 get 412', async () => {
    const { id } = await client.create(patient(fresh()));
    const answers = await times(50, (i, by) =>
      by.put(
        `Patient/${id}`,
        { resourceType: 'Patient', id, multipleBirthInteger: i },
        { 'If-Match': 'W/"1"' },
      ),
    );
    expect(statusCounts(answers)).toEqual({ 200: 1, 412: 49 });
    const winner = answers.find((answer) => answer.status === 200) as Answer;
    expect((await client.get(`Patient/${id}`)).json).toEqual(winner.json);
    expect(await versionsOf('Patient', id)).toEqual([1, 2]);
  });

  it('read, change and write with If-Match loses no change', async () => {
    const { id } = await client.create(patient(fresh(), { multipleBirthInteger: 0 }));
    const [writers, each] = [5, 6];
    await times(writers, async (_, by) => {
      for (let done = 0; done < each; ) {
        const { json } = await by.get(`Patient/${id}`);
        const changed = { ...json, multipleBirthInteger: json.multipleBirthInteger + 1 };
        const answer = await by.put(`Patient/${id}`, changed, { 'If-Match': `W/"${json.meta.versionId}"` });
        if (answer.status === 200) done++;
        else expect(answer.status).toBe(412);
      }
    });
    const { json } = await client.get(`Patient/${id}`);
    expect([json.multipleBirthInteger, json.meta.versionId]).toEqual([
      writers * each,
      String(writers * each + 1),
    ]);
  });

  it('30 patches at once lose no change', async () => {
    const { id } = await client.create(patient(fresh(), { name: [{ text: 'first' }] }));
    const answers = await times(30, (i, by) =>
      by.patch(`Patient/${id}`, [{ op: 'add', path: '/name/-', value: { text: `n${i}` } }]),
    );
    expect(statusCounts(answers)).toEqual({ 200: 30 });
    const { json } = await client.get(`Patient/${id}`);
    expect(new Set(json.name.map((name: Json) => name.text)).size).toBe(31);
  });

  it('20 updates as create of one new id: one 201, versions 1 to 20', async () => {
    const id = fresh();
    const answers = await times(20, (_, by) => by.put(`Patient/${id}`, { resourceType: 'Patient', id }));
    expect(statusCounts(answers)).toEqual({ 201: 1, 200: 19 });
    expect(await versionsOf('Patient', id)).toEqual(upTo(20));
  });

  it('updates, patches and deletes mixed: every version is in the history, once', async () => {
    const { id } = await client.create(patient(fresh()));
    const answers = await times(30, (i, by) => {
      if (i % 3 === 0) return by.delete(`Patient/${id}`);
      if (i % 3 === 1) return by.patch(`Patient/${id}`, [{ op: 'add', path: '/active', value: true }]);
      return by.put(`Patient/${id}`, { resourceType: 'Patient', id });
    });
    for (const answer of answers) expect([200, 201, 204, 410]).toContain(answer.status);
    const versions = await versionsOf('Patient', id);
    expect(versions).toEqual(upTo(versions.length));
  });

  it('a reader never sees less than what a writer was told before', async () => {
    const { id } = await client.create(patient(fresh()));
    let acknowledged = 1;
    let writing = true;
    const reader = async (by: TestClient) => {
      while (writing) {
        const least = acknowledged;
        const { json } = await by.get(`Patient/${id}`);
        expect(Number(json.meta.versionId)).toBeGreaterThanOrEqual(least);
      }
    };
    const readers = [reader(client), reader(other)];
    for (let i = 0; i < 40; i++) {
      const { json } = await client.put(`Patient/${id}`, {
        resourceType: 'Patient',
        id,
        multipleBirthInteger: i,
      });
      acknowledged = Number(json.meta.versionId);
    }
    writing = false;
    await Promise.all(readers);
  });
});

describe('transactions in opposite orders do not deadlock, or do not show it (issue 3, section 2)', () => {
  it('updates of the same resources', async () => {
    const ids = await Promise.all(
      Array.from({ length: 6 }, async () => (await client.create(patient(fresh()))).id),
    );
    const put = (id: string) => entry('PUT', `Patient/${id}`, { resourceType: 'Patient', id });
    const answers = await times(20, (i, by) =>
      by.transaction((i % 2 === 0 ? ids : [...ids].reverse()).map(put)),
    );
    expect(statusCounts(answers)).toEqual({ 200: 20 });
    for (const id of ids) expect(await versionsOf('Patient', id)).toEqual(upTo(21));
  });

  it('new ids, conditional updates and creates', async () => {
    const values = Array.from({ length: 5 }, fresh);
    const ids = Array.from({ length: 5 }, fresh);
    const entries = [
      ...ids.map((id) => entry('PUT', `Patient/${id}`, { resourceType: 'Patient', id })),
      ...values.map((value, i) =>
        i % 2 === 0
          ? entry('PUT', `Patient?${criteria(value)}`, patient(value))
          : entry('POST', 'Patient', patient(value), { ifNoneExist: criteria(value) }),
      ),
    ];
    const answers = await times(16, (i, by) =>
      by.transaction(i % 2 === 0 ? entries : [...entries].reverse()),
    );
    expect(statusCounts(answers)).toEqual({ 200: 16 });
    for (const value of values) expect(await matches(value)).toHaveLength(1);
    for (const id of ids) expect(await versionsOf('Patient', id)).toEqual(upTo(16));
  });

  it('resources that refer to each other, by transactions and single writes', async () => {
    const [a, b] = [(await client.create(patient(fresh()))).id, (await client.create(patient(fresh()))).id];
    const linked = (id: string, to: string) => ({
      resourceType: 'Patient',
      id,
      link: [{ other: { reference: `Patient/${to}` }, type: 'seealso' }],
    });
    const answers = await times(24, (i, by) => {
      if (i % 3 === 0) return by.put(`Patient/${a}`, linked(a, b));
      if (i % 3 === 1) return by.put(`Patient/${b}`, linked(b, a));
      const both = [entry('PUT', `Patient/${a}`, linked(a, b)), entry('PUT', `Patient/${b}`, linked(b, a))];
      return by.transaction(i % 2 === 0 ? both : both.reverse());
    });
    expect(statusCounts(answers)).toEqual({ 200: 24 });
  });

  it('deletions and creations of the same, in both orders', async () => {
    const ids = Array.from({ length: 4 }, fresh);
    const put = ids.map((id) => entry('PUT', `Patient/${id}`, { resourceType: 'Patient', id }));
    const remove = ids.map((id) => entry('DELETE', `Patient/${id}`));
    const answers = await times(16, (i, by) =>
      by.transaction([put, remove, [...put].reverse(), [...remove].reverse()][i % 4] as object[]),
    );
    expect(statusCounts(answers)).toEqual({ 200: 16 });
    for (const id of ids) {
      const versions = await versionsOf('Patient', id);
      expect(versions).toEqual(upTo(versions.length));
    }
  });
});

describe('mixed load', () => {
  it('single writes that share a commit fail one by one: the wrong ones only', async () => {
    const target = (await client.create(patient(fresh()))).id;
    const observation = (reference: string) => ({
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      subject: { reference },
    });
    const answers = await times(40, (i, by) => {
      if (i % 4 === 0) return by.post('Observation', observation('Patient/none'));
      if (i % 4 === 1) return by.post('Patient', { resourceType: 'Patient', gender: 'x' });
      if (i % 4 === 2)
        return by.put(
          `Patient/${target}`,
          { resourceType: 'Patient', id: target },
          { 'If-Match': 'W/"999"' },
        );
      return by.post('Observation', observation(`Patient/${target}`));
    });
    expect(answers.map(({ status }) => status)).toEqual(answers.map((_, i) => [422, 422, 412, 201][i % 4]));
    for (const answer of answers.filter(({ status }) => status === 201)) {
      expect((await client.get(`Observation/${answer.json.id}`)).json).toEqual(answer.json);
    }
  });
});
