import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, type Json, startHarness, type TestClient } from '../../../../test/harness.ts';
import { ANIMALS, animalSet, parameters, registerTerminology } from './test-support.ts';

let harness: Harness;
let client: TestClient;
beforeAll(async () => {
  registerTerminology();
  harness = await startHarness();
  client = harness.client();
  await client.create(ANIMALS);
  await client.post('$closure', parameters(['name', { valueString: 'mine' }]));
});
afterAll(() => harness?.stop());

const map = {
  resourceType: 'ConceptMap',
  url: 'http://example.org/map',
  status: 'active',
  group: [
    {
      source: ANIMALS.url,
      target: 'http://example.org/other',
      element: [
        {
          code: 'cat',
          target: [{ code: 'c', equivalence: 'equivalent', dependsOn: [{ property: 'x', value: 'y' }] }],
        },
      ],
      unmapped: { mode: 'other-map', url: 'http://example.org/map' },
    },
  ],
};
const supplement = {
  resourceType: 'CodeSystem',
  url: 'http://example.org/more',
  status: 'active',
  content: 'supplement',
  supplements: ANIMALS.url,
  concept: [
    {
      code: 'cat',
      designation: [{ language: 'nl', value: 'Kat' }],
      property: [{ code: 'legs', valueInteger: 4 }],
    },
  ],
};
const set = animalSet({
  inactive: false,
  include: [
    { system: ANIMALS.url, version: '1.2.0', filter: [{ property: 'concept', op: 'is-a', value: 'mammal' }] },
    {
      system: ANIMALS.url,
      concept: [{ code: 'bird', display: 'A bird', designation: [{ language: 'de', value: 'Vogel' }] }],
    },
    { valueSet: ['http://hl7.org/fhir/ValueSet/administrative-gender'] },
  ],
  exclude: [{ system: ANIMALS.url, filter: [{ property: 'legs', op: 'regex', value: '2|3' }] }],
});
const coding = { valueCoding: { system: ANIMALS.url, version: '1.2.0', code: 'cat', display: 'Cat' } };
const concept = {
  valueCodeableConcept: { coding: [coding.valueCoding, { system: 'x', code: 'y' }], text: 'a' },
};
const sent = [
  ['tx-resource', ANIMALS],
  ['tx-resource', supplement],
  ['useSupplement', { valueCanonical: supplement.url }],
] as const;

/** Requests that are right, by their path. */
const REQUESTS: readonly (readonly [path: string, body: Json])[] = [
  [
    'ValueSet/$expand',
    parameters(
      ...sent,
      ['valueSet', set],
      ['filter', { valueString: 'c' }],
      ['count', { valueInteger: 5 }],
      ['displayLanguage', { valueCode: 'de, en;q=0.5' }],
      ['property', { valueString: 'legs' }],
      ['includeDesignations', { valueBoolean: true }],
      ['system-version', { valueCanonical: `${ANIMALS.url}|1.2.0` }],
      ['exclude-system', { valueCanonical: 'http://example.org/none' }],
    ),
  ],
  ['ValueSet/$expand', set],
  [
    'ValueSet/$validate-code',
    parameters(...sent, ['valueSet', set], ['coding', coding], ['abstract', { valueBoolean: false }]),
  ],
  ['ValueSet/$validate-code', parameters(...sent, ['valueSet', set], ['codeableConcept', concept])],
  [
    'ValueSet/$validate-code',
    parameters(
      ...sent,
      ['valueSet', set],
      ['code', { valueCode: 'cat' }],
      ['inferSystem', { valueBoolean: true }],
    ),
  ],
  [
    'CodeSystem/$validate-code',
    parameters(...sent, ['url', { valueUri: ANIMALS.url }], ['codeableConcept', concept]),
  ],
  [
    'CodeSystem/$validate-code',
    parameters(['codeSystem', ANIMALS], ['code', { valueCode: 'cat' }], ['display', { valueString: 'Dog' }]),
  ],
  ['CodeSystem/$lookup', parameters(...sent, ['coding', coding], ['property', { valueCode: '*' }])],
  ['CodeSystem/$subsumes', parameters(...sent, ['codingA', coding], ['codingB', coding])],
  [
    'CodeSystem/$find-matches',
    {
      resourceType: 'Parameters',
      parameter: [
        { name: 'tx-resource', resource: ANIMALS },
        { name: 'system', valueUri: ANIMALS.url },
        {
          name: 'property',
          part: [
            { name: 'code', valueCode: 'legs' },
            { name: 'value', valueString: '4' },
          ],
        },
      ],
    },
  ],
  [
    'ConceptMap/$translate',
    parameters(
      ...sent,
      ['conceptMap', map],
      ['coding', coding],
      ['targetsystem', { valueUri: 'http://example.org/other' }],
    ),
  ],
  [
    'ConceptMap/$translate',
    parameters(['tx-resource', map], ['codeableConcept', concept], ['reverse', { valueBoolean: true }]),
  ],
  ['$closure', parameters(...sent, ['name', { valueString: 'mine' }], ['concept', coding])],
  [
    'ValueSet/$batch-validate-code',
    parameters(
      ...sent,
      ['valueSet', set],
      ['validation', parameters(['coding', coding]) as { resourceType: string }],
    ),
  ],
];

const JUNK: readonly Json[] = [
  null,
  0,
  -1,
  1e300,
  '',
  'x',
  ' ',
  true,
  [],
  {},
  [[]],
  [null],
  [{}],
  { a: 1 },
  { extension: [{}] },
  '\u0000',
  '|',
  '#',
  'x'.repeat(3000),
];

/** A copy of a JSON value with what stands at one place changed. */
function changed(value: Json, place: number, junk: Json, kind: 'replace' | 'remove' | 'double'): Json {
  const copy = structuredClone(value);
  const places: [holder: Json, key: string][] = [];
  const walk = (holder: Json): void => {
    if (typeof holder !== 'object' || holder === null) return;
    for (const key of Object.keys(holder)) {
      places.push([holder, key]);
      walk(holder[key]);
    }
  };
  walk(copy);
  if (places.length === 0) return copy;
  const [holder, key] = places[place % places.length] as [Json, string];
  if (kind === 'replace') holder[key] = junk;
  else if (kind === 'double' && Array.isArray(holder)) holder.push(holder[Number(key)]);
  else if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
  return copy;
}

describe('requests of any shape', () => {
  it('are as they should be to begin with', async () => {
    for (const [path, body] of REQUESTS) {
      const answer = await client.post(path, body);
      // The concept map refers to itself, which is found where a code is not mapped.
      const expected = path === 'ConceptMap/$translate' ? [200, 422] : [200];
      expect(expected, `${path}: ${answer.text}`).toContain(answer.status);
    }
  });

  it('get an answer or an OperationOutcome with 4xx, never a failure of the server', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(REQUESTS.length - 1),
        fc.array(
          fc.tuple(
            fc.nat(400),
            fc.constantFrom(...JUNK),
            fc.constantFrom('replace' as const, 'remove' as const, 'double' as const),
          ),
          { minLength: 1, maxLength: 3 },
        ),
        async (which, changes) => {
          const [path, body] = REQUESTS[which] as [string, Json];
          let made = body;
          for (const [place, junk, kind] of changes) made = changed(made, place, junk, kind);
          // The client throws for a 5xx.
          const answer = await client.post(path, made);
          if (answer.status !== 200) {
            expect(answer.json.resourceType).toBe('OperationOutcome');
            expect(answer.json.issue[0].diagnostics ?? answer.json.issue[0].details?.text).toBeTruthy();
          }
        },
      ),
      { numRuns: Number(process.env['RUNS'] ?? 600) },
    );
  }, 120_000);
});

describe('definitions of many megabytes', () => {
  const url = 'http://example.org/large';
  const concept = Array.from({ length: 400_000 }, (_, i) => ({
    code: `code-${i}`,
    display: `Display of the code ${i}`,
  }));
  const large = animalSet({ include: [{ system: ANIMALS.url, concept }] }, { url });

  it('are refused when they are sent, with the parameter’s name', async () => {
    for (const [name, path] of [
      ['tx-resource', 'ValueSet/$expand'],
      ['valueSet', 'ValueSet/$expand'],
    ] as const) {
      const answer = await client.post(path, parameters(['valueSet', animalSet({})], [name, large]));
      expect([answer.status, answer.issueCodes]).toEqual([422, ['too-costly']]);
      expect(answer.json.issue[0].details.text).toContain(name);
    }
    const system = { ...ANIMALS, concept };
    const answer = await client.post(
      'CodeSystem/$lookup',
      parameters(['tx-resource', system], ['coding', coding]),
    );
    expect([answer.status, answer.issueCodes]).toEqual([422, ['too-costly']]);
  }, 60_000);

  it('are refused when they are stored, by url, by import and by id', async () => {
    const { id } = await client.create(large);
    const importing = animalSet({ include: [{ valueSet: [url] }] });
    for (const answer of [
      await client.get(`ValueSet/$expand?url=${url}`),
      await client.post('ValueSet/$expand', parameters(['valueSet', importing])),
      await client.get(`ValueSet/${id}/$expand`),
      await client.get(`ValueSet/$validate-code?url=${url}&system=${ANIMALS.url}&code=cat`),
    ]) {
      expect([answer.status, answer.issueCodes, answer.json.issue[0].details.text]).toEqual([
        422,
        ['too-costly'],
        expect.stringMatching(/ValueSet\//),
      ]);
    }
    expect((await client.get(`Observation?code:in=${url}`)).status).toBe(400);
    await client.delete(`ValueSet/${id}`);
  }, 60_000);
});

describe('definitions that would take forever', () => {
  it('regular expressions run in linear time (R4 valueset-filter-operator regex)', async () => {
    const code = 'a'.repeat(5000);
    const system = { ...ANIMALS, concept: [{ code: `${code}!` }, { code }] };
    for (const value of ['(a+)+', '(a|a)*', '(a|aa)+', '(.*a){20}']) {
      const include = [{ system: ANIMALS.url, filter: [{ property: 'code', op: 'regex', value }] }];
      const answer = await client.post(
        'ValueSet/$expand',
        parameters(['tx-resource', system], ['valueSet', animalSet({ include })]),
      );
      expect([answer.status, answer.json.expansion?.total]).toEqual([200, 1]);
    }
  });

  it('value sets that import each other, directly, by others or in what they exclude', async () => {
    const of = (name: string, imported: string, part: 'include' | 'exclude') =>
      animalSet(
        {
          include: [{ system: ANIMALS.url }],
          ...(part === 'include'
            ? { include: [{ valueSet: [imported] }] }
            : { exclude: [{ valueSet: [imported] }] }),
        },
        { url: `http://example.org/${name}`, version: undefined },
      );
    for (const part of ['include', 'exclude'] as const) {
      const sets = [
        of('a', 'http://example.org/b', part),
        of('b', 'http://example.org/c', part),
        of('c', 'http://example.org/a', part),
      ];
      const list = sets.map((one) => ['tx-resource', one] as const);
      const body = parameters(...list, ['url', { valueUri: 'http://example.org/a' }], ['coding', coding]);
      for (const path of ['ValueSet/$expand', 'ValueSet/$validate-code']) {
        const answer = await client.post(path, body);
        expect(answer.status).toBe(400);
        expect(answer.json.issue[0].details.text).toMatch(/circularity.*example.org\/a/);
      }
    }
  });

  it('value sets that double with each import', async () => {
    const sets = Array.from({ length: 60 }, (_, i) =>
      animalSet(
        {
          include:
            i === 0
              ? [{ system: ANIMALS.url }]
              : [
                  { valueSet: [`http://example.org/v${i - 1}`] },
                  { valueSet: [`http://example.org/v${i - 1}`] },
                ],
        },
        { url: `http://example.org/v${i}`, version: undefined },
      ),
    );
    const list = sets.map((one) => ['tx-resource', one] as const);
    const url = ['url', { valueUri: 'http://example.org/v59' }] as const;
    const valid = await client.post('ValueSet/$validate-code', parameters(...list, url, ['coding', coding]));
    expect(valid.status).toBe(200);
    const wrong = { valueCoding: { system: ANIMALS.url, code: 'unicorn' } };
    const invalid = await client.post('ValueSet/$validate-code', parameters(...list, url, ['coding', wrong]));
    expect([200, 422]).toContain(invalid.status);
    const listed = await client.post('ValueSet/$expand', parameters(...list, url));
    expect([200, 422]).toContain(listed.status);
  }, 60_000);
});
