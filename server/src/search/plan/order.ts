import type { SearchParamModel } from '../../conformance/model.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { CursorState } from '../cursor.ts';
import { hashToBigInt } from '../hash.ts';
import { ZERO } from '../index-model.ts';
import type { SortKey } from '../query/types.ts';
import { definitionsOf, type RowContext } from './context.ts';
import { jsonPaths, toJsonPath } from './json-path.ts';

/** A value that rows are ordered by, over a row of tenant.resource. */
export interface OrderKey {
  readonly expression: string;
  readonly cast: 'smallint' | 'bigint' | 'float8' | 'text';
  readonly descending: boolean;
  readonly nullable: boolean;
}

/**
 * How a page is ordered.
 * - `rows`: columns of the row that an index has in this order; none of them is null.
 * - `date`: column date_low, whose nulls come last in either direction, which an index has for one direction only.
 * - `computed`: expressions; the matches are sorted.
 */
export interface Order {
  readonly kind: 'rows' | 'date' | 'computed';
  readonly keys: readonly OrderKey[];
  /** Direction of the row id, the last key of every order. */
  readonly ridDescending: boolean;
  readonly reason: string;
}

/**
 * The order of a search (R4 search.html#sort). Without `_sort` the newest resources come first: row ids never change, so
 * pages stay as they are under writes.
 * @throws FhirError 400 for a parameter whose values have no order in the index nor a plain path in the resource
 */
export function orderOf(context: RowContext, sort: readonly SortKey[]): Order {
  const { alias, types } = context;
  const [first] = sort;
  if (first === undefined) {
    if (types?.length === 1)
      return { kind: 'rows', keys: [], ridDescending: true, reason: 'newest resources first' };
    const type: OrderKey = {
      expression: `${alias}.type`,
      cast: 'smallint',
      descending: true,
      nullable: false,
    };
    return { kind: 'rows', keys: [type], ridDescending: true, reason: 'by type, newest resources first' };
  }
  const { descending } = first;
  if (sort.length === 1 && first.code === '_lastUpdated') {
    const key: OrderKey = {
      expression: `${alias}.last_updated`,
      cast: 'bigint',
      descending,
      nullable: false,
    };
    return { kind: 'rows', keys: [key], ridDescending: descending, reason: 'by time of last update' };
  }
  if (sort.length === 1 && first.params.length === 1 && isPrimary(context, first.params[0]!)) {
    const key: OrderKey = { expression: `${alias}.date_low`, cast: 'bigint', descending, nullable: true };
    return {
      kind: 'date',
      keys: [key],
      ridDescending: descending,
      reason: `by ${first.code}, in the order of its index`,
    };
  }
  return {
    kind: 'computed',
    keys: sort.map((key) => orderKey(context, key)),
    ridDescending: descending,
    reason: `matches are sorted by ${sort.map((key) => key.code).join(', ')}`,
  };
}

function isPrimary(context: RowContext, param: SearchParamModel): boolean {
  return definitionsOf(context).search(param.resourceType).primaryDate === param.code;
}

function orderKey(context: RowContext, { code, params, descending }: SortKey): OrderKey {
  const { alias, sql } = context;
  const column = (expression: string, cast: OrderKey['cast'], nullable = false): OrderKey => ({
    expression,
    cast,
    descending,
    nullable,
  });
  if (code === '_id') return column(`${alias}.id`, 'text');
  if (code === '_lastUpdated') return column(`${alias}.last_updated`, 'bigint');
  if (code === '_type') return column(`${alias}.type`, 'smallint');
  const best = descending ? 'max' : 'min';
  const keys = sql.bind(
    params.map((param) => param.key),
    'int[]',
  );
  const x = sql.alias('o');
  const from = (table: string) =>
    `from tenant.${table} ${x} where ${x}.tenant_id = $1 and ${x}.rid = ${alias}.rid and ${x}.param = any(${keys})`;
  switch (params[0]?.type) {
    case 'string':
      return column(`(select ${best}(${x}.value) ${from('index_string')})`, 'text', true);
    case 'date': {
      // A period counts by its start in both directions, as in the order of the date index.
      const inRow = params.filter((param) => isPrimary(context, param));
      if (inRow.length === params.length) return column(`${alias}.date_low`, 'bigint', true);
      const indexed = `(select ${best}(${x}.low) ${from('index_date')})`;
      if (inRow.length === 0) return column(indexed, 'bigint', true);
      return column(`coalesce(${indexed}, ${alias}.date_low)`, 'bigint', true);
    }
    case 'number':
    case 'quantity': {
      const value = `(select ${best}(${x}.low) ${from('index_quantity')} and ${x}.key = ${sql.bind(hashToBigInt(ZERO).toString(), 'bigint')}`;
      if (params[0].type === 'number') return column(`${value} and ${x}.unit & 1 = 0)`, 'float8', true);
      // Canonical values first, so that different units of a kind are in order; see IndexKeys.systemUnitKey.
      return column(
        `coalesce(${value} and ${x}.unit & 1 = 1), ${value} and ${x}.unit & 1 = 0))`,
        'float8',
        true,
      );
    }
    default:
      return column(contentKey(context, params, best), 'text', true);
  }
}

/** Tokens, references and uris are hashes in the index: their texts come from the resource. */
function contentKey(context: RowContext, params: readonly SearchParamModel[], best: 'min' | 'max'): string {
  const { sql, alias } = context;
  const definitions = definitionsOf(context);
  const paths = new Set<string>();
  for (const param of params) {
    const found = jsonPaths(param, definitions);
    if (found === undefined) {
      throw fhirError(
        400,
        'not-supported',
        `Search parameter "${param.code}" cannot be sorted by.`,
        'http.query._sort',
      );
    }
    for (const path of found) paths.add(toJsonPath(path));
  }
  const p = sql.alias('p');
  const v = sql.alias('v');
  return `(select ${best}((${v}.value #>> '{}') collate "C") from unnest(${sql.bind([...paths], 'jsonpath[]')}) ${p}(path), jsonb_path_query(${alias}.content::jsonb, ${p}.path) ${v}(value))`;
}

/** `order by` over columns that hold the keys. */
export function orderBy(order: Order, columns: readonly string[], rid: string): string {
  const parts = order.keys.map((key, i) => {
    const direction = key.descending ? ' desc' : '';
    return `${columns[i]}${direction}${key.nullable && key.descending ? ' nulls last' : ''}`;
  });
  return [...parts, `${rid}${order.ridDescending ? ' desc' : ''}`].join(', ');
}

/** What comes after the cursor in an order of mixed directions and nulls last. */
export function afterCursor(
  context: RowContext,
  order: Order,
  cursor: CursorState,
  columns: readonly string[],
  rid: string,
): string {
  const { sql } = context;
  const alternatives: string[] = [];
  const equal: string[] = [];
  order.keys.forEach((key, i) => {
    const column = columns[i]!;
    const value = cursor.keys[i] ?? null;
    if (value !== null) {
      const bound = sql.bind(value, key.cast);
      const later = `${column} ${key.descending ? '<' : '>'} ${bound}`;
      alternatives.push([...equal, key.nullable ? `(${later} or ${column} is null)` : later].join(' and '));
      equal.push(`${column} = ${bound}`);
    } else {
      equal.push(`${column} is null`);
    }
  });
  alternatives.push(
    [...equal, `${rid} ${order.ridDescending ? '<' : '>'} ${sql.bind(cursor.rid, 'bigint')}`].join(' and '),
  );
  return alternatives.length === 1 ? alternatives[0]! : `(${alternatives.join(' or ')})`;
}
