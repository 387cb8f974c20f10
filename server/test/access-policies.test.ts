import { randomUUID } from 'node:crypto';
import * as jose from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_POLICIES } from '../src/access/policies/index.ts';
import { policyResource } from '../src/access/policies/policy-resource.ts';
import type { PublicJwk } from '../src/auth/clients/client.ts';
import { type AccessServer, found, said, startAccessServer } from './access-server.ts';
import type { HeaderMap, Json } from './harness.ts';

/*
 * Issue 5, section 2: tenants change the policies of roles as resources, validated before they take effect; section 1:
 * a granular scope that cannot be enforced is not granted.
 */

let server: AccessServer;
let admin: HeaderMap;
let root: HeaderMap;
let nurse: HeaderMap;

beforeAll(async () => {
  server = await startAccessServer();
  admin = await server.as({ role: 'org_admin', fhirUser: 'Practitioner/a' });
  root = await server.as({ role: 'super_admin', fhirUser: 'Practitioner/r' });
  nurse = await server.as({ role: 'nurse', fhirUser: 'Practitioner/n' });
  await server.put(
    { resourceType: 'Patient', id: 'p', gender: 'female', identifier: [{ system: 'http://x', value: '1' }] },
    observation('lab', 'laboratory'),
    observation('vital', 'vital-signs'),
  );
}, 60_000);
afterAll(() => server?.stop());

const CATEGORY = 'http://terminology.hl7.org/CodeSystem/observation-category';
const observation = (id: string, category: string) => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  category: [{ coding: [{ system: CATEGORY, code: category }] }],
  code: { text: id },
  subject: { reference: 'Patient/p' },
});

const policyOf = (role: string): Json => structuredClone(policyResource(DEFAULT_POLICIES.get(role)!));
const rule = (...parts: [string, string][]) => ({
  name: 'rule',
  part: parts.map(([name, valueString]) => ({ name, valueString })),
});
/** The policy of a role with other rules. */
const withRules = (role: string, ...rules: object[]): Json => {
  const policy = policyOf(role);
  policy.parameter = [...policy.parameter.filter(({ name }: Json) => name !== 'rule'), ...rules];
  return policy;
};
const put = (policy: Json, who: HeaderMap, client = server.one) =>
  client.put(`Parameters/${policy.id}`, policy, who);

describe('policies of roles', () => {
  it('are in force at once where they are written, elsewhere within five seconds, and end with their resource', async () => {
    expect(await found(server.one, 'Observation', nurse)).toEqual(['lab', 'vital']);
    expect(await found(server.elsewhere, 'Observation', nurse)).toEqual(['lab', 'vital']);
    const policy = withRules(
      'nurse',
      rule(['type', 'Observation'], ['may', 'rs'], ['search', 'category=vital-signs']),
      rule(['type', 'Patient'], ['may', 'rs']),
    );
    policy.parameter.push({ name: 'hiddenElement', valueString: 'Patient.identifier' });
    expect((await put(policy, admin)).status).toBe(201);
    expect(await found(server.one, 'Observation', nurse)).toEqual(['vital']);
    expect((await server.one.get('Observation/lab', nurse)).status).toBe(404);
    expect((await server.one.get('Condition', nurse)).status).toBe(403);
    expect((await server.one.get('Patient/p', nurse)).json.identifier).toBeUndefined();
    await expect
      .poll(() => found(server.elsewhere, 'Observation', nurse), { timeout: 5000 })
      .toEqual(['vital']);
    expect((await server.one.delete('Parameters/policy-nurse', admin)).status).toBeLessThan(300);
    expect(await found(server.one, 'Observation', nurse)).toEqual(['lab', 'vital']);
    await expect
      .poll(() => found(server.elsewhere, 'Observation', nurse), { timeout: 5000 })
      .toEqual(['lab', 'vital']);
  });

  it('are of their tenant only', async () => {
    const there = await server.as({ role: 'org_admin', fhirUser: 'Practitioner/a' }, 'two');
    expect(
      (await put(withRules('nurse', rule(['type', 'Patient'], ['may', 'rs'])), there, server.two)).status,
    ).toBe(201);
    expect(await found(server.one, 'Observation', nurse)).toEqual(['lab', 'vital']);
    const theirs = await server.as({ role: 'nurse', fhirUser: 'Practitioner/n' }, 'two');
    expect((await server.two.get('Observation', theirs)).status).toBe(403);
  });

  it.each<[string, (policy: Json) => void, RegExp, RegExp]>([
    [
      'an unknown type',
      (p) => p.parameter.push(rule(['type', 'Doctor'], ['may', 'r'])),
      /Doctor/,
      /parameter\[\d+\]/,
    ],
    [
      'a parameter that does not exist',
      (p) => p.parameter.push(rule(['type', 'Patient'], ['may', 'r'], ['search', 'colour=red'])),
      /colour/,
      /parameter\[\d+\]/,
    ],
    [
      "super_admin's operations",
      (p) => p.parameter.push(rule(['type', 'Patient'], ['may', 'rso'])),
      /super_admin/,
      /parameter\[\d+\]/,
    ],
    [
      'writing everything',
      (p) => p.parameter.push(rule(['type', '*'], ['except', 'AuditEvent'], ['may', 'crus'])),
      /super_admin/,
      /parameter\[\d+\]/,
    ],
    [
      'writing the audit trail',
      (p) => p.parameter.push(rule(['type', 'AuditEvent'], ['may', 'c'])),
      /audit trail/,
      /parameter\[\d+\]/,
    ],
    [
      'an unknown role',
      (p) => {
        p.parameter[0].valueCode = 'king';
      },
      /role must be one of/,
      /parameter\[0\]/,
    ],
    [
      'another id',
      (p) => {
        p.id = 'mine';
      },
      /policy-nurse/,
      /Parameters\.id/,
    ],
    [
      'an element that there is not',
      (p) => p.parameter.push({ name: 'hiddenElement', valueString: 'Patient.colour' }),
      /colour/,
      /parameter\[\d+\]/,
    ],
  ])('are refused with 422 naming the element: %s', async (_what, change, message, place) => {
    const policy = policyOf('nurse');
    change(policy);
    const answer = await put(policy, admin);
    expect([answer.status, said(answer)]).toEqual([422, expect.stringMatching(message)]);
    expect(answer.expressions[0]).toMatch(place);
    expect(await found(server.one, 'Observation', nurse)).toEqual(['lab', 'vital']);
  });

  it('stand under their id only: none by POST, and the error names the place in a Bundle', async () => {
    expect((await server.one.post('Parameters', policyOf('nurse'), admin)).status).toBe(422);
    const wrong = withRules('nurse', rule(['type', 'Doctor'], ['may', 'r']));
    const request = { method: 'PUT', url: 'Parameters/policy-nurse' };
    const answer = await server.one.transaction([{ resource: wrong, request }], admin);
    expect(answer.status).toBe(422);
    expect(answer.expressions[0]).toMatch(/^Bundle\.entry\[0\]\.resource\.parameter\[\d+\]/);
  });

  it('are written by administrators only, whatever else may be written', async () => {
    const policy = withRules('nurse', rule(['type', 'Patient'], ['may', 'rs']));
    const system = await server.as({ scopes: 'system/*.cruds' });
    const agent = await server.as({
      role: 'org_admin',
      fhirUser: 'Practitioner/a',
      actor: { clientId: 'x' },
    });
    const attending = await server.as({ role: 'attending', fhirUser: 'Practitioner/d' });
    for (const who of [system, agent, attending, nurse]) expect((await put(policy, who)).status).toBe(403);
    // Nor is one taken away, or made into something else.
    expect((await put(policy, admin)).status).toBe(201);
    expect((await server.one.delete('Parameters/policy-nurse', system)).status).toBe(403);
    const plain = {
      resourceType: 'Parameters',
      id: 'policy-nurse',
      parameter: [{ name: 'x', valueString: 'y' }],
    };
    expect((await put(plain, system)).status).toBe(403);
    const patch = [{ op: 'remove', path: '/meta/profile' }];
    const asPatch = { ...system, 'content-type': 'application/json-patch+json' };
    expect((await server.one.patch('Parameters/policy-nurse', patch, asPatch)).status).toBe(403);
    expect((await server.one.get('Observation', nurse)).status).toBe(403);
    expect((await server.one.delete('Parameters/policy-nurse', admin)).status).toBeLessThan(300);
  });

  it("leave super_admin alone, and org_admin's own to super_admin", async () => {
    const own = withRules(
      'org_admin',
      rule(['type', 'Observation'], ['may', 'cruds']),
      rule(['type', 'Parameters'], ['may', 'cruds']),
    );
    expect((await put(own, admin)).status).toBe(403);
    for (const who of [admin, root])
      expect([403, 422]).toContain(
        (await put(withRules('super_admin', rule(['type', 'Patient'], ['may', 'r'])), who)).status,
      );
    expect((await put(own, root)).status).toBe(201);
    expect(await found(server.one, 'Observation', admin)).toEqual(['lab', 'vital']);
    expect((await server.one.delete('Parameters/policy-org-admin', admin)).status).toBe(403);
    expect((await server.one.delete('Parameters/policy-org-admin', root)).status).toBeLessThan(300);
    expect((await server.one.get('Observation', admin)).status).toBe(403);
  });
});

describe('granular scopes that cannot be enforced', () => {
  const LAB = `system/Observation.rs?category=${CATEGORY}|laboratory`;

  async function service(scopes: string) {
    const tenant = await server.auth.services.findTenant('one');
    const { publicKey, privateKey } = await jose.generateKeyPair('ES384');
    const id = randomUUID();
    await server.auth.services.clients.create(tenant as never, {
      id,
      name: 'A service',
      kind: 'confidential-asymmetric',
      redirectUris: [],
      scopes,
      grantTypes: ['client_credentials'],
      jwks: { keys: [{ ...(await jose.exportJWK(publicKey)), kid: '1', alg: 'ES384' } as PublicJwk] },
    });
    return async (scope: string) => {
      const assertion = await new jose.SignJWT({ jti: randomUUID() })
        .setProtectedHeader({ alg: 'ES384', kid: '1', typ: 'JWT' })
        .setIssuer(id)
        .setSubject(id)
        .setAudience(`${server.harness.url}/auth/one/token`)
        .setExpirationTime('2m')
        .sign(privateKey);
      const answer = await fetch(`${server.harness.url}/auth/one/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          scope,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: assertion,
        }),
      });
      return { status: answer.status, body: (await answer.json()) as Json };
    };
  }

  it('are dropped where something else is left, and the answer lists what is granted', async () => {
    const ask = await service('system/*.cruds');
    const { status, body } = await ask(
      `${LAB} system/Observation.rs?colour=red system/Patient.rs?birthdate=never`,
    );
    expect([status, body.scope]).toEqual([200, LAB]);
    const bearer = { authorization: `Bearer ${body.access_token}` };
    expect(await found(server.one, 'Observation', bearer)).toEqual(['lab']);
  });

  it('are refused where nothing is left', async () => {
    const ask = await service('system/*.cruds');
    for (const scope of ['system/Observation.rs?colour=red', 'system/Observation.rs?_sort=date']) {
      const { status, body } = await ask(scope);
      expect([scope, status, body.error]).toEqual([scope, 400, 'invalid_scope']);
    }
  });

  it('are dropped where a client is registered for them only', async () => {
    const ask = await service('system/Observation.rs?colour=red');
    expect((await ask('system/Observation.rs')).body.error).toBe('invalid_scope');
  });

  it('cannot be what a role may not search by', async () => {
    const { enforceable } = server.auth.services;
    const tenant = (await server.auth.services.findTenant('one')) as never;
    const scope = 'user/Patient.rs?identifier=x|1';
    expect(await enforceable(tenant, scope, 'attending')).toBe(scope);
    expect(await enforceable(tenant, `openid ${scope}`, 'scheduler')).toBe('openid');
  });
});

describe('$validate', () => {
  const ask = (who: HeaderMap, path: string, body: object = { resourceType: 'Parameters' }) =>
    server.one.post(path, body, who);

  it('of a deletion tells nothing of what may not be seen', async () => {
    const pages = await server.as({
      scopes: 'patient/Patient.cruds patient/Observation.cruds',
      patient: 'q',
    });
    const hidden = await ask(pages, 'Observation/lab/$validate?mode=delete');
    const absent = await ask(pages, 'Observation/nil/$validate?mode=delete');
    expect(hidden.status).toBe(404);
    expect(hidden.text.replaceAll('lab', 'nil')).toBe(absent.text);
    // Who refers to the patient is named to those who may see them.
    const system = await server.as({ scopes: 'system/*.cruds' });
    const narrow = await server.as({ scopes: 'system/Patient.cruds' });
    expect(said(await ask(system, 'Patient/p/$validate?mode=delete'))).toContain('Observation/');
    const kept = await ask(narrow, 'Patient/p/$validate?mode=delete');
    expect([kept.status, said(kept)]).toEqual([200, expect.not.stringContaining('Observation')]);
  });

  it('of an update answers alike for what is not there and what may not be seen', async () => {
    const pages = await server.as({ scopes: 'patient/Observation.cruds', patient: 'q' });
    const asked = (id: string) =>
      ask(pages, `Observation/${id}/$validate?mode=update`, {
        ...observation(id, 'laboratory'),
        subject: { reference: 'Patient/q' },
      });
    const hidden = await asked('lab');
    const absent = await asked('nil');
    expect(hidden.status).toBe(200);
    expect(hidden.text.replaceAll('lab', 'nil')).toBe(absent.text.replaceAll('lab', 'nil'));
    expect(said(hidden)).toContain('would create it');
  });
});
