import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { COMMON_UNITS, canonicalQuantity } from './units.ts';

const { UcumLhcUtils } = createRequire(import.meta.url)('@lhncbc/ucum-lhc');
const ucum = UcumLhcUtils.getInstance();

test('R4 search.html#quantity: 5 g, 5000 mg and 0.005 kg are the same quantity', () => {
  const gram = canonicalQuantity(5, 'g');
  expect(gram).toEqual({ value: 5, unit: 'g' });
  expect(canonicalQuantity(5000, 'mg')).toEqual(gram);
  expect(canonicalQuantity(0.005, 'kg')).toEqual(gram);
  expect(canonicalQuantity(5e9, 'ng')).toEqual(gram);
  expect(canonicalQuantity(5.4, 'mg/dL')).toEqual(canonicalQuantity(0.054, 'g/L'));
  expect(canonicalQuantity(37, 'Cel')).toEqual(canonicalQuantity(98.6, '[degF]'));
  expect(canonicalQuantity(37, 'Cel')).toEqual({ value: 310.15, unit: 'K' });
  expect(canonicalQuantity(29.6, '[degRe]')).toEqual(canonicalQuantity(37, 'Cel'));
  expect(canonicalQuantity(60, '/min')).toEqual(canonicalQuantity(1, '/s'));
});

test('the built-in table agrees with the UCUM library', () => {
  const byUnit = new Map<string, string>();
  for (const code of COMMON_UNITS) {
    const own = canonicalQuantity(7.25, code);
    if (own === undefined) throw new Error(code);
    if (!['Cel', '[degF]'].includes(code)) {
      // a factor of one leads around the table
      expect(canonicalQuantity(7.25, code.startsWith('/') ? `1.1${code}` : `1.${code}`), code).toEqual(own);
    }
    const reference = byUnit.get(own.unit);
    // the library does not convert arbitrary units at all
    if (reference === undefined || code.includes('[iU]')) {
      byUnit.set(own.unit, code);
      continue;
    }
    const converted = ucum.convertUnitTo(code, 7.25, reference);
    expect(converted.status, `${code} to ${reference}`).toBe('succeeded');
    const back = canonicalQuantity(converted.toVal, reference);
    expect(back?.unit).toBe(own.unit);
    expect((back?.value ?? 0) / own.value, `${code} to ${reference}`).toBeCloseTo(1, 11);
  }
});

test('units of different kinds never meet', () => {
  const units = [
    'g',
    'm',
    's',
    'mol',
    'meq',
    '[iU]',
    '[CFU]',
    '%',
    'Cel',
    '[pH]',
    'dB',
    'mm[Hg]',
    'mmol/L',
    'mg/dL',
    '[iU]/L',
    'rad',
    'cd',
    'C',
  ];
  expect(new Set(units.map((unit) => canonicalQuantity(1, unit)?.unit)).size).toBe(units.length);
});

test('UCUM: annotations do not count; arbitrary units only compare with themselves', () => {
  expect(canonicalQuantity(60, '{beats}/min')).toEqual({ value: 1, unit: 's-1' });
  expect(canonicalQuantity(3, '{score}')).toEqual({ value: 3, unit: '1' });
  expect(canonicalQuantity(3, '{score}')).toEqual(canonicalQuantity(300, '%'));
  expect(canonicalQuantity(4, '10*3/uL{cells}')).toEqual(canonicalQuantity(4e9, '/L'));
  expect(canonicalQuantity(1, 'mg/{creat}')).toEqual({ value: 0.001, unit: 'g' });
  expect(canonicalQuantity(1, '/{HPF}')).toEqual({ value: 1, unit: '1' });
  expect(canonicalQuantity(1, 'k[IU]/L')).toEqual(canonicalQuantity(1, '[iU]/mL'));
  expect(canonicalQuantity(1, '[CFU]/mL')).toEqual({ value: 1e6, unit: 'm-3.[CFU]' });
});

test('what is not UCUM gives undefined and nothing throws', () => {
  for (const code of [
    '',
    'foo',
    'mg per day',
    '{',
    '}',
    'a{b',
    '{a{b}}',
    '(',
    '/',
    '.',
    '[',
    'x'.repeat(10_000),
    '\u0000',
    '10*',
  ]) {
    const result = canonicalQuantity(1, code);
    if (code !== '10*') expect(result, code).toBeUndefined();
  }
  expect(canonicalQuantity(Number.NaN, 'g')).toBeUndefined();
  expect(canonicalQuantity(1e308, 'kg')).toBeUndefined();
  for (let i = 0; i < 9000; i++) canonicalQuantity(1, `mg{${i}}`);
  expect(canonicalQuantity(1, 'mg{8}')).toEqual({ value: 0.001, unit: 'g' });
});
