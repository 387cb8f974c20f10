import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { ROLES } from '../access/policies/index.ts';
import type { Tenant } from '../access/scope.ts';
import { DEMO_PERSONS, type DemoAccount, ensureDemoAccounts } from '../auth/accounts/demo.ts';
import type { PublicJwk } from '../auth/clients/client.ts';
import { APP_CLIENTS, appClient, DEMO_CLIENTS, demoClient } from '../auth/clients/demo.ts';
import { urlsOf } from '../auth/urls.ts';
import type { Config } from '../config/config.ts';
import { typeCode } from '../conformance/resource-types.ts';
import { localWrapper } from '../security/keys/key-wrapper.ts';
import { KeyVault } from '../security/keys/vault.ts';
import { masterKeysOf } from '../security/settings.ts';
import { StoredAccounts } from '../storage/auth/accounts.ts';
import { StoredClients } from '../storage/auth/clients.ts';
import { ownerConnections } from '../storage/auth/owner.ts';
import type { Connections } from '../storage/connections.ts';
import { writeFileWhole } from '../storage/embedded/files.ts';
import { withOwner } from '../storage/prepare.ts';
import { configureWhereUnset } from '../storage/tenants.ts';
import { operatorToken } from './token.ts';

/** People of each kind who get accounts, besides those that are named. */
const MOST = 12;

/** File in the data directory with the private key of the demo service. */
const KEY_FILE = 'demo-service.key.json';

/** What this database has been given for the demo tenant, in store.setting. */
interface Given {
  /** See DemoSecrets.digests. */
  readonly passwords: Readonly<Record<string, string>>;
  /** Ids of clients; those that somebody has removed do not come back. */
  readonly clients: readonly string[];
}

/** What a tenant of the demo is given besides the apps of smart-apps/. */
export interface DemoGifts {
  /** Roles that get an account. */
  readonly roles: readonly string[];
  readonly services: readonly (typeof DEMO_CLIENTS)[number][];
  /** What is printed; by default everything that is there. */
  readonly lines?: (config: Config, tenant: Tenant, accounts: readonly DemoAccount[]) => string[];
}

const EVERYTHING: DemoGifts = { roles: ROLES, services: DEMO_CLIENTS };

/** The national authority's one account. */
export const NATIONAL_GIFTS: DemoGifts = {
  roles: ['national'],
  services: [],
  lines: ({ baseUrl }, tenant, accounts) => {
    const iss = encodeURIComponent(`${baseUrl}/fhir/${tenant.name}`);
    return [
      ...accounts.map(
        ({ login, password }) =>
          `The tenant ${tenant.name}, with what facilities report: log in as ${login} with ${password ?? 'its own password'} at`,
      ),
      `  ${baseUrl}/apps/national/launch.html?iss=${iss}`,
      `  ${baseUrl}/apps/ehr/launch.html?iss=${iss} (an EHR to open it from)`,
    ];
  },
};

/**
 * Gives the demo tenant an account for each role and a client of each kind, those that it lacks. Passwords and secrets are
 * of this installation: they follow from its keys and are known to nobody else (OWASP ASVS 5.0, 6.3.2). So that scripts
 * can log in, this tenant asks nobody for a second factor, unless it is configured to.
 * @param gifts what the tenant is given; by default all there is
 * @returns lines to print: logins with the passwords that still count, and clients
 */
export async function demoLogins(
  config: Config,
  ownerUrl: string,
  tenant: Tenant,
  { roles, services, lines }: DemoGifts = EVERYTHING,
): Promise<string[]> {
  return await withOwner(ownerUrl, async (owner) => {
    const connections = ownerConnections(owner);
    const vault = new KeyVault({ connections, wrapper: localWrapper(masterKeysOf(config)) });
    try {
      const secrets = await vault.secretBox();
      const given = await readGiven(owner, tenant);
      if (given === undefined) await configureWhereUnset(owner, tenant.name, { 'accounts.mfaRoles': 'none' });
      const digests = new Map(Object.entries(given?.passwords ?? {}));
      const accounts = await ensureDemoAccounts(
        new StoredAccounts(connections),
        tenant,
        await peopleOf(connections, tenant),
        roles,
        { bytesOf: (login) => secrets.derive('demo-password', `${tenant.id}/${login}`), digests },
      );
      const clients = new StoredClients(connections, () => {});
      const secret = secrets.derive('demo-client', `${tenant.id}`).toString('base64url');
      const missing = services.filter((id) => given?.clients.includes(id) !== true);
      for (const id of missing) {
        const key = id === 'demo-service' ? newServiceKey(config) : NO_KEY;
        await clients.create(tenant, demoClient(id, secret, key));
      }
      await ensureApps(config, clients, tenant, given?.clients ?? []);
      await noteGiven(owner, tenant, {
        passwords: Object.fromEntries(digests),
        clients: [...services, ...APP_CLIENTS],
      });
      if (lines !== undefined) return lines(config, tenant, accounts);
      return [
        ...(await appLines(config, clients, tenant)),
        ...accountLines(config, tenant, accounts),
        ...(await clientLines(config, clients, tenant, secret)),
      ];
    } finally {
      await vault.close();
    }
  });
}

/** A token to fill a tenant of the demo with: see {@link operatorToken}. */
export async function demoToken(config: Config, ownerUrl: string, tenant: Tenant): Promise<string> {
  return await withOwner(ownerUrl, (owner) => operatorToken(config, ownerConnections(owner), tenant));
}

/** Registers the apps of smart-apps/ where the server has them now: its address may not be the one of its last start. */
async function ensureApps(
  { baseUrl }: Config,
  clients: StoredClients,
  tenant: Tenant,
  given: readonly string[],
): Promise<void> {
  for (const id of APP_CLIENTS) {
    const app = appClient(id, baseUrl);
    const known = await clients.find(tenant, id);
    const isOld = known !== undefined && known.redirectUris[0] !== app.redirectUris[0];
    if (isOld) await clients.delete(tenant, id);
    if (isOld || !given.includes(id)) await clients.create(tenant, app);
  }
}

async function appLines({ baseUrl }: Config, clients: StoredClients, tenant: Tenant): Promise<string[]> {
  const there: (typeof APP_CLIENTS)[number][] = [];
  for (const id of APP_CLIENTS) if ((await clients.find(tenant, id)) !== undefined) there.push(id);
  return [
    `Apps for the browser, with the accounts below (an EHR to open them from: ${baseUrl}/apps/ehr/):`,
    ...there.map((id) => `  ${id.padEnd(18)}${appClient(id, baseUrl).redirectUris[0]}`),
  ];
}

const NO_KEY: PublicJwk = { kty: 'EC' };

const settingOf = (tenant: Tenant): string => `demo-logins:${tenant.id}`;

async function readGiven(owner: pg.Client, tenant: Tenant): Promise<Given | undefined> {
  const { rows } = await owner.query('select value from store.setting where name = $1', [settingOf(tenant)]);
  return rows[0] === undefined ? undefined : (JSON.parse(rows[0].value) as Given);
}

async function noteGiven(owner: pg.Client, tenant: Tenant, given: Given): Promise<void> {
  await owner.query(
    'insert into store.setting (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value',
    [settingOf(tenant), JSON.stringify(given)],
  );
}

async function peopleOf(connections: Connections, tenant: Tenant) {
  return {
    practitioners: await idsOf(connections, tenant, 'Practitioner'),
    patients: await idsOf(connections, tenant, 'Patient'),
    relatedPersons: await idsOf(connections, tenant, 'RelatedPerson'),
  };
}

/** Ids of a type: those that accounts are made for, and the newest ones. */
async function idsOf(connections: Connections, tenant: Tenant, type: string): Promise<string[]> {
  const { rows } = await connections.within(tenant, 'read', (connection) =>
    connection.query({
      text: `select id from store.resource where tenant_id = $1 and type = $2 and not deleted
        order by id = any($4) desc, rid desc limit $3`,
      values: [tenant.id, typeCode(type), MOST, DEMO_PERSONS],
    }),
  );
  return rows.map(([id]) => id as string);
}

/** Makes the key of the demo service, of which the private part lies in the data directory. @returns the public part */
function newServiceKey({ dataDirectory }: Config): PublicJwk {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const members = { kid: 'demo-service', alg: 'ES384', use: 'sig' };
  // With an external database nothing else may have made it yet.
  mkdirSync(dataDirectory, { recursive: true });
  writeFileWhole(
    join(dataDirectory, KEY_FILE),
    `${JSON.stringify({ keys: [{ ...privateKey.export({ format: 'jwk' }), ...members }] }, undefined, 2)}\n`,
    0o600,
  );
  return { ...publicKey.export({ format: 'jwk' }), ...members } as PublicJwk;
}

function accountLines(config: Config, tenant: Tenant, accounts: readonly DemoAccount[]): string[] {
  return [
    `Accounts of the tenant ${tenant.name}, to log in at ${urlsOf(config.baseUrl, tenant).issuer}/manage:`,
    ...accounts.map(({ login, password, fhirUser }) =>
      `  ${login.padEnd(18)}${(password ?? '(has a password of its own)').padEnd(28)}${fhirUser ?? ''}`.trimEnd(),
    ),
  ];
}

async function clientLines(
  config: Config,
  clients: StoredClients,
  tenant: Tenant,
  secret: string,
): Promise<string[]> {
  const keyFile = join(config.dataDirectory, KEY_FILE);
  const proofs = {
    'demo-app': 'public, with PKCE',
    'demo-ehr-app': `secret ${secret}`,
    'demo-service': existsSync(keyFile)
      ? `private key ${keyFile}`
      : 'its key was made elsewhere (vesta token --client demo-service)',
  };
  const lines: string[] = [];
  for (const id of DEMO_CLIENTS) {
    if ((await clients.find(tenant, id)) !== undefined) lines.push(`  ${id.padEnd(18)}${proofs[id]}`);
  }
  return lines.length === 0 ? [] : ['Its apps and services (more by npx vesta client create):', ...lines];
}
