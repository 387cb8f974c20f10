import type { DefinitionsModel, SearchParamModel } from '../../conformance/model.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Hash64 } from '../hash.ts';
import { compositePart, ZERO } from '../index-model.ts';
import { foldCode } from '../normalize.ts';
import type { CompositePart, Criteria, NumberTest, QuantityTest } from '../query/types.ts';
import { branches, definitionsOf, type KeyContext, type RowContext } from './context.ts';
import { numberCondition, quantityCondition } from './ordered.ts';
import { anyOf } from './sql.ts';
import { localTargets, overlap } from './tokens.ts';

/**
 * Condition of a composite parameter (R4 search.html#combining), by what index/composite.ts stores: contexts that are
 * the resource itself have no entries and become an AND of the components' parameters, all others are looked up by key.
 * @param criteriaSql writes the condition of other criteria on the same row
 * @throws FhirError 400 for a component that the index cannot answer with this prefix
 */
export function compositeCondition(
  context: RowContext,
  param: SearchParamModel,
  values: readonly (readonly CompositePart[])[],
  criteriaSql: (criteria: Criteria) => string,
): string {
  const contexts = branches(param);
  const conditions: string[] = [];
  for (const parts of values) {
    if (contexts.includes(param.resourceType)) {
      const roots = rootParams(param, definitionsOf(context));
      conditions.push(
        criteriaSql({ kind: 'and', of: parts.map((part, i) => partCriteria(part, roots[i]!)) }),
      );
    }
    if (contexts.some((one) => one !== param.resourceType))
      conditions.push(entryCondition(context, param, parts));
  }
  return anyOf(conditions);
}

const rootParamCache = new WeakMap<SearchParamModel, readonly SearchParamModel[]>();

/** For each component, the parameter that finds its values in the resource itself and nowhere else. */
export function rootParams(
  param: SearchParamModel,
  definitions: DefinitionsModel,
): readonly SearchParamModel[] {
  let known = rootParamCache.get(param);
  if (known === undefined) {
    const { params } = definitions.search(param.resourceType);
    const elsewhere = branches(param).filter((one) => one !== param.resourceType);
    known = param.components.map((component) => {
      const own =
        [...params.values()].find((one) => one.url === component.definition) ?? params.get(component.code);
      if (own === undefined) {
        throw fhirError(
          400,
          'not-supported',
          `Component ${component.code} of ${param.code} has no search parameter.`,
          `http.query.${param.code}`,
        );
      }
      const inRoot = branches(own).filter(
        (branch) => !elsewhere.some((path) => branch.startsWith(`${path}.`)),
      );
      if (inRoot.length === branches(own).length) return own;
      const wanted = [...inRoot].sort().join('|');
      return (
        [...params.values()].find(
          (one) => one.type === own.type && [...branches(one)].sort().join('|') === wanted,
        ) ?? own
      );
    });
    rootParamCache.set(param, known);
  }
  return known;
}

/** A part as the criterion of a parameter of its own. */
export function partCriteria(part: CompositePart, param: SearchParamModel): Criteria {
  const params = [param];
  switch (part.type) {
    case 'token':
      return { kind: 'token', params, values: [part.value] };
    case 'string':
      return { kind: 'string', params, texts: [part.text], match: 'prefix' };
    case 'uri':
      return { kind: 'uri', params, uris: [part.uri], match: 'exact' };
    case 'reference':
      return { kind: 'reference', params, values: [part.value] };
    case 'date':
      return { kind: 'date', params, tests: [part.test] };
    case 'number':
      return { kind: 'number', params, tests: [part.test] };
    case 'quantity':
      return { kind: 'quantity', params, tests: [part.test] };
  }
}

/** All the keys that an element with these values may have been stored under. */
export function compositeKeys(
  context: KeyContext,
  param: SearchParamModel,
  parts: readonly CompositePart[],
): Hash64[] {
  let combinations: string[][] = [[]];
  parts.forEach((part, i) => {
    const forms = partForms(part, param, i, context);
    if (forms === undefined) return;
    combinations = combinations.flatMap((before) => forms.map((form) => [...before, form]));
  });
  return combinations.map((forms) => context.plan.keys.compositeKey(param.key, forms));
}

/** The forms of a part as index/composite.ts writes them; undefined for numbers and quantities. */
function partForms(
  part: CompositePart,
  param: SearchParamModel,
  index: number,
  context: KeyContext,
): string[] | undefined {
  switch (part.type) {
    case 'number':
    case 'quantity':
      return undefined;
    case 'token': {
      const { system, code } = part.value;
      if (code === undefined) return [compositePart(system, '')];
      return [...new Set([foldCode(code), code])].map((form) => compositePart(system, form));
    }
    case 'string':
      return [part.text];
    case 'uri':
      return [part.uri];
    case 'reference': {
      const component = param.components[index]!;
      const { params } = definitionsOf(context).search(param.resourceType);
      const target = [...params.values()].find((one) => one.url === component.definition) ?? param;
      return part.value.kind === 'url'
        ? [part.value.url]
        : localTargets(part.value, target).map(({ type, id }) => `${type}/${id}`);
    }
    case 'date':
      if (part.test.prefix === 'eq') return [part.text];
      throw fhirError(
        400,
        'not-supported',
        `Search parameter ${param.code} cannot compare dates with prefix ${part.test.prefix}.`,
        `http.query.${param.code}`,
      );
  }
}

function entryCondition(
  context: RowContext,
  param: SearchParamModel,
  parts: readonly CompositePart[],
): string {
  const { sql, alias } = context;
  const keys = compositeKeys(context, param, parts);
  const numeric = parts.filter((part) => part.type === 'number' || part.type === 'quantity');
  if (numeric.length === 0) return overlap(context, keys);
  const q = sql.alias('q');
  const [first, second] = numeric;
  // Two numbers lie in one row: the first as low, the second as high.
  const tests =
    second === undefined
      ? quantityCondition(context, first!.test as QuantityTest, q)
      : `${numberCondition(sql, first!.test as NumberTest, `${q}.low`, `${q}.low`)} and ${numberCondition(sql, second.test as NumberTest, `${q}.high`, `${q}.high`)}`;
  const key = keys.length === 1 ? `= ${sql.hash(keys[0] ?? ZERO)}` : `= any(${sql.hashes(keys)})`;
  return `${alias}.rid in (select ${q}.rid from tenant.index_quantity ${q} where ${q}.tenant_id = $1 and ${q}.param = ${sql.bind(param.key, 'int')} and ${q}.key ${key} and ${tests})`;
}
