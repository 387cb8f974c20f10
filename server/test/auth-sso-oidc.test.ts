import { createHash, randomBytes, randomUUID } from 'node:crypto';
import * as jose from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { checkProvider } from '../src/auth/sso/provider.ts';
import { type Browser, PASSWORD, type PagesSetup, startPages } from './auth-pages-setup.ts';
import { startProvider, type TestProvider } from './oidc-provider.ts';
import { openApp, pressProvider, tokenOf } from './sso-browser.ts';

const CLIENT = 'vesta-test';
let setup: PagesSetup;
let provider: TestProvider;
let first: TestProvider['signing'];
const providers = new Map<string, TestProvider>();

/** Registers the test's provider under an id. */
async function register(id: string, changes: Record<string, unknown> = {}, at = provider): Promise<void> {
  const described = checkProvider(
    {
      kind: 'oidc',
      id,
      name: `House <${id}>`,
      issuer: at.issuer,
      clientId: CLIENT,
      roles: [
        { claim: 'realm.roles', value: 'doctors', role: 'attending' },
        { claim: 'realm.roles', value: 'nurses', role: 'nurse' },
        { claim: 'realm.roles', value: 'bosses', role: 'org_admin' },
      ],
      claims: { fhirUser: 'fhir_user' },
      createAccounts: true,
      ...changes,
    },
    { allowHttp: true },
  );
  await setup.people.sso.providers.add(setup.tenant, described, 'client secret &');
}

beforeAll(async () => {
  setup = await startPages();
  await setup.client({ id: 'app' });
  provider = await startProvider(CLIENT);
  first = provider.signing;
  await register('house');
});
afterAll(async () => {
  expect(setup?.errors).toEqual([]);
  await provider?.stop();
  for (const each of providers.values()) await each.stop();
  await setup?.stop();
});
afterEach(() => {
  Object.assign(provider, { idToken: {}, redirect: {}, discovery: {}, userinfo: {}, signing: first });
  setup.events.length = 0;
});

const person = (sub: string = randomUUID(), more: Record<string, unknown> = {}) => ({
  sub,
  preferred_username: `user-${sub}`,
  name: 'Dr Feder',
  email: `${sub}@example.org`,
  email_verified: true,
  realm: { roles: ['others', 'doctors'] },
  fhir_user: 'Practitioner/7',
  ...more,
});

/** Goes from an app's login page to the provider and back. */
async function logIn(browser: Browser, id = 'house', at = provider) {
  await openApp(setup, browser);
  return await browser.get(at.visit(await pressProvider(browser, id)).href);
}

const accountOf = async (sub: string, id = 'house') => {
  const found = await setup.people.sso.identities.accountOf(setup.tenant, id, `${provider.issuer} ${sub}`);
  return found === undefined ? undefined : await setup.people.accounts.find(setup.tenant, found);
};

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

describe('attacks', () => {
  /** The answer to a login whose parts are wrong. */
  async function refused(reason: string | RegExp, at = 'house'): Promise<void> {
    provider.claims = person();
    const page = await logIn(setup.browser(), at);
    expect(page.status).toBe(400);
    expect(page.text).toContain('could not be accepted');
    expect(setup.events.at(-1)).toMatchObject({
      kind: 'login-failed',
      reason: expect.stringMatching(reason),
    });
    expect(await accountOf(provider.claims['sub'] as string)).toBeUndefined();
    setup.events.length = 0;
  }

  it('id_tokens that do not fit are refused (Core 3.1.3.7, 3.1.3.8)', async () => {
    const now = Math.floor(Date.now() / 1000);
    for (const [changes, reason] of [
      [{ iss: 'https://evil.example.org' }, /^iss /],
      [{ iss: `${provider.issuer}/` }, /^iss /],
      [{ aud: 'another' }, /^aud /],
      [{ aud: [CLIENT, 'another'] }, /^aud /],
      [{ azp: 'another' }, /^azp /],
      [{ exp: now - 120 }, /has expired/],
      [{ exp: undefined }, /no exp/],
      [{ iat: undefined }, /^iat /],
      [{ iat: now + 300 }, /^iat /],
      [{ iat: now - 3600 }, /too old/],
      [{ nonce: randomUUID() }, /^nonce /],
      [{ nonce: undefined }, /^nonce /],
      [{ at_hash: 'AAAA' }, /^at_hash /],
      [{ sub: '' }, /sub/],
      [{ sub: undefined }, /sub/],
    ] as const) {
      provider.idToken = changes;
      await refused(reason);
    }
  });

  it('id_tokens signed by nothing, by the client secret, or by a key of somebody else are refused', async () => {
    provider.signing = {
      alg: 'HS256',
      kid: 'x',
      key: new TextEncoder().encode('client secret &'.padEnd(32, ' ')),
    };
    await refused(/algorithm/);
    const { privateKey } = await jose.generateKeyPair('RS256');
    provider.signing = { alg: 'RS256', kid: first.kid, key: privateKey };
    await refused(/signature/);
    provider.signing = { alg: 'RS256', kid: 'unknown', key: privateKey };
    await refused(/does not publish/);
    const { sign } = provider;
    provider.sign = async (claims) =>
      `${[{ alg: 'none' }, claims].map((each) => Buffer.from(JSON.stringify(each)).toString('base64url')).join('.')}.`;
    await refused(/algorithm/);
    provider.sign = sign;
  });

  it('answers of another server are refused (mix-up, RFC 9207)', async () => {
    provider.redirect = { iss: 'https://evil.example.org' };
    await refused(/another issuer/);
    provider.redirect = { iss: undefined };
    await refused(/another issuer/);
    provider.redirect = { code: undefined, error: 'access_denied' };
    await refused(/access_denied/);
  });

  it('a state is good once, for its browser and provider', async () => {
    provider.claims = person('sub-9');
    const browser = setup.browser();
    await openApp(setup, browser);
    const back = provider.visit(await pressProvider(browser, 'house')).href;
    // Login CSRF: somebody else's answer in this browser.
    expect((await setup.browser().get(back)).status).toBe(400);
    expect((await browser.get(back.replace('/house/', '/second/'))).status).toBe(400);
    expect((await browser.get(back.replace(/state=[^&]*/, 'state=x'))).status).toBe(400);
    expect((await browser.get(back)).text).toContain('Choose a patient');
    expect((await browser.get(back)).status).toBe(400);
  });

  it('no other site starts a login (CSRF), and none leads elsewhere', async () => {
    const browser = setup.browser();
    await openApp(setup, browser);
    expect((await browser.open('POST', 'sso/start', 'provider=house')).status).toBe(403);
    const fields = browser.page && new URLSearchParams({ provider: 'house', request: 'x' });
    await openApp(setup, browser);
    fields?.set('csrf', browser.hidden('login').get('csrf') as string);
    expect((await browser.open('POST', 'sso/start', String(fields))).status).toBe(400);
    fields?.delete('request');
    fields?.set('confirm', 'https://evil.example.org');
    provider.claims = person('sub-10');
    await browser.open('POST', 'sso/start', String(fields));
    const url = /url=([^"]*)"/.exec(browser.page?.text ?? '')?.[1]?.replaceAll('&amp;', '&') as string;
    const page = await browser.get(provider.visit(new URL(url)).href);
    expect(page.status).toBe(200);
    expect(page.text).toContain('Your account');
  });
});

describe('the provider', () => {
  it('may have new keys: an unknown one is looked up again, but not at each try', async () => {
    const other = await startProvider(CLIENT);
    providers.set('keys', other);
    await register('keys', {}, other);
    other.claims = person('keys-1');
    expect((await logIn(setup.browser(), 'keys', other)).text).toContain('Choose a patient');
    const before = other.hits['/jwks'] as number;
    const { privateKey } = await jose.generateKeyPair('ES256');
    other.signing = { alg: 'ES256', kid: 'nobody', key: privateKey };
    for (let i = 0; i < 3; i++) expect((await logIn(setup.browser(), 'keys', other)).status).toBe(400);
    expect((other.hits['/jwks'] as number) - before).toBeLessThanOrEqual(1);
    expect(other.hits['/.well-known/openid-configuration']).toBe(1);
  });

  it('is known by private_key_jwt of the tenant’s own keys, and asked for UserInfo of the same person', async () => {
    const other = await startProvider(CLIENT);
    providers.set('jwt', other);
    await register('jwt', { clientAuthentication: 'private_key_jwt', userinfo: true }, other);
    other.claims = { sub: 'jwt-1' };
    other.userinfo = person('jwt-1');
    expect((await logIn(setup.browser(), 'jwt', other)).text).toContain('Choose a patient');
    const { form } = other.tokenRequests.at(-1) as TestProvider['tokenRequests'][number];
    const keys = jose.createRemoteJWKSet(new URL(`${setup.url}/auth/test/jwks`));
    const { payload } = await jose.jwtVerify(form.get('client_assertion') as string, keys, {
      issuer: CLIENT,
      subject: CLIENT,
      audience: `${other.issuer}/token`,
      requiredClaims: ['exp', 'jti'],
    });
    expect((payload.exp as number) - (payload.iat as number)).toBe(60);
    expect(form.has('client_secret')).toBe(false);
    // Core 5.3.4
    other.userinfo = person('somebody-else');
    expect((await logIn(setup.browser(), 'jwt', other)).status).toBe(400);
  });

  it('is not used when its discovery document is another issuer’s, or cannot be had', async () => {
    const other = await startProvider(CLIENT);
    providers.set('evil', other);
    other.discovery = { issuer: provider.issuer };
    await register('evil', {}, other);
    await register('gone', { issuer: 'http://127.0.0.1:1' });
    for (const [id, status] of [
      ['evil', 400],
      ['gone', 502],
    ] as const) {
      const browser = setup.browser();
      await openApp(setup, browser);
      await expect(pressProvider(browser, id)).rejects.toThrow(`No way on in ${status}`);
    }
  });

  it('ends sessions by back-channel logout (Back-Channel Logout 1.0, 2.6), once', async () => {
    provider.claims = person('sub-11', { sid: 'session-11' });
    const browser = setup.browser();
    await logIn(browser);
    const logout = async (changes: Record<string, unknown> = {}, header = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const token = await provider.sign(
        {
          iss: provider.issuer,
          aud: CLIENT,
          iat: now,
          exp: now + 120,
          jti: randomUUID(),
          sid: 'session-11',
          events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
          ...changes,
        },
        { typ: 'logout+jwt', ...header },
      );
      return await send(token);
    };
    const send = async (token: string) =>
      (
        await fetch(`${setup.url}/auth/test/sso/house/backchannel-logout`, {
          method: 'POST',
          body: new URLSearchParams({ logout_token: token }),
        })
      ).status;
    for (const wrong of [
      { nonce: 'x' },
      { events: {} },
      { jti: undefined },
      { sid: undefined },
      { aud: 'another' },
      { exp: undefined },
      { iat: 1 },
    ]) {
      expect(await logout(wrong), JSON.stringify(wrong)).toBe(400);
    }
    expect(await logout({}, { typ: 'at+jwt' })).toBe(400);
    expect(await logout({ sid: 'another' })).toBe(200);
    expect((await browser.get('manage')).text).toContain('Your account');
    expect(await logout({ jti: 'once', sub: 'sub-11' })).toBe(200);
    expect(await logout({ jti: 'once', sub: 'sub-11' })).toBe(400);
    expect((await browser.get('manage')).text).not.toContain('Your account');
  });

  it('asks for proof anew where that is needed: prompt=login, max_age, and before sensitive changes', async () => {
    provider.claims = person('sub-12');
    const browser = setup.browser();
    await logIn(browser);
    const hourAgo = Math.floor(Date.now() / 1000) - 3600;
    await openApp(setup, browser, { prompt: 'login' });
    const url = await pressProvider(browser, 'house');
    expect(url.searchParams.get('prompt')).toBe('login');
    expect(url.searchParams.get('max_age')).toBe('0');
    provider.idToken = { auth_time: hourAgo };
    expect((await browser.get(provider.visit(url).href)).status).toBe(400);
    provider.idToken = {};
    await openApp(setup, browser, { prompt: 'login' });
    const page = await browser.get(provider.visit(await pressProvider(browser, 'house')).href);
    expect(page.text).toContain('Choose a patient');

    // A login that lies back: the provider says so, and it is not recent here either.
    provider.claims = person('sub-12', { auth_time: hourAgo });
    const later = setup.browser();
    await logIn(later);
    expect((await later.get('manage/totp')).text).toContain('Confirm that it is you');
    provider.claims = person('sub-12');
    const confirm = await pressProvider(later, 'house');
    expect(confirm.searchParams.get('prompt')).toBe('login');
    expect((await later.get(provider.visit(confirm).href)).text).toContain('Authenticator app');

    // Another person confirms nothing.
    provider.claims = person('sub-12', { auth_time: hourAgo });
    const mixed = setup.browser();
    await logIn(mixed);
    await mixed.get('manage/totp');
    const foreign = await pressProvider(mixed, 'house');
    provider.claims = person('sub-13');
    expect((await mixed.get(provider.visit(foreign).href)).status).toBe(400);
  });
});

it('the code challenge is the hash of a verifier that only this server has (RFC 7636)', async () => {
  provider.claims = person('sub-14');
  const browser = setup.browser();
  await openApp(setup, browser);
  const url = await pressProvider(browser, 'house');
  await browser.get(provider.visit(url).href);
  const { form } = provider.tokenRequests.at(-1) as TestProvider['tokenRequests'][number];
  const verifier = form.get('code_verifier') as string;
  expect(createHash('sha256').update(verifier).digest('base64url')).toBe(
    url.searchParams.get('code_challenge'),
  );
});
