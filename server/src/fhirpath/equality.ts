import { textOf as numberText } from '../json/exact-number.ts';
import { isObject } from '../json/objects.ts';
import type { JsonValue } from '../json/types.ts';
import { compareDecimals, type Decimal, parseDecimal, rounded, trimmed } from './decimal.ts';
import { failure } from './errors.ts';
import { type Spend, textSteps, UNLIMITED } from './limits.ts';
import { isCoarser, type Quantity, quantityKey, valueIn } from './quantity.ts';
import { compareTemporals, temporalKey } from './temporal.ts';
import {
  asQuantity,
  decimalOf,
  describe,
  type Item,
  type Items,
  isJsonNumber,
  isQuantityType,
  plainValue,
  type Value,
} from './values.ts';

/** FHIRPath 6.1.1: whether two items are equal; undefined where that is not known. */
export function equalItems(a: Item, b: Item, spend: Spend = UNLIMITED): boolean | undefined {
  const left = plainValue(a);
  const right = plainValue(b);
  if (left?.kind === 'String') spend(textSteps(left.value.length));
  if (left !== undefined && right !== undefined) return equalValues(left, right);
  if (a.kind !== 'Node' || b.kind !== 'Node') return false;
  return (
    canonical(a.value, spend) === canonical(b.value, spend) &&
    canonical(a.extra, spend) === canonical(b.extra, spend)
  );
}

function equalValues(a: Value, b: Value): boolean | undefined {
  if (a.kind === 'Quantity' || b.kind === 'Quantity') {
    const left = asQuantity(a);
    const right = asQuantity(b);
    return left === undefined || right === undefined ? false : isZero(compareQuantities(left, right));
  }
  const left = decimalOf(a);
  const right = decimalOf(b);
  if (left !== undefined && right !== undefined) return compareDecimals(left, right) === 0;
  if (isTemporal(a) && isTemporal(b) && (a.kind === 'Time') === (b.kind === 'Time')) {
    return isZero(compareTemporals(a.value, b.value));
  }
  if (a.kind === 'TypeInfo' && b.kind === 'TypeInfo')
    return a.value.name === b.value.name && a.value.namespace === b.value.namespace;
  return a.kind === b.kind && a.value === b.value;
}

function isZero(order: number | undefined): boolean | undefined {
  return order === undefined ? undefined : order === 0;
}

function isTemporal(value: Value): value is Value & { kind: 'Date' | 'DateTime' | 'Time' } {
  return value.kind === 'Date' || value.kind === 'DateTime' || value.kind === 'Time';
}

function compareQuantities(a: Quantity, b: Quantity): number | undefined {
  const right = valueIn(b, a, false);
  return right === undefined ? undefined : compareDecimals(a.value, right);
}

/** `=` of two collections: undefined if one is empty or it is not known. */
export function equals(a: Items, b: Items, spend: Spend = UNLIMITED): boolean | undefined {
  if (a.length === 0 || b.length === 0) return undefined;
  if (a.length !== b.length) return false;
  let result: boolean | undefined = true;
  spend(a.length);
  for (const [i, item] of a.entries()) {
    const equal = equalItems(item, b[i] as Item, spend);
    if (equal === false) return false;
    if (equal === undefined) result = undefined;
  }
  return result;
}

/** FHIRPath 6.1.2, `~` of two collections: whatever their order; undefined for quantities that cannot be compared. */
export function equivalent(a: Items, b: Items, spend: Spend = UNLIMITED): boolean | undefined {
  if (a.length !== b.length) return false;
  const [left] = a;
  const [right] = b;
  if (a.length === 1 && left !== undefined && right !== undefined) return equivalentItems(left, right, spend);
  const unmatched = [...b];
  return a.every((item) => {
    spend(unmatched.length);
    const match = unmatched.findIndex((other) => equivalentItems(item, other, spend));
    if (match >= 0) unmatched.splice(match, 1);
    return match >= 0;
  });
}

function equivalentItems(a: Item, b: Item, spend: Spend): boolean | undefined {
  const left = plainValue(a);
  const right = plainValue(b);
  if (left?.kind === 'String') spend(textSteps(left.value.length));
  if (left !== undefined && right !== undefined) return equivalentValues(left, right);
  if (a.kind !== 'Node' || b.kind !== 'Node') return false;
  return equivalentJson(a.value, b.value, spend) && equivalentJson(a.extra, b.extra, spend);
}

function equivalentValues(a: Value, b: Value): boolean | undefined {
  if (a.kind === 'String' && b.kind === 'String') return loose(a.value) === loose(b.value);
  if (a.kind === 'Quantity' || b.kind === 'Quantity') {
    const left = asQuantity(a);
    const right = asQuantity(b);
    return left === undefined || right === undefined ? false : equivalentQuantities(left, right);
  }
  const left = decimalOf(a);
  const right = decimalOf(b);
  if (left !== undefined && right !== undefined) return equivalentDecimals(left, right);
  return equalValues(a, b) ?? false;
}

/** White space of any kind counts as a blank, but is not collapsed. */
function loose(text: string): string {
  return text.replace(/\p{White_Space}/gu, ' ').toLowerCase();
}

function equivalentDecimals(a: Decimal, b: Decimal): boolean {
  const places = Math.min(trimmed(a).scale, trimmed(b).scale);
  return compareDecimals(rounded(a, places), rounded(b, places)) === 0;
}

/** In the coarser unit of the two, so that the conversion adds no precision. */
function equivalentQuantities(a: Quantity, b: Quantity): boolean | undefined {
  const coarser = isCoarser(a, b);
  if (coarser === undefined) return undefined;
  const target = coarser ? a : b;
  const left = valueIn(a, target, true);
  const right = valueIn(b, target, true);
  return left === undefined || right === undefined ? undefined : equivalentDecimals(left, right);
}

function equivalentJson(a: JsonValue | undefined, b: JsonValue | undefined, spend: Spend): boolean {
  spend(typeof a === 'string' ? textSteps(a.length) : 1);
  if (typeof a === 'string' && typeof b === 'string') return loose(a) === loose(b);
  if (isJsonNumber(a) && isJsonNumber(b)) {
    const left = parseDecimal(numberText(a) ?? '');
    const right = parseDecimal(numberText(b) ?? '');
    return left !== undefined && right !== undefined && equivalentDecimals(left, right);
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    const unmatched = [...b];
    return (
      a.length === b.length &&
      a.every((item) => {
        const match = unmatched.findIndex((other) => equivalentJson(item, other, spend));
        if (match >= 0) unmatched.splice(match, 1);
        return match >= 0;
      })
    );
  }
  if (isObject(a) && isObject(b)) {
    const names = Object.keys(a);
    return (
      names.length === Object.keys(b).length && names.every((name) => equivalentJson(a[name], b[name], spend))
    );
  }
  return a === b;
}

/**
 * FHIRPath 6.2: the order of two items, negative, zero or positive; undefined where it is not known.
 * @throws FhirPathError for items that have no order between them
 */
export function compareItems(a: Item, b: Item, spend: Spend = UNLIMITED): number | undefined {
  const left = plainValue(a);
  const right = plainValue(b);
  if (left?.kind === 'String') spend(textSteps(left.value.length));
  if (left === undefined || right === undefined) {
    for (const item of [a, b]) {
      if (item.kind === 'Node' && isObject(item.value) && !isQuantityType(item.type))
        throw failure(`${describe(item)} cannot be compared`);
    }
    // A primitive without a value, or a quantity with a comparator.
    return undefined;
  }
  if (left.kind === 'String' && right.kind === 'String') return compareTexts(left.value, right.value);
  if (left.kind === 'Quantity' || right.kind === 'Quantity') {
    const one = asQuantity(left);
    const other = asQuantity(right);
    if (one !== undefined && other !== undefined) return compareQuantities(one, other);
  }
  const one = decimalOf(left);
  const other = decimalOf(right);
  if (one !== undefined && other !== undefined) return compareDecimals(one, other);
  if (isTemporal(left) && isTemporal(right) && (left.kind === 'Time') === (right.kind === 'Time')) {
    return compareTemporals(left.value, right.value);
  }
  throw failure(`${describe(a)} cannot be compared with ${describe(b)}`);
}

/** By Unicode scalar values, not by the halves of surrogate pairs. */
function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a.charCodeAt(i) === b.charCodeAt(i)) continue;
    // Where the second halves of two pairs differ, their first halves are the same: halves order as the pairs do.
    return (a.codePointAt(i) ?? 0) - (b.codePointAt(i) ?? 0);
  }
  return a.length - b.length;
}

/** A text that items have in common if they are equal, to find duplicates in linear time. */
export function keyOf(item: Item, spend: Spend = UNLIMITED): string {
  const value = plainValue(item);
  if (value?.kind === 'String') spend(textSteps(value.value.length));
  if (value === undefined) {
    const node = item as Extract<Item, { kind: 'Node' }>;
    return `o${canonical(node.value, spend)}${canonical(node.extra, spend)}`;
  }
  const number = decimalOf(value);
  if (number !== undefined) return decimalKey(number);
  switch (value.kind) {
    case 'Quantity':
      return value.value.unit === '1' ? decimalKey(value.value.value) : `q${quantityKey(value.value)}`;
    case 'Date':
    case 'DateTime':
    case 'Time':
      return `${value.kind === 'Time' ? 't' : 'd'}${temporalKey(value.value)}`;
    case 'TypeInfo':
      return `i${value.value.namespace}.${value.value.name}`;
    default:
      return `${value.kind === 'Boolean' ? 'b' : 's'}${value.value}`;
  }
}

function decimalKey(value: Decimal): string {
  const { digits, scale } = trimmed(value);
  return `n${digits}e${scale}`;
}

/** Each item once; the first of equal ones is kept. */
export function distinct(items: Items, spend: Spend = UNLIMITED): Items {
  if (items.length < 2) return items;
  const seen = new Set<string>();
  return items.filter((item) => {
    const key = keyOf(item, spend);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function canonical(value: JsonValue | undefined, spend: Spend): string {
  spend(typeof value === 'string' ? textSteps(value.length) : 1);
  if (value === undefined) return '';
  if (isJsonNumber(value)) {
    const number = parseDecimal(numberText(value) ?? '');
    return number === undefined ? String(numberText(value)) : decimalKey(number);
  }
  if (Array.isArray(value)) return `[${value.map((one) => canonical(one, spend)).join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name], spend)}`)
    .join()}}`;
}
