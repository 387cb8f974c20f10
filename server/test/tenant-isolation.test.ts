import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Harness } from './harness.ts';
import { startTenantRows, type TenantRows } from './tenant-rows.ts';

/*
 * Issue 3, section 5: what somebody could do who has taken over the connection of the serving role. Every table and view
 * is tried, those that later migrations add too; functions are in tenant-functions.test.ts, deletion in
 * tenant-delete.test.ts.
 */

let rowsOf: TenantRows;
let harness: Harness;
let serving: pg.Client;
let owner: pg.Client;
let north: number;
let south: number;
let tables: readonly string[];
let views: readonly string[];
let auditTables: readonly string[];

beforeAll(async () => {
  rowsOf = await startTenantRows();
  ({ harness, serving, owner } = rowsOf);
  ({ north, south } = rowsOf.ids);
  ({ tables, views, auditTables } = rowsOf);
});
afterAll(async () => {
  await rowsOf?.stop();
});

const as = (tenant: number) => rowsOf.as(tenant);

/** Tables whose rows of tenant 0 all tenants may read: what the operator has loaded or installed for everybody. */
const SHARED = new Set(['store.code_system', 'store.concept', 'store.package', 'store.package_chunk']);

/**
 * Tables in which the serving role reads and adds but changes and removes nothing, not even of its tenant: what is
 * revoked or used stays so, keys that data are encrypted with are not lost.
 */
const APPEND_ONLY = new Set([
  'store.client_assertion',
  'store.data_key',
  'store.key_event',
  'store.token_revocation',
]);

/** Views over tables of the audit log; the others carry the name of their table. */
const AUDIT_VIEWS = ['tenant.audit_chain', 'tenant.audit_event', 'tenant.audit_inbox'];

describe('rows of other tenants', () => {
  it('the test has rows of both tenants in every table, so that it says something', async () => {
    expect(tables.length).toBeGreaterThanOrEqual(8);
    expect(views).toEqual(
      [...tables.map((table) => table.replace('store.', 'tenant.')), ...AUDIT_VIEWS].toSorted(),
    );
    for (const table of [...tables, ...auditTables]) {
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
      if (APPEND_ONLY.has(table)) expect([move, (await serving.query(move)).rowCount]).toEqual([move, 0]);
      else await expect(serving.query(move), move).rejects.toMatchObject({ code: '42501' });
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

  it('the tables that only grow do not change for their own tenant either', async () => {
    await as(north);
    for (const table of APPEND_ONLY) {
      const read = async () =>
        (await owner.query(`select * from ${table} where tenant_id = $1`, [north])).rows;
      const before = await read();
      await serving.query(`update ${table} set tenant_id = tenant_id + 0`);
      expect([table, (await serving.query(`delete from ${table}`)).rowCount]).toEqual([table, 0]);
      expect(await read()).toEqual(before);
      const overwrite = `insert into ${table} select * from ${table} limit 1
        on conflict on constraint ${table.replace('store.', '')}_pkey do update set tenant_id = excluded.tenant_id`;
      await expect(serving.query(overwrite), overwrite).rejects.toMatchObject({ code: '42501' });
    }
  });

  it('the serving role has no right to anything in schema audit', async () => {
    const role = new URL(harness.database.servingUrl).username;
    const { rows } = await owner.query(
      `select c.oid::regclass::text as name, relkind, relrowsecurity or relispartition or relkind <> 'r' as secured,
          case when relkind = 'S' then has_sequence_privilege($1, c.oid, 'usage, select, update')
            else has_table_privilege($1, c.oid, 'select, insert, update, delete, truncate, references, trigger')
              or has_any_column_privilege($1, c.oid, 'select, insert, update, references') end as allowed
        from pg_class c where relnamespace = 'audit'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S', 'f')`,
      [role],
    );
    expect(rows.length).toBeGreaterThan(auditTables.length);
    expect(rows.filter((row) => row.allowed || !row.secured)).toEqual([]);
    const rights = await owner.query(
      `select has_schema_privilege($1, 'audit', 'usage, create') as schema,
        (select count(*)::int from pg_proc where pronamespace = 'audit'::regnamespace
          and has_function_privilege($1, oid, 'execute')) as functions`,
      [role],
    );
    expect(rights.rows).toEqual([{ schema: false, functions: 0 }]);
    await as(north);
    for (const { name } of rows.filter(({ relkind }) => relkind !== 'S')) {
      await expect(serving.query(`select 1 from ${name}`), name).rejects.toMatchObject({ code: '42501' });
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
    try {
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
    } finally {
      await fresh.end();
    }
  });

  it('their statistics are hidden: pg_stats of tables with row level security is empty', async () => {
    await owner.query('analyze store.resource');
    await as(north);
    expect(
      (await serving.query(`select 1 from pg_stats where schemaname in ('store', 'tenant')`)).rowCount,
    ).toBe(0);
    await expect(serving.query('select * from pg_statistic')).rejects.toMatchObject({ code: '42501' });
  });

  it('every table has a policy for what may be done to it, and every view names the tenant', async () => {
    for (const table of [...tables, ...auditTables]) {
      const { rows } = await owner.query(
        `select polcmd, polpermissive, polqual is not null as using, polwithcheck is not null as checked, relrowsecurity
          from pg_policy join pg_class c on c.oid = polrelid where c.oid = $1::regclass`,
        [table],
      );
      const policy = { polpermissive: true, relrowsecurity: true };
      const read = { polcmd: 'r', using: true, checked: false, ...policy };
      const insert = { polcmd: 'a', using: false, checked: true, ...policy };
      const remove = { polcmd: 'd', using: true, checked: false, ...policy };
      const change = { polcmd: 'w', using: true, checked: true, ...policy };
      // Shared terminology (tenant 0) may be read by all, so reading and writing have policies of their own.
      const own = SHARED.has(table)
        ? [insert, remove, read, change]
        : APPEND_ONLY.has(table)
          ? [insert, read]
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
      [[...tables, ...auditTables]],
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
