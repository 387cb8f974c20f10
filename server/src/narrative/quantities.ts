import { numberOf, textOf } from '../json/exact-number.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';
import { asObject, asText, type Context, type Format, read } from './element.ts';
import { join } from './text.ts';

/** R4 quantity-comparator in words: the signs are misread too easily. */
const COMPARATORS: Readonly<Record<string, string>> = {
  '<': 'less than',
  '<=': 'at most',
  '>=': 'at least',
  '>': 'more than',
};

/** UCUM's units of time in words. */
const TIME_UNITS: Readonly<Record<string, string>> = {
  s: 'second',
  min: 'minute',
  h: 'hour',
  d: 'day',
  wk: 'week',
  mo: 'month',
  a: 'year',
};

/** A number in the digits that it was written with. */
export const number: Format = (value) => textOf(value);

/** `2 days` for `2` and `d`; any other unit stands as it is. */
export function amountOf(amount: string, unit: string | undefined): string {
  if (unit === undefined || unit === '1') return amount;
  if (!Object.hasOwn(TIME_UNITS, unit)) return `${amount} ${unit}`;
  return `${amount} ${TIME_UNITS[unit]}${Number(amount) === 1 ? '' : 's'}`;
}

/** The word for one of UCUM's units of time; any other text stands as it is. */
export function timeUnit(unit: string): string {
  return Object.hasOwn(TIME_UNITS, unit) ? (TIME_UNITS[unit] as string) : unit;
}

function unitOf(quantity: JsonObject): string | undefined {
  return asText(quantity['unit']) ?? asText(quantity['code']);
}

/** A Quantity, Age, Duration, Count or Distance: comparator, value and unit. */
export const quantity: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  const amount = read(element, 'value', number, context);
  if (amount === undefined) return undefined;
  const sign = asText(element['comparator']);
  const comparator =
    sign === undefined ? '' : `${Object.hasOwn(COMPARATORS, sign) ? COMPARATORS[sign] : sign} `;
  const isNumber = textOf(element['value']) !== undefined;
  return comparator + (isNumber ? amountOf(amount, unitOf(element)) : amount);
};

export const range: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  const low = read(element, 'low', quantity, context);
  const high = read(element, 'high', quantity, context);
  if (low === undefined) return high === undefined ? undefined : `up to ${high}`;
  if (high === undefined) return `${low} or more`;
  const unit = sameUnit(element);
  // The unit once, where it is the same.
  const short = unit === undefined ? undefined : textOf(asObject(element['low'])?.['value']);
  return `${short ?? low} to ${high}`;
};

function sameUnit(element: JsonObject): string | undefined {
  const low = asObject(element['low']);
  const high = asObject(element['high']);
  if (low === undefined || high === undefined || low['comparator'] !== undefined) return undefined;
  const unit = unitOf(low);
  return unit === unitOf(high) ? (unit ?? '') : undefined;
}

/** `250 mg per 5 mL`, a titre as `1:128`. */
export const ratio: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  const numerator = read(element, 'numerator', quantity, context);
  const denominator = read(element, 'denominator', quantity, context);
  if (numerator === undefined || denominator === undefined) return numerator ?? wrapPer(denominator);
  const bare = [element['numerator'], element['denominator']].every((part) => isBare(asObject(part)));
  return bare ? `${numerator}:${denominator}` : `${numerator} per ${denominator}`;
};

const wrapPer = (denominator: string | undefined): string | undefined =>
  denominator === undefined ? undefined : `per ${denominator}`;

function isBare(quantityValue: JsonObject | undefined): boolean {
  if (quantityValue === undefined) return false;
  const unit = unitOf(quantityValue);
  return unit === undefined || unit === '1';
}

export const money: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  const amount = read(element, 'value', number, context);
  return amount === undefined ? undefined : join(' ', amount, asText(element['currency']));
};

/** What a person can know of SampledData without a drawing: how many points, how far apart, and their unit. */
export const sampledData: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  const data = asText(element['data']);
  const count = data === undefined ? undefined : `${countPoints(data)} points`;
  const step = textOf(element['period']);
  const dimensions = numberOf(element['dimensions']);
  const origin = read(element, 'origin', quantity, context);
  return join(
    ', ',
    'Sampled data',
    count,
    step === undefined ? undefined : `every ${step} ms`,
    dimensions > 1 ? `${dimensions} dimensions` : undefined,
    origin === undefined ? undefined : `zero at ${origin}`,
    range(limits(element), context),
  );
};

function limits(element: JsonObject): JsonValue | undefined {
  const limit = (name: string): JsonObject | undefined =>
    element[name] === undefined ? undefined : { value: element[name] as JsonValue };
  const low = limit('lowerLimit');
  const high = limit('upperLimit');
  if (low === undefined && high === undefined) return undefined;
  return { ...(low === undefined ? {} : { low }), ...(high === undefined ? {} : { high }) };
}

/** Counted without splitting, for the data may be long. */
function countPoints(data: string): number {
  let count = 0;
  let inside = false;
  for (let i = 0; i < data.length; i++) {
    const isSpace = data.charCodeAt(i) <= 0x20;
    if (!isSpace && !inside) count++;
    inside = !isSpace;
  }
  return count;
}

/** A reference range's or goal's bounds, for callers that have the two quantities side by side. */
export function bounds(
  low: JsonValue | undefined,
  high: JsonValue | undefined,
  context: Context,
): string | undefined {
  const element: JsonObject = {};
  if (low !== undefined) element['low'] = low;
  if (high !== undefined) element['high'] = high;
  return range(element, context);
}
