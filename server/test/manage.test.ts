import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'otplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Account } from '../src/auth/accounts/account.ts';
import { invite } from '../src/auth/accounts/invitations.ts';
import { createMailer } from '../src/auth/mail/letters.ts';
import { fileTransport } from '../src/auth/mail/transports.ts';
import {
  authorizeQuery,
  PASSWORD,
  type PagesSetup,
  REDIRECT,
  startPages,
  VERIFIER,
} from './auth-pages-setup.ts';

let setup: PagesSetup;
beforeAll(async () => {
  setup = await startPages();
  await setup.client({ id: 'app' });
});
afterAll(async () => {
  expect(setup?.errors).toEqual([]);
  await setup?.stop();
});

const NEW = 'kupfer-Lampe-wandert-9';

async function loggedIn(login: string, password = PASSWORD) {
  const browser = setup.browser();
  await browser.get('login');
  await browser.logIn(login, password);
  return browser;
}

/** Lets the last login of an account look old. */
const age = (account: Account, column: 'authenticated' | 'last_seen', minutes: number) =>
  setup.people.connections.within(setup.tenant, 'write', (connection) =>
    connection.query({
      text: `update store.account_session set ${column} = ${column} - $2 where account_id = $1`,
      values: [account.id, minutes * 60_000],
    }),
  );

async function refreshToken(login: string, scope: string) {
  const browser = await loggedIn(login);
  await browser.get(`authorize?${authorizeQuery(setup, 'app', { scope, prompt: 'consent' })}`);
  const answer = await browser.submit('authorize/consent', { decision: 'allow' });
  const call = async (body: Record<string, string>) => {
    const response = await fetch(`${setup.url}/auth/test/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${Buffer.from('app:secret').toString('base64')}` },
      body: new URLSearchParams(body),
    });
    // biome-ignore lint/suspicious/noExplicitAny: a token response
    return { status: response.status, body: (await response.json()) as any };
  };
  const { body } = await call({
    grant_type: 'authorization_code',
    code: answer.location?.searchParams.get('code') as string,
    redirect_uri: REDIRECT,
    code_verifier: VERIFIER,
  });
  expect(body.refresh_token).toBeDefined();
  let current = body.refresh_token as string;
  return {
    browser,
    access: body.access_token as string,
    refresh: async () => {
      const answered = await call({ grant_type: 'refresh_token', refresh_token: current });
      current = answered.body.refresh_token ?? current;
      return answered.status;
    },
  };
}

describe('a person’s page', () => {
  it('is for who is logged in', async () => {
    expect((await setup.browser().get('manage')).text).toContain('Sign in');
  });

  it('lists apps with what they may do, and takes their access back', async () => {
    await setup.account({ login: 'apps' });
    const { browser, refresh } = await refreshToken('apps', 'offline_access user/Patient.rs');
    expect(await refresh()).toBe(200);
    const page = await browser.get('manage');
    expect(page.text).toContain('Example &lt;App&gt;');
    expect(page.text).toContain('May read and search personal details');
    expect((await browser.submit('manage/apps')).text).toContain('No app has access');
    expect(await refresh()).toBe(400);
  });

  it('cannot take back what is somebody else’s', async () => {
    await setup.account({ login: 'owner' });
    await setup.account({ login: 'stranger' });
    const { refresh } = await refreshToken('owner', 'offline_access user/Patient.rs');
    const stranger = await refreshToken('stranger', 'offline_access user/Patient.rs');
    await stranger.browser.get('manage');
    await stranger.browser.submit('manage/apps');
    expect(await refresh()).toBe(200);
    const owner = (await setup.people.accounts.findByLogin(setup.tenant, 'owner')) as Account;
    const [session] = await setup.people.sessions.ofAccount(setup.tenant, owner.id);
    const fields = stranger.browser.hidden('logout');
    fields.set('which', session?.id as string);
    await stranger.browser.raw('POST', 'manage/sessions', fields.toString());
    expect(await setup.people.sessions.ofAccount(setup.tenant, owner.id)).toHaveLength(1);
  });

  it('lists and ends sessions; online access ends with them, offline access does not', async () => {
    await setup.account({ login: 'many' });
    const online = await refreshToken('many', 'online_access user/Patient.rs');
    const offline = await refreshToken('many', 'offline_access user/Patient.rs');
    const browser = await loggedIn('many');
    const page = await browser.get('manage');
    expect(page.text.match(/Sign out there/g)?.length).toBe(4);
    const verified = (token: string) => setup.auth.verifier.verify(setup.tenant, token);
    expect(await verified(online.access)).toBeDefined();
    await browser.submit('manage/sessions', { which: 'others' });
    expect(await verified(online.access)).toBeUndefined();
    expect(await verified(offline.access)).toBeDefined();
    expect((await online.browser.get('manage')).text).toContain('Sign in');
    expect((await browser.get('manage')).text).toContain('this browser');
    expect(await online.refresh()).toBe(400);
    expect(await offline.refresh()).toBe(200);
  });

  it('changes the password with the old one, and ends the other sessions', async () => {
    await setup.account({ login: 'changer', email: 'c@example.org' });
    const other = await loggedIn('changer');
    const browser = await loggedIn('changer');
    await browser.get('manage/password');
    const wrong = await browser.submit('manage/password', { current: 'wrong', password: NEW, repeat: NEW });
    expect(wrong.status).toBe(400);
    expect(wrong.text).toMatch(/id="current"[^>]*aria-describedby="current-error"/);
    const differs = await browser.submit('manage/password', {
      current: PASSWORD,
      password: NEW,
      repeat: 'other',
    });
    expect(differs.text).toContain('not the same');
    const common = await browser.submit('manage/password', {
      current: PASSWORD,
      password: 'changer-test',
      repeat: 'changer-test',
    });
    expect(common.text).toContain('first that would be tried');
    expect(
      (await browser.submit('manage/password', { current: PASSWORD, password: NEW, repeat: NEW })).text,
    ).toContain('Done.');
    expect((await other.get('manage')).text).toContain('Sign in');
    expect((await loggedIn('changer')).page?.status).toBe(400);
    expect((await loggedIn('changer', NEW)).page?.text).toContain('Your account');
    expect(setup.letters.at(-1)).toMatchObject({ kind: 'password-changed' });
  });

  it('asks again who it is before second factors change (step-up)', async () => {
    const account = await setup.account({ login: 'stepper' });
    const browser = await loggedIn('stepper');
    await age(account, 'authenticated', 11);
    expect((await browser.get('manage/totp')).text).toContain('Confirm that it is you');
    expect((await browser.submit('manage/confirm', { password: 'wrong' })).status).toBe(400);
    const page = await browser.submit('manage/confirm', { password: PASSWORD });
    const seed = /class="seed"[^>]*>([A-Z2-7 ]+)</.exec(page.text)?.[1]?.replace(/ /g, '') as string;
    expect((await browser.submit('manage/totp', { code: await generate({ secret: seed }) })).text).toContain(
      'recovery codes',
    );
    expect((await browser.get('manage')).text).toContain('Recovery codes left: 10');
    await age(account, 'authenticated', 11);
    await browser.submit('manage/totp/remove');
    expect(browser.page?.text).toContain('Confirm that it is you');
    // Now the second factor is asked for too.
    expect((await browser.submit('manage/confirm', { password: PASSWORD, code: '000000' })).status).toBe(400);
    expect((await setup.people.accounts.find(setup.tenant, account.id))?.hasTotp).toBe(true);
  });

  it('confirmation leads back to its own pages only (open redirect)', async () => {
    await setup.account({ login: 'redirected' });
    const browser = await loggedIn('redirected');
    for (const back of ['https://evil.example.org', '//evil.example.org', '../../x', 'totp/../../y']) {
      await browser.get(`manage/confirm?back=${encodeURIComponent(back)}`);
      const fields = browser.hidden('manage/confirm');
      fields.set('password', PASSWORD);
      fields.set('back', back);
      const answer = await browser.raw('POST', 'manage/confirm', fields.toString());
      expect(answer.location?.href).toBe(`${setup.url}/auth/test/manage`);
    }
  });

  it('a session that was idle too long asks for the login again; the apps of it go on', async () => {
    const account = await setup.account({ login: 'idle' });
    const { browser, refresh } = await refreshToken('idle', 'online_access user/Patient.rs');
    await age(account, 'last_seen', 31);
    expect((await browser.get('manage')).text).toContain('Sign in');
    expect(await refresh()).toBe(200);
    await browser.logIn('idle');
    expect(await setup.people.sessions.ofAccount(setup.tenant, account.id)).toHaveLength(1);
    expect(await refresh()).toBe(200);
  });

  it('signs out by a form only', async () => {
    await setup.account({ login: 'leaver' });
    const browser = await loggedIn('leaver');
    expect((await browser.get('logout')).text).toContain('Do you want to sign out');
    expect((await browser.get('manage')).text).toContain('Your account');
    expect((await browser.submit('logout')).text).toContain('You are signed out');
    expect((await browser.get('manage')).text).toContain('Sign in');
  });
});

describe('letters', () => {
  const last = () => new URL((setup.letters.at(-1) as { link: string }).link);
  const forgot = async (login: string) => {
    const browser = setup.browser();
    await browser.get('forgot');
    const answer = await browser.submit('forgot', { login });
    await new Promise((resolve) => setTimeout(resolve, 150));
    return answer;
  };

  it('a forgotten password is set anew by the link, once; sessions and apps end', async () => {
    await setup.account({ login: 'forgetful', email: 'f@example.org' });
    const { browser: old, refresh } = await refreshToken('forgetful', 'offline_access user/Patient.rs');
    await forgot('F@example.org');
    const link = last();
    expect(link.href.startsWith(`${setup.url}/auth/test/reset?token=`)).toBe(true);
    const browser = setup.browser();
    await browser.get(link.href);
    // Looking at it does not use it up.
    await browser.get(link.href);
    expect((await browser.submit('reset', { password: 'short', repeat: 'short' })).text).toContain(
      'At least 12',
    );
    expect((await browser.submit('reset', { password: NEW, repeat: NEW })).text).toContain(
      'Your password is set',
    );
    expect((await old.get('manage')).text).toContain('Sign in');
    expect(await refresh()).toBe(400);
    expect((await browser.get(link.href)).status).toBe(400);
    expect((await loggedIn('forgetful', NEW)).page?.text).toContain('Your account');
  });

  it('say the same whether there is an account or not, and are few', async () => {
    await setup.account({ login: 'known', email: 'k@example.org' });
    await setup.account({ login: 'mailless' });
    const before = setup.letters.length;
    const answers = [];
    for (const login of ['known', 'unknown', 'mailless', 'nobody@example.org']) {
      const answer = await forgot(login);
      answers.push(`${answer.status} ${answer.text.replaceAll(login, '')}`);
    }
    expect(new Set(answers).size).toBe(1);
    expect(setup.letters.length).toBe(before + 1);
    for (let at = 0; at < 5; at++) await forgot('known');
    expect(setup.letters.length).toBe(before + 3);
  });

  it('an older link ends with a newer one', async () => {
    await setup.account({ login: 'twice', email: 't@example.org' });
    await forgot('twice');
    const first = last();
    await forgot('twice');
    expect((await setup.browser().get(first.href)).status).toBe(400);
    expect((await setup.browser().get(last().href)).status).toBe(200);
  });

  it('invitations make the account active, and lie in files that others cannot read', async () => {
    const account = (await setup.people.accounts.create(setup.tenant, {
      login: 'invited',
      name: 'Inés\r\nBcc: x',
      email: 'i@example.org',
      language: 'es',
      role: 'nurse',
    })) as Account;
    expect(account.state).toBe('invited');
    const directory = mkdtempSync(join(tmpdir(), 'vesta-mail-'));
    const link = await invite(
      { ...setup.people, mailer: createMailer(fileTransport(directory)) },
      setup.tenant,
      account,
    );
    const file = join(directory, readdirSync(directory)[0] as string);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('To: i@example.org\nSubject: Su cuenta en test\n\nHola, Inés Bcc: x:');
    expect(text).toContain(link);
    expect((await loggedIn('invited')).page?.status).toBe(400);
    const browser = setup.browser();
    await browser.get(link);
    await browser.submit('invitation', { password: NEW, repeat: NEW });
    expect((await loggedIn('invited', NEW)).page?.text).toContain('Su cuenta');
  });

  it('a reset link is not good for an invitation, nor in another tenant', async () => {
    await setup.account({ login: 'mixed', email: 'm@example.org' });
    await forgot('mixed');
    const token = last().searchParams.get('token');
    expect((await setup.browser().get(`invitation?token=${token}`)).status).toBe(400);
    expect((await fetch(`${setup.url}/auth/other/reset?token=${token}`)).status).toBe(400);
  });
});

it('a session of one tenant is none in another', async () => {
  await setup.account({ login: 'tenant-bound' });
  const browser = await loggedIn('tenant-bound');
  const cookie = browser.cookies.get('vesta-session-test');
  const answer = await fetch(`${setup.url}/auth/other/manage`, {
    redirect: 'manual',
    headers: { Cookie: `vesta-session-other=${cookie}` },
  });
  expect(answer.status).toBe(303);
});
