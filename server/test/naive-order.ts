import { type NaiveParameter, parametersOf, type Typed } from './naive-definitions.ts';
import { isDateType, measure, measureOrder, spanOf, stringsOf } from './naive-match.ts';
import type { NaiveSearch } from './naive-search.ts';
import {
  compareDecimals,
  type Decimal,
  isObject,
  type Json,
  type JsonObject,
  list,
  plainText,
} from './naive-values.ts';

/*
 * R4 search.html#sort: of several values the one counts that comes earliest in the order. What the specification leaves
 * to the server: periods and ranges count by their start, quantities of one kind of unit by their size (before those that
 * cannot be compared), codes, references and uris by their text; resources without a value come last.
 */

type Key = number | string | (Decimal & { readonly excluded?: boolean }) | undefined;

/** Less than zero if `a` comes before `b` in the order of `_sort=sort`, zero if it leaves them equal. */
export function compareBySort(naive: NaiveSearch, sort: string, a: JsonObject, b: JsonObject): number {
  for (const one of sort.split(',')) {
    const descending = one.startsWith('-');
    const code = descending ? one.slice(1) : one;
    const left = keyOf(naive, a, code, descending);
    const right = keyOf(naive, b, code, descending);
    if (left === undefined || right === undefined) {
      if (left === right) continue;
      return left === undefined ? 1 : -1;
    }
    const order = compareKeys(left, right);
    if (order !== 0) return descending ? -order : order;
  }
  return 0;
}

function keyOf(naive: NaiveSearch, resource: JsonObject, code: string, descending: boolean): Key {
  if (code === '_id') return resource['id'] as string;
  if (code === '_lastUpdated') return Date.parse((resource['meta'] as JsonObject)['lastUpdated'] as string);
  const parameter = parametersOf(resource['resourceType'] as string).get(code) as NaiveParameter;
  const keys = keysOf(parameter, naive.values(resource, parameter)).sort(compareKeys);
  return descending ? keys.at(-1) : keys[0];
}

function keysOf({ type, expression }: NaiveParameter, values: readonly Typed[]): NonNullable<Key>[] {
  switch (type) {
    case 'string':
      return values.flatMap(stringsOf).map(plainText);
    case 'date':
      return values
        .filter(isDateType)
        .map(spanOf)
        .flatMap((span) => (span === undefined ? [] : [span.from]));
    case 'number':
      return values
        .flatMap((one) => measure(one) ?? [])
        .map(({ interval }) => interval.low ?? Number.NEGATIVE_INFINITY);
    case 'quantity': {
      const found = values.flatMap((one) => measure(one) ?? []).map(measureOrder);
      const comparable = found.filter((one) => one.comparable);
      return (comparable.length > 0 ? comparable : found).map(({ low, excluded }) =>
        low === undefined ? Number.NEGATIVE_INFINITY : { ...low, excluded },
      );
    }
    default: {
      const keys = values.flatMap(({ type: of, value }) => textsOf(of, value));
      // A contained resource has no place in an order of references to one type.
      return expression?.includes('resolve()') ? keys.filter((key) => !key.startsWith('#')) : keys;
    }
  }
}

function textsOf(type: string, value: Json): string[] {
  if (!isObject(value)) return [String(value)];
  switch (type) {
    case 'CodeableConcept':
      return list(value['coding']).flatMap((coding) => textsOf('Coding', coding));
    case 'Coding':
      return list(value['code']).map(String);
    case 'Identifier':
    case 'ContactPoint':
      return list(value['value']).map(String);
    case 'Reference':
      return list(value['reference']).map(String);
    default:
      return [];
  }
}

function compareKeys(a: NonNullable<Key>, b: NonNullable<Key>): number {
  if (typeof a === 'object' && typeof b === 'object')
    return compareDecimals(a, b) || Number(a.excluded ?? false) - Number(b.excluded ?? false);
  if (typeof a === 'object') return b === Number.NEGATIVE_INFINITY ? 1 : -1;
  if (typeof b === 'object') return a === Number.NEGATIVE_INFINITY ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
