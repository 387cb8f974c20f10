import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FhirError } from '../../fhir/outcome.ts';
import { parseSearch } from './parse.ts';
import { context } from './test-parse.ts';

describe('any input', () => {
  const names = fc.oneof(
    fc.constantFrom(
      ...[
        'name',
        'birthdate',
        '_filter',
        '_sort',
        '_include',
        '_has:Observation:patient:code',
        '_text',
        '_content',
      ],
      ...[
        'organization.partof.name',
        'identifier:of-type',
        '_id',
        '_list',
        '_type',
        'general-practitioner',
        '_lastUpdated',
      ],
      ...['link:below', '_count', '_elements', 'gender:not-in', 'near', '_cursor', 'organization:identifier'],
    ),
    fc.string(),
    fc.string({ unit: fc.constantFrom(...'abc:._-|$,') }),
  );
  const values = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'a1|,$\\.-:"()[] /TZ+e') }),
    fc
      .array(
        fc.constantFrom(
          'name',
          'gender',
          'eq',
          'co',
          'and',
          'or',
          'not',
          '(',
          ')',
          '[',
          ']',
          '"x"',
          'true',
          '.',
        ),
        { maxLength: 12 },
      )
      .map((parts) => parts.join(' ')),
  );

  test('the parser throws nothing but FhirError 400', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('Patient', 'Observation', 'Location', undefined),
        fc.array(fc.tuple(names, values), { maxLength: 4 }),
        fc.boolean(),
        (type, parameters, strict) => {
          try {
            parseSearch(type, parameters, { ...context, strict });
          } catch (error) {
            expect(error).toBeInstanceOf(FhirError);
            expect((error as FhirError).status).toBe(400);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});
