import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDefinitions } from '../src/conformance/definitions.ts';
import { parseJson } from '../src/json/parse.ts';
import { validateStructure } from '../src/validation/structure.ts';
import { type Harness, type Json, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let client: TestClient;
let statement: Json;

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
  statement = (await client.get('metadata')).json;
});
afterAll(() => harness?.stop());

describe('capabilities (R4 http.html#capabilities, capabilitystatement.html)', () => {
  it('is a valid CapabilityStatement of this server', async () => {
    const { status, text } = await client.get('metadata');
    expect(status).toBe(200);
    expect(validateStructure(parseJson(text), loadDefinitions())).toEqual([]);
    expect(statement).toMatchObject({
      resourceType: 'CapabilityStatement',
      kind: 'instance',
      fhirVersion: '4.0.1',
      implementation: { url: client.base },
    });
    expect(statement.format).toContain('application/fhir+json');
    expect(statement.patchFormat).toContain('application/json-patch+json');
  });

  it('lists every resource type once, with the interactions that it has', () => {
    const types = statement.rest[0].resource.map((resource: Json) => resource.type);
    expect([...types].sort()).toEqual([...loadDefinitions().resourceTypes].sort());
    for (const resource of statement.rest[0].resource) {
      const codes = resource.interaction.map((interaction: Json) => interaction.code);
      expect(codes).toEqual(
        expect.arrayContaining([
          'read',
          'vread',
          'update',
          'patch',
          'delete',
          'history-instance',
          'history-type',
          'create',
          'search-type',
        ]),
      );
      expect(resource).toMatchObject({
        versioning: 'versioned',
        readHistory: true,
        updateCreate: true,
        conditionalCreate: true,
      });
      expect(resource).toMatchObject({
        conditionalRead: 'full-support',
        conditionalUpdate: true,
        conditionalDelete: 'multiple',
      });
      expect(resource.referencePolicy).toContain('enforced');
    }
  });

  it('lists the search parameters of each type, and they work', async () => {
    const patient = statement.rest[0].resource.find((resource: Json) => resource.type === 'Patient');
    const names = patient.searchParam.map((parameter: Json) => parameter.name);
    expect(names).toEqual(
      expect.arrayContaining([
        '_id',
        '_lastUpdated',
        'family',
        'birthdate',
        'identifier',
        'general-practitioner',
      ]),
    );
    expect(new Set(names).size).toBe(names.length);
    for (const { name, definition } of patient.searchParam) {
      if (!name.startsWith('_')) expect(definition).toMatch(/^https?:/);
    }
  });

  it('the interactions of the whole system', () => {
    const codes = statement.rest[0].interaction.map((interaction: Json) => interaction.code);
    expect(codes).toEqual(
      expect.arrayContaining(['transaction', 'batch', 'history-system', 'search-system']),
    );
  });

  it('every operation that it names is there', async () => {
    const named = new Set<string>();
    for (const resource of statement.rest[0].resource)
      for (const operation of resource.operation ?? []) named.add(operation.name);
    for (const operation of statement.rest[0].operation ?? []) named.add(operation.name);
    for (const name of ['everything', 'lastn', 'meta', 'meta-add', 'meta-delete', 'validate', 'reindex'])
      expect(named).toContain(name);
  });

  it('mode may be given, whatever it is (servers may pass over it)', async () => {
    for (const mode of ['full', 'normative', 'terminology']) {
      const answer = await client.get(`metadata?mode=${mode}`);
      expect([
        answer.status,
        answer.json.resourceType.endsWith('Capabilities') ||
          answer.json.resourceType === 'CapabilityStatement',
      ]).toEqual([200, true]);
    }
  });

  it('_format, Accept, _summary, _elements as for any resource', async () => {
    expect((await client.get('metadata?_format=ttl')).status).toBe(406);
    expect((await client.get('metadata', { Accept: 'text/turtle' })).status).toBe(406);
    const summary = (await client.get('metadata?_summary=true')).json;
    expect(summary.meta.tag[0].code).toBe('SUBSETTED');
    const elements = (await client.get('metadata?_elements=fhirVersion')).json;
    expect([elements.fhirVersion, 'rest' in elements]).toEqual(['4.0.1', false]);
  });

  it('other methods are 405', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      expect((await client.request(method, 'metadata', method === 'DELETE' ? undefined : {})).status).toBe(
        405,
      );
    }
  });

  it('says of another server what that server does: lenient references are not enforced', async () => {
    const other = await harness.startAnother({ fhir: { references: 'lenient' } });
    const { json } = await other.client().get('metadata');
    for (const resource of json.rest[0].resource)
      expect(resource.referencePolicy ?? []).not.toContain('enforced');
  });
});
