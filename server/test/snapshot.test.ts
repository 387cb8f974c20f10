import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, type Json, startHarness, type TestClient } from './harness.ts';

/*
 * StructureDefinition/$snapshot (R4 structuredefinition-operation-snapshot.html).
 */

const CORE = 'http://hl7.org/fhir/StructureDefinition/';
const OURS = 'http://example.org/StructureDefinition/';

let harness: Harness;
let client: TestClient;

beforeAll(async () => {
  harness = await startHarness();
  client = harness.client();
});
afterAll(() => harness?.stop());

/** A profile of Patient that requires a birth date. */
function profile(name: string, more: object = {}): Json {
  return {
    resourceType: 'StructureDefinition',
    url: OURS + name,
    name: 'BornPatient',
    status: 'draft',
    kind: 'resource',
    abstract: false,
    type: 'Patient',
    baseDefinition: `${CORE}Patient`,
    derivation: 'constraint',
    differential: {
      element: [
        { id: 'Patient', path: 'Patient' },
        { id: 'Patient.birthDate', path: 'Patient.birthDate', min: 1 },
      ],
    },
    ...more,
  };
}

const element = (structure: Json, id: string): Json =>
  structure.snapshot.element.find((one: Json) => one.id === id);

const parameters = (...parameter: object[]): object => ({ resourceType: 'Parameters', parameter });

describe('StructureDefinition/$snapshot (R4 structuredefinition-operation-snapshot.html)', () => {
  it('makes the snapshot of a definition in Parameters, and of one that is the body', async () => {
    const given = profile('born');
    for (const body of [parameters({ name: 'definition', resource: given }), given]) {
      const { status, json } = await client.post('StructureDefinition/$snapshot', body);
      expect(status).toBe(200);
      expect(json).toMatchObject(given);
      expect(element(json, 'Patient.birthDate')).toMatchObject({ min: 1, max: '1', base: { min: 0 } });
      expect(element(json, 'Patient.gender')).toMatchObject({ min: 0, binding: { strength: 'required' } });
    }
  });

  it('gives a definition of R4 core by its url, with or without version', async () => {
    for (const url of [`${CORE}bodyweight`, `${CORE}bodyweight|4.0.1`]) {
      const query = `StructureDefinition/$snapshot?url=${encodeURIComponent(url)}`;
      const { status, json } = await client.get(query);
      expect(status).toBe(200);
      expect(json.url).toBe(`${CORE}bodyweight`);
      // Inherited from the vital signs profile, which is its base.
      expect(element(json, 'Observation.category:VSCat')).toMatchObject({ min: 1, max: '1' });
    }
    const posted = await client.post(
      'StructureDefinition/$snapshot',
      parameters({ name: 'url', valueString: `${CORE}Patient` }),
    );
    expect(element(posted.json, 'Patient.birthDate')).toMatchObject({ max: '1' });
  });

  it('works on a stored definition, by its instance and by its url, over a stored base', async () => {
    await client.create(profile('stored-base'));
    const derived = await client.create(
      profile('stored', {
        baseDefinition: `${OURS}stored-base`,
        differential: { element: [{ id: 'Patient.gender', path: 'Patient.gender', min: 1 }] },
      }),
    );
    const url = encodeURIComponent(`${OURS}stored`);
    for (const path of [
      `StructureDefinition/${derived.id}/$snapshot`,
      `StructureDefinition/$snapshot?url=${url}`,
    ]) {
      const { status, json } = await client.get(path);
      expect(status).toBe(200);
      expect(json.id).toBe(derived.id);
      expect(element(json, 'Patient.gender')).toMatchObject({ min: 1 });
      expect(element(json, 'Patient.birthDate')).toMatchObject({ min: 1 });
    }
    // What is stored stays as it was.
    expect((await client.get(`StructureDefinition/${derived.id}`)).json.snapshot).toBeUndefined();
  });

  it('makes a snapshot anew where there is an old one', async () => {
    const stale = profile('stale', {
      snapshot: { element: [{ id: 'Patient', path: 'Patient', min: 0, max: '*' }] },
    });
    const { json } = await client.post('StructureDefinition/$snapshot', stale);
    expect(element(json, 'Patient.birthDate')).toMatchObject({ min: 1 });
  });

  it('answers 404 for a url or an instance that is unknown', async () => {
    const unknown = await client.get(`StructureDefinition/$snapshot?url=${OURS}nowhere`);
    expect(unknown.status).toBe(404);
    expect(unknown.json.issue[0].diagnostics).toContain(`${OURS}nowhere`);
    expect(
      (await client.get(`StructureDefinition/$snapshot?url=${encodeURIComponent(`${CORE}Patient|9.9.9`)}`))
        .status,
    ).toBe(404);
    expect((await client.get('StructureDefinition/none/$snapshot')).status).toBe(404);
  });

  it('names a base that is unknown', async () => {
    const answer = await client.post(
      'StructureDefinition/$snapshot',
      profile('orphan', { baseDefinition: `${OURS}nowhere` }),
    );
    expect(answer.status).toBe(422);
    expect(answer.issueCodes).toEqual(['not-found']);
    expect(answer.expressions).toEqual(['StructureDefinition.baseDefinition']);
    expect(answer.json.issue[0].diagnostics).toContain(`${OURS}nowhere`);
  });

  it('names a cycle of bases', async () => {
    const self = await client.post(
      'StructureDefinition/$snapshot',
      profile('self', { baseDefinition: `${OURS}self` }),
    );
    expect(self.status).toBe(422);
    await client.create(profile('hen', { baseDefinition: `${OURS}egg` }));
    const egg = await client.create(profile('egg', { baseDefinition: `${OURS}hen` }));
    const answer = await client.get(`StructureDefinition/${egg.id}/$snapshot`);
    expect(answer.status).toBe(422);
    expect(answer.expressions).toEqual(['StructureDefinition.baseDefinition']);
    expect(answer.json.issue[0].diagnostics).toContain(`${OURS}egg -> ${OURS}hen -> ${OURS}egg`);
  });

  it('names an element of the differential that the base does not have', async () => {
    const answer = await client.post(
      'StructureDefinition/$snapshot',
      profile('odd', {
        differential: { element: [{ id: 'Patient.shoeSize', path: 'Patient.shoeSize', min: 1 }] },
      }),
    );
    expect(answer.status).toBe(422);
    expect(answer.expressions).toEqual(['StructureDefinition.differential']);
    expect(answer.json.issue[0].diagnostics).toContain('shoeSize');
  });

  it('refuses a differential without end in bounded time', async () => {
    const path = ['Patient', ...Array(30_000).fill('extension')].join('.');
    const deep = await client.post(
      'StructureDefinition/$snapshot',
      profile('deep', { differential: { element: [{ id: path, path }] } }),
    );
    expect([deep.status, deep.issueCodes]).toEqual([422, ['too-costly']]);
  });

  it('refuses what has no base or no differential', async () => {
    const { baseDefinition: _base, derivation: _derivation, ...rootless } = profile('rootless');
    expect((await client.post('StructureDefinition/$snapshot', rootless)).status).toBe(422);
    const { differential: _differential, ...bare } = profile('bare');
    const answer = await client.post('StructureDefinition/$snapshot', {
      ...bare,
      snapshot: { element: [{ id: 'Patient', path: 'Patient' }] },
    });
    expect(answer.status).toBe(422);
  });

  it('refuses a call without a definition, or with something else', async () => {
    const none = await client.get('StructureDefinition/$snapshot');
    expect([none.status, none.issueCodes]).toEqual([400, ['required']]);
    const wrong = await client.post(
      'StructureDefinition/$snapshot',
      parameters({ name: 'definition', resource: { resourceType: 'Patient' } }),
    );
    expect(wrong.status).toBe(400);
    const malformed = await client.post(
      'StructureDefinition/$snapshot',
      profile('malformed', { differential: { element: ['Patient.name'] } }),
    );
    expect([400, 422]).toContain(malformed.status);
    expect(malformed.expressions[0]).toContain('StructureDefinition.differential.element[0]');
  });
});
