import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Tenant } from '../src/access/scope.ts';
import { ensureTenant } from '../src/storage/tenants.ts';
import { type AuditDatabase, startAuditDatabase } from './audit-support.ts';

let audit: AuditDatabase;
/** Each test has a tenant of its own, with four batches of three events. */
let tenant: Tenant;
let made = 0;
beforeAll(async () => {
  audit = await startAuditDatabase();
});
beforeEach(async () => {
  ({ tenant } = await ensureTenant(audit.owner, `tampered-${made++}`));
  const log = audit.log({ interval: 10_000 });
  for (let batch = 0; batch < 4; batch++) {
    for (let i = 0; i < 3; i++)
      await log.record(tenant, { kind: 'read', what: `Patient/${batch}-${i}`, patients: [`${batch}-${i}`] });
    await log.flush();
  }
  await log.stop();
});
afterAll(() => audit?.stop());

const texts = async (anchors: string[] = []): Promise<string[]> =>
  (await audit.verify(tenant, { anchors })).problems.map(({ text }) => text);
/** The time of the batch at a place, as SQL. */
const batchAt = (place: number): string =>
  `(select written from audit.batch where tenant_id = $1 order by written offset ${place} limit 1)`;

describe('what the owner of the database does behind the back of the log is found', () => {
  test('an untouched chain has no problems, and says where it ends', async () => {
    const report = await audit.verify(tenant);
    expect(report).toMatchObject({ batches: 4, events: 12, waiting: 0, problems: [] });
    expect(report.anchor).toMatch(/^\d+:[0-9a-f]{64}$/);
  });

  test.each([
    [
      'an entry is changed',
      `update audit.event set entry = replace(entry, 'Patient/1-1', 'Patient/1-9') where tenant_id = $1`,
    ],
    [
      'an event is removed',
      `delete from audit.event where tenant_id = $1 and written = ${batchAt(1)} and n = 1`,
    ],
    [
      'the last event of a batch is removed, and the count with it',
      `with gone as (delete from audit.event where tenant_id = $1 and written = ${batchAt(1)} and n = 2) update audit.batch set count = 2 where tenant_id = $1 and written = ${batchAt(1)}`,
    ],
    [
      'an event is inserted into a batch',
      `insert into audit.event select tenant_id, written, 3, happened, kind, outcome, keys, entry from audit.event where tenant_id = $1 and written = ${batchAt(2)} and n = 0`,
    ],
    [
      'events are inserted without a batch',
      `insert into audit.event select tenant_id, written + 1, n, happened, kind, outcome, keys, entry from audit.event where tenant_id = $1 and written = ${batchAt(3)}`,
    ],
    [
      'two events change places',
      `update audit.event a set entry = b.entry, keys = b.keys, happened = b.happened from audit.event b
        where a.tenant_id = $1 and b.tenant_id = $1 and a.written = ${batchAt(0)} and b.written = a.written
          and a.n + b.n = 1`,
    ],
    [
      'a batch is removed with its events',
      `with e as (delete from audit.event where tenant_id = $1 and written = ${batchAt(1)}) delete from audit.batch where tenant_id = $1 and written = ${batchAt(1)}`,
    ],
    [
      'the first batch is removed with its events',
      `with e as (delete from audit.event where tenant_id = $1 and written = ${batchAt(0)}) delete from audit.batch where tenant_id = $1 and written = ${batchAt(0)}`,
    ],
    [
      'the last batch is removed with its events',
      `with e as (delete from audit.event where tenant_id = $1 and written = ${batchAt(3)}) delete from audit.batch where tenant_id = $1 and written = ${batchAt(3)}`,
    ],
    [
      'a hash is changed',
      `update audit.batch set hash = decode(repeat('ab', 32), 'hex') where tenant_id = $1 and written = ${batchAt(2)}`,
    ],
    [
      'a batch is moved to another time',
      `with e as (update audit.event set written = written + 1 where tenant_id = $1 and written = ${batchAt(2)}) update audit.batch set written = written + 1 where tenant_id = $1 and written = ${batchAt(2)}`,
    ],
    [
      'the time by which it is found is changed',
      `update audit.event set happened = happened - 86400000 where tenant_id = $1 and written = ${batchAt(0)} and n = 0`,
    ],
    [
      'the keys by which it is found are changed',
      `update audit.event set keys = '{}' where tenant_id = $1 and written = ${batchAt(0)} and n = 0`,
    ],
    [
      'the kind is changed',
      `update audit.event set kind = 2 where tenant_id = $1 and written = ${batchAt(0)} and n = 0`,
    ],
    [
      'the outcome is changed',
      `update audit.event set outcome = 4 where tenant_id = $1 and written = ${batchAt(0)} and n = 0`,
    ],
    ['the end is forgotten', `delete from audit.chain where tenant_id = $1`],
    [
      'a retention is feigned',
      `insert into audit.dropped select tenant_id, written, hash from audit.batch where tenant_id = $1 and written = ${batchAt(0)}`,
    ],
    [
      'all of it is removed',
      `with e as (delete from audit.event where tenant_id = $1) delete from audit.batch where tenant_id = $1`,
    ],
  ])('%s', async (_what, sql) => {
    await audit.tamper(sql, [tenant.id]);
    expect(await texts()).not.toEqual([]);
    // The other tenant's chain is its own.
    expect((await audit.verify(audit.other)).problems).toEqual([]);
  });

  test('a batch made with another key, though everything fits together, is told', async () => {
    const { AuditLog } = await import('../src/audit/audit-log.ts');
    const { chainKey } = await import('../src/audit/chain.ts');
    const { SealingConnection } = await import('../src/storage/audit/sealing.ts');
    const { ROWS } = await import('./audit-support.ts');
    const forger = new AuditLog({
      connection: new SealingConnection(audit.database.servingUrl),
      rows: ROWS,
      key: chainKey(Buffer.alloc(32, 1)),
    });
    await forger.record(tenant, { kind: 'read', what: 'Patient/forged' });
    await forger.stop();
    expect((await texts()).some((text) => text.includes('key that is not known'))).toBe(true);
  });

  test('what is cut off at the end together with the end itself shows by an anchor', async () => {
    const { anchor } = await audit.verify(tenant);
    await audit.tamper(
      `with last as (select written, previous from audit.batch where tenant_id = $1 order by written desc limit 1),
        e as (delete from audit.event where tenant_id = $1 and written = (select written from last)),
        b as (delete from audit.batch where tenant_id = $1 and written = (select written from last))
      update audit.chain c set hash = last.previous, written = last.written - 1 from last where c.tenant_id = $1`,
      [tenant.id],
    );
    expect(await texts()).toEqual([]);
    expect(await texts([anchor as string])).toEqual(['the batch of the anchor is missing']);
  });

  test('anchors of before hold while the log grows', async () => {
    const { anchor } = await audit.verify(tenant);
    const log = audit.log();
    await log.record(tenant, { kind: 'read', what: 'Patient/later' });
    await log.flush();
    expect(await texts([anchor as string])).toEqual([]);
    expect(await texts([(anchor as string).replace(/.$/, (c) => (c === '0' ? '1' : '0'))])).not.toEqual([]);
  });
});
