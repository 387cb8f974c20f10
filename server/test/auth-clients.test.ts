import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as jose from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ASSERTION_TYPE } from '../src/auth/clients/authenticate.ts';
import type { Client } from '../src/auth/clients/client.ts';
import { newSecret } from '../src/auth/hash.ts';
import {
  type AuthServer,
  assertionClaims,
  authorize,
  basic,
  type ClientKey,
  clientKey,
  exchangeFields,
  type Fields,
  startAuthServer,
} from './auth-server.ts';
import type { Answer } from './harness.ts';

let server: AuthServer;
let key: ClientKey;
/** Serves a JWK set that tests change, and counts the fetches. */
let keyServer: Server;
let keyUrl: string;
const published = { body: '', status: 200, headers: {} as Record<string, string>, fetches: 0 };

beforeAll(async () => {
  server = await startAuthServer();
  key = await clientKey('ES384');
  keyServer = createServer((_request, response) => {
    published.fetches++;
    response.writeHead(published.status, published.headers).end(published.body);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => keyServer.once('listening', resolve));
  keyUrl = `http://127.0.0.1:${(keyServer.address() as AddressInfo).port}`;
});
afterAll(async () => {
  keyServer?.close();
  await server?.close();
});
afterEach(() => expect(server.errors).toEqual([]));

const backend = (keys: object[] = [key.publicJwk], more: Partial<Client> = {}): Promise<Client> =>
  server.client({
    kind: 'confidential-asymmetric',
    redirectUris: [],
    grantTypes: ['client_credentials'],
    scopes: 'system/Patient.rs system/Observation.rs system/Group.read',
    jwks: { keys: keys as never },
    ...more,
  });
const credentials = (assertion: string, more: Fields = {}): Promise<Answer> =>
  server.form('/token', {
    grant_type: 'client_credentials',
    scope: 'system/Patient.rs',
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: assertion,
    ...more,
  });
const refusal = (answer: Answer) => [answer.status, answer.json.error];

describe('public and symmetric clients (RFC 6749 2.3, 5.2)', () => {
  const exchange = async (client: Client, more: Fields = {}, headers = {}): Promise<Answer> => {
    const { code, verifier } = await authorize(server, { clientId: client.id });
    return await server.form('/token', { ...exchangeFields(client.id, code, verifier), ...more }, headers);
  };

  it('a secret is taken from Authorization: Basic and from the form', async () => {
    const secret = 'a secret with : + and ü, form-encoded';
    const client = await server.client({ kind: 'confidential-symmetric', secret });
    const none = { client_id: undefined };
    expect((await exchange(client, none, basic(client.id, secret))).status).toBe(200);
    expect((await exchange(client, { client_secret: secret })).status).toBe(200);
  });

  it('a wrong or missing secret is 401 invalid_client; with Basic the answer names it', async () => {
    const client = await server.client({ kind: 'confidential-symmetric', secret: newSecret() });
    const wrong = await exchange(client, { client_id: undefined }, basic(client.id, 'wrong'));
    expect(refusal(wrong)).toEqual([401, 'invalid_client']);
    expect(wrong.header('www-authenticate')).toMatch(/^Basic /);
    const posted = await exchange(client, { client_secret: 'wrong' });
    expect(refusal(posted)).toEqual([401, 'invalid_client']);
    expect(posted.header('www-authenticate')).toBeNull();
    expect(refusal(await exchange(client))).toEqual([401, 'invalid_client']);
  });

  it('an unknown client, none at all, or one of another tenant is 401 invalid_client', async () => {
    const client = await server.client();
    expect(refusal(await exchange(client, { client_id: 'nobody' }))).toEqual([401, 'invalid_client']);
    expect(refusal(await exchange(client, { client_id: undefined }))).toEqual([401, 'invalid_client']);
    const elsewhere = { ...client, id: 'only-b' };
    await server.services.clients.create(server.b, elsewhere);
    expect(refusal(await exchange(client, { client_id: 'only-b' }))).toEqual([401, 'invalid_client']);
  });

  it('a public client that presents a secret, and an asymmetric one that does, are refused', async () => {
    expect(refusal(await exchange(await server.client(), { client_secret: 'x' }))).toEqual([
      401,
      'invalid_client',
    ]);
    const asymmetric = await backend([key.publicJwk], { grantTypes: ['authorization_code'] });
    expect(refusal(await exchange(asymmetric, { client_secret: 'x' }))).toEqual([401, 'invalid_client']);
    expect(refusal(await exchange(asymmetric))).toEqual([401, 'invalid_client']);
  });

  it('two ways at once, or two ids, are invalid_request', async () => {
    const secret = newSecret();
    const client = await server.client({ kind: 'confidential-symmetric', secret });
    const both = await exchange(client, { client_secret: secret }, basic(client.id, secret));
    expect(refusal(both)).toEqual([400, 'invalid_request']);
    const ids = await exchange(client, { client_id: 'other' }, basic(client.id, secret));
    expect(refusal(ids)).toEqual([400, 'invalid_request']);
  });

  it('Basic that is no Basic is 401', async () => {
    const client = await server.client();
    for (const value of ['Basic', 'Basic !!!', 'Basic JTpB']) {
      const answer = await exchange(client, { client_id: undefined }, { Authorization: value });
      expect(answer.status).toBe(401);
    }
  });

  it('a deleted client is unknown, its tokens end, and nobody has agreed to it any more', async () => {
    const client = await server.client();
    const { json } = await exchange(client);
    expect(await server.services.verifier.verify(server.a, json.access_token)).toBeDefined();
    const decisions = 'select from store.consent_decision where client_id = $1';
    await server.sql(
      `insert into store.consent_decision (tenant_id, account_id, client_id, scopes, decided, expires)
        values ($1, gen_random_uuid(), $2, 'openid', 1, 1)`,
      [server.a.id, client.id],
    );
    expect(await server.services.clients.delete(server.a, client.id)).toBe(true);
    expect(await server.services.verifier.verify(server.a, json.access_token)).toBeUndefined();
    expect(await server.sql(decisions, [client.id])).toEqual([]);
    expect(await server.services.clients.delete(server.a, client.id)).toBe(false);
  });
});

describe('backend services (SMART App Launch 2.2; RFC 6749 4.4)', () => {
  it.each(['RS384', 'ES384'] as const)(
    '%s: the scopes that were asked for and are registered, exactly',
    async (algorithm) => {
      const own = await clientKey(algorithm);
      const client = await backend([own.publicJwk]);
      const scope = 'system/Patient.read system/Group.rs system/Condition.rs user/Patient.rs launch';
      const answer = await credentials(await own.assertion(assertionClaims(server, client.id)), { scope });
      expect(answer.status).toBe(200);
      expect(answer.header('cache-control')).toBe('no-store');
      expect(answer.header('pragma')).toBe('no-cache');
      const { access_token, ...rest } = answer.json;
      expect(rest).toEqual({
        token_type: 'Bearer',
        expires_in: 300,
        scope: 'system/Patient.read system/Group.rs',
      });
      const token = await server.services.verifier.verify(server.a, access_token);
      expect(token).toMatchObject({ clientId: client.id, subject: client.id, scopes: rest.scope });
      expect(token).not.toHaveProperty('role');
      await server.services.clients.delete(server.a, client.id);
      expect(await server.services.verifier.verify(server.a, access_token)).toBeUndefined();
    },
  );

  it('nothing that is registered, or no scope, is invalid_scope', async () => {
    const client = await backend();
    for (const scope of ['system/Condition.rs', 'patient/Patient.rs', undefined]) {
      const answer = await credentials(await key.assertion(assertionClaims(server, client.id)), { scope });
      expect(refusal(answer)).toEqual([400, 'invalid_scope']);
    }
  });

  it('is for clients with a key, whatever they are registered for', async () => {
    const secret = newSecret();
    const client = await server.client({
      kind: 'confidential-symmetric',
      secret,
      grantTypes: ['client_credentials'],
      scopes: 'system/*.rs',
    });
    const answer = await server.form(
      '/token',
      { grant_type: 'client_credentials', scope: 'system/*.rs' },
      basic(client.id, secret),
    );
    expect(refusal(answer)).toEqual([400, 'unauthorized_client']);
  });

  it('a wrong grant_type or client_assertion_type is 400', async () => {
    const client = await backend();
    const claims = () => key.assertion(assertionClaims(server, client.id));
    expect(refusal(await credentials(await claims(), { grant_type: 'not_a_grant_type' }))).toEqual([
      400,
      'unsupported_grant_type',
    ]);
    expect(
      refusal(await credentials(await claims(), { client_assertion_type: 'not_an_assertion_type' })),
    ).toEqual([400, 'invalid_request']);
  });
});

describe('private_key_jwt (RFC 7523 3; SMART App Launch 2.2)', () => {
  let client: Client;
  beforeAll(async () => {
    client = await backend();
  });
  const now = () => Math.floor(Date.now() / 1000);

  it.each<[string, () => Record<string, unknown>]>([
    ['iss of another', () => ({ iss: 'other' })],
    ['sub of another', () => ({ sub: 'other' })],
    ['iss and sub that nobody has', () => ({ iss: 'nobody', sub: 'nobody' })],
    ['an aud of somebody else', () => ({ aud: 'https://elsewhere.example.org/token' })],
    ['an aud that is the FHIR base', () => ({ aud: server.fhir })],
    [
      'an aud of ours and of others',
      () => ({ aud: [`${server.issuer}/token`, 'https://elsewhere.example.org'] }),
    ],
    ['no aud', () => ({ aud: undefined })],
    ['an exp in the past', () => ({ exp: now() - 60 })],
    ['an exp more than five minutes ahead', () => ({ exp: now() + 600 })],
    ['no exp', () => ({ exp: undefined })],
    ['an nbf in the future', () => ({ nbf: now() + 200 })],
    ['no jti', () => ({ jti: undefined })],
    ['a jti that is no text', () => ({ jti: 7 })],
  ])('%s is 401 invalid_client', async (_name, wrong) => {
    const assertion = await key.assertion({ ...assertionClaims(server, client.id), ...wrong() });
    expect(refusal(await credentials(assertion))).toEqual([401, 'invalid_client']);
  });

  it('the issuer is an audience too, and a list of ours', async () => {
    for (const aud of [server.issuer, [`${server.issuer}/token`, server.issuer]]) {
      const assertion = await key.assertion({ ...assertionClaims(server, client.id), aud });
      expect((await credentials(assertion)).status).toBe(200);
    }
  });

  it('a jti works once, at all processes together', async () => {
    const assertion = await key.assertion(assertionClaims(server, client.id));
    const answers = await Promise.all(Array.from({ length: 4 }, () => credentials(assertion)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(refusal(await credentials(assertion))).toEqual([401, 'invalid_client']);
  });

  it('the same jti of another client is another one', async () => {
    const other = await backend();
    const jti = 'same';
    for (const { id } of [client, other]) {
      const answer = await credentials(await key.assertion({ ...assertionClaims(server, id), jti }));
      expect(answer.status).toBe(200);
    }
  });

  it('a signature by another key, an unknown or missing kid, another alg, or none is refused', async () => {
    const claims = () => assertionClaims(server, client.id);
    const stranger = await clientKey('ES384', key.publicJwk.kid);
    const rsa = await clientKey('RS384', key.publicJwk.kid);
    const { privateKey } = await jose.generateKeyPair('RS256');
    const unsigned = new jose.UnsecuredJWT(claims()).encode();
    for (const assertion of [
      await stranger.assertion(claims()),
      await rsa.assertion(claims()),
      await key.assertion(claims(), { kid: 'unknown' }),
      await key.assertion(claims(), { kid: undefined }),
      await new jose.SignJWT(claims())
        .setProtectedHeader({ alg: 'RS256', kid: key.publicJwk.kid })
        .sign(privateKey),
      await new jose.SignJWT(claims())
        .setProtectedHeader({ alg: 'HS384', kid: key.publicJwk.kid })
        .sign(new TextEncoder().encode(JSON.stringify(key.publicJwk))),
      unsigned,
      'no.jwt.atall',
      'nonsense',
    ]) {
      expect(refusal(await credentials(assertion))).toEqual([401, 'invalid_client']);
    }
  });

  it('client_id may be given and must be the same', async () => {
    const claims = () => assertionClaims(server, client.id);
    expect((await credentials(await key.assertion(claims()), { client_id: client.id })).status).toBe(200);
    const wrong = await credentials(await key.assertion(claims()), { client_id: 'other' });
    expect(refusal(wrong)).toEqual([401, 'invalid_client']);
  });

  it('a jku that is not the registered jwks_uri is refused, and not fetched', async () => {
    published.fetches = 0;
    const assertion = await key.assertion(assertionClaims(server, client.id), { jku: `${keyUrl}/evil` });
    expect(refusal(await credentials(assertion))).toEqual([401, 'invalid_client']);
    expect(published.fetches).toBe(0);
  });
});

describe('keys by URL (SMART App Launch 2.2)', () => {
  const publish = (body: string, more: Partial<typeof published> = {}) =>
    Object.assign(published, { status: 200, headers: {}, fetches: 0 }, { body }, more);
  const byUrl = (path: string) =>
    server.client({
      kind: 'confidential-asymmetric',
      redirectUris: [],
      grantTypes: ['client_credentials'],
      scopes: 'system/Patient.rs',
      jwksUri: `${keyUrl}${path}`,
    });

  it('are fetched once and kept, and the jku may name them', async () => {
    publish(JSON.stringify({ keys: [key.publicJwk] }));
    const client = await byUrl('/kept');
    for (let i = 0; i < 3; i++) {
      const header = { jku: `${keyUrl}/kept` };
      const assertion = await key.assertion(assertionClaims(server, client.id), header);
      expect((await credentials(assertion)).status).toBe(200);
    }
    expect(published.fetches).toBe(1);
  });

  it('that are unknown are looked for again, but not by every request', async () => {
    publish(JSON.stringify({ keys: [] }));
    const client = await byUrl('/unknown');
    for (let i = 0; i < 3; i++) {
      const answer = await credentials(await key.assertion(assertionClaims(server, client.id)));
      expect(refusal(answer)).toEqual([401, 'invalid_client']);
    }
    expect(published.fetches).toBe(1);
  });

  it.each([
    ['an error', { status: 500, body: '{}' }],
    ['a redirect', { status: 302, headers: { Location: 'http://127.0.0.1:1/' }, body: '' }],
    ['no JSON', { body: '<html>' }],
    ['no key set', { body: '{"keys":7}' }],
    ['private keys', { body: '{"keys":[{"kty":"EC","d":"x"}]}' }],
    ['too large an answer', { body: ' '.repeat(300_000) }],
  ])('that come as %s are 401 invalid_client', async (name, answer) => {
    publish(answer.body, answer);
    const client = await byUrl(`/${name.replaceAll(' ', '-')}`);
    const refused = await credentials(await key.assertion(assertionClaims(server, client.id)));
    expect(refusal(refused)).toEqual([401, 'invalid_client']);
    expect(published.fetches).toBe(1);
  });

  it('are not fetched from private addresses by a server that faces the world', async () => {
    publish(JSON.stringify({ keys: [key.publicJwk] }));
    const strict = await startAuthServer({ allowPrivateAddresses: false });
    try {
      for (const jwksUri of [keyUrl, keyUrl.replace('http:', 'https:'), 'https://localhost/jwks']) {
        const client = await strict.client({
          kind: 'confidential-asymmetric',
          grantTypes: ['client_credentials'],
          scopes: 'system/Patient.rs',
          jwksUri,
        });
        const answer = await strict.form('/token', {
          grant_type: 'client_credentials',
          scope: 'system/Patient.rs',
          client_assertion_type: ASSERTION_TYPE,
          client_assertion: await key.assertion(assertionClaims(strict, client.id)),
        });
        expect(refusal(answer)).toEqual([401, 'invalid_client']);
        expect(answer.json.error_description).toMatch(/public|https/);
      }
      expect(published.fetches).toBe(0);
    } finally {
      await strict.close();
    }
  });
});
