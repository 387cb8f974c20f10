import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { keys as keysCommand } from '../src/cli/keys.ts';
import { newMasterKey } from '../src/security/keys/master-key.ts';
import { checkDatabase } from '../src/storage/check.ts';
import { withOwner } from '../src/storage/prepare.ts';
import { configureTenant } from '../src/storage/tenants.ts';
import { type Harness, idsOf, type Json, rawRequest, startHarness, type TestClient } from './harness.ts';

/*
 * Issue 5, section 4: field encryption by keys of each tenant, bound to tenant and resource, rotated without downtime.
 * Without authorization it is in force where there is a master key.
 */

const SSN = 'http://hl7.org/fhir/sid/us-ssn';
const ENVELOPE = /vesta:sealed:1:(\d+):[\w-]+/g;
const master = newMasterKey();
const masterKeys = { keys: [master], reload() {} };
let harness: Harness;
let a: TestClient;
let b: TestClient;

beforeAll(async () => {
  harness = await startHarness({ tenants: ['a', 'b'], service: { masterKeys, logLevel: 'silent' } });
  a = harness.client('a');
  b = harness.client('b');
});
afterAll(() => harness?.stop());

const owner = <T>(work: Parameters<typeof withOwner<T>>[1]) => withOwner(harness.database.ownerUrl, work);
const query = async (text: string, values: unknown[] = []): Promise<Json[]> =>
  (await owner((client) => client.query(text, values))).rows;

const person = (ssn: string, more: object = {}) => ({
  resourceType: 'Patient',
  identifier: [{ system: SSN, value: ssn }],
  ...more,
});
const stored = async (id: string): Promise<string> =>
  (await query('select content from store.resource where id = $1', [id]))[0].content;
const store = (id: string, text: string) =>
  query('update store.resource set content = $2 where id = $1', [id, text]);
/** A read that may answer 500. */
const read = (path: string, client = a) => rawRequest(`${client.base}/${path}`);
const ssnOf = async (client: TestClient, path: string): Promise<string> =>
  (await client.get(path)).json.identifier[0].value;

describe('ciphertext that was changed or moved is found, and nothing is shown', () => {
  const forgeries: [string, (mine: string, theirs: string) => string][] = [
    [
      'a changed byte',
      (mine) =>
        mine.replace(ENVELOPE, (all) => all.slice(0, -5) + (all.at(-5) === 'A' ? 'B' : 'A') + all.slice(-4)),
    ],
    [
      'the value of another resource',
      (mine, theirs) => mine.replace(ENVELOPE, theirs.match(ENVELOPE)?.[0] as string),
    ],
    ['the text of another resource', (_mine, theirs) => theirs],
    ['another key', (mine) => mine.replace('vesta:sealed:1:1:', 'vesta:sealed:1:9:')],
  ];
  test.each(forgeries)('%s', async (_name, forge) => {
    const [mine, theirs] = [await a.create(person('701-22-9133')), await a.create(person('701-22-9134'))];
    await store(mine.id, forge(await stored(mine.id), await stored(theirs.id)));
    for (const path of [`Patient/${mine.id}`, `Patient?_id=${mine.id}`, `Patient/${mine.id}/_history`]) {
      const answer = await read(path);
      expect(answer.status).toBe(500);
      expect(answer.json.issue[0].diagnostics).toMatch(
        /^(An encrypted value in Patient|The key of an encrypted value in Patient)/,
      );
      expect(answer.text).not.toMatch(/701-22|vesta:sealed/);
    }
    // What was not touched is served, also when it is read together with it.
    const both = await Promise.all([read(`Patient/${mine.id}`), read(`Patient/${theirs.id}`)]);
    expect(both.map(({ status }) => status)).toEqual([500, 200]);
    await query('delete from store.resource where id = $1', [mine.id]);
  });

  test('a row of another tenant', async () => {
    const ssn = '701-22-9135';
    await a.put('Patient/moved', { ...person(ssn), id: 'moved' });
    await b.put('Patient/moved', { ...person('701-22-9136'), id: 'moved' });
    await query(
      `update store.resource r set content = s.content from store.resource s, store.tenant t
        where r.id = 'moved' and s.id = 'moved' and r.tenant_id <> s.tenant_id and t.id = r.tenant_id and t.name = 'b'`,
    );
    const answer = await read('Patient/moved', b);
    expect(answer.status).toBe(500);
    expect(answer.text).not.toMatch(/701-22|vesta:sealed/);
    expect(await ssnOf(a, 'Patient/moved')).toBe(ssn);
    await query(`delete from store.resource where id = 'moved'`);
  });

  test('a server without the master key serves nothing of it, and the rest as ever', async () => {
    const sealed = await a.create(person('701-22-9137'));
    const clear = await a.create({ resourceType: 'Patient' });
    const bare = (await harness.startAnother({ service: { logLevel: 'silent' } })).client('a');
    const answer = await read(`Patient/${sealed.id}`, bare);
    expect(answer.status).toBe(500);
    expect(answer.json.issue[0].diagnostics).toMatch(/no master key/);
    expect((await read(`Patient/${clear.id}`, bare)).status).toBe(200);
  });
});

test('writes that share a transaction are written once each, and each is sealed in its own place', async () => {
  const ssns = Array.from({ length: 20 }, (_, i) => `703-55-${2000 + i}`);
  const made = await Promise.all(ssns.map((ssn) => a.create(person(ssn, { active: false }))));
  expect((await a.get('Patient?active=false&_summary=count')).json.total).toBe(20);
  for (const [i, { id }] of made.entries()) {
    expect(await ssnOf(a, `Patient/${id}`)).toBe(ssns[i]);
    expect(await stored(id)).not.toContain(ssns[i]);
  }
});

describe('rotation while servers run', () => {
  const vesta = async (...args: string[]): Promise<string> => {
    const lines: string[] = [];
    const log = vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(String(line)));
    // vitest has one of its own.
    vi.stubEnv('BASE_URL', '');
    vi.stubEnv('DATABASE_URL', harness.database.ownerUrl);
    vi.stubEnv('VESTA_MASTER_KEY', master.key.toString('hex'));
    try {
      expect(await keysCommand.run(args)).toBe(0);
    } finally {
      log.mockRestore();
      vi.unstubAllEnvs();
    }
    return lines.join('\n');
  };
  /** The keys that values of a tenant's resources and their past versions are encrypted by. */
  const keysInUse = async (tenant: string): Promise<Set<string>> => {
    const rows = await query(
      `select content from (select tenant_id, content from store.resource union all select tenant_id, content
        from store.history) c join store.tenant t on t.id = c.tenant_id where t.name = $1`,
      [tenant],
    );
    return new Set(
      rows.flatMap(({ content }) => [...content.matchAll(ENVELOPE)].map((match) => match[1] as string)),
    );
  };

  test('old versions are read, new ones are by the new key, vesta keys encrypt moves the old ones over', async () => {
    const { id } = await b.create(person('702-33-1001'));
    await b.put(`Patient/${id}`, person('702-33-1002', { id }));
    expect(await vesta('rotate', '--tenant', 'b')).toBe('Tenant b has a key 2');
    // A new key is waited for, for a minute: here it is over.
    await query(
      `update store.data_key set active_from = 0, changed = extract(epoch from clock_timestamp()) * 1000 where number = 2`,
    );
    const other = (await harness.startAnother()).client('b');
    await other.put(`Patient/${id}`, person('702-33-1003', { id }));
    expect(await keysInUse('b')).toEqual(new Set(['1', '2']));
    // The first server has never heard of key 2.
    await new Promise((resolve) => setTimeout(resolve, 2100));
    for (const client of [b, other]) {
      expect(await ssnOf(client, `Patient/${id}`)).toBe('702-33-1003');
      expect(await ssnOf(client, `Patient/${id}/_history/1`)).toBe('702-33-1001');
      expect(idsOf((await client.get(`Patient?identifier=${SSN}|702-33-1003`)).json)).toEqual([id]);
    }
    let stop = false;
    let writes = 0;
    const writing = (async () => {
      while (!stop) {
        const client = writes % 2 === 0 ? b : other;
        expect(
          (
            await client.put(
              `Patient/busy-${writes % 3}`,
              person(`702-44-${1000 + writes}`, { id: `busy-${writes % 3}` }),
            )
          ).status,
        ).toBeLessThan(300);
        writes++;
      }
    })();
    expect(await vesta('encrypt', '--tenant', 'b')).toMatch(/Tenant b: \d+ versions were stored anew/);
    stop = true;
    await writing;
    expect(writes).toBeGreaterThan(0);
    expect(await keysInUse('b')).toEqual(new Set(['2']));
    // Nothing is left to do for who runs it again.
    expect(await vesta('encrypt', '--tenant', 'b')).toBe('Tenant b: 0 versions were stored anew');
    expect(await ssnOf(b, `Patient/${id}/_history/1`)).toBe('702-33-1001');
    expect(await vesta('status')).toMatch(/^b +key 2 +current/m);
    const { rows } = await owner((client) => client.query(`select event from store.key_event order by at`));
    expect(rows.map(({ event }) => event)).toContain('re-encrypted');
  });

  test('a policy that changes: encrypt follows it in both directions, the index after $reindex too', async () => {
    const mrn = 'http://hospital.example/mrn';
    const texts = async () => JSON.stringify(await query('select content from store.resource'));
    const configure = (systems: string[]) =>
      owner((client) =>
        configureTenant(client, 'a', { 'encryption.systems': systems, 'encryption.types': [] }),
      );
    const { id } = await a.create({
      resourceType: 'Patient',
      identifier: [{ system: mrn, value: 'MRN-8845-77' }],
    });
    expect(await texts()).toContain('MRN-8845-77');
    await configure([mrn]);
    await vesta('encrypt', '--tenant', 'a');
    expect(await texts()).not.toContain('MRN-8845-77');
    expect(idsOf((await a.get(`Patient?identifier=${mrn}|MRN-8845-77`)).json)).toEqual([id]);
    await configure([]);
    await vesta('encrypt', '--tenant', 'a');
    expect(await texts()).toContain('MRN-8845-77');
    expect((await a.get(`Patient/${id}`)).json.identifier[0].value).toBe('MRN-8845-77');
  });

  test('vesta db check finds index and resources in agreement', async () => {
    const { count, problems } = await owner((client) => checkDatabase(client, { masterKeys }));
    expect(problems).toEqual([]);
    expect(count).toBe(0);
  });
});
