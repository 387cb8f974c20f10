import { FhirError } from '../../fhir/outcome.ts';
import { badValue, shown, UnknownParameter } from './errors.ts';
import {
  type FilterNode,
  type FilterOperator,
  type FilterSegment,
  parseFilterSyntax,
} from './filter-syntax.ts';
import { parseFullText } from './full-text.ts';
import { leafCriteria } from './leaf.ts';
import { chainTargets, normalizedText, parseBoolean } from './parts.ts';
import { deeper, lookUp, type ParseScope, spend } from './scope.ts';
import { expandToken, expandValueSet } from './terminology.ts';
import type { Criteria, Params } from './types.ts';
import { parseDate, parseNumber, parseQuantity, parseReference, parseToken } from './values.ts';

/**
 * `_filter` (R4 search_filter.html) as criteria. `ne` of strings, tokens, references and uris asks for a value and that
 * none equals the given one; of numbers, quantities and dates, for a value that differs.
 * @throws UnknownParameter if the filter names a parameter that is not there
 * @throws FhirError 400 for a syntax error, or a value or operator that does not fit its parameter
 */
export function parseFilter(scope: ParseScope, text: string): Criteria {
  return compile(scope, parseFilterSyntax(scope.label, text));
}

function compile(scope: ParseScope, node: FilterNode): Criteria {
  switch (node.kind) {
    case 'and':
    case 'or':
      return { kind: node.kind, of: node.of.map((one) => compile(scope, one)) };
    case 'not':
      return { kind: 'not', of: compile(scope, node.of) };
    case 'test':
      return compilePath(scope, node.path, node.operator, node.value);
  }
}

function compilePath(
  scope: ParseScope,
  path: readonly FilterSegment[],
  operator: FilterOperator,
  value: string,
): Criteria {
  spend(scope);
  const [segment, ...rest] = path as [FilterSegment, ...FilterSegment[]];
  if (rest.length === 0) return compileTest(scope, segment.name, operator, value);
  const params = lookUp(scope, segment.name);
  if (params[0]?.type !== 'reference') {
    throw badValue(
      scope.label,
      `${shown(segment.name)} is not a reference: its parts cannot be tested.`,
      'not-supported',
    );
  }
  const targets = chainTargets(params, segment.type);
  if (targets.length === 0)
    throw badValue(scope.label, `${shown(segment.name)} does not point to ${segment.type}.`);
  const branches: { type: string; criteria: Criteria }[] = [];
  let failure: unknown;
  for (const type of targets) {
    try {
      const inner = deeper(scope, type);
      const of = segment.filter === undefined ? [] : [compile(inner, segment.filter)];
      branches.push({
        type,
        criteria: { kind: 'and', of: [...of, compilePath(inner, rest, operator, value)] },
      });
    } catch (error) {
      if (error instanceof FhirError) {
        if (error.issues[0]?.code === 'too-costly') throw error;
        failure = error;
      } else if (error instanceof UnknownParameter) failure ??= error;
      else throw error;
    }
  }
  if (branches.length === 0) throw failure;
  return { kind: 'chain', params, branches };
}

const ORDERED: readonly FilterOperator[] = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'ap', 'sa', 'eb'];

function compileTest(scope: ParseScope, code: string, operator: FilterOperator, value: string): Criteria {
  const now = scope.context.now ?? Date.now();
  const unsupported = () =>
    badValue(scope.label, `operator ${operator} cannot be used with ${shown(code)}.`, 'not-supported');
  if (value === '') throw badValue(scope.label, `the value for ${shown(code)} is empty.`);
  switch (code) {
    case '_id':
      if (operator === 'pr')
        return parseBoolean(scope.label, value) ? { kind: 'and', of: [] } : { kind: 'none' };
      return equality(operator, { kind: 'id', types: scope.types, ids: [value] }, unsupported);
    case '_lastUpdated': {
      if (operator === 'pr')
        return parseBoolean(scope.label, value) ? { kind: 'and', of: [] } : { kind: 'none' };
      if (operator === 'po') {
        return { kind: 'last-updated', tests: [{ ...parseDate(scope.label, value, now), prefix: 'ap' }] };
      }
      if (!ORDERED.includes(operator)) throw unsupported();
      return { kind: 'last-updated', tests: [parseDate(scope.label, `${operator}${value}`, now)] };
    }
    case '_list':
      return equality(operator, { kind: 'list', lists: [value.replace(/^List\//, '')] }, unsupported);
    case '_text':
    case '_content':
      if (operator !== 'eq' && operator !== 'co') throw unsupported();
      return parseFullText(scope, code === '_text' ? 'narrative' : 'content', value);
  }
  const params = lookUp(scope, code);
  if (operator === 'pr') return { kind: 'missing', params, missing: !parseBoolean(scope.label, value) };
  switch (params[0]?.type) {
    case 'number':
      if (!ORDERED.includes(operator)) throw unsupported();
      return { kind: 'number', params, tests: [parseNumber(scope.label, `${operator}${value}`)] };
    case 'quantity':
      if (!ORDERED.includes(operator)) throw unsupported();
      return { kind: 'quantity', params, tests: [parseQuantity(scope.label, `${operator}${value}`)] };
    case 'date':
      // `po`: the periods overlap, which is what `ap` asks of a period that was not widened.
      if (operator === 'po') {
        return { kind: 'date', params, tests: [{ ...parseDate(scope.label, value, now), prefix: 'ap' }] };
      }
      if (!ORDERED.includes(operator)) throw unsupported();
      return { kind: 'date', params, tests: [parseDate(scope.label, `${operator}${value}`, now)] };
    case 'string': {
      const match = STRING_MATCH[operator];
      if (match === undefined) throw unsupported();
      const found: Criteria = { kind: 'string', params, texts: [normalizedText(scope, value)], match };
      return operator === 'ne' ? otherThan(params, found) : found;
    }
    case 'uri': {
      const match = URI_MATCH[operator];
      if (match === undefined) throw unsupported();
      const found: Criteria = { kind: 'uri', params, uris: [value], match };
      return operator === 'ne' ? otherThan(params, found) : found;
    }
    case 'token':
      return tokenTest(scope, params, operator, value, unsupported);
    case 'reference': {
      if (operator !== 'eq' && operator !== 'ne' && operator !== 're') throw unsupported();
      const context = { baseUrl: scope.context.baseUrl, isType: scope.isType };
      const found: Criteria = {
        kind: 'reference',
        params,
        values: [parseReference(scope.label, value, context)],
      };
      return operator === 'ne' ? otherThan(params, found) : found;
    }
    default: {
      const found = leafCriteria(scope, params, undefined, value);
      return equality(operator, found, unsupported);
    }
  }
}

const STRING_MATCH = { eq: 'equals', ne: 'equals', co: 'contains', sw: 'prefix', ew: 'suffix' } as Partial<
  Record<FilterOperator, 'equals' | 'contains' | 'prefix' | 'suffix'>
>;
const URI_MATCH = { eq: 'exact', ne: 'exact', co: 'contains', sw: 'below', ew: 'suffix' } as Partial<
  Record<FilterOperator, 'exact' | 'contains' | 'below' | 'suffix'>
>;

function tokenTest(
  scope: ParseScope,
  params: Params,
  operator: FilterOperator,
  value: string,
  unsupported: () => Error,
): Criteria {
  const tokens = (values: ReturnType<typeof expandToken>): Criteria => ({ kind: 'token', params, values });
  switch (operator) {
    case 'eq':
      return tokens([parseToken(scope.label, value)]);
    case 'ne':
      return otherThan(params, tokens([parseToken(scope.label, value)]));
    case 'co':
    case 'sw':
    case 'ew':
      return {
        kind: 'token-text',
        params,
        texts: [normalizedText(scope, value)],
        match: operator === 'co' ? 'contains' : operator === 'sw' ? 'prefix' : 'suffix',
      };
    // "The value subsumes a concept in the set": the concept is the value or below it.
    case 'ss':
      return tokens(expandToken(scope, parseToken(scope.label, value), 'below'));
    case 'sb':
      return tokens(expandToken(scope, parseToken(scope.label, value), 'above'));
    case 'in':
      return tokens(expandValueSet(scope, value));
    case 'ni':
      return { kind: 'not', of: tokens(expandValueSet(scope, value)) };
  }
  throw unsupported();
}

function otherThan(params: Params, found: Criteria): Criteria {
  return {
    kind: 'and',
    of: [
      { kind: 'missing', params, missing: false },
      { kind: 'not', of: found },
    ],
  };
}

function equality(operator: FilterOperator, found: Criteria, unsupported: () => Error): Criteria {
  if (operator === 'eq') return found;
  if (operator === 'ne') return { kind: 'not', of: found };
  throw unsupported();
}
