import { describe, expect, it } from 'vitest';
import { exactNumber } from '../json/exact-number.ts';
import type { Resource } from '../json/types.ts';
import { applyFhirPathPatch } from './fhirpath-patch.ts';
import {
  add,
  anna,
  birth,
  definitions,
  failure,
  insert,
  move,
  patch,
  remove,
  replace,
  tokens,
  valuesOf,
} from './test-fhirpath-patch.ts';

describe('R4 fhirpatch.html: add', () => {
  it('no operations: no difference', () => {
    expect(patch(birth)).toEqual(birth);
    expect(applyFhirPathPatch(birth, { resourceType: 'Parameters' }, definitions)).toEqual(birth);
  });

  it('a primitive that is not there', () => {
    expect(
      patch({ resourceType: 'Patient', id: 'p' }, add('Patient', 'birthDate', { valueDate: '1980-02-03' })),
    ).toEqual(birth);
  });

  it('an element that does not repeat and is there already is an error', () => {
    expect(failure(birth, add('Patient', 'birthDate', { valueDate: '1990-01-01' }))).toEqual({
      status: 422,
      expression: 'Patient',
    });
    const observation: Resource = { resourceType: 'Observation', id: 'o', valueString: 'x' };
    expect(failure(observation, add('Observation', 'value', { valueInteger: 1 })).status).toBe(422);
  });

  it('a complex element, appended to a list or starting one', () => {
    const result = patch(
      { resourceType: 'Patient', id: 'p' },
      add('Patient', 'name', { valueHumanName: { family: 'A' } }),
      add('Patient', 'name', { valueHumanName: { family: 'B' } }),
      add('Patient.name[1]', 'given', { valueString: 'C' }),
    );
    expect(result['name']).toEqual([{ family: 'A' }, { family: 'B', given: ['C'] }]);
  });

  it('a backbone element in parts, nested ones too', () => {
    const contact = add('Patient', 'contact', {
      part: [
        { name: 'name', valueHumanName: { text: 'Emil' } },
        { name: 'relationship', valueCodeableConcept: { text: 'uncle' } },
        { name: 'relationship', part: [{ name: 'text', valueString: 'friend' }] },
      ],
    });
    expect(patch(birth, contact)['contact']).toEqual([
      { name: { text: 'Emil' }, relationship: [{ text: 'uncle' }, { text: 'friend' }] },
    ]);
  });

  it('an extension in parts, on a resource and on a primitive', () => {
    const parts = {
      part: [
        { name: 'url', valueUri: 'http://example.org/e' },
        { name: 'value', valueDecimal: exactNumber('1.50') },
      ],
    };
    const result = patch(
      birth,
      add('Patient', 'extension', parts),
      add('Patient.birthDate', 'extension', parts),
      add("Patient.birthDate.extension('http://example.org/e')", 'id', { valueString: 'x' }),
    );
    expect(JSON.stringify(result)).toBe(
      JSON.stringify({
        ...birth,
        extension: [{ url: 'http://example.org/e', valueDecimal: exactNumber('1.50') }],
        _birthDate: {
          extension: [{ url: 'http://example.org/e', valueDecimal: exactNumber('1.50'), id: 'x' }],
        },
      }),
    );
  });

  it('a choice element gets the property of its type; a type that is not allowed there is an error', () => {
    const observation: Resource = { resourceType: 'Observation', id: 'o' };
    expect(patch(observation, add('Observation', 'value', { valueQuantity: { value: 1 } }))).toEqual({
      ...observation,
      valueQuantity: { value: 1 },
    });
    expect(failure(observation, add('Observation', 'value', { valueAddress: {} })).status).toBe(422);
    expect(failure(birth, add('Patient', 'name', { valueString: 'x' })).status).toBe(422);
    expect(failure(birth, add('Patient', 'nonsense', { valueString: 'x' })).status).toBe(422);
  });

  it('a contained resource; a primitive with id and extension', () => {
    const contained = { resourceType: 'Organization', id: 'o', name: 'House' };
    const named = { valueString: 'Anna', _valueString: { id: 'n' } };
    const result = patch(
      { resourceType: 'Patient', id: 'p', name: [{ given: ['X'] }] },
      add('Patient', 'contained', { resource: contained }),
      add('Patient.name', 'given', named),
      replace('Patient.contained.name', { valueString: 'Home' }),
    );
    expect(result).toEqual({
      resourceType: 'Patient',
      id: 'p',
      name: [{ given: ['X', 'Anna'], _given: [null, { id: 'n' }] }],
      contained: [{ ...contained, name: 'Home' }],
    });
  });
});

describe('R4 fhirpatch.html: replace', () => {
  it('a primitive, by a path with and without the type name', () => {
    expect(patch(birth, replace('Patient.birthDate', { valueDate: '1990-01-01' }))['birthDate']).toBe(
      '1990-01-01',
    );
    expect(patch(birth, replace('birthDate', { valueDate: '1990' }))['birthDate']).toBe('1990');
  });

  it('nested elements, list items and whole complex elements', () => {
    const result = patch(
      anna,
      replace('Patient.contact[0].gender', { valueCode: 'female' }),
      replace("Patient.name.where(use = 'official').given[1]", { valueString: 'Clara' }),
      replace('Patient.name.last()', { valueHumanName: { text: 'N' } }),
    );
    expect(result['contact']).toEqual([{ name: { text: 'Carl' }, gender: 'female' }]);
    expect(result['name']).toEqual([
      { use: 'official', family: 'Zimmer', given: ['Anna', 'Clara'] },
      { text: 'N' },
    ]);
  });

  it('a choice element by another type', () => {
    const observation: Resource = {
      resourceType: 'Observation',
      id: 'o',
      valueString: 'x',
      _valueString: { id: 'a' },
    };
    for (const path of [
      'Observation.value',
      'Observation.value.ofType(string)',
      '(Observation.value as string)',
    ]) {
      expect(patch(observation, replace(path, { valueInteger: 3 }))).toEqual({
        resourceType: 'Observation',
        id: 'o',
        valueInteger: 3,
      });
    }
  });

  it('the path must find exactly one element of the resource', () => {
    for (const path of [
      'Patient.gender',
      'Patient.name',
      'Patient',
      "'x'",
      'Patient.name.count()',
      'Observation.status',
    ]) {
      expect(failure(anna, replace(path, { valueString: 'x' }))).toEqual({ status: 422, expression: path });
    }
  });
});

describe('R4 fhirpatch.html: delete', () => {
  it('an element, list items, and elements of complex values', () => {
    expect(patch(birth, remove('Patient.birthDate'))).toEqual({ resourceType: 'Patient', id: 'p' });
    expect(valuesOf(patch(tokens('a', 'b', 'c'), remove('Patient.identifier[1]')))).toEqual(['a', 'c']);
    expect(patch(anna, remove('Patient.contact[0].gender'))['contact']).toEqual([{ name: { text: 'Carl' } }]);
  });

  it('an element that is not there: no error; several: an error', () => {
    expect(patch(birth, remove('Patient.gender'), remove('Patient.name[3].given.first()'))).toEqual(birth);
    expect(failure(anna, remove('Patient.name.given'))).toEqual({
      status: 422,
      expression: 'Patient.name.given',
    });
  });

  it('nothing empty is left (R4 json.html)', () => {
    const result = patch(anna, remove('Patient.contact.gender'), remove('Patient.contact.name.text'));
    expect('contact' in result).toBe(false);
    const extended: Resource = {
      ...birth,
      _birthDate: { extension: [{ url: 'http://example.org/e', valueInteger: 1 }] },
    };
    expect(patch(extended, remove('Patient.birthDate.extension[0]'))).toEqual(birth);
  });

  it('a primitive of a list goes with its id and extensions, the others keep theirs', () => {
    const resource: Resource = {
      resourceType: 'Patient',
      id: 'p',
      name: [{ given: ['A', null, 'C'], _given: [null, { id: 'b' }, { id: 'c' }] }],
    };
    expect(patch(resource, remove('Patient.name.given[0]'))['name']).toEqual([
      { given: [null, 'C'], _given: [{ id: 'b' }, { id: 'c' }] },
    ]);
    expect(patch(resource, remove('Patient.name.given[1]'))['name']).toEqual([
      { given: ['A', 'C'], _given: [null, { id: 'c' }] },
    ]);
  });
});

describe('R4 fhirpatch.html: insert', () => {
  it('before any item and at the end', () => {
    const identifier = { valueIdentifier: { system: 'http://example.org/ids', value: 'x' } };
    for (const [index, expected] of [
      [0, ['x', 'a', 'b']],
      [1, ['a', 'x', 'b']],
      [2, ['a', 'b', 'x']],
    ] as [number, string[]][]) {
      expect(valuesOf(patch(tokens('a', 'b'), insert('Patient.identifier', index, identifier)))).toEqual(
        expected,
      );
    }
    for (const index of [3, -1]) {
      expect(failure(tokens('a', 'b'), insert('Patient.identifier', index, identifier)).status).toBe(422);
    }
    expect(patch(birth, insert('Patient.identifier', 0, identifier))['identifier']).toHaveLength(1);
  });

  it('the path must be a whole list of one parent', () => {
    const given = { valueString: 'X' };
    expect(failure(anna, insert('Patient.name.given', 0, given)).status).toBe(422);
    expect(
      failure(anna, insert("Patient.name.where(use = 'nickname')", 0, { valueHumanName: {} })).status,
    ).toBe(422);
    expect(failure(birth, insert('Patient.birthDate', 0, { valueDate: '2000' })).status).toBe(422);
    expect(patch(anna, insert('Patient.name[1].given', 1, given))['name']).toMatchObject([
      {},
      { given: ['Anni', 'X'] },
    ]);
  });
});

describe('R4 fhirpatch.html: move', () => {
  it('from one index to another of the list as it will be', () => {
    for (const [source, destination, expected] of [
      [3, 1, 'adbc'],
      [3, 0, 'dabc'],
      [0, 3, 'bcda'],
      [1, 2, 'acbd'],
      [1, 0, 'bacd'],
      [2, 2, 'abcd'],
    ] as [number, number, string][]) {
      const result = patch(tokens('a', 'b', 'c', 'd'), move('Patient.identifier', source, destination));
      expect(valuesOf(result).join('')).toBe(expected);
    }
    expect(failure(tokens('a', 'b'), move('Patient.identifier', 0, 2)).status).toBe(422);
    expect(failure(birth, move('Patient.identifier', 0, 0)).status).toBe(422);
  });
});
