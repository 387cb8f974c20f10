import { isExactNumber, isNumber, textOf } from '../json/exact-number.ts';
import { isObject } from '../json/objects.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';

/** Deepest nesting that a patched document may have; stacked copies would otherwise exhaust the call stack. */
export const MAX_DEPTH = 200;

/** An object's own property; what its prototype offers (`constructor`, `__proto__`) is no JSON and reads as undefined. */
export function getProperty(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Sets an own property, `__proto__` included, without ever reaching the prototype. */
export function setProperty(object: JsonObject, name: string, value: JsonValue): void {
  if (name === '__proto__') {
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
  } else {
    object[name] = value;
  }
}

/** How much more may be copied, one cell for each value and for 16 characters: bounds what many `copy` operations can make. */
export interface CopyBudget {
  cells: number;
}

/** Thrown by {@link deepCopy} when the copy would be too large or too deep. */
export class TooLarge extends Error {}

/**
 * A deep copy of a JSON value. Exact numbers are immutable and shared.
 * Throws {@link TooLarge} when the budget is used up or the nesting exceeds {@link MAX_DEPTH}.
 */
export function deepCopy<T extends JsonValue>(value: T, budget: CopyBudget, depth = 0): T {
  budget.cells -= typeof value === 'string' ? 1 + (value.length >>> 4) : 1;
  if (budget.cells < 0) throw new TooLarge('the result of the patch is too large');
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH)
    throw new TooLarge(`the result of the patch is nested more than ${MAX_DEPTH} levels deep`);
  if (Array.isArray(value)) return value.map((item) => deepCopy(item, budget, depth + 1)) as unknown as T;
  if (isExactNumber(value)) return value;
  const copy: JsonObject = {};
  for (const name of Object.keys(value)) {
    setProperty(copy, name, deepCopy((value as JsonObject)[name] as JsonValue, budget, depth + 1));
  }
  return copy as T;
}

/**
 * Whether two JSON values are equal as RFC 6902 section 4.6 has it: numbers by their numeric value (1.0 equals 1.00 and
 * 10e-1), strings by code points, arrays in order, objects without regard to the order of their members.
 */
export function jsonEquals(a: JsonValue, b: JsonValue): boolean {
  if (a === b) return true;
  if (isNumber(a))
    return isNumber(b) && canonicalNumber(textOf(a) as string) === canonicalNumber(textOf(b) as string);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    return (
      Array.isArray(b) && a.length === b.length && a.every((item, i) => jsonEquals(item, b[i] as JsonValue))
    );
  }
  if (!isObject(b)) return false;
  const left = a as JsonObject;
  const names = Object.keys(left);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && jsonEquals(left[name] as JsonValue, b[name] as JsonValue))
  );
}

/** One text for each numeric value: sign, digits without outer zeros, exponent of the last digit. */
function canonicalNumber(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return text;
  const fraction = match[3] ?? '';
  const digits = ((match[2] ?? '') + fraction).replace(/^0+/, '');
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === 48) end--;
  if (end === 0) return '0';
  const exponent = BigInt(match[4] ?? 0) - BigInt(fraction.length) + BigInt(digits.length - end);
  return `${match[1]}${digits.slice(0, end)}e${exponent}`;
}
