import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, type Json, startHarness, type TestClient } from '../../../../test/harness.ts';
import {
  ANIMALS,
  animalSet,
  issuesIn,
  type ParameterList,
  parameters,
  registerTerminology,
  valueIn,
} from './test-support.ts';

let harness: Harness;
let client: TestClient;
beforeAll(async () => {
  registerTerminology();
  harness = await startHarness();
  client = harness.client();
});
afterAll(() => harness?.stop());

const system = ANIMALS.url;
const all = animalSet({ include: [{ system }] });
const cats = animalSet({
  include: [{ system, filter: [{ property: 'concept', op: 'is-a', value: 'cat' }] }],
});

async function validate(valueSet: object, ...list: ParameterList): Promise<Json> {
  const answer = await client.post(
    'ValueSet/$validate-code',
    parameters(['tx-resource', ANIMALS], ['valueSet', valueSet], ...list),
  );
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
  return answer.json;
}
const coding = (code: string, more: object = {}) =>
  ['coding', { valueCoding: { system, code, ...more } }] as const;
const result = (json: Json) => valueIn(json, 'result');

describe('ValueSet/$validate-code (R4 valueset-operation-validate-code.html, terminology ecosystem)', () => {
  it('finds a code, with display, version and system, however it is given', async () => {
    for (const given of [
      [
        ['code', { valueCode: 'cat' }],
        ['system', { valueUri: system }],
      ],
      [coding('cat')],
      [['codeableConcept', { valueCodeableConcept: { coding: [{ system, code: 'cat' }] } }]],
    ] as const) {
      const json = await validate(cats, ...given);
      expect(result(json)).toBe(true);
      expect(['system', 'code', 'version', 'display'].map((name) => valueIn(json, name))).toEqual([
        system,
        'cat',
        '1.2.0',
        'Cat',
      ]);
      expect(issuesIn(json)).toEqual([]);
    }
  });

  it('tells that a code is not in the value set, and whether it exists at all', async () => {
    const bird = await validate(cats, coding('bird'));
    expect(result(bird)).toBe(false);
    expect(issuesIn(bird)).toEqual([
      `error not-in-vs: The provided code '${system}#bird' was not found in the value set 'http://example.org/vs|1.0.0'`,
    ]);
    expect(valueIn(bird, 'issues').issue[0].expression).toEqual(['Coding.code']);
    expect(valueIn(bird, 'display')).toBe('Bird');
    const unicorn = await validate(all, coding('unicorn'));
    expect(issuesIn(unicorn)).toEqual([
      `error invalid-code: Unknown code 'unicorn' in the CodeSystem '${system}' version '1.2.0'`,
      `error not-in-vs: The provided code '${system}#unicorn' was not found in the value set 'http://example.org/vs|1.0.0'`,
    ]);
    expect(valueIn(unicorn, 'message')).toContain('; Unknown code');
  });

  it('answers a CodeableConcept as a whole and by coding', async () => {
    const concept = {
      coding: [
        { system, code: 'bird' },
        { system, code: 'kitten' },
      ],
    };
    const json = await validate(cats, ['codeableConcept', { valueCodeableConcept: concept }]);
    expect(result(json)).toBe(true);
    expect(valueIn(json, 'code')).toBe('kitten');
    expect(issuesIn(json)).toEqual([
      `information this-code-not-in-vs: The provided code '${system}#bird' was not found in the value set 'http://example.org/vs|1.0.0'`,
    ]);
    const none = await validate(cats, [
      'codeableConcept',
      { valueCodeableConcept: { coding: [{ system, code: 'bird' }] } },
    ]);
    expect(issuesIn(none).at(-1)).toBe(
      "error not-in-vs: No valid coding was found for the value set 'http://example.org/vs|1.0.0'",
    );
    expect(valueIn(none, 'codeableConcept').coding[0].code).toBe('bird');
  });

  it('checks displays in the languages asked for, leniently if wished', async () => {
    const wrong = await validate(all, coding('cat', { display: 'Dog' }));
    expect(result(wrong)).toBe(false);
    expect(issuesIn(wrong)).toEqual([
      `error invalid-display: Wrong Display Name 'Dog' for ${system}#cat. Valid display is one of 3 choices: 'Cat' (en), 'Katze' (de) or 'Chat' (fr) (for the language(s) '--')`,
    ]);
    const lenient = await validate(all, coding('cat', { display: 'Dog' }), [
      'lenient-display-validation',
      { valueBoolean: true },
    ]);
    expect(result(lenient)).toBe(true);
    expect(issuesIn(lenient)[0]).toMatch(/^warning invalid-display/);
    expect(
      result(
        await validate(all, coding('cat', { display: 'katze' }), ['displayLanguage', { valueCode: 'de' }]),
      ),
    ).toBe(true);
    const german = await validate(all, coding('cat', { display: 'Cat' }), [
      'displayLanguage',
      { valueCode: 'de' },
    ]);
    expect(issuesIn(german)[0]).toContain("Valid display is 'Katze' (de) (for the language(s) 'de')");
    const none = await validate(all, coding('bird', { display: 'Bird' }), [
      'displayLanguage',
      { valueCode: 'de' },
    ]);
    expect(result(none)).toBe(true);
    expect(issuesIn(none)[0]).toMatch(/^information invalid-display: There are no valid display names found/);
  });

  it('judges abstract and inactive codes', async () => {
    expect(result(await validate(all, coding('mammal')))).toBe(true);
    const abstract = await validate(all, coding('mammal'), ['abstract', { valueBoolean: false }]);
    expect(issuesIn(abstract)[0]).toBe(
      `error code-rule: Code '${system}#mammal' is abstract, and not allowed in this context`,
    );
    const inactive = await validate(all, coding('dodo-cat'));
    expect([result(inactive), valueIn(inactive, 'inactive'), valueIn(inactive, 'status')]).toEqual([
      true,
      true,
      'retired',
    ]);
    expect(issuesIn(inactive)).toEqual([
      "warning code-comment: The concept 'dodo-cat' has a status of retired and inactive and its use should be reviewed",
    ]);
    const active = await validate(all, coding('dodo-cat'), ['activeOnly', { valueBoolean: true }]);
    expect(issuesIn(active)[0]).toBe("error code-rule: The concept 'dodo-cat' is valid but is not active");
  });

  it('names code systems that are not known', async () => {
    const json = await validate(animalSet({ include: [{ system: 'http://example.org/none' }] }), [
      'coding',
      { valueCoding: { system: 'http://example.org/none', code: 'x' } },
    ]);
    expect(result(json)).toBe(false);
    expect(issuesIn(json)).toEqual([
      "error not-found: A definition for CodeSystem 'http://example.org/none' could not be found, so the code cannot be validated",
    ]);
    expect(valueIn(json, 'x-caused-by-unknown-system')).toBe('http://example.org/none');
    const outside = await validate(all, [
      'coding',
      { valueCoding: { system: 'http://example.org/none', code: 'x' } },
    ]);
    expect(valueIn(outside, 'x-unknown-system')).toBe('http://example.org/none');
    const version = await validate(all, coding('cat', { version: '9' }));
    expect(result(version)).toBe(false);
    expect(issuesIn(version)).toContain(
      `error not-found: A definition for CodeSystem '${system}' version '9' could not be found, so the code cannot be validated. Valid versions: 1.2.0`,
    );
    expect(issuesIn(version)[0]).toMatch(
      /^warning vs-invalid: The code system .* for the versionless include/,
    );
  });

  it('infers the system of a code', async () => {
    const json = await validate(
      cats,
      ['code', { valueCode: 'kitten' }],
      ['inferSystem', { valueBoolean: true }],
    );
    expect([result(json), valueIn(json, 'system')]).toEqual([true, system]);
    const none = await validate(
      cats,
      ['code', { valueCode: 'bird' }],
      ['inferSystem', { valueBoolean: true }],
    );
    expect(issuesIn(none)[0]).toContain('error cannot-infer: The System URI could not be determined');
  });

  it('accepts any case where the code system does, and tells the right one', async () => {
    const loose = { ...ANIMALS, caseSensitive: false };
    const answer = await client.post(
      'ValueSet/$validate-code',
      parameters(['tx-resource', loose], ['valueSet', all], coding('CAT')),
    );
    expect([result(answer.json), valueIn(answer.json, 'normalized-code')]).toEqual([true, 'cat']);
    expect(issuesIn(answer.json)[0]).toMatch(
      /^information code-rule: The code 'CAT' differs from the correct code 'cat' by case/,
    );
    expect(result(await validate(all, coding('CAT')))).toBe(false);
  });

  it('warns instead of failing where only a fragment of the code system is here', async () => {
    const fragment = { ...ANIMALS, content: 'fragment' };
    const answer = await client.post(
      'ValueSet/$validate-code',
      parameters(['tx-resource', fragment], ['valueSet', all], coding('yeti')),
    );
    expect(result(answer.json)).toBe(true);
    expect(issuesIn(answer.json)[0]).toMatch(/^warning invalid-code: Unknown Code 'yeti'/);
  });

  it('honours excludes and imports, and ends circles with an outcome', async () => {
    const set = animalSet({ include: [{ system }], exclude: [{ system, concept: [{ code: 'cat' }] }] });
    expect(result(await validate(set, coding('cat')))).toBe(false);
    expect(result(await validate(set, coding('kitten')))).toBe(true);
    const circle = await client.post(
      'ValueSet/$validate-code',
      parameters(
        ['tx-resource', ANIMALS],
        ['tx-resource', animalSet({ include: [{ valueSet: ['http://example.org/vs'] }] })],
        ['url', { valueUri: 'http://example.org/vs' }],
        coding('cat'),
      ),
    );
    expect(circle.status).toBe(400);
    const missing = await validate(
      animalSet({ include: [{ valueSet: ['http://example.org/none'] }] }),
      coding('cat'),
    );
    expect(issuesIn(missing)).toEqual([
      "error not-found: A definition for the value Set 'http://example.org/none' could not be found",
    ]);
    const unknown = await client.get('ValueSet/$validate-code?url=http://example.org/none&system=x&code=y');
    expect([unknown.status, unknown.json.issue[0].details.coding[0].code]).toEqual([422, 'not-found']);
  });

  it('validates many at once', async () => {
    const one = (code: string) => ['validation', parameters(coding(code), ['valueSet', cats])] as const;
    const answer = await client.post(
      'ValueSet/$batch-validate-code',
      parameters(['tx-resource', ANIMALS], one('cat'), one('bird')),
    );
    expect(answer.json.parameter.map(({ resource }: Json) => result(resource))).toEqual([true, false]);
  });
});

describe('CodeSystem/$validate-code (R4 codesystem-operation-validate-code.html)', () => {
  it('validates against a code system that is sent, not one of the same URL that is known', async () => {
    const sent = { ...ANIMALS, caseSensitive: false, concept: [{ code: 'newt', display: 'Newt' }] };
    const validate = async (code: string) =>
      (
        await client.post(
          'CodeSystem/$validate-code',
          parameters(['codeSystem', sent], ['code', { valueCode: code }]),
        )
      ).json;
    expect(valueIn(await validate('NEWT'), 'result')).toBe(true);
    expect(valueIn(await validate('NEWT'), 'normalized-code')).toBe('newt');
    expect(valueIn(await validate('cat'), 'result')).toBe(false);
  });

  it('repeats a CodeableConcept without codings as valid JSON (R4 json.html: no empty arrays)', async () => {
    const concept = { valueCodeableConcept: { text: 'just text' } };
    const answer = await client.post(
      'CodeSystem/$validate-code',
      parameters(['codeSystem', ANIMALS], ['codeableConcept', concept]),
    );
    expect(answer.text).not.toContain('"coding":[]');
  });

  const check = async (query: string) => (await client.get(`CodeSystem/$validate-code?${query}`)).json;

  it('answers from built-in and computed code systems', async () => {
    expect(result(await check('url=http://hl7.org/fhir/administrative-gender&code=male'))).toBe(true);
    const wrong = await check('url=http://hl7.org/fhir/administrative-gender&code=malee');
    expect(issuesIn(wrong)).toEqual([
      "error invalid-code: Unknown code 'malee' in the CodeSystem 'http://hl7.org/fhir/administrative-gender' version '4.0.1'",
    ]);
    for (const [url, good, bad] of [
      ['http://unitsofmeasure.org', 'mg/dL', 'mg//dLL'],
      ['urn:ietf:bcp:47', 'de-CH', 'xq-CH'],
      ['urn:ietf:bcp:13', 'application/fhir+json', 'fhir'],
      ['urn:iso:std:iso:3166', 'CHE', 'CHX'],
      ['urn:iso:std:iso:4217', 'CHF', 'XZZ'],
    ] as const) {
      const code = (text: string) => check(`url=${encodeURIComponent(url)}&code=${encodeURIComponent(text)}`);
      expect([url, result(await code(good)), result(await code(bad))]).toEqual([url, true, false]);
    }
    const language = await check('url=urn:ietf:bcp:47&code=EN-us');
    expect(valueIn(language, 'normalized-code')).toBe('en-US');
  });

  it('tells when the code system is not known, is a value set or a supplement', async () => {
    const none = await check('url=http://example.org/none&code=x');
    expect([result(none), valueIn(none, 'x-caused-by-unknown-system')]).toEqual([
      false,
      'http://example.org/none',
    ]);
    const set = await check('url=http://hl7.org/fhir/ValueSet/administrative-gender&code=male');
    expect(issuesIn(set)[0]).toContain('error invalid-data: The Coding references a value set');
  });

  it("works on the tenant's own, by instance", async () => {
    const { id } = await client.create(ANIMALS);
    const answer = await client.get(`CodeSystem/${id}/$validate-code?code=cat&display=Cat`);
    expect(result(answer.json)).toBe(true);
    const overload = await client.create({ ...ANIMALS, version: '2.0.0', concept: [{ code: 'axolotl' }] });
    expect(result(await check(`url=${system}&code=axolotl`))).toBe(true);
    expect(result(await check(`url=${system}&version=1.2.0&code=axolotl`))).toBe(false);
    await client.delete(`CodeSystem/${overload.id}`);
    expect(result(await check(`url=${system}&code=axolotl`))).toBe(false);
  });
});
