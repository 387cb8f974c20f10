import * as jose from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ASSERTION_TYPE } from '../src/auth/clients/authenticate.ts';
import type { Client } from '../src/auth/clients/client.ts';
import { newSecret } from '../src/auth/hash.ts';
import { ACCESS_TOKEN } from '../src/auth/token/exchange.ts';
import { mintAccessToken } from '../src/auth/token/mint.ts';
import {
  type AuthServer,
  assertionClaims,
  authorize,
  basic,
  bearer,
  clientKey,
  exchangeFields,
  type Fields,
  startAuthServer,
  tokensOf,
} from './auth-server.ts';
import type { Answer, HeaderMap } from './harness.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const secret = newSecret();
let server: AuthServer;
let app: Client;
let service: Client;
beforeAll(async () => {
  server = await startAuthServer();
  app = await server.client();
  service = await server.client({
    kind: 'confidential-symmetric',
    secret,
    grantTypes: [EXCHANGE, 'authorization_code', 'refresh_token'],
    scopes: 'patient/Observation.rs patient/Condition.cruds user/Patient.rs',
  });
});
afterAll(() => server?.close());
afterEach(() => expect(server.errors).toEqual([]));

const verify = (token: unknown) => server.services.verifier.verify(server.a, token as string);
const refusal = (answer: Answer) => [answer.status, answer.json.error];
const introspect = (token: unknown, headers: HeaderMap = basic(service.id, secret)): Promise<Answer> =>
  server.form('/introspect', { token: token as string }, headers);

describe('introspection (RFC 7662; SMART App Launch 2.2)', () => {
  it('tells of a living token what was granted', async () => {
    const tokens = await tokensOf(server, { clientId: app.id, encounter: 'enc1' });
    const answer = await introspect(tokens['access_token']);
    expect(answer.status).toBe(200);
    expect(answer.header('cache-control')).toBe('no-store');
    const claims = jose.decodeJwt(tokens['access_token'] as string);
    expect(answer.json).toEqual({
      active: true,
      scope: tokens['scope'],
      client_id: app.id,
      token_type: 'Bearer',
      exp: claims.exp,
      iat: claims.iat,
      sub: tokens.accountId,
      aud: server.fhir,
      iss: server.issuer,
      jti: claims.jti,
      patient: 'pat1',
      encounter: 'enc1',
      fhirUser: `${server.fhir}/Practitioner/p1`,
    });
  });

  it('says {"active":false} and nothing else of what is no living token of this tenant', async () => {
    const tokens = await tokensOf(server, { clientId: app.id });
    const token = tokens['access_token'] as string;
    const revoked = await tokensOf(server, { clientId: app.id });
    await server.services.grants.revoke(server.a, { account: revoked.accountId });
    const [head, body, signature] = token.split('.') as [string, string, string];
    const other = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    for (const wrong of [
      'nonsense',
      `${head}.${body}.${other}`,
      revoked['access_token'],
      revoked['refresh_token'],
      tokens['id_token'],
      // Another client's refresh token is none of the caller's business.
      tokens['refresh_token'],
    ]) {
      const answer = await introspect(wrong);
      expect([answer.status, answer.text]).toEqual([200, '{"active":false}']);
    }
    await server.services.clients.create(server.b, { ...service, secret });
    const elsewhere = await server.form(
      `${server.baseUrl}/auth/b/introspect`,
      { token },
      basic(service.id, secret),
    );
    expect([elsewhere.status, elsewhere.text]).toEqual([200, '{"active":false}']);
  });

  it('is for clients that prove themselves by secret or key, and for bearers of a living token', async () => {
    const tokens = await tokensOf(server, { clientId: app.id });
    const own = await introspect(tokens['access_token'], bearer(tokens['access_token'] as string));
    expect(own.json.active).toBe(true);
    const key = await clientKey('ES384');
    const backend = await server.client({
      kind: 'confidential-asymmetric',
      jwks: { keys: [key.publicJwk] },
      grantTypes: ['client_credentials'],
    });
    const asserted = await server.form('/introspect', {
      token: tokens['access_token'] as string,
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: await key.assertion(assertionClaims(server, backend.id)),
    });
    expect(asserted.json.active).toBe(true);
    const open: [Fields, HeaderMap][] = [
      [{}, {}],
      [{}, bearer('nonsense')],
      [{}, basic(service.id, 'wrong')],
      [{ client_id: app.id }, {}],
    ];
    for (const [fields, headers] of open) {
      const answer = await server.form(
        '/introspect',
        { token: tokens['access_token'] as string, ...fields },
        headers,
      );
      expect(answer.status).toBe(401);
      expect(answer.text).not.toContain('active');
    }
  });

  it('tells a client of its own refresh token', async () => {
    const tokens = await tokensOfService('patient/Observation.rs offline_access');
    expect((await introspect(tokens.refresh_token)).json).toMatchObject({
      active: true,
      client_id: service.id,
    });
    await server.form('/revoke', { token: tokens.refresh_token }, basic(service.id, secret));
    expect((await introspect(tokens.refresh_token)).text).toBe('{"active":false}');
  });

  it('needs a token', async () => {
    expect(refusal(await server.form('/introspect', {}, basic(service.id, secret)))).toEqual([
      400,
      'invalid_request',
    ]);
  });
});

/** Tokens of the symmetric client. */
async function tokensOfService(scopes: string): Promise<Record<string, string>> {
  const { code, verifier } = await authorize(server, { clientId: service.id, scopes });
  const fields = { ...exchangeFields(service.id, code, verifier), client_id: undefined };
  return (await server.form('/token', fields, basic(service.id, secret))).json;
}

describe('revocation (RFC 7009)', () => {
  const revoke = (token: string | undefined, clientId = app.id, more: Fields = {}) =>
    server.form('/revoke', { token, client_id: clientId, ...more });

  it('of a refresh token ends access tokens too', async () => {
    const tokens = await tokensOf(server, { clientId: app.id });
    const answer = await revoke(tokens['refresh_token'], app.id, { token_type_hint: 'refresh_token' });
    expect([answer.status, answer.text]).toEqual([200, '']);
    expect(await verify(tokens['access_token'])).toBeUndefined();
    const again = await server.form('/token', {
      grant_type: 'refresh_token',
      refresh_token: tokens['refresh_token'],
      client_id: app.id,
    });
    expect(refusal(again)).toEqual([400, 'invalid_grant']);
  });

  it('of an access token ends that one, whatever the hint says', async () => {
    const tokens = await tokensOf(server, { clientId: app.id });
    await revoke(tokens['access_token'], app.id, { token_type_hint: 'refresh_token' });
    expect(await verify(tokens['access_token'])).toBeUndefined();
    const again = await server.form('/token', {
      grant_type: 'refresh_token',
      refresh_token: tokens['refresh_token'],
      client_id: app.id,
    });
    expect(again.status).toBe(200);
  });

  it('of what is no token, or is revoked already, is 200', async () => {
    const tokens = await tokensOf(server, { clientId: app.id });
    for (const token of ['nonsense', tokens['refresh_token'], tokens['refresh_token']]) {
      expect((await revoke(token)).status).toBe(200);
    }
    expect(refusal(await revoke(undefined))).toEqual([400, 'invalid_request']);
  });

  it("of another client's token, or without a client, is refused and does nothing", async () => {
    const tokens = await tokensOf(server, { clientId: app.id });
    const other = await server.client();
    for (const token of [tokens['access_token'], tokens['refresh_token']]) {
      expect(refusal(await revoke(token, other.id))).toEqual([400, 'invalid_grant']);
      expect((await server.form('/revoke', { token })).status).toBe(401);
    }
    expect(await verify(tokens['access_token'])).toBeDefined();
  });
});

describe('userinfo (OpenID Connect Core 5.3)', () => {
  const userinfo = (token: string | undefined, method = 'GET') =>
    server.request(method, '/userinfo', undefined, token === undefined ? {} : bearer(token));

  it('tells who logged in, with the same sub as the id_token', async () => {
    const tokens = await tokensOf(server, { clientId: app.id, scopes: 'openid fhirUser profile' });
    for (const method of ['GET', 'POST']) {
      const answer = await userinfo(tokens['access_token'], method);
      expect([answer.status, answer.json]).toEqual([
        200,
        {
          sub: jose.decodeJwt(tokens['id_token'] as string).sub,
          name: 'Dr. Test',
          fhirUser: `${server.fhir}/Practitioner/p1`,
          profile: `${server.fhir}/Practitioner/p1`,
        },
      ]);
    }
    const plain = await tokensOf(server, { clientId: app.id, scopes: 'openid' });
    expect(Object.keys((await userinfo(plain['access_token'])).json)).toEqual(['sub']);
  });

  it('refuses what RFC 6750 3.1 names', async () => {
    const none = await userinfo(undefined);
    expect([none.status, none.header('www-authenticate')]).toEqual([401, 'Bearer']);
    const wrong = await userinfo('nonsense');
    expect(wrong.status).toBe(401);
    expect(wrong.header('www-authenticate')).toContain('error="invalid_token"');
    const tokens = await tokensOf(server, { clientId: app.id, scopes: 'patient/*.rs' });
    const scope = await userinfo(tokens['access_token']);
    expect(scope.status).toBe(403);
    expect(scope.header('www-authenticate')).toContain('error="insufficient_scope"');
  });
});

describe('token exchange (RFC 8693)', () => {
  const exchange = (fields: Fields, headers: HeaderMap = basic(service.id, secret)) =>
    server.form('/token', { grant_type: EXCHANGE, subject_token_type: ACCESS_TOKEN, ...fields }, headers);
  const subject = () =>
    tokensOf(server, {
      clientId: app.id,
      scopes: 'openid offline_access patient/Observation.cruds patient/Condition.rs patient/Procedure.rs',
      encounter: 'enc1',
    });

  it('gives the agent a token of the same person and context, with what both may and no more', async () => {
    const tokens = await subject();
    const answer = await exchange({ subject_token: tokens['access_token'] });
    expect(answer.status).toBe(200);
    expect(answer.header('cache-control')).toBe('no-store');
    const { access_token, expires_in, ...rest } = answer.json;
    expect(rest).toEqual({
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      scope: 'patient/Observation.rs patient/Condition.rs',
      patient: 'pat1',
      encounter: 'enc1',
    });
    const before = await verify(tokens['access_token']);
    const after = await verify(access_token);
    expect(after).toMatchObject({
      subject: tokens.accountId,
      clientId: service.id,
      actor: { clientId: service.id },
      role: 'attending',
      fhirUser: 'Practitioner/p1',
      patient: 'pat1',
      grantId: before?.grantId,
    });
    expect(after?.expires).toBeLessThanOrEqual(before?.expires as number);
    expect(expires_in).toBeGreaterThan(0);
    expect(jose.decodeJwt(access_token)['act']).toEqual({ sub: service.id });
    expect((await introspect(access_token)).json.act).toEqual({ sub: service.id });
    await server.services.grants.revoke(server.a, { account: tokens.accountId });
    expect(await verify(access_token)).toBeUndefined();
  });

  it('narrows to the scope that is asked for, and never widens', async () => {
    const tokens = await subject();
    const narrow = await exchange({ subject_token: tokens['access_token'], scope: 'patient/Observation.r' });
    expect(narrow.json.scope).toBe('patient/Observation.r');
    for (const scope of ['user/Patient.rs', 'patient/Procedure.rs', 'patient/Observation.cud', 'openid']) {
      const answer = await exchange({ subject_token: tokens['access_token'], scope });
      expect(refusal(answer)).toEqual([400, 'invalid_scope']);
    }
  });

  it('refuses subject tokens that are no living access token of a person, or were exchanged already', async () => {
    const tokens = await subject();
    const exchanged = await exchange({ subject_token: tokens['access_token'] });
    const { jwt } = await mintAccessToken(
      server.services,
      server.a,
      { grantId: 'g', clientId: 'c', subject: 'c', scopes: 'system/*.rs' },
      60,
    );
    expect(await verify(jwt)).toBeDefined();
    for (const token of [undefined, 'nonsense', tokens['refresh_token'], jwt, exchanged.json.access_token]) {
      expect(refusal(await exchange({ subject_token: token }))).toEqual([400, 'invalid_request']);
    }
  });

  it('refuses other token types, actor tokens and other targets', async () => {
    const { access_token: subject_token } = (await subject()) as Record<string, string>;
    const wrong: [Fields, string][] = [
      [{ subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, 'invalid_request'],
      [{ subject_token_type: undefined }, 'invalid_request'],
      [{ requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }, 'invalid_request'],
      [{ actor_token: 'x' }, 'invalid_request'],
      [{ audience: 'https://elsewhere.example.org' }, 'invalid_target'],
      [{ resource: `${server.baseUrl}/fhir/b` }, 'invalid_target'],
    ];
    for (const [fields, error] of wrong) {
      expect(refusal(await exchange({ subject_token: subject_token as string, ...fields }))).toEqual([
        400,
        error,
      ]);
    }
    expect((await exchange({ subject_token: subject_token as string, audience: server.fhir })).status).toBe(
      200,
    );
  });

  it('is for registered clients that prove themselves', async () => {
    const { access_token: subject_token } = (await subject()) as Record<string, string>;
    const open = await server.client({ grantTypes: [EXCHANGE] });
    const fields = { subject_token: subject_token as string };
    expect(refusal(await exchange({ ...fields, client_id: open.id }, {}))).toEqual([
      400,
      'unauthorized_client',
    ]);
    expect(refusal(await exchange({ ...fields, client_id: app.id }, {}))).toEqual([
      400,
      'unauthorized_client',
    ]);
    expect(refusal(await exchange(fields, basic(service.id, 'wrong')))).toEqual([401, 'invalid_client']);
  });
});
