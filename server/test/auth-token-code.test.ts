import * as jose from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newSecret } from '../src/auth/hash.ts';
import {
  type AuthServer,
  authorize,
  basic,
  exchangeFields,
  REDIRECT,
  startAuthServer,
  tokensOf,
} from './auth-server.ts';

let server: AuthServer;
beforeAll(async () => {
  server = await startAuthServer();
});
afterAll(() => server?.close());
afterEach(() => expect(server.errors).toEqual([]));

const verify = (token: string) => server.services.verifier.verify(server.a, token);

describe('the answer to a code (RFC 6749 5.1, SMART App Launch 2.2, CDS Hooks 2.0 Link)', () => {
  it('holds the token, its type and life, scope, context and the headers against caches', async () => {
    const client = await server.client();
    const { code, verifier } = await authorize(server, {
      clientId: client.id,
      scopes: 'launch openid fhirUser offline_access patient/*.rs',
      encounter: 'enc1',
      intent: 'order-review',
      appContext: '{"of":"a card"}',
      needPatientBanner: false,
      fhirContext: [{ reference: 'ImagingStudy/1' }],
    });
    const answer = await server.form('/token', exchangeFields(client.id, code, verifier));
    expect(answer.status).toBe(200);
    expect(answer.header('cache-control')).toBe('no-store');
    expect(answer.header('pragma')).toBe('no-cache');
    expect(answer.header('content-type')).toContain('application/json');
    expect(answer.header('access-control-allow-origin')).toBe('*');
    const { access_token, refresh_token, id_token, smart_style_url, ...rest } = answer.json;
    expect(rest).toEqual({
      token_type: 'Bearer',
      expires_in: 900,
      scope: 'launch openid fhirUser offline_access patient/*.rs',
      patient: 'pat1',
      encounter: 'enc1',
      intent: 'order-review',
      appContext: '{"of":"a card"}',
      need_patient_banner: false,
      fhirContext: [{ reference: 'ImagingStudy/1' }],
      tenant: 'a',
    });
    expect([access_token, refresh_token, id_token].every((token) => typeof token === 'string')).toBe(true);
    const style = await server.request('GET', smart_style_url);
    expect(style.status).toBe(200);
    expect(style.json.color_background).toMatch(/^#/);
  });

  it('has an access token that says what was granted, for this FHIR base', async () => {
    const client = await server.client();
    const { access_token, accountId } = await tokensOf(server, { clientId: client.id, encounter: 'enc1' });
    expect(await verify(access_token as string)).toMatchObject({
      clientId: client.id,
      subject: accountId,
      fhirUser: 'Practitioner/p1',
      role: 'attending',
      scopes: 'openid fhirUser launch/patient offline_access patient/*.rs',
      patient: 'pat1',
      encounter: 'enc1',
      purposeOfUse: 'TREAT',
    });
    const claims = jose.decodeJwt(access_token as string);
    expect(claims).toMatchObject({ iss: server.issuer, aud: server.fhir });
    expect((claims.exp as number) - (claims.iat as number)).toBe(900);
    expect(jose.decodeProtectedHeader(access_token as string).typ).toBe('at+jwt');
  });

  it('has an id_token that the JWKS verifies, RS256, with the absolute URL of the user (OIDC Core 2, SMART)', async () => {
    const client = await server.client();
    const tokens = await tokensOf(server, { clientId: client.id, nonce: 'n-1', authTime: 1_700_000_000 });
    const keys = jose.createLocalJWKSet((await server.request('GET', '/jwks')).json);
    const { payload, protectedHeader } = await jose.jwtVerify(tokens['id_token'] as string, keys, {
      issuer: server.issuer,
      audience: client.id,
      algorithms: ['RS256'],
    });
    expect(protectedHeader.kid).toBeTypeOf('string');
    expect(payload).toMatchObject({
      sub: tokens.accountId,
      nonce: 'n-1',
      auth_time: 1_700_000_000,
      fhirUser: `${server.fhir}/Practitioner/p1`,
    });
    expect((payload.sub as string).length).toBeLessThan(256);
    expect([typeof payload.exp, typeof payload.iat]).toEqual(['number', 'number']);
    // An id_token opens nothing.
    expect(await verify(tokens['id_token'] as string)).toBeUndefined();
  });

  it('leaves out what was not granted: id_token without openid, fhirUser without its scope, refresh token without access', async () => {
    const client = await server.client();
    const none = await tokensOf(server, { clientId: client.id, scopes: 'launch/patient patient/*.rs' });
    expect(none).not.toHaveProperty('id_token');
    expect(none).not.toHaveProperty('refresh_token');
    const plain = await tokensOf(server, { clientId: client.id, scopes: 'openid patient/*.rs' });
    expect(jose.decodeJwt(plain['id_token'] as string)).not.toHaveProperty('fhirUser');
    const unregistered = await server.client({ grantTypes: ['authorization_code'] });
    expect(await tokensOf(server, { clientId: unregistered.id })).not.toHaveProperty('refresh_token');
  });
});

describe('PKCE (RFC 7636 4.5, 4.6)', () => {
  it.each([
    ['missing', undefined, 'invalid_request'],
    ['blank', '', 'invalid_request'],
    ['malformed', 'short', 'invalid_request'],
    ['another one', newSecret(), 'invalid_grant'],
  ])('a code_verifier that is %s is refused', async (_name, wrong, error) => {
    const client = await server.client();
    const { code, verifier } = await authorize(server, { clientId: client.id });
    const fields = { ...exchangeFields(client.id, code, verifier), code_verifier: wrong };
    const answer = await server.form('/token', fields);
    expect(answer.status).toBe(400);
    expect(answer.json.error).toBe(error);
    expect(answer.json).not.toHaveProperty('access_token');
  });

  it('the challenge itself is no verifier: plain is not known', async () => {
    const client = await server.client();
    const challenge = newSecret();
    const { code } = await authorize(server, { clientId: client.id, codeChallenge: challenge });
    const answer = await server.form('/token', exchangeFields(client.id, code, challenge));
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_grant']);
  });
});

describe('a code (RFC 6749 4.1.2, 4.1.3, 10.5)', () => {
  it('that is not known is refused with 400 invalid_grant', async () => {
    const client = await server.client();
    const answer = await server.form('/token', exchangeFields(client.id, 'unknown', newSecret()));
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_grant']);
    expect(answer.header('cache-control')).toBe('no-store');
  });

  it('works once; when it comes again all tokens of it end', async () => {
    const client = await server.client();
    const { code, verifier } = await authorize(server, { clientId: client.id });
    const first = await server.form('/token', exchangeFields(client.id, code, verifier));
    expect(await verify(first.json.access_token)).toBeDefined();
    const second = await server.form('/token', exchangeFields(client.id, code, verifier));
    expect([second.status, second.json.error]).toEqual([400, 'invalid_grant']);
    expect(await verify(first.json.access_token)).toBeUndefined();
    const refreshed = await server.form('/token', {
      grant_type: 'refresh_token',
      refresh_token: first.json.refresh_token,
      client_id: client.id,
    });
    expect([refreshed.status, refreshed.json.error]).toEqual([400, 'invalid_grant']);
  });

  it('gives tokens to one of many that present it at the same time', async () => {
    const client = await server.client();
    const { code, verifier } = await authorize(server, { clientId: client.id });
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => server.form('/token', exchangeFields(client.id, code, verifier))),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('that failed once is used up', async () => {
    const client = await server.client();
    const { code, verifier } = await authorize(server, { clientId: client.id });
    await server.form('/token', exchangeFields(client.id, code, newSecret()));
    const answer = await server.form('/token', exchangeFields(client.id, code, verifier));
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_grant']);
  });

  it('ends after a minute', async () => {
    const client = await server.client();
    const { code, verifier } = await authorize(server, { clientId: client.id });
    const [row] = await server.sql('select max(expires) as expires from store.authorization_code');
    expect(Number(row?.['expires']) - Date.now()).toBeLessThanOrEqual(60_000);
    await server.sql('update store.authorization_code set expires = $1', [Date.now() - 1]);
    const answer = await server.form('/token', exchangeFields(client.id, code, verifier));
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_grant']);
  });

  it('is for the client that it was issued to', async () => {
    const [client, other] = [await server.client(), await server.client()];
    const { code, verifier } = await authorize(server, { clientId: client.id });
    const answer = await server.form('/token', exchangeFields(other.id, code, verifier));
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_grant']);
  });

  it.each([undefined, `${REDIRECT}/`, `${REDIRECT}?a=b`])(
    'goes with the redirect_uri of its request, not %s',
    async (wrong) => {
      const client = await server.client();
      const { code, verifier } = await authorize(server, { clientId: client.id });
      const fields = { ...exchangeFields(client.id, code, verifier), redirect_uri: wrong };
      const answer = await server.form('/token', fields);
      expect(answer.status).toBe(400);
      expect(['invalid_grant', 'invalid_request']).toContain(answer.json.error);
    },
  );

  it('is worth nothing once the account is not active', async () => {
    const client = await server.client();
    const { code, verifier, accountId } = await authorize(server, { clientId: client.id });
    await server.sql(`update store.account set state = 'disabled' where id = $1`, [accountId]);
    const answer = await server.form('/token', exchangeFields(client.id, code, verifier));
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_grant']);
  });

  it('of one tenant is nothing in another', async () => {
    const client = await server.client();
    await server.services.clients.create(server.b, { ...client });
    const { code, verifier } = await authorize(server, { clientId: client.id });
    const answer = await server.form(
      `${server.baseUrl}/auth/b/token`,
      exchangeFields(client.id, code, verifier),
    );
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_grant']);
  });

  it('is stored as a hash only, as are secrets and refresh tokens', async () => {
    const secret = newSecret();
    const client = await server.client({ kind: 'confidential-symmetric', secret });
    const { code, verifier } = await authorize(server, { clientId: client.id });
    const answer = await server.form(
      '/token',
      { ...exchangeFields(client.id, code, verifier), client_id: undefined },
      basic(client.id, secret),
    );
    const tables = ['client', 'authorization_code', 'refresh_token', 'auth_grant'];
    const dumps = await Promise.all(
      tables.map((table) => server.sql(`select t::text from store.${table} t`)),
    );
    const text = JSON.stringify(dumps);
    for (const value of [secret, code, answer.json.refresh_token]) {
      expect(text).not.toContain(value);
      expect(text).not.toContain(Buffer.from(value).toString('hex'));
    }
  });
});

describe('the request (RFC 6749 3.2, 5.2)', () => {
  it('without grant_type, or with an unknown one, is refused with 400', async () => {
    const client = await server.client();
    const missing = await server.form('/token', { client_id: client.id });
    expect([missing.status, missing.json.error]).toEqual([400, 'invalid_request']);
    const unknown = await server.form('/token', { client_id: client.id, grant_type: 'password' });
    expect([unknown.status, unknown.json.error]).toEqual([400, 'unsupported_grant_type']);
    const inherited = await server.form('/token', { client_id: client.id, grant_type: 'constructor' });
    expect([inherited.status, inherited.json.error]).toEqual([400, 'unsupported_grant_type']);
  });

  it('with a parameter given twice, in JSON, or in a body that is too large is refused', async () => {
    const client = await server.client();
    const twice = await server.form(
      '/token',
      `grant_type=refresh_token&grant_type=refresh_token&client_id=${client.id}`,
    );
    expect([twice.status, twice.json.error]).toEqual([400, 'invalid_request']);
    const json = await server.request(
      'POST',
      '/token',
      { grant_type: 'refresh_token' },
      { 'Content-Type': 'application/json' },
    );
    expect([json.status, json.json.error]).toEqual([400, 'invalid_request']);
    const large = await server.form('/token', {
      grant_type: 'refresh_token',
      refresh_token: 'x'.repeat(70_000),
    });
    expect([large.status, large.json.error]).toEqual([413, 'invalid_request']);
  });

  it('by GET is refused with 405, and nothing is in the URL', async () => {
    const answer = await server.request('GET', '/token?grant_type=refresh_token');
    expect(answer.status).toBe(405);
    expect(answer.header('allow')).toContain('POST');
  });

  it('of a client that is not registered for the grant_type is unauthorized_client', async () => {
    const client = await server.client({ grantTypes: ['refresh_token'] });
    const { code, verifier } = await authorize(server, { clientId: client.id });
    const answer = await server.form('/token', exchangeFields(client.id, code, verifier));
    expect([answer.status, answer.json.error]).toEqual([400, 'unauthorized_client']);
  });

  it('to a tenant that is not there is a 404', async () => {
    const answer = await server.form(`${server.baseUrl}/auth/nobody/token`, { grant_type: 'refresh_token' });
    expect(answer.status).toBe(404);
  });
});
