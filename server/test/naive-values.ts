/*
 * Values as R4 search.html reads them, for the naive evaluator: written from the text of the specification alone and
 * sharing nothing with the server, so that the same mistake is not made twice.
 */

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The items of an element that may be absent, single or repeated. */
export function list(value: Json | undefined): Json[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
}

export function texts(value: Json | undefined): string[] {
  return list(value).filter((one) => typeof one === 'string');
}

/** R4 search.html#string: without case and combining characters, white space does not count. */
export function plainText(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toUpperCase()
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
    .join(' ');
}

/** A span of time from the first to the last millisecond. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const DATE =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/;

/** R4 search.html#date: a date is all the time that it may mean; without a zone it is UTC here. */
export function dateSpan(text: string): Span | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  const start = new Date(0);
  start.setUTCFullYear(Number(year), Number(month ?? 1) - 1, Number(day ?? 1));
  start.setUTCHours(Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0));
  const end = new Date(start);
  if (month === undefined) end.setUTCFullYear(end.getUTCFullYear() + 1);
  else if (day === undefined) end.setUTCMonth(end.getUTCMonth() + 1);
  else if (hour === undefined) end.setUTCDate(end.getUTCDate() + 1);
  else if (second === undefined) end.setUTCMinutes(end.getUTCMinutes() + 1);
  else if (fraction === undefined) end.setUTCSeconds(end.getUTCSeconds() + 1);
  let from = start.getTime();
  let until = end.getTime();
  if (fraction !== undefined) {
    from += Number(fraction.padEnd(3, '0'));
    until = from + 10 ** (3 - fraction.length);
  }
  if (zone !== undefined && zone !== 'Z') {
    const [hours = 0, minutes = 0] = zone.slice(1).split(':').map(Number);
    const ahead = (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
    from -= ahead;
    until -= ahead;
  }
  return { from, to: until - 1 };
}

/** R4 search.html#prefix, the column for ranges. */
export function compareSpans(prefix: string, search: Span, target: Span): boolean {
  const contains = search.from <= target.from && target.to <= search.to;
  const above = target.to > search.to;
  const below = target.from < search.from;
  switch (prefix) {
    case 'eq':
      return contains;
    case 'ne':
      return !contains;
    case 'gt':
      return above;
    case 'lt':
      return below;
    case 'ge':
      return above || contains;
    case 'le':
      return below || contains;
    case 'sa':
      return target.from > search.to;
    case 'eb':
      return target.to < search.from;
    case 'ap':
    case 'po':
      return target.from <= search.to && search.from <= target.to;
  }
  throw new Error(prefix);
}

/** An exact decimal: `digits` times ten to the `power`. */
export interface Decimal {
  readonly digits: bigint;
  readonly power: number;
}

export function decimal(text: string): Decimal | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null || !/\d/.test(text)) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const digits = BigInt(whole + fraction);
  return { digits: sign === '-' ? -digits : digits, power: Number(exponent) - fraction.length };
}

export function compareDecimals(a: Decimal, b: Decimal): number {
  const power = Math.min(a.power, b.power);
  const left = a.digits * 10n ** BigInt(a.power - power);
  const right = b.digits * 10n ** BigInt(b.power - power);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** A number of a search with what its precision implies. */
export interface NumberSearch {
  readonly value: Decimal;
  /** Of eq and ne: from (included) and to (excluded). */
  readonly from: Decimal;
  readonly to: Decimal;
}

/** R4 search.html#number: half a unit of the last significant digit to either side; `1e2` is [95, 105). */
export function numberSearch(text: string): NumberSearch | undefined {
  const value = decimal(text);
  if (value === undefined) return undefined;
  let { digits, power } = value;
  if (/[eE]/.test(text) && String(digits < 0n ? -digits : digits).length < 2) {
    digits *= 10n;
    power -= 1;
  }
  return {
    value,
    from: { digits: digits * 10n - 5n, power: power - 1 },
    to: { digits: digits * 10n + 5n, power: power - 1 },
  };
}

/** A range of numbers; an end that is missing is open without limit, `below`/`above` leave the end itself out. */
export interface Interval {
  readonly low?: Decimal | undefined;
  readonly high?: Decimal | undefined;
  readonly lowExcluded?: boolean;
  readonly highExcluded?: boolean;
}

/** R4 search.html#prefix for numbers: all prefixes but eq, ne and ap compare with the exact value. */
export function compareNumbers(
  prefix: string,
  search: NumberSearch,
  { low, high, ...target }: Interval,
): boolean {
  const toLow = (bound: Decimal) =>
    low === undefined ? -1 : compareDecimals(low, bound) || (target.lowExcluded ? 0.5 : 0);
  const toHigh = (bound: Decimal) =>
    high === undefined ? 1 : compareDecimals(high, bound) || (target.highExcluded ? -0.5 : 0);
  const contains = toLow(search.from) >= 0 && toHigh(search.to) < 0;
  switch (prefix) {
    case 'eq':
      return contains;
    case 'ne':
      return !contains;
    case 'gt':
      return toHigh(search.value) > 0;
    case 'lt':
      return toLow(search.value) < 0;
    case 'ge':
      return toHigh(search.value) >= 0;
    case 'le':
      return toLow(search.value) <= 0;
    case 'sa':
      return toLow(search.value) > 0;
    case 'eb':
      return toHigh(search.value) < 0;
    case 'ap': {
      const { digits, power } = search.value;
      const tenth = digits < 0n ? -digits : digits;
      const at = (shift: bigint): Decimal => ({ digits: digits * 10n + shift, power: power - 1 });
      return toLow(at(tenth)) <= 0 && toHigh(at(-tenth)) >= 0;
    }
  }
  throw new Error(prefix);
}

/** Splits at separators that no backslash escapes; the parts stay escaped (R4 search.html#escaping). */
export function splitAt(text: string, separator: string): string[] {
  const parts = [''];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') parts.push(`${parts.pop() as string}${text[i++]}${text[i] ?? ''}`);
    else if (text[i] === separator) parts.push('');
    else parts.push(`${parts.pop() as string}${text[i]}`);
  }
  return parts;
}

export function unescaped(text: string): string {
  return text.replace(/\\([,$|\\])/g, '$1');
}

/** The prefix of an ordered value, `eq` without one. */
export function prefixed(text: string): [prefix: string, rest: string] {
  const match = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)(?=[-+.\d])/.exec(text);
  return match === null ? ['eq', text] : [match[0], text.slice(2)];
}
