import { dateRange } from '../dates.ts';
import { MAX_DATE, MIN_DATE } from '../index-model.ts';
import { badValue, shown } from './errors.ts';
import { splitEscaped, unescapeValue } from './escape.ts';
import type { DateTest, NumberTest, Prefix, QuantityTest, ReferenceValue, TokenValue } from './types.ts';

const PREFIX = /^(?:eq|ne|gt|lt|ge|le|sa|eb|ap)(?=[-+.\d])/;
const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;
/** The longest number that is read digit by digit. */
const LONGEST_NUMBER = 100;
const ID = /^[A-Za-z0-9\-.]{1,64}$/;

/** Splits the prefix off an ordered value; `eq` where there is none (R4 search.html#prefix). */
export function splitPrefix(text: string): { prefix: Prefix; rest: string } {
  const match = PREFIX.exec(text);
  if (match === null) return { prefix: 'eq', rest: text };
  return { prefix: match[0] as Prefix, rest: text.slice(2) };
}

/**
 * A decimal with its implicit precision: half a unit of its last digit to either side (R4 search.html#number:
 * `100` is [99.5, 100.5), `100.00` is [99.995, 100.005)). The specification reads `1e2` as [95, 105): a one-digit
 * significand of the exponential form counts as precise to the next digit, so that row of its table is met.
 * @returns the number and the interval's ends, each the double nearest to the decimal; undefined if it is not a number
 */
export function decimalRange(text: string): { value: number; low: number; high: number } | undefined {
  if (text.length > LONGEST_NUMBER) return undefined;
  const match = NUMBER.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent] = match;
  if (whole === '' && fraction === '') return undefined;
  const value = Number(text);
  if (!Number.isFinite(value)) return undefined;
  let digits = whole + fraction;
  let power = Number(exponent ?? 0) - fraction.length;
  if (exponent !== undefined && digits.replace(/^0+/, '').length < 2) {
    digits += '0';
    power -= 1;
  }
  const scaled = BigInt(digits) * (sign === '-' ? -10n : 10n);
  return { value, low: Number(`${scaled - 5n}e${power - 1}`), high: Number(`${scaled + 5n}e${power - 1}`) };
}

/** A number with prefix (R4 search.html#number). @throws FhirError 400 naming `name` */
export function parseNumber(name: string, text: string): NumberTest {
  const { prefix, rest } = splitPrefix(text);
  const range = decimalRange(rest);
  if (range === undefined) throw badValue(name, `${shown(text)} is not a number.`);
  if (prefix !== 'ap') return { prefix, ...range };
  const tenth = Math.abs(range.value) / 10;
  return { prefix, value: range.value, low: range.value - tenth, high: range.value + tenth };
}

/** A quantity `number`, `number|system|code` or `number||unit` (R4 search.html#quantity). @throws FhirError 400 */
export function parseQuantity(name: string, raw: string): QuantityTest {
  const parts = splitEscaped(raw, '|').map(unescapeValue);
  const test = parseNumber(name, parts[0] ?? '');
  if (parts.length === 1) return test;
  const [, system = '', code = ''] = parts;
  if (parts.length !== 3) {
    throw badValue(
      name,
      `${shown(raw)} is not a quantity: write number, number|system|code or number||unit.`,
    );
  }
  if (system === '' && code === '') return test;
  if (code === '') throw badValue(name, `${shown(raw)} names a unit system but no unit.`);
  return { ...test, system, code };
}

/**
 * A date with prefix, as precise as it is written (R4 search.html#date). `ap` reaches a tenth of the distance between
 * now and the date to either side. A blank before a zone is a `+` that was not encoded.
 * @throws FhirError 400
 */
export function parseDate(name: string, text: string, now: number): DateTest {
  const { prefix, rest } = splitPrefix(text.trim());
  const range = dateRange(rest.replace(/ (?=\d\d:\d\d$)/, '+'));
  if (range === undefined) {
    throw badValue(
      name,
      `${shown(text)} is not a date: write YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a zone.`,
    );
  }
  if (prefix !== 'ap') return { prefix, low: range.low, high: range.high };
  const gap = Math.round(Math.max(0, range.low - now, now - range.high) / 10);
  return { prefix, low: Math.max(MIN_DATE, range.low - gap), high: Math.min(MAX_DATE, range.high + gap) };
}

/** `code`, `system|code`, `|code` or `system|` (R4 search.html#token). @throws FhirError 400 */
export function parseToken(name: string, raw: string): TokenValue {
  const parts = splitEscaped(raw, '|').map(unescapeValue);
  const [first = '', second] = parts;
  if (parts.length > 2) {
    throw badValue(
      name,
      `${shown(raw)} has too many "|": write code, system|code, |code or system| and escape "|" in codes.`,
    );
  }
  if (first === '' && (second === undefined || second === '')) throw badValue(name, 'the value is empty.');
  if (second === undefined) return { code: first };
  return second === '' ? { system: first } : { system: first, code: second };
}

/** `system|code|value` of `:of-type` (R4 search.html#modifiers). @throws FhirError 400 */
export function parseOfType(name: string, raw: string): { system: string; code: string; value: string } {
  const parts = splitEscaped(raw, '|').map(unescapeValue);
  const [system = '', code = '', value = ''] = parts;
  if (parts.length !== 3 || code === '' || value === '') {
    throw badValue(name, `${shown(raw)} is not of the form system|code|value.`);
  }
  return { system, code, value };
}

/**
 * A reference: `id`, `Type/id`, either with `/_history/version`, an absolute URL (below `baseUrl`: this server's own),
 * a urn or a canonical URL (R4 search.html#reference).
 * @param type the type that a modifier gives (`subject:Patient`)
 * @throws FhirError 400
 */
export function parseReference(
  name: string,
  raw: string,
  context: { baseUrl: string; isType: (type: string) => boolean },
  type?: string,
): ReferenceValue {
  const whole = unescapeValue(raw);
  if (whole === '') throw badValue(name, 'the value is empty.');
  let text = whole;
  if (/^[a-z][a-z0-9+.-]*:/i.test(text)) {
    if (!text.startsWith(`${context.baseUrl}/`)) return { kind: 'url', url: text };
    text = text.slice(context.baseUrl.length + 1);
    // Something of this server that is no resource, such as a canonical URL made up below the base.
    if (!isLiteral(text, context.isType)) return { kind: 'url', url: whole };
  }
  const parts = text.split('/');
  if (parts.length === 1 && ID.test(text)) {
    return type === undefined ? { kind: 'local', id: text } : { kind: 'local', type, id: text };
  }
  if (!isLiteral(text, context.isType)) {
    throw badValue(name, `${shown(whole)} is not a reference: write id, Type/id or an absolute URL.`);
  }
  const [given = '', id = '', , version] = parts;
  if (type !== undefined && given !== type) {
    throw badValue(name, `${shown(whole)} is not a reference to ${type}, which the modifier asks for.`);
  }
  return version === undefined
    ? { kind: 'local', type: given, id }
    : { kind: 'local', type: given, id, version };
}

function isLiteral(text: string, isType: (type: string) => boolean): boolean {
  const [type = '', id = '', history, version] = text.split('/');
  const count = text.split('/').length;
  if (!isType(type) || !ID.test(id)) return false;
  return count === 2 || (count === 4 && history === '_history' && ID.test(version ?? ''));
}
