import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decrypt, encrypt, TamperedError } from './aead.ts';
import { DataKey, KeyRing, UnknownKeyError } from './data-key.ts';
import { localWrapper } from './key-wrapper.ts';
import {
  loadMasterKeys,
  MASTER_KEY_FILE,
  MasterKeyError,
  masterKeyOf,
  newMasterKey,
  writeMasterKeys,
} from './master-key.ts';
import { createSecretBox, openBytes, sealBytes, secretBoxOf } from './secret-box.ts';

const key = (fill: number) => Buffer.alloc(32, fill);
const bytes = () => fc.uint8Array({ maxLength: 200 });

describe('AES-256-GCM (NIST SP 800-38D)', () => {
  test('a published vector decrypts: test case 16 of the GCM specification', () => {
    const hex = (text: string) => Buffer.from(text, 'hex');
    const sealed = Buffer.concat([
      hex('cafebabefacedbaddecaf888'),
      hex('76fc6ece0f4e1768cddf8853bb2d551b'),
      hex(
        '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662',
      ),
    ]);
    const plain = decrypt(
      hex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'),
      hex('feedfacedeadbeeffeedfacedeadbeefabaddad2'),
      sealed,
    );
    expect(plain.toString('hex')).toBe(
      'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
    );
  });

  test('what was encrypted decrypts, in its context only, and no nonce is used twice', () => {
    fc.assert(
      fc.property(bytes(), fc.string(), fc.string(), (plain, context, other) => {
        const sealed = encrypt(key(1), context, plain);
        expect(decrypt(key(1), context, sealed).equals(plain)).toBe(true);
        if (other !== context) expect(() => decrypt(key(1), other, sealed)).toThrow(TamperedError);
        expect(() => decrypt(key(2), context, sealed)).toThrow(TamperedError);
        expect(encrypt(key(1), context, plain).subarray(0, 12).equals(sealed.subarray(0, 12))).toBe(false);
      }),
    );
  });

  test('each changed bit is found, and each missing byte', () => {
    fc.assert(
      fc.property(bytes(), fc.nat(), (plain, at) => {
        const sealed = encrypt(key(1), 'here', plain);
        const changed = Buffer.from(sealed);
        changed[(at >> 3) % sealed.length]! ^= 1 << (at & 7);
        expect(() => decrypt(key(1), 'here', changed)).toThrow(TamperedError);
        expect(() => decrypt(key(1), 'here', sealed.subarray(0, -1))).toThrow(TamperedError);
        expect(() => decrypt(key(1), 'here', sealed.subarray(0, at % 28))).toThrow(TamperedError);
      }),
    );
  });
});

describe('master keys (issue 5, section 4: from file or environment)', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vesta-keys-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('hexadecimal and base64 are the same key, and the first of several wraps', () => {
    const [a, b] = [newMasterKey(), newMasterKey()];
    const hex = loadMasterKeys({ masterKey: `${a.key.toString('hex')}, ${b.key.toString('base64')}` });
    expect(hex.keys).toEqual([a, b]);
    expect(loadMasterKeys({ masterKey: a.key.toString('base64url') }).keys).toEqual([a]);
  });

  test.each(['', 'secret', 'ab'.repeat(31), `${'ab'.repeat(32)},`])(
    'what is no key (%j) is refused without being quoted',
    (text) => {
      const load = () => loadMasterKeys({ masterKey: text });
      expect(load).toThrow(MasterKeyError);
      expect(load).toThrow(/^VESTA_MASTER_KEY: key \d is not 32 bytes/);
      if (text.length > 1) expect(load).not.toThrow(text.slice(0, 6));
    },
  );

  test('the environment wins over the file, and the file over the data directory', () => {
    const [a, b] = [newMasterKey(), newMasterKey()];
    const file = join(folder, 'key');
    writeFileSync(file, `# a comment\n\n${b.key.toString('base64')}\n`);
    const all = { masterKey: a.key.toString('hex'), masterKeyFile: file, dataDirectory: folder };
    expect(loadMasterKeys(all).keys).toEqual([a]);
    expect(loadMasterKeys({ ...all, masterKey: undefined }).keys).toEqual([b]);
  });

  test('the first start makes a key that only its owner may read, the next one finds it', () => {
    const first = loadMasterKeys({ dataDirectory: folder });
    const file = join(folder, MASTER_KEY_FILE);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(loadMasterKeys({ dataDirectory: folder }).keys).toEqual(first.keys);
    expect(readFileSync(file, 'utf8')).toContain(first.keys[0]!.key.toString('hex'));
  });

  test('an external database has no data directory: a key must be given', () => {
    expect(() => loadMasterKeys({})).toThrow(/VESTA_MASTER_KEY or VESTA_MASTER_KEY_FILE must be set/);
    expect(() => loadMasterKeys({ masterKeyFile: join(folder, 'none') })).toThrow(/ENOENT/);
  });

  test('the id of a key does not tell the key', () => {
    const { id, key: secret } = newMasterKey();
    expect(id).toMatch(/^[0-9a-f]{8}$/);
    expect(secret.toString('hex')).not.toContain(id);
  });
});

describe('wrapping data keys', () => {
  test('a wrapped key is unwrapped in its context, after a rotation too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vesta-keys-'));
    try {
      const source = loadMasterKeys({ dataDirectory: folder });
      const wrapper = localWrapper(source);
      const before = await wrapper.wrap('1/1', key(7));
      expect(before.masterKey).toBe(await wrapper.current());
      expect(before.wrapped.includes(key(7))).toBe(false);
      // Another process rotates: this one learns of it by the file.
      const other = newMasterKey();
      writeMasterKeys(source.file as string, [other, ...source.keys]);
      const after = await localWrapper(loadMasterKeys({ dataDirectory: folder })).wrap('1/1', key(7));
      expect(after.masterKey).toBe(other.id);
      expect((await wrapper.unwrap('1/1', after)).equals(key(7))).toBe(true);
      expect((await wrapper.unwrap('1/1', before)).equals(key(7))).toBe(true);
      await expect(wrapper.unwrap('2/1', before)).rejects.toThrow(TamperedError);
      writeMasterKeys(source.file as string, [other]);
      expect((await wrapper.wrap('1/2', key(8))).masterKey).toBe(other.id);
      await expect(wrapper.unwrap('1/1', before)).rejects.toThrow(/which is not configured/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('sealed secrets', () => {
  const ring = (tenant: number, ...fills: number[]) =>
    new KeyRing(
      tenant,
      fills.map((fill, i) => new DataKey(i + 1, 0, key(fill))),
    );

  test('open gives back what was sealed, for its purpose and tenant only', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.string(), (secret, purpose, other) => {
        const box = secretBoxOf(ring(1, 5));
        const sealed = box.seal(purpose, secret);
        expect(box.open(purpose, sealed)).toBe(Buffer.from(secret).toString());
        if (purpose !== other) expect(() => box.open(other, sealed)).toThrow(TamperedError);
        expect(() => openBytes(ring(2, 5), purpose, sealed)).toThrow(TamperedError);
        expect(() => openBytes(ring(1, 6), purpose, sealed)).toThrow(TamperedError);
      }),
    );
  });

  test('every byte of an envelope counts, the version and the number of its key too', () => {
    const box = createSecretBox(key(3));
    const sealed = box.seal('seed/1', 'JBSWY3DPEHPK3PXP');
    for (let i = 0; i < sealed.length; i++) {
      const changed = Buffer.from(sealed);
      changed[i]! ^= 1;
      expect(() => box.open('seed/1', changed)).toThrow(i > 0 && i < 5 ? UnknownKeyError : TamperedError);
    }
    expect(() => box.open('seed/1', Buffer.alloc(3))).toThrow(TamperedError);
  });

  test('after a rotation new secrets have the new key, old ones still open, and what is derived stays', () => {
    let now = 1000;
    const keys = [new DataKey(1, 0, key(1)), new DataKey(2, 2000, key(2))];
    const rotating = new KeyRing(1, keys, () => now);
    const old = sealBytes(rotating, 'x', Buffer.from('a'));
    const derived = secretBoxOf(rotating).derive('refresh', 't');
    expect(old.readUInt32BE(1)).toBe(1);
    now = 2000;
    const fresh = sealBytes(rotating, 'x', Buffer.from('a'));
    expect(fresh.readUInt32BE(1)).toBe(2);
    expect(openBytes(rotating, 'x', old).toString()).toBe('a');
    expect(secretBoxOf(rotating).derive('refresh', 't').equals(derived)).toBe(true);
    expect(secretBoxOf(rotating).derive('refresh', 'u').equals(derived)).toBe(false);
    expect(secretBoxOf(rotating).derive('refres', 'ht').equals(derived)).toBe(false);
  });

  test('a key of each purpose is another one, and uses are counted', () => {
    const one = new DataKey(1, 0, key(1));
    const all = (['secrets', 'fields', 'links', 'derive'] as const).map((each) =>
      one.for(each).toString('hex'),
    );
    expect(new Set(all).size).toBe(4);
    const counted = new KeyRing(1, [one]);
    openBytes(counted, 'x', sealBytes(counted, 'x', Buffer.from('a')));
    expect(one.takeUses()).toEqual([['secrets', { seals: 1, opens: 1 }]]);
    expect(one.takeUses()).toEqual([]);
  });

  test('a master key has 32 bytes', () => {
    expect(() => masterKeyOf(Buffer.alloc(31))).toThrow(MasterKeyError);
    expect(() => createSecretBox(Buffer.alloc(33))).toThrow(MasterKeyError);
  });
});
