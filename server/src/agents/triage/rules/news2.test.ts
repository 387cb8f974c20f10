import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Facts, NO_FACTS, type Vitals } from '../facts.ts';
import { type News2Parameter, news2 } from './news2.ts';

/* Royal College of Physicians, National Early Warning Score (NEWS) 2, 2017: chart 1 (points) and chart 2 (thresholds). */

const scored = (vitals: Vitals, more: Partial<Facts> = {}) => news2({ ...NO_FACTS, ...more, vitals });
const points = (name: News2Parameter, vitals: Vitals, more: Partial<Facts> = {}) =>
  scored(vitals, more)?.parameters[name];

describe('chart 1, at each bound', () => {
  test.each<[number, number]>([
    [8, 3],
    [9, 1],
    [11, 1],
    [12, 0],
    [20, 0],
    [21, 2],
    [24, 2],
    [25, 3],
  ])('respiration rate %d scores %d', (respiratoryRate, expected) => {
    expect(points('respiratoryRate', { respiratoryRate })).toBe(expected);
  });
  test.each<[number, number]>([
    [91, 3],
    [92, 2],
    [93, 2],
    [94, 1],
    [95, 1],
    [96, 0],
    [100, 0],
  ])('SpO2 %d scores %d on scale 1', (oxygenSaturation, expected) => {
    expect(points('oxygenSaturation', { oxygenSaturation })).toBe(expected);
    expect(points('oxygenSaturation', { oxygenSaturation, onOxygen: true })).toBe(expected);
  });
  test.each<[number, number, number]>([
    [83, 3, 3],
    [84, 2, 2],
    [85, 2, 2],
    [86, 1, 1],
    [87, 1, 1],
    [88, 0, 0],
    [92, 0, 0],
    [93, 0, 1],
    [94, 0, 1],
    [95, 0, 2],
    [96, 0, 2],
    [97, 0, 3],
  ])('SpO2 %d scores %d on air and %d on oxygen on scale 2', (oxygenSaturation, air, oxygen) => {
    const hypercapnic = { hypercapnic: true };
    expect(points('oxygenSaturation', { oxygenSaturation, onOxygen: false }, hypercapnic)).toBe(air);
    expect(points('oxygenSaturation', { oxygenSaturation, onOxygen: true }, hypercapnic)).toBe(oxygen);
  });
  test.each<[number, number]>([
    [90, 3],
    [91, 2],
    [100, 2],
    [101, 1],
    [110, 1],
    [111, 0],
    [219, 0],
    [220, 3],
  ])('systolic %d scores %d', (systolic, expected) => {
    expect(points('systolic', { systolic })).toBe(expected);
  });
  test.each<[number, number]>([
    [40, 3],
    [41, 1],
    [50, 1],
    [51, 0],
    [90, 0],
    [91, 1],
    [110, 1],
    [111, 2],
    [130, 2],
    [131, 3],
  ])('pulse %d scores %d', (heartRate, expected) => {
    expect(points('heartRate', { heartRate })).toBe(expected);
  });
  test.each<[number, number]>([
    [35, 3],
    [35.1, 1],
    [36, 1],
    [36.1, 0],
    [38, 0],
    [38.1, 1],
    [39, 1],
    [39.1, 2],
  ])('temperature %d scores %d', (temperature, expected) => {
    expect(points('temperature', { temperature })).toBe(expected);
  });
  test.each([
    ['A', 0],
    ['C', 3],
    ['V', 3],
    ['P', 3],
    ['U', 3],
  ] as const)('consciousness %s scores %d', (consciousness, expected) => {
    expect(points('consciousness', { consciousness })).toBe(expected);
  });
  test('oxygen scores 2; new confusion scores though GCS says alert', () => {
    expect(points('oxygen', { heartRate: 80, onOxygen: true })).toBe(2);
    expect(points('oxygen', { heartRate: 80, onOxygen: false })).toBe(0);
    expect(points('consciousness', { gcs: 15 }, { complaints: new Set(['confusion']) })).toBe(3);
  });
});

describe('chart 2', () => {
  const normal: Vitals = {
    respiratoryRate: 16,
    oxygenSaturation: 98,
    onOxygen: false,
    systolic: 120,
    heartRate: 70,
    consciousness: 'A',
    temperature: 37,
  };
  test.each<[string, Partial<Vitals>, number, string]>([
    ['all normal', {}, 0, 'low'],
    ['several small ones', { respiratoryRate: 22, heartRate: 95, temperature: 38.5 }, 4, 'low'],
    ['3 in one parameter', { systolic: 88 }, 3, 'low-medium'],
    ['5', { respiratoryRate: 22, heartRate: 115, temperature: 38.5 }, 5, 'medium'],
    ['6', { respiratoryRate: 22, heartRate: 115, oxygenSaturation: 93 }, 6, 'medium'],
    ['7', { respiratoryRate: 22, heartRate: 115, oxygenSaturation: 93, temperature: 38.5 }, 7, 'high'],
    [
      'the most there is',
      {
        respiratoryRate: 30,
        oxygenSaturation: 80,
        onOxygen: true,
        systolic: 70,
        heartRate: 150,
        consciousness: 'U',
        temperature: 34,
      },
      20,
      'high',
    ],
  ])('%s', (_what, changed, score, risk) => {
    expect(scored({ ...normal, ...changed })).toMatchObject({ score, risk, missing: [] });
  });
  test('not for children below 16 and in pregnancy, nor without any measurement', () => {
    expect(scored(normal, { age: 15.9 })).toBeUndefined();
    expect(scored(normal, { age: 16 })).toBeDefined();
    expect(scored(normal, { pregnant: true })).toBeUndefined();
    expect(scored({ pain: 3 })).toBeUndefined();
  });
  test('property: what is not measured adds nothing, and is told', () => {
    fc.assert(
      fc.property(fc.subarray(Object.keys(normal) as (keyof Vitals)[]), (left) => {
        const part = Object.fromEntries(
          Object.entries(normal).filter(([name]) => !left.includes(name as keyof Vitals)),
        );
        const result = scored(part);
        expect(result?.score ?? 0).toBe(0);
        if (result !== undefined) expect(result.missing.length).toBe(left.length);
      }),
    );
  });
});
