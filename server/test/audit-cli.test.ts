import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { chainKey } from '../src/audit/chain.ts';
import { RowMaker } from '../src/audit/entry.ts';
import { auditCommand } from '../src/cli/audit.ts';
import { UsageError } from '../src/cli/command.ts';
import { type AuditDatabase, startAuditDatabase } from './audit-support.ts';

const SECRET = Buffer.alloc(32, 9);
let audit: AuditDatabase;
beforeAll(async () => {
  audit = await startAuditDatabase();
  const { rows } = await audit.owner.query(`select value from store.setting where name = 'hash_key'`);
  const log = audit.log({ key: chainKey(SECRET), rows: new RowMaker(Buffer.from(rows[0].value, 'hex')) });
  await log.record(audit.tenant, {
    kind: 'read',
    what: 'Patient/a',
    patients: ['a'],
    time: Date.UTC(2026, 0, 1),
  });
  await log.record(audit.tenant, {
    kind: 'read',
    what: 'Patient/b',
    patients: ['b'],
    time: Date.UTC(2026, 1, 1),
  });
  await log.record(audit.other, { kind: 'read', what: 'Patient/c', patients: ['c'] });
  await log.flush();
  // Vitest sets it to a path.
  vi.stubEnv('BASE_URL', 'http://localhost:8080');
  vi.stubEnv('DATABASE_URL', audit.database.ownerUrl);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await audit?.stop();
});
afterEach(() => vi.restoreAllMocks());

const command = auditCommand(async () => SECRET);
async function run(...args: string[]): Promise<{ code: number; out: string }> {
  const lines: string[] = [];
  const note = (line: unknown) => void lines.push(String(line));
  vi.spyOn(console, 'log').mockImplementation(note);
  vi.spyOn(console, 'error').mockImplementation(note);
  const code = await command.run(args);
  return { code, out: lines.join('\n') };
}

describe('vesta audit', () => {
  test('verify tells of each tenant, and its anchor holds later', async () => {
    const { code, out } = await run('verify');
    expect(out).toMatch(/one: 2 events in \d+ batch.*: verified/);
    expect(out).toMatch(/two: 1 events in 1 batch.*: verified/);
    expect(code).toBe(0);
    const one = await run('verify', '--tenant', 'one');
    const anchor = /anchor (\S+)/.exec(one.out)?.[1] as string;
    expect((await run('verify', '--tenant', 'one', '--anchor', anchor)).code).toBe(0);
    expect((await run('verify', '--tenant', 'two', '--anchor', anchor)).code).toBe(1);
  });

  test('export writes AuditEvents in NDJSON, of a patient and from a date on', async () => {
    const exported = async (...args: string[]): Promise<{ resourceType: string; recorded: string }[]> => {
      const file = join(audit.spool, `${crypto.randomUUID()}.ndjson`);
      expect((await run('export', '--out', file, ...args)).code).toBe(0);
      return readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    };
    expect(await exported()).toHaveLength(3);
    expect(await exported('--patient', 'a')).toHaveLength(1);
    const late = await exported('--tenant', 'one', '--since', '2026-02');
    expect(late).toMatchObject([{ resourceType: 'AuditEvent', recorded: '2026-02-01T00:00:00.000Z' }]);
  });

  test('tampering gives exit code 1', async () => {
    await audit.tamper(
      `update audit.event set entry = replace(entry, 'Patient/c', 'Patient/d') where tenant_id = $1`,
      [audit.other.id],
    );
    const { code, out } = await run('verify');
    expect(code).toBe(1);
    expect(out).toContain('its events, their order or its hash were changed');
    expect((await run('verify', '--tenant', 'one')).code).toBe(0);
    expect((await run('verify', '--since', '2999')).code).toBe(0);
  });

  test('wrong command lines are told', async () => {
    for (const args of [
      ['look'],
      ['verify', '--since', 'x'],
      ['verify', '--anchor', '1:2'],
      ['verify', '--tenant', 'one', '--anchor', 'x'],
    ])
      await expect(run(...args), args.join(' ')).rejects.toThrow(UsageError);
    expect((await run('verify', '--tenant', 'nobody')).code).toBe(1);
  });
});
