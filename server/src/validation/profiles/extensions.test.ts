import { describe, expect, it } from 'vitest';
import { check, observation, patient, profile, withResources } from './test-support.ts';
import { createValidators } from './validate.ts';

const E = 'http://example.com/StructureDefinition/';
/** The definition of an extension. */
function extension(name: string, context: object[], elements: object[] = [], more: object = {}): object {
  return profile(
    'Extension',
    [{ path: 'Extension' }, ...elements, { path: 'Extension.url', fixedUri: E + name }],
    { url: E + name, kind: 'complex-type', context, ...more },
  );
}
const on = (...expressions: string[]) => expressions.map((expression) => ({ type: 'element', expression }));
const path = (expression: string) => [{ type: 'fhirpath', expression }];
const text = [
  { path: 'Extension.extension', max: '0' },
  { path: 'Extension.value[x]', min: 1, type: [{ code: 'string' }] },
];

const validators = createValidators(
  withResources([
    extension('any', on('Element'), text),
    extension('patient', on('Patient'), text),
    extension('resource', on('Resource'), text),
    extension('domain', on('DomainResource'), text),
    extension('name', on('HumanName'), text),
    extension('contactName', on('Patient.contact.name'), text),
    extension('family', on('HumanName.family'), text),
    extension('string', on('string'), text),
    extension('value', on('Observation.value[x]'), text),
    extension('component', on('Observation.component'), text),
    extension('male', path("Patient.where(gender = 'male')"), text),
    extension('nameAtHome', path("Patient.name.where(use = 'usual')"), text),
    extension('inner', [{ type: 'extension', expression: `${E}outer` }], text),
    extension('innerOfPart', [{ type: 'extension', expression: `${E}complex#part` }], text),
    extension('outer', on('Patient')),
    extension('invariant', on('Patient'), text, { contextInvariant: ["gender = 'male'"] }),
    profile(
      'Extension',
      [
        { id: 'Extension', path: 'Extension' },
        {
          id: 'Extension.extension',
          path: 'Extension.extension',
          slicing: { discriminator: [{ type: 'value', path: 'url' }], rules: 'closed' },
        },
        { id: 'Extension.extension:part', path: 'Extension.extension', sliceName: 'part', min: 1, max: '1' },
        { id: 'Extension.extension:part.url', path: 'Extension.extension.url', fixedUri: 'part' },
        {
          id: 'Extension.extension:part.value[x]',
          path: 'Extension.extension.value[x]',
          min: 1,
          type: [{ code: 'integer' }],
        },
        { id: 'Extension.extension:more', path: 'Extension.extension', sliceName: 'more', max: '*' },
        { id: 'Extension.extension:more.url', path: 'Extension.extension.url', fixedUri: 'more' },
        { id: 'Extension.url', path: 'Extension.url', fixedUri: `${E}complex` },
        { id: 'Extension.value[x]', path: 'Extension.value[x]', max: '0' },
      ],
      { url: `${E}complex`, kind: 'complex-type', context: on('Patient') },
    ),
    profile(
      'Extension',
      [
        { path: 'Extension', isModifier: true, isModifierReason: 'x' },
        { path: 'Extension.url', fixedUri: `${E}modifier` },
      ],
      { url: `${E}modifier`, kind: 'complex-type', context: on('Patient') },
    ),
  ]),
);
const ext = (name: string, more: object = { valueString: 'x' }) => [{ url: E + name, ...more }];
const errors = (resource: object): string[] => check(resource, validators);

describe('where an extension may be (defining-extensions.html#context)', () => {
  it.each<[string, object, string[]]>([
    ['any element', patient({ name: [{ extension: ext('any') }] }), []],
    ['its type', patient({ extension: ext('patient') }), []],
    [
      'another type',
      observation({ extension: ext('patient') }),
      ['error extension Observation.extension[0]'],
    ],
    [
      'below its type',
      patient({ name: [{ extension: ext('patient') }] }),
      ['error extension Patient.name[0].extension[0]'],
    ],
    ['any resource', observation({ extension: ext('resource') }), []],
    ['any domain resource', observation({ extension: ext('domain') }), []],
    [
      'no resource',
      patient({ name: [{ extension: ext('resource') }] }),
      ['error extension Patient.name[0].extension[0]'],
    ],
    ['a data type', patient({ name: [{ extension: ext('name') }] }), []],
    [
      'an element by its path',
      patient({ contact: [{ name: { family: 'x', extension: ext('contactName') } }] }),
      [],
    ],
    [
      'the same type at another path',
      patient({ name: [{ extension: ext('contactName') }] }),
      ['error extension Patient.name[0].extension[0]'],
    ],
    ['an element of a data type', patient({ name: [{ _family: { extension: ext('family') } }] }), []],
    [
      'another element of it',
      patient({ name: [{ _given: [{ extension: ext('family') }] }] }),
      ['error extension Patient.name[0].given[0].extension[0]'],
    ],
    ['a primitive type', patient({ name: [{ _given: [{ extension: ext('string') }] }] }), []],
    [
      'another primitive type',
      patient({ _birthDate: { extension: ext('string') } }),
      ['error extension Patient.birthDate.extension[0]'],
    ],
    ['a choice', observation({ valueQuantity: { value: 1, extension: ext('value') } }), []],
    [
      'a primitive of a choice',
      observation({ valueString: 'x', _valueString: { extension: ext('value') } }),
      [],
    ],
    ['a backbone', observation({ component: [{ code: { text: 'x' }, extension: ext('component') }] }), []],
    ['fhirpath that holds', patient({ gender: 'male', extension: ext('male') }), []],
    [
      'fhirpath that does not',
      patient({ gender: 'female', extension: ext('male') }),
      ['error extension Patient.extension[0]'],
    ],
    [
      'fhirpath that selects the element',
      patient({ name: [{ use: 'usual', extension: ext('nameAtHome') }] }),
      [],
    ],
    [
      'fhirpath that selects another element',
      patient({
        name: [
          { use: 'usual', text: 'x' },
          { use: 'old', extension: ext('nameAtHome') },
        ],
      }),
      ['error extension Patient.name[1].extension[0]'],
    ],
    ['inside an extension', patient({ extension: [{ url: `${E}outer`, extension: ext('inner') }] }), []],
    ['outside of it', patient({ extension: ext('inner') }), ['error extension Patient.extension[0]']],
    [
      'inside a part of an extension',
      patient({
        extension: ext('complex', {
          extension: [
            { url: 'part', valueInteger: 1, _valueInteger: { extension: ext('any') } },
            { url: 'more', extension: ext('any') },
          ],
        }),
      }),
      [],
    ],
    ['a context invariant that holds', patient({ gender: 'male', extension: ext('invariant') }), []],
    [
      'a context invariant that does not',
      patient({ gender: 'female', extension: ext('invariant') }),
      ['error invariant Patient.extension[0]'],
    ],
  ])('%s', (_, resource, expected) => expect(errors(resource)).toEqual(expected));
});

describe('what an extension holds (extensibility.html)', () => {
  const complex = (...parts: object[]) => patient({ extension: ext('complex', { extension: parts }) });
  it.each<[string, object, string[]]>([
    [
      'a value of another type',
      patient({ extension: ext('any', { valueInteger: 1 }) }),
      ['error structure Patient.extension[0].value.ofType(integer)'],
    ],
    [
      'a value and an extension (ext-1)',
      patient({ extension: ext('outer', { valueString: 'x', extension: ext('any') }) }),
      ['error extension Patient.extension[0]'],
    ],
    ['neither (ext-1)', patient({ extension: ext('outer', {}) }), ['error extension Patient.extension[0]']],
    ['a part', complex({ url: 'part', valueInteger: 1 }), []],
    [
      'a part is missing',
      complex({ url: 'more', valueString: 'x' }),
      ['error required Patient.extension[0]'],
    ],
    [
      'a part twice',
      complex({ url: 'part', valueInteger: 1 }, { url: 'part', valueInteger: 2 }),
      ['error structure Patient.extension[0]'],
    ],
    [
      'a part of another type',
      complex({ url: 'part', valueString: 'x' }),
      ['error structure Patient.extension[0].extension[0].value.ofType(string)'],
    ],
    ['no url', patient({ extension: [{ valueString: 'x' }] }), ['error required Patient.extension[0]']],
    [
      'a relative url',
      patient({ extension: [{ url: 'x', valueString: 'x' }] }),
      ['error extension Patient.extension[0].url'],
    ],
    ['a modifier', patient({ modifierExtension: ext('modifier') }), []],
    [
      'a modifier as plain extension',
      patient({ extension: ext('modifier') }),
      ['error extension Patient.extension[0]'],
    ],
    [
      'a plain extension as modifier',
      patient({ modifierExtension: ext('patient') }),
      ['error extension Patient.modifierExtension[0]'],
    ],
    [
      'an unknown modifier',
      patient({ modifierExtension: [{ url: 'http://nowhere.org/x', valueString: 'x' }] }),
      ['error extension Patient.modifierExtension[0]'],
    ],
  ])('%s', (_, resource, expected) => expect(errors(resource)).toEqual(expected));
  it('an unknown part of a closed list', () => {
    expect(errors(complex({ url: 'part', valueInteger: 1 }, { url: 'x', valueString: 'x' }))).toContain(
      'error extension Patient.extension[0].extension[1]',
    );
  });
});
