import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/database.ts';
import { ConnectionPools } from './connections.ts';

let database: TestDatabase;
let pools: ConnectionPools;

const PATIENCE = 250;

beforeAll(async () => {
  database = await createTestDatabase();
  pools = new ConnectionPools({
    connectionString: database.servingUrl,
    poolSizes: { read: 1, search: 1, write: 1 },
    statementTimeouts: { read: 30_000, search: 30_000, write: 30_000 },
    acquireTimeout: PATIENCE,
  });
});
afterAll(async () => {
  await pools?.close();
  await database?.drop();
});

const standStill = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
};
const one = () => pools.global({ text: 'select 1', values: [] });

describe('time that runs out (issue 3, section 5: 503 when the database is away)', () => {
  test('while the process itself stands still is not the fault of the database', async () => {
    const connecting = one();
    await new Promise(setImmediate);
    standStill(PATIENCE + 1000);
    expect(await connecting).toEqual([[1]]);
  });

  test('for want of a free connection is answered with 503', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const holding = pools.within({ id: 1, name: 'one' }, 'read', () => released);
    await expect(one()).rejects.toMatchObject({ status: 503 });
    release();
    await holding;
  });
});
