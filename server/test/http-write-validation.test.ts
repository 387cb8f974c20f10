import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withOwner } from '../src/storage/prepare.ts';
import { configureTenant } from '../src/storage/tenants.ts';
import { type Harness, startHarness, type TestClient } from './harness.ts';

let harness: Harness;
let client: TestClient;

beforeAll(async () => {
  harness = await startHarness({ tenants: ['demo'] });
  client = harness.client('demo');
});
afterAll(async () => harness?.stop());

async function configure(settings: Record<string, string | string[] | null>): Promise<void> {
  await withOwner(harness.database.ownerUrl, (owner) => configureTenant(owner, 'demo', settings));
  // A policy that allows more may be seen a second later; /metadata asks for the newest.
  await client.get('metadata');
}

const PROFILE = 'https://example.org/StructureDefinition/named-patient';

/** A Patient with a name of at least one given, and a favourite colour out of the tenant's own value set. */
const profile = {
  resourceType: 'StructureDefinition',
  url: PROFILE,
  version: '1.0.0',
  name: 'NamedPatient',
  status: 'active',
  kind: 'resource',
  abstract: false,
  type: 'Patient',
  baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Patient',
  derivation: 'constraint',
  differential: {
    element: [
      { id: 'Patient', path: 'Patient' },
      { id: 'Patient.name', path: 'Patient.name', min: 1 },
      {
        id: 'Patient.maritalStatus',
        path: 'Patient.maritalStatus',
        binding: { strength: 'required', valueSet: 'https://example.org/ValueSet/status' },
      },
    ],
  },
};
const declares = { meta: { profile: [PROFILE] } };

describe("a tenant's own definitions in $validate (R4 resource-operation-validate.html)", () => {
  it('validates against a StructureDefinition as soon as it is stored, and as it is changed', async () => {
    const nameless = { resourceType: 'Patient', ...declares };
    const before = await client.post('Patient/$validate', nameless);
    expect(before.json.issue).toMatchObject([{ severity: 'warning' }]);
    const stored = await client.create(profile);
    const after = await client.post('Patient/$validate', nameless);
    expect(after.json.issue).toMatchObject([
      { severity: 'error', code: 'required', expression: ['Patient'] },
    ]);
    expect(after.json.issue[0].diagnostics).toContain(PROFILE);
    await client.put(`StructureDefinition/${stored.id}`, {
      ...profile,
      id: stored.id,
      differential: { element: [{ id: 'Patient', path: 'Patient' }] },
    });
    expect((await client.post('Patient/$validate', nameless)).json.issue).toMatchObject([
      { severity: 'information' },
    ]);
    await client.put(`StructureDefinition/${stored.id}`, { ...profile, id: stored.id });
  });

  it("judges codes by the tenant's own value sets and code systems", async () => {
    await client.create({
      resourceType: 'CodeSystem',
      url: 'https://example.org/CodeSystem/status',
      status: 'active',
      content: 'complete',
      concept: [{ code: 'one' }, { code: 'two' }],
    });
    await client.create({
      resourceType: 'ValueSet',
      url: 'https://example.org/ValueSet/status',
      status: 'active',
      compose: { include: [{ system: 'https://example.org/CodeSystem/status' }] },
    });
    const patient = (code: string) => ({
      resourceType: 'Patient',
      ...declares,
      name: [{ family: 'A' }],
      maritalStatus: { coding: [{ system: 'https://example.org/CodeSystem/status', code }] },
    });
    const right = await client.post('Patient/$validate', patient('one'));
    expect(right.json.issue.filter((issue: { severity: string }) => issue.severity === 'error')).toEqual([]);
    const wrong = await client.post('Patient/$validate', patient('three'));
    expect(wrong.json.issue).toContainEqual(
      expect.objectContaining({
        severity: 'error',
        code: 'code-invalid',
        expression: ['Patient.maritalStatus'],
      }),
    );
  });

  it('says with mode delete whether something refers to the resource', async () => {
    const patient = await client.create({ resourceType: 'Patient' });
    expect((await client.get(`Patient/${patient.id}/$validate?mode=delete`)).json.issue).toMatchObject([
      { severity: 'information' },
    ]);
    await client.create({
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      subject: { reference: `Patient/${patient.id}` },
    });
    expect((await client.get(`Patient/${patient.id}/$validate?mode=delete`)).json.issue).toMatchObject([
      { severity: 'error', code: 'conflict' },
    ]);
  });
});

describe("a tenant's policy for writes (issue 4, section 2)", () => {
  it('checks structure only unless it says otherwise', async () => {
    expect((await client.post('Patient', { resourceType: 'Patient', ...declares })).status).toBe(201);
    expect((await client.post('Patient', { resourceType: 'Patient', gender: 'x' })).status).toBe(422);
  });

  it('with "declared" refuses what breaks a profile that it declares, and changes nothing', async () => {
    await configure({ 'validation.writes': 'declared' });
    const count = async () => (await client.get('Patient?_summary=count')).json.total;
    const before = await count();
    const refused = await client.post('Patient', { resourceType: 'Patient', ...declares });
    expect(refused.status).toBe(422);
    expect(refused.json.issue).toMatchObject([{ severity: 'error', expression: ['Patient'] }]);
    const inBundle = await client.transaction([
      { resource: { resourceType: 'Patient' }, request: { method: 'POST', url: 'Patient' } },
      { resource: { resourceType: 'Patient', ...declares }, request: { method: 'POST', url: 'Patient' } },
    ]);
    expect(inBundle.status).toBe(422);
    expect(inBundle.expressions).toEqual(['Bundle.entry[1].resource']);
    expect(await count()).toBe(before);
    const batch = await client.batch([
      { resource: { resourceType: 'Patient' }, request: { method: 'POST', url: 'Patient' } },
      { resource: { resourceType: 'Patient', ...declares }, request: { method: 'POST', url: 'Patient' } },
    ]);
    const statuses = batch.json.entry.map((entry: { response: { status: string } }) => entry.response.status);
    expect(statuses.map((status: string) => status.slice(0, 3))).toEqual(['201', '422']);
    expect(await count()).toBe(before + 1);
  });

  it('validates what a patch makes', async () => {
    const patient = await client.create({ resourceType: 'Patient', ...declares, name: [{ family: 'A' }] });
    const patch = (path: string) =>
      client.request('PATCH', `Patient/${patient.id}`, JSON.stringify([{ op: 'remove', path }]), {
        'content-type': 'application/json-patch+json',
      });
    expect((await patch('/name')).status).toBe(422);
    expect((await client.get(`Patient/${patient.id}`)).json.name).toEqual([{ family: 'A' }]);
    expect((await patch('/meta/profile')).status).toBe(200);
    expect((await patch('/name')).status).toBe(200);
  });

  it('applies R4 rules to resources that declare no profile', async () => {
    const answer = await client.post('Patient', { resourceType: 'Patient', contact: [{ gender: 'male' }] });
    expect(answer.status).toBe(422);
    expect(answer.json.issue[0].diagnostics).toContain('pat-1');
  });

  it('tells warnings with Prefer: return=OperationOutcome, or refuses them', async () => {
    const unknown = { resourceType: 'Patient', meta: { profile: ['https://example.org/unknown'] } };
    const prefer = { prefer: 'return=OperationOutcome' };
    const told = await client.post('Patient', unknown, prefer);
    expect(told.status).toBe(201);
    expect(told.json.issue).toContainEqual(expect.objectContaining({ severity: 'warning' }));
    await configure({ 'validation.warnings': 'ignore' });
    expect((await client.post('Patient', unknown, prefer)).json.issue).toHaveLength(1);
    await configure({ 'validation.warnings': 'refuse' });
    expect((await client.post('Patient', unknown)).status).toBe(422);
    await configure({ 'validation.warnings': null, 'validation.unknownProfiles': 'error' });
    expect((await client.post('Patient', unknown)).status).toBe(422);
  });

  it('with "required" demands the profiles of a type', async () => {
    await configure({ 'validation.writes': 'required', 'validation.required.Patient': [PROFILE] });
    expect((await client.post('Patient', { resourceType: 'Patient' })).status).toBe(422);
    expect((await client.post('Patient', { resourceType: 'Patient', name: [{ family: 'A' }] })).status).toBe(
      201,
    );
    const checked = await client.post('Patient/$validate?mode=create', { resourceType: 'Patient' });
    expect(checked.json.issue[0].severity).toBe('error');
  });

  it('with "off" stores and finds whatever can be read as a resource', async () => {
    await configure({ 'validation.writes': 'off', 'validation.required.Patient': null });
    const stored = await client.create({
      resourceType: 'Observation',
      code: { text: 'x' },
      effectiveDateTime: 'the day before yesterday',
    });
    expect((await client.get(`Observation?_id=${stored.id}`)).json.total).toBe(1);
    // What no format can carry is refused anyway.
    expect((await client.post('Patient', { resourceType: 'Patient', name: 'A' })).status).toBe(400);
    expect((await client.post('Patient', { resourceType: 'Patient', unheardOf: 1 })).status).toBe(400);
  });
});

describe("the server's narratives (R4 narrative.html)", () => {
  it('are made for resources without text when the tenant has switched them on', async () => {
    await configure({ 'validation.writes': null });
    const patient = { resourceType: 'Patient', name: [{ family: 'Álvarez <script>' }] };
    expect((await client.create(patient)).text).toBeUndefined();
    await configure({ narrative: 'on' });
    const stored = await client.create(patient);
    expect(stored.text.status).toBe('generated');
    expect(stored.text.div).toContain('Álvarez &lt;script&gt;');
    const patched = await client.patch(
      `Patient/${stored.id}`,
      JSON.stringify([{ op: 'add', path: '/deceasedBoolean', value: true }]),
      { 'content-type': 'application/json-patch+json' },
    );
    expect(patched.json.text.div).not.toBe(stored.text.div);
    const own = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">mine</div>' };
    expect((await client.create({ ...patient, text: own })).text).toEqual(own);
    expect((await client.post('Patient/$validate', stored)).json.issue).toMatchObject([
      { severity: 'information' },
    ]);
  });
});
