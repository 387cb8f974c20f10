import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sso } from '../src/cli/sso.ts';
import { newMasterKey } from '../src/security/keys/master-key.ts';
import { type PagesSetup, startPages } from './auth-pages-setup.ts';
import { hasOpenssl, newKeyPair } from './saml-provider.ts';

let setup: PagesSetup;
const folder = mkdtempSync(join(tmpdir(), 'vesta-sso-'));
const lines: string[] = [];
beforeAll(async () => {
  setup = await startPages();
  vi.stubEnv('DATABASE_URL', setup.database.ownerUrl);
  vi.stubEnv('BASE_URL', setup.url);
  vi.stubEnv('VESTA_MASTER_KEY', newMasterKey().key.toString('hex'));
  for (const name of ['log', 'error'] as const)
    vi.spyOn(console, name).mockImplementation((line: string) => void lines.push(line));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
  await setup?.stop();
});

const run = async (...args: string[]) => {
  lines.length = 0;
  return await sso.run([...args, '--tenant', 'test']);
};

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const HOUSE = {
  kind: 'oidc',
  id: 'house',
  name: 'House',
  issuer: 'https://id.example.org',
  clientId: 'vesta',
  roles: [{ claim: 'groups', value: 'doctors', role: 'attending' }],
};

describe('vesta sso', () => {
  it('adds, shows, lists, replaces and removes a provider; its secret is stored sealed', async () => {
    const secret = file('secret', 'very-secret\n');
    expect(await run('add', file('house.json', HOUSE), '--secret', secret)).toBe(0);
    expect(lines[0]).toContain(`${setup.url}/auth/test/sso/house/callback`);
    expect(await run('add', file('house.json', HOUSE), '--secret', secret)).toBe(1);
    const { rows } = await setup.people.connections.within(setup.tenant, 'read', (connection) =>
      connection.query({
        text: 'select sealed_secret from tenant.identity_provider where tenant_id = $1',
        values: [setup.tenant.id],
      }),
    );
    const [[sealed]] = rows as [[Buffer]];
    expect(sealed.toString('latin1')).not.toContain('very-secret');
    expect(await run('list')).toBe(0);
    expect(lines.join()).toContain('https://id.example.org');
    expect(await run('show', 'house')).toBe(0);
    expect(lines.join()).not.toContain('very-secret');
    expect(await run('replace', file('new.json', { ...HOUSE, name: 'New name' }))).toBe(0);
    expect((await setup.people.sso.providers.find(setup.tenant, 'house'))?.name).toBe('New name');
    // Its people would be others under the same links.
    expect(await run('replace', file('other.json', { ...HOUSE, issuer: 'https://other.example.org' }))).toBe(
      1,
    );
    const browser = setup.browser();
    expect((await browser.get('login')).text).toContain('Sign in with New name');
    expect(await run('remove', 'house')).toBe(0);
    expect((await browser.get('login')).text).not.toContain('Sign in with');
    expect(await run('show', 'house')).toBe(1);
  });

  it('links and unlinks accounts', async () => {
    await run('add', file('house.json', HOUSE), '--secret', file('secret', 'x'));
    const account = await setup.account({ login: 'ada' });
    expect(await run('link', 'house', 'ada', '--subject', 'sub-1')).toBe(0);
    expect(await run('link', 'house', 'ada', '--subject', 'sub-1')).toBe(1);
    expect(await run('link', 'house', 'nobody', '--subject', 'sub-2')).toBe(1);
    const { identities } = setup.people.sso;
    expect(await identities.accountOf(setup.tenant, 'house', 'https://id.example.org sub-1')).toBe(
      account.id,
    );
    expect(await run('unlink', 'house', 'ada')).toBe(0);
    expect(await identities.ofAccount(setup.tenant, account.id)).toEqual([]);
  });

  it.skipIf(!hasOpenssl)(
    'takes entity id, address and certificates of a SAML provider from its metadata',
    async () => {
      const { key, certificate } = newKeyPair();
      const metadata = `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:idp"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>${certificate.replace(/-----.*?-----/g, '')}</X509Certificate></X509Data></KeyInfo></KeyDescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example.org/sso"/></IDPSSODescriptor></EntityDescriptor>`;
      const { issuer: _issuer, clientId: _clientId, ...rest } = HOUSE;
      const described = { ...rest, kind: 'saml', id: 'clinic', signingCertificate: certificate };
      const files = ['--metadata', file('idp.xml', metadata), '--secret', file('key.pem', key)];
      expect(await run('add', file('clinic.json', described), ...files)).toBe(0);
      expect(await setup.people.sso.providers.find(setup.tenant, 'clinic')).toMatchObject({
        entityId: 'urn:idp',
        ssoUrl: 'https://idp.example.org/sso',
      });
      const weak = {
        ...described,
        id: 'weak',
        entityId: 'x',
        ssoUrl: 'https://x.org',
        certificates: [newKeyPair(1024).certificate],
      };
      await expect(run('add', file('weak.json', weak))).rejects.toThrow('2048');
    },
  );

  it('refuses wrong command lines and descriptions, naming what is wrong', async () => {
    for (const [args, message] of [
      [['add', file('x.json', 'no json')], 'not JSON'],
      [['add', join(folder, 'none')], 'cannot be read'],
      [['add', file('y.json', { ...HOUSE, issuer: 'http://id.example.org' })], 'issuer'],
      [['add', file('z.json', { ...HOUSE, id: 'z' })], '--secret is missing'],
      [['add'], 'missing'],
      [['grow'], 'not add'],
      [['list', 'x'], 'one too many'],
      [['link', 'house', 'ada'], '--subject'],
      [['remove', 'house', '--secret', 'x'], '--secret'],
    ] as const) {
      await expect(run(...args), args.join(' ')).rejects.toThrow(message);
    }
  });
});
