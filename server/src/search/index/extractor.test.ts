import { describe, expect, test } from 'vitest';
import { TextHasher, xorHash } from '../hash.ts';
import { compositePart, type IndexEntries, IndexKeys, MAX_DATE } from '../index-model.ts';
import { createExtractor, valueTypes } from './extractor.ts';
import { context, definitions, extract, has, key, keys, strings } from './test-entries.ts';
import { syntheaResources } from './test-support.ts';

describe('token (R4 search.html#token)', () => {
  test('Coding and CodeableConcept: c, s|c, s|; without system c and |c; codes without case; display and text for :text', () => {
    const entries = extract({
      resourceType: 'Observation',
      id: 'o',
      code: {
        coding: [
          { system: 'http://loinc.org', code: 'ABC-1', display: 'Heart  Rate' },
          { code: 'local' },
          { system: 'http://only' },
        ],
        text: 'Púlse',
      },
    });
    const code = key('Observation', 'code');
    for (const token of [
      keys.code(code, 'abc-1'),
      keys.systemCode(code, 'http://loinc.org', 'abc-1'),
      keys.system(code, 'http://loinc.org'),
      keys.code(code, 'local'),
      keys.systemCode(code, '', 'local'),
      keys.system(code, 'http://only'),
      keys.text(code, 'heart rate'),
      keys.text(code, 'pulse'),
    ]) {
      expect(has(entries, token)).toBe(true);
    }
    expect(has(entries, keys.systemCode(code, '', 'abc-1'))).toBe(false);
    expect(has(entries, keys.code(code, 'ABC-1'))).toBe(false);
    expect(entries.texts.filter((e) => e.param === code).map((e) => e.text)).toEqual(['heart rate', 'pulse']);
    expect(entries.texts.every((e) => has(entries, e.token))).toBe(true);
    expect(has(entries, keys.code(key('Observation', 'combo-code'), 'abc-1'))).toBe(true);
  });

  test('a string is found in any case, an id as it is', () => {
    const entries = extract({ resourceType: 'Questionnaire', id: 'q', status: 'draft', version: '1-Beta' });
    expect(has(entries, keys.code(key('Questionnaire', 'version'), '1-beta'))).toBe(true);
  });

  test('Identifier: the value keeps its case; :of-type by type coding; type text for :text', () => {
    const entries = extract({
      resourceType: 'Patient',
      id: 'p',
      identifier: [
        {
          system: 'urn:s',
          value: 'Ab1',
          type: { coding: [{ system: 'http://v2', code: 'MR' }], text: 'Medical Record' },
        },
        { value: 'x' },
        { system: 'urn:only' },
      ],
    });
    const param = key('Patient', 'identifier');
    for (const token of [
      keys.code(param, 'Ab1'),
      keys.systemCode(param, 'urn:s', 'Ab1'),
      keys.system(param, 'urn:s'),
      keys.ofType(param, 'http://v2', 'mr', 'Ab1'),
      keys.text(param, 'medical record'),
      keys.code(param, 'x'),
      keys.systemCode(param, '', 'x'),
      keys.system(param, 'urn:only'),
    ]) {
      expect(has(entries, token)).toBe(true);
    }
    expect(has(entries, keys.code(param, 'ab1'))).toBe(false);
  });

  test('code has the system of its required binding; boolean, ContactPoint and id; deceased is true for a date', () => {
    const entries = extract({
      resourceType: 'Patient',
      id: 'p',
      gender: 'male',
      active: true,
      deceasedDateTime: '2020-01-01',
      telecom: [{ system: 'email', value: 'A@b.org' }],
    });
    const gender = key('Patient', 'gender');
    expect(has(entries, keys.code(gender, 'male'))).toBe(true);
    expect(has(entries, keys.systemCode(gender, 'http://hl7.org/fhir/administrative-gender', 'male'))).toBe(
      true,
    );
    expect(has(entries, keys.system(gender, 'http://hl7.org/fhir/administrative-gender'))).toBe(true);
    expect(has(entries, keys.code(key('Patient', 'active'), 'true'))).toBe(true);
    expect(has(entries, keys.code(key('Patient', 'deceased'), 'true'))).toBe(true);
    expect(has(entries, keys.code(key('Patient', 'email'), 'a@b.org'))).toBe(true);
    expect(has(entries, keys.code(key('Patient', 'phone'), 'a@b.org'))).toBe(false);
    expect(
      has(extract({ resourceType: 'Patient', id: 'p' }), keys.code(key('Patient', 'deceased'), 'false')),
    ).toBe(true);
  });

  test('meta: _tag, _security, _profile with and without version, _source', () => {
    const entries = extract({
      resourceType: 'Basic',
      id: 'b',
      meta: {
        tag: [{ system: 't', code: 'x' }],
        security: [{ system: 'c', code: 'R' }],
        profile: ['http://p/StructureDefinition/a|1.0'],
        source: 'http://src/1#r',
      },
      code: { text: 'c' },
    });
    expect(has(entries, keys.systemCode(key('Basic', '_tag'), 't', 'x'))).toBe(true);
    expect(has(entries, keys.code(key('Basic', '_security'), 'r'))).toBe(true);
    const profile = key('Basic', '_profile');
    expect(has(entries, keys.uri(profile, 'http://p/StructureDefinition/a|1.0'))).toBe(true);
    expect(has(entries, keys.uri(profile, 'http://p/StructureDefinition/a'))).toBe(true);
    expect(entries.texts.filter((e) => e.param === profile).map((e) => e.text)).toContain(
      'http://p/StructureDefinition/a',
    );
    expect(has(entries, keys.uri(key('Basic', '_source'), 'http://src/1#r'))).toBe(true);
  });
});

describe('reference (R4 search.html#reference)', () => {
  const entries = extract({
    resourceType: 'Observation',
    id: 'o',
    status: 'final',
    subject: { reference: 'http://localhost:8080/fhir/demo/Patient/p1/_history/3' },
    encounter: { reference: 'Encounter/e1' },
    performer: [
      { reference: 'Practitioner/d1' },
      { reference: 'Patient/p1' },
      { reference: 'http://other.org/fhir/Practitioner/9' },
      { reference: 'urn:uuid:1' },
      { reference: '#c' },
      { identifier: { system: 'urn:npi', value: 'N1' } },
    ],
    contained: [{ resourceType: 'Practitioner', id: 'c' }],
  });
  const subject = key('Observation', 'subject');
  const performer = key('Observation', 'performer');

  test('literal references, absolute below the base URL too, leave Type/id without version, first among the tokens', () => {
    for (const [param, target] of [
      [subject, 'Patient/p1'],
      [key('Observation', 'patient'), 'Patient/p1'],
      [key('Observation', 'encounter'), 'Encounter/e1'],
      [performer, 'Practitioner/d1'],
      [performer, 'Patient/p1'],
    ] as const) {
      const token = keys.referenceToken(param, target);
      const at = entries.tokens.findIndex(({ hi, lo }) => hi === token.hi && lo === token.lo);
      expect(at, target).toBeGreaterThanOrEqual(0);
      expect(at).toBeLessThan(entries.referenceCount);
    }
    expect(entries.referenceCount).toBe(5);
    expect(keys.referenceToken(subject, 'Patient/p1')).toEqual(
      xorHash(keys.salt(subject), keys.reference('Patient/p1')),
    );
  });

  test('other servers, urns and identifiers', () => {
    expect(has(entries, keys.urlToken(performer, 'http://other.org/fhir/Practitioner/9'))).toBe(true);
    expect(has(entries, keys.urlToken(performer, 'urn:uuid:1'))).toBe(true);
    expect(has(entries, keys.identifier(performer, compositePart(undefined, 'N1')))).toBe(true);
    expect(has(entries, keys.identifier(performer, compositePart('urn:npi', 'N1')))).toBe(true);
    expect(has(entries, keys.identifier(performer, compositePart('urn:npi', '')))).toBe(true);
  });

  test('the patient column, compartments (R4 compartmentdefinition.html) and contained types', () => {
    expect(entries.patient).toEqual(keys.reference('Patient/p1'));
    expect(has(entries, keys.compartment('Patient', 'p1'))).toBe(true);
    expect(has(entries, keys.compartment('Encounter', 'e1'))).toBe(true);
    expect(has(entries, keys.compartment('Practitioner', 'd1'))).toBe(true);
    expect(has(entries, keys.compartment('Practitioner', '9'))).toBe(false);
    expect(has(entries, keys.containedType('Observation', 'Practitioner'))).toBe(true);
    const patient = extract({ resourceType: 'Patient', id: 'p1' });
    expect(patient.patient).toEqual(keys.reference('Patient/p1'));
    expect(has(patient, keys.compartment('Patient', 'p1'))).toBe(true);
    expect(
      extract({ resourceType: 'Observation', id: 'x', subject: { reference: 'Group/g' } }).patient,
    ).toBeNull();
  });

  test('a canonical is found by URL with and without version, and as Type/id', () => {
    const response = extract({
      resourceType: 'QuestionnaireResponse',
      id: 'r',
      questionnaire: 'http://q.org/Questionnaire/1|2.0',
    });
    const param = key('QuestionnaireResponse', 'questionnaire');
    expect(has(response, keys.urlToken(param, 'http://q.org/Questionnaire/1|2.0'))).toBe(true);
    expect(has(response, keys.urlToken(param, 'http://q.org/Questionnaire/1'))).toBe(true);
    const local = extract({
      resourceType: 'QuestionnaireResponse',
      id: 'r',
      questionnaire: 'Questionnaire/1|2',
    });
    expect(has(local, keys.referenceToken(param, 'Questionnaire/1'))).toBe(true);
  });
});

test('string (R4 search.html#string): each part of a name and an address, normalized; :exact as written', () => {
  const entries = extract({
    resourceType: 'Patient',
    id: 'p',
    name: [
      {
        family: 'Müller',
        given: ['Änne', 'Eva'],
        prefix: ['Dr.'],
        suffix: ['Jr'],
        text: 'Dr. Änne Eva Müller',
      },
    ],
    address: [{ line: ['1  Main St'], city: 'Zürich', postalCode: '8000', country: 'CH' }],
  });
  expect(strings(entries, key('Patient', 'name')).sort()).toEqual([
    'anne',
    'dr.',
    'dr. anne eva muller',
    'eva',
    'jr',
    'muller',
  ]);
  expect(strings(entries, key('Patient', 'family'))).toEqual(['muller']);
  expect(strings(entries, key('Patient', 'given'))).toEqual(['anne', 'eva']);
  expect(strings(entries, key('Patient', 'address'))).toEqual(['1 main st', 'zurich', '8000', 'ch']);
  expect(strings(entries, key('Patient', 'address-city'))).toEqual(['zurich']);
  expect(has(entries, keys.exact(key('Patient', 'family'), 'Müller'))).toBe(true);
  expect(has(entries, keys.exact(key('Patient', 'family'), 'muller'))).toBe(false);
  const long = extract({ resourceType: 'Patient', id: 'p', name: [{ family: `${'x'.repeat(255)}😀y` }] });
  expect(strings(long, key('Patient', 'family'))).toEqual(['x'.repeat(255)]);
});

describe('date (R4 search.html#date)', () => {
  test('the primary date lies in the row, all others in dates; both are present', () => {
    const search = definitions.search('Observation');
    expect(search.primaryDate).toBe('date');
    const entries = extract({
      resourceType: 'Observation',
      id: 'o',
      effectivePeriod: { start: '2013-01-01' },
      valueDateTime: '2012-05',
    });
    expect([entries.dateLow, entries.dateHigh]).toEqual([Date.parse('2013-01-01'), MAX_DATE]);
    expect(entries.dates).toEqual([
      {
        param: key('Observation', 'value-date'),
        low: Date.parse('2012-05-01'),
        high: Date.parse('2012-06-01') - 1,
      },
    ]);
    expect(entries.present).toContain(key('Observation', 'date'));
    expect(entries.present).toContain(key('Observation', 'value-date'));
    expect(entries.present).not.toContain(key('Observation', 'value-quantity'));
    expect(new Set(entries.present).size).toBe(entries.present.length);
  });
});

test('no duplicates among tokens, and the same resource gives the same entries whatever came before', () => {
  const resources = syntheaResources(1).slice(0, 300);
  const distinct = (entries: IndexEntries) => new Set(entries.tokens.map(({ hi, lo }) => `${hi} ${lo}`)).size;
  const first = resources.map((resource) => extract(resource));
  for (const entries of first) expect(distinct(entries)).toBe(entries.tokens.length);
  const other = new IndexKeys(new TextHasher(new Uint8Array(16).fill(7)), 3);
  const again = resources.map((resource) =>
    createExtractor(definitions, resource.resourceType)(resource, other, context),
  );
  expect(again).toEqual(first);
  const many = extract({
    resourceType: 'List',
    id: 'l',
    entry: Array.from({ length: 3000 }, (_, i) => ({ item: { reference: `Patient/${i % 1500}` } })),
  });
  expect(many.referenceCount).toBe(1500);
  expect(distinct(many)).toBe(many.tokens.length);
});

test('two tenants share no token (issue: tenants never meet)', () => {
  const resource = syntheaResources(1)[0] ?? { resourceType: 'Patient', id: 'p', gender: 'male' };
  const other = new IndexKeys(new TextHasher(new Uint8Array(16).fill(7)), 4);
  const theirs = createExtractor(definitions, 'Patient')(resource, other, context);
  const ours = new Set(extract(resource).tokens.map(({ hi, lo }) => `${hi} ${lo}`));
  expect(theirs.tokens.some(({ hi, lo }) => ours.has(`${hi} ${lo}`))).toBe(false);
});

test('valueTypes tells what kinds of values a parameter finds', () => {
  const types = (type: string, code: string) => {
    const param = definitions.search(type).params.get(code);
    return param === undefined ? [] : [...valueTypes(param, definitions)].sort();
  };
  expect(types('Patient', 'identifier')).toEqual(['Identifier']);
  expect(types('Observation', 'value-date')).toEqual(['Period', 'dateTime']);
  expect(types('Patient', 'gender')).toEqual(['code']);
});
