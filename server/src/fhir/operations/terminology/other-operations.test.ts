import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, type Json, startHarness, type TestClient } from '../../../../test/harness.ts';
import { ANIMALS, type ParameterList, parameters, registerTerminology, valueIn } from './test-support.ts';

let harness: Harness;
let client: TestClient;
beforeAll(async () => {
  registerTerminology();
  harness = await startHarness();
  client = harness.client();
});
afterAll(() => harness?.stop());

const system = ANIMALS.url;
const tx = ['tx-resource', ANIMALS] as const;

describe('CodeSystem/$lookup (R4 codesystem-operation-lookup.html)', () => {
  const propertiesOf = (json: Json) =>
    json.parameter
      .filter(({ name }: Json) => name === 'property')
      .map(({ part }: Json) =>
        part
          .map((one: Json) => one[Object.keys(one).find((key) => key.startsWith('value')) as string])
          .join(' '),
      );

  it('tells display, definition, designations, properties, parents and children', async () => {
    const { json } = await client.post(
      'CodeSystem/$lookup',
      parameters(tx, ['coding', { valueCoding: { system, code: 'cat' } }]),
    );
    expect(['name', 'version', 'display', 'definition'].map((name) => valueIn(json, name))).toEqual([
      'Animals',
      '1.2.0',
      'Cat',
      'A small carnivore',
    ]);
    expect(propertiesOf(json)).toEqual([
      'inactive false',
      'legs 4',
      'parent mammal Mammal',
      'child kitten Kitten',
    ]);
    expect(json.parameter.filter(({ name }: Json) => name === 'designation')).toHaveLength(3);
    const german = await client.post(
      'CodeSystem/$lookup',
      parameters(
        tx,
        ['code', { valueCode: 'cat' }],
        ['system', { valueUri: system }],
        ['displayLanguage', { valueCode: 'de' }],
        ['property', { valueCode: 'legs' }],
      ),
    );
    expect(valueIn(german.json, 'display')).toBe('Katze');
    expect(propertiesOf(german.json)).toEqual(['legs 4']);
  });

  it('answers 404 for an unknown code, 422 for an unknown code system', async () => {
    const code = await client.post(
      'CodeSystem/$lookup',
      parameters(tx, ['code', { valueCode: 'x' }], ['system', { valueUri: system }]),
    );
    expect([code.status, code.issueCodes]).toEqual([404, ['not-found']]);
    expect((await client.get('CodeSystem/$lookup?system=http://example.org/none&code=x')).status).toBe(422);
    expect((await client.get('CodeSystem/$lookup?code=x')).status).toBe(400);
    expect((await client.get('CodeSystem/none/$lookup?code=x')).status).toBe(404);
  });
});

describe('CodeSystem/$subsumes (R4 codesystem-operation-subsumes.html)', () => {
  it.each([
    ['cat', 'cat', 'equivalent'],
    ['mammal', 'kitten', 'subsumes'],
    ['kitten', 'mammal', 'subsumed-by'],
    ['cat', 'bird', 'not-subsumed'],
  ])('%s and %s: %s', async (codeA, codeB, outcome) => {
    const { json } = await client.post(
      'CodeSystem/$subsumes',
      parameters(
        tx,
        ['codeA', { valueCode: codeA }],
        ['codeB', { valueCode: codeB }],
        ['system', { valueUri: system }],
      ),
    );
    expect(valueIn(json, 'outcome')).toBe(outcome);
  });

  it('works on built-in hierarchies and refuses what cannot be compared', async () => {
    const built = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
    const { json } = await client.get(
      `CodeSystem/$subsumes?system=${built}&codeA=_ActAccountCode&codeB=ACCTRECEIVABLE`,
    );
    expect(valueIn(json, 'outcome')).toBe('subsumes');
    const coding = (url: string) => ({ valueCoding: { system: url, code: 'cat' } });
    const mixed = await client.post(
      'CodeSystem/$subsumes',
      parameters(tx, ['codingA', coding(system)], ['codingB', coding('http://example.org/x')]),
    );
    expect([mixed.status, mixed.issueCodes]).toEqual([400, ['invalid']]);
    const parts = { ...ANIMALS, hierarchyMeaning: 'part-of' };
    const part = await client.post(
      'CodeSystem/$subsumes',
      parameters(
        ['tx-resource', parts],
        ['codeA', { valueCode: 'cat' }],
        ['codeB', { valueCode: 'kitten' }],
        ['system', { valueUri: system }],
      ),
    );
    expect([part.status, part.issueCodes]).toEqual([422, ['not-supported']]);
  });
});

describe('CodeSystem/$find-matches (R4 codesystem-operation-find-matches.html)', () => {
  it('finds concepts by their properties, and near misses for people', async () => {
    const wanted = (code: string, value: object) => ({
      name: 'property',
      part: [
        { name: 'code', valueCode: code },
        { name: 'value', ...value },
      ],
    });
    const call = async (exact: boolean) => {
      const body = {
        resourceType: 'Parameters',
        parameter: [
          { name: 'tx-resource', resource: ANIMALS },
          { name: 'system', valueUri: system },
          { name: 'exact', valueBoolean: exact },
          wanted('legs', { valueInteger: 4 }),
          wanted('parent', { valueCode: 'cat' }),
        ],
      };
      const { json } = await client.post('CodeSystem/$find-matches', body);
      return json.parameter.map(({ part }: Json) => part[0].valueCoding.code);
    };
    expect(await call(true)).toEqual(['kitten']);
    expect(await call(false)).toEqual(['kitten', 'cat']);
  });
});

const MAP = {
  resourceType: 'ConceptMap',
  url: 'http://example.org/map',
  version: '1',
  status: 'active',
  group: [
    {
      source: system,
      target: 'http://example.org/sounds',
      element: [
        { code: 'cat', target: [{ code: 'meow', display: 'Meow', equivalence: 'wider', comment: 'mostly' }] },
        { code: 'bird', target: [{ equivalence: 'unmatched' }] },
      ],
      unmapped: { mode: 'fixed', code: 'noise' },
    },
  ],
};

describe('ConceptMap/$translate (R4 conceptmap-operation-translate.html)', () => {
  const translate = async (...list: ParameterList) =>
    (await client.post('ConceptMap/$translate', parameters(['tx-resource', MAP], ...list))).json;
  const match = (json: Json) =>
    (json.parameter ?? [])
      .filter(({ name }: Json) => name === 'match')
      .map(({ part }: Json) => `${part[0].valueCode} ${part[1]?.valueCoding?.code ?? '-'}`);

  it('translates forwards, by map and by what fits', async () => {
    const json = await translate(
      ['url', { valueUri: MAP.url }],
      ['code', { valueCode: 'cat' }],
      ['system', { valueUri: system }],
    );
    expect([valueIn(json, 'result'), match(json)]).toEqual([true, ['wider meow']]);
    const found = await translate(
      ['coding', { valueCoding: { system, code: 'cat' } }],
      ['targetsystem', { valueUri: 'http://example.org/sounds' }],
    );
    expect(match(found)).toEqual(['wider meow']);
    expect(match(await translate(['coding', { valueCoding: { system, code: 'kitten' } }]))).toEqual([
      'inexact noise',
    ]);
  });

  it('translates backwards with the equivalence turned round', async () => {
    const json = await translate(
      ['coding', { valueCoding: { system: 'http://example.org/sounds', code: 'meow' } }],
      ['reverse', { valueBoolean: true }],
    );
    expect(match(json)).toEqual(['narrower cat']);
  });

  it('says when there is no translation', async () => {
    const bird = await translate(['coding', { valueCoding: { system, code: 'bird' } }]);
    expect([valueIn(bird, 'result'), match(bird)]).toEqual([false, ['unmatched -']]);
    const none = await translate([
      'coding',
      { valueCoding: { system: 'http://example.org/none', code: 'x' } },
    ]);
    expect(valueIn(none, 'result')).toBe(false);
    expect(
      (await client.get('ConceptMap/$translate?url=http://example.org/none&code=x&system=y')).status,
    ).toBe(404);
  });

  it('uses stored and built-in maps', async () => {
    const { id } = await client.create(MAP);
    const answer = await client.get(`ConceptMap/${id}/$translate?code=cat&system=${system}`);
    expect(match(answer.json)).toEqual(['wider meow']);
    const built = await client.get(
      'ConceptMap/$translate?url=http://hl7.org/fhir/ConceptMap/cm-contact-point-use-v3&code=home&system=http://hl7.org/fhir/contact-point-use',
    );
    expect(valueIn(built.json, 'result')).toBe(true);
  });
});

describe('$closure (R4 conceptmap-operation-closure.html)', () => {
  it('grows a table of subsumptions, and repeats it from a version', async () => {
    const call = (...list: ParameterList) =>
      client.post('$closure', parameters(tx, ['name', { valueString: 'mine' }], ...list));
    expect((await call(['concept', { valueCoding: { system, code: 'cat' } }])).status).toBe(404);
    expect((await call()).json).toMatchObject({ resourceType: 'ConceptMap', version: '0' });
    const first = await call(
      ['concept', { valueCoding: { system, code: 'cat' } }],
      ['concept', { valueCoding: { system, code: 'bird' } }],
    );
    expect([first.json.version, first.json.group]).toEqual(['1', undefined]);
    const second = await call(['concept', { valueCoding: { system, code: 'kitten' } }]);
    expect(second.json.group).toEqual([
      {
        source: system,
        target: system,
        element: [{ code: 'kitten', target: [{ code: 'cat', equivalence: 'subsumes' }] }],
      },
    ]);
    expect((await call(['version', { valueString: '0' }])).json).toMatchObject({
      version: '2',
      group: second.json.group,
    });
    expect((await call(['version', { valueString: '2' }])).json.group).toBeUndefined();
    expect((await call(['version', { valueString: '7' }])).status).toBe(400);
  });
});
