import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import * as jose from 'jose';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { PublicJwk } from '../src/auth/clients/client.ts';
import type { AuthService } from '../src/http/auth-service.ts';
import { newMasterKey } from '../src/security/keys/master-key.ts';
import { createClient, type Harness, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let here: TestClient;
let elsewhere: TestClient;
const auth = { masterKeys: { keys: [newMasterKey()], reload() {} }, mail: async () => {} };

beforeAll(async () => {
  harness = await startHarness({ tenants: ['demo'], service: { auth } });
  here = harness.client('demo');
  // Both are behind one name: a token is for either.
  const { service } = await harness.startAnother({ service: { auth, baseUrl: harness.url } });
  const { port } = service.server.address() as AddressInfo;
  elsewhere = createClient(`http://127.0.0.1:${port}/fhir/demo`, 'demo');
});
afterAll(() => harness?.stop());

it('a revoked token is refused at once here and within five seconds by other processes (RFC 7009 2)', async () => {
  const { services } = harness.service.auth as AuthService;
  const tenant = await services.findTenant('demo');
  if (tenant === undefined) throw new Error('demo');
  const { publicKey, privateKey } = await jose.generateKeyPair('ES384');
  await services.clients.create(tenant, {
    id: 'service',
    name: 'A service',
    kind: 'confidential-asymmetric',
    redirectUris: [],
    scopes: 'system/Patient.rs',
    grantTypes: ['client_credentials'],
    jwks: { keys: [{ ...(await jose.exportJWK(publicKey)), kid: '1', alg: 'ES384' } as PublicJwk] },
  });
  const post = async (path: string, fields: Record<string, string>) =>
    fetch(`${harness.url}/auth/demo/${path}`, {
      method: 'POST',
      body: new URLSearchParams({
        ...fields,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await new jose.SignJWT({ jti: randomUUID() })
          .setProtectedHeader({ alg: 'ES384', kid: '1', typ: 'JWT' })
          .setIssuer('service')
          .setSubject('service')
          .setAudience(`${harness.url}/auth/demo/token`)
          .setExpirationTime('2m')
          .sign(privateKey),
      }),
    });
  const answer = await post('token', { grant_type: 'client_credentials', scope: 'system/Patient.rs' });
  const { access_token } = (await answer.json()) as { access_token: string };
  const bearer = { authorization: `Bearer ${access_token}` };
  for (const one of [here, elsewhere, here, elsewhere])
    expect((await one.get('Patient', bearer)).status).toBe(200);
  expect((await post('revoke', { token: access_token })).status).toBe(200);
  expect((await here.get('Patient', bearer)).status).toBe(401);
  await vi.waitFor(
    async () => {
      expect((await elsewhere.get('Patient', bearer)).status).toBe(401);
    },
    { timeout: 5000, interval: 100 },
  );
}, 30_000);
