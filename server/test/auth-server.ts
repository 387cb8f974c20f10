import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import express from 'express';
import * as jose from 'jose';
import type { Tenant } from '../src/access/scope.ts';
import type { Client, NewClient } from '../src/auth/clients/client.ts';
import { authRouter } from '../src/auth/router.ts';
import { type AuthEnvironment, type AuthServices, createAuthServices } from '../src/auth/services.ts';
import type { AuthorizedRequest } from '../src/auth/token/codes.ts';
import { ConnectionPools } from '../src/storage/connections.ts';
import { withOwner } from '../src/storage/prepare.ts';
import { createTenant } from '../src/storage/tenants.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { type Answer, answerOf, type HeaderMap } from './harness.ts';

export type Fields = Readonly<Record<string, string | undefined>>;

/** The authorization server alone, over HTTP, on a database of its own with the tenants `a` and `b`. */
export interface AuthServer {
  readonly services: AuthServices;
  readonly database: TestDatabase;
  readonly baseUrl: string;
  readonly a: Tenant;
  readonly b: Tenant;
  /** `{baseUrl}/auth/a` */
  readonly issuer: string;
  /** `{baseUrl}/fhir/a` */
  readonly fhir: string;
  /** Errors that were not the client's; a test that expects one empties it. */
  readonly errors: unknown[];
  /** POSTs a form to an endpoint of tenant `a`; undefined fields are left out. */
  form(path: string, fields: Fields | string, headers?: HeaderMap): Promise<Answer>;
  request(method: string, path: string, body?: unknown, headers?: HeaderMap): Promise<Answer>;
  /** A further process on the same database, and the same keys. */
  another(): AuthServices;
  client(more?: Partial<NewClient>): Promise<Client>;
  /** An active account with a session. */
  person(more?: { role?: string; fhirUser?: string }): Promise<{ accountId: string; sessionId: string }>;
  /** Runs SQL as the owner. */
  sql(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

export const REDIRECT = 'https://app.example.org/callback';

/** A PKCE pair (RFC 7636). */
export function pkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

export async function startAuthServer(
  settings: Partial<AuthEnvironment['settings']> = {},
): Promise<AuthServer> {
  const database = await createTestDatabase();
  const [a, b] = await withOwner(database.ownerUrl, async (client) => [
    await createTenant(client, 'a'),
    await createTenant(client, 'b'),
  ]);
  const masterKey = randomBytes(32);
  const errors: unknown[] = [];
  const pools: ConnectionPools[] = [];
  const app = express();
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const make = (): AuthServices => {
    const connections = new ConnectionPools({
      connectionString: database.servingUrl,
      poolSizes: { read: 2, search: 1, write: 3 },
      statementTimeouts: { read: 10_000, search: 10_000, write: 0 },
      acquireTimeout: 5000,
    });
    pools.push(connections);
    return createAuthServices({
      settings: { baseUrl, allowPrivateAddresses: true, ...settings },
      connections,
      masterKey,
      findTenant: async (name) => [a, b].find((tenant) => tenant?.name === name),
      mayRead: async (_tenant, _token, reference) => !reference.endsWith('/hidden'),
      onError: (error) => errors.push(error),
    });
  };
  const services = make();
  app.use(authRouter(services));
  const tenantA = a as Tenant;
  const request: AuthServer['request'] = async (method, path, body, headers = {}) => {
    const answer = await fetch(path.startsWith('http') ? path : `${baseUrl}/auth/a${path}`, {
      method,
      headers,
      redirect: 'manual',
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return answerOf(
      answer.status,
      (name) => answer.headers.get(name),
      Buffer.from(await answer.arrayBuffer()),
    );
  };
  return {
    services,
    database,
    baseUrl,
    a: tenantA,
    b: b as Tenant,
    issuer: `${baseUrl}/auth/a`,
    fhir: `${baseUrl}/fhir/a`,
    errors,
    request,
    form: (path, fields, headers = {}) => {
      const text =
        typeof fields === 'string'
          ? fields
          : new URLSearchParams(
              Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined),
            ).toString();
      return request('POST', path, text, { 'Content-Type': 'application/x-www-form-urlencoded', ...headers });
    },
    another: make,
    client: async (more = {}) => {
      const client: NewClient = {
        id: randomUUID(),
        name: 'Test app',
        kind: 'public',
        redirectUris: [REDIRECT],
        scopes:
          'launch launch/patient openid fhirUser profile offline_access online_access patient/*.cruds user/*.cruds',
        grantTypes: ['authorization_code', 'refresh_token'],
        ...more,
      };
      await services.clients.create(tenantA, client);
      return (await services.clients.find(tenantA, client.id)) as Client;
    },
    person: async ({ role = 'attending', fhirUser = 'Practitioner/p1' } = {}) => {
      const accountId = randomUUID();
      const sessionId = randomUUID();
      const now = Date.now();
      await withOwner(database.ownerUrl, async (owner) => {
        await owner.query(
          `insert into store.account (tenant_id, id, login, name, role, fhir_user, created, updated)
            values ($1, $2, $3, 'Dr. Test', $4, $5, $6, $6)`,
          [tenantA.id, accountId, accountId, role, fhirUser, now],
        );
        await owner.query(
          `insert into store.account_session (tenant_id, id, token_hash, account_id, created, last_seen, expires, authenticated)
            values ($1, $2, $3, $4, $5, $5, $6, $5)`,
          [tenantA.id, sessionId, randomBytes(32), accountId, now, now + 3600_000],
        );
      });
      return { accountId, sessionId };
    },
    sql: (text, values = []) =>
      withOwner(database.ownerUrl, async (owner) => (await owner.query(text, values)).rows),
    close: async () => {
      await new Promise((resolve) => server.close(resolve));
      await Promise.all(pools.map((pool) => pool.close()));
      await database.drop();
    },
  };
}

/** What a person authorized, with the parts that tests vary. */
export type Authorization = Partial<AuthorizedRequest> & Pick<AuthorizedRequest, 'clientId'>;

/** A code as the authorize endpoint would issue it, and the verifier that goes with it. */
export async function authorize(
  server: AuthServer,
  authorization: Authorization,
): Promise<{ code: string; verifier: string; accountId: string; sessionId: string }> {
  const person =
    authorization.accountId === undefined
      ? await server.person()
      : { accountId: authorization.accountId, sessionId: authorization.sessionId ?? randomUUID() };
  const { verifier, challenge } = pkce();
  const code = await server.services.codes.issueCode(server.a, {
    redirectUri: REDIRECT,
    codeChallenge: challenge,
    scopes: 'openid fhirUser launch/patient offline_access patient/*.rs',
    role: 'attending',
    fhirUser: 'Practitioner/p1',
    patient: 'pat1',
    ...person,
    ...authorization,
  });
  return { code, verifier, ...person };
}

/** The fields of a public client's code exchange. */
export const exchangeFields = (clientId: string, code: string, verifier: string): Fields => ({
  grant_type: 'authorization_code',
  code,
  code_verifier: verifier,
  redirect_uri: REDIRECT,
  client_id: clientId,
});

/** Authorizes and exchanges the code: the tokens of a public client. */
export async function tokensOf(
  server: AuthServer,
  authorization: Authorization,
): Promise<Record<string, string> & { accountId: string; sessionId: string }> {
  const { code, verifier, ...person } = await authorize(server, authorization);
  const answer = await server.form('/token', exchangeFields(authorization.clientId, code, verifier));
  if (answer.status !== 200) throw new Error(`The exchange failed: ${answer.status} ${answer.text}`);
  return { ...answer.json, ...person };
}

export const basic = (id: string, secret: string): HeaderMap => ({
  Authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
});

export const bearer = (token: string): HeaderMap => ({ Authorization: `Bearer ${token}` });

/** A key pair of a client, and what it signs. */
export interface ClientKey {
  readonly publicJwk: jose.JWK & { kid: string; kty: string };
  /** A client assertion (RFC 7523); claims and header members that are given replace the right ones. */
  assertion(claims: Readonly<Record<string, unknown>>, header?: Record<string, unknown>): Promise<string>;
}

export async function clientKey(
  algorithm: 'RS384' | 'ES384' | 'ES256',
  kid: string = randomUUID(),
): Promise<ClientKey> {
  const { publicKey, privateKey } = await jose.generateKeyPair(algorithm, { extractable: true });
  return {
    publicJwk: { ...(await jose.exportJWK(publicKey)), kid } as ClientKey['publicJwk'],
    assertion: (claims, header = {}) =>
      new jose.SignJWT(claims)
        .setProtectedHeader({ alg: algorithm, kid, typ: 'JWT', ...header })
        .sign(privateKey),
  };
}

/** The claims of a good assertion of a client of tenant `a`. */
export function assertionClaims(server: AuthServer, clientId: string): jose.JWTPayload {
  return {
    iss: clientId,
    sub: clientId,
    aud: `${server.issuer}/token`,
    exp: Math.floor(Date.now() / 1000) + 240,
    jti: randomUUID(),
  };
}
