import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FhirError } from '../fhir/outcome.ts';
import { exactNumber } from '../json/exact-number.ts';
import { isObject } from '../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import { applyJsonPatch } from './json-patch.ts';
import { jsonEquals } from './json-value.ts';

const patient = (): Resource => ({
  resourceType: 'Patient',
  id: 'p1',
  active: true,
  name: [{ family: 'Zimmer', given: ['Anna', 'Berta'] }, { family: 'Bauer' }],
  telecom: [{ value: '1' }, { value: '2' }, { value: '3' }],
});

function failure(resource: Resource, patch: JsonValue): { status: number; expression: string | undefined } {
  try {
    applyJsonPatch(resource, patch);
  } catch (error) {
    if (error instanceof FhirError) return { status: error.status, expression: error.issues[0]?.expression };
    throw error;
  }
  throw new Error('the patch was applied');
}

describe('RFC 6902 operations', () => {
  it('4.1 add: sets a member, replaces an existing one, inserts into an array, appends with -', () => {
    const result = applyJsonPatch(patient(), [
      { op: 'add', path: '/gender', value: 'female' },
      { op: 'add', path: '/active', value: false },
      { op: 'add', path: '/name/0/given/1', value: 'Carla' },
      { op: 'add', path: '/name/0/given/-', value: 'Dora' },
      { op: 'add', path: '/name/1/given', value: ['Emil'] },
    ]);
    expect(result).toEqual({
      ...patient(),
      gender: 'female',
      active: false,
      name: [
        { family: 'Zimmer', given: ['Anna', 'Carla', 'Berta', 'Dora'] },
        { family: 'Bauer', given: ['Emil'] },
      ],
    });
  });

  it('4.1 add: the parent must exist and the index must not exceed the length', () => {
    for (const path of ['/contact/0', '/name/3', '/name/01', '/name/x', '/active/x', '/name/-1']) {
      expect(failure(patient(), [{ op: 'add', path, value: 'x' }])).toEqual({
        status: 422,
        expression: 'patch[0]',
      });
    }
  });

  it('4.2 remove: the target must exist; array items after it move up', () => {
    expect(applyJsonPatch(patient(), [{ op: 'remove', path: '/telecom/1' }])['telecom']).toEqual([
      { value: '1' },
      { value: '3' },
    ]);
    for (const path of ['/gender', '/telecom/3', '/telecom/-', '/toString', '/__proto__']) {
      expect(failure(patient(), [{ op: 'remove', path }]).status).toBe(422);
    }
  });

  it('4.3 replace: the target must exist', () => {
    expect(
      applyJsonPatch(patient(), [{ op: 'replace', path: '/name/1/family', value: 'Koch' }])['name'],
    ).toEqual([{ family: 'Zimmer', given: ['Anna', 'Berta'] }, { family: 'Koch' }]);
    expect(failure(patient(), [{ op: 'replace', path: '/gender', value: 'male' }]).status).toBe(422);
    expect(failure(patient(), [{ op: 'replace', path: '/name/-', value: {} }]).status).toBe(422);
  });

  it('4.4 move: takes from one place to another; onto itself changes nothing', () => {
    expect(
      applyJsonPatch(patient(), [{ op: 'move', from: '/telecom/0', path: '/telecom/2' }])['telecom'],
    ).toEqual([{ value: '2' }, { value: '3' }, { value: '1' }]);
    expect(applyJsonPatch(patient(), [{ op: 'move', from: '/name/0', path: '/name/0' }])).toEqual(patient());
    expect(failure(patient(), [{ op: 'move', from: '/gender', path: '/active' }]).status).toBe(422);
  });

  it('4.4 move: from must not be a proper prefix of path', () => {
    expect(failure(patient(), [{ op: 'move', from: '/name/0', path: '/name/0/given' }]).status).toBe(400);
  });

  it('4.5 copy: the copy is independent of its source', () => {
    const result = applyJsonPatch(patient(), [
      { op: 'copy', from: '/name/0', path: '/name/-' },
      { op: 'replace', path: '/name/0/given/0', value: 'X' },
    ]);
    expect((result['name'] as JsonObject[])[2]).toEqual({ family: 'Zimmer', given: ['Anna', 'Berta'] });
  });

  it('4.6 test: numbers by value, objects without regard to order, otherwise 422 naming the operation', () => {
    const resource: Resource = {
      ...patient(),
      value: exactNumber('1.50'),
      big: exactNumber('123456789012345678901234567890'),
    };
    const same = [
      { op: 'test', path: '/value', value: 1.5 },
      { op: 'test', path: '/value', value: exactNumber('15.0e-1') },
      { op: 'test', path: '/big', value: exactNumber('12345678901234567890123456789e1') },
      { op: 'test', path: '/name/0', value: { given: ['Anna', 'Berta'], family: 'Zimmer' } },
      { op: 'test', path: '', value: resource },
    ];
    expect(applyJsonPatch(resource, same)).toEqual(resource);
    for (const [path, value] of [
      ['/value', '1.5'],
      ['/value', 1.51],
      ['/big', exactNumber('123456789012345678901234567891')],
      ['/name/0', { family: 'Zimmer' }],
      ['/name/0/given', ['Berta', 'Anna']],
      ['/active', null],
      ['/nothing', null],
    ] as [string, JsonValue][]) {
      expect(failure(resource, [...same, { op: 'test', path, value }])).toEqual({
        status: 422,
        expression: 'patch[5]',
      });
    }
  });

  it('5 a patch that fails is not applied at all', () => {
    const resource = patient();
    failure(resource, [
      { op: 'remove', path: '/name' },
      { op: 'test', path: '/active', value: false },
    ]);
    expect(resource).toEqual(patient());
  });

  it('whole document: replace and add at the root', () => {
    const next = { resourceType: 'Patient', id: 'p1', gender: 'female' };
    for (const op of ['add', 'replace'])
      expect(applyJsonPatch(patient(), [{ op, path: '', value: next }])).toEqual(next);
    expect(failure(patient(), [{ op: 'remove', path: '' }]).status).toBe(422);
    expect(failure(patient(), [{ op: 'replace', path: '', value: [] }]).status).toBe(422);
  });

  it('A.11 unrecognized members are ignored', () => {
    expect(applyJsonPatch(patient(), [{ op: 'test', path: '/active', value: true, note: 1 }])).toEqual(
      patient(),
    );
  });

  it('3 and 4: documents that are no JSON Patch are refused with 400 before anything is applied', () => {
    for (const operation of [
      1,
      null,
      {},
      { op: 'add', value: 1 },
      { op: 'add', path: '/a' },
      { op: 'spam', path: '/a', value: 1 },
      { op: 'add', path: 'a', value: 1 },
      { op: 'add', path: '/a~2', value: 1 },
      { op: 'add', path: '/a~', value: 1 },
      { op: 'add', path: 7, value: 1 },
      { op: 'move', path: '/a' },
      { op: 'copy', path: '/a', from: 'b' },
    ] as JsonValue[]) {
      expect(failure(patient(), [{ op: 'test', path: '/active', value: false }, operation])).toEqual({
        status: 400,
        expression: 'patch[1]',
      });
    }
    for (const patch of [{ op: 'add' }, null, 'x'] as JsonValue[])
      expect(failure(patient(), patch).status).toBe(400);
  });
});

describe('RFC 6901', () => {
  it('~1 is a slash, ~0 a tilde, in that order; the empty token is a name', () => {
    const result = applyJsonPatch(patient(), [
      { op: 'add', path: '/a~1b', value: 1 },
      { op: 'add', path: '/c~01', value: 2 },
      { op: 'add', path: '/', value: 3 },
    ]);
    expect(result['a/b']).toBe(1);
    expect(result['c~1']).toBe(2);
    expect(result['']).toBe(3);
  });
});

describe('FHIR rules', () => {
  it('R4 http.html#patch: resourceType and id stay', () => {
    expect(failure(patient(), [{ op: 'replace', path: '/id', value: 'p2' }]).status).toBe(422);
    expect(failure(patient(), [{ op: 'remove', path: '/id' }]).status).toBe(422);
    expect(failure(patient(), [{ op: 'replace', path: '/resourceType', value: 'Person' }]).status).toBe(422);
  });

  it('R4 json.html: no empty arrays and objects are left by removals; what the client wrote empty stays to be refused', () => {
    const result = applyJsonPatch(patient(), [
      { op: 'remove', path: '/name/0/given/0' },
      { op: 'remove', path: '/name/0/given/0' },
      { op: 'remove', path: '/name/1/family' },
      { op: 'remove', path: '/telecom/0/value' },
      { op: 'remove', path: '/telecom/1' },
      { op: 'remove', path: '/telecom/1' },
      { op: 'add', path: '/contact', value: [] },
    ]);
    expect(result).toEqual({ ...patient(), name: [{ family: 'Zimmer' }], telecom: undefined, contact: [] });
    expect('telecom' in result).toBe(false);
  });

  it('prototypes are neither read nor written', () => {
    const patch = JSON.parse('[{"op":"add","path":"/__proto__","value":{"polluted":true}}]') as JsonValue;
    const result = applyJsonPatch(patient(), patch);
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
    expect(Object.hasOwn(result, '__proto__')).toBe(true);
    expect(({} as JsonObject)['polluted']).toBeUndefined();
    for (const path of [
      '/__proto__/polluted',
      '/constructor/prototype/polluted',
      '/name/length',
      '/name/0/toString/x',
    ]) {
      expect(failure(patient(), [{ op: 'add', path, value: true }]).status).toBe(422);
    }
  });

  it('a small patch cannot make a huge or a bottomless document', () => {
    const doubling = Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '', path: `/x${i}` }));
    expect(failure(patient(), doubling).status).toBe(422);
    const nesting = Array.from({ length: 250 }, () => ({ op: 'copy', from: '', path: '/deep' }));
    expect(failure(patient(), nesting).status).toBe(422);
    const text = { ...patient(), x: 'x'.repeat(1_000_000) };
    const copies = Array.from({ length: 100 }, (_, i) => ({ op: 'copy', from: '/x', path: `/x${i}` }));
    expect(failure(text, copies).status).toBe(422);
  });
});

const json = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<JsonValue>(null, true, 1, exactNumber('1.0'), 'x'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', '__proto__', '~', '/'), tie('value'), {
      maxKeys: 3,
      noNullPrototype: true,
    }),
  ),
})).value;
const token = fc.constantFrom('a', 'b', '0', '1', '-', '~0', '~1', '__proto__', 'id');
const pointer = fc.array(token, { maxLength: 4 }).map((tokens) => tokens.map((t) => `/${t}`).join(''));

describe('properties', () => {
  it('any patch is applied or refused with 400 or 422, and never changes its input', () => {
    const operation = fc.record(
      {
        op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'),
        path: pointer,
        from: pointer,
        value: json,
      },
      { requiredKeys: ['op', 'path'], noNullPrototype: true },
    );
    fc.assert(
      fc.property(json, fc.array(operation, { maxLength: 5 }), (value, patch) => {
        const resource: Resource = { resourceType: 'Basic', id: 'b', a: value };
        const before = JSON.stringify(resource);
        try {
          expect(applyJsonPatch(resource, patch as JsonValue)['id']).toBe('b');
        } catch (error) {
          if (!(error instanceof FhirError)) throw error;
          expect([400, 422]).toContain(error.status);
        }
        expect(JSON.stringify(resource)).toBe(before);
      }),
    );
  });

  it('a value equals what its JSON text parses to', () => {
    fc.assert(
      fc.property(json, (value) => {
        const again = JSON.parse(JSON.stringify(value)) as JsonValue;
        expect(jsonEquals(value, again)).toBe(true);
        if (isObject(value)) expect(jsonEquals(value, { ...(again as JsonObject), extra: 1 })).toBe(false);
      }),
    );
  });
});
