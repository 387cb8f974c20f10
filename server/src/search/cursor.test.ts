import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FhirError } from '../fhir/outcome.ts';
import { createCursorCodec } from './cursor.ts';

const codec = createCursorCodec(new Uint8Array(32).fill(1));
const state = { keys: ['5', null, 'ä'], rid: '12345678901234567', size: 50 };

test('R4 http.html#paging: a cursor comes back as it was made', () => {
  fc.assert(
    fc.property(
      fc.array(fc.option(fc.string(), { nil: null })),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.nat(1000),
      (keys, rid, size) => {
        const made = { keys, rid: rid.toString(), size };
        expect(codec.decode(7, 'q', codec.encode(7, 'q', made))).toEqual(made);
      },
    ),
  );
});

test('a cursor says nothing to its holder and needs no escaping in a URL', () => {
  const text = codec.encode(7, 'q', { ...state, keys: ['secret-name'] });
  expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
  expect(Buffer.from(text, 'base64url').toString('latin1')).not.toContain('secret');
});

test('a cursor of another tenant, search or server is refused with 400', () => {
  const text = codec.encode(7, 'q', state);
  const other = createCursorCodec(new Uint8Array(32).fill(2));
  for (const decode of [
    () => codec.decode(8, 'q', text),
    () => codec.decode(7, 'p', text),
    () => other.decode(7, 'q', text),
  ]) {
    expect(decode).toThrow(FhirError);
    expect(decode).toThrow(/paging link/);
  }
});

test('every altered cursor is refused with 400', () => {
  const text = codec.encode(7, 'q', state);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.nat(63), (at, letter) => {
      const altered = text.slice(0, at) + alphabet[letter] + text.slice(at + 1);
      if (altered === text) return;
      expect(() => codec.decode(7, 'q', altered)).toThrow(FhirError);
    }),
  );
  fc.assert(
    fc.property(fc.string(), (any) => {
      expect(() => codec.decode(7, 'q', any)).toThrow(FhirError);
    }),
  );
});
