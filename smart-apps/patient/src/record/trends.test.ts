import type { Bundle, Observation } from '@vesta/app-kit';
import { expect, test } from 'vitest';
import { latestOf, rangeOf, seriesOf, trendsOf } from './trends.ts';

const code = (value: string, display = value) => ({
  coding: [{ system: 'http://loinc.org', code: value, display }],
});
const observation = (date: string, more: Partial<Observation>): Observation => ({
  resourceType: 'Observation',
  status: 'final',
  code: code('x'),
  effectiveDateTime: date,
  ...more,
});
const bundle = (...all: Observation[]): Bundle => ({
  resourceType: 'Bundle',
  type: 'searchset',
  entry: all.map((resource) => ({ resource, search: { mode: 'match' } })),
});
const value = (number: number, unit = 'mg') => ({ valueQuantity: { value: number, unit } });

test('values of one code are one trend, the latest first; what was a mistake is left out', () => {
  const trends = trendsOf(
    bundle(
      observation('2024-01-01', value(1)),
      observation('2024-03-01', value(3)),
      observation('2024-02-01', { ...value(2), status: 'entered-in-error' }),
      observation('2024-02-01', { ...value(9), code: code('y', 'Y') }),
    ),
  );
  expect(trends.map(({ title, observations }) => [title, observations.length])).toEqual([
    ['x', 2],
    ['Y', 1],
  ]);
  expect(trends[0]?.observations[0]?.effectiveDateTime).toBe('2024-03-01');
});

test('the latest value is the latest that there is one of', () => {
  const [trend] = trendsOf(
    bundle(
      observation('2024-01-01', { ...value(1), referenceRange: [{ low: { value: 0 } }] }),
      observation('2024-02-01', { dataAbsentReason: { text: 'Not performed' } }),
    ),
  );
  expect(latestOf(trend!).effectiveDateTime).toBe('2024-01-01');
  expect(rangeOf(trend!)).toEqual({ low: 0, high: undefined });
});

test('components are lines of their own; values of another unit are not drawn on the same axis', () => {
  const [pressure] = trendsOf(
    bundle(
      observation('2024-01-01', {
        component: [
          { code: code('s', 'Systolic'), valueQuantity: { value: 120, unit: 'mmHg' } },
          { code: code('d', 'Diastolic'), valueQuantity: { value: 80, unit: 'mmHg' } },
        ],
      }),
    ),
  );
  expect(seriesOf(pressure!)).toEqual({
    unit: 'mmHg',
    series: [
      { name: 'Systolic', points: [{ date: '2024-01-01', value: 120 }] },
      { name: 'Diastolic', points: [{ date: '2024-01-01', value: 80 }] },
    ],
  });
  const [mixed] = trendsOf(
    bundle(observation('2024-01-01', value(1, 'g')), observation('2024-02-01', value(2, 'mg'))),
  );
  expect(seriesOf(mixed!).series[0]?.points).toEqual([{ date: '2024-02-01', value: 2 }]);
});
