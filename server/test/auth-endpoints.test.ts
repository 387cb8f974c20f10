import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { smartSecurity } from '../src/auth/discovery/documents.ts';
import { mintAccessToken } from '../src/auth/token/mint.ts';
import { type AuthServer, bearer, clientKey, startAuthServer, tokensOf } from './auth-server.ts';
import type { Answer, Json } from './harness.ts';

const INITIAL = 'initial-access-token-of-this-test';
let server: AuthServer;
beforeAll(async () => {
  server = await startAuthServer({ registrationToken: INITIAL });
});
afterAll(() => server?.close());
afterEach(() => expect(server.errors).toEqual([]));
const refusal = (answer: Answer) => [answer.status, answer.json.error];

describe('discovery', () => {
  it('smart-configuration has what SMART App Launch 2.2 asks for, with this tenant in every URL', async () => {
    const answer = await server.request('GET', '/.well-known/smart-configuration');
    expect(answer.status).toBe(200);
    expect(answer.header('content-type')).toMatch(/^application\/json/);
    expect(answer.json).toMatchObject({
      issuer: server.issuer,
      jwks_uri: `${server.issuer}/jwks`,
      authorization_endpoint: `${server.issuer}/authorize`,
      token_endpoint: `${server.issuer}/token`,
      introspection_endpoint: `${server.issuer}/introspect`,
      revocation_endpoint: `${server.issuer}/revoke`,
      registration_endpoint: `${server.issuer}/register`,
      management_endpoint: `${server.issuer}/manage`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
    });
    expect(answer.json.grant_types_supported).toEqual(
      expect.arrayContaining(['authorization_code', 'client_credentials', 'refresh_token']),
    );
    expect([...answer.json.capabilities].sort()).toEqual([
      'authorize-post',
      'client-confidential-asymmetric',
      'client-confidential-symmetric',
      'client-public',
      'context-banner',
      'context-ehr-encounter',
      'context-ehr-patient',
      'context-standalone-patient',
      'context-style',
      'launch-ehr',
      'launch-standalone',
      'permission-offline',
      'permission-online',
      'permission-patient',
      'permission-user',
      'permission-v1',
      'permission-v2',
      'sso-openid-connect',
    ]);
  });

  it('openid-configuration has what OpenID Connect Discovery 3 requires, at the issuer', async () => {
    const { json } = await server.request('GET', '/.well-known/openid-configuration');
    expect(json).toMatchObject({
      issuer: server.issuer,
      authorization_endpoint: `${server.issuer}/authorize`,
      token_endpoint: `${server.issuer}/token`,
      userinfo_endpoint: `${server.issuer}/userinfo`,
      jwks_uri: `${server.issuer}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
    });
  });

  it('the CapabilityStatement names the same URLs (SMART App Launch 1, oauth-uris)', async () => {
    const { json } = await server.request('GET', '/.well-known/smart-configuration');
    const [extension] = smartSecurity(server.baseUrl, server.a).extension;
    const uris = Object.fromEntries((extension?.extension ?? []).map(({ url, valueUri }) => [url, valueUri]));
    expect(uris).toEqual({
      authorize: json.authorization_endpoint,
      token: json.token_endpoint,
      introspect: json.introspection_endpoint,
      revoke: json.revocation_endpoint,
      register: json.registration_endpoint,
      manage: json.management_endpoint,
    });
  });

  it('the JWKS holds public keys of both algorithms, of this tenant only', async () => {
    const { json } = await server.request('GET', '/jwks');
    expect(json.keys.map((key: Json) => key.alg).sort()).toEqual(['ES256', 'RS256']);
    for (const key of json.keys) {
      expect(key).toMatchObject({ use: 'sig', kid: expect.any(String) });
      for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi']) expect(key).not.toHaveProperty(member);
    }
    const other = await server.request('GET', `${server.baseUrl}/auth/b/jwks`);
    const kids = new Set(json.keys.map((key: Json) => key.kid));
    expect(other.json.keys.some((key: Json) => kids.has(key.kid))).toBe(false);
  });

  it.each([
    ['/token', 'POST'],
    ['/introspect', 'POST'],
    ['/userinfo', 'GET'],
    ['/jwks', 'GET'],
    ['/.well-known/smart-configuration', 'GET'],
    ['/.well-known/openid-configuration', 'GET'],
  ])('apps in browsers may call %s from any origin (Fetch, CORS preflight)', async (path, method) => {
    const preflight = await server.request('OPTIONS', path, undefined, {
      Origin: 'https://app.example.org',
      'Access-Control-Request-Method': method,
      'Access-Control-Request-Headers': 'authorization, content-type',
    });
    expect(preflight.status).toBe(204);
    expect(preflight.header('access-control-allow-origin')).toBe('*');
    expect(preflight.header('access-control-allow-methods')).toContain(method);
    expect(preflight.header('access-control-allow-headers')?.toLowerCase()).toContain('authorization');
    expect(preflight.header('access-control-allow-credentials')).toBeNull();
    const answer = await server.request(method, path, undefined, { Origin: 'https://app.example.org' });
    expect(answer.header('access-control-allow-origin')).toBe('*');
  });
});

describe('dynamic registration (RFC 7591)', () => {
  const register = (body: unknown, token: string | undefined = INITIAL) =>
    server.request('POST', '/register', body, {
      'Content-Type': 'application/json',
      ...(token === '' ? {} : bearer(token)),
    });
  const app = { client_name: 'App', redirect_uris: ['https://app.example.org/cb'] };

  it('makes a client that can be used, and tells its secret once', async () => {
    const answer = await register({
      ...app,
      scope: 'openid patient/*.rs made-up',
      contacts: ['a@example.org'],
    });
    expect(answer.status).toBe(201);
    expect(answer.header('cache-control')).toBe('no-store');
    expect(answer.json).toMatchObject({
      client_name: 'App',
      redirect_uris: app.redirect_uris,
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      scope: 'openid patient/*.rs',
      client_secret_expires_at: 0,
      contacts: ['a@example.org'],
    });
    expect(answer.json.client_secret.length).toBeGreaterThanOrEqual(43);
    const client = await server.services.clients.find(server.a, answer.json.client_id);
    expect(client).toMatchObject({
      name: 'App',
      kind: 'confidential-symmetric',
      scopes: 'openid patient/*.rs',
    });
    expect(await server.services.clients.find(server.b, answer.json.client_id)).toBeUndefined();
  });

  it('makes public and asymmetric clients', async () => {
    const open = await register({ ...app, token_endpoint_auth_method: 'none' });
    expect(open.json).not.toHaveProperty('client_secret');
    const { publicJwk } = await clientKey('ES384');
    const backend = await register({
      client_name: 'Service',
      token_endpoint_auth_method: 'private_key_jwt',
      grant_types: ['client_credentials'],
      scope: 'system/*.rs',
      jwks: { keys: [publicJwk] },
    });
    expect(backend.status).toBe(201);
    expect(backend.json).toMatchObject({
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    });
  });

  it.each<[string, object]>([
    ['invalid_redirect_uri', { redirect_uris: [] }],
    ['invalid_redirect_uri', { redirect_uris: ['not a uri'] }],
    ['invalid_redirect_uri', { redirect_uris: ['http://app.example.org/cb'] }],
    ['invalid_redirect_uri', { redirect_uris: ['https://app.example.org/cb#fragment'] }],
    ['invalid_redirect_uri', { redirect_uris: ['javascript:alert(1)'] }],
    ['invalid_redirect_uri', { redirect_uris: ['org.example.app:/cb'] }],
    ['invalid_client_metadata', { redirect_uris: 'https://app.example.org/cb' }],
    ['invalid_client_metadata', { token_endpoint_auth_method: 'tls_client_auth' }],
    ['invalid_client_metadata', { token_endpoint_auth_method: 'private_key_jwt' }],
    ['invalid_client_metadata', { grant_types: ['password'] }],
    ['invalid_client_metadata', { grant_types: ['client_credentials'] }],
    ['invalid_client_metadata', { response_types: ['token'] }],
    ['invalid_client_metadata', { scope: 'made-up' }],
    ['invalid_client_metadata', { client_name: { en: 'x' } }],
    ['invalid_client_metadata', { logo_uri: 'javascript:alert(1)' }],
    ['invalid_client_metadata', { jwks: { keys: [] }, jwks_uri: 'https://app.example.org/jwks' }],
    [
      'invalid_client_metadata',
      { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ kty: 'EC', d: 'x' }] } },
    ],
  ])('refuses with %s: %j', async (error, wrong) => {
    expect(refusal(await register({ ...app, ...wrong }))).toEqual([400, error]);
  });

  it('refuses bodies that are no metadata', async () => {
    expect(refusal(await register([]))).toEqual([400, 'invalid_client_metadata']);
    expect(refusal(await register('{'))).toEqual([400, 'invalid_request']);
  });

  it('takes the initial access token, and is off without one', async () => {
    expect((await register(app, '')).status).toBe(401);
    const wrong = await register(app, `${INITIAL}x`);
    expect(wrong.status).toBe(401);
    expect(wrong.header('www-authenticate')).toContain('invalid_token');
    const off = await startAuthServer();
    try {
      const headers = { 'Content-Type': 'application/json', ...bearer(INITIAL) };
      expect(refusal(await off.request('POST', '/register', app, headers))).toEqual([403, 'access_denied']);
    } finally {
      await off.close();
    }
  });
});

describe('launch (SMART App Launch 2.2, EHR launch)', () => {
  const launch = (body: unknown, token: string | undefined) =>
    server.request('POST', '/launch', body, {
      'Content-Type': 'application/json',
      ...(token === undefined ? {} : bearer(token)),
    });
  const ehr = async (scopes = 'user/*.rs') => {
    const client = await server.client();
    return await tokensOf(server, { clientId: client.id, scopes });
  };

  it('makes an opaque value that gives its context once', async () => {
    const tokens = await ehr();
    const app = await server.client({ launchUri: 'https://app.example.org/launch?x=1' });
    const answer = await launch(
      {
        patient: 'p1',
        encounter: 'e1',
        need_patient_banner: false,
        intent: 'review',
        appContext: '{"a":1}',
        fhirContext: [{ reference: 'ImagingStudy/1', role: 'http://example.org/role' }],
        client_id: app.id,
      },
      tokens['access_token'],
    );
    expect(answer.status).toBe(201);
    const url = new URL(answer.json.launch_url);
    expect(url.searchParams.get('x')).toBe('1');
    expect(url.searchParams.get('iss')).toBe(server.fhir);
    expect(url.searchParams.get('launch')).toBe(answer.json.launch);
    const { launches } = server.services;
    expect(await launches.takeLaunch(server.b, answer.json.launch)).toBeUndefined();
    expect(await launches.takeLaunch(server.a, answer.json.launch)).toEqual({
      patient: 'p1',
      encounter: 'e1',
      needPatientBanner: false,
      intent: 'review',
      appContext: '{"a":1}',
      fhirContext: [{ reference: 'ImagingStudy/1', role: 'http://example.org/role' }],
      accountId: tokens.accountId,
      clientId: app.id,
    });
    expect(await launches.takeLaunch(server.a, answer.json.launch)).toBeUndefined();
  });

  it('may be made by a service, for whoever logs in', async () => {
    const minted = (scopes: string) =>
      mintAccessToken(server.services, server.a, { grantId: 'g', clientId: 'c', subject: 'c', scopes }, 60);
    const answer = await launch({ patient: 'p1' }, (await minted('system/*.rs')).jwt);
    expect(answer.status).toBe(201);
    expect(await server.services.launches.takeLaunch(server.a, answer.json.launch)).toEqual({
      patient: 'p1',
    });
    const other = await launch({ patient: 'p1' }, (await minted('user/*.rs')).jwt);
    expect(refusal(other)).toEqual([403, 'insufficient_scope']);
  });

  it('ends after a while', async () => {
    const value = await server.services.launches.createLaunch(server.a, { patient: 'p1' });
    await server.sql('update store.launch set expires = $1', [Date.now() - 1]);
    expect(await server.services.launches.takeLaunch(server.a, value)).toBeUndefined();
  });

  it('is not for patient/ scopes, nor for what the bearer may not read', async () => {
    expect((await launch({ patient: 'p1' }, undefined)).status).toBe(401);
    expect((await launch({ patient: 'p1' }, 'nonsense')).status).toBe(401);
    const narrow = await ehr('patient/*.rs');
    expect(refusal(await launch({ patient: 'p1' }, narrow['access_token']))).toEqual([
      403,
      'insufficient_scope',
    ]);
    const tokens = await ehr();
    for (const body of [
      { patient: 'hidden' },
      { patient: 'p1', encounter: 'hidden' },
      { patient: 'p1', fhirContext: [{ reference: 'ImagingStudy/hidden' }] },
    ]) {
      expect(refusal(await launch(body, tokens['access_token']))).toEqual([403, 'access_denied']);
    }
  });

  it.each([
    { patient: 'Patient/p1' },
    { patient: 7 },
    { need_patient_banner: 'yes' },
    { fhirContext: [{}] },
    { fhirContext: [null] },
    { fhirContext: [{ reference: 'https://elsewhere.example.org/Patient/1' }] },
    { client_id: 'nobody' },
    [],
  ])('refuses %j', async (body) => {
    const tokens = await ehr();
    expect(refusal(await launch(body, tokens['access_token']))).toEqual([400, 'invalid_request']);
  });
});
