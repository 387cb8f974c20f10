import { describe, expect, it } from 'vitest';
import { hashToBigInt } from '../search/hash.ts';
import { RowIdGenerator, uuidV7 } from './row-id.ts';

describe('RowIdGenerator', () => {
  it('makes growing ids, also within one millisecond', () => {
    const generator = new RowIdGenerator(7);
    let last = -1n;
    for (let i = 0; i < 5000; i++) {
      const id = hashToBigInt(generator.next());
      expect(id > last).toBe(true);
      last = id;
    }
  });

  it('never makes the same id on two nodes', () => {
    const [a, b] = [new RowIdGenerator(1), new RowIdGenerator(2)];
    const ids = new Set(Array.from({ length: 2000 }, (_, i) => hashToBigInt((i % 2 ? a : b).next())));
    expect(ids.size).toBe(2000);
  });
});

describe('uuidV7', () => {
  it('has version 7, the RFC 9562 variant and the time in front', () => {
    const before = Date.now();
    const id = uuidV7();
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const millis = Number.parseInt(id.slice(0, 13).replace('-', ''), 16);
    expect(millis).toBeGreaterThanOrEqual(before);
    expect(millis).toBeLessThanOrEqual(Date.now());
  });
});
