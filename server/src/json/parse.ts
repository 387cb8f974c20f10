import { FhirError, type IssueCode } from '../fhir/outcome.ts';
import { numberFromText } from './exact-number.ts';
import { locate } from './locate.ts';
import type { ExactNumber, JsonObject, JsonValue } from './types.ts';

export interface JsonLimits {
  /** Greatest number of objects and arrays inside one another. Default 64. */
  readonly maxDepth?: number;
  /** Greatest number of characters of a number. Default 1024. */
  readonly maxNumberLength?: number;
}

/**
 * Parses a JSON text (RFC 8259) strictly: nothing after the value, no name twice in an object, no lone surrogates, and
 * nesting up to a limit. Numbers keep their digits (R4 json.html#decimal): where JavaScript would print a number
 * otherwise than it was written, it becomes an {@link ExactNumber}. Long strings share the memory of `text`.
 *
 * Throws a {@link FhirError} 400: code `structure` for what is not JSON, `invalid` for JSON that is refused; its
 * expression is the path of the place, its diagnostics name line and column.
 */
export function parseJson(text: string, limits: JsonLimits = {}): JsonValue {
  source = text;
  at = 0;
  depth = limits.maxDepth ?? 64;
  maxNumberLength = limits.maxNumberLength ?? 1024;
  try {
    if (!text.isWellFormed()) failAtLoneSurrogate();
    const value = parseValue();
    skipSpace();
    if (at < text.length) fail('structure', 'there is something after the end of the JSON value');
    return value;
  } finally {
    source = '';
  }
}

// The state of the one parse that runs: module variables are faster than fields, and parsing never yields.
let source = '';
let at = 0;
/** How many more levels of nesting are allowed. */
let depth = 0;
let maxNumberLength = 0;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;

function fail(code: IssueCode, message: string, position = at): never {
  const { line, column, path } = locate(source, position);
  throw new FhirError(400, {
    severity: 'error',
    code,
    diagnostics: `Line ${line}, column ${column}: ${message}`,
    ...(path === undefined ? {} : { expression: path }),
  });
}

function failUnexpected(expected: string): never {
  if (at >= source.length)
    fail('structure', `the JSON text ends where ${expected} is expected`, source.length);
  const char = String.fromCodePoint(source.codePointAt(at) as number);
  fail('structure', `${JSON.stringify(char)} where ${expected} is expected`);
}

function failAtLoneSurrogate(): never {
  const position = /\p{Surrogate}/u.exec(source)?.index ?? 0;
  fail('invalid', 'half of a surrogate pair, which is no character', position);
}

/** Moves to the next character that is not whitespace and gives its code; NaN at the end. */
function skipSpace(): number {
  let code = source.charCodeAt(at);
  while (code <= 0x20 && (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09)) {
    code = source.charCodeAt(++at);
  }
  return code;
}

function parseValue(): JsonValue {
  const code = skipSpace();
  switch (code) {
    case QUOTE:
      return parseString();
    case 0x7b:
      return parseObject();
    case 0x5b:
      return parseArray();
    case 0x74:
      return parseWord('true', true);
    case 0x66:
      return parseWord('false', false);
    case 0x6e:
      return parseWord('null', null);
    default:
      if (code === 0x2d || (code >= 0x30 && code <= 0x39)) return parseNumber(code);
      return failUnexpected('a JSON value');
  }
}

function parseWord<T>(word: string, value: T): T {
  if (!source.startsWith(word, at)) failUnexpected('a JSON value');
  at += word.length;
  return value;
}

function parseArray(): JsonValue[] {
  if (--depth < 0) fail('invalid', 'too many objects and arrays inside one another');
  at++;
  const array: JsonValue[] = [];
  if (skipSpace() === 0x5d) at++;
  else {
    for (;;) {
      array.push(parseValue());
      const code = skipSpace();
      if (code === 0x5d) {
        at++;
        break;
      }
      if (code !== COMMA) failUnexpected('"," or "]"');
      at++;
    }
  }
  depth++;
  return array;
}

function parseObject(): JsonObject {
  if (--depth < 0) fail('invalid', 'too many objects and arrays inside one another');
  at++;
  const object: JsonObject = {};
  // A bit for each name so far: a name whose bit is not set cannot be there yet.
  let bits = 0;
  let code = skipSpace();
  if (code === 0x7d) at++;
  else {
    for (;;) {
      if (code !== QUOTE) failUnexpected('a property name in quotes');
      const nameAt = at;
      const name = parseName();
      if (skipSpace() !== COLON) failUnexpected('":"');
      at++;
      if ((bits & nameBit) !== 0 && Object.hasOwn(object, name)) {
        fail('invalid', `the property ${JSON.stringify(name)} is there twice`, nameAt);
      }
      bits |= nameBit;
      const value = parseValue();
      if (name === '__proto__') {
        Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
      } else object[name] = value;
      code = skipSpace();
      if (code === 0x7d) {
        at++;
        break;
      }
      if (code !== COMMA) failUnexpected('"," or "}"');
      at++;
      code = skipSpace();
    }
  }
  depth++;
  return object;
}

/**
 * Property names that were met, by a hash of their characters, so that a name need not be made anew (and looked up in
 * the engine's table of names) each time. Bounded: a slot holds one short name, the first that came.
 */
const NAME_SLOTS = 2048;
const MAX_NAME = 40;
const names: string[] = new Array(NAME_SLOTS).fill('');
/** The bit of the name that parseName gave last. */
let nameBit = 0;

function parseName(): string {
  const start = at + 1;
  let end = start;
  let hash = 0;
  let code = source.charCodeAt(end);
  while (code !== QUOTE && code !== BACKSLASH && code >= 0x20) {
    hash = (Math.imul(hash, 31) + code) | 0;
    code = source.charCodeAt(++end);
  }
  nameBit = -1;
  if (code !== QUOTE) return parseString();
  at = end + 1;
  const length = end - start;
  if (length === 0 || length > MAX_NAME) return source.slice(start, end);
  nameBit = 1 << ((hash ^ (hash >>> 5) ^ (hash >>> 10)) & 31);
  const slot = (hash ^ (hash >>> 11)) & (NAME_SLOTS - 1);
  const known = names[slot] as string;
  if (known.length === length && source.startsWith(known, start)) return known;
  const name = source.slice(start, end);
  // Through an object's keys it becomes the engine's own copy of the name, independent of `source`.
  if (known === '' && name !== '__proto__') names[slot] = Object.keys({ [name]: 0 })[0] as string;
  return name;
}

function parseString(): string {
  const start = at + 1;
  let end = start;
  let code = source.charCodeAt(end);
  while (code !== QUOTE && code !== BACKSLASH && code >= 0x20) code = source.charCodeAt(++end);
  if (code === QUOTE) {
    at = end + 1;
    return source.slice(start, end);
  }
  return parseEscaped(start, end);
}

/** A string with escapes; `end` is the place of the first character that is not plain. */
function parseEscaped(start: number, end: number): string {
  let code = source.charCodeAt(end);
  while (code !== QUOTE && code >= 0x20) {
    if (code === BACKSLASH) end++;
    code = source.charCodeAt(++end);
  }
  let result: string;
  try {
    // The engine undoes escapes fastest, and into one flat string.
    result = JSON.parse(source.slice(start - 1, end + 1));
  } catch {
    return failInString(start);
  }
  if (!result.isWellFormed()) fail('invalid', 'half of a surrogate pair, which is no character', start - 1);
  at = end + 1;
  return result;
}

/** Finds what is wrong with a string. */
function failInString(start: number): never {
  for (let place = start; place < source.length; place++) {
    if (source.charCodeAt(place) < 0x20)
      fail('structure', 'a control character in a string is not escaped', place);
    if (source[place] !== '\\') continue;
    const letter = source.charAt(place + 1);
    if (letter === 'u') {
      const digits = source.slice(place + 2, place + 6);
      if (!/^[0-9A-Fa-f]{4}$/.test(digits)) {
        fail('structure', '\\u is not followed by four hexadecimal digits', place);
      }
    } else if (letter === '' || !'"\\/bfnrt'.includes(letter)) {
      fail('structure', 'an unknown escape in a string', place);
    }
    place++;
  }
  return fail('structure', 'the JSON text ends inside a string', source.length);
}

const POWERS = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

function parseNumber(first: number): number | ExactNumber {
  const start = at;
  let end = at;
  let code = first;
  if (code === 0x2d) code = source.charCodeAt(++end);
  const digitsStart = end;
  let mantissa = 0;
  while (code >= 0x30 && code <= 0x39) {
    mantissa = mantissa * 10 + (code - 0x30);
    code = source.charCodeAt(++end);
  }
  const integerDigits = end - digitsStart;
  if (integerDigits === 0) {
    at = end;
    failUnexpected('a digit');
  }
  if (integerDigits > 1 && source.charCodeAt(digitsStart) === 0x30) {
    fail('structure', 'a number begins with a zero that it does not need', digitsStart);
  }
  let fractionDigits = 0;
  let last = 0;
  if (code === 0x2e) {
    code = source.charCodeAt(++end);
    const fractionStart = end;
    while (code >= 0x30 && code <= 0x39) {
      mantissa = mantissa * 10 + (code - 0x30);
      last = code;
      code = source.charCodeAt(++end);
    }
    fractionDigits = end - fractionStart;
    if (fractionDigits === 0) {
      at = end;
      failUnexpected('a digit');
    }
  }
  at = end;
  if (code === 0x65 || code === 0x45) return parseExponent(start);
  // Up to 15 digits are the shortest text of the nearest double, so JavaScript prints them as they stand, unless the
  // text ends in a zero behind the point, is -0, or is so small that JavaScript would write an exponent. The quotient
  // of two exact doubles is that nearest double.
  if (integerDigits + fractionDigits <= 15 && mantissa !== 0) {
    if (fractionDigits === 0) return first === 0x2d ? -mantissa : mantissa;
    if (last !== 0x30 && (fractionDigits <= 6 || mantissa >= (POWERS[fractionDigits - 6] as number))) {
      const value = mantissa / (POWERS[fractionDigits] as number);
      return first === 0x2d ? -value : value;
    }
  }
  return numberText(start);
}

function parseExponent(start: number): number | ExactNumber {
  let code = source.charCodeAt(++at);
  if (code === 0x2b || code === 0x2d) code = source.charCodeAt(++at);
  if (!(code >= 0x30 && code <= 0x39)) failUnexpected('a digit');
  while (code >= 0x30 && code <= 0x39) code = source.charCodeAt(++at);
  return numberText(start);
}

function numberText(start: number): number | ExactNumber {
  if (at - start > maxNumberLength) fail('invalid', 'a number with too many digits', start);
  return numberFromText(source.slice(start, at));
}
