import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from 'fhir-kit-client';
import * as jose from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewClient, PublicJwk } from '../src/auth/clients/client.ts';
import { mintAccessToken } from '../src/auth/token/mint.ts';
import { idsOf, type Json } from './harness.ts';
import { type SmartServer, startSmartServer } from './smart-server.ts';

let server: SmartServer;
/** Where a service publishes its keys. */
let keyServer: Server;
let published: { keys: PublicJwk[] } = { keys: [] };

beforeAll(async () => {
  server = await startSmartServer();
  for (const [id, family] of [
    ['ana', 'Perez'],
    ['bilal', 'Khan'],
  ] as const) {
    await server.put({ resourceType: 'Patient', id, name: [{ family }] });
    await server.put({
      resourceType: 'Observation',
      id: `o-${id}`,
      status: 'final',
      code: { text: 'x' },
      subject: { reference: `Patient/${id}` },
    });
  }
  keyServer = createServer((_request, response) => {
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(published));
  });
  await new Promise<void>((resolve) => keyServer.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await new Promise((resolve) => keyServer?.close(resolve) ?? resolve(undefined));
  await server?.stop();
});

describe('fhir-kit-client', () => {
  const token = async (scopes: string, patient?: string): Promise<string> => {
    const fields = { grantId: randomUUID(), clientId: 'kit', subject: 'kit', scopes };
    const context = patient === undefined ? {} : { patient, role: 'patient', fhirUser: `Patient/${patient}` };
    return (await mintAccessToken(server.services, server.tenant, { ...fields, ...context }, 300)).jwt;
  };
  /** The status of a failed call. */
  const failing = async (call: Promise<unknown>): Promise<number> => {
    try {
      await call;
      return 200;
    } catch (error) {
      return (error as Json).response?.status ?? (error as Json).status;
    }
  };

  it('finds the endpoints by its own discovery, without a token', async () => {
    const client = new Client({ baseUrl: server.fhir });
    const { authorizeUrl, tokenUrl, registerUrl } = await client.smartAuthMetadata();
    expect([authorizeUrl?.href, tokenUrl?.href, registerUrl?.href]).toEqual([
      `${server.issuer}/authorize`,
      `${server.issuer}/token`,
      `${server.issuer}/register`,
    ]);
    expect((await client.capabilityStatement())['fhirVersion']).toBe('4.0.1');
  });

  it('reads, searches and pages with a token, and sees what the token may see', async () => {
    const client = new Client({ baseUrl: server.fhir, bearerToken: await token('patient/*.rs', 'ana') });
    const patient = await client.read({ resourceType: 'Patient', id: 'ana' });
    expect((patient as Json).name[0].family).toBe('Perez');
    const found = await client.resourceSearch({
      resourceType: 'Observation',
      searchParams: { subject: 'Patient/ana' },
    });
    expect(idsOf(found)).toEqual(['o-ana']);
    expect(idsOf(await client.resourceSearch({ resourceType: 'Observation' }))).toEqual(['o-ana']);
    const first = await client.resourceSearch({ resourceType: 'Patient', searchParams: { _count: '1' } });
    expect(client.nextPage({ bundle: first as Json })).toBeUndefined();
    const all = new Client({ baseUrl: server.fhir, bearerToken: await token('system/*.rs') });
    const page = await all.resourceSearch({ resourceType: 'Patient', searchParams: { _count: '1' } });
    const next = await all.nextPage({ bundle: page as Json });
    expect([...idsOf(page), ...idsOf(next)].sort()).toEqual(['ana', 'bilal']);
  });

  it('is told 401 without a token and with a wrong one, 403 beyond its scope, with an OperationOutcome', async () => {
    const client = new Client({ baseUrl: server.fhir });
    expect(await failing(client.read({ resourceType: 'Patient', id: 'ana' }))).toBe(401);
    client.bearerToken = 'wrong';
    expect(await failing(client.read({ resourceType: 'Patient', id: 'ana' }))).toBe(401);
    client.bearerToken = await token('patient/Patient.rs', 'ana');
    expect(await failing(client.read({ resourceType: 'Patient', id: 'ana' }))).toBe(200);
    expect(await failing(client.resourceSearch({ resourceType: 'Observation' }))).toBe(403);
    expect(
      await failing(
        client.update({ resourceType: 'Patient', id: 'ana', body: { resourceType: 'Patient', id: 'ana' } }),
      ),
    ).toBe(403);
    const refused = client.resourceSearch({ resourceType: 'Observation' });
    await expect(refused).rejects.toMatchObject({
      response: { data: { resourceType: 'OperationOutcome' } },
    });
  });
});

describe('a backend service (SMART App Launch 2.2, "Backend Services")', () => {
  describe.each(['RS384', 'ES384'] as const)('with %s', (algorithm) => {
    it.each(['by URL', 'inline'])('and keys %s gets a token and reads', async (place) => {
      const kid = randomUUID();
      const { publicKey, privateKey } = await jose.generateKeyPair(algorithm);
      const jwk = { ...(await jose.exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' } as PublicJwk;
      published = { keys: [jwk] };
      const { port } = keyServer.address() as AddressInfo;
      const keys: Partial<NewClient> =
        place === 'inline'
          ? { jwks: { keys: [jwk] } }
          : { jwksUri: `http://127.0.0.1:${port}/${kid}/jwks.json` };
      const id = `service-${kid}`;
      await server.client({
        id,
        kind: 'confidential-asymmetric',
        grantTypes: ['client_credentials'],
        scopes: 'system/Patient.rs system/Observation.read',
        ...keys,
      });
      // As a service does: it knows nothing but the FHIR base and its own id and key.
      const smart = (await (await fetch(`${server.fhir}/.well-known/smart-configuration`)).json()) as Json;
      const ask = async (scope: string, header: object = {}) =>
        fetch(smart.token_endpoint, {
          method: 'POST',
          body: new URLSearchParams({
            grant_type: 'client_credentials',
            scope,
            client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
            client_assertion: await new jose.SignJWT({ jti: randomUUID() })
              .setProtectedHeader({ alg: algorithm, kid, typ: 'JWT', ...header })
              .setIssuer(id)
              .setSubject(id)
              .setAudience(smart.token_endpoint)
              .setExpirationTime('4m')
              .sign(privateKey),
          }),
        });
      const answer = await ask('system/Patient.rs system/Observation.rs system/Condition.rs');
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
      const token = (await answer.json()) as Json;
      expect(token).toMatchObject({ token_type: 'Bearer', expires_in: expect.any(Number) });
      expect(token.expires_in).toBeLessThanOrEqual(300);
      expect(token.scope.split(' ').sort()).toEqual(['system/Observation.rs', 'system/Patient.rs']);
      expect(token).not.toHaveProperty('refresh_token');
      const client = new Client({ baseUrl: server.fhir, bearerToken: token.access_token });
      expect(idsOf(await client.resourceSearch({ resourceType: 'Patient' })).sort()).toEqual([
        'ana',
        'bilal',
      ]);
      const headers = { Authorization: `Bearer ${token.access_token}` };
      expect((await server.api.get('Observation/o-bilal', headers)).status).toBe(200);
      expect((await server.api.get('Condition', headers)).status).toBe(403);
      expect((await server.api.delete('Observation/o-bilal', headers)).status).toBe(403);
      // A key that is not published.
      expect((await ask('system/Patient.rs', { kid: randomUUID() })).status).toBe(401);
    });
  });
});
