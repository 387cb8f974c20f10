import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchHashOf, revokedBy, startTenantRows, type TenantRows } from './tenant-rows.ts';

/*
 * Issue 3, section 5: the functions that run with the rights of the database's owner (security definer), called by
 * somebody who has taken over the connection of the serving role.
 */

let rowsOf: TenantRows;
let owner: pg.Client;
let serving: pg.Client;
let north: number;
let south: number;

beforeAll(async () => {
  rowsOf = await startTenantRows();
  ({ owner, serving } = rowsOf);
  ({ north, south } = rowsOf.ids);
});
afterAll(async () => {
  await rowsOf?.stop();
});

const CONFORMANCE = `select store.note_conformance_change($1, array['x'], array[true])`;
const NOTE = `select store.audit_note($1, '{1}', '{1}', '{0}', '{1}', '{0}', '{}', '{x}')`;
const BEGIN = 'select * from store.audit_begin($1, null)';
const SEAL = `select store.audit_seal($1, $2, $3, $4, 'key', null, 0, '{}', '{1}', '{1}', '{0}', '{1}', '{0}', '{}', '{x}')`;

/** Functions that work for the tenant given, which has to be the one that is set. */
const OF_A_TENANT: readonly (readonly [name: string, sql: string, values: () => unknown[]])[] = [
  ['note_conformance_change', CONFORMANCE, () => []],
  ['audit_note', NOTE, () => []],
  ['audit_begin', BEGIN, () => []],
  ['audit_seal', SEAL, () => [Date.now() + 1000, batchHashOf(south), Buffer.alloc(32, 1)]],
];

/** Functions over all tenants, with the columns that they tell. */
const OF_ALL: readonly (readonly [name: string, sql: string, columns: readonly string[]])[] = [
  ['job_depths', 'select * from store.job_depths()', ['kind', 'depth', 'oldest']],
  ['open_jobs', 'select * from store.open_jobs()', ['tenant_id', 'tenant_name', 'id', 'kind']],
  ['revocations_since', 'select * from store.revocations_since(0)', ['now', 'tenant_id', 'id']],
  ['data_keys_since', 'select * from store.data_keys_since(0)', ['now', 'tenant_id']],
  ['access_changes_since', 'select * from store.access_changes_since(0)', ['now', 'tenant_id', 'count']],
  ['open_events', `select * from store.open_events('{c}')`, ['tenant_id', 'tenant_name', 'consumer']],
  ['due_communications', 'select * from store.due_communications()', ['tenant_id', 'tenant_name']],
  ['event_depths', 'select * from store.event_depths()', ['consumer', 'waiting', 'parked', 'oldest']],
  ['due_workflows', 'select * from store.due_workflows()', ['tenant_id', 'tenant_name']],
  ['due_visit_timers', 'select * from store.due_visit_timers()', ['tenant_id', 'tenant_name']],
  ['audit_waiting', 'select * from store.audit_waiting()', ['tenant_id']],
];

/** Functions that others of these call, and the serving role may not. */
const INTERNAL: readonly (readonly [name: string, sql: string])[] = [
  ['check_tenant', 'select audit.check_tenant($1)'],
  ['ensure_month', 'select audit.ensure_month($1)'],
];

/** All that the functions could change, of all tenants but one. */
async function others(tenant: number): Promise<unknown> {
  const found: unknown[] = [];
  for (const table of [
    'store.search_parameter',
    'audit.event',
    'audit.batch',
    'audit.chain',
    'audit.inbox',
    'audit.source',
    'audit.dropped',
  ]) {
    found.push(
      (await owner.query(`select * from ${table} where tenant_id <> $1 order by 1, 2`, [tenant])).rows,
    );
  }
  found.push((await owner.query('select * from store.tenant where id <> $1 order by id', [tenant])).rows);
  return found;
}

/** The names of the audit log's partitions. */
async function partitions(): Promise<string[]> {
  const { rows } = await owner.query(
    `select relname from pg_class where relnamespace = 'audit'::regnamespace and relispartition and relkind = 'r' order by 1`,
  );
  return rows.map(({ relname }) => relname);
}

describe('functions with the rights of the owner', () => {
  it('are those tested here, and find what they name whatever the search path is', async () => {
    const { rows } = await owner.query(
      `select proname, proconfig from pg_proc p join pg_namespace n on n.oid = pronamespace
        where prosecdef and nspname not in ('pg_catalog', 'information_schema') order by 1`,
    );
    expect(rows.map((row) => row.proname)).toEqual(
      [...OF_A_TENANT, ...OF_ALL, ...INTERNAL].map(([name]) => name).toSorted(),
    );
    for (const row of rows) expect(row.proconfig, row.proname).toEqual(['search_path=""']);
  });

  it.each(OF_A_TENANT)('%s does nothing for another tenant than the one set', async (_name, sql, values) => {
    await rowsOf.as(north);
    const before = await others(north);
    for (const tenant of [south, 0, 999_999]) {
      await expect(serving.query(sql, [tenant, ...values()])).rejects.toMatchObject({ code: '42501' });
    }
    // Without a tenant at all: either refused or nothing written.
    await expect(serving.query(sql, [null, ...values()])).rejects.toMatchObject({
      code: expect.stringMatching(/^(42501|23502)$/),
    });
    expect(await others(north)).toEqual(before);
  });

  it.each(OF_A_TENANT)('%s does nothing while no tenant is set', async (_name, sql, values) => {
    const fresh = new pg.Client({ connectionString: rowsOf.harness.database.servingUrl });
    await fresh.connect();
    try {
      await expect(fresh.query(sql, [south, ...values()])).rejects.toThrow(/app\.tenant/);
      await fresh.query(`select set_config('app.tenant', '', false)`);
      await expect(fresh.query(sql, [south, ...values()])).rejects.toThrow(/invalid input syntax/);
    } finally {
      await fresh.end();
    }
  });

  it.each(OF_ALL)('%s tells no more of other tenants than it may', async (_name, sql, columns) => {
    await owner.query('begin');
    try {
      // No worker sees these: they are never committed.
      for (const tenant of [north, south]) {
        await owner.query(
          `insert into store.job (tenant_id, id, kind, state, request, created, heartbeat)
            values ($1, gen_random_uuid(), 'export', 'waiting', '{"secret": 1}', 0, 0)`,
          [tenant],
        );
      }
      await owner.query('update store.workflow set due = 0');
      const { username } = new URL(rowsOf.harness.database.servingUrl);
      await owner.query(`select set_config('role', $1, true), set_config('app.tenant', $2, true)`, [
        username,
        String(north),
      ]);
      const { fields, rows } = await owner.query(sql);
      expect(fields.map(({ name }) => name)).toEqual(columns);
      expect(rows.length).toBeGreaterThan(0);
    } finally {
      await owner.query('rollback');
    }
  });

  it.each(INTERNAL)('%s cannot be called', async (_name, sql) => {
    await rowsOf.as(north);
    await expect(serving.query(sql, [north])).rejects.toMatchObject({ code: '42501' });
  });
});

describe('what the functions over all tenants answer', () => {
  it('revocations_since: the ids that were revoked, from the moment on', async () => {
    await rowsOf.as(north);
    const { rows } = await serving.query('select * from store.revocations_since(0) order by tenant_id');
    expect(rows.map(({ tenant_id, id }) => [tenant_id, id])).toEqual(
      Object.values(rowsOf.ids)
        .toSorted((a, b) => a - b)
        .map((id) => [id, revokedBy(id)]),
    );
    const later = await serving.query('select * from store.revocations_since($1)', [
      Number(rows[0].now) + 3_600_000,
    ]);
    expect(later.rows).toEqual([{ now: expect.stringMatching(/^\d+$/), tenant_id: null, id: null }]);
  });

  it('data_keys_since and audit_waiting: tenants, each once', async () => {
    const all = Object.values(rowsOf.ids).toSorted((a, b) => a - b);
    await owner.query(
      `insert into store.data_key (tenant_id, number, wrapped, master_key, created, active_from) values ($1, 2, 'w', 'm', 0, 0)`,
      [south],
    );
    await rowsOf.as(south);
    await serving.query(NOTE, [south]);
    await rowsOf.as(north);
    for (const sql of [
      'select tenant_id from store.data_keys_since(0)',
      'select tenant_id from store.audit_waiting()',
    ]) {
      const { rows } = await serving.query(`${sql} order by 1`);
      expect(rows.map(({ tenant_id }) => tenant_id)).toEqual(all);
    }
  });
});

describe('the audit chain of the tenant itself', () => {
  it('audit_begin tells where this chain stands and no other', async () => {
    await rowsOf.as(north);
    const { rows } = await serving.query(BEGIN, [north]);
    expect(rows.map(({ hash }) => hash)).toEqual([batchHashOf(north)]);
  });

  it('audit_seal cannot take events of another inbox', async () => {
    const { rows } = await owner.query('select id from audit.inbox where tenant_id = $1', [south]);
    const before = await others(north);
    await rowsOf.as(north);
    await expect(
      serving.query(
        `select store.audit_seal($1, $2, $3, $4, 'key', null, 0, $5, '{}', '{}', '{}', '{}', '{}', '{}', '{}')`,
        [north, Date.now() + 1000, batchHashOf(north), Buffer.alloc(32, 1), rows.map(({ id }) => id)],
      ),
    ).rejects.toMatchObject({ code: '40001' });
    expect(await others(north)).toEqual(before);
  });

  it.each([
    ['that does not follow the last one', () => [Date.now() + 1000, batchHashOf(south)]],
    ['of the future', () => [Date.now() + 2 * 3_600_000, batchHashOf(north)]],
    ['without a time', () => [null, batchHashOf(north)]],
    ['that follows nothing', () => [Date.now() + 1000, null]],
  ])('audit_seal refuses a batch %s', async (_what, values) => {
    await rowsOf.as(north);
    await expect(serving.query(SEAL, [north, ...values(), Buffer.alloc(32, 1)])).rejects.toMatchObject({
      code: expect.stringMatching(/^(40001|23502|22004)$/),
    });
  });

  it('audit_seal makes no partitions of the past, also for a tenant that is none', async () => {
    const before = await partitions();
    for (const tenant of [900_001, 900_002]) {
      await rowsOf.as(tenant);
      await serving.query('begin');
      const { rows } = await serving.query(BEGIN, [tenant]);
      await expect(
        serving.query(SEAL, [tenant, tenant, rows[0].hash, Buffer.alloc(32, 1)]),
      ).rejects.toMatchObject({ code: '40001' });
      await serving.query('rollback');
    }
    expect(await partitions()).toEqual(before);
  });
});
