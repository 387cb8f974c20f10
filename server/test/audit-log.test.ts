import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AuditUnavailable } from '../src/audit/audit-log.ts';
import { entryText } from '../src/audit/entry.ts';
import { readSpool } from '../src/audit/spool.ts';
import { maintainAuditPartitions, monthStart } from '../src/storage/audit/partitions.ts';
import { SealingConnection } from '../src/storage/audit/sealing.ts';
import { ConnectionPools } from '../src/storage/connections.ts';
import { runTransaction } from '../src/storage/transaction.ts';
import { type AuditDatabase, startAuditDatabase } from './audit-support.ts';

let audit: AuditDatabase;
beforeAll(async () => {
  audit = await startAuditDatabase();
});
afterAll(() => audit?.stop());

const events = async (tenantId: number): Promise<string[]> =>
  (
    await audit.owner.query('select entry from audit.event where tenant_id = $1 order by written, n', [
      tenantId,
    ])
  ).rows.map((row) => row.entry);
const named = (texts: string[], query: string): number => texts.filter((text) => text.includes(query)).length;

/** A connection whose database is away while `away` is true. */
class Flaky extends SealingConnection {
  away = false;
  override add(...args: Parameters<SealingConnection['add']>): Promise<boolean> {
    if (this.away) return Promise.reject(new Error('away'));
    return super.add(...args);
  }
  override waiting(): Promise<number[]> {
    return this.away ? Promise.reject(new Error('away')) : super.waiting();
  }
}

describe('what is recorded is kept', () => {
  test('an event is in the spool file before record() resolves, and in the chain after flush()', async () => {
    const connection = new Flaky(audit.database.servingUrl);
    connection.away = true;
    const log = audit.log({ connection });
    await log.record(audit.tenant, { kind: 'read', what: 'Patient/spooled', patients: ['spooled'] });
    const lines = readdirSync(audit.spool).flatMap((name) => readSpool(join(audit.spool, name)).lines);
    expect(lines.filter(({ entry }) => entry.includes('Patient/spooled'))).toHaveLength(1);
    expect(named(await events(audit.tenant.id), 'Patient/spooled')).toBe(0);
    connection.away = false;
    await log.flush();
    expect(named(await events(audit.tenant.id), 'Patient/spooled')).toBe(1);
  });

  test('what a process that ended has left behind is added once, though two take it over', async () => {
    const id = crypto.randomUUID();
    const entry = entryText({ time: Date.now(), kind: 'read', outcome: 0, what: 'Patient/left' });
    const torn = '1\t{"time":1';
    const text = `${audit.tenant.id}\t${entry}\n${audit.tenant.id}\t${entry}\n${torn}`;
    // No process has this number: it is beyond PID_MAX_LIMIT.
    const path = join(audit.spool, `elsewhere_4194999_${id}.spool`);
    writeFileSync(path, text);
    const old = (Date.now() - 3_600_000) / 1000;
    (await import('node:fs')).utimesSync(path, old, old);
    const [first, second] = [audit.log(), audit.log()];
    await new Promise((resolve) => setTimeout(resolve, 200));
    await Promise.all([first.flush(), second.flush()]);
    await expect.poll(async () => named(await events(audit.tenant.id), 'Patient/left')).toBe(2);
    await expect.poll(() => readdirSync(audit.spool).filter((name) => name.includes(id))).toEqual([]);
    expect((await audit.verify()).problems).toEqual([]);
  });

  test('more events than memory may hold while the database is away are read from the file again', async () => {
    const connection = new Flaky(audit.database.servingUrl);
    connection.away = true;
    const log = audit.log({ connection, maxInMemory: 50 });
    for (let i = 0; i < 40; i++) {
      await log.record(audit.other, { kind: 'read', what: `Patient/spill-${i}` });
      void log.record(audit.other, { kind: 'read', what: `Patient/spill-${i}b` });
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(log.stats().pending).toBeLessThanOrEqual(52);
    connection.away = false;
    await log.flush();
    const found = await events(audit.other.id);
    expect(named(found, 'Patient/spill-')).toBe(80);
    expect((await audit.verify(audit.other)).problems).toEqual([]);
  });

  test('a batch whose commit was not heard of is not added twice', async () => {
    class Deaf extends SealingConnection {
      deaf = true;
      override async add(...args: Parameters<SealingConnection['add']>): Promise<boolean> {
        const result = await super.add(...args);
        if (!this.deaf) return result;
        this.deaf = false;
        throw new Error('the connection broke after the commit');
      }
    }
    const log = audit.log({ connection: new Deaf(audit.database.servingUrl), interval: 5 });
    await log.record(audit.tenant, { kind: 'read', what: 'Patient/deaf' });
    await expect.poll(() => log.stats().failures).toBeGreaterThan(0);
    await log.flush();
    expect(named(await events(audit.tenant.id), 'Patient/deaf')).toBe(1);
  });

  test('without a spool directory an event counts as recorded when the database has it', async () => {
    const log = audit.log({ spoolDirectory: undefined as never, interval: 5 });
    await log.record(audit.tenant, { kind: 'read', what: 'Patient/unspooled' });
    expect(named(await events(audit.tenant.id), 'Patient/unspooled')).toBe(1);
  });

  test('where neither disk nor database takes an event, record() rejects: nothing is answered unrecorded', async () => {
    const connection = new Flaky(audit.database.servingUrl);
    connection.away = true;
    const log = audit.log({
      connection,
      spoolDirectory: join(import.meta.filename, 'is-a-file'),
      maxInMemory: 0,
    });
    void log.record(audit.tenant, { kind: 'read', what: 'Patient/a' }).catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    await expect(log.record(audit.tenant, { kind: 'read', what: 'Patient/b' })).rejects.toThrow(
      AuditUnavailable,
    );
    await log.stop(10);
  });

  test('durability "synced" resolves, too', async () => {
    const log = audit.log({ durability: 'synced' });
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        log.record(audit.tenant, { kind: 'read', what: `Patient/sync-${i}` }),
      ),
    );
    await log.stop();
    expect(named(await events(audit.tenant.id), 'Patient/sync-')).toBe(20);
  });

  test('events of a write stand and fall with its transaction, and join the chain', async () => {
    const pools = new ConnectionPools({
      connectionString: audit.database.servingUrl,
      poolSizes: { read: 1, search: 1, write: 1 },
      statementTimeouts: { read: 5000, search: 5000, write: 5000 },
      acquireTimeout: 5000,
    });
    const log = audit.log();
    const write = (what: string, fail: boolean) =>
      runTransaction(pools, audit.tenant, async (transaction) => {
        for (const statement of log.statements(audit.tenant, [{ kind: 'create', what, status: 201 }]))
          await transaction.query(statement);
        if (fail) throw new Error('undone');
      });
    try {
      await write('Patient/committed', false);
      await write('Patient/undone', true).catch(() => {});
      log.committed(audit.tenant);
      await log.flush();
      const found = await events(audit.tenant.id);
      expect(named(found, 'Patient/committed')).toBe(1);
      expect(named(found, 'Patient/undone')).toBe(0);
      expect((await audit.verify()).problems).toEqual([]);
      expect((await audit.verify()).waiting).toBe(0);
    } finally {
      await pools.close();
    }
  });

  test('several processes add to one chain at the same time', async () => {
    const logs = [audit.log({ interval: 1 }), audit.log({ interval: 1 }), audit.log({ interval: 1 })];
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        logs.flatMap((log, i) =>
          [0, 1, 2].map((n) =>
            log.record(audit.tenant, { kind: 'read', what: `Patient/many-${i}-${round}-${n}` }),
          ),
        ),
      );
    }
    await Promise.all(logs.map((log) => log.flush()));
    expect(named(await events(audit.tenant.id), 'Patient/many-')).toBe(90);
    expect((await audit.verify()).problems).toEqual([]);
  });
});

describe('the log is append-only', () => {
  test('the serving role can neither change nor remove nor read past its tenant', async () => {
    const log = audit.log();
    await log.record(audit.tenant, { kind: 'read', what: 'Patient/kept' });
    await log.flush();
    const serving = new pg.Client({ connectionString: audit.database.servingUrl });
    await serving.connect();
    try {
      await serving.query(`select set_config('app.tenant', $1, false)`, [String(audit.other.id)]);
      const refused = async (sql: string, values: unknown[] = []) =>
        await expect(serving.query(sql, values), sql).rejects.toMatchObject({ code: '42501' });
      for (const table of ['event', 'batch', 'chain', 'inbox', 'source', 'dropped']) {
        await refused(`select * from audit.${table}`);
        await refused(`delete from audit.${table}`);
      }
      await refused(`update audit.event set entry = ''`);
      await refused(`insert into audit.event values (1, 1, 1, 1, 1, 1, '{}', '')`);
      await refused('truncate audit.event');
      await refused(`update tenant.audit_event set entry = ''`);
      await refused('delete from tenant.audit_event');
      await refused('delete from tenant.audit_inbox');
      await refused('select audit.ensure_month(0)');
      // Another tenant's chain.
      await refused('select * from store.audit_begin($1, null)', [audit.tenant.id]);
      await refused(`select store.audit_note($1, '{1}', '{1}', '{0}', '{1}', '{0}', '{}', '{x}')`, [
        audit.tenant.id,
      ]);
      const { rows } = await serving.query(
        'select count(*)::int as n from tenant.audit_event where tenant_id = $1',
        [audit.tenant.id],
      );
      expect(rows[0].n).toBe(0);
    } finally {
      await serving.end();
    }
  });

  test('the owner is stopped by triggers, unless he takes them away', async () => {
    for (const table of ['event', 'batch']) {
      await expect(audit.owner.query(`delete from audit.${table}`)).rejects.toMatchObject({ code: '42501' });
      await expect(audit.owner.query(`update audit.${table} set written = 0`)).rejects.toMatchObject({
        code: '42501',
      });
      await expect(audit.owner.query(`truncate audit.${table}`)).rejects.toMatchObject({ code: '42501' });
    }
  });
});

describe('partitions', () => {
  test('months are made ahead, and those beyond the retention removed; the chain verifies from there', async () => {
    const log = audit.log();
    await log.record(audit.other, { kind: 'read', what: 'Patient/aged' });
    await log.flush();
    const now = Date.now();
    const months = async (): Promise<string[]> =>
      (
        await audit.owner.query(
          `select relname from pg_class where relnamespace = 'audit'::regnamespace and relname ~ '^event_\\d' and relkind = 'r' order by 1`,
        )
      ).rows.map((row) => row.relname);
    expect(await maintainAuditPartitions(audit.owner)).toEqual([]);
    expect(await months()).toHaveLength(2);
    const later = monthStart(now, 85);
    expect(await maintainAuditPartitions(audit.owner, { now: monthStart(now, 84) })).toEqual([]);
    const removed = await maintainAuditPartitions(audit.owner, { now: later });
    expect(removed).toEqual([new Date(now).toISOString().slice(0, 7).replace('-', '_')]);
    await log.record(audit.other, { kind: 'read', what: 'Patient/young' });
    await log.flush();
    const report = await audit.verify(audit.other);
    expect(report.events).toBe(1);
    // By today's clock these events are far from the end of their retention: a removal like this is told.
    expect(report.problems.map(({ text }) => text)).toEqual([
      'events were removed before the end of their retention',
    ]);
  });
});
