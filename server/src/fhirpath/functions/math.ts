import {
  add,
  bounded,
  type Decimal,
  fromDouble,
  MAX_SCALE,
  negated,
  powerOf,
  type Rounding,
  rounded,
  toDouble,
  trimmed,
  widened,
} from '../decimal.ts';
import { failure } from '../errors.ts';
import { boundary, precisionOf } from '../temporal.ts';
import {
  decimal,
  decimalOf,
  EMPTY,
  type Items,
  integer,
  long,
  quantity,
  temporal,
  type Value,
} from '../values.ts';
import type { Call, FunctionGroup } from './call.ts';

/** FHIRPath 5.7, and the precision functions of the utility functions. */
export const MATH: FunctionGroup = {
  abs: [0, 0, (call) => numeric(call, (value) => (value.digits < 0n ? negated(value) : value))],
  ceiling: [0, 0, (call) => whole(call, 'ceiling')],
  floor: [0, 0, (call) => whole(call, 'floor')],
  truncate: [0, 0, (call) => whole(call, 'truncate')],
  round: [0, 1, round],
  exp: [0, 0, (call) => real(call, Math.exp)],
  ln: [0, 0, (call) => real(call, (value) => (value > 0 ? Math.log(value) : Number.NaN))],
  sqrt: [0, 0, (call) => real(call, (value) => (value < 0 ? Number.NaN : Math.sqrt(value)))],
  log: [1, 1, log],
  power: [1, 1, power],
  lowBoundary: [0, 1, (call) => bound(call, false)],
  highBoundary: [0, 1, (call) => bound(call, true)],
  precision: [0, 0, precision],
};

/** The input, which must be a number. @throws FhirPathError */
function number(call: Call): Decimal | undefined {
  if (call.item === undefined) return undefined;
  const { value } = call;
  const result = value === undefined ? undefined : decimalOf(value);
  if (result === undefined && (value !== undefined || isComplex(call))) throw call.wrongInput();
  return result;
}

function isComplex({ item }: Call): boolean {
  return item?.kind === 'Node' && item.value !== undefined;
}

/** The same type with another value. @throws FhirPathError for an input that is no number or quantity */
function numeric(call: Call, change: (value: Decimal) => Decimal): Items {
  const { value } = call;
  if (value?.kind === 'Quantity') return quantity({ ...value.value, value: change(value.value.value) });
  const given = number(call);
  if (given === undefined) return EMPTY;
  const result = change(given);
  if (value?.kind === 'Integer') return integer(result.digits);
  return value?.kind === 'Long' ? long(result.digits) : decimal(result);
}

function whole(call: Call, how: Rounding): Items {
  const { value } = call;
  if (value?.kind === 'Quantity') return numeric(call, (given) => rounded(given, 0, how));
  const given = number(call);
  if (given === undefined) return EMPTY;
  const result = rounded(given, 0, how).digits;
  return value?.kind === 'Long' ? long(result) : integer(result);
}

function round(call: Call): Items {
  const places = call.count === 0 ? 0 : call.wholeParameter(0);
  if (places === undefined) return EMPTY;
  if (places < 0) throw failure('the precision of round() must not be negative');
  const { value } = call;
  if (value?.kind === 'Quantity') return numeric(call, (given) => rounded(given, places));
  const given = number(call);
  return given === undefined ? EMPTY : decimal(rounded(given, places));
}

/** A double as a Decimal that shows that it is one: `9.0`. */
function decimalFrom(value: number): Items {
  const result = fromDouble(value);
  return decimal(result === undefined ? undefined : trimmed(widened(result, Math.max(1, result.scale)), 1));
}

function real(call: Call, compute: (value: number) => number): Items {
  const value = number(call);
  return value === undefined ? EMPTY : decimalFrom(compute(toDouble(value)));
}

function parameter(call: Call): Decimal | undefined {
  const value = call.parameter(0);
  if (value === undefined) return undefined;
  const result = decimalOf(value);
  if (result === undefined) throw call.wrongParameter(0, 'a number', value);
  return result;
}

function log(call: Call): Items {
  const value = number(call);
  const base = parameter(call);
  if (value === undefined || base === undefined) return EMPTY;
  if (value.digits <= 0n || base.digits <= 0n) throw failure('log() takes numbers above 0');
  return decimalFrom(Math.log(toDouble(value)) / Math.log(toDouble(base)));
}

/** FHIRPath 5.7.8: Integers give an Integer, but for a negative exponent. */
function power(call: Call): Items {
  const base = number(call);
  const exponent = parameter(call);
  if (base === undefined || exponent === undefined) return EMPTY;
  const times = trimmed(exponent);
  if (times.scale > 0) return decimalFrom(toDouble(base) ** toDouble(exponent));
  const count = Number(times.digits);
  const result = powerOf(base, count);
  if (result === undefined) return EMPTY;
  const kinds = [call.value, call.parameter(0)].map((value) => value?.kind);
  if (count >= 0 && !kinds.includes('Decimal')) {
    return kinds.includes('Long') ? long(result.digits) : integer(result.digits);
  }
  return decimal(trimmed(result, 1));
}

const DEFAULT_DIGITS: Readonly<Partial<Record<Value['kind'], number>>> = { Date: 8, DateTime: 17, Time: 9 };

function bound(call: Call, high: boolean): Items {
  const { item, value } = call;
  const asked = call.wholeParameter(0);
  if (item === undefined || (call.count > 0 && asked === undefined)) return EMPTY;
  if (value === undefined) {
    if (isComplex(call)) throw call.wrongInput();
    return EMPTY;
  }
  if (value.kind === 'Date' || value.kind === 'DateTime' || value.kind === 'Time') {
    return temporal(boundary(value.value, asked ?? (DEFAULT_DIGITS[value.kind] as number), high));
  }
  if (value.kind === 'Quantity') {
    const result = decimalBoundary(value.value.value, asked ?? 8, high);
    return result === undefined ? EMPTY : quantity({ ...value.value, value: result });
  }
  const given = decimalOf(value);
  if (given === undefined) throw call.wrongInput();
  return decimal(decimalBoundary(given, asked ?? 8, high));
}

/** Half a unit of the last digit below or above, to some places; undefined for places that a Decimal cannot have. */
function decimalBoundary(value: Decimal, places: number, high: boolean): Decimal | undefined {
  if (places < 0 || places > MAX_SCALE) return undefined;
  const half: Decimal = { digits: high ? 5n : -5n, scale: value.scale + 1 };
  return bounded(widened(rounded(add(value, half), places, high ? 'ceiling' : 'floor'), places));
}

function precision(call: Call): Items {
  const { value } = call;
  if (value?.kind === 'Date' || value?.kind === 'DateTime' || value?.kind === 'Time') {
    return integer(precisionOf(value.value));
  }
  const given = number(call);
  return given === undefined ? EMPTY : integer(given.scale);
}
