import { typeName } from '../../conformance/resource-types.ts';

/** A resource as pages and includes return it. */
export interface FoundRow {
  /** Row id in decimal. */
  readonly rid: string;
  readonly type: string;
  readonly typeCode: number;
  /** Hash of `Type/id` in decimal. */
  readonly refHash: string;
  readonly id: string;
  readonly version: number;
  /** Epoch milliseconds. */
  readonly lastUpdated: number;
  /** The JSON text that is served. */
  readonly content: string;
  /** Of a search with `_contained=both`: whether the resource matches itself, besides what it contains. */
  readonly matches?: boolean;
}

/** Columns of a found row, in order; sort keys may come before `content`. */
export const FOUND_COLUMNS = ['rid', 'type', 'ref_hash', 'id', 'version', 'last_updated'] as const;

/** A row of arrays mode, with bigint as text, number or BigInt. */
export function toFoundRow(row: readonly unknown[]): FoundRow {
  const typeCode = Number(row[1]);
  return {
    rid: String(row[0]),
    type: typeName(typeCode),
    typeCode,
    refHash: String(row[2]),
    id: row[3] as string,
    version: Number(row[4]),
    lastUpdated: Number(row[5]),
    content: row[row.length - 1] as string,
  };
}
