import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mintAccessToken } from '../src/auth/token/mint.ts';
import { newMasterKey } from '../src/security/keys/master-key.ts';
import { type Harness, type HeaderMap, type Json, resourcesOf, startHarness } from './harness.ts';

/* Issue 6, section 2: the record on one page with sources; http://hl7.org/fhir/uv/ips: Composition-uv-ips, $summary. */

let harness: Harness;
let system: HeaderMap;
const token = async (fields: { scopes: string; role?: string; fhirUser?: string }): Promise<HeaderMap> => {
  const services = harness.service.auth!.services;
  const tenant = (await services.findTenant('test'))!;
  const base = { grantId: randomUUID(), clientId: 'test', subject: randomUUID() };
  const { jwt } = await mintAccessToken(services, tenant, { ...base, ...fields }, 300);
  return { authorization: `Bearer ${jwt}` };
};
const person = (role: string, fhirUser: string) => token({ scopes: 'user/*.cruds', role, fhirUser });

const patient = { reference: 'Patient/p' };
const active = (type: string) => ({
  coding: [{ system: `http://terminology.hl7.org/CodeSystem/${type}-clinical`, code: 'active' }],
});
const lab = (id: string, code: string, value: number, date: string) => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  category: [
    {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }],
    },
  ],
  code: { coding: [{ system: 'http://loinc.org', code }], text: `Test ${code}` },
  subject: patient,
  effectiveDateTime: date,
  valueQuantity: { value, unit: 'mg/dL' },
});
const RECORD = [
  {
    resourceType: 'Patient',
    id: 'p',
    identifier: [{ system: 'urn:mrn', value: '7' }],
    name: [{ family: 'Roe', given: ['Jane <b>'] }],
    birthDate: '1964-01-01',
  },
  { resourceType: 'Patient', id: 'empty', identifier: [{ system: 'urn:mrn', value: '8' }] },
  { resourceType: 'Practitioner', id: 'nurse' },
  {
    resourceType: 'AllergyIntolerance',
    id: 'penicillin',
    clinicalStatus: active('allergyintolerance'),
    criticality: 'high',
    code: { text: 'Penicillin & <script>' },
    patient,
  },
  {
    resourceType: 'AllergyIntolerance',
    id: 'refuted',
    verificationStatus: {
      coding: [
        { system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification', code: 'refuted' },
      ],
    },
    code: { text: 'Nuts' },
    patient,
  },
  { resourceType: 'Medication', id: 'aspirin', code: { text: 'Aspirin 100 mg' } },
  {
    resourceType: 'MedicationRequest',
    id: 'm1',
    status: 'active',
    intent: 'order',
    medicationReference: { reference: 'Medication/aspirin' },
    subject: patient,
  },
  {
    resourceType: 'MedicationRequest',
    id: 'm2',
    status: 'stopped',
    intent: 'order',
    medicationCodeableConcept: { text: 'Old' },
    subject: patient,
  },
  {
    resourceType: 'Condition',
    id: 'c1',
    clinicalStatus: active('condition'),
    code: { text: 'Diabetes' },
    subject: patient,
    onsetDateTime: '2011-05',
  },
  {
    resourceType: 'Condition',
    id: 'c2',
    clinicalStatus: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'resolved' }],
    },
    code: { text: 'Measles' },
    subject: patient,
  },
  lab('old', '2345-7', 180, '2024-01-01'),
  lab('new', '2345-7', 120, '2026-01-01'),
  lab('other', '718-7', 13, '2025-01-01'),
  {
    resourceType: 'Encounter',
    id: 'e1',
    status: 'finished',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
    subject: patient,
    period: { start: '2025-01-01' },
  },
];

beforeAll(async () => {
  const masterKeys = { keys: [newMasterKey()], reload() {} };
  harness = await startHarness({ service: { auth: { masterKeys, mail: async () => {} } } });
  system = await token({ scopes: 'system/*.cruds' });
  for (const resource of RECORD) {
    const answer = await harness.client().put(`${resource.resourceType}/${resource.id}`, resource, system);
    if (answer.status >= 300) throw new Error(answer.text);
  }
});
afterAll(() => harness?.stop());

const sectionsOf = (bundle: Json): Record<string, Json> =>
  Object.fromEntries(bundle.entry[0].resource.section.map((one: Json) => [one.code.coding[0].code, one]));
const entriesOf = (section: Json): string[] => (section.entry ?? []).map(({ reference }: Json) => reference);

describe('Patient/$summary', () => {
  test('is a document: Composition first, and in it all that the sections name (R4 documents.html, Bundle-uv-ips)', async () => {
    const { status, json } = await harness.client().get('Patient/p/$summary', system);
    expect(status).toBe(200);
    expect(json).toMatchObject({
      resourceType: 'Bundle',
      type: 'document',
      identifier: { system: 'urn:ietf:rfc:3986' },
    });
    const [composition] = resourcesOf(json);
    expect(composition).toMatchObject({
      resourceType: 'Composition',
      status: 'final',
      type: { coding: [{ code: '60591-5' }] },
      subject: patient,
    });
    const urls = new Set(json.entry.map(({ fullUrl }: Json) => fullUrl));
    expect(urls.size).toBe(json.entry.length);
    const named = Object.values(sectionsOf(json)).flatMap(entriesOf);
    for (const reference of [...named, 'Patient/p', 'Medication/aspirin', composition.author[0].reference])
      expect(urls, reference).toContain(`${harness.client().base}/${reference}`);
    expect(json.timestamp).toBeDefined();
  });

  test('sections by the codes that Composition-uv-ips fixes, with what belongs into each', async () => {
    const { json } = await harness.client().get('Patient/p/$summary', system);
    const sections = sectionsOf(json);
    expect(entriesOf(sections['48765-2'])).toEqual(['AllergyIntolerance/penicillin']);
    expect(entriesOf(sections['10160-0'])).toEqual(['MedicationRequest/m1']);
    expect(entriesOf(sections['11450-4'])).toEqual(['Condition/c1']);
    expect(entriesOf(sections['11348-0'])).toEqual(['Condition/c2']);
    // Of each code the newest.
    expect(entriesOf(sections['30954-2'])).toEqual(['Observation/new', 'Observation/other']);
    expect(entriesOf(sections['46240-8'])).toEqual(['Encounter/e1']);
    expect(sections['48765-2'].text.div).toContain('Penicillin &amp; &lt;script&gt;');
    expect(sections['48765-2'].text.div).toContain('AllergyIntolerance/penicillin');
  });

  test('where nothing is known the three required sections say so (absent-unknown-uv-ips)', async () => {
    const { json } = await harness.client().get('Patient/empty/$summary', system);
    const sections = sectionsOf(json);
    expect(Object.keys(sections).sort()).toEqual(['10160-0', '11450-4', '48765-2']);
    const codes = resourcesOf(json).flatMap(
      (one) => (one.code ?? one.medicationCodeableConcept)?.coding?.[0].code ?? [],
    );
    expect(codes.sort()).toEqual(['no-allergy-info', 'no-medication-info', 'no-problem-info']);
  });

  test.each(['p', 'empty'])('every resource of it is valid R4: %s', async (id) => {
    const { json } = await harness.client().get(`Patient/${id}/$summary`, system);
    for (const resource of [json, ...resourcesOf(json)]) {
      const { meta: _, ...bare } = resource;
      const { json: outcome } = await harness
        .client()
        .post(`${resource.resourceType}/$validate`, bare, system);
      const errors = outcome.issue.filter(
        ({ severity }: Json) => severity === 'error' || severity === 'fatal',
      );
      expect(errors, JSON.stringify(resource).slice(0, 500)).toEqual([]);
    }
  });

  test('by identifier; unknown or missing ones are told', async () => {
    const found = await harness.client().get('Patient/$summary?identifier=urn:mrn|7', system);
    expect(found.json.entry[0].resource.subject).toEqual(patient);
    expect((await harness.client().get('Patient/$summary?identifier=urn:mrn|none', system)).status).toBe(404);
    expect((await harness.client().get('Patient/$summary', system)).status).toBe(400);
    expect((await harness.client().get('Patient/none/$summary', system)).status).toBe(404);
    expect((await harness.client().get('Patient/p/$summary?profile=http://x', system)).status).toBe(400);
  });

  test('carries the labels of what it repeats (R4 security-labels.html)', async () => {
    const label = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' };
    const secret = {
      resourceType: 'Condition',
      id: 'secret',
      meta: { security: [label] },
      code: { text: 'Depression' },
      subject: { reference: 'Patient/labelled' },
    };
    const owner = { resourceType: 'Patient', id: 'labelled' };
    for (const one of [owner, secret])
      expect((await harness.client().put(`${one.resourceType}/${one.id}`, one, system)).status).toBe(201);
    const { json } = await harness.client().get('Patient/labelled/$summary', system);
    expect(json.entry[0].resource.meta.security).toMatchObject([label]);
    const nurse = await harness
      .client()
      .get('Patient/labelled/$summary', await person('nurse', 'Practitioner/nurse'));
    expect(nurse.text).not.toContain('Depression');
  });

  test('shows no more than the caller may see', async () => {
    const own = await person('patient', 'Patient/p');
    expect((await harness.client().get('Patient/p/$summary', own)).status).toBe(200);
    const other = await person('patient', 'Patient/empty');
    expect((await harness.client().get('Patient/p/$summary', other)).status).toBeGreaterThanOrEqual(403);
    const desk = await harness
      .client()
      .get('Patient/p/$summary', await person('front_desk', 'Practitioner/nurse'));
    const sections = sectionsOf(desk.json);
    expect(entriesOf(sections['48765-2'])).toEqual([]);
    expect(sections['48765-2'].emptyReason.coding[0].code).toBe('withheld');
    expect(desk.text).not.toMatch(/Penicillin|Diabetes/);
  });
});

describe('a step of a workflow', () => {
  test('keeps the page as a Composition with sources, once for a run', async () => {
    const { fhir, agents } = harness.service;
    const context = (await fhir.tenants.byName('test'))!;
    const input = {
      task: { resourceType: 'Task', id: 't', status: 'in-progress', intent: 'order' },
      group: { resourceType: 'RequestGroup', id: 'g', status: 'active', intent: 'order' },
      subject: 'Patient/p',
      earlier: {},
    } as never;
    const runId = randomUUID();
    for (let i = 0; i < 2; i++) {
      const { output } = await agents.runtime.run(context, 'medical-records', input, { runId });
      const { outputs } = output as Json;
      const { reference } = outputs[0].valueReference;
      const { json } = await harness.client().get(reference, system);
      expect(json.meta.versionId).toBe('1');
      expect(entriesOf(json.section.find((one: Json) => one.code.coding[0].code === '48765-2'))).toEqual([
        'AllergyIntolerance/penicillin',
      ]);
      expect(outputs.slice(1).map((one: Json) => one.valueInteger)).toEqual([1, 1, 1]);
    }
    const nobody = { ...(input as object), subject: undefined } as never;
    expect((await agents.runtime.run(context, 'medical-records', nobody)).output).toEqual({ outputs: [] });
  });
});

describe('patient-view', () => {
  test('a card of what is known, escaped; none for whom the record is closed', async () => {
    const { fhir, agents } = harness.service;
    const context = (await fhir.tenants.byName('test'))!;
    const input = {
      hook: 'patient-view',
      hookInstance: randomUUID(),
      context: { patientId: 'p' },
      prefetch: {},
    };
    const { output } = await agents.runtime.run(context, 'medical-records', input);
    const [card] = (output as Json).cards;
    expect(card).toMatchObject({
      indicator: 'warning',
      summary: 'Summary: 1 allergies, 1 problems, 1 medications',
    });
    expect(card.summary.length).toBeLessThan(140);
    expect(card.detail).toContain('Penicillin & \\<script\\>');
    const nobody = { tenant: context.tenant, subject: 'ehr', grants: [] };
    const closed = await agents.runtime.run(context, 'medical-records', input, { caller: nobody });
    expect(closed.output).toEqual({ cards: [] });
  });
});
