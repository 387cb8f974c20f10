import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Tenant } from '../src/access/scope.ts';
import { keys as keysCommand } from '../src/cli/keys.ts';
import type { Resource } from '../src/json/types.ts';
import { fieldCipher } from '../src/security/fields/cipher.ts';
import { isSealedText, keysOf, sealedText } from '../src/security/fields/fields.ts';
import { DEFAULT_FIELD_POLICY, NO_FIELDS } from '../src/security/fields/policy.ts';
import { cipherOf, createRevealer } from '../src/security/fields/reveal.ts';
import { TamperedError } from '../src/security/keys/aead.ts';
import { UnknownKeyError } from '../src/security/keys/data-key.ts';
import { localWrapper } from '../src/security/keys/key-wrapper.ts';
import {
  loadMasterKeys,
  MasterKeyError,
  type MasterKeySource,
  newMasterKey,
  writeMasterKeys,
} from '../src/security/keys/master-key.ts';
import { ACTIVATION, type KeyEvent, KeyVault } from '../src/security/keys/vault.ts';
import { ConnectionPools } from '../src/storage/connections.ts';
import { withOwner } from '../src/storage/prepare.ts';
import { dataKeyStatus } from '../src/storage/security/key-status.ts';
import { reEncrypt } from '../src/storage/security/re-encrypt.ts';
import { assertNothingBelowMasterKey, rewrapKeys } from '../src/storage/security/rewrap.ts';
import { openSetting, wrapSettings } from '../src/storage/security/settings.ts';
import { createTenant, deleteTenant } from '../src/storage/tenants.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

const SSN = 'http://hl7.org/fhir/sid/us-ssn';
let database: TestDatabase;
let connections: ConnectionPools;
let folder: string;
let source: MasterKeySource;
let now: number;
let events: KeyEvent[];
const vaults: KeyVault[] = [];
const tenants = { a: undefined as unknown as Tenant, b: undefined as unknown as Tenant };

const openVault = (over: MasterKeySource = source): KeyVault => {
  const vault = new KeyVault({
    connections,
    wrapper: localWrapper(over),
    now: () => now,
    onEvent: (event) => events.push(event),
    onError: (error) => {
      throw error;
    },
  });
  vaults.push(vault);
  return vault;
};

const owner = <T>(work: Parameters<typeof withOwner<T>>[1]) => withOwner(database.ownerUrl, work);

beforeAll(async () => {
  database = await createTestDatabase();
  connections = new ConnectionPools({
    connectionString: database.servingUrl,
    poolSizes: { read: 2, search: 1, write: 2 },
    statementTimeouts: { read: 10_000, search: 10_000, write: 10_000 },
    acquireTimeout: 5000,
  });
  await owner(async (client) => {
    tenants.a = await createTenant(client, 'a');
    tenants.b = await createTenant(client, 'b');
  });
});
afterAll(async () => {
  await connections?.close();
  await database?.drop();
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vesta-vault-'));
  source = loadMasterKeys({ dataDirectory: folder });
  now = Date.now();
  events = [];
  await owner((client) =>
    client.query('truncate store.data_key, store.key_use, store.key_event, store.resource, store.history'),
  );
});
afterEach(async () => {
  for (const vault of vaults.splice(0)) await vault.close();
  rmSync(folder, { recursive: true });
});

describe('data keys of tenants (issue 5, section 4)', () => {
  test('processes that start at once agree on a first key; tenants have different ones', async () => {
    const [one, two] = [openVault(), openVault()];
    const [a, again, b] = await Promise.all([one.ring(tenants.a), two.ring(tenants.a), one.ring(tenants.b)]);
    expect(a.current.for('fields').equals(again.current.for('fields'))).toBe(true);
    expect(a.current.for('fields').equals(b.current.for('fields'))).toBe(false);
    expect(
      (await owner((client) => dataKeyStatus(client))).map(({ tenant, number }) => [tenant, number]),
    ).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
  });

  test('what is sealed for a tenant and purpose opens for these only, and not with another master key', async () => {
    const vault = openVault();
    const sealed = await vault.seal(tenants.a, 'x', Buffer.from('secret'));
    expect((await openVault().open(tenants.a, 'x', sealed)).toString()).toBe('secret');
    await expect(vault.open(tenants.b, 'x', sealed)).rejects.toThrow(TamperedError);
    await expect(vault.open(tenants.a, 'y', sealed)).rejects.toThrow(TamperedError);
    const stranger = openVault({ keys: [newMasterKey()], reload() {} });
    await expect(stranger.open(tenants.a, 'x', sealed)).rejects.toThrow(MasterKeyError);
  });

  test('a wrapped key that was moved to another tenant does not unwrap', async () => {
    await openVault().ring(tenants.a);
    await owner((client) =>
      client.query(
        `insert into store.data_key (tenant_id, number, wrapped, master_key, created, active_from)
          select $2, number, wrapped, master_key, created, active_from from store.data_key where tenant_id = $1`,
        [tenants.a.id, tenants.b.id],
      ),
    );
    await expect(openVault().ring(tenants.b)).rejects.toThrow(TamperedError);
  });

  test('rotation without downtime: the new key is known everywhere before it encrypts, old ones still open', async () => {
    const [one, two] = [openVault(), openVault()];
    const old = await one.seal(tenants.a, 'x', Buffer.from('old'));
    await two.open(tenants.a, 'x', old);
    await two.refresh();
    expect(await one.rotate(tenants.a)).toBe(2);
    expect((await one.ring(tenants.a)).current.number).toBe(1);
    await two.refresh();
    now += ACTIVATION;
    const fresh = await one.seal(tenants.a, 'x', Buffer.from('new'));
    expect(fresh.readUInt32BE(1)).toBe(2);
    // A ring that is held, as the secret box holds one, has the key without asking.
    expect((await two.ring(tenants.a)).keys.map(({ number }) => number)).toEqual([1, 2]);
    expect((await two.open(tenants.a, 'x', fresh)).toString()).toBe('new');
    expect((await two.open(tenants.a, 'x', old)).toString()).toBe('old');
  });

  test('a process that has missed a key asks for it once, and not for every unknown number', async () => {
    const [one, late] = [openVault(), openVault()];
    await late.ring(tenants.a);
    await one.rotate(tenants.a);
    now += ACTIVATION;
    const sealed = await one.seal(tenants.a, 'x', Buffer.from('new'));
    expect((await late.open(tenants.a, 'x', sealed)).toString()).toBe('new');
    const unknown = Buffer.from(sealed);
    unknown.writeUInt32BE(77, 1);
    await expect(late.open(tenants.a, 'x', unknown)).rejects.toThrow(UnknownKeyError);
  });

  test('uses are counted by key and purpose, and each use of the master key is told', async () => {
    const vault = openVault();
    const sealed = await vault.seal(tenants.a, 'x', Buffer.from('1'));
    await vault.open(tenants.a, 'x', sealed);
    await vault.open(tenants.a, 'x', sealed);
    await vault.refresh();
    await vault.refresh();
    const { rows } = await owner((client) => client.query('select purpose, seals, opens from store.key_use'));
    expect(rows).toEqual([{ purpose: 'secrets', seals: '1', opens: '2' }]);
    expect((await owner((client) => dataKeyStatus(client)))[0]?.uses).toEqual({ total: 3, recent: 3 });
    expect(events.map(({ event, tenant, key }) => [event, tenant, key])).toEqual([
      ['made', tenants.a.id, 1],
      ['unwrapped', tenants.a.id, 1],
    ]);
  });

  test('the secret box of the installation is one for all tenants, and follows rotations', async () => {
    const box = await openVault().secretBox();
    const sealed = box.seal('signing-key/1/k', '{"kty":"RSA"}');
    expect((await openVault().secretBox()).open('signing-key/1/k', sealed)).toBe('{"kty":"RSA"}');
    expect(() => box.open('signing-key/2/k', sealed)).toThrow(TamperedError);
  });

  test('the serving role sees the keys of the tenant it works for only', async () => {
    await openVault().ring(tenants.a);
    const seen = await connections.within(tenants.b, 'read', (connection) =>
      connection.query({ text: 'select count(*)::int from tenant.data_key', values: [] }),
    );
    expect(seen.rows).toEqual([[0]]);
    const table = connections.within(tenants.b, 'read', (connection) =>
      connection.query({ text: 'select count(*)::int from store.data_key', values: [] }),
    );
    expect((await table).rows).toEqual([[0]]);
  });

  test('with a tenant its keys go: backups aside, what they have encrypted is gone', async () => {
    const tenant = await owner((client) => createTenant(client, 'short-lived'));
    await openVault().ring(tenant);
    await owner((client) => deleteTenant(client, 'short-lived', { settle: 0 }));
    const { rows } = await owner((client) =>
      client.query('select count(*)::int from store.data_key where tenant_id = $1', [tenant.id]),
    );
    expect(rows).toEqual([{ count: 0 }]);
  });
});

describe('rotation of the master key', () => {
  test('all data keys are wrapped anew; servers that run and servers that start read what was encrypted', async () => {
    const running = openVault();
    const sealed = await running.seal(tenants.a, 'x', Buffer.from('secret'));
    await running.ring(tenants.b);
    const other = loadMasterKeys({ dataDirectory: folder });
    const fresh = newMasterKey();
    writeMasterKeys(other.file as string, [fresh, ...other.keys]);
    other.reload();
    expect(await owner((client) => rewrapKeys(client, localWrapper(other)))).toBe(2);
    expect(await owner((client) => rewrapKeys(client, localWrapper(other)))).toBe(0);
    writeMasterKeys(other.file as string, [fresh]);
    expect((await running.open(tenants.a, 'x', sealed)).toString()).toBe('secret');
    expect(
      (await openVault(loadMasterKeys({ dataDirectory: folder })).open(tenants.a, 'x', sealed)).toString(),
    ).toBe('secret');
    const status = await owner((client) => dataKeyStatus(client));
    expect(new Set(status.map(({ masterKey }) => masterKey))).toEqual(new Set([fresh.id]));
    // What the running server wraps from now on is wrapped by the new key too: the old one is forgotten.
    await running.rotate(tenants.b);
    expect((await owner((client) => dataKeyStatus(client))).at(-1)?.masterKey).toBe(fresh.id);
  });

  test('nothing changes when one key cannot be unwrapped', async () => {
    await openVault().ring(tenants.a);
    await owner((client) => client.query(`update store.data_key set master_key = 'lost'`));
    await expect(owner((client) => rewrapKeys(client, localWrapper(source)))).rejects.toThrow(/lost/);
  });

  test('it is refused while a secret is sealed by the master key itself', async () => {
    const insert = (version: number) =>
      owner((client) =>
        client.query(
          `insert into store.signing_key (tenant_id, kid, algorithm, public_jwk, sealed_private, created)
            values ($1, $2, 'ES256', '{}', $3, 0)`,
          [tenants.a.id, `v${version}`, Buffer.from([version, 0, 0])],
        ),
      );
    await insert(2);
    await owner(assertNothingBelowMasterKey);
    await insert(1);
    await expect(owner(assertNothingBelowMasterKey)).rejects.toThrow(/store\.signing_key/);
    await owner((client) => client.query('delete from store.signing_key'));
  });

  test('the key of the index hashes can be wrapped, and is found and wrapped anew', async () => {
    const read = async () => {
      const { rows } = await owner((client) =>
        client.query(`select value from store.setting where name = 'hash_key'`),
      );
      return rows[0].value as string;
    };
    const plain = await read();
    const wrapper = localWrapper(source);
    expect((await openSetting(undefined, 'hash_key', plain)).toString('hex')).toBe(plain);
    try {
      expect(await owner((client) => wrapSettings(client, wrapper, ['hash_key']))).toBe(1);
      const wrapped = await read();
      expect(wrapped).not.toContain(plain);
      expect((await openSetting(wrapper, 'hash_key', wrapped)).toString('hex')).toBe(plain);
      await expect(openSetting(undefined, 'hash_key', wrapped)).rejects.toThrow(/hash_key is wrapped/);
      await expect(openSetting(wrapper, 'cursor_key', wrapped)).rejects.toThrow(TamperedError);
      writeMasterKeys(source.file as string, [newMasterKey(), ...source.keys]);
      source.reload();
      expect(await owner((client) => rewrapKeys(client, wrapper))).toBe(1);
      expect((await openSetting(wrapper, 'hash_key', await read())).toString('hex')).toBe(plain);
    } finally {
      await owner((client) =>
        client.query(`update store.setting set value = $1 where name = 'hash_key'`, [plain]),
      );
    }
  });
});

describe('stored resources', () => {
  const resource = (id: string, value: string): Resource => ({
    resourceType: 'Patient',
    id,
    meta: { versionId: '1' },
    identifier: [{ system: SSN, value }],
  });
  const put = (table: 'resource' | 'history', rid: number, id: string, content: string) =>
    owner((client) =>
      client.query(
        `insert into store.${table} (tenant_id, rid, ref_hash, last_updated, type, version, method, deleted, id, tokens,
            present, content ${table === 'resource' ? ', reference_count' : ', replaced'})
          values ($1, $2, $2, 0, 1, 1, 1, false, $3, '{}', '{}', $4, 0)`,
        [tenants.a.id, rid, id, content],
      ),
    );
  const stored = async (): Promise<string[]> => {
    const { rows } = await owner((client) =>
      client.query('select content from store.resource union all select content from store.history'),
    );
    return rows.map(({ content }) => content as string);
  };

  test('rows are revealed in place, also by a key that the process has not seen; others are not touched', async () => {
    const [one, late] = [openVault(), openVault()];
    const reveal = createRevealer(late);
    await late.ring(tenants.a);
    await one.rotate(tenants.a);
    now += ACTIVATION;
    const served = JSON.stringify(resource('p', '123-45-6789'));
    const sealed = sealedText(
      resource('p', '123-45-6789'),
      DEFAULT_FIELD_POLICY,
      await cipherOf(one, tenants.a),
    );
    const rows: unknown[][] = [
      [1, 'p', sealed],
      [2, ' y', served],
    ];
    expect(await reveal(tenants.a, rows)).toBe(rows);
    expect(rows).toEqual([
      [1, 'p', served],
      [2, ' y', served],
    ]);
    const clear = [[3, served]];
    expect(reveal(tenants.a, clear)).toBe(clear);
    await expect(Promise.resolve(reveal(tenants.b, [['p', sealed]]))).rejects.toThrow(
      /was changed|is not known/,
    );
  });

  test('encrypted text is JSON to PostgreSQL: searches by JSON path see the rest of the resource', async () => {
    const sealed = sealedText(
      resource('p', '123-45-6789'),
      DEFAULT_FIELD_POLICY,
      await cipherOf(openVault(), tenants.a),
    );
    const { rows } = await owner((client) =>
      client.query(
        `select $1::jsonb ->> 'id' as id, jsonb_path_exists($1::jsonb, '$.identifier.system') as found`,
        [sealed],
      ),
    );
    expect(rows).toEqual([{ id: 'p', found: true }]);
  });

  test('old rows are encrypted when the policy comes, by the new key after a rotation, and clear when it goes', async () => {
    const vault = openVault();
    const policy = DEFAULT_FIELD_POLICY;
    const texts = ['1', '2', '3'].map((id) => JSON.stringify(resource(id, `123-45-678${id}`)));
    for (const [i, text] of texts.entries())
      await put(i === 2 ? 'history' : 'resource', i, String(i + 1), text);
    await put('resource', 9, '9', '');
    const run = async (over = policy) => {
      const cipher = fieldCipher(await vault.ring(tenants.a));
      return await owner((client) => reEncrypt(client, tenants.a, over, cipher));
    };
    expect(await run()).toBe(3);
    const first = await stored();
    expect(first.filter(isSealedText)).toHaveLength(3);
    expect(first.join()).not.toContain('123-45');
    expect(await run()).toBe(0);
    await vault.rotate(tenants.a);
    now += ACTIVATION;
    expect(await run()).toBe(3);
    expect((await stored()).flatMap((text) => [...keysOf(text)])).toEqual([2, 2, 2]);
    expect(await run(NO_FIELDS)).toBe(3);
    expect((await stored()).sort()).toEqual(['', ...texts]);
  });
});

describe('vesta keys', () => {
  const said: string[] = [];
  const vesta = async (...args: string[]): Promise<{ code: number; text: string }> => {
    said.length = 0;
    const spy = vi.spyOn(console, 'log').mockImplementation((line: string) => void said.push(line));
    try {
      return { code: await keysCommand.run(args), text: said.join('\n') };
    } finally {
      spy.mockRestore();
    }
  };
  beforeEach(() => {
    vi.stubEnv('DATABASE_URL', database.ownerUrl);
    // vitest has one of its own.
    vi.stubEnv('BASE_URL', '');
    vi.stubEnv('VESTA_MASTER_KEY_FILE', source.file as string);
  });
  afterEach(() => vi.unstubAllEnvs());

  test('status, rotate and rotate --master', async () => {
    await openVault().ring(tenants.a);
    const first = source.keys[0]!.id;
    expect((await vesta('status')).text).toMatch(
      new RegExp(`^a +key 1 +current .*wrapped by ${first} `, 'm'),
    );
    expect((await vesta('rotate', '--tenant', 'a')).text).toBe('Tenant a has a key 2');
    expect((await vesta('status')).text).toMatch(/^a +key 2 +coming/m);
    const rotated = await vesta('rotate', '--master', '--forget');
    source.reload();
    expect(source.keys).toHaveLength(1);
    expect(source.keys[0]!.id).not.toBe(first);
    expect(rotated.text).toContain(`2 keys were wrapped by the master key ${source.keys[0]!.id}`);
    expect(rotated.text).not.toContain(
      readFileSync(source.file as string, 'utf8')
        .split('\n')
        .at(-2) as string,
    );
    expect((await vesta('status')).code).toBe(0);
    await owner((client) => client.query(`update store.data_key set master_key = 'lost'`));
    expect((await vesta('status')).code).toBe(1);
  });

  test.each([
    [['nonsense'], /"nonsense" is not status/],
    [['status', '--master'], /belong to rotate/],
    [['rotate', '--forget'], /--forget belongs to --master/],
    [['rotate', '--master', '--tenant', 'a'], /--master concerns all tenants/],
    [['rotate', '--tenant', 'none'], /There is no tenant "none"/],
  ])('%j is refused', async (args, message) => {
    await expect(vesta(...args)).rejects.toThrow(message);
  });
});
