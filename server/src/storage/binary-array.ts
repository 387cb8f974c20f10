import type { Hash64 } from '../search/hash.ts';

/*
 * One-dimensional arrays in PostgreSQL's binary format (arrayfuncs.c, array_recv): header of five 32-bit words, then
 * each element with its byte length. `pg` binds a Buffer as a binary parameter, so content needs no escaping and
 * 64-bit values no decimal text: this is what makes multi-row writes cheap on the Node side.
 */

const OID_INT2 = 21;
const OID_INT4 = 23;
const OID_INT8 = 20;
const OID_FLOAT8 = 701;
const OID_TEXT = 25;
const OID_BOOL = 16;
const HEADER = 20;

function header(buffer: Buffer, oid: number, length: number, hasNulls: boolean): void {
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(hasNulls ? 1 : 0, 4);
  buffer.writeInt32BE(oid, 8);
  buffer.writeInt32BE(length, 12);
  buffer.writeInt32BE(1, 16);
}

/** An array without elements has no dimensions in this format. */
function empty(oid: number): Buffer {
  const buffer = Buffer.alloc(12);
  buffer.writeInt32BE(oid, 8);
  return buffer;
}

/** `int8[]` of hashes or row ids; null elements are allowed. */
export function hashArray(values: readonly (Hash64 | null)[]): Buffer {
  if (values.length === 0) return empty(OID_INT8);
  const buffer = Buffer.allocUnsafe(HEADER + values.length * 12);
  let at = HEADER;
  let nulls = false;
  for (const value of values) {
    if (value === null) {
      nulls = true;
      at = buffer.writeInt32BE(-1, at);
    } else {
      at = buffer.writeInt32BE(8, at);
      at = buffer.writeInt32BE(value.hi, at);
      at = buffer.writeInt32BE(value.lo, at);
    }
  }
  header(buffer, OID_INT8, values.length, nulls);
  return buffer.subarray(0, at);
}

/** `int8[]` of safe integers such as epoch milliseconds; null elements are allowed. */
export function safeIntegerArray(values: readonly (number | null)[]): Buffer {
  if (values.length === 0) return empty(OID_INT8);
  const buffer = Buffer.allocUnsafe(HEADER + values.length * 12);
  let at = HEADER;
  let nulls = false;
  for (const value of values) {
    if (value === null) {
      nulls = true;
      at = buffer.writeInt32BE(-1, at);
    } else {
      at = buffer.writeInt32BE(8, at);
      at = buffer.writeInt32BE(Math.floor(value / 4294967296) | 0, at);
      at = buffer.writeInt32BE(value | 0, at);
    }
  }
  header(buffer, OID_INT8, values.length, nulls);
  return buffer.subarray(0, at);
}

/** `int4[]`. */
export function int4Array(values: readonly number[]): Buffer {
  if (values.length === 0) return empty(OID_INT4);
  const buffer = Buffer.allocUnsafe(HEADER + values.length * 8);
  header(buffer, OID_INT4, values.length, false);
  let at = HEADER;
  for (const value of values) {
    at = buffer.writeInt32BE(4, at);
    at = buffer.writeInt32BE(value, at);
  }
  return buffer;
}

/** `int2[]`. */
export function int2Array(values: readonly number[]): Buffer {
  if (values.length === 0) return empty(OID_INT2);
  const buffer = Buffer.allocUnsafe(HEADER + values.length * 6);
  header(buffer, OID_INT2, values.length, false);
  let at = HEADER;
  for (const value of values) {
    at = buffer.writeInt32BE(2, at);
    at = buffer.writeInt16BE(value, at);
  }
  return buffer;
}

/** `bool[]`. */
export function boolArray(values: readonly boolean[]): Buffer {
  if (values.length === 0) return empty(OID_BOOL);
  const buffer = Buffer.allocUnsafe(HEADER + values.length * 5);
  header(buffer, OID_BOOL, values.length, false);
  let at = HEADER;
  for (const value of values) {
    at = buffer.writeInt32BE(1, at);
    at = buffer.writeInt8(value ? 1 : 0, at);
  }
  return buffer;
}

/** `float8[]`; infinities are kept. */
export function float8Array(values: readonly number[]): Buffer {
  if (values.length === 0) return empty(OID_FLOAT8);
  const buffer = Buffer.allocUnsafe(HEADER + values.length * 12);
  header(buffer, OID_FLOAT8, values.length, false);
  let at = HEADER;
  for (const value of values) {
    at = buffer.writeInt32BE(8, at);
    at = buffer.writeDoubleBE(value, at);
  }
  return buffer;
}

/** `text[]`. The strings must not hold U+0000, which PostgreSQL's text cannot. */
export function textArray(values: readonly string[]): Buffer {
  if (values.length === 0) return empty(OID_TEXT);
  let size = HEADER;
  for (const value of values) size += 4 + Buffer.byteLength(value);
  const buffer = Buffer.allocUnsafe(size);
  header(buffer, OID_TEXT, values.length, false);
  let at = HEADER;
  for (const value of values) {
    const bytes = buffer.write(value, at + 4, 'utf8');
    buffer.writeInt32BE(bytes, at);
    at += 4 + bytes;
  }
  return buffer;
}
