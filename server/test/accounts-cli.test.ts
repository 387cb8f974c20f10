import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { verifyPassword } from '../src/auth/accounts/password-hash.ts';
import { account } from '../src/cli/account.ts';
import { type PagesSetup, startPages } from './auth-pages-setup.ts';

let setup: PagesSetup;
const lines: string[] = [];
beforeAll(async () => {
  setup = await startPages();
  vi.stubEnv('DATABASE_URL', setup.database.ownerUrl);
  vi.stubEnv('BASE_URL', setup.url);
  for (const name of ['log', 'error'] as const)
    vi.spyOn(console, name).mockImplementation((line: string) => void lines.push(line));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await setup?.stop();
});

const run = async (...args: string[]) => {
  lines.length = 0;
  return await account.run([...args, '--tenant', 'test']);
};

async function withInput<T>(text: string, work: () => Promise<T>): Promise<T> {
  const stdin = vi.spyOn(process, 'stdin', 'get').mockReturnValue(Readable.from([text]) as never);
  try {
    return await work();
  } finally {
    stdin.mockRestore();
  }
}

describe('vesta account', () => {
  it('makes an account with a link by which its password is chosen, lists, disables and enables it', async () => {
    expect(
      await run('create', 'ada', '--role', 'nurse', '--fhir-user', 'Practitioner/7', '--name', 'Ada N'),
    ).toBe(0);
    expect(lines[0]).toMatch(/^http:.*\/auth\/test\/invitation\?token=/);
    const browser = setup.browser();
    await browser.get(lines[0] as string);
    const password = 'kupfer-Lampe-wandert-9';
    await browser.submit('invitation', { password, repeat: password });
    expect((await browser.logIn('ada', password)).text).toContain('Ada N');
    expect(await run('list')).toBe(0);
    expect(lines).toEqual(['ada\tnurse\tactive\tPractitioner/7\tAda N']);
    expect(await run('disable', 'ADA')).toBe(0);
    expect((await browser.get('manage')).text).toContain('Sign in');
    await run('enable', 'ada');
    expect((await setup.people.accounts.findByLogin(setup.tenant, 'ada'))?.state).toBe('active');
  });

  it('takes a password from the standard input by the rules', async () => {
    expect(
      await withInput('password1234\n', () => run('create', 'bob', '--role', 'billing', '--password-stdin')),
    ).toBe(1);
    expect(await setup.people.accounts.findByLogin(setup.tenant, 'bob')).toBeUndefined();
    const password = 'kupfer-Lampe-wandert-9';
    expect(
      await withInput(`${password}\n`, () => run('create', 'bob', '--role', 'billing', '--password-stdin')),
    ).toBe(0);
    const { id } = (await setup.people.accounts.findByLogin(setup.tenant, 'bob'))!;
    expect(await verifyPassword(await setup.people.accounts.passwordHash(setup.tenant, id), password)).toBe(
      true,
    );
    await setup.people.accounts.setFactors(setup.tenant, id, { totp: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' });
    expect(await run('reset-mfa', 'bob')).toBe(0);
    expect((await setup.people.accounts.find(setup.tenant, id))?.hasTotp).toBe(false);
  });

  it('names what is wrong', async () => {
    await expect(run('create', 'x')).rejects.toThrow('--role is missing');
    await expect(run('create', 'x', '--role', 'king')).rejects.toThrow('king');
    await expect(run('create', 'x', '--role', 'nurse', '--fhir-user', 'Group/1')).rejects.toThrow('Group/1');
    await expect(run('crown', 'x')).rejects.toThrow('crown');
    expect(await run('disable', 'nobody')).toBe(1);
    expect(await run('create', 'ada', '--role', 'nurse')).toBe(1);
  });
});
