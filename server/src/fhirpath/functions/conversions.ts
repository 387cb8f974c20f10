import { compareDecimals, type Decimal, fromInteger, parseDecimal, widened } from '../decimal.ts';
import { failure } from '../errors.ts';
import { truth } from '../operators.ts';
import { convertQuantity, parseQuantity, type Quantity, quantityOf } from '../quantity.ts';
import { dateOf, parseDate, parseDateTime, parseTime, type Temporal } from '../temporal.ts';
import {
  asQuantity,
  boolean,
  decimal,
  decimalOf,
  EMPTY,
  type Items,
  integer,
  long,
  quantity,
  string,
  temporal,
  type Value,
  valueText,
} from '../values.ts';
import type { Call, FunctionGroup } from './call.ts';
import { parseFormatted } from './date-formats.ts';

/** Makes a value of one type of another; empty where it cannot be. */
type Conversion = (value: Value, call: Call) => Items;

function to(convert: Conversion): (call: Call) => Items {
  return (call) => {
    const { item, value } = call;
    return item === undefined || value === undefined ? EMPTY : convert(value, call);
  };
}

function convertsTo(convert: Conversion): (call: Call) => Items {
  return (call) => {
    const { item, value } = call;
    if (item === undefined) return EMPTY;
    return boolean(value !== undefined && convert(value, call).length > 0);
  };
}

function pair(name: string, most: number, convert: Conversion): FunctionGroup {
  return {
    [`to${name}`]: [0, most, to(convert)],
    [`convertsTo${name}`]: [0, most, convertsTo(convert)],
  };
}

/** FHIRPath 5.5. */
export const CONVERSIONS: FunctionGroup = {
  iif: [2, 3, iif],
  ...pair('Boolean', 0, toBoolean),
  ...pair('Integer', 0, toInteger),
  ...pair('Long', 0, toLong),
  ...pair('Decimal', 0, toDecimal),
  ...pair('String', 0, toText),
  ...pair('Date', 1, toDate),
  ...pair('DateTime', 1, toDateTime),
  ...pair('Time', 0, toTime),
  ...pair('Quantity', 1, toQuantity),
};

function iif(call: Call): Items {
  if (call.input.length > 1 && !call.environment.isLenient)
    throw failure(`iif() takes a single item, not ${call.input.length}`);
  if (truth(call.onInput(0), 'the criterion of iif()', call.environment)) return call.onInput(1);
  return call.count > 2 ? call.onInput(2) : EMPTY;
}

const TRUTHS: Readonly<Record<string, boolean>> = {
  true: true,
  t: true,
  yes: true,
  y: true,
  1: true,
  '1.0': true,
  false: false,
  f: false,
  no: false,
  n: false,
  0: false,
  '0.0': false,
};

function toBoolean(value: Value): Items {
  if (value.kind === 'Boolean') return [value];
  if (value.kind === 'String') {
    const text = value.value.toLowerCase();
    return Object.hasOwn(TRUTHS, text) ? boolean(TRUTHS[text]) : EMPTY;
  }
  const number = decimalOf(value);
  if (number === undefined) return EMPTY;
  for (const whole of [0, 1])
    if (compareDecimals(number, fromInteger(whole)) === 0) return boolean(whole === 1);
  return EMPTY;
}

/** More digits than these are out of range anyway. */
const WHOLE = /^[+-]?\d{1,100}$/;

function toInteger(value: Value): Items {
  if (value.kind === 'Boolean') return integer(Number(value.value));
  if (value.kind === 'Integer') return [value];
  if (value.kind === 'Long') return integer(value.value);
  return value.kind === 'String' && WHOLE.test(value.value) ? integer(wholeOf(value.value)) : EMPTY;
}

function wholeOf(text: string): bigint {
  return BigInt(text.replace(/^\+/, ''));
}

function toLong(value: Value): Items {
  if (value.kind === 'Boolean') return long(value.value ? 1n : 0n);
  if (value.kind === 'Integer' || value.kind === 'Long') return long(value.value);
  return value.kind === 'String' && WHOLE.test(value.value) ? long(wholeOf(value.value)) : EMPTY;
}

/** A whole number gets a digit behind the point, as the text of a Decimal has it. */
function withPoint(value: Decimal): Decimal {
  return widened(value, Math.max(1, value.scale));
}

function toDecimal(value: Value): Items {
  if (value.kind === 'Decimal') return [value];
  if (value.kind === 'Boolean') return decimal({ digits: value.value ? 10n : 0n, scale: 1 });
  if (value.kind === 'String') {
    const number = /^[+-]?\d+(?:\.\d+)?$/.test(value.value) ? parseDecimal(value.value) : undefined;
    return decimal(number === undefined ? undefined : withPoint(number));
  }
  const number = decimalOf(value);
  return decimal(number === undefined ? undefined : withPoint(number));
}

function toText(value: Value): Items {
  const text = valueText(value);
  return text === undefined ? EMPTY : string(text);
}

function formatted(
  value: Value,
  call: Call,
  parse: (text: string) => Temporal | undefined,
): Temporal | undefined {
  if (value.kind !== 'String') return undefined;
  if (call.count === 0) return parse(value.value);
  const format = call.textParameter(0);
  return format === undefined ? undefined : parseFormatted(value.value, format);
}

function toDate(value: Value, call: Call): Items {
  if (value.kind === 'Date') return [value];
  if (value.kind === 'DateTime') return temporal(dateOf(value.value));
  const parsed = formatted(value, call, (text) => parseDate(text) ?? parseDateTime(text));
  return temporal(parsed === undefined ? undefined : dateOf(parsed));
}

function toDateTime(value: Value, call: Call): Items {
  if (value.kind === 'DateTime') return [value];
  if (value.kind === 'Date') return temporal({ ...value.value, type: 'DateTime' });
  return temporal(formatted(value, call, parseDateTime));
}

function toTime(value: Value): Items {
  if (value.kind === 'Time') return [value];
  return value.kind === 'String' ? temporal(parseTime(value.value.replace(/^T/, ''))) : EMPTY;
}

function toQuantity(value: Value, call: Call): Items {
  const plain = plainQuantity(value);
  if (plain === undefined || call.count === 0) return quantity(plain);
  const unit = call.textParameter(0);
  return unit === undefined ? EMPTY : quantity(convertQuantity(plain, unit));
}

function plainQuantity(value: Value): Quantity | undefined {
  if (value.kind === 'Boolean') return quantityOf({ digits: value.value ? 10n : 0n, scale: 1 }, '1', false);
  return value.kind === 'String' ? parseQuantity(value.value) : asQuantity(value);
}
