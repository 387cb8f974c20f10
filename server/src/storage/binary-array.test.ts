import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/database.ts';
import { hashToBigInt } from '../search/hash.ts';
import {
  boolArray,
  float8Array,
  hashArray,
  int2Array,
  int4Array,
  safeIntegerArray,
  textArray,
} from './binary-array.ts';

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase(false);
  client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await database?.drop();
});

/** What PostgreSQL reads from the bytes, as text elements. */
async function readBack(type: string, bytes: Buffer): Promise<(string | null)[]> {
  const { rows } = await client.query(
    `select array(select e::text from unnest($1::${type}[]) as e) as read`,
    [bytes],
  );
  return rows[0].read;
}

const int = (bits: number) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });
const runs = { numRuns: 40 };

describe('binary arrays are what PostgreSQL reads (array_recv)', () => {
  it('hashes and safe integers, with nulls', async () => {
    const hash = fc.option(fc.record({ hi: int(32), lo: int(32) }));
    await fc.assert(
      fc.asyncProperty(fc.array(hash), async (values) => {
        const expected = values.map((value) => (value === null ? null : hashToBigInt(value).toString()));
        expect(await readBack('bigint', hashArray(values))).toEqual(expected);
      }),
      runs,
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(fc.maxSafeInteger())), async (values) => {
        const expected = values.map((value) => (value === null ? null : String(value === 0 ? 0 : value)));
        expect(await readBack('bigint', safeIntegerArray(values))).toEqual(expected);
      }),
      runs,
    );
  });

  it('integers, booleans, doubles with infinities, texts', async () => {
    const ints = fc.tuple(fc.array(int(32)), fc.array(int(16)), fc.array(fc.boolean()));
    const texts = fc.array(
      fc.string({ unit: 'grapheme' }).filter((text) => text.isWellFormed() && !text.includes('\0')),
    );
    await fc.assert(
      fc.asyncProperty(ints, texts, async ([int4, int2, bools], strings) => {
        expect(await readBack('int', int4Array(int4))).toEqual(
          int4.map((value) => String(value === 0 ? 0 : value)),
        );
        expect(await readBack('smallint', int2Array(int2))).toEqual(
          int2.map((value) => String(value === 0 ? 0 : value)),
        );
        expect(await readBack('bool', boolArray(bools))).toEqual(bools.map(String));
        expect(await readBack('text', textArray(strings))).toEqual(strings);
      }),
      runs,
    );
    expect(
      await readBack('float8', float8Array([1.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])),
    ).toEqual(['1.5', 'Infinity', '-Infinity']);
  });
});
