import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { checkProvider } from '../src/auth/sso/provider.ts';
import { type Browser, type PagesSetup, startPages } from './auth-pages-setup.ts';
import { startProvider, type TestProvider } from './oidc-provider.ts';
import { openApp, pressProvider } from './sso-browser.ts';

export const CLIENT = 'vesta-test';
export let setup: PagesSetup;
/** The provider that is registered as `house`. */
export let provider: TestProvider;
/** What the provider signs with at the beginning of each test. */
export let signing: TestProvider['signing'];
/** Further ones that tests have started, to be stopped after them. */
export const providers = new Map<string, TestProvider>();

/** Registers the test's provider under an id. */
export async function register(
  id: string,
  changes: Record<string, unknown> = {},
  at = provider,
): Promise<void> {
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

/** Starts a server and a provider before the tests of a file, and stops them after them. */
export function useOidcProvider(): void {
  beforeAll(async () => {
    setup = await startPages();
    await setup.client({ id: 'app' });
    provider = await startProvider(CLIENT);
    signing = provider.signing;
    await register('house');
  });
  afterAll(async () => {
    expect(setup?.errors).toEqual([]);
    await provider?.stop();
    for (const each of providers.values()) await each.stop();
    providers.clear();
    await setup?.stop();
  });
  afterEach(() => {
    Object.assign(provider, { idToken: {}, redirect: {}, discovery: {}, userinfo: {}, signing });
    setup.events.length = 0;
  });
}

/** Claims of somebody whom a role is mapped to. */
export const person = (sub: string = randomUUID(), more: Record<string, unknown> = {}) => ({
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
export async function logIn(browser: Browser, id = 'house', at = provider) {
  await openApp(setup, browser);
  return await browser.get(at.visit(await pressProvider(browser, id)).href);
}

/** The account that a subject of a provider is linked to. */
export const accountOf = async (sub: string, id = 'house') => {
  const found = await setup.people.sso.identities.accountOf(setup.tenant, id, `${provider.issuer} ${sub}`);
  return found === undefined ? undefined : await setup.people.accounts.find(setup.tenant, found);
};
