import { randomUUID } from 'node:crypto';
import * as jose from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PublicJwk } from '../src/auth/clients/client.ts';
import { authorizeQuery, Browser, REDIRECT, VERIFIER } from './auth-pages-setup.ts';
import { type Answer, answerOf, type HeaderMap, type Json, resourcesOf } from './harness.ts';
import { PASSWORD, type SmartServer, startSmartServer } from './smart-server.ts';
import { queriesFor } from './us-core-searches.ts';

const PATIENT = 'marisol-quintero-ashby';
const PRACTITIONER = 'Practitioner/imogen-tarrow';
const APP = { Origin: 'https://app.example.org' };

/** The types of which US Core has profiles, and which searches by patient find. */
const TYPES = [
  'AllergyIntolerance',
  'CarePlan',
  'CareTeam',
  'Condition',
  'Coverage',
  'Device',
  'DiagnosticReport',
  'DocumentReference',
  'Encounter',
  'Goal',
  'Immunization',
  'MedicationDispense',
  'MedicationRequest',
  'Observation',
  'Procedure',
  'ServiceRequest',
];

let server: SmartServer;
beforeAll(async () => {
  server = await startSmartServer({ data: true });
  await server.client({
    id: 'app',
    kind: 'confidential-symmetric',
    secret: 'app-secret',
    redirectUris: [REDIRECT],
  });
  await server.client({ id: 'native', redirectUris: [REDIRECT] });
  await server.account({ login: 'doctor', fhirUser: PRACTITIONER });
  await server.account({ login: 'marisol', role: 'patient', fhirUser: `Patient/${PATIENT}` });
});
afterAll(() => server?.stop());

const bearer = (token: string): HeaderMap => ({ Authorization: `Bearer ${token}` });
const sorted = (scopes: string): string[] => scopes.split(' ').sort();

interface Launch {
  readonly scope: string;
  readonly client?: 'app' | 'native';
  readonly login?: string;
  /** Values of the boxes of the consent page; as they are by default. */
  readonly tick?: readonly string[];
  /** Further parameters of the authorization request. */
  readonly more?: Record<string, string>;
  /** How the app asks: SMART App Launch 2.2, capability authorize-post. */
  readonly method?: 'GET' | 'POST';
}

/** Walks through login, patient and consent as a person does. @returns the consent page and the token response */
async function launch({ scope, client = 'app', login = 'doctor', tick, more = {}, method = 'GET' }: Launch) {
  const browser = new Browser(server.issuer);
  const query = authorizeQuery(server, client, { aud: server.fhir, scope, ...more });
  await (method === 'GET' ? browser.get(`authorize?${query}`) : browser.open('POST', 'authorize', query));
  await browser.logIn(login, PASSWORD);
  if (browser.page?.text.includes('authorize/patient'))
    await browser.submit('authorize/patient', { patient: PATIENT });
  const consent = browser.page?.text ?? '';
  const answered = await browser.submit('authorize/consent', {
    decision: 'allow',
    ...(tick === undefined ? {} : { scope: [...tick] }),
  });
  const code = answered.location?.searchParams.get('code');
  if (typeof code !== 'string') throw new Error(`No code: ${answered.location} ${answered.text}`);
  const token = await tokenEndpoint(client, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: REDIRECT,
    code_verifier: VERIFIER,
  });
  return { consent, token };
}

/** A request to the token endpoint, or to another that takes forms, by a client. */
async function tokenEndpoint(
  client: 'app' | 'native',
  fields: Record<string, string>,
  path = 'token',
): Promise<Answer> {
  const response = await fetch(`${server.issuer}/${path}`, {
    method: 'POST',
    headers: {
      ...APP,
      ...(client === 'app' ? { Authorization: `Basic ${btoa('app:app-secret')}` } : {}),
    },
    body: new URLSearchParams(client === 'native' ? { ...fields, client_id: 'native' } : fields),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  return answerOf(response.status, (name) => response.headers.get(name), bytes);
}

describe('discovery (SMART App Launch 2.2, "Conformance")', () => {
  it('names endpoints that are there, the same in both documents and in the CapabilityStatement', async () => {
    const { json: smart } = await server.api.get('.well-known/smart-configuration');
    const openid = (await (await fetch(`${server.issuer}/.well-known/openid-configuration`)).json()) as Json;
    const { json: metadata } = await server.api.get('metadata');
    const [{ extension }] = metadata.rest[0].security.extension;
    const uris = Object.fromEntries(extension.map(({ url, valueUri }: Json) => [url, valueUri]));
    const names = {
      authorize: 'authorization_endpoint',
      token: 'token_endpoint',
      introspect: 'introspection_endpoint',
      revoke: 'revocation_endpoint',
      register: 'registration_endpoint',
      manage: 'management_endpoint',
    };
    for (const [uri, name] of Object.entries(names)) {
      expect(uris[uri], uri).toBe(smart[name]);
      if (name in openid) expect(openid[name]).toBe(smart[name]);
      // Of an endpoint that takes forms, GET is refused rather than not found.
      expect((await fetch(smart[name], { redirect: 'manual' })).status, name).not.toBe(404);
    }
    expect(openid.issuer).toBe(smart.issuer);
    expect(openid.jwks_uri).toBe(smart.jwks_uri);
    expect(((await (await fetch(smart.jwks_uri)).json()) as Json).keys.length).toBeGreaterThan(0);
    expect(smart.code_challenge_methods_supported).toEqual(['S256']);
    // US Core 7, "Additional US Core Requirements": its required scopes are named, granular ones too.
    for (const level of ['patient', 'user', 'system']) {
      expect(smart.scopes_supported).toEqual(
        expect.arrayContaining([
          ...['Patient', ...TYPES].map((type) => `${level}/${type}.rs`),
          `${level}/Condition.rs?category=http://hl7.org/fhir/us/core/CodeSystem/condition-category|health-concern`,
          `${level}/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|survey`,
        ]),
      );
    }
    expect(smart.grant_types_supported).toEqual(
      expect.arrayContaining(['authorization_code', 'client_credentials']),
    );
  });

  it('lets web pages of any origin ask: discovery, metadata, token and the resource of the user (CORS)', async () => {
    const { token } = await launch({ scope: 'launch/patient openid fhirUser patient/Patient.rs' });
    expect(token.header('access-control-allow-origin')).toBe('*');
    const { fhirUser } = jose.decodeJwt(token.json.id_token);
    const asked: [string, string, HeaderMap][] = [
      ['GET', `${server.fhir}/.well-known/smart-configuration`, {}],
      ['GET', `${server.issuer}/.well-known/openid-configuration`, {}],
      ['GET', `${server.issuer}/jwks`, {}],
      ['GET', `${server.fhir}/metadata`, {}],
      ['GET', fhirUser as string, bearer(token.json.access_token)],
      ['POST', `${server.issuer}/token`, {}],
    ];
    for (const [method, url, headers] of asked) {
      const answer = await fetch(url, { method, headers: { ...APP, ...headers } });
      expect(answer.headers.get('access-control-allow-origin'), url).toBe('*');
      const preflight = await fetch(url, {
        method: 'OPTIONS',
        headers: {
          ...APP,
          'Access-Control-Request-Method': method,
          'Access-Control-Request-Headers': 'authorization,content-type',
        },
      });
      expect(preflight.ok, url).toBe(true);
      expect(preflight.headers.get('access-control-allow-methods'), url).toContain(method);
      expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase(), url).toContain(
        'authorization',
      );
    }
  });
});

describe('launches (SMART App Launch 2.2)', () => {
  it('standalone: the token response and its headers, and a token that opens what was granted', async () => {
    const scope =
      'launch/patient openid fhirUser offline_access patient/Patient.rs patient/Condition.rs patient/Observation.rs';
    const { token } = await launch({ scope });
    expect(token.status).toBe(200);
    expect(token.header('cache-control')).toBe('no-store');
    expect(token.header('pragma')).toBe('no-cache');
    expect(token.header('content-type')).toMatch(/^application\/json/);
    expect(token.json).toMatchObject({ token_type: 'Bearer', expires_in: 900, patient: PATIENT });
    expect(sorted(token.json.scope)).toEqual(sorted(scope));
    const headers = bearer(token.json.access_token);
    expect((await server.api.get(`Patient/${PATIENT}`, headers)).status).toBe(200);
    expect(
      (await server.api.get(`Observation?patient=${PATIENT}`, headers)).json.entry.length,
    ).toBeGreaterThan(0);
  });

  it('EHR, by POST: patient, encounter, style and banner are told; the style can be fetched', async () => {
    const admin = server.admin['Authorization'] as string;
    const [encounter] = resourcesOf(
      (await server.api.get(`Encounter?patient=${PATIENT}&_count=1`, server.admin)).json,
    );
    const made = await fetch(`${server.issuer}/launch`, {
      method: 'POST',
      headers: { Authorization: admin, 'Content-Type': 'application/json' },
      body: JSON.stringify({ patient: PATIENT, encounter: encounter.id, need_patient_banner: true }),
    });
    const { launch: value, iss } = (await made.json()) as Json;
    expect(iss).toBe(server.fhir);
    const { token } = await launch({
      scope: 'launch openid fhirUser user/Patient.rs user/Encounter.rs',
      method: 'POST',
      more: { launch: value },
    });
    expect(token.json).toMatchObject({
      patient: PATIENT,
      encounter: encounter.id,
      need_patient_banner: true,
    });
    const style = await fetch(token.json.smart_style_url, { headers: APP });
    expect(style.headers.get('content-type')).toMatch(/^application\/json/);
    expect(style.headers.get('access-control-allow-origin')).toBe('*');
    expect(Object.keys((await style.json()) as object)).toEqual(
      expect.arrayContaining(['color_background', 'color_text', 'font_family_body']),
    );
    const headers = bearer(token.json.access_token);
    expect((await server.api.get(`Encounter/${encounter.id}`, headers)).status).toBe(200);
    // User scopes are not confined to the patient of the launch.
    expect((await server.api.get('Patient?_summary=count', headers)).json.total).toBeGreaterThan(1);
  });

  it('v1 scopes are answered as they were asked, and open the same', async () => {
    const scope = `launch/patient openid fhirUser ${['Patient', ...TYPES].map((type) => `patient/${type}.read`).join(' ')}`;
    const { token } = await launch({ scope });
    expect(sorted(token.json.scope)).toEqual(sorted(scope));
    const headers = bearer(token.json.access_token);
    expect((await server.api.get(`Condition?patient=${PATIENT}`, headers)).status).toBe(200);
    const resource = { resourceType: 'Condition', subject: { reference: `Patient/${PATIENT}` } };
    expect((await server.api.post('Condition', resource, headers)).status).toBe(403);
    const wildcard = await launch({ scope: 'launch/patient patient/*.read', login: 'marisol' });
    for (const type of TYPES) {
      const answer = await server.api.get(
        `${type}?patient=${PATIENT}`,
        bearer(wildcard.token.json.access_token),
      );
      expect([type, answer.status]).toEqual([type, 200]);
    }
    // R4's Patient compartment has no Device; it belongs to its patient all the same, and to nobody else.
    const devices = await server.api.get('Device?_count=100', bearer(wildcard.token.json.access_token));
    const everybodys = resourcesOf((await server.api.get('Device?_count=100', server.admin)).json);
    const own = everybodys.filter(({ patient }) => patient?.reference === `Patient/${PATIENT}`);
    expect(own.length).toBeGreaterThan(0);
    expect(own.length).toBeLessThan(everybodys.length);
    expect(
      resourcesOf(devices.json)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(own.map(({ id }) => id).sort());
  });

  it('what the person does not choose is not in scope, and its searches are refused', async () => {
    const chosen = ['Patient', 'Condition', 'Observation'].map((type) => `patient/${type}.rs`);
    const scope = `launch/patient openid fhirUser offline_access ${['Patient', ...TYPES].map((type) => `patient/${type}.rs`).join(' ')}`;
    const { token } = await launch({ scope, tick: ['openid', 'fhirUser', 'offline_access', ...chosen] });
    expect(sorted(token.json.scope)).toEqual(
      sorted(`launch/patient openid fhirUser offline_access ${chosen.join(' ')}`),
    );
    const headers = bearer(token.json.access_token);
    for (const type of TYPES) {
      const answer = await server.api.get(`${type}?patient=${PATIENT}`, headers);
      const granted = chosen.includes(`patient/${type}.rs`);
      expect([type, granted ? [200] : [401, 403]]).toEqual([type, expect.arrayContaining([answer.status])]);
    }
  });
});

describe('OpenID Connect', () => {
  it.each([
    ['doctor', PRACTITIONER],
    ['marisol', `Patient/${PATIENT}`],
  ])(
    'the id_token of %s verifies by discovery alone, and its fhirUser can be read by the token',
    async (login, fhirUser) => {
      // No scope for the type of the user: fhirUser itself opens this one resource.
      const { token } = await launch({ scope: 'openid fhirUser patient/Observation.rs', login });
      const openid = (await (
        await fetch(`${server.issuer}/.well-known/openid-configuration`)
      ).json()) as Json;
      const keys = jose.createRemoteJWKSet(new URL(openid.jwks_uri));
      const { payload, protectedHeader } = await jose.jwtVerify(token.json.id_token, keys, {
        issuer: openid.issuer,
        audience: 'app',
        algorithms: openid.id_token_signing_alg_values_supported,
        requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat', 'fhirUser'],
      });
      expect(protectedHeader).toMatchObject({ alg: 'RS256', kid: expect.any(String) });
      expect(payload.sub?.length).toBeLessThan(256);
      expect(payload['fhirUser']).toBe(`${server.fhir}/${fhirUser}`);
      const headers = bearer(token.json.access_token);
      const read = await server.api.get(payload['fhirUser'] as string, headers);
      expect([read.status, `${read.json.resourceType}/${read.json.id}`]).toEqual([200, fhirUser]);
      // And no other of the type, nor its search.
      const [type] = fhirUser.split('/') as [string];
      const { json } = await server.api.get(type, server.admin);
      const other = resourcesOf(json).find(({ id }) => `${type}/${id}` !== fhirUser);
      expect([403, 404]).toContain((await server.api.get(`${type}/${other.id}`, headers)).status);
      expect((await server.api.get(type, headers)).status).toBe(403);
      expect((await server.api.delete(fhirUser, headers)).status).toBe(403);
    },
  );

  it('without the scope fhirUser the resource of the user is closed', async () => {
    const { token } = await launch({ scope: 'openid launch/patient patient/Observation.rs' });
    expect(jose.decodeJwt(token.json.id_token)).not.toHaveProperty('fhirUser');
    expect((await server.api.get(PRACTITIONER, bearer(token.json.access_token))).status).toBe(403);
  });
});

describe('life of tokens', () => {
  const scope = 'launch/patient openid fhirUser offline_access patient/Patient.rs patient/Condition.rs';

  it('refresh with, without and with fewer scopes, of web and native apps, and the API obeys (RFC 6749 6)', async () => {
    for (const client of ['app', 'native'] as const) {
      let { json } = (await launch({ scope, client })).token;
      const refresh = async (more: Record<string, string> = {}) =>
        await tokenEndpoint(client, {
          grant_type: 'refresh_token',
          refresh_token: json.refresh_token,
          ...more,
        });
      for (const asked of [undefined, json.scope, 'patient/Patient.rs']) {
        const answer = await refresh(asked === undefined ? {} : { scope: asked });
        expect(answer.status).toBe(200);
        expect(answer.header('cache-control')).toBe('no-store');
        expect(sorted(answer.json.scope)).toEqual(sorted(asked ?? scope));
        const headers = bearer(answer.json.access_token);
        const narrow = asked === 'patient/Patient.rs';
        expect((await server.api.get(`Condition?patient=${PATIENT}`, headers)).status).toBe(
          narrow ? 403 : 200,
        );
        ({ json } = answer);
      }
      const invalid = await refresh({ refresh_token: `${json.refresh_token}x` });
      expect([400, 401]).toContain(invalid.status);
    }
  });

  it('a public client need not say who it is to refresh: its token does; no other client may go without proof', async () => {
    const bare = (refresh_token: string) =>
      fetch(`${server.issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token }),
      });
    const own = (await launch({ scope, client: 'native' })).token.json;
    const renewed = await bare(own.refresh_token);
    expect(renewed.status).toBe(200);
    expect(await renewed.json()).toMatchObject({ scope: own.scope, patient: PATIENT });
    const confidential = (await launch({ scope })).token.json;
    expect((await bare(confidential.refresh_token)).status).toBe(401);
    expect((await bare('unknown')).status).toBe(401);
  });

  it('introspection tells what the token response told, and of what is no token nothing but that', async () => {
    const { json } = (await launch({ scope })).token;
    const told = (await tokenEndpoint('app', { token: json.access_token }, 'introspect')).json;
    const claims = jose.decodeJwt(json.id_token);
    expect(told).toMatchObject({
      active: true,
      client_id: 'app',
      patient: PATIENT,
      iss: claims.iss,
      sub: claims.sub,
      fhirUser: claims['fhirUser'],
      exp: expect.any(Number),
    });
    expect(sorted(told.scope)).toEqual(sorted(json.scope));
    const none = await tokenEndpoint('app', { token: randomUUID() }, 'introspect');
    expect([none.status, none.json]).toEqual([200, { active: false }]);
  });

  it('revocation by the person: the API and the refresh are closed at once', async () => {
    const { json } = (await launch({ scope, login: 'marisol' })).token;
    const headers = bearer(json.access_token);
    expect((await server.api.get(`Patient/${PATIENT}`, headers)).status).toBe(200);
    const person = new Browser(server.issuer);
    await person.get('login');
    await person.logIn('marisol', PASSWORD);
    await person.get('manage');
    await person.submit('manage/apps');
    expect((await server.api.get(`Patient/${PATIENT}`, headers)).status).toBe(401);
    const refused = await tokenEndpoint('app', {
      grant_type: 'refresh_token',
      refresh_token: json.refresh_token,
    });
    expect(refused.status).toBe(400);
    expect((await tokenEndpoint('app', { token: json.access_token }, 'introspect')).json).toEqual({
      active: false,
    });
  });
});

describe('granular scopes (US Core 7, "SMART on FHIR Obligations and Capabilities")', () => {
  const CONDITION = 'http://terminology.hl7.org/CodeSystem/condition-category';
  const HEALTH_CONCERN = 'http://hl7.org/fhir/us/core/CodeSystem/condition-category|health-concern';
  const OBSERVATION = 'http://terminology.hl7.org/CodeSystem/observation-category';
  const SDOH = 'http://hl7.org/fhir/us/core/CodeSystem/us-core-category|sdoh';
  const LAUNCHES = {
    first: {
      Condition: [`${CONDITION}|encounter-diagnosis`, HEALTH_CONCERN],
      Observation: [`${OBSERVATION}|laboratory`, `${OBSERVATION}|social-history`],
    },
    second: {
      Condition: [`${CONDITION}|problem-list-item`],
      Observation: [`${OBSERVATION}|vital-signs`, `${OBSERVATION}|survey`, SDOH],
    },
  };
  type Type = keyof (typeof LAUNCHES)['first'];
  const COMBINATIONS: Record<Type, string[][]> = {
    Condition: [['patient'], ['patient', 'category'], ['patient', 'code'], ['_id']],
    Observation: [
      ['patient'],
      ['patient', 'category'],
      ['patient', 'code'],
      ['patient', 'category', 'date'],
      ['_id'],
    ],
  };
  const BASE = ['launch/patient', 'openid', 'fhirUser', 'offline_access', 'patient/Patient.rs'];
  const scopesOf = (categories: Record<Type, string[]>): string[] =>
    Object.entries(categories).flatMap(([type, values]) =>
      values.map((value) => `patient/${type}.rs?category=${value}`),
    );
  const isOf = (resource: Json, categories: string[]): boolean =>
    (resource.category ?? [])
      .flatMap(({ coding }: Json) => coding ?? [])
      .some(({ system, code }: Json) => categories.includes(`${system}|${code}`));
  const keys = (bundle: Json): string[] =>
    resourcesOf(bundle)
      .map(({ resourceType, id }) => `${resourceType}/${id}`)
      .sort();

  /** Asks every search twice, by a token and by one that sees all, and reads what is there. */
  async function replay(categories: Record<Type, string[]>, token: string): Promise<void> {
    const headers = bearer(token);
    for (const type of ['Condition', 'Observation'] as const) {
      const { json } = await server.api.get(`${type}?patient=${PATIENT}&_count=500`, server.admin);
      const all = resourcesOf(json);
      const queries = new Set(
        all.flatMap((resource) => COMBINATIONS[type].flatMap((each) => queriesFor(resource, each))),
      );
      queries.add(`patient=${PATIENT}&_revinclude=Provenance:target`);
      expect(queries.size).toBeGreaterThan(10);
      for (const query of queries) {
        const expected = resourcesOf((await server.api.get(`${type}?${query}&_count=500`, server.admin)).json)
          .filter((resource) => resource.resourceType === type && isOf(resource, categories[type]))
          .map(({ id }) => `${type}/${id}`)
          .sort();
        const found = await server.api.get(`${type}?${query}&_count=500`, headers);
        expect([query, found.status, keys(found.json)]).toEqual([query, 200, expected]);
      }
      let open = 0;
      for (const resource of all) {
        const read = await server.api.get(`${type}/${resource.id}`, headers);
        const granted = isOf(resource, categories[type]);
        expect([403, 404, 200]).toContain(read.status);
        expect([resource.id, read.status === 200]).toEqual([resource.id, granted]);
        if (granted) open++;
      }
      // The data must be able to tell: some are within, some are not.
      expect(open).toBeGreaterThan(0);
      expect(open).toBeLessThan(all.length);
    }
    for (const type of TYPES.filter((each) => each !== 'Condition' && each !== 'Observation')) {
      expect([401, 403]).toContain((await server.api.get(`${type}?patient=${PATIENT}`, headers)).status);
    }
  }

  it('asked for by the app: granted as they are, nothing extra and nothing missing', async () => {
    const asked = [...BASE, ...scopesOf(LAUNCHES.first)];
    const { token } = await launch({ scope: asked.join(' ') });
    expect(sorted(token.json.scope)).toEqual([...asked].sort());
    await replay(LAUNCHES.first, token.json.access_token);
  });

  it('chosen by the person where the app asked for whole types', async () => {
    const whole = [...BASE, 'patient/Condition.rs', 'patient/Observation.rs'];
    const parts = scopesOf(LAUNCHES.second);
    const { token, consent } = await launch({
      scope: whole.join(' '),
      tick: [...BASE, ...parts.map((part) => `${part.slice(0, part.indexOf('?'))} ${part}`)],
    });
    // The page offers each sub-scope of US Core beside its type.
    for (const part of [...scopesOf(LAUNCHES.first), ...parts])
      expect(consent).toContain(`${part.slice(0, part.indexOf('?'))} ${part}`);
    expect(sorted(token.json.scope)).toEqual([...BASE, ...parts].sort());
    await replay(LAUNCHES.second, token.json.access_token);
  });
});

describe('export of a group (Bulk Data Access 2.0.0)', () => {
  const GROUP = 'Group/us-core-patients/$export';
  const EXPORT = { Prefer: 'respond-async', Accept: 'application/fhir+json' };
  let token: HeaderMap;
  let limited: HeaderMap;

  beforeAll(async () => {
    const { publicKey, privateKey } = await jose.generateKeyPair('ES384');
    const jwk = { ...(await jose.exportJWK(publicKey)), kid: 'bulk', alg: 'ES384', use: 'sig' };
    await server.client({
      id: 'bulk',
      kind: 'confidential-asymmetric',
      grantTypes: ['client_credentials'],
      scopes: 'system/*.rs',
      jwks: { keys: [jwk as PublicJwk] },
    });
    const ask = async (scope: string): Promise<HeaderMap> => {
      const assertion = await new jose.SignJWT({ jti: randomUUID() })
        .setProtectedHeader({ alg: 'ES384', kid: 'bulk', typ: 'JWT' })
        .setIssuer('bulk')
        .setSubject('bulk')
        .setAudience(`${server.issuer}/token`)
        .setExpirationTime('4m')
        .sign(privateKey);
      const answer = await fetch(`${server.issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          scope,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: assertion,
        }),
      });
      return bearer(((await answer.json()) as Json).access_token);
    };
    token = await ask('system/*.read');
    limited = await ask('system/Patient.rs system/Group.rs');
  });

  const kickOff = (path: string, headers = token) => server.api.get(path, { ...EXPORT, ...headers });

  /** Follows the status URL to its end. @returns what it answers then */
  async function outcome(started: Answer, headers = token): Promise<Answer> {
    expect(started.status, started.text).toBe(202);
    const url = started.header('content-location') as string;
    for (;;) {
      const answer = await server.api.get(url, { ...headers, Accept: 'application/json' });
      if (answer.status !== 202) return answer;
      expect(Number(answer.header('retry-after'))).toBeGreaterThan(0);
      expect(answer.header('x-progress')).toMatch(/./);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The resources of a manifest, each file of which holds one type. */
  async function contents({ json }: Answer, headers = token): Promise<Json[]> {
    const all: Json[] = [];
    for (const { type, url, count } of json.output) {
      const file = await server.api.get(url, { ...headers, Accept: 'application/fhir+ndjson' });
      expect([file.status, file.header('content-type')]).toEqual([200, 'application/fhir+ndjson']);
      const lines = file.text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(lines.map(({ resourceType }) => resourceType)).toEqual(Array(count).fill(type));
      all.push(...lines);
    }
    return all;
  }

  it('is told in the CapabilityStatement, at each level', async () => {
    const { json } = await server.api.get('metadata');
    expect(json.instantiates).toContain('http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data');
    const { operation, resource } = json.rest[0];
    const of = (type: string): Json[] => resource.find((one: Json) => one.type === type).operation;
    const definitions = [operation, of('Patient'), of('Group')].map(
      (list: Json[]) => list.find(({ name }) => name === 'export')?.definition,
    );
    expect(definitions).toEqual(
      ['export', 'patient-export', 'group-export'].map(
        (name) => `http://hl7.org/fhir/uv/bulkdata/OperationDefinition/${name}`,
      ),
    );
  });

  it('holds the records of its members, all of US Core, and nothing twice', async () => {
    const started = await kickOff(GROUP);
    const done = await outcome(started);
    expect([done.status, done.header('content-type')]).toEqual([200, 'application/json']);
    expect(Date.parse(done.header('expires') as string)).toBeGreaterThan(Date.now());
    const manifest = done.json;
    expect(manifest).toMatchObject({
      request: `${server.fhir}/${GROUP}`,
      requiresAccessToken: true,
      error: [],
    });
    expect(Date.parse(manifest.transactionTime)).toBeLessThanOrEqual(Date.now());
    const all = await contents(done);
    const keys = all.map(({ resourceType, id }) => `${resourceType}/${id}`);
    expect(new Set(keys).size).toBe(keys.length);
    const patients = [PATIENT, 'theo-lindqvist-okafor'];
    expect(keys.filter((key) => key.startsWith('Patient/')).sort()).toEqual(
      patients.map((id) => `Patient/${id}`),
    );
    for (const type of TYPES) {
      const found = await Promise.all(
        patients.map((id) => server.api.get(`${type}?patient=${id}&_count=500`, server.admin)),
      );
      const wanted = found.flatMap(({ json }) => resourcesOf(json)).map(({ id }) => `${type}/${id}`);
      expect(keys.filter((key) => key.startsWith(`${type}/`)).sort(), type).toEqual(wanted.sort());
    }
    for (const type of ['Provenance', 'Organization', 'Practitioner', 'Location', 'Medication', 'Specimen'])
      expect(
        keys.some((key) => key.startsWith(`${type}/`)),
        type,
      ).toBe(true);
    // "Attachments": absolute URLs, under the same token.
    const urls = all
      .filter(({ resourceType }) => resourceType === 'DocumentReference')
      .flatMap(({ content }) => content.flatMap(({ attachment }: Json) => attachment.url ?? []));
    const [url] = urls.filter((one: string) => one.includes('/Binary/'));
    expect(url).toMatch(/^http:/);
    expect((await server.api.get(url, { ...token, Accept: 'text/plain' })).status).toBe(200);

    // Nobody else gets status or files; a file is no resource of its own.
    const status = started.header('content-location') as string;
    const [{ url: file }] = manifest.output;
    for (const one of [status, file]) {
      expect((await server.api.get(one)).status).toBe(401);
      expect((await server.api.get(one, limited)).status).toBe(404);
    }
    const alone = file.replace(/_async\/[^/]+\/(.*)\.ndjson$/, '_async/$1');
    expect((await server.api.get(alone, token)).status).toBe(404);
    expect((await server.api.delete(file, token)).status).toBe(405);
    expect((await server.api.delete(status, token)).status).toBe(202);
    for (const one of [status, file]) {
      const gone = await server.api.get(one, token);
      expect([gone.status, gone.json.resourceType]).toEqual([404, 'OperationOutcome']);
    }
  });

  it('takes _type, _typeFilter, _elements, patient and includeAssociatedData, by POST too', async () => {
    const parameter = [
      { name: 'patient', valueReference: { reference: `Patient/${PATIENT}` } },
      { name: '_type', valueString: 'Observation,Condition' },
      { name: '_typeFilter', valueString: 'Observation?category=laboratory&status=final' },
      { name: '_typeFilter', valueString: 'Observation?category=sdoh' },
      { name: '_elements', valueString: 'Observation.category,Observation.subject' },
      { name: '_outputFormat', valueString: 'ndjson' },
    ];
    const body = { resourceType: 'Parameters', parameter };
    const all = await contents(await outcome(await server.api.post(GROUP, body, { ...EXPORT, ...token })));
    const observations = all.filter(({ resourceType }) => resourceType === 'Observation');
    const wanted = await server.api.get(
      `Observation?patient=${PATIENT}&category=laboratory,sdoh&_count=500`,
      server.admin,
    );
    const expected = resourcesOf(wanted.json).filter(
      ({ status, category }) => status === 'final' || JSON.stringify(category).includes('"sdoh"'),
    );
    expect(observations.map(({ id }) => id).sort()).toEqual(expected.map(({ id }) => id).sort());
    for (const one of observations) {
      expect(Object.keys(one)).not.toContain('valueQuantity');
      expect(JSON.stringify(one.meta.tag)).toContain('SUBSETTED');
    }
    const others = all.filter(({ resourceType }) => resourceType !== 'Observation');
    expect(others.every(({ resourceType, code }) => resourceType === 'Condition' && code)).toBe(true);

    const associated = await contents(
      await outcome(await kickOff(`${GROUP}?_type=Patient&includeAssociatedData=LatestProvenanceResources`)),
    );
    expect(new Set(associated.map(({ resourceType }) => resourceType))).toEqual(
      new Set(['Patient', 'Provenance']),
    );
  });

  it('tells what was changed and what was deleted since', async () => {
    const since = new Date().toISOString();
    const note = (id: string, patient: string) =>
      server.put({
        resourceType: 'Flag',
        id,
        status: 'active',
        code: { text: 'Note' },
        subject: { reference: `Patient/${patient}` },
      });
    await note('kept', PATIENT);
    for (const patient of [PATIENT, 'stranger']) {
      if (patient === 'stranger') await server.put({ resourceType: 'Patient', id: patient });
      await note(`gone-${patient}`, patient);
      await server.api.delete(`Flag/gone-${patient}`, server.admin);
    }
    const told = async (path: string): Promise<[string[], string[]]> => {
      const { json } = await outcome(await kickOff(`${path}?_since=${since}`));
      const bundles = await contents({ json: { output: json.deleted } } as Answer);
      for (const { type } of bundles) expect(type).toBe('transaction');
      const requests: Json[] = bundles.flatMap(({ entry }) => entry.map(({ request }: Json) => request));
      expect(requests.every(({ method }) => method === 'DELETE')).toBe(true);
      const all = await contents({ json } as Answer);
      return [
        all.map(({ resourceType, id }) => `${resourceType}/${id}`).sort(),
        requests.map(({ url }) => url).sort(),
      ];
    };
    expect(await told(GROUP)).toEqual([['Flag/kept'], [`Flag/gone-${PATIENT}`]]);
    const [changed, deleted] = await told('$export');
    expect(changed).toEqual(expect.arrayContaining(['Flag/kept', 'Patient/stranger']));
    expect(deleted).toEqual([`Flag/gone-${PATIENT}`, 'Flag/gone-stranger']);
  });

  it('gives nobody what he may not read', async () => {
    const { token: own } = await launch({ scope: 'launch/patient patient/*.rs', login: 'marisol' });
    const headers = bearer(own.json.access_token);
    for (const path of ['Patient/$export', '$export?_type=Observation,Provenance,Device,Practitioner']) {
      const all = await contents(await outcome(await kickOff(path, headers), headers), headers);
      expect(all.length).toBeGreaterThan(50);
      // One of each type is read; whose all of them are, they say themselves.
      const last = new Map(all.map(({ resourceType, id }) => [resourceType, `${resourceType}/${id}`]));
      const reads = await Promise.all([...last.values()].map((key) => server.api.get(key, headers)));
      expect(reads.filter(({ status }) => status !== 200)).toEqual([]);
      const subjects = all.flatMap(({ subject, patient }) => (subject ?? patient)?.reference ?? []);
      expect(new Set(subjects)).toEqual(new Set([`Patient/${PATIENT}`]));
    }
  });

  it('refuses what it does not understand or may not give, naming it', async () => {
    for (const [query, name] of [
      ['_outputFormat=text/csv', '_outputFormat'],
      ['_since=yesterday', '_since'],
      ['_type=Patients', '_type'],
      ['_typeFilter=Observation%3Fnothing=1', 'nothing'],
      ['_typeFilter=Observation%3F_include=*', '_typeFilter'],
      ['_type=Patient&_typeFilter=Observation%3Fstatus=final', '_typeFilter'],
      ['includeAssociatedData=all', 'includeAssociatedData'],
      ['patient=Patient/nobody', 'patient'],
      ['what=1', 'what'],
    ] as const) {
      const answer = await kickOff(`${GROUP}?${query}`);
      expect([query, answer.status, answer.expressions]).toEqual([query, 400, [`http.query.${name}`]]);
    }
    expect((await kickOff('Group/nobody/$export')).status).toBe(404);
    expect((await kickOff('Patient/$export?patient=nobody')).expressions).toEqual(['http.query.patient']);
    expect((await server.api.get(GROUP, token)).expressions).toEqual(['http.prefer']);
    expect((await server.api.get(GROUP, EXPORT)).status).toBe(401);
    expect((await kickOff(`${GROUP}?_type=Condition`, limited)).status).toBe(403);
    // Who takes less than is asked for gets what may be given.
    const lenient = { ...limited, Prefer: 'respond-async, handling=lenient' };
    const started = await server.api.get(`${GROUP}?_type=Condition,Patient&what=1`, lenient);
    expect((await contents(await outcome(started, limited), limited)).map(({ id }) => id).sort()).toEqual([
      PATIENT,
      'theo-lindqvist-okafor',
    ]);
  });
});
