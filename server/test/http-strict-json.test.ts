import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, type Json, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let client: TestClient;

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
});
afterAll(() => harness?.stop());

const refused = async (body: string | object, type = 'Patient') => {
  const answer = await client.post(type, body);
  expect([400, 422], answer.text.slice(0, 300)).toContain(answer.status);
  expect(answer.json.resourceType).toBe('OperationOutcome');
  for (const issue of answer.json.issue) expect(issue.severity).toMatch(/^(error|fatal)$/);
  return answer;
};

describe('JSON is read strictly (R4 json.html, RFC 8259)', () => {
  it.each([
    ['a name twice', '{"resourceType":"Patient","gender":"male","gender":"female"}', 'gender'],
    [
      'a name twice below',
      '{"resourceType":"Patient","name":[{"family":"a","family":"b"}]}',
      'name[0].family',
    ],
    [
      'a name twice, once escaped',
      '{"resourceType":"Patient","gender":"male","gend\\u0065r":"female"}',
      'gender',
    ],
  ])('%s', async (_, body, path) => {
    const answer = await refused(body);
    expect(answer.status).toBe(400);
    expect(answer.expressions.join()).toContain(path);
  });

  it.each([
    ['nothing', ''],
    ['text after the end', '{"resourceType":"Patient"} x'],
    ['a comma at the end', '{"resourceType":"Patient",}'],
    ['single quotes', "{'resourceType':'Patient'}"],
    ['a comment', '{"resourceType":"Patient" /* x */}'],
    ['NaN', '{"resourceType":"Patient","multipleBirthInteger":NaN}'],
    ['a leading zero', '{"resourceType":"Patient","multipleBirthInteger":01}'],
    ['a plus sign', '{"resourceType":"Patient","multipleBirthInteger":+1}'],
    ['half a number', '{"resourceType":"Patient","multipleBirthInteger":1.}'],
    ['a control character', '{"resourceType":"Patient","language":"a\u0001"}'],
    ['half a surrogate', '{"resourceType":"Patient","language":"\\ud800"}'],
    ['a broken escape', '{"resourceType":"Patient","language":"\\x41"}'],
    ['an end too soon', '{"resourceType":"Patient","name":[{"family":"a"'],
    ['no object', '"Patient"'],
    ['null', 'null'],
  ])('%s', async (_, body) => {
    expect((await refused(body)).status).toBe(400);
  });

  it('U+0000 is refused in every primitive: no string may hold it (R4 datatypes.html#string)', async () => {
    for (const [type, more] of [
      ['Patient', '"name":[{"family":"a\\u0000b"}]'],
      ['Patient', '"identifier":[{"system":"http://x\\u0000y","value":"x"}]'],
      ['Patient', '"implicitRules":"http://x\\u0000y"'],
      ['Patient', '"maritalStatus":{"coding":[{"code":"a\\u0000b"}]}'],
      ['ValueSet', '"status":"draft","url":"http://x\\u0000y"'],
      ['ValueSet', '"status":"draft","compose":{"include":[{"valueSet":["http://x\\u0000y"]}]}'],
      ['Binary', '"contentType":"text/plain\\u0000"'],
    ]) {
      const answer = await client.post(type as string, `{"resourceType":"${type}",${more}}`);
      expect([more, [400, 422].includes(answer.status)]).toEqual([more, true]);
    }
    const patch = await client.patch(
      `Patient/${(await client.create({ resourceType: 'Patient' })).id}`,
      '[{"op":"add","path":"/language","value":"a\\u0000"}]',
      {
        'Content-Type': 'application/json-patch+json',
      },
    );
    expect([400, 422]).toContain(patch.status);
  });
});

describe('structure is checked against the definitions (R4 json.html, conformance-rules.html)', () => {
  it.each([
    ['an unknown property', { colour: 'red' }, 'Patient.colour'],
    ['an unknown property below', { name: [{ surname: 'x' }] }, 'Patient.name[0].surname'],
    ['null', { gender: null }, 'Patient.gender'],
    ['an empty string', { language: '' }, 'Patient.language'],
    ['an empty array', { name: [] }, 'Patient.name'],
    ['an empty object', { maritalStatus: {} }, 'Patient.maritalStatus'],
    ['one where there are many', { name: { family: 'x' } }, 'Patient.name'],
    ['many where there is one', { gender: ['male'] }, 'Patient.gender'],
    ['a number for a string', { name: [{ family: 5 }] }, 'Patient.name[0].family'],
    ['a string for a boolean', { active: 'true' }, 'Patient.active'],
    ['a string for an integer', { multipleBirthInteger: '2' }, 'Patient.multipleBirth'],
    ['a fraction for an integer', { multipleBirthInteger: 2.5 }, 'Patient.multipleBirth'],
    ['an object for a primitive', { birthDate: { value: '1980' } }, 'Patient.birthDate'],
    ['a date that is none', { birthDate: '1980-02-30' }, 'Patient.birthDate'],
    ['a date with a time', { birthDate: '1980-02-03T00:00:00Z' }, 'Patient.birthDate'],
    ['a code that is not in a required value set', { gender: 'M' }, 'Patient.gender'],
    ['a code with spaces around', { gender: ' male' }, 'Patient.gender'],
    ['two of a choice', { deceasedBoolean: true, deceasedDateTime: '2020' }, 'Patient.deceased'],
    ['a type that the choice has not', { deceasedString: 'yes' }, 'Patient.deceasedString'],
    [
      'a missing element that there must be',
      { communication: [{ preferred: true }] },
      'Patient.communication[0].language',
    ],
    [
      'a reference to a type that is not allowed',
      { managingOrganization: { reference: 'Patient/1' } },
      'Patient.managingOrganization',
    ],
    [
      'an unknown resource type within',
      { contained: [{ resourceType: 'Nonsense', id: 'x' }] },
      'Patient.contained[0]',
    ],
    ['an extension without url', { extension: [{ valueString: 'x' }] }, 'Patient.extension[0]'],
    [
      'an extension with value and extensions',
      { extension: [{ url: 'http://x', valueString: 'x', extension: [{ url: 'y', valueString: 'z' }] }] },
      'Patient.extension[0]',
    ],
    [
      'script in a narrative',
      {
        text: {
          status: 'generated',
          div: '<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>',
        },
      },
      'Patient.text.div',
    ],
    ['meta.profile that is no array', { meta: { profile: 'http://x' } }, 'Patient.meta.profile'],
  ])('%s is refused, and the issue names the element', async (_, more, expression) => {
    const answer = await refused({ resourceType: 'Patient', ...more });
    expect(answer.expressions.join()).toContain(expression);
    expect(answer.expressions.length).toBe(answer.json.issue.length);
  });

  it('all that is wrong is named at once', async () => {
    const { expressions } = await refused({
      resourceType: 'Patient',
      gender: 'M',
      birthDate: 'x',
      name: [{ family: 1 }],
    });
    expect(expressions).toEqual(
      expect.arrayContaining(['Patient.gender', 'Patient.birthDate', 'Patient.name[0].family']),
    );
  });

  it('update, and update by criteria, check as create does', async () => {
    expect([400, 422]).toContain(
      (await client.put('Patient/x', { resourceType: 'Patient', id: 'x', colour: 'red' })).status,
    );
    expect([400, 422]).toContain(
      (await client.put('Patient?identifier=x', { resourceType: 'Patient', gender: 'M' })).status,
    );
  });

  it('primitive extensions and null in their arrays are kept (R4 json.html#primitive)', async () => {
    const name = [
      { given: ['A', null], _given: [null, { extension: [{ url: 'http://x', valueString: 'y' }] }] },
    ];
    const patient = await client.create({
      resourceType: 'Patient',
      name,
      _birthDate: { extension: [{ url: 'http://x', valueCode: 'y' }] },
    });
    expect((await client.get(`Patient/${patient.id}`)).json).toMatchObject({
      name,
      _birthDate: { extension: [{ url: 'http://x', valueCode: 'y' }] },
    });
  });
});

describe('decimals keep their precision (R4 datatypes.html#decimal)', () => {
  const DECIMALS = [
    '1.50',
    '1.0',
    '100',
    '0.000000000000000001',
    '123456789012345678.90',
    '1e2',
    '1.00E-5',
    '-0.0',
    '99999999999999999999999999.5',
  ];
  const observation = (value: string, id?: string) =>
    `{"resourceType":"Observation",${id === undefined ? '' : `"id":"${id}",`}"status":"final","code":{"text":"x"},"valueQuantity":{"value":${value},"unit":"g"}}`;
  const has = (text: string, value: string) => expect(text).toContain(`"value":${value},`);

  it.each(DECIMALS)('%s, through create, read, vread, update, history, search and _pretty', async (value) => {
    const created = await client.post('Observation', observation(value));
    expect(created.status).toBe(201);
    has(created.text, value);
    const { id } = created.json;
    has((await client.get(`Observation/${id}`)).text, value);
    has((await client.get(`Observation/${id}/_history/1`)).text, value);
    has((await client.put(`Observation/${id}`, observation(value, id))).text, value);
    has((await client.get(`Observation/${id}/_history`)).text, value);
    has((await client.get(`Observation?_id=${id}`)).text, value);
    has((await client.get(`Observation?_id=${id}&_elements=value`)).text, value);
    has((await client.get(`Observation/${id}?_summary=true`)).text, value);
    expect((await client.get(`Observation/${id}?_pretty=true`)).text).toContain(`"value": ${value},`);
  });

  it('through a patch of something else, and a patch of the value itself', async () => {
    const { id } = (await client.post('Observation', observation('1.50'))).json;
    const other = await client.patch(`Observation/${id}`, [
      { op: 'replace', path: '/status', value: 'amended' },
    ]);
    has(other.text, '1.50');
    const own = await client.patch(
      `Observation/${id}`,
      '[{"op":"replace","path":"/valueQuantity/value","value":2.500}]',
      { 'Content-Type': 'application/json-patch+json' },
    );
    has(own.text, '2.500');
    const fhirPath = await client.patch(
      `Observation/${id}`,
      '{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Observation.value.value"},{"name":"value","valueDecimal":3.00}]}]}',
    );
    has(fhirPath.text, '3.00');
    has((await client.get(`Observation/${id}/_history/1`)).text, '1.50');
  });

  it('through batch and transaction, there and back', async () => {
    for (const type of ['batch', 'transaction']) {
      const bundle = `{"resourceType":"Bundle","type":"${type}","entry":[{"resource":${observation('0.00100')},"request":{"method":"POST","url":"Observation"}}]}`;
      const answer = await client.post('', bundle, { Prefer: 'return=representation' });
      has(answer.text, '0.00100');
      const { id } = answer.json.entry[0].resource;
      has((await client.batch([{ request: { method: 'GET', url: `Observation/${id}` } }])).text, '0.00100');
    }
  });

  it('numbers that are no decimals of R4 are refused or kept, never changed', async () => {
    for (const value of ['1e400', '1'.repeat(1100), '1e-400']) {
      const answer = await client.post('Observation', observation(value));
      if (answer.status === 201) has(answer.text, value);
      else expect([400, 422]).toContain(answer.status);
    }
  });

  it('precision counts in searches: 1.50 is found by 1.5 and 1.50 (R4 search.html#number)', async () => {
    const tenant = await harness.addTenant('precision');
    await tenant.post('Observation', observation('1.50'));
    expect((await tenant.get('Observation?value-quantity=1.5')).json.total).toBe(1);
    expect((await tenant.get('Observation?value-quantity=1.50')).json.total).toBe(1);
    expect((await tenant.get('Observation?value-quantity=1.51')).json.total).toBe(0);
  });
});

describe('sizes', () => {
  const nested = (depth: number): Json =>
    depth === 0 ? { url: 'http://x', valueString: 'x' } : { url: 'http://x', extension: [nested(depth - 1)] };

  it('moderate nesting is stored, extreme nesting is a 400', async () => {
    const good = await client.post('Patient', { resourceType: 'Patient', extension: [nested(20)] });
    expect(good.status).toBe(201);
    expect((await client.get(`Patient/${good.json.id}`)).json.extension).toEqual([nested(20)]);
    const deep = `{"resourceType":"Patient","extension":${'[{"url":"x","extension":'.repeat(50_000)}[]${'}]'.repeat(50_000)}}`;
    expect((await client.post('Patient', deep)).status).toBe(400);
    expect((await client.post('Patient', '['.repeat(1_000_000))).status).toBe(400);
  });

  it('a long string, many repetitions and many issues', async () => {
    const div = `<div xmlns="http://www.w3.org/1999/xhtml">${'x'.repeat(900_000)}</div>`;
    const long = await client.post('Patient', {
      resourceType: 'Patient',
      text: { status: 'generated', div },
    });
    expect(long.status).toBe(201);
    expect((await client.get(`Patient/${long.json.id}`)).json.text.div).toBe(div);
    const name = Array.from({ length: 2000 }, (_, i) => ({ family: `n${i}`, given: ['a', 'b'] }));
    expect((await client.post('Patient', { resourceType: 'Patient', name })).status).toBe(201);
    const { json } = await refused({ resourceType: 'Patient', name: name.map(() => ({ family: 1 })) });
    expect(json.issue.length).toBeLessThanOrEqual(101);
  });

  it('long values in what is indexed: family of 100,000 characters, identifier likewise', async () => {
    const value = 'ä'.repeat(100_000);
    const answer = await client.post('Patient', {
      resourceType: 'Patient',
      name: [{ family: value }],
      identifier: [{ system: 'http://x', value }],
      telecom: [{ system: 'phone', value }],
    });
    expect(answer.status).toBe(201);
    expect((await client.get(`Patient?family=${'ä'.repeat(50)}`)).json.total).toBe(1);
  });
});
