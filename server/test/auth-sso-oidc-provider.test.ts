import { randomUUID } from 'node:crypto';
import * as jose from 'jose';
import { describe, expect, it } from 'vitest';
import { startProvider, type TestProvider } from './oidc-provider.ts';
import { openApp, pressProvider } from './sso-browser.ts';
import {
  CLIENT,
  logIn,
  person,
  provider,
  providers,
  register,
  setup,
  useOidcProvider,
} from './sso-oidc-support.ts';

useOidcProvider();

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
