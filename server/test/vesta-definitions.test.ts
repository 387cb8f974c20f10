import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessScopeOf } from '../src/access/access-scope-of.ts';
import { DEFAULT_POLICIES } from '../src/access/policies/index.ts';
import { POLICY_PROFILE, policyResource } from '../src/access/policies/policy-resource.ts';
import type { Tenant } from '../src/access/scope.ts';
import { OPERATIONS } from '../src/fhir/operations/operations.ts';
import { vestaDefinitions } from '../src/fhir/vesta-definitions/index.ts';
import { OPERATION_TEXTS } from '../src/fhir/vesta-definitions/parameters.ts';
import { TestServer } from '../src/jobs/test-support.ts';
import { objectsOf } from '../src/json/objects.ts';
import type { JsonObject, Resource } from '../src/json/types.ts';

const OWN = 'https://vesta.health/fhir/';

let server: TestServer;
let tenant: Tenant;

beforeAll(async () => {
  server = await TestServer.start();
  tenant = await server.tenant('definitions');
}, 60_000);

afterAll(() => server?.stop());

const get = async (target: string, more = {}) => {
  const { status, body } = await server.send(tenant, 'GET', target, undefined, more);
  return { status, body: body as JsonObject };
};
const resourcesOf = (bundle: JsonObject): JsonObject[] =>
  objectsOf(bundle['entry']).map(({ resource }) => resource as JsonObject);

/** Errors of $validate, in words. */
async function errorsOf(resource: Resource): Promise<string[]> {
  const call = { resourceType: 'Parameters', parameter: [{ name: 'resource', resource }] };
  const { body } = await server.send(tenant, 'POST', `${resource.resourceType}/$validate`, call);
  return objectsOf((body as JsonObject)['issue'])
    .filter(({ severity }) => severity === 'error' || severity === 'fatal')
    .map((issue) => JSON.stringify(issue));
}

describe("Vesta's own definitions", () => {
  test('each operation with a URL of our own has an OperationDefinition that says the same of it', () => {
    const ours = OPERATIONS.filter(({ definition }) => definition.startsWith(OWN));
    expect(ours.length).toBeGreaterThan(10);
    const definitions = vestaDefinitions().filter(
      ({ resourceType }) => resourceType === 'OperationDefinition',
    );
    expect(definitions.map(({ url }) => url).sort()).toEqual(ours.map(({ definition }) => definition).sort());
    expect(Object.keys(OPERATION_TEXTS).sort()).toEqual(
      ours.map(({ definition }) => definition.slice(definition.lastIndexOf('/') + 1)).sort(),
    );
    for (const { name, definition, levels, types, safe } of ours) {
      const found = definitions.find(({ url }) => url === definition) as Resource;
      expect(found['code']).toBe(name);
      for (const level of ['system', 'type', 'instance'] as const)
        expect(found[level], `${name} ${level}`).toBe(levels.includes(level));
      expect(found['resource'] ?? []).toEqual(types === '*' ? ['Resource'] : types);
      // What GET may not call changes something (R4 operations.html#3.2.0.1).
      if (!safe) expect(found['affectsState']).toBe(true);
    }
  });

  test.each(vestaDefinitions().map((one) => [`${one.resourceType}/${one['id']}`, one] as const))(
    '%s is valid R4, and is read and found by its URL',
    async (reference, resource) => {
      expect(await errorsOf(resource)).toEqual([]);
      const read = await get(reference);
      expect(read.status).toBe(200);
      expect(read.body).toEqual(resource);
      const found = await get(`${resource.resourceType}?url=${resource['url']}&status=active`);
      expect(found.body['total']).toBe(1);
      expect(resourcesOf(found.body)).toEqual([resource]);
    },
  );

  test('all that /metadata names of our own can be found (R4 capabilitystatement.html, rest.operation.definition)', async () => {
    const { body } = await get('metadata');
    const [rest] = objectsOf(body['rest']);
    const named = [rest as JsonObject, ...objectsOf(rest?.['resource'])].flatMap(({ operation }) =>
      objectsOf(operation).map(({ definition }) => String(definition)),
    );
    const ours = [...new Set(named.filter((url) => url.startsWith(OWN)))];
    expect(ours.length).toBeGreaterThan(5);
    for (const url of ours) expect((await get(`OperationDefinition?url=${url}`)).body['total'], url).toBe(1);
    const parameters = objectsOf(rest?.['resource']).find(({ type }) => type === 'Parameters');
    expect(parameters?.['supportedProfile']).toContain(POLICY_PROFILE);
  });

  test('a search finds those that fulfil all its parameters, and only when asked for by url or _id', async () => {
    const url = `${OWN}OperationDefinition/fhirpath`;
    expect((await get(`OperationDefinition?url=${url}&_summary=count`)).body['total']).toBe(1);
    expect((await get(`OperationDefinition?url=${url}&status=draft`)).body['total']).toBe(0);
    expect((await get(`OperationDefinition?url=${url}&code=fhirpath&instance=true`)).body['total']).toBe(1);
    expect((await get(`OperationDefinition?_id=fhirpath,link`)).body['total']).toBe(2);
    expect((await get('OperationDefinition?status=active')).body['total']).toBe(0);
    expect((await get('OperationDefinition/no-such')).status).toBe(404);
    const short = await get(`OperationDefinition?url=${url}&_elements=url`);
    expect(Object.keys(resourcesOf(short.body)[0] ?? {})).not.toContain('parameter');
  });

  test('roles that read definitions read them; others do not', async () => {
    const scopeOf = (role: string, scopes: string) => ({
      scope: accessScopeOf({ clientId: 'app', subject: 's', role, scopes }, tenant),
    });
    const nurse = scopeOf('nurse', 'user/*.rs');
    expect((await get('OperationDefinition/fhirpath', nurse)).status).toBe(200);
    const narrow = scopeOf('nurse', 'user/Observation.rs');
    expect((await get('OperationDefinition/fhirpath', narrow)).status).toBe(403);
    const drafts = scopeOf('nurse', 'user/OperationDefinition.rs?status=draft');
    expect((await get('OperationDefinition/fhirpath', drafts)).status).toBe(404);
  });

  test('what the tenant stores under the same id takes its place', async () => {
    const own = { ...vestaDefinitions()[0], title: 'The tenant’s' } as Resource;
    const reference = `${own.resourceType}/${own['id']}`;
    expect((await server.send(tenant, 'PUT', reference, own)).status).toBe(201);
    expect((await get(reference)).body['title']).toBe('The tenant’s');
    const found = await get(`${own.resourceType}?url=${own['url']}`);
    expect(resourcesOf(found.body).map(({ title }) => title)).toEqual(['The tenant’s']);
    expect(found.body['total']).toBe(1);
  });

  test('policies of roles fulfil their profile, and what is no policy does not', async () => {
    for (const policy of DEFAULT_POLICIES.values())
      expect(await errorsOf(policyResource(policy))).toEqual([]);
    const policy = policyResource([...DEFAULT_POLICIES.values()][2] as never);
    const parameters = objectsOf(policy['parameter']);
    const without = (name: string) => parameters.filter((one) => one['name'] !== name);
    for (const parameter of [
      without('role'),
      without('rule'),
      [...parameters, { name: 'x', valueCode: 'y' }],
    ])
      expect(await errorsOf({ ...policy, parameter })).not.toEqual([]);
  });

  test('a kind of visit fulfils its extension, and what has other parts does not', async () => {
    const service = (...extension: JsonObject[]): Resource => ({
      resourceType: 'HealthcareService',
      extension: [{ url: `${OWN}StructureDefinition/visit-type`, extension }],
    });
    const minutes = { value: 20, unit: 'min', system: 'http://unitsofmeasure.org', code: 'min' };
    const duration = { url: 'duration', valueDuration: minutes };
    const candidate = { url: 'candidate', valueReference: { reference: 'Location/1' } };
    const whole = service({ url: 'code', valueCodeableConcept: { text: 'Check-up' } }, duration, {
      url: 'resource',
      extension: [candidate, candidate],
    });
    expect(await errorsOf(whole)).toEqual([]);
    for (const wrong of [
      service({ url: 'bufferAfter', valueDuration: minutes }),
      service(duration, duration),
      service({ url: 'duration', valueString: '20' }),
      service(duration, { url: 'resource', extension: [], valueString: 'x' }),
    ])
      expect(await errorsOf(wrong), JSON.stringify(wrong)).not.toEqual([]);
    const place = { ...whole, resourceType: 'Location' };
    expect(await errorsOf(place)).not.toEqual([]);
  });

  test('codes of our own are known to $validate', async () => {
    const code = (value: string) => ({
      resourceType: 'Communication',
      status: 'completed',
      category: [{ coding: [{ system: `${OWN}CodeSystem/communication-category`, code: value }] }],
    });
    expect(await errorsOf(code('break-glass'))).toEqual([]);
    expect(await errorsOf(code('no-such'))).not.toEqual([]);
  });
});
