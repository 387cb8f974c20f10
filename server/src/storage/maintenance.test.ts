import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/database.ts';
import { MAINTENANCE_LOCK, startMaintenance } from './maintenance.ts';
import { createTenant } from './tenants.ts';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

async function one(text: string): Promise<unknown> {
  const { rows } = await client.query({ text, rowMode: 'array' });
  return rows[0]?.[0];
}

/** Instances that do the maintenance. What they do takes other advisory locks, for as long as it is under way. */
const leaders = (): Promise<unknown> =>
  one(`select count(*)::int from pg_locks where locktype = 'advisory' and granted and objsubid = 1
    and (classid::bigint << 32) | objid::bigint = ${MAINTENANCE_LOCK}
    and database = (select oid from pg_database where datname = current_database())`);

const wait = { timeout: 30_000, interval: 50 };

describe('maintenance (issue 3, sections 5 and 6)', () => {
  test('empties the pending list, analyzes, removes old jobs, finishes deletions; a second instance stands by', async () => {
    const { id } = await createTenant(client, 'gone');
    await client.query(`update store.tenant set state = 'deleting' where id = $1`, [id]);
    const job = (state: string, age: number) =>
      client.query(
        `insert into store.job (tenant_id, id, kind, state, request, created, heartbeat)
          values (1000, gen_random_uuid(), 'x', $1, '{}', 0, (extract(epoch from now()) * 1000)::bigint - $2::bigint)`,
        [state, age],
      );
    await job('done', 25 * 3_600_000);
    await job('waiting', 25 * 3_600_000);
    await job('failed', 3_600_000);
    await client.query(
      `insert into store.resource select 1000, i, i, 0, null, null, null, 1, 0, 1, 1, false, 'a' || i, array[i, i + 1], '{}', '{}'
        from generate_series(1, 8000) as i`,
    );
    // At the end of a session its statistics are handed in.
    await client.end();
    client = new pg.Client({ connectionString: database.ownerUrl });
    await client.connect();
    const lines: string[] = [];
    const leader = startMaintenance(database.ownerUrl, (line) => lines.push(line), { tick: 50 });
    const other = startMaintenance(database.ownerUrl, (line) => lines.push(line), { tick: 50 });
    await vi.waitFor(async () => {
      expect(await one(`select count(*)::int from store.tenant`)).toBe(0);
      expect(await one(`select array_agg(state order by state) from store.job`)).toEqual([
        'failed',
        'waiting',
      ]);
      // Without statistics reltuples is -1.
      expect(await one(`select reltuples::int from pg_class where oid = 'store.resource'::regclass`)).toBe(
        8000,
      );
      expect(await one(`select gin_clean_pending_list('store.resource_tokens')::int`)).toBe(0);
    }, wait);
    expect(await leaders()).toBe(1);
    await leader.stop();
    // The one that stood by takes over.
    await vi.waitFor(async () => expect(await leaders()).toBe(1), wait);
    await other.stop();
    expect(lines.filter((line) => line.includes('interrupted'))).toEqual([]);
    expect(lines.filter((line) => line.includes('tenant gone'))).toHaveLength(1);
  });

  test('connects again when its connection breaks (PostgreSQL was away)', async () => {
    const lines: string[] = [];
    const maintenance = startMaintenance(database.ownerUrl, (line) => lines.push(line), { tick: 20 });
    const sessions = `select count(*)::int from pg_stat_activity where application_name = 'vesta-maintenance' and datname = current_database()`;
    await vi.waitFor(async () => expect(await one(sessions)).toBe(1), wait);
    await client.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'vesta-maintenance' and datname = current_database()`);
    await vi.waitFor(() => expect(lines.length).toBe(1), wait);
    await vi.waitFor(async () => expect(await one(sessions)).toBe(1), wait);
    await maintenance.stop();
    expect(await one(sessions)).toBe(0);
  });

  test('stops while it cannot connect', async () => {
    const maintenance = startMaintenance('postgres://nobody@127.0.0.1:1/none', () => {}, { tick: 20 });
    await maintenance.stop();
  });
});
