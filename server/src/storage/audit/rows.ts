import type { AuditRow } from '../../audit/entry.ts';
import type { Hash64 } from '../../search/hash.ts';
import { hashArray, int2Array, int4Array, safeIntegerArray, textArray } from '../binary-array.ts';

/** The columns of rows as the functions of 006-audit.sql take them: happened to entry. */
export function rowColumns(rows: readonly AuditRow[]): unknown[] {
  const keys: Hash64[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  for (const row of rows) {
    starts.push(keys.length + 1);
    for (const key of row.keys) keys.push(key);
    ends.push(keys.length);
  }
  return [
    safeIntegerArray(rows.map((row) => row.happened)),
    int2Array(rows.map((row) => row.kind)),
    int2Array(rows.map((row) => row.outcome)),
    int4Array(starts),
    int4Array(ends),
    hashArray(keys),
    textArray(rows.map((row) => row.entry)),
  ];
}

export const ROW_TYPES = ['bigint[]', 'smallint[]', 'smallint[]', 'int[]', 'int[]', 'bigint[]', 'text[]'];
