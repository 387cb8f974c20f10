import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Tenant } from '../src/access/scope.ts';
import type { Account, NewAccount } from '../src/auth/accounts/account.ts';
import { hashPassword } from '../src/auth/accounts/password-hash.ts';
import type { NewClient } from '../src/auth/clients/client.ts';
import type { Mail } from '../src/auth/mail/mailer.ts';
import type { AuthServices } from '../src/auth/services.ts';
import { mintAccessToken } from '../src/auth/token/mint.ts';
import { inputFiles } from '../src/cli/loading/files.ts';
import type { AuthService } from '../src/http/auth-service.ts';
import { newMasterKey } from '../src/security/keys/master-key.ts';
import { type Harness, type HeaderMap, type Json, startHarness, type TestClient } from './harness.ts';
import { freePort } from './server-process.ts';

/** The password of every account of these tests. */
export const PASSWORD = 'Korridor-Zwetschge-7-lila';

const DEMO = fileURLToPath(new URL('../demo/us-core', import.meta.url));

/** The whole server with VESTA_AUTH=smart, at `http://localhost:port`, with the tenant `demo`. */
export interface SmartServer {
  readonly harness: Harness;
  /** `http://localhost:port` */
  readonly url: string;
  /** FHIR base of the tenant. */
  readonly fhir: string;
  /** Issuer of the tenant. */
  readonly issuer: string;
  readonly tenant: Tenant;
  readonly services: AuthServices;
  readonly api: TestClient;
  /** Header of a token that may do everything. */
  readonly admin: HeaderMap;
  /** What people were written. */
  readonly mails: Mail[];
  /** Registers a client: by default a public one for the redirect URI given. */
  client(client: Partial<NewClient> & Pick<NewClient, 'id'>): Promise<NewClient>;
  /** Makes an active account with {@link PASSWORD}; an attending by default. */
  account(account: Partial<NewAccount> & Pick<NewAccount, 'login'>): Promise<Account>;
  /** Stores a resource under its id. */
  put(resource: { resourceType: string; id: string; [element: string]: unknown }): Promise<Json>;
  stop(): Promise<void>;
}

export const ALL_SCOPES =
  'launch launch/patient launch/encounter openid fhirUser profile offline_access online_access patient/*.cruds user/*.cruds';

export interface SmartServerOptions {
  /** Whether the tenant holds server/demo/us-core. */
  readonly data?: boolean;
  /** Whose pages may frame the apps. */
  readonly appFrameAncestors?: readonly string[];
}

export async function startSmartServer({
  data = false,
  appFrameAncestors = [],
}: SmartServerOptions = {}): Promise<SmartServer> {
  const mails: Mail[] = [];
  const port = await freePort();
  const harness = await startHarness({
    tenants: ['demo', 'other'],
    service: {
      port,
      // Passkeys are for hosts with names.
      baseUrl: `http://localhost:${port}`,
      protection: { appFrameAncestors },
      auth: {
        masterKeys: { keys: [newMasterKey()], reload() {} },
        mail: async (mail) => void mails.push(mail),
        settings: { allowPrivateAddresses: true },
      },
    },
  });
  const { services } = harness.service.auth as AuthService;
  const tenant = (await services.findTenant('demo')) as Tenant;
  const { jwt } = await mintAccessToken(
    services,
    tenant,
    { grantId: randomUUID(), clientId: 'admin', subject: 'admin', scopes: 'system/*.cruds' },
    3600,
  );
  const admin = { Authorization: `Bearer ${jwt}` };
  const api = harness.client('demo');
  const server: SmartServer = {
    harness,
    url: harness.url,
    fhir: `${harness.url}/fhir/demo`,
    issuer: `${harness.url}/auth/demo`,
    tenant,
    services,
    api,
    admin,
    mails,
    async client(given) {
      const client: NewClient = {
        name: 'Example App',
        kind: 'public',
        redirectUris: [],
        scopes: ALL_SCOPES,
        grantTypes: ['authorization_code', 'refresh_token'],
        ...given,
      };
      if (!(await services.clients.create(tenant, client))) throw new Error(`${client.id} is taken`);
      return client;
    },
    async account(given) {
      const account = await services.accounts.create(tenant, {
        name: 'Dr Imogen Test',
        role: 'attending',
        passwordHash: await sharedHash(),
        ...given,
      });
      if (account === undefined) throw new Error(`${given.login} is taken`);
      return account;
    },
    async put(resource) {
      const answer = await api.put(`${resource.resourceType}/${resource.id}`, resource, admin);
      if (answer.status > 201) throw new Error(`${answer.status} ${answer.text}`);
      return answer.json;
    },
    stop: () => harness.stop(),
  };
  try {
    if (data) await load(server);
    return server;
  } catch (error) {
    await harness.stop();
    throw error;
  }
}

/** Sends the demo data's bundles in the order of `vesta load`. */
async function load({ api, admin }: SmartServer): Promise<void> {
  for (const { path } of inputFiles([DEMO])) {
    const answer = await api.post('', readFileSync(path, 'utf8'), admin);
    const statuses: string[] = (answer.json.entry ?? []).map(({ response }: Json) => response.status);
    const failed = statuses.filter((status) => !/^20[01]/.test(status));
    if (answer.status !== 200 || failed.length > 0) {
      throw new Error(`${path}: ${answer.status} ${failed.join()} ${answer.text.slice(0, 500)}`);
    }
  }
}

let hash: Promise<string> | undefined;
const sharedHash = () => (hash ??= hashPassword(PASSWORD));

/** PKCE of one authorization (RFC 7636). */
export function pkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}
