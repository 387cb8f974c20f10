import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../conformance/definitions.ts';
import { FhirError } from '../fhir/outcome.ts';
import { exactNumber } from '../json/exact-number.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import { applyFhirPathPatch } from './fhirpath-patch.ts';

const definitions = loadDefinitions();

type Part = JsonObject & { name: string };
const value = (fields: JsonObject): Part => ({ name: 'value', ...fields });

function operation(type: string, path: string, ...parts: Part[]): JsonObject {
  return {
    name: 'operation',
    part: [{ name: 'type', valueCode: type }, { name: 'path', valueString: path }, ...parts],
  };
}
const add = (path: string, name: string, fields: JsonObject) =>
  operation('add', path, { name: 'name', valueString: name }, value(fields));
const insert = (path: string, index: number, fields: JsonObject) =>
  operation('insert', path, { name: 'index', valueInteger: index }, value(fields));
const remove = (path: string) => operation('delete', path);
const replace = (path: string, fields: JsonObject) => operation('replace', path, value(fields));
const move = (path: string, source: number, destination: number) =>
  operation(
    'move',
    path,
    { name: 'source', valueInteger: source },
    { name: 'destination', valueInteger: destination },
  );

function patch(resource: Resource, ...operations: JsonObject[]): Resource {
  const before = JSON.stringify(resource);
  const result = applyFhirPathPatch(
    resource,
    { resourceType: 'Parameters', parameter: operations },
    definitions,
  );
  expect(JSON.stringify(resource)).toBe(before);
  return result;
}

function failure(resource: Resource, ...operations: JsonObject[]) {
  try {
    patch(resource, ...operations);
  } catch (error) {
    if (error instanceof FhirError) return { status: error.status, expression: error.issues[0]?.expression };
    throw error;
  }
  throw new Error('the patch was applied');
}

const birth: Resource = { resourceType: 'Patient', id: 'p', birthDate: '1980-02-03' };
const tokens = (...values: string[]): Resource => ({
  resourceType: 'Patient',
  id: 'p',
  identifier: values.map((text) => ({ system: 'http://example.org/ids', value: text })),
});
const valuesOf = (resource: Resource) =>
  (resource['identifier'] as JsonObject[]).map((identifier) => identifier['value']);
const anna: Resource = {
  resourceType: 'Patient',
  id: 'p',
  name: [
    { use: 'official', family: 'Zimmer', given: ['Anna', 'Berta'] },
    { use: 'nickname', given: ['Anni'] },
  ],
  contact: [{ name: { text: 'Carl' }, gender: 'male' }],
};

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

describe('paths', () => {
  it('conditions: operators, nested paths, functions, and what is left to the engine', () => {
    const resource: Resource = {
      resourceType: 'Patient',
      id: 'p',
      telecom: [
        { system: 'phone', value: '1', rank: 1, period: { start: '2019-05-01' } },
        { system: 'email', value: 'a@example.org', rank: 2 },
        { system: 'phone', value: '2', use: 'home', period: { start: '2021' } },
      ],
    };
    for (const [criterion, index] of [
      ["system = 'email'", 1],
      ["system = 'phone' and use = 'home'", 2],
      ["system != 'phone'", 1],
      ['rank > 1', 1],
      ["use.exists() or value.endsWith('.org') and false", 2],
      ['rank.empty()', 2],
      ['(rank <= 1).not() and period.exists().not()', 1],
      ["value in ('2' | '3')", 2],
      ['$index = 1', 1],
      ['period.start < @2020-01-01', 0],
      ['value.length() > 1', 1],
      ['rank + 1 = 3', 1],
      ["system.upper() = 'EMAIL'", 1],
      ["%resource.id = 'p' and rank = 1.0", 0],
    ] as [string, number][]) {
      const result = patch(
        resource,
        add(`Patient.telecom.where(${criterion})`, 'id', { valueString: 'here' }),
      );
      const found = (result['telecom'] as JsonObject[]).findIndex((telecom) => telecom['id'] === 'here');
      expect([criterion, found]).toEqual([criterion, index]);
    }
  });

  it('extension(url), union, descendants, contained through resolve()', () => {
    const resource: Resource = {
      resourceType: 'Patient',
      id: 'p',
      contained: [{ resourceType: 'Organization', id: 'o', name: 'House' }],
      managingOrganization: { reference: '#o' },
      extension: [
        { url: 'http://example.org/a', valueString: 'a' },
        { url: 'http://example.org/b', extension: [{ url: 'c', valueCode: 'x' }] },
      ],
    };
    const result = patch(
      resource,
      replace("Patient.extension('http://example.org/b').extension('c').value", { valueCode: 'y' }),
      replace("Patient.extension.where(url = 'http://example.org/a').value", { valueBoolean: true }),
      replace('Patient.managingOrganization.resolve().name', { valueString: 'Home' }),
      add('(Patient.gender | Patient.managingOrganization)', 'display', { valueString: 'D' }),
      replace("Patient.descendants().where($this = 'y')", { valueCode: 'z' }),
    );
    expect(result['extension']).toEqual([
      { url: 'http://example.org/a', valueBoolean: true },
      { url: 'http://example.org/b', extension: [{ url: 'c', valueCode: 'z' }] },
    ]);
    expect(result['contained']).toEqual([{ resourceType: 'Organization', id: 'o', name: 'Home' }]);
    expect(result['managingOrganization']).toEqual({ reference: '#o', display: 'D' });
  });

  it('no other resource can be reached', () => {
    const resource: Resource = { ...anna, managingOrganization: { reference: 'Organization/1' } };
    const path = 'Patient.managingOrganization.resolve().name';
    expect(failure(resource, replace(path, { valueString: 'x' }))).toEqual({ status: 422, expression: path });
  });

  it('text that is no FHIRPath, and functions that could run for ever, are refused', () => {
    for (const path of [
      '',
      'Patient.',
      'Patient..name',
      'Patient.name[',
      "Patient.name.where(use='x)",
      'Patient.name)',
      '$total',
      "Patient.name.where(family.matches('(a+)+$'))",
      'Patient.name.repeat($this)',
      "Patient.name.where(trace('x').exists())",
      '('.repeat(100),
      `Patient${'.descendants()'.repeat(40)}`,
      `Patient.name${'.where(%resource.descendants().exists())'.repeat(3)}.nonsense(`,
      'x'.repeat(5000),
      '`__proto__`.x',
      'constructor',
    ]) {
      const { status } = failure(anna, replace(path, { valueString: 'x' }));
      expect([path, status]).toEqual([path, 422]);
    }
  });
});

describe('what must not happen', () => {
  it('nothing is applied when one operation fails, and each works on the result of the one before', () => {
    expect(
      failure(birth, remove('Patient.birthDate'), replace('Patient.birthDate', { valueDate: '2000' })).status,
    ).toBe(422);
  });

  it('R4 http.html#patch: the id stays', () => {
    for (const operation of [remove('Patient.id'), replace('Patient.id', { valueId: 'q' })]) {
      expect(failure(birth, operation)).toEqual({ status: 422, expression: 'Patient.id' });
    }
  });

  it('any text as path is applied or refused with 400 or 422', () => {
    const piece = fc.constantFrom(
      ...[
        'Patient',
        'name',
        'given',
        '.',
        '[0]',
        '[',
        '(',
        ')',
        "where(use='official')",
        'first()',
        'extension("x")',
      ],
      ...[
        "'x'",
        '=',
        ' and ',
        '|',
        'ofType(string)',
        ' is ',
        ' as ',
        '$this',
        '%resource',
        'descendants()',
        '{}',
        '-1',
        '@2020',
      ],
      ...[
        'children()',
        'resolve()',
        'iif(true, name, contact)',
        'skip(1)',
        'count()',
        '1.5',
        '`x`',
        'contact',
        '\u0000',
        'é',
      ],
    );
    const path = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
    const chain = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join('.'));
    const make = fc.constantFrom(
      (text: string) => replace(text, { valueString: 'x' }),
      (text: string) => add(text, 'id', { valueString: 'x' }),
      (text: string) => insert(text, 0, { valueHumanName: { text: 'x' } }),
      (text: string) => move(text, 0, 1),
      remove,
    );
    fc.assert(
      fc.property(fc.oneof(path, chain), make, (text, makeOperation) => {
        try {
          expect(patch(anna, makeOperation(text))['resourceType']).toBe('Patient');
        } catch (error) {
          if (!(error instanceof FhirError)) throw error;
          expect([400, 422]).toContain(error.status);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('a malformed Parameters is refused with 400', () => {
    for (const operation of [
      { name: 'other', part: [] },
      { name: 'operation' },
      { name: 'operation', part: [{ name: 'type', valueCode: 'add' }] },
      { name: 'operation', part: [{ name: 'path', valueString: 'Patient' }] },
      onNames('spam'),
      onNames('add', { name: 'name', valueString: 'x' }),
      onNames('add', value({ valueString: 'x' })),
      onNames('insert', value({ valueString: 'x' })),
      onNames('move', { name: 'source', valueInteger: 1 }),
      onNames('replace', value({})),
      onNames('replace', value({ valueNonsense: 1 })),
      onNames('delete', { name: 'unknown', valueString: 'x' }),
    ] as JsonObject[]) {
      expect(failure(birth, remove('Patient.gender'), operation)).toEqual({
        status: 400,
        expression: 'Parameters.parameter[1]',
      });
    }
    for (const parameters of [
      null,
      [],
      { resourceType: 'Patient' },
      { resourceType: 'Parameters', parameter: {} },
    ]) {
      expect(() => applyFhirPathPatch(birth, parameters as JsonValue, definitions)).toThrow(FhirError);
    }
  });
});

function onNames(type: string, ...parts: Part[]): JsonObject {
  return operation(type, 'Patient.name', ...parts);
}
