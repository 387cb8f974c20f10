import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withOwner } from '../src/storage/prepare.ts';
import { configureTenant } from '../src/storage/tenants.ts';
import { type Answer, entry, idsOf, type Json, type TestClient } from './harness.ts';
import { type SmartServer, startSmartServer } from './smart-server.ts';

/*
 * Issue 5, section 4: identifiers such as SSN and national ids are stored encrypted, and are found by equality through a
 * keyed hash. Seen from outside (HTTP), and from inside (every table of the database).
 */

const SSN = 'http://hl7.org/fhir/sid/us-ssn';
const MRN = 'http://hospital.example/mrn';
const TABLE_0203 = 'http://terminology.hl7.org/CodeSystem/v2-0203';
let server: SmartServer;
let api: TestClient;

beforeAll(async () => {
  server = await startSmartServer();
  await owner((client) => configureTenant(client, 'demo', { narrative: 'on' }));
  await new Promise((resolve) => setTimeout(resolve, 1200));
  api = withToken(server.api);
  // The context is made anew after a second; this asks for it.
  await api.get('metadata');
});
afterAll(() => server?.stop());

const owner = <T>(work: Parameters<typeof withOwner<T>>[1]) =>
  withOwner(server.harness.database.ownerUrl, work);

/** The client with the token of {@link SmartServer.admin} in each request. */
function withToken(client: TestClient): TestClient {
  const { admin } = server;
  const own = (headers = {}) => ({ ...admin, ...headers });
  return {
    ...client,
    request: (method, path, body, headers) => client.request(method, path, body, own(headers)),
    get: (path, headers) => client.get(path, own(headers)),
    post: (path, body, headers) => client.post(path, body, own(headers)),
    put: (path, body, headers) => client.put(path, body, own(headers)),
    patch: (path, body, headers) => client.patch(path, body, own(headers)),
    batch: (entries, headers) => client.batch(entries, own(headers)),
    transaction: (entries, headers) => client.transaction(entries, own(headers)),
  };
}

let next = 100;
/** A number that nothing else in the database looks like. */
const newSsn = (): string => {
  next++;
  return `${600 + next}-53-${8000 + next}`;
};
const person = (ssn: string, more: object = {}) => ({
  resourceType: 'Patient',
  identifier: [
    { system: SSN, value: ssn },
    { system: MRN, value: `mrn-${ssn.slice(0, 3)}` },
  ],
  name: [{ family: 'Sealed' }],
  ...more,
});

async function ok(answer: Promise<Answer>): Promise<Json> {
  const { status, text, json } = await answer;
  if (status >= 300) throw new Error(`${status} ${text}`);
  return json;
}

/** Every row of every table, as text. */
async function dump(): Promise<string> {
  return await owner(async (client) => {
    const { rows } = await client.query(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
        where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`,
    );
    const texts: string[] = [];
    for (const { name } of rows) {
      const found = await client.query(`select t::text as row from ${name} t`);
      texts.push(...found.rows.map(({ row }: { row: string }) => `${name} ${row}`));
    }
    return texts.join('\n');
  });
}

/** The forms in which a value must not stand in the database. */
const formsOf = (value: string): string[] => [
  value,
  value.replaceAll('-', ''),
  Buffer.from(value).toString('hex'),
];

async function expectNowhere(values: readonly string[]): Promise<void> {
  const rows = (await dump()).split('\n');
  expect(rows.length).toBeGreaterThan(50);
  for (const value of values.flatMap(formsOf)) expect(rows.filter((row) => row.includes(value))).toEqual([]);
}

const found = async (query: string): Promise<string[]> => idsOf(await ok(api.get(query)));

describe('no value of an encrypted system is stored in clear, and equality finds it', () => {
  test('created, updated, patched, in a batch and a transaction', async () => {
    const ssns = Array.from({ length: 6 }, newSsn) as [string, string, string, string, string, string];
    const [created, updated, patched, batched, transacted, conditional] = ssns;
    const one = await ok(api.post('Patient', person(created, { text: undefined })));
    expect(one.identifier[0].value).toBe(created);
    expect(one.text.div).toContain('Sealed');
    const { id } = one;
    expect(await found(`Patient?identifier=${SSN}|${created}`)).toEqual([id]);
    await ok(api.put(`Patient/${id}`, { ...person(updated), id, text: one.text }));
    expect(await found(`Patient?identifier=${SSN}|${created}`)).toEqual([]);
    const changed = await ok(
      api.patch(`Patient/${id}`, [
        { op: 'test', path: '/identifier/0/value', value: updated },
        { op: 'replace', path: '/identifier/0/value', value: patched },
      ]),
    );
    expect(changed.identifier[0].value).toBe(patched);
    await ok(api.batch([entry('POST', 'Patient', person(batched))]));
    await ok(
      api.transaction([
        entry('PUT', 'Patient/in-transaction', { ...person(transacted), id: 'in-transaction' }),
      ]),
    );
    for (let i = 0; i < 2; i++)
      await ok(
        api.post('Patient', person(conditional), { 'If-None-Exist': `identifier=${SSN}|${conditional}` }),
      );
    for (const value of [patched, batched, transacted, conditional]) {
      expect(await found(`Patient?identifier=${SSN}|${value}`)).toHaveLength(1);
      expect(await found(`Patient?identifier=${value}`)).toHaveLength(1);
    }
    expect(await found(`Patient?identifier=${SSN}|${patched},${SSN}|${batched}`)).toHaveLength(2);
    // All versions are read as they were written (R4 http.html#vread, #history).
    const history = await ok(api.get(`Patient/${id}/_history`));
    const values = history.entry.map(({ resource }: Json) => resource.identifier[0].value);
    expect(values).toEqual([patched, updated, created]);
    expect((await ok(api.get(`Patient/${id}/_history/1`))).identifier[0].value).toBe(created);
    const byMrn = `Patient?identifier=${MRN}|mrn-${batched.slice(0, 3)}`;
    const changedByCriteria = await ok(api.put(byMrn, { ...person(batched), birthDate: '1970-01-01' }));
    expect(changedByCriteria.meta.versionId).toBe('2');
    await expectNowhere(ssns);
  });

  test('contained, in a stored Bundle, in answers of a form, quoted in texts, in extensions and codings', async () => {
    const ssns = Array.from({ length: 8 }, newSsn) as string[];
    const [contained, bundled, answered, typed, quoted, extended, coded, referred] = ssns as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    await ok(
      api.post('Observation', {
        resourceType: 'Observation',
        status: 'final',
        code: { text: 'x' },
        contained: [{ ...person(contained), id: 'p' }],
        subject: { reference: '#p' },
      }),
    );
    const bundle = await ok(
      api.post('Bundle', {
        resourceType: 'Bundle',
        type: 'collection',
        entry: [{ fullUrl: 'urn:uuid:5f0ad3bf-0c7a-4b0c-9d6c-6b7f3b2d4f10', resource: person(bundled) }],
      }),
    );
    const form = await ok(
      api.post('QuestionnaireResponse', {
        resourceType: 'QuestionnaireResponse',
        status: 'completed',
        item: [
          { linkId: '1', answer: [{ valueReference: { identifier: { system: SSN, value: answered } } }] },
          { linkId: '2', answer: [{ valueString: typed }] },
          { linkId: '3', answer: [{ valueCoding: { system: SSN, code: coded } }] },
        ],
      }),
    );
    await ok(
      api.post(
        'Patient',
        person(quoted, {
          name: [{ family: `Née ${quoted.replaceAll('-', ' ')}`, text: `ID ${quoted}` }],
          text: { status: 'additional', div: `<div xmlns="http://www.w3.org/1999/xhtml">${quoted}</div>` },
          meta: { tag: [{ system: 'http://e.org', code: 'x', display: `of ${quoted}` }] },
        }),
      ),
    );
    await ok(
      api.post('Basic', {
        resourceType: 'Basic',
        code: { text: 'x' },
        extension: [{ url: 'http://e.org/id', valueIdentifier: { system: SSN, value: extended } }],
        subject: { identifier: { system: SSN, value: referred }, display: `Somebody ${referred}` },
      }),
    );
    expect((await ok(api.get(`Bundle/${bundle.id}`))).entry[0].resource.identifier[0].value).toBe(bundled);
    const answers = (await ok(api.get(`QuestionnaireResponse/${form.id}`))).item.map(
      (item: Json) => item.answer[0],
    );
    expect(answers[0].valueReference.identifier.value).toBe(answered);
    expect(answers[1].valueString).toBe(typed);
    expect(answers[2].valueCoding.code).toBe(coded);
    expect(await found(`Basic?subject:identifier=${SSN}|${referred}`)).toHaveLength(1);
    expect(await found(`Patient?identifier=${SSN}|${quoted}`)).toHaveLength(1);
    await expectNowhere(ssns);
  });

  test('national ids by their type (v2 table 0203), which a search by their system finds', async () => {
    const value = 'QQ713804C';
    const identifier = [
      {
        type: { coding: [{ system: TABLE_0203, code: 'NI' }] },
        system: 'https://fhir.nhs.example/nino',
        value,
      },
    ];
    await ok(api.post('Patient', { resourceType: 'Patient', identifier }));
    expect(await found(`Patient?identifier=https://fhir.nhs.example/nino|${value}`)).toHaveLength(1);
    expect(await found(`Patient?identifier:of-type=${TABLE_0203}|NI|${value}`)).toHaveLength(1);
    await expectNowhere([value]);
  });

  test('searches that fail or find nothing, _filter, POST, asynchronous requests and their results leave no trace', async () => {
    const [missing, filtered, posted, later, several] = Array.from({ length: 5 }, newSsn) as [
      string,
      string,
      string,
      string,
      string,
    ];
    expect(await found(`Patient?identifier=${SSN}|${missing}`)).toEqual([]);
    expect(await found(`Patient?identifier=${missing}`)).toEqual([]);
    await ok(api.get(`Patient?_filter=identifier eq "${SSN}|${filtered}"`));
    await ok(
      api.post('Patient/_search', `identifier=${encodeURIComponent(`${SSN}|${posted}`)}`, {
        'Content-Type': 'application/x-www-form-urlencoded',
      }),
    );
    const async = { Prefer: 'respond-async' };
    const writing = await api.batch([entry('POST', 'Patient', person(later))], async);
    expect(writing.status).toBe(202);
    expect(JSON.stringify(await done(writing))).toContain('201');
    const reading = await api.get(`Patient?identifier=${SSN}|${later}`, async);
    expect(JSON.stringify(await done(reading))).toContain(later);
    for (let i = 0; i < 2; i++) await ok(api.post('Patient', person(several)));
    const refused = await api.put(`Patient?identifier=${SSN}|${several}`, person(several));
    expect(refused.status).toBe(412);
    await expectNowhere([missing, filtered, posted, later, several]);
  });

  async function done(started: Answer): Promise<Json> {
    const location = started.header('Content-Location') as string;
    for (;;) {
      const answer = await api.get(location);
      if (answer.status !== 202) return answer.json;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
});

test('each way of reading gives the value: include, chain, _has, $everything, batch, XML, _elements', async () => {
  const ssn = newSsn();
  const { id } = await ok(api.post('Patient', person(ssn)));
  const subject = { reference: `Patient/${id}` };
  const observation = await ok(
    api.post('Observation', { resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject }),
  );
  const texts = [
    await ok(api.get(`Observation?_id=${observation.id}&_include=Observation:subject`)),
    await ok(api.get(`Patient/${id}/$everything`)),
    await ok(api.batch([entry('GET', `Patient/${id}`)])),
    await ok(api.get(`Patient?_id=${id}&_elements=identifier`)),
    await ok(api.get(`Patient?_id=${id}&_revinclude=Observation:subject`)),
  ].map((json) => JSON.stringify(json));
  for (const text of texts) {
    expect(text).toContain(ssn);
    expect(text).not.toContain('vesta:sealed');
  }
  expect((await api.get(`Patient/${id}`, { Accept: 'application/fhir+xml' })).text).toContain(ssn);
  expect(await found(`Observation?patient.identifier=${SSN}|${ssn}`)).toEqual([observation.id]);
  expect(
    await found(`Patient?_has:Observation:subject:_id=${observation.id}&identifier=${SSN}|${ssn}`),
  ).toEqual([id]);
  const checked = await ok(api.post('Patient/$validate', person(newSsn())));
  expect(JSON.stringify(checked)).not.toContain('"error"');
});
