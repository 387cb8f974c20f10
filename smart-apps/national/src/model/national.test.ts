import type { Bundle, Resource } from '@vesta/app-kit';
import { describe, expect, test } from 'vitest';
import { drawMap } from './map.ts';
import { quarterBefore, signalsOf } from './outbreaks.ts';
import {
  CONDITIONS,
  type Figure,
  matching,
  missing,
  quarterOf,
  reportsOf,
  totals,
  VISITS,
} from './reports.ts';

const bundle = (...resources: object[]) =>
  ({
    resourceType: 'Bundle',
    type: 'searchset',
    entry: resources.map((resource) => ({ resource: resource as Resource })),
  }) as Bundle;
const population = (count: number) => [{ code: { coding: [{ code: 'initial-population' }] }, count }];
const report = (more: object) => ({
  resourceType: 'MeasureReport',
  status: 'complete',
  type: 'summary',
  measure: `${VISITS}|1.0.0`,
  reporter: { reference: 'Organization/a' },
  period: { start: '2025-01-01', end: '2025-03-31' },
  date: '2025-04-14',
  group: [{ code: { coding: [{ code: 'AMB', display: 'ambulatory' }] }, population: population(5) }],
  ...more,
});

describe('reports (R4 measurereport.html)', () => {
  test.each([
    ['2025-01-01', '2025-03-31', '2025-Q1'],
    ['2025-10-01T00:00:00Z', '2025-12-31T23:59:59Z', '2025-Q4'],
    ['2025-01-01', '2025-12-31', undefined],
    ['2025-02-01', '2025-04-30', undefined],
    ['2024-10-01', '2025-12-31', undefined],
    [undefined, undefined, undefined],
  ])('%s to %s is %s', (start, end, expected) => {
    expect(quarterOf({ ...(start && { start }), ...(end && { end }) })).toBe(expected);
  });

  test('count those that are complete, the later of two; not those about one patient', () => {
    const { figures, submissions, quarters } = reportsOf(
      bundle(
        report({ id: '1' }),
        report({
          id: '2',
          date: '2025-05-01',
          group: [{ code: { coding: [{ code: 'AMB', display: 'ambulatory' }] }, population: population(6) }],
        }),
        report({ id: '3', status: 'pending', period: { start: '2025-04-01', end: '2025-06-30' } }),
        report({ id: '4', type: 'individual' }),
        report({
          id: '5',
          measure: CONDITIONS,
          group: [
            {
              population: population(3),
              stratifier: [
                {
                  stratum: [
                    {
                      value: { coding: [{ system: 's', code: 'flu', display: 'Influenza' }] },
                      population: population(3),
                    },
                  ],
                },
              ],
            },
          ],
        }),
      ),
    );
    expect(figures).toEqual([
      {
        kind: 'visits',
        facility: 'Organization/a',
        quarter: '2025-Q1',
        key: 'AMB',
        name: 'ambulatory',
        count: 6,
      },
      {
        kind: 'conditions',
        facility: 'Organization/a',
        quarter: '2025-Q1',
        key: 's|flu',
        name: 'Influenza',
        count: 3,
      },
    ]);
    expect(submissions.map(({ id }) => id)).toEqual(['1', '2', '3', '5']);
    expect(quarters).toEqual(['2025-Q2', '2025-Q1']);
  });

  const figure = (
    facility: string,
    quarter: string,
    key: string,
    count: number,
    kind: Figure['kind'] = 'visits',
  ): Figure => ({ kind, facility, quarter, key, name: key, count });

  test('are summed by facility, department and quarter, the largest first', () => {
    const figures = [
      figure('a', '2025-Q1', 'AMB', 2),
      figure('b', '2025-Q1', 'AMB', 5),
      figure('a', '2025-Q1', 'EMER', 4),
      figure('a', '2025-Q2', 'AMB', 9),
    ];
    const first = matching(figures, { kind: 'visits', quarter: '2025-Q1' });
    expect(totals(first, 'facility').map(({ key, count }) => [key, count])).toEqual([
      ['a', 6],
      ['b', 5],
    ]);
    expect(totals(first, 'key').map(({ key, count }) => [key, count])).toEqual([
      ['AMB', 7],
      ['EMER', 4],
    ]);
    expect(matching(figures, { kind: 'visits', key: 'AMB', facility: 'a' })).toHaveLength(2);
    expect(matching(figures, { kind: 'conditions' })).toEqual([]);
  });

  test('are missed from who has reported in the year before', () => {
    const submission = (facility: string, quarter: string) => ({
      id: '',
      facility,
      quarter,
      measure: VISITS,
      date: undefined,
      status: 'complete',
    });
    const all = [
      submission('a', '2025-Q1'),
      submission('b', '2024-Q4'),
      submission('c', '2023-Q4'),
      submission('a', '2024-Q4'),
    ];
    expect(
      missing(all, ['2025-Q1', '2024-Q4', '2024-Q3', '2024-Q2', '2024-Q1', '2023-Q4'], '2025-Q1'),
    ).toEqual(['b']);
  });

  test('quarters go back over years', () => {
    expect([1, 3, 4, 8].map((n) => quarterBefore('2025-Q2', n))).toEqual([
      '2025-Q1',
      '2024-Q3',
      '2024-Q2',
      '2023-Q2',
    ]);
  });

  test('a condition is told when it is above mean and two standard deviations of eight quarters', () => {
    const history = (key: string, counts: readonly number[]) =>
      counts.map((count, n) =>
        figure(
          n % 2 === 0 ? 'a' : 'b',
          quarterBefore('2025-Q2', counts.length - 1 - n),
          key,
          count,
          'conditions',
        ),
      );
    const signals = signalsOf(
      [
        ...history('steady', [4, 6, 4, 6, 4, 6, 4, 6, 6]),
        ...history('rising', [1, 1, 1, 1, 1, 1, 1, 1, 4]),
        ...history('rare', [0, 0, 0, 0, 0, 0, 0, 0, 2]),
        ...history('new', [3]),
        ...history('over', [9, 9, 9, 9, 9, 9, 9, 9, 0]),
      ],
      '2025-Q2',
    );
    expect(signals.map(({ key }) => key)).toEqual(['new', 'rising']);
    expect(signals[1]).toMatchObject({
      count: 4,
      expected: 1,
      limit: 1,
      facilities: [{ facility: 'a', count: 4 }],
    });
    expect(signals[1]?.history.map(({ count }) => count)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 4]);
  });
});

test('a map keeps all places within it, north above south, and areas as counts', () => {
  const place = (id: string, latitude: number, longitude: number, count: number) => ({
    id,
    name: id,
    latitude,
    longitude,
    count,
  });
  const { width, height, points, meridians } = drawMap([
    place('n', 42.9, -71, 4),
    place('s', 41.5, -73, 16),
    place('none', 42, -70, 0),
  ]);
  const at = (id: string) => points.find((one) => one.place.id === id)!;
  for (const { x, y } of points) {
    expect(x).toBeGreaterThanOrEqual(0);
    expect(x).toBeLessThanOrEqual(width);
    expect(y).toBeGreaterThanOrEqual(0);
    expect(y).toBeLessThanOrEqual(height);
  }
  expect(at('n').y).toBeLessThan(at('s').y);
  expect(at('none').x).toBeGreaterThan(at('s').x);
  expect(at('s').radius / at('n').radius).toBeCloseTo(2);
  expect(meridians.length).toBeGreaterThan(1);
  expect(drawMap([]).points).toEqual([]);
  expect(drawMap([place('one', 1, 1, 1)]).points[0]).toMatchObject({ x: expect.any(Number) });
});
