import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type IndexEntries, ZERO } from '../search/index-model.ts';
import {
  addSideRows,
  expectedIndex,
  indexDifferences,
  type StoredIndex,
  storedIndex,
} from './stored-index.ts';

const hash = fc.record({ hi: fc.integer(), lo: fc.integer() });
const param = fc.integer({ min: 1, max: 5 });
const entries: fc.Arbitrary<IndexEntries> = fc.record({
  dateLow: fc.option(fc.integer()),
  dateHigh: fc.option(fc.integer()),
  patient: fc.option(hash),
  tokens: fc.uniqueArray(hash, { selector: ({ hi, lo }) => `${hi} ${lo}`, minLength: 1, maxLength: 20 }),
  referenceCount: fc.constant(0),
  present: fc.uniqueArray(param, { minLength: 1 }),
  dates: fc.array(fc.record({ param, low: fc.integer(), high: fc.integer() }), { minLength: 1 }),
  strings: fc.array(fc.record({ param, value: fc.string() }), { minLength: 1 }),
  quantities: fc.array(
    fc.record({
      param,
      key: fc.constant(ZERO),
      unit: hash,
      low: fc.double({ noNaN: true }),
      high: fc.constant(1),
    }),
    { minLength: 1 },
  ),
  texts: fc.constant([]),
});

/** The same entries in another order, as another plan of the database may give them. */
function turned(index: StoredIndex): StoredIndex {
  const turn = <T>(list: readonly T[]): T[] => [...list.slice(1), ...list.slice(0, 1)].reverse();
  return {
    ...index,
    tokens: turn(index.tokens),
    present: turn(index.present),
    dates: turn(index.dates),
    strings: turn(index.strings),
    quantities: turn(index.quantities),
  };
}

describe('comparison of index entries (issue 3, section 7: indexes agree with resources)', () => {
  test('rows as PostgreSQL prints them are the entries they were made of', () => {
    const index = storedIndex(['5', null, '-9', 1, '{-3,18}', '{7}'], 0);
    addSideRows(new Map([['100', index]]), [
      [['100', 7, '1', '2']],
      [['100', 7, 'a b']],
      [
        ['100', 7, '0', '1', 1.5, Number.POSITIVE_INFINITY],
        ['101', 7, '0', '1', 0, 0],
      ],
    ]);
    const expected = expectedIndex({
      dateLow: 5,
      dateHigh: null,
      patient: { hi: -1, lo: -9 },
      tokens: [
        { hi: -1, lo: -3 },
        { hi: 0, lo: 18 },
      ],
      referenceCount: 1,
      present: [7],
      dates: [{ param: 7, low: 1, high: 2 }],
      strings: [{ param: 7, value: 'a b' }],
      quantities: [{ param: 7, key: ZERO, unit: { hi: 0, lo: 1 }, low: 1.5, high: Number.POSITIVE_INFINITY }],
      texts: [],
    });
    expect(index).toEqual(expected);
    expect(storedIndex([null, null, null, 0, '{}', '{}'], 0).tokens).toEqual([]);
  });

  test('order does not matter', () => {
    fc.assert(
      fc.property(entries, (made) => {
        const index = expectedIndex(made);
        expect(indexDifferences(turned(index), index)).toEqual([]);
      }),
    );
  });

  test('any entry that is missing or too many is found, repeated rows of side tables by their number', () => {
    const lists = ['tokens', 'present', 'dates', 'strings', 'quantities'] as const;
    fc.assert(
      fc.property(entries, fc.constantFrom(...lists), (made, list) => {
        const index = expectedIndex(made);
        const less = { ...index, [list]: index[list].slice(1) };
        expect(indexDifferences(less, index)).toHaveLength(1);
        expect(indexDifferences(index, less)[0]).toMatch(/1 unexpected$/);
      }),
    );
  });

  test('while a parameter waits for $reindex its entries may be missing, and no others', () => {
    fc.assert(
      fc.property(entries, (made) => {
        const expected = expectedIndex(made);
        const own = (row: string) => row.split(' ')[0] === '5';
        const required = {
          ...expected,
          present: expected.present.filter((key) => !own(key)),
          dates: expected.dates.filter((row) => !own(row)),
          strings: expected.strings.filter((row) => !own(row)),
          quantities: expected.quantities.filter((row) => !own(row)),
        };
        const tolerance = { required, strict: (key: string) => key !== '5' };
        expect(indexDifferences(required, expected, tolerance)).toEqual([]);
        expect(indexDifferences(expected, required, tolerance)).toEqual([]);
        const tokens = expected.tokens.slice(1);
        expect(indexDifferences({ ...expected, tokens }, expected, tolerance)).toEqual(['tokens: 1 missing']);
        const stale = {
          ...expected,
          dates: [...expected.dates, '6 1 2'],
          strings: [...expected.strings, '5 old'],
        };
        expect(indexDifferences(stale, expected, tolerance)).toEqual(['index_date: 1 unexpected']);
      }),
    );
  });
});
