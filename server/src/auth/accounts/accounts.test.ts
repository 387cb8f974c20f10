import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { generate } from 'otplib';
import { describe, expect, it } from 'vitest';
import type { NewAccount } from './account.ts';
import { breachRange } from './breach-range.ts';
import { isCommon } from './common-passwords.ts';
import { type DemoSecrets, ensureDemoAccounts, readablePassword } from './demo.ts';
import { BusyError, Gate } from './gate.ts';
import { addressKey, LOGIN_RULE, loginKey, waitAfter } from './lockout.ts';
import { hashPassword, isOutdated, verifyPassword } from './password-hash.ts';
import { passwordFault } from './password-rules.ts';
import { accountPolicyOf, accountSettingFault, DEFAULT_ACCOUNT_POLICY, needsMfa } from './policy.ts';
import { newRecoveryCodes, recoveryCodeHash } from './recovery-codes.ts';
import { newTotpSeed, totpStep } from './totp.ts';

describe('password hashes (RFC 9106, OWASP Password Storage)', () => {
  it('are argon2id in PHC form with a salt of their own', async () => {
    const [a, b] = await Promise.all([hashPassword('x y z'), hashPassword('x y z')]);
    expect(a).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(a).not.toBe(b);
    expect(await verifyPassword(a, 'x y z')).toBe(true);
    expect(await verifyPassword(a, 'x y Z')).toBe(false);
    expect(await verifyPassword(undefined, 'x y z')).toBe(false);
    expect(isOutdated(a)).toBe(false);
    expect(isOutdated(a.replace('t=2', 't=1'))).toBe(true);
  });

  it('are the same for the same text in another composition (NIST SP 800-63B-4, 3.1.1.2)', async () => {
    expect(await verifyPassword(await hashPassword('e\u0301tude'), '\u00e9tude')).toBe(true);
  });

  it('wait for each other, and refuse when too many wait', async () => {
    const gate = new Gate(1, 1);
    let release: () => void = () => {};
    const first = gate.run(() => new Promise<void>((resolve) => (release = resolve)));
    const second = gate.run(async () => 2);
    await expect(gate.run(async () => 3)).rejects.toThrow(BusyError);
    release();
    await first;
    expect(await second).toBe(2);
    expect(await gate.run(async () => 4)).toBe(4);
  });
});

describe('passwords that are tried first', () => {
  it.each([
    'password1234',
    'P@ssw0rd2024!',
    'qwertyuiop12',
    'Summer2026!!',
    'letmein12345',
    'aaaaaaaaaaaaaaa',
    'abcabcabcabcabc',
    '123456789012',
    'iloveyou1234',
    '1q2w3e4r5t6y',
    'passwordpassword',
    'Dragon-Monkey-1',
    'welcome2hospital',
    '31.12.1999password',
    'contraseña2025',
  ])('%s is refused', (password) => {
    expect(isCommon(password)).toBe(true);
  });

  it.each(['Korridor-Zwetschge-7-lila', 'tY7#qLp0vR2x', 'mossy kettle arguing north', 'صبح کی ٹھنڈی ہوا 42'])(
    '%s may be used',
    (password) => {
      expect(isCommon(password)).toBe(false);
    },
  );

  it('names of the person and the place do not count as secret', () => {
    expect(isCommon('AdaLovelace1815', ['ada.lovelace', 'Ada Lovelace'])).toBe(true);
    expect(isCommon('zwetschge-mercy-19', ['zwetschge', 'mercy'])).toBe(true);
  });

  it('generated ones pass', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (bytes) => !isCommon(readablePassword(bytes)),
      ),
    );
  });

  it('rules: length in code points, breach list', async () => {
    const rules = { minimumLength: 12 };
    expect(await passwordFault('tY7#qLp0vR2', [], rules)).toBe('too-short');
    expect(await passwordFault('é'.repeat(6) + 'e\u0301'.repeat(3), [], rules)).toBe('too-short');
    expect(await passwordFault('x7'.repeat(65), [], rules)).toBe('too-long');
    const breaches = { includes: async (password: string) => password === 'tY7#qLp0vR2x' };
    expect(await passwordFault('tY7#qLp0vR2x', [], { ...rules, breaches })).toBe('breached');
    expect(await passwordFault('tY7#qLp0vR2y', [], { ...rules, breaches })).toBeUndefined();
  });

  it('a breach list learns five signs of the hash only, and is not relied on', async () => {
    // SHA-1 of "password": 5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8
    const asked: string[] = [];
    const fetched = globalThis.fetch;
    globalThis.fetch = (async (url: string) => {
      asked.push(url);
      return new Response(
        '00000000000000000000000000000000000:0\r\n1E4C9B93F3F0682250B6CF8331B7EE68FD8:12\r\n',
      );
    }) as never;
    try {
      const errors: unknown[] = [];
      const list = breachRange({
        url: 'https://breaches.example.org/range/',
        onError: (error) => errors.push(error),
      });
      expect(await list.includes('password')).toBe(true);
      expect(asked).toEqual(['https://breaches.example.org/range/5BAA6']);
      globalThis.fetch = (async () => new Response('', { status: 503 })) as never;
      expect(await list.includes('password')).toBe(false);
      expect(errors).toHaveLength(1);
    } finally {
      globalThis.fetch = fetched;
    }
  });
});

describe('lock-out', () => {
  it('waits double each time, from the fifth failure to a longest wait', () => {
    const waits = [1, 4, 5, 6, 7, 10, 100, 100_000].map((failures) => waitAfter(failures, LOGIN_RULE) / 1000);
    expect(waits).toEqual([0, 0, 30, 60, 120, 900, 900, 900]);
  });

  it('counts a login whatever its case, and an IPv6 household as one address', () => {
    expect(loginKey(' Ada ')).toBe(loginKey('ada'));
    expect(loginKey('ada')).not.toContain('ada');
    expect(addressKey('2001:db8:1:2:3:4:5:6')).toBe(addressKey('2001:DB8:1:2::9'));
    expect(addressKey('2001:db8::9')).toBe('address:2001:db8:0:0::/64');
    expect(addressKey('2001:db8:1:3::9')).not.toBe(addressKey('2001:db8:1:2::9'));
    expect(addressKey('::ffff:192.0.2.1')).toBe('address:192.0.2.1');
  });
});

describe('one-time passwords (RFC 6238)', () => {
  it('the step before and after count, others do not', async () => {
    const seed = await newTotpSeed();
    expect(seed).toMatch(/^[A-Z2-7]{32}$/);
    const now = 1_700_000_010_000;
    const step = Math.floor(now / 30_000);
    for (const [shift, expected] of [
      [-60, undefined],
      [-30, step - 1],
      [0, step],
      [30, step + 1],
      [60, undefined],
    ] as const) {
      const code = await generate({ secret: seed, epoch: now / 1000 + shift });
      expect(await totpStep(seed, code, now), `${shift} s`).toBe(expected);
      expect(await totpStep(seed, `${code.slice(0, 3)} ${code.slice(3)}`, now)).toBe(expected);
    }
    for (const wrong of ['', '12345', '1234567', 'abcdef', '-1'])
      expect(await totpStep(seed, wrong, now)).toBeUndefined();
  });

  it('recovery codes are ten, each of its account, however they are typed', () => {
    const codes = newRecoveryCodes();
    expect(new Set(codes).size).toBe(10);
    const code = codes[0] as string;
    expect(code).toMatch(/^[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}$/);
    expect(recoveryCodeHash('a', code.toLowerCase().replaceAll('-', ' '))).toEqual(
      recoveryCodeHash('a', code),
    );
    expect(recoveryCodeHash('b', code)).not.toEqual(recoveryCodeHash('a', code));
    expect(recoveryCodeHash('a', '123456')).toBeUndefined();
  });
});

describe('policy of a tenant', () => {
  it('comes from its settings; what is not understood counts as not set', () => {
    const policy = accountPolicyOf({
      'accounts.mfaRoles': 'nurse, billing',
      'accounts.idleMinutes': '5',
      'accounts.stepUpMinutes': '999',
    });
    expect(policy).toEqual({ ...DEFAULT_ACCOUNT_POLICY, mfaRoles: ['nurse', 'billing'], idleMinutes: 5 });
    expect(needsMfa(policy, 'nurse')).toBe(true);
    expect(needsMfa(policy, 'super_admin')).toBe(false);
    expect(needsMfa(accountPolicyOf({ 'accounts.mfaRoles': '*' }), 'patient')).toBe(true);
    expect(accountPolicyOf({ 'accounts.mfaRoles': 'none' }).mfaRoles).toEqual([]);
    expect(accountSettingFault('accounts.minimumPasswordLength', '4')).toContain('8 to 64');
    expect(accountSettingFault('accounts.minimumPasswordLength', '15')).toBeUndefined();
    expect(accountSettingFault('accounts.mfaRoles', 'a;b')).toBeDefined();
    expect(accountSettingFault('accounts.other', '1')).toBeDefined();
  });

  it('demo accounts: one for each role, each with a password of this installation (ASVS 5.0, 6.3.2)', async () => {
    const made = new Map<string, NewAccount & { id: string }>();
    const store = {
      findByLogin: async (_tenant: unknown, login: string) => made.get(login),
      passwordHash: async (_tenant: unknown, id: string) => made.get(id)?.passwordHash,
      create: async (_tenant: unknown, account: NewAccount) => {
        made.set(account.login, { ...account, id: account.login });
        return account;
      },
    };
    const people = { practitioners: ['d1', 'imogen-tarrow'], patients: ['p1'], relatedPersons: [] };
    const roles = ['nurse', 'attending', 'patient', 'caregiver', 'agent'];
    const secretsOf = (key: string) => ({
      bytesOf: (login: string) => createHash('sha256').update(key).update(login).digest(),
      digests: new Map<string, string>(),
    });
    const ask = (secrets: DemoSecrets) =>
      ensureDemoAccounts(store as never, { id: 1, name: 'demo' }, people, roles, secrets);
    const secrets = secretsOf('here');
    const first = await ask(secrets);
    expect(first.map(({ role, fhirUser }) => [role, fhirUser])).toEqual([
      ['attending', 'Practitioner/imogen-tarrow'],
      ['nurse', 'Practitioner/d1'],
      ['patient', 'Patient/p1'],
      ['caregiver', undefined],
      ['agent', undefined],
    ]);
    const passwords = first.map(({ password }) => password as string);
    expect(new Set(passwords).size).toBe(5);
    for (const password of passwords) expect(password).toMatch(/^([a-z2-9]{5}-){3}[a-z2-9]{5}$/);
    expect(await verifyPassword(made.get('nurse')?.passwordHash, passwords[1] as string)).toBe(true);

    // The next start tells them again, with or without the digests; another installation cannot.
    expect(await ask(secrets)).toEqual(first);
    expect(await ask(secretsOf('here'))).toEqual(first);
    expect((await ask(secretsOf('elsewhere'))).every(({ password }) => password === undefined)).toBe(true);

    // Nor is it told any more when somebody has set another one.
    made.set('nurse', {
      ...(made.get('nurse') as NewAccount & { id: string }),
      passwordHash: await hashPassword('x'),
    });
    const changed = await ask(secrets);
    expect(changed.filter(({ password }) => password === undefined).map(({ login }) => login)).toEqual([
      'nurse',
    ]);
    expect(await ask(secrets)).toEqual(changed);
  });
});
