import { describe, expect, it } from 'vitest';
import { problemOfBundle } from './check-bundle.ts';

const entry = (reference: string, mode: string, more: object = {}) => {
  const [resourceType, id] = reference.split('/');
  return { fullUrl: `http://x/${reference}`, resource: { resourceType, id, ...more }, search: { mode } };
};
const bundle = (...entries: object[]) =>
  JSON.stringify({ resourceType: 'Bundle', type: 'searchset', entry: entries });
const two = { path: '', matches: new Set(['Patient/a', 'Patient/b']), onPage: 2 };

describe('problemOfBundle', () => {
  it('accepts exactly what has to be found', () => {
    expect(
      problemOfBundle(two, bundle(entry('Patient/a', 'match'), entry('Patient/b', 'match'))),
    ).toBeUndefined();
    expect(problemOfBundle({ ...two, onPage: 0 }, bundle())).toBeUndefined();
  });

  it.each([
    ['too few', bundle(entry('Patient/a', 'match'))],
    ['one twice', bundle(entry('Patient/a', 'match'), entry('Patient/a', 'match'))],
    ['a wrong one', bundle(entry('Patient/a', 'match'), entry('Patient/c', 'match'))],
    [
      'a remark',
      bundle(
        entry('Patient/a', 'match'),
        entry('Patient/b', 'match'),
        entry('OperationOutcome/x', 'outcome'),
      ),
    ],
    ['no searchset', JSON.stringify({ type: 'collection' })],
  ])('refuses %s', (_, text) => {
    expect(problemOfBundle(two, text)).toBeTypeOf('string');
  });

  it('checks includes, order and totals', () => {
    const observation = (id: string, date: string) =>
      entry(`Observation/${id}`, 'match', { effectiveDateTime: date });
    const expected = {
      path: '',
      matches: new Set(['Observation/a', 'Observation/b']),
      onPage: 2,
      included: new Set(['Encounter/e']),
      dates: [Date.parse('2020-01-02T00:00:00Z'), Date.parse('2020-01-01T00:00:00Z')],
    };
    const newer = observation('a', '2020-01-02T00:00:00Z');
    const older = observation('b', '2020-01-01T00:00:00Z');
    const encounter = entry('Encounter/e', 'include');
    expect(problemOfBundle(expected, bundle(newer, older, encounter))).toBeUndefined();
    expect(problemOfBundle(expected, bundle(older, newer, encounter))).toMatch(/^match 0/);
    expect(problemOfBundle(expected, bundle(newer, older))).toBe('0 includes instead of 1');
    expect(problemOfBundle(expected, bundle(newer, older, entry('Encounter/f', 'include')))).toMatch(
      /Encounter\/f/,
    );
    const counted = { path: '', matches: new Set<string>(), onPage: 0, total: 5 };
    expect(problemOfBundle(counted, JSON.stringify({ type: 'searchset', total: 5 }))).toBeUndefined();
    expect(problemOfBundle(counted, JSON.stringify({ type: 'searchset', total: 4 }))).toBeTypeOf('string');
  });
});
