import { randomUUID } from 'node:crypto';
import * as jose from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PublicJwk } from '../src/auth/clients/client.ts';
import type { AccessToken } from '../src/auth/token/access-token.ts';
import { mintAccessToken } from '../src/auth/token/mint.ts';
import type { AuthService } from '../src/http/auth-service.ts';
import { newMasterKey } from '../src/security/keys/master-key.ts';
import { type Harness, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let auth: AuthService;
let demo: TestClient;

beforeAll(async () => {
  harness = await startHarness({
    tenants: ['demo', 'other'],
    service: { auth: { masterKeys: { keys: [newMasterKey()], reload() {} }, mail: async () => {} } },
  });
  auth = harness.service.auth as AuthService;
  demo = harness.client('demo');
});
afterAll(async () => harness?.stop());

type Fields = Partial<Omit<AccessToken, 'id' | 'issued' | 'expires'>>;

/** A token as the token endpoint signs it, with the Authorization header that carries it. */
async function token(fields: Fields, tenant = 'demo', seconds = 300) {
  const found = await auth.services.findTenant(tenant);
  if (found === undefined) throw new Error(tenant);
  const base = { grantId: randomUUID(), clientId: 'test', subject: 'test', scopes: '' };
  const { jwt } = await mintAccessToken(auth.services, found, { ...base, ...fields }, seconds);
  return { authorization: `Bearer ${jwt}` };
}

const all = { scopes: 'system/*.cruds' };

describe('access tokens at the FHIR API (RFC 6750; SMART App Launch 2.2)', () => {
  it('answers 401 with a challenge and an OperationOutcome without a token, whatever is asked', async () => {
    for (const [method, path] of [
      ['GET', 'Patient'],
      ['GET', 'Patient/none'],
      ['POST', 'Patient'],
      ['POST', ''],
      ['GET', 'Patient/$everything'],
      ['DELETE', 'Patient/x'],
      ['GET', '_async/00000000-0000-0000-0000-000000000000'],
    ] as const) {
      const answer = await demo.request(
        method,
        path,
        method === 'POST' ? { resourceType: 'Bundle' } : undefined,
      );
      expect([path, answer.status, answer.issueCodes]).toEqual([path, 401, ['login']]);
      expect(answer.header('www-authenticate')).toMatch(/^Bearer/);
    }
  });

  it('answers 401 invalid_token to what is no token of this tenant that is alive', async () => {
    const good = (await token(all)).authorization;
    for (const authorization of [
      'Bearer x',
      'Basic abc',
      `${good}x`,
      good.replace(/\.[^.]*$/, '.'),
      (await token(all, 'other')).authorization,
    ]) {
      const answer = await demo.get('Patient', { authorization });
      expect([authorization.slice(0, 20), answer.status]).toEqual([authorization.slice(0, 20), 401]);
      expect(answer.header('www-authenticate')).toContain('error="invalid_token"');
    }
    expect((await demo.get(`Patient?access_token=${good.slice(7)}`)).status).toBe(401);
  });

  it('shows the CapabilityStatement and the SMART configuration to everybody', async () => {
    const metadata = await demo.get('metadata');
    expect(metadata.status).toBe(200);
    const { security } = metadata.json.rest[0];
    expect(security.service[0].coding[0].code).toBe('SMART-on-FHIR');
    const configuration = await demo.get('.well-known/smart-configuration', {
      origin: 'https://app.example',
    });
    expect(configuration.status).toBe(200);
    expect(configuration.header('content-type')).toMatch(/^application\/json/);
    expect(configuration.header('access-control-allow-origin')).toBe('*');
    const uris = security.extension[0].extension as { url: string; valueUri: string }[];
    expect(uris.find(({ url }) => url === 'token')?.valueUri).toBe(configuration.json.token_endpoint);
  });

  it('a system token does what its scopes say, and no more', async () => {
    const writer = await token({ scopes: 'system/Patient.cruds system/Observation.rs' });
    const patient = await demo.post('Patient', { resourceType: 'Patient', id: 'x' }, writer);
    expect(patient.status).toBe(201);
    expect((await demo.get(`Patient/${patient.json.id}`, writer)).status).toBe(200);
    const observation = { resourceType: 'Observation', status: 'final', code: { text: 'x' } };
    expect((await demo.post('Observation', observation, writer)).status).toBe(403);
    expect((await demo.get('Condition', writer)).status).toBe(403);
    expect((await demo.get('Observation', writer)).status).toBe(200);
  });

  it("a patient's token sees the patient's own compartment only, in counts and includes too", async () => {
    const admin = await token(all);
    const make = async (resource: object) => (await demo.post(type(resource), resource, admin)).json;
    const type = (resource: object) => (resource as { resourceType: string }).resourceType;
    const [mine, other] = [await make({ resourceType: 'Patient' }), await make({ resourceType: 'Patient' })];
    for (const { id } of [mine, mine, other]) {
      await make({
        resourceType: 'Observation',
        status: 'final',
        code: { text: 'x' },
        subject: { reference: `Patient/${id}` },
      });
    }
    const patient = await token({
      scopes: 'patient/*.rs',
      patient: mine.id,
      role: 'patient',
      fhirUser: `Patient/${mine.id}`,
    });
    expect((await demo.get('Observation?_summary=count', patient)).json.total).toBe(2);
    expect(
      (await demo.get(`Observation?subject=Patient/${other.id}&_total=accurate`, patient)).json.total,
    ).toBe(0);
    expect((await demo.get(`Patient/${mine.id}`, patient)).status).toBe(200);
    expect([403, 404]).toContain((await demo.get(`Patient/${other.id}`, patient)).status);
    const found = await demo.get('Patient?_revinclude=Observation:subject', patient);
    expect(found.json.entry).toHaveLength(3);
    expect((await demo.post('Observation', { resourceType: 'Observation' }, patient)).status).toBe(403);
  });

  it("a backend service's token opens the API until it is revoked (RFC 6749 4.4, RFC 7009)", async () => {
    const found = await auth.services.findTenant('demo');
    if (found === undefined) throw new Error('demo');
    const { publicKey, privateKey } = await jose.generateKeyPair('ES384');
    await auth.services.clients.create(found, {
      id: 'service',
      name: 'A service',
      kind: 'confidential-asymmetric',
      redirectUris: [],
      scopes: 'system/Patient.rs',
      grantTypes: ['client_credentials'],
      jwks: { keys: [{ ...(await jose.exportJWK(publicKey)), kid: '1', alg: 'ES384' } as PublicJwk] },
    });
    const assertion = (): Promise<string> =>
      new jose.SignJWT({ jti: randomUUID() })
        .setProtectedHeader({ alg: 'ES384', kid: '1', typ: 'JWT' })
        .setIssuer('service')
        .setSubject('service')
        .setAudience(`${harness.url}/auth/demo/token`)
        .setExpirationTime('2m')
        .sign(privateKey);
    const post = async (path: string, fields: Record<string, string>) =>
      fetch(`${harness.url}/auth/demo/${path}`, {
        method: 'POST',
        body: new URLSearchParams({
          ...fields,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: await assertion(),
        }),
      });
    const answer = await post('token', { grant_type: 'client_credentials', scope: 'system/*.rs' });
    const { access_token, scope } = (await answer.json()) as { access_token: string; scope: string };
    expect(scope).toBe('system/Patient.rs');
    const bearer = { authorization: `Bearer ${access_token}` };
    expect((await demo.get('Patient', bearer)).status).toBe(200);
    expect((await demo.get('Encounter', bearer)).status).toBe(403);
    expect((await post('revoke', { token: access_token })).status).toBe(200);
    expect((await demo.get('Patient', bearer)).status).toBe(401);
  });
});
