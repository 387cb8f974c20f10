import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/database.ts';
import { migrate, migrationStatus } from './migrate.ts';
import { prepareDatabase, withOwner } from './prepare.ts';
import { servingRoleName } from './roles.ts';
import { createTenant, deleteTenant, ensureTenant, listTenants } from './tenants.ts';

let database: TestDatabase;
let serving: pg.Client;
let north: number;
let south: number;

async function asTenant(id: number): Promise<void> {
  await serving.query(`select set_config('app.tenant', $1, false)`, [String(id)]);
}

function row(tenant: number, rid: number): string {
  return `insert into store.resource values
    (${tenant}, ${rid}, ${rid}, 0, null, null, null, 1, 0, 1, 1, false, 'a${rid}', '{}', '{}', '{}')`;
}

beforeAll(async () => {
  database = await createTestDatabase();
  await withOwner(database.ownerUrl, async (client) => {
    north = (await createTenant(client, 'north')).id;
    south = (await createTenant(client, 'south')).id;
  });
  serving = new pg.Client({ connectionString: database.servingUrl });
  await serving.connect();
});

afterAll(async () => {
  await serving.end();
  await database.drop();
});

describe('serving role (issue 3, section 5: owns nothing, creates nothing, cannot get round row level security)', () => {
  test('sees and writes the rows of its tenant only', async () => {
    await asTenant(north);
    await serving.query(row(north, 1));
    await expect(serving.query(row(south, 2))).rejects.toThrow(/row-level security/);
    await asTenant(south);
    await serving.query(row(south, 2));
    for (const from of ['tenant.resource', 'store.resource']) {
      const { rows } = await serving.query(`select tenant_id from ${from}`);
      expect(rows).toEqual([{ tenant_id: south }]);
    }
    const changed = await serving.query('update store.resource set version = 9 where rid = 1');
    expect(changed.rowCount).toBe(0);
    const removed = await serving.query('delete from store.resource where rid = 1');
    expect(removed.rowCount).toBe(0);
    await expect(serving.query(`update store.resource set tenant_id = ${north}`)).rejects.toThrow(
      /row-level security/,
    );
  });

  test('without a tenant nothing can be read or written', async () => {
    const fresh = new pg.Client({ connectionString: database.servingUrl });
    await fresh.connect();
    await expect(fresh.query('select * from tenant.resource')).rejects.toThrow(/app\.tenant/);
    await expect(fresh.query('select * from store.resource')).rejects.toThrow(/app\.tenant/);
    await fresh.end();
  });

  test.each([
    ['create table public.x (a int)'],
    ['create table store.x (a int)'],
    ['create temporary table x (a int)'],
    ['create schema x'],
    ['create view tenant.x as select 1'],
    ['create function store.f() returns int language sql as $$ select 1 $$'],
    ['create function public.f() returns int language plpgsql as $$ begin return 1; end $$'],
    ['create role x'],
    ['create database x'],
    ['create extension pgcrypto schema store'],
    ['create policy p on store.resource using (true)'],
    ['select lo_create(0)'],
    ['alter table store.resource disable row level security'],
    ['alter role current_user bypassrls'],
    ['set row_security = off; select * from store.resource'],
    ['set role vesta'],
    ['set session authorization vesta'],
    ['drop table store.resource'],
    ['truncate store.resource'],
    [`insert into store.tenant (name, created) values ('x', 0)`],
    [`update store.tenant set name = 'x'`],
    [`update store.setting set value = 'x'`],
    ['select * from public.store_migration'],
    ['copy store.resource to program $$cat$$'],
    [`select pg_read_file('/etc/passwd')`],
    ['select * from pg_authid'],
  ])('is refused: %s', async (statement) => {
    await asTenant(south);
    await expect(serving.query(statement)).rejects.toMatchObject({
      code: expect.stringMatching(/^(42501|0A000)$/),
    });
  });

  test('has no attribute that lifts it above others, and its limits are set', async () => {
    const { rows } = await serving.query(
      `select rolsuper, rolcreaterole, rolcreatedb, rolinherit, rolbypassrls, rolreplication from pg_roles where rolname = current_user`,
    );
    expect(Object.values(rows[0])).toEqual([false, false, false, false, false, false]);
    const settings = await serving.query(
      `select current_setting('statement_timeout') t, current_setting('search_path') p, current_setting('idle_in_transaction_session_timeout') i`,
    );
    expect(settings.rows[0]).toEqual({ t: '30s', p: '""', i: '1min' });
  });

  test('makes node numbers, reads tenants and settings', async () => {
    await serving.query(`select nextval('store.node_number')`);
    const { rows } = await serving.query('select name, value from store.setting order by name');
    expect(rows.map(({ name, value }) => [name, value.length])).toEqual([
      ['cursor_key', 64],
      ['hash_key', 32],
    ]);
    expect((await serving.query('select name from store.tenant order by name')).rows).toHaveLength(2);
  });

  test('many instances that prepare the database at once agree on one role and its password', async () => {
    const roles = await Promise.all(
      [1, 2, 3, 4].map(() => prepareDatabase(database.ownerUrl, { statementTimeout: 30_000 })),
    );
    expect(new Set(roles.map(({ url }) => url)).size).toBe(1);
    expect(roles[0]!.url).toBe(database.servingUrl);
    expect((await serving.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  test('its name fits into 63 bytes for any database name', () => {
    expect(servingRoleName('vesta')).toBe('vesta_serving_vesta');
    expect(Buffer.byteLength(servingRoleName('ä'.repeat(31)))).toBeLessThanOrEqual(63);
    expect(servingRoleName('ä'.repeat(31))).not.toBe(servingRoleName(`${'ä'.repeat(30)}b`));
  });
});

describe('migrations', () => {
  test('are applied once, and a changed or unknown one is refused', async () => {
    await withOwner(database.ownerUrl, async (client) => {
      expect(await migrate(client)).toEqual([]);
      const status = await migrationStatus(client);
      expect(status.every(({ state }) => state === 'applied')).toBe(true);
      await client.query(
        `update public.store_migration set checksum = 'x' || checksum where name = '001-resources'`,
      );
      await expect(migrate(client)).rejects.toThrow(/001-resources has changed/);
      await client.query(
        `update public.store_migration set checksum = substr(checksum, 2) where name = '001-resources'`,
      );
      await client.query(`insert into public.store_migration values ('999-future', 'x')`);
      await expect(migrate(client)).rejects.toThrow(/newer Vesta \(999-future\)/);
      await client.query(`delete from public.store_migration where name = '999-future'`);
      expect(await migrate(client)).toEqual([]);
    });
  });

  test('an empty database has all of them pending', async () => {
    const empty = await createTestDatabase(false);
    const status = await withOwner(empty.ownerUrl, migrationStatus);
    expect(status.length).toBeGreaterThan(0);
    expect(status.every(({ state }) => state === 'pending')).toBe(true);
    await empty.drop();
  });

  test('make the trigram index where the extension may be created', async () => {
    await withOwner(database.ownerUrl, async (client) => {
      const { rows } = await client.query(
        `select to_regclass('store.index_string_trigram') is not null as made`,
      );
      expect(rows).toEqual([{ made: true }]);
    });
  });
});

describe('tenants', () => {
  test('names are checked, and each is given once', async () => {
    await withOwner(database.ownerUrl, async (client) => {
      await expect(createTenant(client, 'North')).rejects.toThrow(/no tenant name/);
      await expect(createTenant(client, '')).rejects.toThrow(/no tenant name/);
      await expect(createTenant(client, 'a'.repeat(64))).rejects.toThrow(/no tenant name/);
      await expect(createTenant(client, 'north')).rejects.toThrow(/already/);
      expect(await ensureTenant(client, 'north')).toEqual({
        tenant: { id: north, name: 'north' },
        created: false,
      });
    });
  });

  test('deleting one removes all of its rows and none of the others', async () => {
    await withOwner(database.ownerUrl, async (client) => {
      const { id } = await createTenant(client, 'west');
      for (let rid = 100; rid < 125; rid++) await client.query(row(id, rid));
      await client.query(`insert into store.index_date values (${id}, 1, 1, 1, 100)`);
      await client.query(`insert into store.index_string values (${id}, 1, 100, 'x')`);
      await client.query(`insert into store.index_text values (${id}, 1, 1, 'x')`);
      const before = await client.query(
        'select count(*)::int as n from store.resource where tenant_id <> $1',
        [id],
      );
      expect(await deleteTenant(client, 'west', { batch: 10, settle: 0 })).toBe(28);
      const after = await client.query('select count(*)::int as n from store.resource');
      expect(after.rows).toEqual(before.rows);
      expect((await listTenants(client)).map(({ name }) => name)).toEqual(['north', 'south']);
      await expect(deleteTenant(client, 'west')).rejects.toThrow(/no tenant "west"/);
    });
  });
});
