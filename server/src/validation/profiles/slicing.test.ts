import { describe, expect, it } from 'vitest';
import { against, observation, patient, profile } from './test-support.ts';

const slice = (sliceName: string, more: object) => ({
  id: `Patient.identifier:${sliceName}`,
  path: 'Patient.identifier',
  sliceName,
  ...more,
});
const bySystem = (slicing: object, slices: [name: string, system: string, more?: object][]) => [
  { id: 'Patient', path: 'Patient' },
  {
    id: 'Patient.identifier',
    path: 'Patient.identifier',
    slicing: { discriminator: [{ type: 'value', path: 'system' }], ...slicing },
  },
  ...slices.flatMap(([name, system, more]) => [
    slice(name, more ?? {}),
    { id: `Patient.identifier:${name}.system`, path: 'Patient.identifier.system', min: 1, fixedUri: system },
  ]),
];
const ids = (...systems: string[]) =>
  patient({ identifier: systems.map((system) => ({ system, value: '1' })) });

describe('cardinality and values (elementdefinition.html)', () => {
  it('min and max of a profile; what is missing is an issue of the element that lacks it', () => {
    expect(against([{ path: 'Patient.name', min: 1 }], patient({}))).toEqual(['error required Patient']);
    expect(against([{ path: 'Patient.photo', max: '0' }], patient({ photo: [{ title: 'a' }] }))).toEqual([
      'error structure Patient',
    ]);
  });
  it('fixed is exactly the value, pattern a part of it', () => {
    const code = { coding: [{ system: 'http://e.org', code: 'a' }] };
    const more = { coding: [{ system: 'http://e.org', code: 'a', display: 'A' }], text: 't' };
    const fixed = [{ path: 'Observation.code', fixedCodeableConcept: code }];
    const pattern = [{ path: 'Observation.code', patternCodeableConcept: code }];
    expect(against(fixed, observation({ code }))).toEqual([]);
    expect(against(fixed, observation({ code: more }))).toEqual(['error value Observation.code']);
    expect(against(pattern, observation({ code: more }))).toEqual([]);
    expect(against(pattern, observation({}))).toEqual(['error value Observation.code']);
  });
  it('minValue, maxValue and maxLength', () => {
    const elements = [
      { path: 'Patient.birthDate', minValueDate: '1900-01-01', maxValueDate: '2000-12-31' },
      { path: 'Patient.language', maxLength: 2 },
    ];
    expect(against(elements, patient({ birthDate: '1950-05-05', language: 'en' }))).toEqual([]);
    expect(against(elements, patient({ birthDate: '2001-01-01', language: 'en-US' }))).toEqual([
      'error value Patient.language',
      'error value Patient.birthDate',
    ]);
  });
  it('any resource narrowed to a type, or to a profile of a type (Bundle.entry.resource)', () => {
    const bundle = (resource: object) => ({
      resourceType: 'Bundle',
      type: 'collection',
      entry: [{ fullUrl: 'urn:uuid:c757873d-ec9a-4326-a141-556000000001', resource }],
    });
    const narrowed = (type: object) => [
      { id: 'Bundle.entry.resource', path: 'Bundle.entry.resource', type: [type] },
    ];
    const named = profile('Patient', [{ id: 'Patient.name', path: 'Patient.name', min: 1 }], {
      url: 'http://e.org/named',
    });
    const group = { resourceType: 'Group', type: 'person', actual: true };
    const wrong = ['error structure Bundle.entry[0].resource'];
    expect(against(narrowed({ code: 'Patient' }), bundle(patient({})))).toEqual([]);
    expect(against(narrowed({ code: 'Patient' }), bundle(group))).toEqual(wrong);
    const profiled = narrowed({ code: 'Resource', profile: ['http://e.org/named'] });
    expect(against(profiled, bundle(patient({ name: [{ text: 'x' }] })), [named])).toEqual([]);
    expect(against(profiled, bundle(patient({})), [named])).toEqual([
      'error required Bundle.entry[0].resource',
    ]);
    expect(against(profiled, bundle(group), [named])).toEqual(wrong);
  });
  it('the form of a value (extension regex), on the element or on its type', () => {
    const regex = [{ url: 'http://hl7.org/fhir/StructureDefinition/regex', valueString: '(a|b)*' }];
    const family = { id: 'Patient.name.family', path: 'Patient.name.family' };
    for (const element of [
      { ...family, extension: regex },
      { ...family, type: [{ code: 'string', extension: regex }] },
    ]) {
      expect(against([element], patient({ name: [{ family: 'abab' }] }))).toEqual([]);
      expect(against([element], patient({ name: [{ family: 'abc' }] }))).toEqual([
        'error value Patient.name[0].family',
      ]);
    }
  });
  it('a choice narrowed to some types', () => {
    const elements = [{ path: 'Observation.value[x]', type: [{ code: 'Quantity' }, { code: 'string' }] }];
    expect(against(elements, observation({ valueString: 'a' }))).toEqual([]);
    expect(against(elements, observation({ valueBoolean: true }))).toEqual([
      'error structure Observation.value.ofType(boolean)',
    ]);
  });
  it('references to types and profiles; the target is validated where it is here', () => {
    const elements = [
      {
        path: 'Observation.subject',
        type: [{ code: 'Reference', targetProfile: ['http://e.org/sd/named'] }],
      },
    ];
    const named = { ...profile('Patient', [{ path: 'Patient.name', min: 1 }]), url: 'http://e.org/sd/named' };
    const to = (target: object, reference = '#p') =>
      against(
        elements,
        observation({ contained: [{ resourceType: 'Patient', id: 'p', ...target }], subject: { reference } }),
        [named],
      );
    expect(to({ name: [{ text: 'a' }] })).toEqual([]);
    expect(to({})).toEqual(['error structure Observation.subject']);
    expect(against(elements, observation({ subject: { reference: 'Group/1' } }), [named])).toEqual([
      'error structure Observation.subject',
    ]);
    const contained = [
      { path: 'Observation.subject', type: [{ code: 'Reference', aggregation: ['contained'] }] },
    ];
    expect(against(contained, observation({ subject: { reference: 'Patient/1' } }))).toEqual([
      'error structure Observation.subject',
    ]);
  });
});

describe('slicing (profiling.html#slicing)', () => {
  it('counts the members of a slice', () => {
    const elements = bySystem({ rules: 'open' }, [['a', 'http://a', { min: 1, max: '1' }]]);
    expect(against(elements, ids('http://b', 'http://a'))).toEqual([]);
    expect(against(elements, ids('http://b'))).toEqual(['error required Patient']);
    expect(against(elements, ids('http://a', 'http://a'))).toEqual(['error structure Patient']);
  });
  it('closed: nothing else; openAtEnd: others behind; ordered: slices in their order', () => {
    const two: [string, string][] = [
      ['a', 'http://a'],
      ['b', 'http://b'],
    ];
    expect(against(bySystem({ rules: 'closed' }, two), ids('http://a', 'http://c'))).toEqual([
      'error structure Patient.identifier[1]',
    ]);
    expect(against(bySystem({ rules: 'openAtEnd' }, two), ids('http://c', 'http://a'))).toEqual([
      'error structure Patient.identifier[0]',
    ]);
    expect(against(bySystem({ rules: 'openAtEnd' }, two), ids('http://a', 'http://c'))).toEqual([]);
    expect(against(bySystem({ rules: 'open', ordered: true }, two), ids('http://b', 'http://a'))).toEqual([
      'error structure Patient.identifier[1]',
    ]);
  });
  it('the default slice takes what no other does', () => {
    const elements = [...bySystem({ rules: 'open' }, [['a', 'http://a']]), slice('@default', { max: '0' })];
    expect(against(elements, ids('http://a'))).toEqual([]);
    expect(against(elements, ids('http://c'))).toEqual(['error structure Patient']);
  });
  it('reslices divide a slice', () => {
    const elements = [
      {
        id: 'Patient.identifier',
        path: 'Patient.identifier',
        slicing: { discriminator: [{ type: 'value', path: 'system' }], rules: 'open' },
      },
      slice('a', { slicing: { discriminator: [{ type: 'value', path: 'use' }], rules: 'open' } }),
      { id: 'Patient.identifier:a.system', path: 'Patient.identifier.system', min: 1, fixedUri: 'http://a' },
      slice('a/usual', { max: '1' }),
      { id: 'Patient.identifier:a/usual.use', path: 'Patient.identifier.use', min: 1, fixedCode: 'usual' },
    ];
    const usual = (system: string) => ({ system, value: '1', use: 'usual' });
    expect(against(elements, patient({ identifier: [usual('http://a'), usual('http://b')] }))).toEqual([]);
    expect(against(elements, patient({ identifier: [usual('http://a'), usual('http://a')] }))).toEqual([
      'error structure Patient',
    ]);
  });
  it.each([
    ['exists', 'system', { max: '0' }, [{ value: '1' }], [{ system: 'http://a', value: '1' }]],
    ['pattern', '$this', {}, [{ use: 'old', value: '1' }], [{ use: 'usual', value: '1' }]],
  ])('discriminator %s over %s', (type, path, system, inside, outside) => {
    const elements = [
      {
        id: 'Patient.identifier',
        path: 'Patient.identifier',
        slicing: { discriminator: [{ type, path }], rules: 'open' },
      },
      slice('s', { min: 1, ...(type === 'pattern' ? { patternIdentifier: { use: 'old' } } : {}) }),
      ...(type === 'exists'
        ? [{ id: 'Patient.identifier:s.system', path: 'Patient.identifier.system', ...system }]
        : []),
    ];
    expect(against(elements, patient({ identifier: inside }))).toEqual([]);
    expect(against(elements, patient({ identifier: outside }))).toEqual(['error required Patient']);
  });
  it('discriminators type and profile, and type behind resolve()', () => {
    const entry = (more: object) => ({
      id: 'Bundle.entry:s',
      path: 'Bundle.entry',
      sliceName: 's',
      min: 1,
      ...more,
    });
    const bundle = (resource: object) => ({
      resourceType: 'Bundle',
      type: 'collection',
      entry: [{ fullUrl: 'http://e.org/Patient/1', resource: { id: '1', ...resource } }],
    });
    const by = (type: string, of: object) => [
      {
        id: 'Bundle.entry',
        path: 'Bundle.entry',
        slicing: { discriminator: [{ type, path: 'resource' }], rules: 'open' },
      },
      entry({}),
      { id: 'Bundle.entry:s.resource', path: 'Bundle.entry.resource', min: 1, type: [of] },
    ];
    const named = { ...profile('Patient', [{ path: 'Patient.name', min: 1 }]), url: 'http://e.org/sd/named' };
    const type = by('type', { code: 'Patient' });
    expect(against(type, bundle({ resourceType: 'Patient' }))).toEqual([]);
    expect(
      against(type, {
        ...bundle({}),
        entry: [
          {
            fullUrl: 'http://e.org/Basic/1',
            resource: { resourceType: 'Basic', id: '1', code: { text: 'x' } },
          },
        ],
      }),
    ).toEqual(['error required Bundle']);
    const byProfile = by('profile', { code: 'Patient', profile: ['http://e.org/sd/named'] });
    expect(against(byProfile, bundle({ resourceType: 'Patient', name: [{ text: 'a' }] }), [named])).toEqual(
      [],
    );
    expect(against(byProfile, bundle({ resourceType: 'Patient' }), [named])).toEqual([
      'error required Bundle',
    ]);
    const performer = [
      {
        id: 'Observation.performer',
        path: 'Observation.performer',
        slicing: { discriminator: [{ type: 'type', path: 'resolve()' }], rules: 'open' },
      },
      {
        id: 'Observation.performer:org',
        path: 'Observation.performer',
        sliceName: 'org',
        max: '1',
        type: [
          { code: 'Reference', targetProfile: ['http://hl7.org/fhir/StructureDefinition/Organization'] },
        ],
      },
    ];
    const by2 = (...references: string[]) =>
      observation({ performer: references.map((reference) => ({ reference })) });
    expect(against(performer, by2('Organization/1', 'Practitioner/1'))).toEqual([]);
    expect(against(performer, by2('Organization/1', 'Organization/2'))).toEqual([
      'error structure Observation',
    ]);
  });
  it('discriminators through extension(url) and ofType()', () => {
    const extension = 'http://e.org/sd/kind';
    const definition = {
      ...profile('Extension', [
        { path: 'Extension.url', fixedUri: extension },
        { path: 'Extension.value[x]', type: [{ code: 'code' }] },
      ]),
      url: extension,
      context: [{ type: 'element', expression: 'Identifier' }],
    };
    const elements = [
      {
        id: 'Patient.identifier',
        path: 'Patient.identifier',
        slicing: {
          discriminator: [{ type: 'value', path: `extension('${extension}').value` }],
          rules: 'open',
        },
      },
      slice('s', { max: '1' }),
      {
        id: 'Patient.identifier:s.extension:kind',
        path: 'Patient.identifier.extension',
        sliceName: 'kind',
        type: [{ code: 'Extension', profile: [extension] }],
      },
      {
        id: 'Patient.identifier:s.extension:kind.value[x]',
        path: 'Patient.identifier.extension.value[x]',
        fixedCode: 'k',
      },
    ];
    const of = (...codes: string[]) =>
      patient({
        identifier: codes.map((valueCode) => ({ value: '1', extension: [{ url: extension, valueCode }] })),
      });
    expect(against(elements, of('k', 'l'), [definition])).toEqual([]);
    expect(against(elements, of('k', 'k'), [definition])).toEqual(['error structure Patient']);
  });
});
