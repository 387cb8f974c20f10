import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chainTenants } from '../src/storage/audit/chains.ts';
import { SealingConnection } from '../src/storage/audit/sealing.ts';
import { ConnectionPools } from '../src/storage/connections.ts';
import { withOwner } from '../src/storage/prepare.ts';
import { addKeyUse } from '../src/storage/security/data-keys.ts';
import { createTenant, deleteTenant } from '../src/storage/tenants.ts';
import { startTenantRows, type TenantRows } from './tenant-rows.ts';

let rowsOf: TenantRows;

beforeAll(async () => {
  rowsOf = await startTenantRows();
});
afterAll(async () => {
  await rowsOf?.stop();
});

describe('deleting a tenant (issue 3, section 5)', () => {
  it('concerns every table with rows of tenants: they lie in schema store, or in audit, whose rows stay', () => {
    expect(rowsOf.tables.filter((name) => !name.startsWith('store.'))).toEqual([]);
  });

  it('removes all of its rows and none of the others; its URL is gone, its name can be given anew', async () => {
    const { harness, owner, tables, auditTables } = rowsOf;
    const west = harness.client('west');
    const { north, south, west: id } = rowsOf.ids;
    const audit = async () => {
      const all = [];
      for (const table of auditTables)
        all.push([table, (await owner.query(`select * from ${table} where tenant_id = $1`, [id])).rows]);
      return all;
    };
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
    const before = await counts();
    const auditBefore = await audit();
    await withOwner(harness.database.ownerUrl, (connection) =>
      deleteTenant(connection, 'west', { settle: 0 }),
    );
    for (const table of tables) {
      const left = await owner.query(`select 1 from ${table} where tenant_id = $1`, [id]);
      expect([table, left.rowCount]).toEqual([table, 0]);
    }
    expect(await counts()).toEqual(before);
    // The audit log is kept for its seven years (45 CFR 164.316(b)(2)(i) asks for six), and can still be verified.
    expect(await audit()).toEqual(auditBefore);
    expect(await chainTenants(owner)).toContainEqual({ id, name: undefined });
    // What had not been added to its chain yet still is.
    const sealing = new SealingConnection(harness.database.servingUrl);
    try {
      expect(await sealing.waiting()).toContain(id);
      const added = await sealing.add(id, undefined, ({ inbox }) => ({
        hash: Buffer.alloc(32, 1),
        keyId: 'key',
        inboxIds: inbox.map((event) => event.id),
        rows: [],
      }));
      expect(added).toBe(true);
      expect(await sealing.waiting()).not.toContain(id);
    } finally {
      await sealing.close();
    }
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

  it('leaves nothing of the counts of key uses that servers store some seconds later', async () => {
    const { harness, owner } = rowsOf;
    const connections = new ConnectionPools({
      connectionString: harness.database.servingUrl,
      poolSizes: { read: 1, search: 1, write: 1 },
      statementTimeouts: { read: 10_000, search: 10_000, write: 10_000 },
      acquireTimeout: 5000,
    });
    try {
      const tenant = await createTenant(owner, 'brief');
      const use = () => addKeyUse(connections, tenant, 1, [[1, 'secrets', { seals: 1, opens: 2 }]]);
      const stored = async () =>
        (
          await owner.query('select seals::int, opens::int from store.key_use where tenant_id = $1', [
            tenant.id,
          ])
        ).rows;
      await use();
      await use();
      expect(await stored()).toEqual([{ seals: 2, opens: 4 }]);
      await deleteTenant(owner, 'brief', { settle: 0 });
      await use();
      expect(await stored()).toEqual([]);
    } finally {
      await connections.close();
    }
  });
});
