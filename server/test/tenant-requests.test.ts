import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Answer,
  entry,
  type Harness,
  idsOf,
  type Json,
  linkOf,
  startHarness,
  type TestClient,
} from './harness.ts';

/*
 * Issue 3, section 5: the same ids, identifiers and ifNoneExist in two tenants never meet, in any interaction, parameter
 * type, include, history, paging link, job or error text. `full` has the data; `empty` has none at first.
 */

let harness: Harness;
let full: TestClient;
let empty: TestClient;

const SYSTEM = 'http://example.org/id';
const resources: Json[] = [
  { resourceType: 'Organization', id: 'org', name: 'Clinic', identifier: [{ system: SYSTEM, value: 'org' }] },
  { resourceType: 'Practitioner', id: 'doc', name: [{ family: 'Doctor' }] },
  {
    resourceType: 'Patient',
    id: 'pat',
    meta: {
      tag: [{ system: SYSTEM, code: 'tag' }],
      profile: ['http://example.org/profile'],
      source: 'http://example.org/source',
      security: [{ system: SYSTEM, code: 'R' }],
    },
    language: 'de',
    text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">narrativeword</div>' },
    identifier: [{ system: SYSTEM, value: 'pat', type: { coding: [{ system: SYSTEM, code: 'MR' }] } }],
    name: [{ family: 'Secret', given: ['Very'] }],
    birthDate: '1970-01-01',
    gender: 'female',
    managingOrganization: { reference: 'Organization/org' },
    generalPractitioner: [{ reference: 'Practitioner/doc' }],
  },
  {
    resourceType: 'Encounter',
    id: 'enc',
    status: 'finished',
    class: { code: 'AMB' },
    subject: { reference: 'Patient/pat' },
    period: { start: '2020-01-01' },
  },
  {
    resourceType: 'Observation',
    id: 'obs',
    status: 'final',
    category: [{ coding: [{ system: SYSTEM, code: 'cat' }] }],
    code: { coding: [{ system: SYSTEM, code: 'weight', display: 'Weight' }] },
    subject: { reference: 'Patient/pat' },
    encounter: { reference: 'Encounter/enc' },
    effectiveDateTime: '2020-01-01T10:00:00Z',
    valueQuantity: { value: 70, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' },
  },
  {
    resourceType: 'RiskAssessment',
    id: 'risk',
    status: 'final',
    subject: { reference: 'Patient/pat' },
    prediction: [{ probabilityDecimal: 0.25 }],
  },
  { resourceType: 'ValueSet', id: 'vs', status: 'active', url: 'http://example.org/vs', version: '1' },
  {
    resourceType: 'Location',
    id: 'loc',
    status: 'active',
    name: 'Ward',
    position: { longitude: 10, latitude: 50 },
  },
  {
    resourceType: 'List',
    id: 'list',
    status: 'current',
    mode: 'working',
    entry: [{ item: { reference: 'Patient/pat' } }],
  },
];
const types: string[] = resources.map((resource) => resource.resourceType);

beforeAll(async () => {
  harness = await startHarness({ tenants: ['full', 'empty'] });
  full = harness.client('full');
  empty = harness.client('empty');
  const made = await full.transaction(
    resources.map((resource) => entry('PUT', `${resource.resourceType}/${resource.id}`, resource)),
  );
  expect(made.status, made.text).toBe(200);
});
afterAll(() => harness?.stop());

/** Searches of every parameter type and special kind; each finds something in `full`. */
const SEARCHES: [string, string][] = [
  ['everything', 'Patient'],
  ['system level', '?_type=Patient,Observation'],
  ['_id', 'Patient?_id=pat'],
  ['_lastUpdated', 'Patient?_lastUpdated=gt2000'],
  ['_tag', `Patient?_tag=${SYSTEM}|tag`],
  ['_profile', 'Patient?_profile=http://example.org/profile'],
  ['_security', `Patient?_security=${SYSTEM}|R`],
  ['_source', 'Patient?_source=http://example.org/source'],
  ['_text', 'Patient?_text=narrativeword'],
  ['_content', 'Patient?_content=secret'],
  ['_list', 'Patient?_list=list'],
  ['_filter', 'Patient?_filter=family eq "secret"'],
  ['string', 'Patient?family=secret'],
  ['string :exact', 'Patient?family:exact=Secret'],
  ['string :contains', 'Patient?name:contains=ecre'],
  ['token', `Patient?identifier=${SYSTEM}|pat`],
  ['token, code only', 'Patient?identifier=pat'],
  ['token :text', 'Observation?code:text=weight'],
  ['token :not', 'Patient?gender:not=male'],
  ['token :of-type', `Patient?identifier:of-type=${SYSTEM}|MR|pat`],
  [':missing', 'Patient?birthdate:missing=false'],
  ['date', 'Patient?birthdate=1970-01-01'],
  ['date prefix', 'Observation?date=ge2019'],
  ['number', 'RiskAssessment?probability=0.25'],
  ['number prefix', 'RiskAssessment?probability=gt0.1'],
  ['quantity', 'Observation?value-quantity=70||kg'],
  ['quantity in another unit', 'Observation?value-quantity=70000|http://unitsofmeasure.org|g'],
  ['uri', 'ValueSet?url=http://example.org/vs'],
  ['uri :below', 'ValueSet?url:below=http://example.org'],
  ['reference', 'Observation?subject=Patient/pat'],
  ['reference by id', 'Observation?patient=pat'],
  ['reference :identifier', `Encounter?subject=Patient/pat`],
  ['composite', `Observation?code-value-quantity=${SYSTEM}|weight$gt50`],
  ['near', 'Location?near=50|10|100|km'],
  ['chain', 'Observation?subject.family=secret'],
  ['chain of two', 'Observation?subject:Patient.organization.name=clinic'],
  ['_has', 'Patient?_has:Observation:subject:code=weight'],
  ['_has nested', 'Practitioner?_has:Patient:general-practitioner:_has:Observation:subject:code=weight'],
  ['compartment', 'Patient/pat/Observation'],
  ['compartment, all types', 'Patient/pat/*'],
  ['_include', 'Observation?_include=Observation:subject&_include:iterate=Patient:organization'],
  ['_revinclude', 'Patient?_revinclude=Observation:subject'],
  ['_sort', 'Patient?_sort=-birthdate,family'],
];

describe('searches', () => {
  it.each(SEARCHES)('%s finds in its tenant, and nothing of it in another', async (_, search) => {
    const found = (await full.get(search, { Prefer: 'handling=strict' })).json;
    expect(found.entry?.length ?? 0, JSON.stringify(found).slice(0, 300)).toBeGreaterThan(0);
    const other = await empty.get(search, { Prefer: 'handling=strict' });
    expect(other.json.entry ?? []).toEqual([]);
    const count = (await empty.get(`${search}${search.includes('?') ? '&' : '?'}_summary=count`)).json;
    expect(count.total).toBe(0);
  });

  it('POST _search likewise', async () => {
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expect((await full.post('Patient/_search', 'family=secret', form)).json.total).toBe(1);
    expect((await empty.post('Patient/_search', 'family=secret', form)).json.total).toBe(0);
  });

  it('a URL of the other tenant names no resource here', async () => {
    expect((await full.get(`Observation?subject=${full.base}/Patient/pat`)).json.total).toBe(1);
    expect((await full.get(`Observation?subject=${empty.base}/Patient/pat`)).json.total).toBe(0);
  });

  it('$everything, $lastn, $meta', async () => {
    expect((await full.get('Patient/pat/$everything')).json.entry.length).toBeGreaterThan(3);
    expect((await empty.get('Patient/pat/$everything')).status).toBe(404);
    expect((await full.get(`Observation/$lastn?patient=pat&category=${SYSTEM}|cat`)).json.entry).toHaveLength(
      1,
    );
    expect(
      (await empty.get(`Observation/$lastn?patient=pat&category=${SYSTEM}|cat`)).json.entry ?? [],
    ).toEqual([]);
    expect((await full.get('$meta')).text).toContain('http://example.org/profile');
    expect((await empty.get('$meta')).text).not.toContain('http://example.org/profile');
    expect((await empty.get('Patient/pat/$meta')).status).toBe(404);
  });
});

describe('interactions', () => {
  it('read, vread, history, HEAD: 404; delete and patch change nothing of the other', async () => {
    for (const path of ['Patient/pat', 'Patient/pat/_history/1', 'Patient/pat/_history']) {
      expect([path, (await empty.get(path)).status]).toEqual([path, 404]);
      expect((await empty.head(path)).status).toBe(404);
    }
    for (const path of ['_history', 'Patient/_history'])
      expect((await empty.get(path)).json.entry ?? []).toEqual([]);
    await empty.delete('Patient/pat');
    await empty.delete(`Patient?identifier=${SYSTEM}|pat`);
    expect((await empty.patch('Patient/pat', [{ op: 'remove', path: '/gender' }])).status).toBe(404);
    expect(
      (await empty.patch(`Patient?identifier=${SYSTEM}|pat`, [{ op: 'remove', path: '/gender' }])).status,
    ).toBe(404);
    expect((await full.get('Patient/pat')).json).toMatchObject({
      gender: 'female',
      meta: { versionId: '1' },
    });
  });

  it('references do not reach into it: literal, conditional, absolute', async () => {
    const observation = (reference: string) => ({
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      subject: { reference },
    });
    const literal = await empty.post('Observation', observation('Patient/pat'));
    expect(literal.status).toBe(422);
    expect(
      (
        await empty.transaction([
          entry('POST', 'Observation', observation(`Patient?identifier=${SYSTEM}|pat`)),
        ])
      ).status,
    ).toBe(412);
    // To this tenant the other's URL is one of another server.
    const absolute = await empty.create(observation(`${full.base}/Patient/pat`));
    const included = (await empty.get(`Observation?_id=${absolute.id}&_include=Observation:subject`)).json;
    expect(included.entry).toHaveLength(1);
    expect((await empty.get('Observation?subject.family=secret')).json.total).toBe(0);
    expect(
      (await full.get('Patient?_id=pat&_revinclude=Observation:subject')).json.entry.map(
        (one: Json) => one.resource.id,
      ),
    ).not.toContain(absolute.id);
    await empty.delete(`Observation/${absolute.id}`);
  });

  it('bundle entries cannot name the other tenant', async () => {
    const read = await empty.batch([
      entry('GET', `${full.base}/Patient/pat`),
      entry('GET', '../full/Patient/pat'),
      entry('GET', '/fhir/full/Patient/pat'),
    ]);
    for (const one of read.json.entry) {
      expect(one.resource).toBeUndefined();
      expect(Number.parseInt(one.response.status, 10)).toBeGreaterThanOrEqual(400);
    }
    const write = await empty.transaction([
      entry('PUT', `${full.base}/Patient/pat`, { resourceType: 'Patient', id: 'pat' }),
    ]);
    expect(write.status).toBe(400);
    expect((await full.get('Patient/pat')).json.meta.versionId).toBe('1');
  });

  it('a paging link works in its tenant only: search, history, $everything', async () => {
    for (const path of [
      '?_count=2',
      '?_type=Patient,Observation&_count=1',
      '_history?_count=2',
      'Patient/pat/$everything?_count=2',
    ]) {
      const next = linkOf((await full.get(path)).json, 'next') as string;
      expect([path, (await full.get(next)).status]).toEqual([path, 200]);
      const stolen = await empty.get(next.replace('/fhir/full', '/fhir/empty'));
      expect([path, stolen.status >= 400 && stolen.status < 500]).toEqual([path, true]);
      expect(stolen.text).not.toContain('Secret');
    }
  });

  it('a job of the other tenant is a 404, for asking and for cancelling', async () => {
    const started = await full.get('Patient?family=secret', { Prefer: 'respond-async' });
    expect(started.status).toBe(202);
    const url = started.header('content-location') as string;
    const stolen = url.replace('/fhir/full', '/fhir/empty');
    expect((await empty.get(stolen)).status).toBe(404);
    expect((await empty.delete(stolen)).status).toBe(404);
    let answer: Answer;
    do {
      await sleep(50);
      answer = await full.get(url);
    } while (answer.status === 202);
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('Secret');
    expect((await empty.get(stolen)).status).toBe(404);
  });

  it('a SearchParameter of one tenant is unknown in the other', async () => {
    await full.create({
      resourceType: 'SearchParameter',
      url: 'http://example.org/sp',
      name: 'tongue',
      status: 'active',
      description: 'x',
      code: 'tongue',
      base: ['Person'],
      type: 'token',
      expression: 'Person.language',
    });
    expect((await full.get('Person?tongue=de', { Prefer: 'handling=strict' })).status).toBe(200);
    expect((await empty.get('Person?tongue=de', { Prefer: 'handling=strict' })).status).toBe(400);
    expect((await empty.get('metadata')).text).not.toContain('tongue');
  });

  it('no answer of the other tenant names what is here', async () => {
    const answers = await Promise.all([
      empty.get('Patient/pat'),
      empty.put('Patient/pat', { resourceType: 'Patient', id: 'pat' }, { 'If-Match': 'W/"1"' }),
      empty.post('Patient', {
        resourceType: 'Patient',
        managingOrganization: { reference: 'Organization/org' },
      }),
      empty.get('metadata'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 412, 422, 200]);
    for (const { text } of answers) expect(text).not.toMatch(/Secret|"Clinic"|fhir\/full/);
  });
});

describe('the same ids and identifiers in both', () => {
  beforeAll(async () => {
    // What the tests above have tried must have left nothing behind.
    expect((await empty.get('?_total=accurate')).json.total).toBe(0);
    const own = resources.map((resource) => ({ ...resource, language: 'en' }));
    const made = await empty.transaction(
      own.map((resource) => entry('PUT', `${resource.resourceType}/${resource.id}`, resource)),
    );
    expect(made.status, made.text).toBe(200);
    expect(made.json.entry.map((one: Json) => one.response.status)).toEqual(types.map(() => '201 Created'));
  });

  it.each(SEARCHES)('%s finds as many as in the other, all its own', async (_, search) => {
    const { json } = await empty.get(search);
    for (const one of json.entry) {
      expect(one.fullUrl.startsWith(`${empty.base}/`)).toBe(true);
      expect(one.resource.language).toBe('en');
    }
    // The other has resources of tests above besides.
    const other = idsOf((await full.get(search)).json).filter((id) =>
      resources.some((resource) => resource.id === id),
    );
    expect(new Set(idsOf(json))).toEqual(new Set(other));
  });

  it('conditional create and update find the own one; 20 at once in two tenants make one in each', async () => {
    const found = await empty.post(
      'Patient',
      { resourceType: 'Patient' },
      { 'If-None-Exist': `identifier=${SYSTEM}|pat` },
    );
    expect([found.status, found.json.language]).toEqual([200, 'en']);
    const criteria = `identifier=${SYSTEM}|race`;
    const body = { resourceType: 'Patient', identifier: [{ system: SYSTEM, value: 'race' }] };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        (i % 2 === 0 ? full : empty).post('Patient', body, { 'If-None-Exist': criteria }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(2);
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(2);
  });

  it('deleting in one, or keeping a reference in one, does not matter to the other', async () => {
    await empty.put('Organization/lone', { resourceType: 'Organization', id: 'lone', name: 'x' });
    await full.put('Organization/lone', { resourceType: 'Organization', id: 'lone', name: 'x' });
    await full.put('Patient/holds', {
      resourceType: 'Patient',
      id: 'holds',
      managingOrganization: { reference: 'Organization/lone' },
    });
    expect((await empty.delete('Organization/lone')).status).toBe(204);
    expect((await full.delete('Organization/lone')).status).toBe(409);
    expect((await full.get('Organization/lone')).status).toBe(200);
  });

  it('300 requests of both tenants over the same connections: each sees its own', async () => {
    const paths = [
      'Patient/pat',
      'Patient?family=secret',
      'Patient/pat/_history',
      'Observation?subject.family=secret',
      'Patient/pat/$everything',
    ];
    const checks = Array.from({ length: 300 }, async (_, i) => {
      const [client, other] = i % 2 === 0 ? [full, empty] : [empty, full];
      const write = i % 6 < 2;
      const answer = write
        ? await client.put('Practitioner/busy', {
            resourceType: 'Practitioner',
            id: 'busy',
            language: client === full ? 'de' : 'en',
          })
        : await client.get(paths[i % paths.length] as string);
      expect([200, 201]).toContain(answer.status);
      expect(answer.text).not.toContain(`${other.base}/`);
      expect(answer.text).not.toContain(client === full ? '"language":"en"' : '"language":"de"');
    });
    await Promise.all(checks);
    expect((await full.get('Practitioner/busy')).json.language).toBe('de');
    expect((await empty.get('Practitioner/busy')).json.language).toBe('en');
  });
});
