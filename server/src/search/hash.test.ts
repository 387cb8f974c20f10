import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashFromBigInt, hashToBigInt, TextHasher, xorHash } from './hash.ts';

const key = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
const half = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

describe('TextHasher', () => {
  it('depends on text, key and salt', () => {
    const hasher = new TextHasher(key(1));
    const other = new TextHasher(key(2));
    const all = [
      hasher.hash('abc'),
      hasher.hash('abd'),
      hasher.hash('ab'),
      hasher.hash(''),
      hasher.hash('abc', { hi: 1, lo: 0 }),
      hasher.hash('abc', { hi: 0, lo: 1 }),
      other.hash('abc'),
    ].map((hash) => hashToBigInt(hash));
    expect(new Set(all).size).toBe(all.length);
    expect(hasher.hash('abc')).toEqual(new TextHasher(key(1)).hash('abc'));
  });

  it('does not collide on many similar texts', () => {
    const hasher = new TextHasher(key(3));
    const seen = new Set<bigint>();
    for (let i = 0; i < 100_000; i++) seen.add(hashToBigInt(hasher.hash(`http://loinc.org|${i}`)));
    expect(seen.size).toBe(100_000);
  });
});

describe('Hash64', () => {
  it('is the same as a bigint and back, and XOR is what PostgreSQL computes', () => {
    fc.assert(
      fc.property(half, half, half, half, (hi, lo, hi2, lo2) => {
        const a = { hi, lo };
        const b = { hi: hi2, lo: lo2 };
        expect(hashFromBigInt(hashToBigInt(a))).toEqual(a);
        expect(hashToBigInt(xorHash(a, b))).toBe(BigInt.asIntN(64, hashToBigInt(a) ^ hashToBigInt(b)));
      }),
    );
  });
});
