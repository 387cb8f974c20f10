import { randomBytes } from 'node:crypto';
import * as jose from 'jose';
import { describe, expect, it } from 'vitest';
import { PASSWORD } from './auth-pages-setup.ts';
import type { TestProvider } from './oidc-provider.ts';
import { openApp, pressProvider, tokenOf } from './sso-browser.ts';
import {
  accountOf,
  CLIENT,
  logIn,
  person,
  provider,
  register,
  setup,
  useOidcProvider,
} from './sso-oidc-support.ts';

useOidcProvider();

describe('a login by OpenID Connect (Core 1.0, authorization code flow)', () => {
  it('leads through a whole SMART standalone launch; the account is made just in time', async () => {
    provider.claims = person('sub-1');
    const browser = setup.browser();
    const login = await openApp(setup, browser);
    expect(login.text).toContain('Sign in with House &lt;house&gt;');
    const url = await pressProvider(browser, 'house');
    expect(url.origin).toBe(provider.issuer);
    expect(url.searchParams.get('tenant')).toBe('x');
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: CLIENT,
      redirect_uri: `${setup.url}/auth/test/sso/house/callback`,
      scope: 'openid profile email',
      code_challenge_method: 'S256',
    });
    expect(url.searchParams.get('nonce')).toHaveLength(43);
    expect((await browser.get(provider.visit(url).href)).text).toContain('Choose a patient');
    await browser.submit('authorize/patient', { patient: 'p1' });
    const { status, body } = await tokenOf(
      setup,
      await browser.submit('authorize/consent', { decision: 'allow' }),
    );
    expect(status).toBe(200);
    expect(body.patient).toBe('p1');
    expect(jose.decodeJwt(body.id_token)['fhirUser']).toBe(`${setup.url}/fhir/test/Practitioner/7`);
    const account = await accountOf('sub-1');
    expect(account).toMatchObject({
      login: 'user-sub-1',
      name: 'Dr Feder',
      role: 'attending',
      state: 'active',
    });
    expect(setup.events).toContainEqual(
      expect.objectContaining({ kind: 'login', accountId: account?.id, provider: 'house' }),
    );
    expect(setup.events).toContainEqual(
      expect.objectContaining({ kind: 'account-provisioned', reason: 'attending' }),
    );
    // RFC 6749, 2.3.1
    const { headers } = provider.tokenRequests.at(-1) as TestProvider['tokenRequests'][number];
    expect(headers.authorization).toBe(
      `Basic ${Buffer.from(`${CLIENT}:client+secret+%26`).toString('base64')}`,
    );
    // ASVS 7.5.2: the session is shown, with where it comes from, and ended like others.
    const page = await browser.get('manage');
    expect(page.text).toContain('Signed in with House &lt;house&gt;');
    const [session] = await setup.people.sessions.ofAccount(setup.tenant, account?.id as string);
    expect(session).toMatchObject({ provider: 'house', methods: ['fed'] });
    await browser.submit('logout');
    expect(await setup.people.sessions.ofAccount(setup.tenant, account?.id as string)).toEqual([]);
  });

  it('finds the same account again, gives it the role of now, and ends what it had by another one', async () => {
    provider.claims = person('sub-2');
    const [old, other] = [setup.browser(), setup.browser()];
    await logIn(old);
    const account = await accountOf('sub-2');
    provider.claims = person('sub-2', {
      realm: { roles: ['nurses'] },
      fhir_user: undefined,
      preferred_username: 'new',
    });
    await logIn(other);
    const changed = await accountOf('sub-2');
    expect(changed?.id).toBe(account?.id);
    expect(changed).toMatchObject({ role: 'nurse', login: 'user-sub-2' });
    expect(changed).not.toHaveProperty('fhirUser');
    expect((await old.get('manage')).text).toContain('Sign in with');
    expect(setup.events).toContainEqual(expect.objectContaining({ kind: 'role-changed', reason: 'nurse' }));
    // In the same browser the login goes on with the new role.
    provider.claims = person('sub-2');
    await openApp(setup, other, { prompt: 'login' });
    const page = await other.get(provider.visit(await pressProvider(other, 'house')).href);
    expect(page.text).toContain('Choose a patient');
    expect((await accountOf('sub-2'))?.role).toBe('attending');
    expect((await other.get('manage')).text).toContain('Your account');
  });

  it('refuses whom no role is mapped to, with a page that says so, and takes back what they had', async () => {
    provider.claims = person('sub-3');
    const browser = setup.browser();
    await logIn(browser);
    provider.claims = person('sub-3', { realm: { roles: ['Doctors'] } });
    const page = await logIn(setup.browser());
    expect(page.status).toBe(403);
    expect(page.text).toContain('has given you no role here');
    expect((await browser.get('manage')).text).toContain('Sign in with');
    expect(setup.events).toContainEqual(
      expect.objectContaining({ kind: 'login-failed', provider: 'house', reason: 'no role is mapped' }),
    );
  });

  it('keeps a disabled account out', async () => {
    provider.claims = person('sub-4');
    await logIn(setup.browser());
    const account = await accountOf('sub-4');
    await setup.people.accounts.setState(setup.tenant, account?.id as string, 'disabled');
    const page = await logIn(setup.browser());
    expect(page.status).toBe(403);
    expect(page.text).toContain('switched off');
    expect((await accountOf('sub-4'))?.state).toBe('disabled');
  });

  it('asks for a second factor here, unless the provider has checked one that counts', async () => {
    await register('mfa', { mfa: { acr: ['urn:mfa'], amr: ['otp'] } });
    for (const [claims, counts] of [
      [{ acr: 'urn:mfa' }, true],
      [{ amr: ['pwd', 'otp'] }, true],
      [{ acr: 'urn:other', amr: ['pwd'] }, false],
    ] as const) {
      provider.claims = person(undefined, { ...claims, realm: { roles: ['bosses'] } });
      const page = await logIn(setup.browser(), 'mfa');
      expect(page.text.includes('Set up a second step')).toBe(!counts);
    }
  });

  it('takes fhirUser below the tenant only', async () => {
    provider.claims = person('sub-5', { fhir_user: `${setup.url}/fhir/test/Practitioner/9` });
    await logIn(setup.browser());
    expect((await accountOf('sub-5'))?.fhirUser).toBe('Practitioner/9');
    for (const wrong of [
      `${setup.url}/fhir/other/Practitioner/9`,
      'Practitioner/../x',
      'Patient/1/_history/2',
    ]) {
      provider.claims = person(undefined, { fhir_user: wrong });
      expect((await logIn(setup.browser())).status).toBe(400);
    }
  });
});

describe('links of accounts', () => {
  it('are made by a verified e-mail address for an invited account only', async () => {
    await register('mail', { linkByEmail: true, createAccounts: false });
    const invited = await setup.people.accounts.create(setup.tenant, {
      login: 'invited',
      name: 'Invited',
      role: 'nurse',
      email: 'invited@example.org',
    });
    await setup.account({ login: 'active', email: 'active@example.org' });
    const unverified = { email: 'invited@example.org', email_verified: false };
    provider.claims = person('mail-1', unverified);
    expect((await logIn(setup.browser(), 'mail')).text).toContain('there is no account for you');
    provider.claims = person('mail-1', { email: 'Active@example.org' });
    expect((await logIn(setup.browser(), 'mail')).status).toBe(403);
    provider.claims = person('mail-1', { email: 'Invited@example.org' });
    expect((await logIn(setup.browser(), 'mail')).text).toContain('Choose a patient');
    expect(await accountOf('mail-1', 'mail')).toMatchObject({
      id: invited?.id,
      state: 'active',
      role: 'attending',
    });
    // Nobody else comes in by the same address (ASVS 6.8.1).
    provider.claims = person('mail-2', { email: 'invited@example.org' });
    expect((await logIn(setup.browser(), 'mail')).status).toBe(403);
    expect(setup.events.filter(({ kind }) => kind === 'account-linked')).toHaveLength(1);
  });

  it('take no login that somebody has', async () => {
    await setup.account({ login: 'taken' });
    provider.claims = person('sub-6', { preferred_username: 'TAKEN' });
    expect((await logIn(setup.browser())).status).toBe(403);
    expect(await accountOf('sub-6')).toBeUndefined();
  });

  it('are of one provider: the same sub of another is somebody else (ASVS 6.8.1)', async () => {
    provider.claims = person('sub-7');
    await logIn(setup.browser());
    await register('second');
    provider.claims = person('sub-7', { preferred_username: 'second-7' });
    await logIn(setup.browser(), 'second');
    expect((await accountOf('sub-7', 'second'))?.id).not.toBe((await accountOf('sub-7'))?.id);
  });

  it('may shut other ways in: neither password, passkey nor reset', async () => {
    await register('only', { localLogins: false });
    const account = await setup.account({ login: 'local', email: 'local@example.org' });
    const subject = `${provider.issuer} only-1`;
    await setup.people.sso.identities.link(setup.tenant, 'only', subject, account.id);
    const browser = setup.browser();
    await openApp(setup, browser);
    expect((await browser.logIn('local', PASSWORD)).status).toBe(400);
    const token = randomBytes(32).toString('base64url');
    await setup.people.accounts.addToken(setup.tenant, 'reset', token, account.id, Date.now() + 60_000);
    expect((await browser.get(`reset?token=${token}`)).status).toBe(400);
    provider.claims = person('only-1');
    expect((await logIn(browser, 'only')).text).toContain('Choose a patient');
    await setup.people.sso.providers.remove(setup.tenant, 'only');
    expect((await browser.get('manage')).text).toContain('Sign in with');
    await openApp(setup, browser);
    expect((await browser.logIn('local', PASSWORD)).text).toContain('Choose a patient');
  });

  it('are no other tenant’s', async () => {
    const browser = setup.browser();
    await browser.get(`${setup.url}/auth/other/login`);
    expect(browser.page?.text).not.toContain('House');
    provider.claims = person('sub-8');
    const mine = setup.browser();
    await openApp(setup, mine);
    const back = provider.visit(await pressProvider(mine, 'house'));
    back.pathname = back.pathname.replace('/auth/test/', '/auth/other/');
    expect((await mine.get(back.href)).status).toBe(404);
  });
});
