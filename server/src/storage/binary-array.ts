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

/** An array of values that each take `width` bytes; `put` writes one. */
function fixedWidth<T>(
  oid: number,
  width: number,
  values: readonly (T | null)[],
  put: (buffer: Buffer, value: T, at: number) => void,
): Buffer {
  if (values.length === 0) return empty(oid);
  const buffer = Buffer.allocUnsafe(HEADER + values.length * (4 + width));
  let at = HEADER;
  let nulls = false;
  for (const value of values) {
    if (value === null) {
      nulls = true;
      at = buffer.writeInt32BE(-1, at);
      continue;
    }
    at = buffer.writeInt32BE(width, at);
    put(buffer, value, at);
    at += width;
  }
  header(buffer, oid, values.length, nulls);
  return buffer.subarray(0, at);
}

const putHash = (buffer: Buffer, { hi, lo }: Hash64, at: number): void => {
  buffer.writeInt32BE(hi, at);
  buffer.writeInt32BE(lo, at + 4);
};
const putSafeInteger = (buffer: Buffer, value: number, at: number): void => {
  buffer.writeInt32BE(Math.floor(value / 4294967296) | 0, at);
  buffer.writeInt32BE(value | 0, at + 4);
};
const putInt4 = (buffer: Buffer, value: number, at: number): void => {
  buffer.writeInt32BE(value, at);
};
const putInt2 = (buffer: Buffer, value: number, at: number): void => {
  buffer.writeInt16BE(value, at);
};
const putBool = (buffer: Buffer, value: boolean, at: number): void => {
  buffer.writeInt8(value ? 1 : 0, at);
};
const putFloat8 = (buffer: Buffer, value: number, at: number): void => {
  buffer.writeDoubleBE(value, at);
};

/** `int8[]` of hashes or row ids; null elements are allowed. */
export const hashArray = (values: readonly (Hash64 | null)[]): Buffer =>
  fixedWidth(OID_INT8, 8, values, putHash);

/** `int8[]` of safe integers such as epoch milliseconds; null elements are allowed. */
export const safeIntegerArray = (values: readonly (number | null)[]): Buffer =>
  fixedWidth(OID_INT8, 8, values, putSafeInteger);

/** `int4[]`. */
export const int4Array = (values: readonly number[]): Buffer => fixedWidth(OID_INT4, 4, values, putInt4);

/** `int2[]`. */
export const int2Array = (values: readonly number[]): Buffer => fixedWidth(OID_INT2, 2, values, putInt2);

/** `bool[]`. */
export const boolArray = (values: readonly boolean[]): Buffer => fixedWidth(OID_BOOL, 1, values, putBool);

/** `float8[]`; infinities are kept. */
export const float8Array = (values: readonly number[]): Buffer =>
  fixedWidth(OID_FLOAT8, 8, values, putFloat8);

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
