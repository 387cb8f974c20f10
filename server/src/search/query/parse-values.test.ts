import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { escapeValue, splitEscaped, unescapeValue } from './escape.ts';
import { one, parse, refused } from './test-parse.ts';
import type { Criteria } from './types.ts';
import { decimalRange } from './values.ts';

describe('R4 search.html#escaping', () => {
  test('"\\," "\\$" "\\|" and "\\\\" are literal', () => {
    expect(unescapeValue('a\\,b\\$c\\|d\\\\e\\x')).toBe('a,b$c|d\\e\\x');
    expect(one('Patient?name=a\\,b,c')).toMatchObject({ texts: ['a,b', 'c'] });
    expect(one('Patient?identifier=http://x|a\\|b')).toMatchObject({
      values: [{ system: 'http://x', code: 'a|b' }],
    });
  });

  test('any list of texts comes back after escaping, joining, splitting and unescaping', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string(), { minLength: 1 }),
        fc.constantFrom(',', '$', '|'),
        (texts, separator) => {
          const joined = texts.map(escapeValue).join(separator);
          expect(splitEscaped(joined, separator as ',').map(unescapeValue)).toEqual(texts);
        },
      ),
    );
  });
});

describe('R4 search.html#number', () => {
  test('the precision of the value is the interval that equals (table of the section)', () => {
    expect(decimalRange('100')).toEqual({ value: 100, low: 99.5, high: 100.5 });
    expect(decimalRange('100.00')).toEqual({ value: 100, low: 99.995, high: 100.005 });
    expect(decimalRange('1e2')).toEqual({ value: 100, low: 95, high: 105 });
    expect(decimalRange('1.0e2')).toEqual({ value: 100, low: 95, high: 105 });
    expect(decimalRange('1.00e2')).toEqual({ value: 100, low: 99.5, high: 100.5 });
    expect(decimalRange('-5.40')).toEqual({ value: -5.4, low: -5.405, high: -5.395 });
    expect(decimalRange('5.4e-3')).toEqual({ value: 0.0054, low: 0.00535, high: 0.00545 });
  });

  test('what is not a number is undefined', () => {
    for (const text of [
      '',
      '.',
      '+',
      'e2',
      '1e',
      '1e9999',
      'NaN',
      'Infinity',
      '0x10',
      '1_000',
      '9'.repeat(101),
    ]) {
      expect(decimalRange(text), text).toBeUndefined();
    }
  });

  test('the interval holds the value and is as wide as one unit of the last digit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -99999, max: 99999 }),
        fc.integer({ min: 0, max: 4 }),
        (digits, places) => {
          const text = (digits / 10 ** places).toFixed(places);
          const range = decimalRange(text)!;
          expect(range.value).toBe(Number(text));
          expect(range.high - range.low).toBeCloseTo(10 ** -places, 8);
          expect(range.low).toBeLessThan(range.value);
          expect(range.high).toBeGreaterThan(range.value);
        },
      ),
    );
  });

  test('prefixes; ap is within 10 %', () => {
    expect(one('RiskAssessment?probability=gt0.8')).toMatchObject({ tests: [{ prefix: 'gt', value: 0.8 }] });
    expect(one('RiskAssessment?probability=ap50')).toMatchObject({
      tests: [{ prefix: 'ap', low: 45, high: 55 }],
    });
    expect(refused('RiskAssessment?probability=xx5').issues[0]?.expression).toBe('http.query.probability');
  });
});

describe('R4 search.html#date', () => {
  test('a date is the interval that it names', () => {
    expect(one('Patient?birthdate=1980-05')).toMatchObject({
      tests: [{ prefix: 'eq', low: Date.UTC(1980, 4, 1), high: Date.UTC(1980, 5, 1) - 1 }],
    });
  });

  test('a "+" that was not encoded arrives as a blank', () => {
    expect(one('Observation?date=ge2020-01-01T00:00:00+01:00')).toMatchObject({
      tests: [{ prefix: 'ge', low: Date.UTC(2019, 11, 31, 23) }],
    });
  });

  test('ap reaches a tenth of the distance to now', () => {
    expect(one('Patient?birthdate=ap2014')).toMatchObject({
      tests: [
        { low: Date.UTC(2014, 0, 1) - Math.round((Date.UTC(2024, 0, 1) - Date.UTC(2015, 0, 1) + 1) / 10) },
      ],
    });
  });

  test('what is not a date is refused, also under lenient handling', () => {
    for (const value of ['2013-13', '2013-02-30', 'yesterday', '', 'gt', '2013-01-01T10', 'xx2013']) {
      expect(refused(`Patient?birthdate=${value}`, { strict: false }).issues[0]?.expression).toBe(
        'http.query.birthdate',
      );
    }
  });
});

describe('R4 search.html#token', () => {
  test('the four forms', () => {
    expect(one('Patient?identifier=a,s|a,|a,s|')).toMatchObject({
      values: [{ code: 'a' }, { system: 's', code: 'a' }, { system: '', code: 'a' }, { system: 's' }],
    });
  });

  test('empty values and too many parts are refused', () => {
    refused('Patient?identifier=');
    refused('Patient?identifier=|');
    refused('Patient?identifier=a,,b');
    refused('Patient?identifier=a|b|c');
  });

  test(':of-type takes system|code|value', () => {
    expect(one('Patient?identifier:of-type=s|MR|1')).toMatchObject({
      values: [{ system: 's', code: 'MR', value: '1' }],
    });
    refused('Patient?identifier:of-type=MR|1');
  });

  test(':in names a value set that must be known; the message names it', () => {
    expect(refused('Condition?code:in=http://vs').issues[0]?.diagnostics).toContain('http://vs');
  });

  test(':below needs a system and takes what terminology says', () => {
    refused('Condition?code:below=1');
    const terminology = { codesIn: () => [], descendants: () => ['2', '3'], ancestors: () => [] };
    const { criteria } = parse('Condition?code:below=s|1', { terminology });
    expect(criteria[0]).toMatchObject({ values: [{ code: '1' }, { code: '2' }, { code: '3' }] });
  });

  test('an expansion over the limit is refused as too costly', () => {
    const terminology = { codesIn: () => [], descendants: () => ['2', '3'], ancestors: () => [] };
    const error = refused('Condition?code:below=s|1', { terminology, limits: { expansion: 2 } });
    expect(error.issues[0]?.code).toBe('too-costly');
  });
});

describe('R4 search.html#quantity', () => {
  test('number, number|system|code, number||code', () => {
    expect(one('Observation?value-quantity=5.4')).toMatchObject({ tests: [{ value: 5.4 }] });
    expect(one('Observation?value-quantity=le5.4|http://unitsofmeasure.org|mg')).toMatchObject({
      tests: [{ prefix: 'le', system: 'http://unitsofmeasure.org', code: 'mg' }],
    });
    expect(one('Observation?value-quantity=5.4||mg')).toMatchObject({ tests: [{ system: '', code: 'mg' }] });
    refused('Observation?value-quantity=5.4|mg');
    refused('Observation?value-quantity=5.4|http://unitsofmeasure.org|');
  });
});

describe('R4 search.html#reference', () => {
  test('id, Type/id, versions, absolute URLs below the base and elsewhere, urns', () => {
    const values = (query: string) => (one(query) as Criteria & { kind: 'reference' }).values;
    expect(values('Observation?subject=1')).toEqual([{ kind: 'local', id: '1' }]);
    expect(values('Observation?subject:Patient=1')).toEqual([{ kind: 'local', type: 'Patient', id: '1' }]);
    expect(values('Observation?subject=Patient/1/_history/2')).toEqual([
      { kind: 'local', type: 'Patient', id: '1', version: '2' },
    ]);
    expect(values('Observation?subject=http://localhost/fhir/demo/Patient/1')).toEqual([
      { kind: 'local', type: 'Patient', id: '1' },
    ]);
    expect(values('Observation?subject=http://localhost/fhir/demo2/Patient/1')).toEqual([
      { kind: 'url', url: 'http://localhost/fhir/demo2/Patient/1' },
    ]);
    expect(values('Observation?subject=urn:uuid:1')).toEqual([{ kind: 'url', url: 'urn:uuid:1' }]);
  });

  test('what is no reference, and a type that the parameter does not have, are refused', () => {
    refused('Observation?subject=Nothing/1');
    refused('Observation?subject=a b');
    refused('Observation?subject:Patient=Group/1');
    refused('Observation?subject:Claim=1');
  });
});
