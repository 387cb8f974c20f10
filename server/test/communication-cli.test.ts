import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { communication } from '../src/cli/communication.ts';
import { newMasterKey } from '../src/security/keys/master-key.ts';
import { ACCOUNT, desk, type FakeTwilio, fakeTwilio, sql, until, webhook } from './communication-support.ts';
import { type Harness, startHarness } from './harness.ts';

/* Issue 6, section 2: tenants' own accounts at Twilio, set by `vesta communication`. */

const OWN = {
  accountSid: `AC${'9'.repeat(32)}`,
  authToken: 'own-token-of-the-tenant',
  smsFrom: '+15559990000',
};

let harness: Harness;
let twilio: FakeTwilio;
const folder = mkdtempSync(join(tmpdir(), 'vesta-communication-'));
const lines: string[] = [];

beforeAll(async () => {
  twilio = await fakeTwilio();
  const key = newMasterKey();
  harness = await startHarness({
    tenants: ['test', 'other'],
    service: {
      masterKeys: { keys: [key], reload() {} },
      communication: { twilio: ACCOUNT, twilioUrl: twilio.url },
    },
  });
  vi.stubEnv('DATABASE_URL', harness.database.ownerUrl);
  vi.stubEnv('BASE_URL', harness.url);
  vi.stubEnv('VESTA_MASTER_KEY', key.key.toString('hex'));
  for (const name of ['log', 'error'] as const)
    vi.spyOn(console, name).mockImplementation((line: string) => void lines.push(line));
}, 60_000);
afterAll(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
  await harness?.stop();
  await twilio?.stop();
});

const run = (...args: string[]) => {
  lines.length = 0;
  return communication.run([...args, '--tenant', 'test']);
};
const file = (content: unknown): string => {
  const path = join(folder, 'account.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

describe('vesta communication', () => {
  test('refuses what is no account, without telling the token', async () => {
    await expect(run('twilio', file('{"authToken": "secret'))).rejects.toThrow(/is not JSON$/);
    await expect(run('twilio', file({ ...OWN, smsFrom: 'x' }))).rejects.toThrow(
      'smsFrom is not as Twilio gives it',
    );
    await expect(run('twilio')).rejects.toThrow('FILE is missing');
  });

  test('sets the account of a tenant, sealed; it sends by it, and only what it has signed is taken', async () => {
    expect(await run('twilio', file(OWN))).toBe(0);
    expect(lines.join()).toContain(`${harness.url}/communication/test/twilio/message`);
    const rows = await sql(
      harness,
      `select encode(sealed, 'escape') as text from store.communication_account`,
    );
    expect(rows).toHaveLength(1);
    expect(rows[0].text).not.toContain(OWN.authToken);
    expect(await run('show')).toBe(0);
    expect(lines.join()).toContain(OWN.smsFrom);
    expect(lines.join()).not.toContain(OWN.authToken);

    for (const tenant of ['test', 'other']) {
      const d = desk(harness, {}, tenant);
      await d.put({ resourceType: 'Patient', id: 'p', telecom: [{ system: 'sms', value: '+15551110001' }] });
      await d.ask({ subject: { reference: 'Patient/p' }, payload: [{ contentString: `by ${tenant}` }] });
    }
    await until(async () => twilio.requests.length >= 2);
    const by = (text: string) => twilio.requests.find(({ form }) => form['Body'] === text);
    expect(by('by test')).toMatchObject({
      path: expect.stringContaining(OWN.accountSid),
      form: { From: OWN.smsFrom },
    });
    expect(by('by other')).toMatchObject({ form: { From: ACCOUNT.smsFrom } });

    const fields = { MessageSid: `SM${'a'.repeat(32)}`, From: '+15551110001', To: OWN.smsFrom, Body: 'x' };
    const path = '/communication/test/twilio/message';
    expect((await webhook(harness, path, fields)).status).toBe(403);
    expect((await webhook(harness, path, fields, { account: OWN.accountSid })).status).toBe(403);
    const own = { account: OWN.accountSid, token: OWN.authToken };
    expect((await webhook(harness, path, fields, own)).status).toBe(200);
    expect((await webhook(harness, path.replace('test', 'other'), fields, own)).status).toBe(403);
  });

  test('removes it', async () => {
    expect(await run('remove')).toBe(0);
    expect(await run('remove')).toBe(1);
    expect(await sql(harness, 'select 1 from store.communication_account')).toEqual([]);
  });
});
