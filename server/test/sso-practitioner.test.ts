import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkProvider } from '../src/auth/sso/provider.ts';
import { StoredIdentities } from '../src/storage/auth/identities.ts';
import { StoredIdentityProviders } from '../src/storage/auth/identity-providers.ts';
import { Browser } from './auth-pages-setup.ts';
import { startProvider, type TestProvider } from './oidc-provider.ts';
import { type SmartServer, startSmartServer } from './smart-server.ts';
import { pressProvider } from './sso-browser.ts';

let server: SmartServer;
let provider: TestProvider;
const NPI = 'http://hl7.org/fhir/sid/us-npi';

beforeAll(async () => {
  [server, provider] = await Promise.all([startSmartServer(), startProvider('vesta')]);
  const { connections, secrets } = server.services;
  const described = checkProvider(
    {
      kind: 'oidc',
      id: 'house',
      name: 'House',
      issuer: provider.issuer,
      clientId: 'vesta',
      roles: [{ claim: 'sub', value: '*', role: 'nurse' }],
      claims: { practitioner: { claim: 'npi', system: NPI } },
      createAccounts: true,
    },
    { allowHttp: true },
  );
  await new StoredIdentityProviders(connections, secrets).add(server.tenant, described, 'secret');
  const identified = (id: string, value: string, more = {}) =>
    server.put({ resourceType: 'Practitioner', id, identifier: [{ system: NPI, value }], ...more });
  await identified('one', '1|,1');
  await identified('twin-a', '2');
  await identified('twin-b', '2');
  await identified('gone', '3', { active: false });
  await server.put({
    resourceType: 'Practitioner',
    id: 'other',
    identifier: [{ system: 'http://x.org', value: '4' }],
  });
});
afterAll(async () => {
  await provider?.stop();
  await server?.stop();
});

it('people stand for the one active Practitioner who has the identifier that the provider says', async () => {
  const { connections, accounts } = server.services;
  const identities = new StoredIdentities(connections);
  for (const [npi, fhirUser] of [
    ['1|,1', 'Practitioner/one'],
    ['2', undefined],
    ['3', undefined],
    ['4', undefined],
    ['5', undefined],
    [undefined, undefined],
  ] as const) {
    provider.claims = { sub: `sub-${npi}`, preferred_username: `login-${npi}`.replace(/\W/g, ''), npi };
    const browser = new Browser(server.issuer);
    await browser.get('login');
    const page = await browser.get(provider.visit(await pressProvider(browser, 'house')).href);
    expect(page.text).toContain('Your account');
    const id = await identities.accountOf(server.tenant, 'house', `${provider.issuer} sub-${npi}`);
    expect((await accounts.find(server.tenant, id as string))?.fhirUser, npi).toBe(fhirUser);
  }
});
