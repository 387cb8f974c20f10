import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkProvider } from '../../src/auth/sso/provider.ts';
import { authorizeQuery, type PagesSetup, startPages } from '../auth-pages-setup.ts';
import { startProvider, type TestProvider } from '../oidc-provider.ts';
import {
  assertionXml,
  ENTITY,
  hasOpenssl,
  type KeyPair,
  newKeyPair,
  requestXml,
  responseXml,
  sign,
} from '../saml-provider.ts';
import { inWindow, launchChromium } from './chromium.ts';

/*
 * Logins at identity providers in a real browser without JavaScript. The providers are at 127.0.0.1 and Vesta is at
 * localhost: to the browser these are different sites, so that cookies with SameSite=Lax are where they are in life.
 */

const browser: Browser | undefined = await launchChromium();
let setup: PagesSetup;
let oidc: TestProvider;
let idp: KeyPair;
let saml: Server;

/** The SAML provider's page: it has a form for the way back. */
function samlPage(address: URL): string {
  const request = requestXml(address);
  const parts = { nameId: 'ada', attributes: { role: ['nurses'], login: ['saml-ada'] } };
  const assertion = assertionXml(request, `${setup.url}/auth/test/sso/clinic/metadata`, parts);
  const response = Buffer.from(responseXml(request, sign(assertion, 'Assertion', idp))).toString('base64');
  return `<!doctype html><title>Clinic</title><form method="post" action="${setup.url}/auth/test/sso/clinic/acs">
    <input type="hidden" name="SAMLResponse" value="${response}">
    <input type="hidden" name="RelayState" value="${address.searchParams.get('RelayState')}"><button>Go back</button></form>`;
}

beforeAll(async () => {
  if (browser === undefined || !hasOpenssl) return;
  [setup, oidc] = await Promise.all([startPages('localhost'), startProvider('vesta')]);
  await setup.client({ id: 'app' });
  idp = newKeyPair();
  saml = createServer((request, response) => {
    const address = new URL(request.url as string, 'http://127.0.0.1');
    // Browsers ask for an icon too.
    if (address.pathname !== '/sso') return response.writeHead(404).end();
    const page = samlPage(address);
    return response.writeHead(200, { 'Content-Type': 'text/html' }).end(page);
  });
  await new Promise<void>((resolve) => saml.listen(0, '127.0.0.1', resolve));
  const rules = {
    roles: [
      { claim: 'role', value: 'doctors', role: 'attending' },
      { claim: 'role', value: 'nurses', role: 'nurse' },
    ],
    createAccounts: true,
  };
  const { providers } = setup.people.sso;
  const house = {
    kind: 'oidc',
    id: 'house',
    name: 'House',
    issuer: oidc.issuer,
    clientId: 'vesta',
    ...rules,
  };
  await providers.add(setup.tenant, checkProvider(house, { allowHttp: true }), 'secret');
  const clinic = {
    kind: 'saml',
    id: 'clinic',
    name: 'Clinic',
    entityId: ENTITY,
    ssoUrl: `http://127.0.0.1:${(saml.address() as AddressInfo).port}/sso`,
    certificates: [idp.certificate],
    claims: { login: 'login' },
    ...rules,
  };
  await providers.add(setup.tenant, checkProvider(clinic, { allowHttp: true }), undefined);
});
afterAll(async () => {
  expect(setup?.errors ?? []).toEqual([]);
  await oidc?.stop();
  saml?.close();
  saml?.closeAllConnections();
  await setup?.stop();
});

const inPlainWindow = (work: Parameters<typeof inWindow>[2]) =>
  inWindow(browser, { javaScriptEnabled: false, locale: 'en-US' }, work);

describe.skipIf(browser === undefined || !hasOpenssl)('in Chromium, without JavaScript', () => {
  it('an app’s login goes to an OpenID Connect provider and back', () =>
    inPlainWindow(async (page) => {
      oidc.claims = { sub: 'ada', preferred_username: 'ada', role: 'doctors' };
      await page.goto(`${setup.url}/auth/test/authorize?${authorizeQuery(setup, 'app')}`);
      await page.getByRole('button', { name: 'Sign in with House' }).click();
      await page.getByRole('heading', { name: 'Choose a patient' }).waitFor();
      expect(new URL(page.url()).origin).toBe(setup.url);
    }));

  it('an app’s login goes to a SAML provider and back by its form, and the browser stays known', () =>
    inPlainWindow(async (page, window) => {
      await page.goto(`${setup.url}/auth/test/authorize?${authorizeQuery(setup, 'app')}`);
      const known = (await window.cookies(setup.url)).find(({ name }) => name.includes('browser'));
      expect(known?.sameSite).toBe('Lax');
      await page.getByRole('button', { name: 'Sign in with Clinic' }).click();
      await page.getByRole('button', { name: 'Go back' }).click();
      await page.getByRole('heading', { name: 'Choose a patient' }).waitFor();
      const after = (await window.cookies(setup.url)).find(({ name }) => name.includes('browser'));
      expect(after?.value).toBe(known?.value);
    }));
});
