import { generate } from 'otplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authorizeQuery,
  type Browser,
  PASSWORD,
  type PageAnswer,
  type PagesSetup,
  startPages,
} from './auth-pages-setup.ts';

let setup: PagesSetup;
beforeAll(async () => {
  setup = await startPages();
  await setup.client({ id: 'app' });
  await setup.account({ login: 'doctor' });
  await setup.account({ login: 'pat', role: 'patient', name: 'Ana Pérez', fhirUser: 'Patient/p1' });
});
afterAll(async () => {
  expect(setup?.errors).toEqual([]);
  await setup?.stop();
});

const authorize = (browser: Browser, changes: Record<string, string | undefined> = {}, client = 'app') =>
  browser.get(`authorize?${authorizeQuery(setup, client, changes)}`);

describe('what is wrong with a request', () => {
  const wrong: [string, Record<string, string | undefined>, string][] = [
    ['response_type missing', { response_type: undefined }, 'invalid_request'],
    ['response_type=token', { response_type: 'token' }, 'unsupported_response_type'],
    ['aud missing', { aud: undefined }, 'invalid_request'],
    ['aud of another server', { aud: 'https://evil.example.org/fhir/test' }, 'invalid_request'],
    ['no scope', { scope: undefined }, 'invalid_scope'],
    ['unknown scopes only', { scope: 'everything' }, 'invalid_scope'],
    ['no PKCE', { code_challenge: undefined }, 'invalid_request'],
    ['blank PKCE', { code_challenge: '' }, 'invalid_request'],
    ['PKCE plain', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['PKCE without method, which means plain', { code_challenge_method: undefined }, 'invalid_request'],
    ['PKCE that is no hash', { code_challenge: 'short' }, 'invalid_request'],
    ['launch without its scope', { launch: 'x' }, 'invalid_request'],
    ['scope launch without launch', { scope: 'launch patient/Patient.rs' }, 'invalid_request'],
    ['unknown launch', { scope: 'launch patient/Patient.rs', launch: 'nonsense' }, 'invalid_request'],
    ['request object', { request: 'x.y.z' }, 'request_not_supported'],
    ['request_uri', { request_uri: 'https://x.example' }, 'request_uri_not_supported'],
    ['response_mode', { response_mode: 'fragment' }, 'invalid_request'],
    ['max_age', { max_age: '-1' }, 'invalid_request'],
    ['prompt', { prompt: 'create' }, 'invalid_request'],
  ];
  it.each(wrong)('is told to the app: %s', async (_name, changes, error) => {
    const answer = await setup.browser().raw('GET', `authorize?${authorizeQuery(setup, 'app', changes)}`);
    expect(answer.status).toBe(303);
    expect(answer.location?.origin).toBe('https://app.example.org');
    expect(answer.location?.searchParams.get('error')).toBe(error);
    expect(answer.location?.searchParams.get('state')).toBe('state "1" & more');
    expect(answer.location?.searchParams.has('code')).toBe(false);
  });

  it('is told to the app: a repeated parameter, a client of another grant type', async () => {
    const twice = await setup.browser().raw('GET', `authorize?${authorizeQuery(setup, 'app')}&scope=openid`);
    expect(twice.location?.searchParams.get('error')).toBe('invalid_request');
    await setup.client({ id: 'service', grantTypes: ['client_credentials'] });
    const service = await setup.browser().raw('GET', `authorize?${authorizeQuery(setup, 'service')}`);
    expect(service.location?.searchParams.get('error')).toBe('unauthorized_client');
  });

  it('accepts aud with a slash at its end', async () => {
    const page = await authorize(setup.browser(), { aud: `${setup.url}/fhir/test/` });
    expect(page.text).toContain('Sign in');
  });

  it.each([
    ['no client', { client_id: undefined }],
    ['unknown client', { client_id: 'nobody' }],
    ['no address', { redirect_uri: undefined }],
    ['another host', { redirect_uri: 'https://evil.example.org/' }],
    ['another query', { redirect_uri: 'https://app.example.org/callback' }],
    ['a longer path', { redirect_uri: 'https://app.example.org/callback?x=1/../../evil' }],
    ['user in front', { redirect_uri: 'https://app.example.org@evil.example.org/callback?x=1' }],
    ['other case', { redirect_uri: 'https://APP.example.org/callback?x=1' }],
    ['a script', { redirect_uri: 'javascript:alert(1)' }],
  ])('is shown and never redirected: %s (RFC 6749 4.1.2.1)', async (_name, changes) => {
    const answer = await setup.browser().raw('GET', `authorize?${authorizeQuery(setup, 'app', changes)}`);
    expect(answer.status).toBe(400);
    expect(answer.location).toBeUndefined();
    expect(answer.text).toContain('This did not work');
    expect(answer.text).not.toMatch(/href="https?:|action="https?:|javascript:alert/);
  });

  it('knows the clients of its own tenant only', async () => {
    const answer = await fetch(`${setup.url}/auth/other/authorize?${authorizeQuery(setup, 'app')}`, {
      redirect: 'manual',
    });
    expect(answer.status).toBe(400);
  });
});

describe('attacks', () => {
  it('forms without the browser’s token, or from elsewhere, are refused (CSRF)', async () => {
    const browser = setup.browser();
    await authorize(browser);
    const fields = browser.hidden('login');
    fields.set('login', 'doctor');
    fields.set('password', PASSWORD);
    const without = new URLSearchParams(fields);
    without.delete('csrf');
    expect((await browser.raw('POST', 'login', without.toString())).status).toBe(403);
    const other = setup.browser();
    await other.get('login');
    expect((await other.raw('POST', 'login', fields.toString())).status).toBe(403);
    const crossSite = await browser.raw('POST', 'login', fields.toString(), {
      'Sec-Fetch-Site': 'cross-site',
    });
    expect(crossSite.status).toBe(403);
    const foreign = await browser.raw('POST', 'login', fields.toString(), {
      Origin: 'https://evil.example.org',
    });
    expect(foreign.status).toBe(403);
    expect((await browser.raw('POST', 'login', fields.toString(), { Origin: setup.url })).status).toBe(303);
  });

  it('a request that one browser has begun is not gone on with in another', async () => {
    const browser = setup.browser();
    await authorize(browser);
    const handle = browser.hidden('login').get('request') as string;
    const other = setup.browser();
    await other.get('login');
    expect((await other.get(`authorize/step?request=${handle}`)).status).toBe(400);
  });

  it('the session cookie is a new one after each login (session fixation), and HttpOnly', async () => {
    const browser = setup.browser();
    await browser.get('login');
    const planted = 'A'.repeat(43);
    browser.cookies.set('vesta-session-test', planted);
    const fields = browser.hidden('login');
    fields.set('login', 'doctor');
    fields.set('password', PASSWORD);
    const answer = await browser.raw('POST', 'login', fields.toString());
    const cookie = answer.headers.getSetCookie().find((each) => each.startsWith('vesta-session')) as string;
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Lax/);
    const first = browser.cookies.get('vesta-session-test');
    expect(first).not.toBe(planted);
    await authorize(browser, { prompt: 'login' });
    await browser.logIn('doctor');
    expect(browser.cookies.get('vesta-session-test')).not.toBe(first);
    const old = setup.browser();
    old.cookies.set('vesta-session-test', first as string);
    expect((await old.get('manage')).text).toContain('Sign in');
  });

  it('pages cannot be framed, stored or scripted', async () => {
    const browser = setup.browser();
    const page = await authorize(browser);
    const policy = page.headers.get('content-security-policy') as string;
    for (const part of [
      "default-src 'none'",
      "style-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ])
      expect(policy).toContain(part);
    expect(policy).not.toContain('unsafe-inline');
    expect(policy).toContain("form-action 'self' https://app.example.org");
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.text).not.toMatch(/ style=| on[a-z]+="/);
  });

  it('an answered request cannot be answered again', async () => {
    const browser = setup.browser();
    await authorize(browser, { prompt: 'consent' });
    await browser.logIn('pat');
    const fields = browser.hidden('authorize/consent');
    fields.set('decision', 'allow');
    const answers = await Promise.all(
      [1, 2, 3].map(() => browser.raw('POST', 'authorize/consent', fields.toString())),
    );
    const codes = answers.filter(({ location }) => location?.searchParams.has('code'));
    expect(codes).toHaveLength(1);
  });

  it('consent for one patient does not become consent for another', async () => {
    const browser = setup.browser();
    await authorize(browser);
    await browser.logIn('doctor');
    const picker = browser.page as PageAnswer;
    await browser.submit('authorize/patient', { patient: 'p1' });
    const consent = browser.hidden('authorize/consent');
    consent.set('decision', 'allow');
    browser.page = picker;
    await browser.submit('authorize/patient', { patient: 'p2' });
    const answer = await browser.open('POST', 'authorize/consent', consent.toString());
    expect(answer.location).toBeUndefined();
    expect(answer.text).toContain('Record of Bilal');
  });

  it('a consent form without login or patient skips nothing', async () => {
    const browser = setup.browser();
    await authorize(browser);
    const fields = browser.hidden('login');
    fields.set('decision', 'allow');
    fields.append('scope', 'patient/Patient.rs');
    expect((await browser.open('POST', 'authorize/consent', fields.toString())).text).toContain('Sign in');
    await browser.logIn('doctor');
    expect((await browser.open('POST', 'authorize/consent', fields.toString())).text).toContain(
      'Choose a patient',
    );
  });

  it('wrong password, unknown login, disabled account and locked login get the same answer', async () => {
    await setup
      .account({ login: 'gone' })
      .then(({ id }) => setup.people.accounts.setState(setup.tenant, id, 'disabled'));
    const plain = (page: PageAnswer, login: string) =>
      page.text
        .replaceAll(login, 'X')
        .replace(/value="[A-Za-z0-9_-]{43}"/g, '')
        .replace(/data-options="[^"]*"/, '');
    const answers: string[] = [];
    for (const [login, password] of [
      ['doctor', 'wrong'],
      ['unknown-login', 'wrong'],
      ['gone', PASSWORD],
    ] as const) {
      const browser = setup.browser();
      await browser.get('login');
      const page = await browser.logIn(login, password);
      expect(page.status).toBe(400);
      answers.push(plain(page, login));
    }
    expect(new Set(answers).size).toBe(1);
  });

  it('too many failures make even the right password wait, whether there is such a login or not', async () => {
    await setup.account({ login: 'victim' });
    const browser = setup.browser();
    await browser.get('login');
    for (let at = 0; at < 5; at++) await browser.logIn('victim', 'wrong');
    const page = await browser.logIn('VICTIM');
    expect(page.status).toBe(400);
    expect(setup.events.at(-1)).toMatchObject({ kind: 'login-throttled' });
    for (let at = 0; at < 6; at++) await browser.logIn('nobody-here', 'wrong');
    expect(setup.events.at(-1)).toMatchObject({ kind: 'login-throttled' });
  });

  it('tries at the same time do not slip through together', async () => {
    await setup.account({ login: 'rush' });
    const browser = setup.browser();
    await browser.get('login');
    const fields = browser.hidden('login');
    fields.set('login', 'rush');
    fields.set('password', 'wrong');
    const before = setup.events.length;
    await Promise.all(Array.from({ length: 12 }, () => browser.raw('POST', 'login', fields.toString())));
    const kinds = setup.events.slice(before).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'login-failed')).toHaveLength(5);
    expect(kinds.filter((kind) => kind === 'login-throttled')).toHaveLength(7);
  });
});

describe('second factors', () => {
  it('a role that needs one sets it up at login; then it is asked for, each code once', async () => {
    const account = await setup.account({ login: 'boss', role: 'org_admin' });
    const browser = setup.browser();
    await authorize(browser, { scope: 'openid fhirUser user/Patient.rs' });
    const enrol = await browser.logIn('boss');
    expect(enrol.text).toContain('Set up a second step');
    // Not logged in yet.
    expect((await browser.raw('GET', 'manage')).status).toBe(303);
    const seed = /class="seed"[^>]*>([A-Z2-7 ]+)</.exec(enrol.text)?.[1]?.replace(/ /g, '') as string;
    expect((await browser.submit('login/enrol', { code: '000000' })).status).toBe(400);
    const code = await generate({ secret: seed });
    const codes = await browser.submit('login/enrol', { code });
    const recovery = [...codes.text.matchAll(/<li>([A-Z2-9-]{14})<\/li>/g)].map(([, each]) => each as string);
    expect(recovery).toHaveLength(10);
    const onward = /class="button" href="([^"]+)"/.exec(codes.text)?.[1] as string;
    expect((await browser.get(`${setup.url}${onward}`)).text).toContain('Allow Example');
    // The seed is sealed at rest.
    const stored = await setup.people.connections.within(setup.tenant, 'read', (connection) =>
      connection.query({ text: 'select sealed_mfa from tenant.account where id = $1', values: [account.id] }),
    );
    const sealed = stored.rows[0]?.[0];
    expect(Buffer.isBuffer(sealed) && sealed.toString('latin1')).not.toContain(seed);

    const next = setup.browser();
    await authorize(next, { scope: 'user/Patient.rs' });
    const before = setup.events.length;
    expect((await next.logIn('boss')).text).toContain('Second step');
    expect(setup.events.slice(before).some(({ kind }) => kind === 'login')).toBe(false);
    expect((await next.raw('GET', 'manage')).status).toBe(303);
    // The code that was used to set it up is not good again (RFC 6238 5.2).
    expect((await next.submit('login/second-factor', { code })).status).toBe(400);
    expect(
      (await next.submit('login/second-factor', { code: (recovery[0] as string).toLowerCase() })).text,
    ).toContain('Allow Example');
    expect(setup.letters.at(-1)).toMatchObject({ kind: 'recovery-used', left: 9 });
    const third = setup.browser();
    await third.get('login');
    await third.logIn('boss');
    expect((await third.submit('login/second-factor', { code: recovery[0] as string })).status).toBe(400);
  });

  it('guesses are slowed down', async () => {
    const account = await setup.account({ login: 'guessed' });
    await setup.people.accounts.setFactors(setup.tenant, account.id, {
      totp: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
    });
    const browser = setup.browser();
    await browser.get('login');
    await browser.logIn('guessed');
    for (let at = 0; at < 5; at++) await browser.submit('login/second-factor', { code: '123' });
    const code = await generate({ secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' });
    expect((await browser.submit('login/second-factor', { code })).status).toBe(400);
  });
});
