import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FhirError } from '../fhir/outcome.ts';
import { exactNumber, isExactNumber, numberOf, textOf } from './exact-number.ts';
import { parseJson } from './parse.ts';
import type { JsonValue } from './types.ts';

function refused(text: string, limits?: Parameters<typeof parseJson>[1]) {
  try {
    parseJson(text, limits);
  } catch (error) {
    if (error instanceof FhirError) return { status: error.status, ...error.issues[0] };
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

/** The value with plain numbers only, to compare with JSON.parse. */
function plain(value: JsonValue): unknown {
  if (isExactNumber(value)) return Number(value.rawJSON);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const copy = {};
  for (const [name, inner] of Object.entries(value)) {
    Object.defineProperty(copy, name, {
      value: plain(inner),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return copy;
}

describe('RFC 8259 grammar', () => {
  it('agrees with JSON.parse on every JSON text (sections 2 to 7)', () => {
    const space = fc.constantFrom(undefined, 1, '\t', '\r\n ');
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary', maxDepth: 8 }), space, (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(plain(parseJson(text))).toEqual(JSON.parse(text));
      }),
      { numRuns: 1000 },
    );
  });

  it('agrees with JSON.parse on what is no JSON: mutated texts are refused by both or by neither', () => {
    const char = fc.constantFrom(...'{}[]",:0123456789.eE+-tfnul \\/\n\t\u0000a');
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.nat(), fc.nat(3), char, (value, place, cut, insert) => {
        const text = JSON.stringify(value);
        const at = place % (text.length + 1);
        const mutated = text.slice(0, at) + insert + text.slice(at + cut);
        let expected: unknown;
        try {
          expected = JSON.parse(mutated);
        } catch {
          expect(refused(mutated).status).toBe(400);
          return;
        }
        let actual: JsonValue;
        try {
          actual = parseJson(mutated);
        } catch (error) {
          // Only the names that JSON.parse lets through twice are refused beyond the grammar.
          expect((error as Error).message).toMatch(/there twice|surrogate/);
          return;
        }
        expect(plain(actual)).toEqual(expected);
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ['', 'ends where a JSON value'],
    ['{"a":1} x', 'after the end'],
    ['[1,]', 'a JSON value'],
    ['{"a":1,}', 'a property name'],
    ["{'a':1}", 'a property name'],
    ['[01]', 'zero'],
    ['[1.]', 'a digit'],
    ['[-]', 'a digit'],
    ['[1e]', 'a digit'],
    ['[+1]', 'a JSON value'],
    ['[NaN]', 'a JSON value'],
    ['["\\x"]', 'unknown escape'],
    ['["\\u12g4"]', 'hexadecimal'],
    ['["a\nb"]', 'control character'],
    ['["a', 'ends inside a string'],
    ['[tru]', 'a JSON value'],
    ['\ufeff{}', 'a JSON value'],
    ['{"a" 1}', '":"'],
  ])('refuses %j', (text, message) => {
    expect(refused(text)).toMatchObject({
      status: 400,
      code: 'structure',
      diagnostics: expect.stringContaining(message),
    });
  });
});

describe('what is refused beyond the grammar', () => {
  it('a name twice in an object, with its path (R4 json.html: property names SHALL be unique)', () => {
    const text = '{"resourceType":"Patient",\n "name":[{"given":["A"]},\n  {"family":"B","family":"C"}]}';
    expect(refused(text)).toMatchObject({
      status: 400,
      code: 'invalid',
      expression: 'Patient.name[1].family',
      diagnostics: expect.stringContaining('Line 3, column 17'),
    });
  });

  it('a name twice however it is written, among any others, and not a name that only prototypes have', () => {
    expect(refused('{"id":1,"\\u0069d":2}').expression).toBe('id');
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 60 }), fc.nat(), (names, which) => {
        const object = `{${names.map((name) => `${JSON.stringify(name)}:1`).join(',')}`;
        expect(Object.keys(parseJson(`${object}}`) as object).sort()).toEqual([...names].sort());
        const twice = JSON.stringify(names[which % names.length]);
        expect(refused(`${object},${twice}:2}`).diagnostics).toContain('twice');
      }),
    );
    expect(parseJson('{"toString":1,"constructor":2,"hasOwnProperty":3}')).toEqual(
      JSON.parse('{"toString":1,"constructor":2,"hasOwnProperty":3}'),
    );
  });

  it('nesting beyond the limit, without exhausting the stack', () => {
    expect(parseJson(`${'['.repeat(64)}${']'.repeat(64)}`)).toBeDefined();
    expect(refused(`${'['.repeat(65)}${']'.repeat(65)}`).code).toBe('invalid');
    expect(refused('{"a":'.repeat(100_000)).code).toBe('invalid');
    expect(refused('[[]]', { maxDepth: 1 }).expression).toBe('[0]');
  });

  it('lone surrogates, as they are or escaped (RFC 8259 section 8.2)', () => {
    expect(refused('["\ud800"]').code).toBe('invalid');
    expect(refused('["\\ud800"]').code).toBe('invalid');
    expect(refused('["\\udc00\\ud800"]').code).toBe('invalid');
    expect(parseJson('["\\ud83d\\ude00","😀"]')).toEqual(['😀', '😀']);
  });

  it('at once, however long the text before the mistake is', () => {
    const long = 'x\\n'.repeat(3_000_000);
    expect(refused(`{"resourceType":"Binary","data":"${long}","data":1}`).expression).toBe('Binary.data');
    expect(refused(`{"resourceType":"Binary","data":"${long}`).code).toBe('structure');
    expect(refused(`[${'"a",'.repeat(100_000)}`).expression).toBe('[100000]');
  });

  it('numbers of absurd length', () => {
    expect(refused(`[${'9'.repeat(2000)}]`).diagnostics).toContain('too many digits');
  });
});

describe('objects', () => {
  it('keep __proto__ as an ordinary property', () => {
    const value = parseJson('{"__proto__":{"polluted":true}}') as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(JSON.stringify(value)).toBe('{"__proto__":{"polluted":true}}');
  });
});

describe('numbers keep their digits (R4 json.html#decimal)', () => {
  it.each([
    '1.50',
    '1e3',
    '100000000000000000001',
    '-0',
    '0.0',
    '1E400',
    '0.00000001',
    '1.0000000000000000001',
    '9007199254740993',
  ])('%s is exact', (text) => {
    const [value] = parseJson(`[${text}]`) as JsonValue[];
    expect(isExactNumber(value)).toBe(true);
    expect(textOf(value)).toBe(text);
    expect(numberOf(value)).toBe(Number(text));
    expect(JSON.stringify([value])).toBe(`[${text}]`);
  });

  it('every number is written back as it was read', () => {
    const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,24})(\.\d{1,24})?([eE][+-]?\d{1,3})?$/);
    fc.assert(
      fc.property(digits, (text) => {
        const [value] = parseJson(`[${text}]`) as JsonValue[];
        expect(JSON.stringify([value])).toBe(`[${text}]`);
        expect(numberOf(value)).toBe(Number(text));
        expect(typeof value === 'number').toBe(String(Number(text)) === text);
      }),
      { numRuns: 5000 },
    );
  });

  it('exactNumber makes numbers only', () => {
    expect(textOf(exactNumber('2.50'))).toBe('2.50');
    expect(() => exactNumber('"a"')).toThrow(SyntaxError);
    expect(() => exactNumber('true')).toThrow(SyntaxError);
    expect(() => exactNumber('1 ')).toThrow(SyntaxError);
    expect(isExactNumber(null)).toBe(false);
    expect(numberOf('1')).toBeNaN();
    expect(textOf('1')).toBeUndefined();
  });
});

const synthea = fileURLToPath(new URL('../../../../shared/data/synthea/', import.meta.url));

describe.skipIf(!existsSync(synthea))('Synthea bundles', () => {
  it.each(['hospitals', 'patient-005'])('%s parses as JSON.parse does', (name) => {
    const text = gunzipSync(readFileSync(`${synthea}${name}.json.gz`)).toString('utf8');
    expect(plain(parseJson(text))).toEqual(JSON.parse(text));
  });
});
