import { divide, fromInteger } from '../decimal.ts';
import { compareItems } from '../equality.ts';
import { failure } from '../errors.ts';
import { arithmetic } from '../operators.ts';
import {
  decimal,
  decimalOf,
  EMPTY,
  type Item,
  type Items,
  plainValue,
  quantity,
  type Value,
} from '../values.ts';
import type { Call, FunctionGroup } from './call.ts';

/** FHIRPath 7. */
export const AGGREGATES: FunctionGroup = {
  aggregate: [
    1,
    2,
    (call) => {
      let total: Items = call.count > 1 ? call.argument(1) : EMPTY;
      for (const [i, item] of call.input.entries()) total = call.on(0, item, i, total);
      return total;
    },
  ],
  sum: [0, 0, (call) => sum(values(call, ['Integer', 'Long', 'Decimal', 'Quantity']))],
  avg: [0, 0, average],
  min: [0, 0, (call) => extreme(call, -1)],
  max: [0, 0, (call) => extreme(call, 1)],
};

/** The values of the input, all of one type. @throws FhirPathError for others */
function values(call: Call, kinds: readonly Value['kind'][]): Value[] {
  const found = call.input.map((item) => {
    const value = plainValue(item);
    if (value === undefined || !kinds.includes(value.kind))
      throw failure(`${call.name}() takes ${kinds.join(', ')}`);
    return value;
  });
  if (new Set(found.map(({ kind }) => kind)).size > 1)
    throw failure(`${call.name}() takes items of one type`);
  return found;
}

function sum(items: readonly Value[]): Items {
  const [first, ...rest] = items;
  if (first === undefined) return EMPTY;
  let total: Items = [first];
  for (const value of rest) {
    const [item] = total;
    if (item === undefined) return EMPTY;
    total = arithmetic('+', item, value);
  }
  return total;
}

function average(call: Call): Items {
  const items = values(call, ['Integer', 'Long', 'Decimal', 'Quantity']);
  const [total] = sum(items);
  const value = total === undefined ? undefined : plainValue(total);
  if (value === undefined) return EMPTY;
  const count = fromInteger(items.length);
  if (value.kind === 'Quantity') {
    const mean = divide(value.value.value, count);
    return mean === undefined ? EMPTY : quantity({ ...value.value, value: mean });
  }
  const number = decimalOf(value);
  return decimal(number === undefined ? undefined : divide(number, count));
}

function extreme(call: Call, sign: -1 | 1): Items {
  const items = values(call, [
    'Integer',
    'Long',
    'Decimal',
    'Quantity',
    'Date',
    'DateTime',
    'Time',
    'String',
  ]);
  let [best] = items as readonly Item[];
  if (best === undefined) return EMPTY;
  for (const item of items) {
    const order = compareItems(item, best);
    if (order === undefined) return EMPTY;
    if (order * sign > 0) best = item;
  }
  return [best];
}
