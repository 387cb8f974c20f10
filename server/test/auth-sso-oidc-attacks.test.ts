import { createHash, randomUUID } from 'node:crypto';
import * as jose from 'jose';
import { describe, expect, it } from 'vitest';
import type { TestProvider } from './oidc-provider.ts';
import { openApp, pressProvider } from './sso-browser.ts';
import {
  accountOf,
  CLIENT,
  logIn,
  person,
  provider,
  register,
  setup,
  signing,
  useOidcProvider,
} from './sso-oidc-support.ts';

useOidcProvider();

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
    provider.signing = { alg: 'RS256', kid: signing.kid, key: privateKey };
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
    await register('second');
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
