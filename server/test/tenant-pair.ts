import { randomUUID } from 'node:crypto';
import * as jose from 'jose';
import type { Tenant } from '../src/access/scope.ts';
import type { Account } from '../src/auth/accounts/account.ts';
import { hashPassword } from '../src/auth/accounts/password-hash.ts';
import type { PublicJwk } from '../src/auth/clients/client.ts';
import type { AuthServices } from '../src/auth/services.ts';
import { mintAccessToken } from '../src/auth/token/mint.ts';
import type { AuthService } from '../src/http/auth-service.ts';
import { newMasterKey } from '../src/security/keys/master-key.ts';
import { StoredSessions } from '../src/storage/auth/sessions.ts';
import { type Harness, type HeaderMap, type Json, startHarness, type TestClient } from './harness.ts';
import { pkce } from './smart-server.ts';

export const PAIR_PASSWORD = 'Korridor-Zwetschge-7-lila';
export const REDIRECT = 'https://app.example.org/callback';
const SCOPES =
  'launch launch/patient openid fhirUser offline_access online_access patient/*.cruds user/*.cruds system/*.cruds';

/** One of two tenants, with a person, clients and tokens of its own that carry the same names as the other's. */
export interface Side {
  readonly name: 'north' | 'south';
  readonly tenant: Tenant;
  readonly client: TestClient;
  readonly issuer: string;
  readonly account: Account;
  /** Value of the session cookie of `account`. */
  readonly cookie: string;
  readonly sessionId: string;
  /** Header of a token that may do everything in the tenant. */
  readonly admin: HeaderMap;
  /** A token of `account`, an attending. */
  readonly person: string;
  /** An authorization code of the client `app`, with its PKCE verifier. */
  code(): Promise<{ code: string; verifier: string }>;
  /** POSTs a form to an endpoint of the issuer. */
  form(path: string, fields: Readonly<Record<string, string>>, headers?: HeaderMap): Promise<FormAnswer>;
}

export interface FormAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Json;
}

export interface Pair {
  readonly harness: Harness;
  readonly services: AuthServices;
  readonly north: Side;
  readonly south: Side;
  /** An assertion of the client `service`, which both tenants know by the same id and key (RFC 7523). */
  assertion(audience: string, jti?: string): Promise<string>;
  stop(): Promise<void>;
}

/** A server with VESTA_AUTH=smart and two tenants whose accounts, clients and keys look alike. */
export async function startPair(): Promise<Pair> {
  const harness = await startHarness({
    tenants: ['north', 'south'],
    service: {
      auth: {
        masterKeys: { keys: [newMasterKey()], reload() {} },
        mail: async () => {},
        settings: { allowPrivateAddresses: true },
      },
    },
  });
  try {
    const { services } = harness.service.auth as AuthService;
    const { publicKey, privateKey } = await jose.generateKeyPair('ES384');
    const jwk = { ...(await jose.exportJWK(publicKey)), kid: '1', alg: 'ES384' } as PublicJwk;
    const passwordHash = await hashPassword(PAIR_PASSWORD);
    const side = (name: Side['name']) => makeSide(harness, services, name, jwk, passwordHash);
    return {
      harness,
      services,
      north: await side('north'),
      south: await side('south'),
      assertion: (audience, jti = randomUUID()) =>
        new jose.SignJWT({ jti })
          .setProtectedHeader({ alg: 'ES384', kid: '1', typ: 'JWT' })
          .setIssuer('service')
          .setSubject('service')
          .setAudience(audience)
          .setExpirationTime('2m')
          .sign(privateKey),
      stop: () => harness.stop(),
    };
  } catch (error) {
    await harness.stop();
    throw error;
  }
}

async function makeSide(
  harness: Harness,
  services: AuthServices,
  name: Side['name'],
  jwk: PublicJwk,
  passwordHash: string,
): Promise<Side> {
  const tenant = (await services.findTenant(name)) as Tenant;
  const issuer = `${harness.url}/auth/${name}`;
  const account = (await services.accounts.create(tenant, {
    login: 'doc',
    name: 'Dr Twin',
    role: 'attending',
    fhirUser: 'Practitioner/twin',
    passwordHash,
  })) as Account;
  const common = { redirectUris: [REDIRECT], scopes: SCOPES };
  const grantTypes = ['authorization_code', 'refresh_token'] as const;
  const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
  await services.clients.create(tenant, { ...common, id: 'app', name: 'App', kind: 'public', grantTypes });
  await services.clients.create(tenant, {
    ...common,
    id: 'agent',
    name: 'Agent',
    kind: 'confidential-symmetric',
    secret: 'secret',
    grantTypes: [...grantTypes, exchange],
  });
  await services.clients.create(tenant, {
    ...common,
    id: 'service',
    name: 'Service',
    kind: 'confidential-asymmetric',
    grantTypes: ['client_credentials'],
    jwks: { keys: [jwk] },
  });
  const session = await new StoredSessions(services.connections, () => {}).create(tenant, {
    accountId: account.id,
    expires: Date.now() + 3_600_000,
    methods: ['pwd'],
  });
  const minted = async (fields: object) =>
    (
      await mintAccessToken(
        services,
        tenant,
        { grantId: randomUUID(), clientId: 'app', subject: 'admin', scopes: '', ...fields },
        3600,
      )
    ).jwt;
  const granted = { role: 'attending', fhirUser: 'Practitioner/twin', patient: 'twin' };
  return {
    name,
    tenant,
    client: harness.client(name),
    issuer,
    account,
    cookie: session.token,
    sessionId: session.id,
    admin: { Authorization: `Bearer ${await minted({ scopes: 'system/*.cruds' })}` },
    person: await minted({ ...granted, subject: account.id, scopes: 'openid fhirUser user/*.cruds' }),
    async code() {
      const { verifier, challenge } = pkce();
      const code = await services.codes.issueCode(tenant, {
        ...granted,
        clientId: 'app',
        redirectUri: REDIRECT,
        codeChallenge: challenge,
        scopes: 'launch/patient offline_access patient/*.rs',
        accountId: account.id,
        sessionId: session.id,
      });
      return { code, verifier };
    },
    async form(path, fields, headers = {}) {
      const response = await fetch(`${issuer}/${path}`, {
        method: 'POST',
        redirect: 'manual',
        headers,
        body: new URLSearchParams(fields),
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') === true;
      return {
        status: response.status,
        headers: response.headers,
        text,
        json: isJson && text !== '' ? JSON.parse(text) : undefined,
      };
    },
  };
}
