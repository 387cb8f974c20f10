import { describe, expect, test } from 'vitest';
import type { CursorState } from '../cursor.ts';
import { planSearch } from './index.ts';
import { contextOf, cursors, database, expectAll, parse, TENANT, useSearchDatabase } from './test-search.ts';

useSearchDatabase();

describe('R4 search.html#sort', () => {
  test('ascending and descending, missing values last, several keys', () =>
    expectAll({
      'Patient?_sort=birthdate': 'p1 p2 p3',
      'Patient?_sort=-birthdate': 'p2 p1 p3',
      'Observation?_sort=date': 'w3 w1 w2 bp text w4 group',
      'Observation?_sort=-date': 'text bp w2 w1 w3 group w4',
      'Patient?_sort=family': 'p1 p2 p3',
      'Patient?_sort=-family': 'p3 p2 p1',
      'Patient?_sort=given': 'p2 p1 p3',
      'Patient?_sort=_lastUpdated': 'p3 p1 p2',
      'Patient?_sort=-_id': 'p3 p2 p1',
      'Patient?_sort=gender': 'p2 p1 p3',
      'Patient?_sort=-gender,family': 'p1 p2 p3',
      'Observation?_sort=-value-quantity&code=29463-7': 'w4 w2 w3 w1',
      'Observation?_sort=patient,-date': 'bp w2 w1 w3 w4 text group',
      'RiskAssessment?_sort=-probability': 'r2 r1',
      'Observation?_sort=status,_id': 'bp text w1 w2 w3 w4 group',
      'ValueSet?_sort=url': 'v2 v1',
    }));

  test('following next gives every match exactly once, in order, for each kind of order', async () => {
    for (const query of [
      'Observation?_count=2',
      'Observation?_count=2&_sort=date',
      'Observation?_count=2&_sort=-date',
      'Observation?_count=2&_sort=-date&patient=p1',
      'Observation?_count=2&_sort=date&date=ge2020',
      'Observation?_count=2&_sort=_lastUpdated',
      'Observation?_count=2&_sort=-_lastUpdated',
      'Observation?_count=2&_sort=status,-value-quantity,code',
      'Observation?_count=1&_sort=-value-quantity',
      'Observation?_count=1&_sort=code',
      'Observation?_count=2&patient=p1',
      'Observation?_count=2&identifier=none',
      'Patient?_count=1&_sort=-family',
      '?_count=5',
      '?_type=Patient,Observation&_count=3',
    ]) {
      const parsed = parse(query);
      const all = planSearch(parse(query.replace(/_count=\d+/, '_count=1000')), contextOf());
      const expected = all
        .readPage(await database.query(TENANT, all.page!))
        .rows.map((row) => `${row.type}/${row.id}`);
      const found: string[] = [];
      let cursor: CursorState | undefined;
      for (let page = 0; page < 100; page++) {
        const plan = planSearch(parsed, contextOf(), cursor);
        const { rows, next } = plan.readPage(await database.query(TENANT, plan.page!));
        found.push(...rows.map((row) => `${row.type}/${row.id}`));
        if (next === undefined) break;
        cursor = cursors.decode(
          TENANT.id,
          parsed.fingerprint,
          cursors.encode(TENANT.id, parsed.fingerprint, next),
        );
      }
      expect(found, query).toEqual(expected);
    }
  });

  test('composites and special parameters have no order', () => {
    expect(() => parse('Location?_sort=near')).toThrow(/no order/);
    expect(() => parse('Observation?_sort=code-value-quantity')).toThrow(/no order/);
  });
});
