import { describe, expect, test } from 'vitest';
import type { ExactNumber } from '../../json/types.ts';
import { compositePart, ZERO } from '../index-model.ts';
import { extract, has, key, keys, quantities, UCUM } from './test-entries.ts';

describe('number and quantity (R4 search.html#number, #quantity)', () => {
  const param = key('Observation', 'value-quantity');
  const of = (value: object) =>
    quantities(extract({ resourceType: 'Observation', id: 'o', ...value }), param);

  test('a quantity as given by code and by unit text, and in canonical units', () => {
    expect(of({ valueQuantity: { value: 5000, unit: 'milligram', system: UCUM, code: 'mg' } })).toEqual([
      { key: ZERO, unit: keys.unitKey('mg'), low: 5000, high: 5000 },
      { key: ZERO, unit: keys.unitKey('milligram'), low: 5000, high: 5000 },
      { key: ZERO, unit: keys.systemUnitKey(UCUM, 'g'), low: 5, high: 5 },
    ]);
    expect(
      of({
        valueQuantity: {
          value: (JSON as unknown as { rawJSON(text: string): ExactNumber }).rawJSON('5.00'),
          unit: 'g',
          system: UCUM,
          code: 'g',
        },
      }),
    ).toContainEqual({
      key: ZERO,
      unit: keys.systemUnitKey(UCUM, 'g'),
      low: 5,
      high: 5,
    });
  });

  test('no unit, another system, no value', () => {
    expect(of({ valueQuantity: { value: 3 } })).toEqual([{ key: ZERO, unit: ZERO, low: 3, high: 3 }]);
    expect(of({ valueQuantity: { value: 3, system: 'urn:x', code: 'tab' } })).toEqual([
      { key: ZERO, unit: keys.unitKey('tab'), low: 3, high: 3 },
      { key: ZERO, unit: keys.systemUnitKey('urn:x', 'tab'), low: 3, high: 3 },
    ]);
    expect(of({ valueQuantity: { unit: 'g' } })).toEqual([]);
  });

  test('a comparator opens one end; `<` and `>` leave the value itself out', () => {
    expect(of({ valueQuantity: { value: 5, comparator: '<', unit: 'mg' } })).toEqual([
      { key: ZERO, unit: keys.unitKey('mg'), low: Number.NEGATIVE_INFINITY, high: 4.999999999999999 },
    ]);
    expect(of({ valueQuantity: { value: -0.5, comparator: '>', unit: 'mg' } })).toEqual([
      { key: ZERO, unit: keys.unitKey('mg'), low: -0.49999999999999994, high: Number.POSITIVE_INFINITY },
    ]);
    expect(of({ valueQuantity: { value: 0, comparator: '<', unit: 'mg' } })).toEqual([
      { key: ZERO, unit: keys.unitKey('mg'), low: Number.NEGATIVE_INFINITY, high: -Number.MIN_VALUE },
    ]);
    expect(
      of({ valueQuantity: { value: 5, comparator: '>=', unit: 'mg', system: UCUM, code: 'mg' } }),
    ).toContainEqual({
      key: ZERO,
      unit: keys.systemUnitKey(UCUM, 'g'),
      low: 0.005,
      high: Number.POSITIVE_INFINITY,
    });
  });

  test('SampledData is the range of its points', () => {
    const sampled = {
      origin: { value: 10, unit: 'mV' },
      period: 10,
      factor: 2,
      dimensions: 1,
      data: '1 -3 E 4',
    };
    expect(of({ valueSampledData: sampled })).toEqual([
      { key: ZERO, unit: keys.unitKey('mV'), low: 4, high: 18 },
    ]);
    expect(of({ valueSampledData: { ...sampled, data: '1 U' } })).toEqual([
      { key: ZERO, unit: keys.unitKey('mV'), low: 12, high: Number.POSITIVE_INFINITY },
    ]);
  });

  test('Money has its currency as code; a number has unit zero; Range has two ends', () => {
    const claim = extract({ resourceType: 'Invoice', id: 'i', totalNet: { value: 9.5, currency: 'EUR' } });
    expect(quantities(claim, key('Invoice', 'totalnet'))).toEqual([
      { key: ZERO, unit: keys.unitKey('EUR'), low: 9.5, high: 9.5 },
      { key: ZERO, unit: keys.systemUnitKey('urn:iso:std:iso:4217', 'EUR'), low: 9.5, high: 9.5 },
    ]);
    const risk = extract({
      resourceType: 'RiskAssessment',
      id: 'r',
      prediction: [{ probabilityDecimal: 0.25 }],
    });
    expect(quantities(risk, key('RiskAssessment', 'probability'))).toEqual([
      { key: ZERO, unit: ZERO, low: 0.25, high: 0.25 },
    ]);
    const measure = extract({
      resourceType: 'Measure',
      id: 'm',
      useContext: [
        {
          code: { code: 'age' },
          valueRange: {
            low: { value: 1, system: UCUM, code: 'kg' },
            high: { value: 1500, system: UCUM, code: 'g' },
          },
        },
      ],
    });
    expect(quantities(measure, key('Measure', 'context-quantity'))).toEqual([
      { key: ZERO, unit: keys.systemUnitKey(UCUM, 'g'), low: 1000, high: 1500 },
    ]);
  });
});

describe('composite (R4 search.html#composite)', () => {
  test('a composite on the resource itself leaves its quantity by code; one on components joins the code forms with the quantity', () => {
    const entries = extract({
      resourceType: 'Observation',
      id: 'o',
      code: { coding: [{ system: 'http://loinc.org', code: '85354-9' }] },
      valueQuantity: { value: 1, unit: 'x' },
      component: [
        {
          code: { coding: [{ system: 'http://loinc.org', code: '8480-6' }] },
          valueQuantity: { value: 120, unit: 'mmHg', system: UCUM, code: 'mm[Hg]' },
        },
        {
          code: { coding: [{ code: 'flag' }] },
          valueCodeableConcept: { coding: [{ system: 's', code: 'Y' }] },
        },
      ],
    });
    // Of the resource itself only the quantity as given, keyed by its code: what plan/coded-quantity.ts looks for.
    const root = key('Observation', 'code-value-quantity');
    expect(quantities(entries, root)).toEqual(
      [compositePart(undefined, '85354-9'), compositePart('http://loinc.org', '85354-9')].map((form) => ({
        key: keys.compositeKey(root, [form]),
        unit: keys.unitKey('x'),
        low: 1,
        high: 1,
      })),
    );
    for (const code of ['component-code-value-quantity', 'combo-code-value-quantity']) {
      const param = key('Observation', code);
      const rows = quantities(entries, param);
      expect(rows).toHaveLength(9);
      for (const form of [
        compositePart(undefined, '8480-6'),
        compositePart('http://loinc.org', '8480-6'),
        compositePart('http://loinc.org', ''),
      ]) {
        expect(rows).toContainEqual({
          key: keys.compositeKey(param, [form]),
          unit: keys.unitKey('mm[Hg]'),
          low: 120,
          high: 120,
        });
        expect(rows).toContainEqual({
          key: keys.compositeKey(param, [form]),
          unit: keys.systemUnitKey(UCUM, 'g.m-1.s-2'),
          low: 15998640,
          high: 15998640,
        });
      }
    }
    const concept = key('Observation', 'component-code-value-concept');
    for (const parts of [
      ['cflag', 'cy'],
      ['s|flag', 'ss|y'],
      ['cflag', 'ss|'],
    ]) {
      expect(has(entries, keys.compositeKey(concept, parts))).toBe(true);
    }
    expect(has(entries, keys.compositeKey(concept, ['c8480-6', 'cy']))).toBe(false);
  });

  test('%resource in a component, and two numbers as low and high', () => {
    const entries = extract({
      resourceType: 'MolecularSequence',
      id: 'm',
      referenceSeq: { chromosome: { coding: [{ code: '7' }] } },
      variant: [{ start: 128273725, end: 128273736 }],
    });
    const param = key('MolecularSequence', 'chromosome-variant-coordinate');
    expect(quantities(entries, param)).toContainEqual({
      key: keys.compositeKey(param, ['c7']),
      unit: ZERO,
      low: 128273725,
      high: 128273736,
    });
  });

  test('an element with too many combinations is refused', () => {
    const coding = Array.from({ length: 200 }, (_, i) => ({ system: `s${i}`, code: `c${i}` }));
    expect(() =>
      extract({
        resourceType: 'Observation',
        id: 'o',
        component: [{ code: { coding }, valueCodeableConcept: { coding } }],
      }),
    ).toThrow(/too many codes/);
  });
});

test('near (R4 location.html#positional): latitude as low, longitude as high', () => {
  const entries = extract({
    resourceType: 'Location',
    id: 'l',
    position: { longitude: -71.5, latitude: 42.25 },
  });
  expect(quantities(entries, key('Location', 'near'))).toEqual([
    { key: ZERO, unit: ZERO, low: 42.25, high: -71.5 },
  ]);
});
