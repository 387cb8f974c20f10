import type { Typed } from './naive-definitions.ts';
import { parametersOf } from './naive-definitions.ts';
import {
  matchMeasure,
  matchSpan,
  matchText,
  matchUri,
  measure,
  spanOf,
  stringsOf,
  tokenTexts,
  uriForms,
} from './naive-match.ts';
import type { NaiveSearch } from './naive-search.ts';
import type { JsonObject } from './naive-values.ts';

/** A `_filter` as a tree; `render` of search-filters.ts writes its text. */
export type NaiveFilter =
  | { readonly kind: 'and' | 'or'; readonly of: readonly NaiveFilter[] }
  | { readonly kind: 'not'; readonly of: NaiveFilter }
  | {
      readonly kind: 'test';
      readonly path: readonly string[];
      readonly operator: string;
      readonly value: string;
    };

const TEXT_OPERATORS: Readonly<Record<string, string>> = {
  eq: 'equals',
  ne: 'equals',
  co: 'contains',
  sw: 'starts',
  ew: 'ends',
};
const URI_OPERATORS: Readonly<Record<string, string>> = {
  eq: 'equals',
  ne: 'equals',
  co: 'contains',
  sw: 'below',
  ew: 'ends',
};

/** R4 search_filter.html. `ne` of what is compared by equality: there is a value, and none equals the given one. */
export function fulfils(naive: NaiveSearch, resource: JsonObject, filter: NaiveFilter): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.of.every((one) => fulfils(naive, resource, one));
    case 'or':
      return filter.of.some((one) => fulfils(naive, resource, one));
    case 'not':
      return !fulfils(naive, resource, filter.of);
  }
  const { path, operator, value } = filter;
  const [segment = '', ...rest] = path;
  const [code = '', type] = segment.split(':');
  const parameter = parametersOf(resource['resourceType'] as string).get(code);
  if (rest.length > 0) {
    if (parameter?.type !== 'reference') return false;
    return naive
      .targets(resource, parameter)
      .some(
        (target) =>
          (type === undefined || target['resourceType'] === type) &&
          fulfils(naive, target, { ...filter, path: rest }),
      );
  }
  if (parameter === undefined) return false;
  if (operator === 'pr') return naive.isMissing(resource, parameter) === (value === 'false');
  const values = naive.values(resource, parameter);
  const some = (test: (typed: Typed) => boolean) => values.some(test);
  const isThere = !naive.isMissing(resource, parameter);
  const leaf = (modifier?: string) =>
    some((typed) => naive.matchesValue(resource, parameter, typed, modifier, value));
  switch (parameter.type) {
    case 'string': {
      const how = TEXT_OPERATORS[operator] as string;
      const found = some((typed) => stringsOf(typed).some((one) => matchText(one, how, value)));
      return operator === 'ne' ? isThere && !found : found;
    }
    case 'uri': {
      const how = URI_OPERATORS[operator] as string;
      const found = some((typed) => uriForms(typed).some((one) => matchUri(one, how, value)));
      return operator === 'ne' ? isThere && !found : found;
    }
    case 'token':
      if (operator === 'eq' || operator === 'ne') return operator === 'eq' ? leaf() : isThere && !leaf();
      if (operator === 'ss' || operator === 'sb') return leaf(operator === 'ss' ? 'below' : 'above');
      if (operator === 'in' || operator === 'ni') return leaf('in') === (operator === 'in');
      return some((typed) =>
        tokenTexts(typed).some((one) => matchText(one, TEXT_OPERATORS[operator] as string, value)),
      );
    case 'reference':
      return operator === 'ne' ? isThere && !leaf() : leaf();
    case 'date':
      return some((typed) => {
        const span = spanOf(typed);
        if (span === undefined) return false;
        return operator === 'po'
          ? matchSpan(span, value, naive.now, true)
          : matchSpan(span, `${operator}${value}`, naive.now);
      });
    case 'number':
    case 'quantity':
      return some((typed) => {
        const found = measure(typed);
        return found !== undefined && matchMeasure(found, `${operator}${value}`);
      });
  }
  throw new Error(`${parameter.type} ${operator}`);
}
