import type { SearchParamModel } from '../../conformance/model.ts';
import { typeCode } from '../../conformance/resource-types.ts';
import type { Criteria, Criterion } from '../query/types.ts';
import { compositeKeys, rootParams } from './composite.ts';
import { branches, definitionsOf, type RowContext } from './context.ts';
import { quantityCondition } from './ordered.ts';
import { anyOf } from './sql.ts';

/**
 * A code and a quantity of the same resource, such as `code=8302-2&value-quantity=gt150`, where a composite parameter
 * joins the two (`code-value-quantity`): index/composite.ts keeps rows of the quantity keyed by the code for it, so one
 * range of index_quantity holds exactly the matches, instead of the overlap of two long lists.
 */
export interface CodedQuantity {
  readonly token: Criterion;
  readonly quantity: Criterion;
  /** Ids of the rows that match both, as a SELECT without order; each may come more than once. */
  readonly rids: (alias: string) => string;
}

/** Finds such a pair among criteria that all must hold, for rows of one type. */
export function codedQuantity(context: RowContext, criteria: readonly Criteria[]): CodedQuantity | undefined {
  const type = context.types?.length === 1 ? context.types[0] : undefined;
  if (type === undefined || typeCode(type) === undefined) return undefined;
  for (const quantity of criteria) {
    if (quantity.kind !== 'quantity' || quantity.params.length !== 1) continue;
    // Rows keyed by code hold quantities as given: a UCUM system asks for canonical ones.
    if (quantity.tests.some(({ system }) => system !== undefined && system !== '')) continue;
    for (const token of criteria) {
      if (token.kind !== 'token' || token.params.length !== 1 || token.values.length !== 1) continue;
      const [value] = token.values;
      // A code that ends in `|` looks like the form of a system without a code, which is not kept.
      if (value?.code === undefined || value.system === '' || value.code.endsWith('|')) continue;
      const composite = joining(context, type, token.params[0]!, quantity.params[0]!);
      if (composite === undefined) continue;
      const keys = compositeKeys(context, composite, [
        { type: 'token', value },
        { type: 'quantity', test: quantity.tests[0]! },
      ]);
      const { sql } = context;
      return {
        token,
        quantity,
        rids: (x) => {
          const key =
            keys.length === 1 ? `${x}.key = ${sql.hash(keys[0]!)}` : `${x}.key = any(${sql.hashes(keys)})`;
          const tests = anyOf(quantity.tests.map((test) => quantityCondition(context, test, x)));
          return `select ${x}.rid from tenant.index_quantity ${x} where ${x}.tenant_id = $1 and ${x}.param = ${sql.bind(composite.key, 'int')} and ${key} and ${tests}`;
        },
      };
    }
  }
  return undefined;
}

/** The composite on the resource itself whose components are a code and a quantity parameter. */
function joining(
  context: RowContext,
  type: string,
  token: SearchParamModel,
  quantity: SearchParamModel,
): SearchParamModel | undefined {
  const definitions = definitionsOf(context);
  for (const param of definitions.search(type).params.values()) {
    if (param.type !== 'composite' || param.components.length !== 2) continue;
    if (branches(param).length !== 1 || branches(param)[0] !== type) continue;
    const [first, second] = rootParams(param, definitions);
    if (first?.code === token.code && second?.code === quantity.code) return param;
  }
  return undefined;
}
