import { describe, expect, it } from 'vitest';
import { against, check, observation, P, patient, profile, withResources } from './test-support.ts';
import { createValidators } from './validate.ts';

const coding = (code: string) => ({ coding: [{ system: 'http://e.org', code }] });
const sliced = (path: string, type: string, at: string, more: object = {}) => ({
  id: path,
  path,
  slicing: { discriminator: [{ type, path: at }], rules: 'open', ...more },
});

describe('slices by more kinds of discriminator (profiling.html#discriminator)', () => {
  it('exists: those that have an element, and those that do not', () => {
    const elements = [
      sliced('Patient.identifier', 'exists', 'period'),
      { id: 'Patient.identifier:dated', path: 'Patient.identifier', sliceName: 'dated', max: '1' },
      { id: 'Patient.identifier:dated.period', path: 'Patient.identifier.period', min: 1 },
      { id: 'Patient.identifier:undated', path: 'Patient.identifier', sliceName: 'undated', min: 1 },
      { id: 'Patient.identifier:undated.period', path: 'Patient.identifier.period', max: '0' },
    ];
    const dated = { value: 'a', period: { start: '2020' } };
    expect(against(elements, patient({ identifier: [dated, { value: 'b' }] }))).toEqual([]);
    expect(against(elements, patient({ identifier: [dated] }))).toEqual(['error required Patient']);
    expect(against(elements, patient({ identifier: [dated, dated, { value: 'b' }] }))).toEqual([
      'error structure Patient',
    ]);
  });
  it('value on $this of a primitive', () => {
    const elements = [
      sliced('Patient.name', 'value', 'use'),
      { id: 'Patient.name:o', path: 'Patient.name', sliceName: 'o', min: 1, max: '1' },
      { id: 'Patient.name:o.use', path: 'Patient.name.use', min: 1, fixedCode: 'official' },
      {
        ...sliced('Patient.name:o.given', 'value', '$this'),
        path: 'Patient.name.given',
        id: 'Patient.name:o.given',
      },
      { id: 'Patient.name:o.given:a', path: 'Patient.name.given', sliceName: 'a', min: 1, fixedString: 'A' },
    ];
    expect(against(elements, patient({ name: [{ use: 'official', given: ['A', 'B'] }] }))).toEqual([]);
    expect(against(elements, patient({ name: [{ use: 'official', given: ['B'] }] }))).toEqual([
      'error required Patient.name[0]',
    ]);
    expect(against(elements, patient({ name: [{ given: ['A'] }] }))).toEqual(['error required Patient']);
  });
  it('two discriminators, of which a slice says only one: that tells it', () => {
    const sliced = {
      id: 'Patient.telecom',
      path: 'Patient.telecom',
      slicing: {
        discriminator: ['system', 'use'].map((path) => ({ type: 'value', path })),
        rules: 'open',
      },
    };
    const slice = (name: string, values: Record<string, string>) => [
      { id: `Patient.telecom:${name}`, path: 'Patient.telecom', sliceName: name, min: 1, max: '1' },
      ...Object.entries(values).map(([element, fixedCode]) => ({
        id: `Patient.telecom:${name}.${element}`,
        path: `Patient.telecom.${element}`,
        fixedCode,
      })),
    ];
    const elements = [
      sliced,
      ...slice('a', { system: 'phone', use: 'home' }),
      ...slice('b', { system: 'email' }),
    ];
    const phone = { system: 'phone', use: 'home', value: '1' };
    const mail = { system: 'email', value: 'a@b' };
    expect(against(elements, patient({ telecom: [phone, mail] }))).toEqual([]);
    expect(against(elements, patient({ telecom: [phone] }))).toEqual(['error required Patient']);
  });
  it('two discriminators: both must be right', () => {
    const elements = [
      {
        id: 'Patient.telecom',
        path: 'Patient.telecom',
        slicing: {
          discriminator: [
            { type: 'value', path: 'system' },
            { type: 'value', path: 'use' },
          ],
          rules: 'closed',
        },
      },
      { id: 'Patient.telecom:p', path: 'Patient.telecom', sliceName: 'p', min: 1 },
      { id: 'Patient.telecom:p.system', path: 'Patient.telecom.system', min: 1, fixedCode: 'phone' },
      { id: 'Patient.telecom:p.use', path: 'Patient.telecom.use', min: 1, fixedCode: 'work' },
    ];
    const phone = (use: string) => ({ system: 'phone', value: '1', use });
    expect(against(elements, patient({ telecom: [phone('work')] }))).toEqual([]);
    expect(against(elements, patient({ telecom: [phone('home')] }))).toEqual([
      'error structure Patient.telecom[0]',
      'error required Patient',
    ]);
  });
  it('a choice sliced by type: each slice asks of its type', () => {
    const elements = [
      sliced('Observation.value[x]', 'type', '$this'),
      {
        id: 'Observation.value[x]:valueQuantity',
        path: 'Observation.value[x]',
        sliceName: 'valueQuantity',
        type: [{ code: 'Quantity' }],
      },
      { id: 'Observation.value[x]:valueQuantity.code', path: 'Observation.value[x].code', min: 1 },
    ];
    expect(against(elements, observation({ valueString: 'x' }))).toEqual([]);
    expect(against(elements, observation({ valueQuantity: { value: 1 } }))).toEqual([
      'error required Observation.value.ofType(Quantity)',
    ]);
  });
  it('what is asked of the element is asked in its slices too', () => {
    const elements = [
      sliced('Observation.component', 'pattern', 'code'),
      { id: 'Observation.component.interpretation', path: 'Observation.component.interpretation', min: 1 },
      { id: 'Observation.component:a', path: 'Observation.component', sliceName: 'a' },
      {
        id: 'Observation.component:a.code',
        path: 'Observation.component.code',
        patternCodeableConcept: coding('a'),
      },
    ];
    expect(against(elements, observation({ component: [{ code: coding('a'), valueString: 'x' }] }))).toEqual([
      'error required Observation.component[0]',
    ]);
  });
});

describe('profiles over several levels', () => {
  const derived = (url: string, base: string, element: object[], more: object = {}) =>
    profile('Observation', element, { url, baseDefinition: base, ...more });
  const validators = createValidators(
    withResources([
      derived('http://e.org/1', 'http://hl7.org/fhir/StructureDefinition/Observation', [
        { path: 'Observation.subject', min: 1 },
        sliced('Observation.component', 'pattern', 'code'),
        { id: 'Observation.component:a', path: 'Observation.component', sliceName: 'a' },
        {
          id: 'Observation.component:a.code',
          path: 'Observation.component.code',
          patternCodeableConcept: coding('a'),
        },
      ]),
      derived('http://e.org/2', 'http://e.org/1', [
        { id: 'Observation.component:a', path: 'Observation.component', sliceName: 'a', min: 1 },
        { path: 'Observation.value[x]', max: '0' },
      ]),
      derived('http://e.org/3', 'http://e.org/2', [
        {
          id: 'Observation.component:a.value[x]',
          path: 'Observation.component.value[x]',
          min: 1,
          type: [{ code: 'integer' }],
        },
        { path: 'Observation.status', fixedCode: 'final' },
      ]),
      profile('Patient', [{ path: 'Patient.name', min: 1 }]),
      profile(
        'Bundle',
        [
          sliced('Bundle.entry', 'profile', 'resource'),
          { id: 'Bundle.entry:p', path: 'Bundle.entry', sliceName: 'p', min: 1, max: '1' },
          {
            id: 'Bundle.entry:p.resource',
            path: 'Bundle.entry.resource',
            min: 1,
            type: [{ code: 'Patient', profile: [P] }],
          },
        ],
        { url: 'http://e.org/bundle' },
      ),
    ]),
  );
  const right = {
    subject: { display: 'x' },
    component: [{ code: coding('a'), valueInteger: 1 }],
  };
  it.each<[string, object, string[]]>([
    ['what all ask', right, []],
    ['what the first asks', { ...right, subject: undefined }, ['error required Observation']],
    [
      'what the second asks of a slice of the first',
      { ...right, component: [{ code: coding('b') }] },
      ['error required Observation'],
    ],
    ['what the second forbids', { ...right, valueString: 'x' }, ['error structure Observation']],
    [
      'what the third asks below a slice',
      { ...right, component: [{ code: coding('a') }] },
      ['error required Observation.component[0]'],
    ],
    [
      'what the third narrows',
      { ...right, component: [{ code: coding('a'), valueString: 'x' }] },
      ['error structure Observation.component[0].value.ofType(string)'],
    ],
    ['what the third fixes', { ...right, status: 'amended' }, ['error value Observation.status']],
  ])('%s', (_, more, expected) =>
    expect(check(observation(more), validators, { profiles: ['http://e.org/3'] })).toEqual(expected),
  );
  it('entries by their profile', () => {
    const bundle = (more: object) => ({
      resourceType: 'Bundle',
      type: 'collection',
      entry: [{ fullUrl: 'http://e.org/Patient/1', resource: patient({ id: '1', ...more }) }],
    });
    const asked = { profiles: ['http://e.org/bundle'] };
    expect(check(bundle({ name: [{ text: 'x' }] }), validators, asked)).toEqual([]);
    expect(check(bundle({}), validators, asked)).toEqual(['error required Bundle']);
  });
});
