import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, startHarness, type TestClient } from '../../../../test/harness.ts';
import {
  ANIMALS,
  animalSet,
  codesIn,
  expanded,
  type ParameterList,
  parameters,
  registerTerminology,
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
const tx = ['tx-resource', ANIMALS] as const;
const paramsOf = (json: { expansion: { parameter: { name: string }[] } }) =>
  Object.fromEntries(
    json.expansion.parameter.map((one) => [
      one.name,
      Object.entries(one).find(([key]) => key.startsWith('value'))?.[1],
    ]),
  );

describe('ValueSet/$expand: compose (R4 valueset.html#compositions)', () => {
  it('lists a whole code system as the tree that it is, and flat with excludeNested', async () => {
    const valueSet = animalSet({ include: [{ system }] });
    const tree = await expanded(client, tx, ['valueSet', valueSet]);
    expect(codesIn(tree)).toBe('mammal(cat(kitten) dodo-cat) bird');
    expect(tree.expansion.total).toBe(5);
    expect(tree.compose).toBeUndefined();
    expect(paramsOf(tree)).toMatchObject({ 'used-codesystem': `${system}|1.2.0` });
    const flat = await expanded(
      client,
      tx,
      ['valueSet', valueSet],
      ['excludeNested', { valueBoolean: true }],
    );
    expect(codesIn(flat)).toBe('mammal cat kitten dodo-cat bird');
    expect(flat.expansion.contains[0]).toMatchObject({ abstract: true, system, display: 'Mammal' });
    expect(flat.expansion.contains[3]).toMatchObject({ inactive: true });
  });

  it.each([
    ['is-a', 'concept', 'cat', 'cat kitten'],
    ['descendent-of', 'concept', 'cat', 'kitten'],
    ['is-not-a', 'concept', 'mammal', 'bird'],
    ['child-of', 'concept', 'mammal', 'cat dodo-cat'],
    ['descendent-leaf', 'concept', 'mammal', 'kitten dodo-cat'],
    ['generalizes', 'concept', 'kitten', 'mammal cat kitten'],
    ['regex', 'code', '.*cat', 'cat dodo-cat'],
    ['in', 'concept', 'cat, bird', 'cat bird'],
    ['not-in', 'concept', 'cat,bird', 'mammal kitten dodo-cat'],
    ['=', 'legs', '2', 'dodo-cat bird'],
    ['exists', 'legs', 'false', 'mammal'],
    ['in', 'legs', '2,3', 'dodo-cat bird'],
    ['=', 'status', 'retired', 'dodo-cat'],
    ['exists', 'child', 'true', 'mammal cat'],
    ['=', 'parent', 'cat', 'kitten'],
  ])('filters by %s over %s = %s (valueset-filter-operator)', async (op, property, value, codes) => {
    const valueSet = animalSet({ include: [{ system, filter: [{ property, op, value }] }] });
    const json = await expanded(
      client,
      tx,
      ['valueSet', valueSet],
      ['excludeNested', { valueBoolean: true }],
    );
    expect(codesIn(json)).toBe(codes);
  });

  it('unites includes, intersects the parts of one, and takes excludes away', async () => {
    const inner = animalSet(
      { include: [{ system, concept: [{ code: 'cat' }, { code: 'bird' }] }] },
      { url: 'http://example.org/inner' },
    );
    const valueSet = animalSet({
      include: [
        {
          system,
          filter: [{ property: 'concept', op: 'is-a', value: 'mammal' }],
          valueSet: ['http://example.org/inner'],
        },
        { system, concept: [{ code: 'kitten' }, { code: 'unicorn' }, { code: 'dodo-cat' }] },
      ],
      exclude: [{ system, concept: [{ code: 'dodo-cat' }] }],
    });
    const json = await expanded(client, tx, ['tx-resource', inner], ['valueSet', valueSet]);
    expect(codesIn(json)).toBe('cat kitten');
    expect(paramsOf(json)['used-valueset']).toBe('http://example.org/inner|1.0.0');
  });

  it('leaves inactive codes out with activeOnly or compose.inactive = false', async () => {
    const all = { include: [{ system }] };
    const one = await expanded(
      client,
      tx,
      ['valueSet', animalSet(all)],
      ['activeOnly', { valueBoolean: true }],
    );
    expect(codesIn(one)).toBe('mammal(cat(kitten)) bird');
    const two = await expanded(client, tx, ['valueSet', animalSet({ inactive: false, ...all })]);
    expect(codesIn(two)).toBe('mammal(cat(kitten)) bird');
  });

  it('filters by text, pages, and tells of it', async () => {
    const valueSet = animalSet({ include: [{ system }] });
    const found = await expanded(client, tx, ['valueSet', valueSet], ['filter', { valueString: 'KAT' }]);
    expect(codesIn(found)).toBe('cat');
    const page = await expanded(
      client,
      tx,
      ['valueSet', valueSet],
      ['count', { valueInteger: 2 }],
      ['offset', { valueInteger: 1 }],
    );
    expect(codesIn(page)).toBe('cat kitten');
    expect(page.expansion).toMatchObject({ total: 5, offset: 1 });
    const none = await expanded(client, tx, ['valueSet', valueSet], ['count', { valueInteger: 0 }]);
    expect(none.expansion).toMatchObject({ total: 5 });
    expect(none.expansion.contains).toBeUndefined();
  });

  it('chooses displays by language, with the other texts as designations', async () => {
    const valueSet = animalSet({ include: [{ system, concept: [{ code: 'cat' }, { code: 'bird' }] }] });
    const json = await expanded(
      client,
      tx,
      ['valueSet', valueSet],
      ['displayLanguage', { valueCode: 'de' }],
      ['includeDesignations', { valueBoolean: true }],
    );
    expect(json.expansion.contains.map((one: { display: string }) => one.display)).toEqual(['Katze', 'Bird']);
    expect(json.expansion.contains[0].designation.map((one: { value: string }) => one.value)).toEqual([
      'Cat',
      'Chat',
    ]);
    const strict = await expanded(
      client,
      tx,
      ['valueSet', valueSet],
      ['displayLanguage', { valueCode: 'de, *;q=0' }],
    );
    expect(strict.expansion.contains[1].display).toBeUndefined();
  });

  it('gives properties that were asked for as the R5 extension', async () => {
    const valueSet = animalSet({ include: [{ system, concept: [{ code: 'cat' }] }] });
    const json = await expanded(
      client,
      tx,
      ['valueSet', valueSet],
      ['property', { valueString: 'legs' }],
      ['property', { valueString: 'definition' }],
    );
    expect(json.expansion.contains[0].extension.map((one: { extension: object[] }) => one.extension)).toEqual(
      [
        [
          { url: 'code', valueCode: 'legs' },
          { url: 'value', valueInteger: 4 },
        ],
        [
          { url: 'code', valueCode: 'definition' },
          { url: 'value', valueString: 'A small carnivore' },
        ],
      ],
    );
  });

  it('warns of drafts and experiments that an active value set draws on', async () => {
    const draft = { ...ANIMALS, status: 'draft' };
    const json = await expanded(
      client,
      ['tx-resource', draft],
      ['valueSet', animalSet({ include: [{ system }] })],
    );
    expect(paramsOf(json)['warning-draft']).toBe(`${system}|1.2.0`);
  });

  it('takes the version that the request says', async () => {
    const older = { ...ANIMALS, version: '1.0.0', concept: [{ code: 'dinosaur' }] };
    const both = [tx, ['tx-resource', older] as const] as const;
    const valueSet = animalSet({ include: [{ system }] });
    expect(codesIn(await expanded(client, ...both, ['valueSet', valueSet]))).toContain('cat');
    const json = await expanded(
      client,
      ...both,
      ['valueSet', valueSet],
      ['system-version', { valueUri: `${system}|1.0.0` }],
    );
    expect(codesIn(json)).toBe('dinosaur');
    expect(paramsOf(json)['system-version']).toBe(`${system}|1.0.0`);
    const checked = await client.post(
      'ValueSet/$expand',
      parameters(
        ...both,
        ['valueSet', animalSet({ include: [{ system, version: '1.0.0' }] })],
        ['check-system-version', { valueUri: `${system}|1.2.x` }],
      ),
    );
    expect(checked.status).toBe(400);
    expect(checked.json.issue[0].details.coding[0].code).toBe('version-error');
  });

  it('uses supplements that the value set names, and refuses to go without', async () => {
    const supplement = {
      resourceType: 'CodeSystem',
      url: 'http://example.org/supplement',
      version: '1',
      status: 'active',
      content: 'supplement',
      supplements: system,
      concept: [{ code: 'bird', designation: [{ language: 'nl', value: 'Vogel' }] }],
    };
    const valueSet = animalSet(
      { include: [{ system, concept: [{ code: 'bird' }] }] },
      {
        extension: [
          {
            url: 'http://hl7.org/fhir/StructureDefinition/valueset-supplement',
            valueCanonical: 'http://example.org/supplement',
          },
        ],
      },
    );
    const json = await expanded(
      client,
      tx,
      ['tx-resource', supplement],
      ['valueSet', valueSet],
      ['displayLanguage', { valueCode: 'nl' }],
    );
    expect(json.expansion.contains[0].display).toBe('Vogel');
    expect(paramsOf(json)['used-supplement']).toBe('http://example.org/supplement|1');
    const missing = await client.post('ValueSet/$expand', parameters(tx, ['valueSet', valueSet]));
    expect(missing.status).toBe(422);
    expect(missing.json.issue[0].details.text).toBe(
      'Required supplement not found: http://example.org/supplement',
    );
  });
});

describe('ValueSet/$expand: what bad input gets', () => {
  const failing = async (...list: ParameterList) => {
    const answer = await client.post('ValueSet/$expand', parameters(...list));
    return `${answer.status} ${answer.json.issue[0].code} ${answer.json.issue[0].details.text}`;
  };

  it('names circles, unknown imports, unknown code systems and filters', async () => {
    const a = animalSet(
      { include: [{ valueSet: ['http://example.org/b'] }] },
      { url: 'http://example.org/a' },
    );
    const b = animalSet(
      { include: [{ valueSet: ['http://example.org/a'] }] },
      { url: 'http://example.org/b' },
    );
    expect(
      await failing(['tx-resource', b], ['tx-resource', a], ['url', { valueUri: 'http://example.org/a' }]),
    ).toBe(
      '400 processing Found a circularity pointing to http://example.org/a|1.0.0 processing ValueSet with pathway [http://example.org/a|1.0.0, http://example.org/b|1.0.0]',
    );
    expect(await failing(['valueSet', b])).toContain(
      "422 not-found Unable to find included value set 'http://example.org/a'",
    );
    expect(
      await failing(['valueSet', animalSet({ include: [{ system: 'http://example.org/none' }] })]),
    ).toContain("422 not-found A definition for CodeSystem 'http://example.org/none' could not be found");
    const filter = (property: string, op: string, value: string) =>
      failing(tx, ['valueSet', animalSet({ include: [{ system, filter: [{ property, op, value }] }] })]);
    expect(await filter('colour', '=', 'red')).toBe(
      '400 not-supported The filter "colour = red" is not understood or supported',
    );
    expect(await filter('code', 'regex', '(a+')).toContain("400 invalid The regex '(a+' is not valid");
    expect(await failing(['url', { valueUri: 'http://example.org/none' }])).toContain('422 not-found');
  });

  it('is too-costly above the limit, unless it is paged', async () => {
    const concept = Array.from({ length: 3500 }, (_, i) => ({ code: `c${i}`, display: `Code ${i}` }));
    const big = { ...ANIMALS, url: 'http://example.org/big', concept };
    const valueSet = animalSet({ include: [{ system: 'http://example.org/big' }] });
    expect(await failing(['tx-resource', big], ['valueSet', valueSet])).toBe(
      "422 too-costly The value set 'http://example.org/vs|1.0.0' expansion has too many codes to produce (>3000)",
    );
    const page = await expanded(
      client,
      ['tx-resource', big],
      ['valueSet', valueSet],
      ['count', { valueInteger: 10 }],
    );
    expect(page.expansion.contains).toHaveLength(10);
  });
});

describe('ValueSet/$expand: sources', () => {
  it('expands built-in, implicit and computed value sets by GET', async () => {
    const gender = await client.get(
      'ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender',
    );
    expect(codesIn(gender.json)).toBe('male female other unknown');
    const all = await client.get(
      `ValueSet/$expand?url=${encodeURIComponent('http://hl7.org/fhir/administrative-gender?fhir_vs')}`,
    );
    expect(codesIn(all.json)).toBe('male female other unknown');
    const currencies = await client.get(
      'ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/currencies&filter=swiss',
    );
    expect(codesIn(currencies.json)).toBe('CHF');
    const countries = await client.get(
      'ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/iso3166-1-3&filter=switz',
    );
    expect(codesIn(countries.json)).toBe('CHE');
  });

  it("expands the tenant's own resources at once after they are written, at type and instance level, and only there", async () => {
    await client.create(ANIMALS);
    const valueSet = animalSet({
      include: [{ system, filter: [{ property: 'concept', op: 'is-a', value: 'cat' }] }],
    });
    const stored = await client.create({ ...valueSet, url: 'http://example.org/stored' });
    expect(codesIn((await client.get('ValueSet/$expand?url=http://example.org/stored')).json)).toBe(
      'cat(kitten)',
    );
    expect(codesIn((await client.get(`ValueSet/${stored.id}/$expand`)).json)).toBe('cat(kitten)');
    await client.put(`ValueSet/${stored.id}`, {
      ...stored,
      compose: { include: [{ system, concept: [{ code: 'bird' }] }] },
    });
    expect(codesIn((await client.get('ValueSet/$expand?url=http://example.org/stored|1.0.0')).json)).toBe(
      'bird',
    );
    const other = await harness.addTenant('other');
    expect((await other.get('ValueSet/$expand?url=http://example.org/stored')).status).toBe(422);
  });

  it('finds the value set of an element by context', async () => {
    const answer = await client.get(
      `ValueSet/$expand?context=${encodeURIComponent('http://hl7.org/fhir/StructureDefinition/Patient#Patient.contact.gender')}`,
    );
    expect(codesIn(answer.json)).toBe('male female other unknown');
    // Bindings of any strength, by path alone, and below a data type.
    const marital = await client.get('ValueSet/$expand?context=Patient.maritalStatus&count=2');
    expect(codesIn(marital.json)).toBe('A D');
    const use = await client.get('ValueSet/$expand?context=Patient.contact.name.use&filter=maiden');
    expect(codesIn(use.json)).toBe('maiden');
    expect((await client.get('ValueSet/$expand?context=Patient.birthDate')).status).toBe(422);
  });

  it('leaves out a code system or a version of it (R4 exclude-system)', async () => {
    const include = [
      { system, concept: [{ code: 'cat' }] },
      { valueSet: ['http://hl7.org/fhir/ValueSet/administrative-gender'] },
    ];
    const valueSet = animalSet({ include });
    const without = (canonical: string) =>
      expanded(
        client,
        ['tx-resource', ANIMALS],
        ['valueSet', valueSet],
        ['exclude-system', { valueCanonical: canonical }],
      );
    const left = await without(system);
    expect(codesIn(left)).toBe('male female other unknown');
    expect(left.expansion.parameter).toContainEqual({ name: 'exclude-system', valueUri: system });
    expect(codesIn(await without('http://hl7.org/fhir/administrative-gender|4.0.1'))).toBe('cat');
    expect(codesIn(await without(`${system}|0.9`))).toBe('cat male female other unknown');
  });
});
