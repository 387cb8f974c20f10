import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withOwner } from '../src/storage/prepare.ts';
import { deleteTenant } from '../src/storage/tenants.ts';
import { type Harness, startHarness, type TestClient } from './harness.ts';

/*
 * Issue 3, section 5: what somebody could do who has taken over the connection of the serving role. Every table and view
 * is tried, those that later migrations add too.
 */

let harness: Harness;
let serving: pg.Client;
let owner: pg.Client;
let north: number;
let south: number;
/** Tables with rows of tenants, and the views over them. */
let tables: string[];
let views: string[];

/** Rows of every table that has rows of tenants. */
async function populate(client: TestClient): Promise<void> {
  const patient = {
    resourceType: 'Patient',
    id: 'same',
    birthDate: '1970-01-01',
    deceasedDateTime: '2020-01-01',
    name: [{ family: 'Same' }],
    identifier: [{ system: 'http://example.org', value: 'same', type: { text: 'text of a code' } }],
  };
  await client.put('Patient/same', patient);
  await client.put('Patient/same', patient);
  await client.create({
    resourceType: 'Observation',
    status: 'final',
    code: { text: 'weight', coding: [{ system: 'http://loinc.org', code: '1', display: 'weight' }] },
    subject: { reference: 'Patient/same' },
    valueQuantity: { value: 70, system: 'http://unitsofmeasure.org', code: 'kg' },
  });
  await client.create({
    resourceType: 'SearchParameter',
    url: 'http://example.org/sp',
    name: 'own',
    status: 'active',
    description: 'own',
    code: 'own',
    base: ['Patient'],
    type: 'token',
    expression: 'Patient.language',
  });
  await client.get('Patient', { Prefer: 'respond-async' });
}

/** Rows of the tables that large code systems, $closure and packages fill. */
async function populateDefinitions(tenant: number): Promise<void> {
  const rows = [
    `code_system (tenant_id, id, url, version, state, info, concepts, loaded) overriding system value
      values ($1, $1 * 1000, 'http://example.org/cs', '1', 'ready', '{}', 1, 0)`,
    `concept (tenant_id, system_id, id, code, folded, words, inactive, parents, links, facts)
      values ($1, $1 * 1000, 1, 'a', 'a', 'a', false, '{}', '{}', '{}')`,
    `closure (tenant_id, name, version, created) values ($1, 'c', 1, 0)`,
    `closure_concept (tenant_id, name, since, system, system_version, code) values ($1, 'c', 1, 's', '', 'a')`,
    `closure_entry (tenant_id, name, since, system, system_version, below, above) values ($1, 'c', 1, 's', '', 'a', 'b')`,
    `package (tenant_id, id, name, version, digest, source, size, manifest, state, active, installed) overriding system value
      values ($1, $1 * 1000, 'p', '1', 'd', 's', 1, '{}', 'ready', true, 0)`,
    `package_chunk (tenant_id, package_id, place, bytes) values ($1, $1 * 1000, 0, 'b')`,
    `package_use (tenant_id, name, version, active) values ($1, 'p', '1', true)`,
    `package_index (tenant_id, digest) values ($1, 'd')`,
  ];
  for (const row of rows) await owner.query(`insert into store.${row}`, [tenant]);
}

const as = (tenant: number) => serving.query(`select set_config('app.tenant', $1, false)`, [String(tenant)]);

beforeAll(async () => {
  harness = await startHarness({ tenants: ['north', 'south', 'west'] });
  for (const name of ['north', 'south', 'west']) await populate(harness.client(name));
  owner = new pg.Client({ connectionString: harness.database.ownerUrl });
  serving = new pg.Client({ connectionString: harness.database.servingUrl });
  await Promise.all([owner.connect(), serving.connect()]);
  const ids = new Map(
    (await owner.query('select name, id from store.tenant')).rows.map(({ name, id }) => [name, id]),
  );
  north = ids.get('north');
  south = ids.get('south');
  const found = await owner.query(
    `select quote_ident(table_schema) || '.' || quote_ident(table_name) as name, table_type from information_schema.columns
      join information_schema.tables using (table_schema, table_name)
      where column_name = 'tenant_id' and table_schema not in ('pg_catalog', 'information_schema') order by 1`,
  );
  for (const tenant of ids.values()) await populateDefinitions(tenant);
  tables = found.rows.filter((row) => row.table_type === 'BASE TABLE').map((row) => row.name);
  views = found.rows.filter((row) => row.table_type === 'VIEW').map((row) => row.name);
});
afterAll(async () => {
  await Promise.all([serving?.end(), owner?.end()]);
  await harness?.stop();
});

/** Tables whose rows of tenant 0 all tenants may read: what the operator has loaded or installed for everybody. */
const SHARED = new Set(['store.code_system', 'store.concept', 'store.package', 'store.package_chunk']);

describe('rows of other tenants', () => {
  it('the test has rows of both tenants in every table, so that it says something', async () => {
    expect(tables.length).toBeGreaterThanOrEqual(8);
    expect(views.length).toBe(tables.length);
    for (const table of tables) {
      const { rows } = await owner.query(`select tenant_id from ${table} group by 1`);
      const tenants = rows.map((row) => row.tenant_id);
      expect([table, tenants.includes(north), tenants.includes(south)]).toEqual([table, true, true]);
    }
  });

  it('cannot be seen in any table or view', async () => {
    await as(north);
    for (const name of [...tables, ...views]) {
      const { rows } = await serving.query(
        `select tenant_id, count(*)::int as count from ${name} group by 1`,
      );
      expect([name, rows.map((row) => row.tenant_id)]).toEqual([name, [north]]);
      const asked = await serving.query(`select 1 from ${name} where tenant_id = $1`, [south]);
      expect([name, asked.rowCount]).toEqual([name, 0]);
    }
  });

  it('cannot be inserted, copied, changed or deleted', async () => {
    await as(north);
    for (const table of tables) {
      const insert = `insert into ${table} overriding system value select (jsonb_populate_record(t, jsonb_build_object('tenant_id', ${south}))).* from ${table} t limit 1`;
      await expect(serving.query(insert), insert).rejects.toMatchObject({ code: '42501' });
      const move = `update ${table} set tenant_id = ${south}`;
      await expect(serving.query(move), move).rejects.toMatchObject({ code: '42501' });
      const before = await owner.query(`select count(*)::int as count from ${table} where tenant_id = $1`, [
        south,
      ]);
      expect((await serving.query(`delete from ${table} where tenant_id = $1`, [south])).rowCount).toBe(0);
      const { rows } = await owner.query(`select count(*)::int as count from ${table} where tenant_id = $1`, [
        south,
      ]);
      expect(rows).toEqual(before.rows);
    }
  });

  it('cannot be written through the views at all', async () => {
    await as(north);
    for (const view of views) {
      for (const statement of [
        `delete from ${view}`,
        `update ${view} set tenant_id = tenant_id`,
        `insert into ${view} overriding system value select * from ${view} limit 1`,
      ]) {
        await expect(serving.query(statement), statement).rejects.toMatchObject({ code: '42501' });
      }
    }
  });

  it('nothing at all is seen or written without a tenant, or with one that is none', async () => {
    const fresh = new pg.Client({ connectionString: harness.database.servingUrl });
    await fresh.connect();
    for (const name of [...tables, ...views]) {
      await expect(fresh.query(`select 1 from ${name}`), name).rejects.toThrow(
        /app\.tenant|invalid input syntax/,
      );
    }
    for (const value of ['', 'x', '1 or 1=1']) {
      await fresh.query(`select set_config('app.tenant', $1, false)`, [value]);
      await expect(fresh.query(`select 1 from ${tables[0]}`)).rejects.toThrow(/invalid input syntax/);
    }
    await fresh.query(`select set_config('app.tenant', '999999', false)`);
    for (const name of [...tables, ...views])
      expect((await fresh.query(`select 1 from ${name}`)).rowCount).toBe(0);
    await fresh.end();
  });

  it('their statistics are hidden: pg_stats of tables with row level security is empty', async () => {
    await owner.query('analyze store.resource');
    await as(north);
    expect(
      (await serving.query(`select 1 from pg_stats where schemaname in ('store', 'tenant')`)).rowCount,
    ).toBe(0);
    await expect(serving.query('select * from pg_statistic')).rejects.toMatchObject({ code: '42501' });
  });

  it('the functions that look beyond a tenant refuse another one, and show no data', async () => {
    await as(north);
    await expect(
      serving.query(`select store.note_conformance_change($1, array['x'], array[true])`, [south]),
    ).rejects.toMatchObject({ code: '42501' });
    const { fields } = await serving.query('select * from store.open_jobs()');
    expect(fields.map((field) => field.name)).toEqual(['tenant_id', 'tenant_name', 'id', 'kind']);
  });

  it('every security definer function is one of those, or counts jobs', async () => {
    const { rows } = await owner.query(
      `select proname from pg_proc p join pg_namespace n on n.oid = pronamespace
        where prosecdef and nspname not in ('pg_catalog', 'information_schema') order by 1`,
    );
    expect(rows.map((row) => row.proname)).toEqual(['job_depths', 'note_conformance_change', 'open_jobs']);
  });

  it('every table has a policy for all commands with USING and WITH CHECK, and every view names the tenant', async () => {
    for (const table of tables) {
      const { rows } = await owner.query(
        `select polcmd, polpermissive, polqual is not null as using, polwithcheck is not null as checked, relrowsecurity
          from pg_policy join pg_class c on c.oid = polrelid where c.oid = $1::regclass`,
        [table],
      );
      const policy = { polpermissive: true, relrowsecurity: true };
      // Shared terminology (tenant 0) may be read by all, so reading and writing have policies of their own.
      const own = SHARED.has(table)
        ? [
            { polcmd: 'a', using: false, checked: true, ...policy },
            { polcmd: 'd', using: true, checked: false, ...policy },
            { polcmd: 'r', using: true, checked: false, ...policy },
            { polcmd: 'w', using: true, checked: true, ...policy },
          ]
        : [{ polcmd: '*', using: true, checked: true, ...policy }];
      const sorted = rows.toSorted((a, b) => (a.polcmd < b.polcmd ? -1 : 1));
      expect([table, sorted]).toEqual([table, own]);
    }
    for (const view of views) {
      const { rows } = await owner.query('select pg_get_viewdef($1::regclass) as text', [view]);
      const shown = SHARED.has(view.replace('tenant.', 'store.'))
        ? /tenant_id = ANY \(ARRAY\[0, \(current_setting\('app\.tenant'::text\)\)::integer\]\)/
        : /tenant_id = \(current_setting\('app\.tenant'::text\)\)::integer/;
      expect(rows[0].text).toMatch(shown);
    }
  });

  it('no unique index spans tenants: a collision or a wait would tell of the other', async () => {
    const { rows } = await owner.query(
      `select c.relname as index, (select attname from pg_attribute where attrelid = i.indrelid and attnum = i.indkey[0]) as first
        from pg_index i join pg_class c on c.oid = indexrelid where indisunique and indrelid = any($1::regclass[])`,
      [tables],
    );
    expect(rows.length).toBeGreaterThan(3);
    for (const { index, first } of rows) expect([index, first]).toEqual([index, 'tenant_id']);
  });

  it('equal identities have other hashes in another tenant', async () => {
    const { rows } = await owner.query(
      `select ref_hash, tokens from store.resource where id = 'same' order by tenant_id`,
    );
    expect(new Set(rows.map((row) => row.ref_hash)).size).toBe(rows.length);
    const tokens = rows.map((row) => row.tokens as string[]);
    expect(tokens[0]?.some((token) => tokens[1]?.includes(token))).toBe(false);
  });
});

describe('what the serving role could use to get out', () => {
  it.each([
    'create table store.x (a int)',
    'create table tenant.x (a int)',
    'create table public.x (a int)',
    'create temporary table x (a int)',
    'select * into temporary x from store.resource',
    'create temporary view x as select 1',
    'create materialized view tenant.x as select 1',
    'create unlogged table store.x as select 1',
    'create sequence store.x',
    'create type store.x as (a int)',
    'create domain public.x as int',
    'create function store.f() returns int language sql as $$ select 1 $$',
    "create function pg_temp.f(text) returns bool language plpgsql cost 0.0001 as $$ begin raise notice '%', $1; return true; end $$",
    'create or replace function store.open_jobs() returns int language sql as $$ select 1 $$',
    'create operator store.=== (leftarg = int, rightarg = int, function = int4eq)',
    'create aggregate public.a (int) (sfunc = int4pl, stype = int)',
    'create trigger t before insert on store.resource for each row execute function store.open_jobs()',
    'create rule r as on select to tenant.resource do instead nothing',
    'create schema x',
    'create extension dblink schema store',
    'create extension postgres_fdw schema store',
    'create role x superuser',
    'create database x',
    'create server s foreign data wrapper f',
    'create publication p for table store.resource',
    'create policy p on store.resource using (true)',
    'create index x on store.resource (id)',
    'create statistics s on tenant_id, id from store.resource',
    'drop policy tenant_only on store.resource',
    'alter policy tenant_only on store.resource using (true)',
    'alter table store.resource disable row level security',
    'alter table store.resource owner to current_user',
    'alter view tenant.resource set (security_invoker = true)',
    'alter function store.open_jobs() leakproof',
    'alter role current_user bypassrls',
    'alter role current_user superuser',
    "alter system set log_statement = 'all'",
    'alter database postgres set row_security = off',
    'set role postgres',
    'set role pg_read_all_data',
    'set session authorization postgres',
    'set session_replication_role = replica',
    'set row_security = off; select * from store.history',
    'truncate store.history',
    'drop table store.history',
    'select * from pg_authid',
    'select * from pg_shadow',
    'select * from pg_user_mapping',
    'select * from public.store_migration',
    "select pg_read_file('PG_VERSION')",
    "select pg_ls_dir('.')",
    "select pg_stat_file('PG_VERSION')",
    'select lo_create(0)',
    "select lo_from_bytea(0, 'x')",
    "select lo_import('/etc/passwd')",
    "copy store.resource to program 'cat'",
    "copy store.resource to '/tmp/x'",
    'select pg_terminate_backend((select min(pid) from pg_stat_activity where usename <> current_user))',
    'select pg_switch_wal()',
    "insert into store.tenant (name, created) values ('x', 0)",
    "update store.tenant set state = 'deleting'",
    'delete from store.tenant',
    "update store.setting set value = 'x'",
    "insert into store.setting values ('a', 'b')",
  ])('%s', async (statement) => {
    await as(north);
    await expect(serving.query(statement)).rejects.toMatchObject({
      code: expect.stringMatching(/^(42501|0A000|22023|42704)$/),
    });
    await serving.query('reset all').catch(() => {});
  });

  it('it owns nothing and is a member of nothing', async () => {
    const { rows } = await owner.query(
      `select (select count(*) from pg_class where relowner = r.oid)::int + (select count(*) from pg_proc where proowner = r.oid)::int
          + (select count(*) from pg_namespace where nspowner = r.oid)::int as owned,
        (select count(*) from pg_auth_members where member = r.oid)::int as memberships
        from pg_roles r where rolname = $1`,
      [new URL(harness.database.servingUrl).username],
    );
    expect(rows).toEqual([{ owned: 0, memberships: 0 }]);
  });

  it('a block of code can do no more than a statement', async () => {
    await as(north);
    await expect(
      serving.query(`do $$ begin execute 'create table public.x (a int)'; end $$`),
    ).rejects.toMatchObject({ code: '42501' });
    await serving.query(
      `do $$ begin if exists (select from store.resource where tenant_id = ${south}) then raise 'seen'; end if; end $$`,
    );
  });

  it('statements of other sessions are hidden', async () => {
    const { rows } = await serving.query(
      `select query from pg_stat_activity where usename <> current_user and query <> '' and query <> '<insufficient privilege>'`,
    );
    expect(rows).toEqual([]);
  });
});

describe('deleting a tenant (issue 3, section 5)', () => {
  it('removes all of its rows and none of the others; its URL is gone, its name can be given anew', async () => {
    const west = harness.client('west');
    const counts = async (): Promise<Record<string, number>> => {
      const result: Record<string, number> = {};
      for (const table of tables.filter((name) => name !== 'store.job')) {
        result[table] = (
          await owner.query(`select count(*)::int as count from ${table} where tenant_id = any($1)`, [
            [north, south],
          ])
        ).rows[0].count;
      }
      return result;
    };
    const { rows } = await owner.query(`select id from store.tenant where name = 'west'`);
    const before = await counts();
    await withOwner(harness.database.ownerUrl, (connection) =>
      deleteTenant(connection, 'west', { settle: 0 }),
    );
    for (const table of tables) {
      const left = await owner.query(`select 1 from ${table} where tenant_id = $1`, [rows[0].id]);
      expect([table, left.rowCount]).toEqual([table, 0]);
    }
    expect(await counts()).toEqual(before);
    // A process may know the tenant for another second; it writes and finds nothing in it.
    expect((await west.put('Patient/late', { resourceType: 'Patient', id: 'late' })).status).toBe(404);
    expect((await west.get('Patient/same')).status).toBe(404);
    const again = await harness.addTenant('west');
    await expect
      .poll(async () => (await again.get('metadata')).status, { timeout: 5000, interval: 100 })
      .toBe(200);
    expect((await again.get('Patient/same')).status).toBe(404);
    expect((await again.get('Patient?_total=accurate')).json.total).toBe(0);
    expect((await again.get('_history')).json.entry ?? []).toEqual([]);
    expect(
      (await again.put('Patient/same', { resourceType: 'Patient', id: 'same' })).json.meta.versionId,
    ).toBe('1');
    expect((await harness.client('north').get('Patient/same')).json.meta.versionId).toBe('2');
  });
});
