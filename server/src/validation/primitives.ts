import { isExactNumber } from '../json/exact-number.ts';
import type { JsonValue } from '../json/types.ts';
import { isDate, isDateTime, isInstant, isTime } from './dates.ts';
import { checkXhtml } from './xhtml.ts';

/** What is wrong with a primitive value (for a person to read); undefined if nothing. Never called with null. */
export type PrimitiveCheck = (value: JsonValue) => string | undefined;

/** R4 datatypes.html#string: no string is longer than 1 MB. */
const MAX_STRING = 1024 * 1024;
// Tab, line feed and carriage return are the control characters that a string may hold.
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

function checkString(value: JsonValue): string | undefined {
  if (typeof value !== 'string') return 'must be a JSON string';
  if (value === '') return 'must not be empty';
  if (value.length > MAX_STRING) return 'must not be longer than 1 MB';
  return CONTROL.test(value) ? 'holds a control character that is not allowed' : undefined;
}

const matching = (pattern: RegExp, message: string): PrimitiveCheck =>
  formatted((text) => pattern.test(text), message);

function formatted(isRight: (text: string) => boolean, message: string): PrimitiveCheck {
  return (value) => {
    if (typeof value !== 'string') return 'must be a JSON string';
    return isRight(value) ? undefined : value === '' ? 'must not be empty' : message;
  };
}

function integerBetween(low: number, message: string): PrimitiveCheck {
  return (value) => {
    if (typeof value === 'number')
      return Number.isInteger(value) && value >= low && value <= 2147483647 ? undefined : message;
    if (!isExactNumber(value)) return 'must be a JSON number';
    // The one integer whose text JavaScript would change.
    return value.rawJSON === '-0' && low < 0 ? undefined : message;
  };
}

function isBase64(text: string): boolean {
  if (!/^[A-Za-z0-9+/\s]*(?:=\s*){0,2}$/.test(text)) return false;
  const length = /\s/.test(text) ? text.replace(/\s+/g, '').length : text.length;
  return length > 0 && length % 4 === 0;
}

const uri = matching(
  /^[^\s\u0000-\u001f]+$/,
  'is not a URI: it must not contain whitespace or control characters',
);

/*
 * Codes and OIDs are lists of any length: told by what must not be in them, because a regular expression that repeats a group
 * runs out of the engine's memory at some length.
 */
const NO_CODE = /^$|^\s|\s$|\s\s|[\u0000-\u0008\u000e-\u001f]/;
const isCode = (text: string): boolean => !NO_CODE.test(text);
const OID = /^urn:oid:[0-2]\.[0-9.]*[0-9]$/;
const NO_OID = /\.\.|\.0[0-9]/;
const isOid = (text: string): boolean => OID.test(text) && !NO_OID.test(text);
const UUID = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The checks of R4's primitive types (datatypes.html#primitive), by type name. */
export const PRIMITIVES: ReadonlyMap<string, PrimitiveCheck> = new Map<string, PrimitiveCheck>([
  ['boolean', (value) => (typeof value === 'boolean' ? undefined : 'must be true or false')],
  ['integer', integerBetween(-2147483648, 'must be a whole number from -2147483648 to 2147483647')],
  ['unsignedInt', integerBetween(0, 'must be a whole number from 0 to 2147483647')],
  ['positiveInt', integerBetween(1, 'must be a whole number from 1 to 2147483647')],
  [
    'decimal',
    (value) => (typeof value === 'number' || isExactNumber(value) ? undefined : 'must be a JSON number'),
  ],
  ['string', checkString],
  ['markdown', checkString],
  ['uri', uri],
  ['url', uri],
  ['canonical', uri],
  ['oid', formatted(isOid, 'is not an OID such as urn:oid:1.2.3')],
  ['uuid', matching(UUID, 'is not a UUID such as urn:uuid:c757873d-ec9a-4326-a141-556f43239520')],
  ['id', matching(/^[A-Za-z0-9\-.]{1,64}$/, 'is not an id: 1 to 64 letters, digits, "-" and "."')],
  [
    'code',
    formatted(
      isCode,
      'is not a code: no whitespace at its ends, no two whitespace characters together and no control characters',
    ),
  ],
  ['base64Binary', formatted(isBase64, 'is not base64')],
  ['instant', formatted(isInstant, 'is not an instant such as 2015-02-07T13:28:17.239+02:00')],
  ['date', formatted(isDate, 'is not a date such as 2018, 1973-06 or 1905-08-23')],
  [
    'dateTime',
    formatted(isDateTime, 'is not a dateTime such as 2018, 1973-06, 1905-08-23 or 2015-02-07T13:28:17-05:00'),
  ],
  ['time', formatted(isTime, 'is not a time such as 13:28:17')],
  ['xhtml', (value) => (typeof value === 'string' ? checkXhtml(value) : 'must be a JSON string')],
]);

/** The forms of URIs whose scheme says how they are built (R4 datatypes.html#uri, #oid, #uuid; RFC 3061, RFC 4122). */
function checkScheme(value: JsonValue): string | undefined {
  if (typeof value !== 'string') return undefined;
  const first = value.charCodeAt(0);
  // Most URIs are http: only those that begin with u or o are looked at.
  if (first !== 0x75 && first !== 0x6f && first !== 0x55) return undefined;
  if (value.startsWith('oid:') || value.startsWith('uuid:'))
    return `must be written with urn: in front: ${JSON.stringify(value.slice(0, 100))}`;
  if (value.startsWith('urn:oid:')) {
    return isOid(value) ? undefined : 'is not a valid OID: numbers and dots, such as urn:oid:1.2.3';
  }
  if (value.startsWith('urn:uuid:')) {
    return UUID.test(value.replace(/#.*$/s, ''))
      ? undefined
      : 'is not a valid UUID in lower case, such as urn:uuid:c757873d-ec9a-4326-a141-556f43239520';
  }
  return undefined;
}

/** R4 datatypes.html#canonical: an absolute URL, or a fragment that names a contained resource. */
function checkCanonical(value: JsonValue): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (!value.startsWith('#') && !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(value))
    return `a canonical URL must be absolute or begin with "#", ${JSON.stringify(value.slice(0, 200))} does not`;
  return checkScheme(value);
}

/** What a validator finds wrong besides, though a server may store it; by type name. */
export const STRICT_PRIMITIVES: ReadonlyMap<string, PrimitiveCheck> = new Map<string, PrimitiveCheck>([
  ['uri', checkScheme],
  ['url', checkScheme],
  ['canonical', checkCanonical],
  ['xhtml', (value) => (typeof value === 'string' ? checkXhtml(value, true) : 'must be a JSON string')],
]);
