import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FhirError } from '../fhir/outcome.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';
import { applyFhirPathPatch } from './fhirpath-patch.ts';
import {
  add,
  anna,
  birth,
  definitions,
  failure,
  insert,
  move,
  operation,
  type Part,
  patch,
  remove,
  replace,
  value,
} from './test-fhirpath-patch.ts';

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
