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

/** A patient of whom little is known and that in odd ways, and who did it. */
const odd = { reference: 'Patient/odd' };
const coded = (system: string, code: string) => ({ coding: [{ system, code }] });
const THO = 'http://terminology.hl7.org/CodeSystem';
const finding = (id: string, category: string, fields: object) => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  category: [coded(`${THO}/observation-category`, category)],
  code: { text: id },
  subject: odd,
  ...fields,
});
const medicine = (id: string, fields: object) => ({
  resourceType: 'MedicationRequest',
  id,
  status: 'active',
  intent: 'order',
  subject: odd,
  ...fields,
});
const ODD = [
  {
    resourceType: 'Patient',
    id: 'odd',
    identifier: [
      { system: 'urn:odd', value: 'a|b,c' },
      { system: 'urn:mrn', value: '8' },
    ],
    name: [{ use: 'old' }],
    managingOrganization: { reference: 'Organization/keeper' },
    link: [{ other: { reference: 'Patient/p' }, type: 'seealso' }],
  },
  { resourceType: 'Organization', id: 'keeper', identifier: [{ system: 'urn:org', value: '1' }] },
  {
    resourceType: 'PractitionerRole',
    id: 'role',
    practitioner: { reference: 'Practitioner/nurse' },
    organization: { reference: 'Organization/keeper' },
  },
  {
    resourceType: 'Condition',
    id: 'codeless',
    meta: { security: [{ system: `${THO}/v3-Confidentiality`, code: 'R' }] },
    subject: odd,
  },
  {
    resourceType: 'AllergyIntolerance',
    id: 'anything',
    clinicalStatus: active('allergyintolerance'),
    patient: odd,
  },
  { resourceType: 'Medication', id: 'nameless', manufacturer: { reference: 'Organization/keeper' } },
  medicine('linked', {
    medicationReference: { reference: 'Medication/nameless' },
    requester: { reference: 'PractitionerRole/role' },
  }),
  medicine('inside', {
    contained: [
      { resourceType: 'Medication', id: 'm', code: { text: 'Contained medicine' } },
      { resourceType: 'Practitioner', id: 'who' },
    ],
    medicationReference: { reference: '#m' },
    requester: { reference: '#who' },
    dosageInstruction: [{ text: 'One a day' }],
    authoredOn: '2025-03-01',
    reportedReference: odd,
  }),
  medicine('told-again', { medicationCodeableConcept: { text: 'Told twice' } }),
  {
    resourceType: 'MedicationStatement',
    id: 'told',
    status: 'active',
    subject: odd,
    medicationCodeableConcept: { text: 'Told twice' },
    derivedFrom: [{ reference: 'MedicationRequest/told-again' }],
  },
  medicine('forbidden', { doNotPerform: true, medicationCodeableConcept: { text: 'Never this' } }),
  { resourceType: 'Procedure', id: 'sometime', status: 'completed', subject: odd },
  { resourceType: 'Specimen', id: 'blood', subject: odd },
  finding('member', 'laboratory', { specimen: { reference: 'Specimen/blood' } }),
  finding('panel', 'laboratory', { hasMember: [{ reference: 'Observation/member' }] }),
  finding('x-ray', 'imaging', {}),
  finding('smoking', 'social-history', { code: coded('http://loinc.org', '72166-2') }),
  finding('pregnant', 'exam', { code: coded('http://loinc.org', '82810-3') }),
  {
    resourceType: 'DiagnosticReport',
    id: 'report',
    status: 'final',
    category: [coded(`${THO}/v2-0074`, 'LAB')],
    code: { text: 'Panel' },
    subject: odd,
    result: [{ reference: 'Observation/panel' }],
  },
  { resourceType: 'Device', id: 'pump', patient: odd, deviceName: [{ name: 'Pump', type: 'other' }] },
  { resourceType: 'Device', id: 'pacemaker', patient: odd, type: { text: 'Pacemaker' } },
  {
    resourceType: 'DeviceUseStatement',
    id: 'use',
    status: 'active',
    subject: odd,
    device: { reference: 'Device/pump' },
  },
  { resourceType: 'Flag', id: 'alert', status: 'active', subject: odd, code: { text: 'May fall' } },
  {
    resourceType: 'Consent',
    id: 'directive',
    status: 'active',
    patient: odd,
    scope: coded(`${THO}/consentscope`, 'adr'),
    category: [coded(`${THO}/consentcategorycodes`, 'dnr')],
    policy: [{ uri: 'urn:policy' }],
  },
  { resourceType: 'CarePlan', id: 'plan', status: 'active', intent: 'plan', subject: odd },
];

beforeAll(async () => {
  const masterKeys = { keys: [newMasterKey()], reload() {} };
  harness = await startHarness({ service: { auth: { masterKeys, mail: async () => {} } } });
  system = await token({ scopes: 'system/*.cruds' });
  for (const resource of RECORD) {
    const answer = await harness.client().put(`${resource.resourceType}/${resource.id}`, resource, system);
    if (answer.status >= 300) throw new Error(answer.text);
  }
  const entry = ODD.map((resource) => ({
    resource,
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
  }));
  const answer = await harness
    .client()
    .post('', { resourceType: 'Bundle', type: 'transaction', entry }, system);
  if (answer.status >= 300) throw new Error(answer.text);
});
afterAll(() => harness?.stop());

const sectionsOf = (bundle: Json): Record<string, Json> =>
  Object.fromEntries(bundle.entry[0].resource.section.map((one: Json) => [one.code.coding[0].code, one]));
const entriesOf = (section: Json): string[] => (section.entry ?? []).map(({ reference }: Json) => reference);

/** Orders that the statements of the section of medicines are derived from. */
const ordersOf = (bundle: Json): string[] =>
  entriesOf(sectionsOf(bundle)['10160-0']).flatMap((reference) => {
    const [type, id] = reference.split('/');
    expect(type).toBe('MedicationStatement');
    const { derivedFrom = [] } = resourcesOf(bundle).find((one) => one.id === id)!;
    return derivedFrom.map((one: Json) => one.reference);
  });

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
    expect(ordersOf(json)).toEqual(['MedicationRequest/m1']);
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

  test('the whole Bundle is valid R4, in XML too (R4 documents.html)', async () => {
    const { text } = await harness
      .client()
      .get('Patient/odd/$summary?_format=xml', { ...system, accept: 'application/fhir+xml' });
    expect(text).toContain('<Bundle xmlns="http://hl7.org/fhir">');
    const { json } = await harness.client().get('Patient/odd/$summary', system);
    const { meta: _, ...bare } = json;
    const { json: outcome } = await harness.client().post('Bundle/$validate', bare, system);
    expect(outcome.issue.filter(({ severity }: Json) => ['error', 'fatal'].includes(severity))).toEqual([]);
  });

  test('the document says what Bundle-uv-ips and Composition-uv-ips require', async () => {
    const { json } = await harness.client().get('Patient/odd/$summary', system);
    expect(json).toMatchObject({ type: 'document', identifier: { system: 'urn:ietf:rfc:3986' } });
    for (const { fullUrl, resource, ...rest } of json.entry) {
      expect(fullUrl).toBe(`${harness.client().base}/${resource.resourceType}/${resource.id}`);
      expect(rest).toEqual({});
    }
    const [composition, ...others] = resourcesOf(json);
    // bdl-ips-1, and one Patient alone.
    expect(others.filter(({ resourceType }) => resourceType === 'Composition')).toEqual([]);
    expect(others.filter(({ resourceType }) => resourceType === 'Patient')).toHaveLength(1);
    expect(composition).toMatchObject({
      title: 'International Patient Summary',
      date: json.timestamp,
      custodian: { reference: 'Organization/keeper' },
      event: [{ code: [{ coding: [{ code: 'PCPR' }] }], period: { end: json.timestamp } }],
      // The highest of the labels.
      confidentiality: 'R',
    });
    // What a section may name, of those that the profile knows.
    const types: Record<string, string[]> = {
      '10160-0': ['MedicationStatement'],
      '48765-2': ['AllergyIntolerance'],
      '11450-4': ['Condition'],
      '30954-2': ['Observation', 'DiagnosticReport'],
      '47519-4': ['Procedure'],
      '46264-8': ['DeviceUseStatement'],
      '104605-1': ['Flag'],
      '29762-2': ['Observation'],
      '10162-6': ['Observation'],
      '42348-3': ['Consent'],
      '18776-5': ['CarePlan'],
    };
    const sections = sectionsOf(json);
    expect(Object.keys(sections).sort()).toEqual(Object.keys(types).sort());
    for (const [code, section] of Object.entries(sections)) {
      expect(section.title).toBeTruthy();
      expect(section.text.div).toMatch(/<td>[^<]/);
      expect(section.section).toBeUndefined();
      expect(section.emptyReason).toBeUndefined();
      for (const reference of entriesOf(section)) expect(types[code]).toContain(reference.split('/')[0]);
    }
  });

  test('all that it refers to is in it, and reached from the Composition (R4 documents.html#content)', async () => {
    const { json } = await harness.client().get('Patient/odd/$summary', system);
    const links = new Map<string, string[]>();
    const referencesOf = (value: Json): string[] =>
      typeof value !== 'object' || value === null
        ? []
        : [
            ...[value.reference].filter((one) => typeof one === 'string' && !one.startsWith('#')),
            ...Object.values(value).flatMap(referencesOf),
          ];
    for (const one of resourcesOf(json)) links.set(`${one.resourceType}/${one.id}`, referencesOf(one));
    const reached = new Set([links.keys().next().value as string]);
    for (const one of reached) for (const other of links.get(one) ?? []) reached.add(other);
    // Another Patient's record is no part of this one's.
    reached.delete('Patient/p');
    expect([...reached].sort()).toEqual([...links.keys()].sort());
    for (const one of ['Practitioner/nurse', 'Observation/member', 'Specimen/blood', 'Device/pacemaker'])
      expect(links.has(one), one).toBe(true);
  });

  test('what the IPS profiles require and nobody recorded is said to be unknown', async () => {
    const { json } = await harness.client().get('Patient/odd/$summary', system);
    const required: Record<string, string[]> = {
      Patient: ['name', 'birthDate'],
      AllergyIntolerance: ['code', 'patient'],
      Condition: ['code', 'subject'],
      DeviceUseStatement: ['timing', 'device', 'subject'],
      DiagnosticReport: ['effective', 'subject'],
      Medication: ['code'],
      MedicationRequest: ['medication', 'subject'],
      MedicationStatement: ['medication', 'effective', 'subject'],
      Observation: ['category', 'effective', 'subject'],
      Organization: ['name'],
      Practitioner: ['name'],
      Procedure: ['code', 'performed', 'subject'],
      Specimen: ['type', 'subject'],
    };
    const met = new Set<string>();
    for (const one of resourcesOf(json)) {
      met.add(one.resourceType);
      const names = Object.keys(one).map((name) => name.replace(/^_/, ''));
      for (const element of required[one.resourceType] ?? [])
        expect(
          names.some((name) => name === element || new RegExp(`^${element}[A-Z]`).test(name)),
          `${one.resourceType}/${one.id} ${element}`,
        ).toBe(true);
    }
    expect([...met]).toEqual(expect.arrayContaining(Object.keys(required)));
    const byId = Object.fromEntries(resourcesOf(json).map((one) => [one.id, one]));
    const unknown = {
      extension: [
        { url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' },
      ],
    };
    expect(byId.odd).toMatchObject({ name: [{ use: 'old', _text: unknown }], _birthDate: unknown });
    // Of what is coded a code says it.
    expect(byId.codeless.code.coding).toMatchObject([
      { system: `${THO}/data-absent-reason`, code: 'unknown' },
    ]);
    // Observation-results-*-uv-ips: performer, ips-1 and ips-2.
    expect(byId.member).toMatchObject({
      performer: [unknown],
      dataAbsentReason: { coding: [{ code: 'unknown' }] },
    });
    expect(byId.panel.dataAbsentReason).toBeUndefined();
    expect(byId['x-ray']).toMatchObject({ performer: [unknown], effectivePeriod: unknown });
    // What is stored stays as it is.
    expect((await harness.client().get('Condition/codeless', system)).json.code).toBeUndefined();
  });

  test('names medicines and devices wherever their names are; what must not be taken is no medicine', async () => {
    const { text, json } = await harness.client().get('Patient/odd/$summary', system);
    const sections = sectionsOf(json);
    expect(sections['10160-0'].text.div).toContain('<td>Contained medicine</td>');
    expect(ordersOf(json).sort()).toEqual([
      ...['MedicationRequest/inside', 'MedicationRequest/linked', 'MedicationRequest/told-again'],
    ]);
    // A medicine that a statement and its order tell of is there once, as the statement.
    expect(entriesOf(sections['10160-0'])).toContain('MedicationStatement/told');
    // A statement says what its order does, with what is contained there (R4 dom-3).
    const statements = resourcesOf(json).filter(({ resourceType }) => resourceType === 'MedicationStatement');
    const inside = statements.find((one) => one.derivedFrom[0].reference === 'MedicationRequest/inside');
    expect(inside).toMatchObject({
      status: 'active',
      subject: odd,
      medicationReference: { reference: '#m' },
      dosage: [{ text: 'One a day' }],
      effectivePeriod: { start: '2025-03-01' },
      informationSource: { reference: 'Patient/odd' },
      contained: [{ resourceType: 'Medication', id: 'm' }],
    });
    expect(inside.contained).toHaveLength(1);
    expect(text).not.toContain('Never this');
    const other = await harness.client().get('Patient/p/$summary', system);
    expect(sectionsOf(other.json)['10160-0'].text.div).toContain('<td>Aspirin 100 mg</td>');
    // A row without a name is not empty.
    expect(sections['48765-2'].text.div).toContain('<td>Not named</td>');
    // Each device once: by its statement, or by one that stands for its use.
    expect(sections['46264-8'].text.div).toMatch(/<td>Pump<.*<td>Pacemaker</);
    const uses = resourcesOf(json).filter(({ resourceType }) => resourceType === 'DeviceUseStatement');
    expect(uses.map(({ device }) => device.reference)).toEqual(['Device/pump', 'Device/pacemaker']);
    expect(entriesOf(sections['46264-8'])).toEqual(uses.map(({ id }) => `DeviceUseStatement/${id}`));
  });

  test('the parameters of the operation, by POST (OperationDefinition summary of IPS 1.1.0 and 2.0.0)', async () => {
    const asked = (path: string, ...parameter: object[]) =>
      harness.client().post(path, { resourceType: 'Parameters', parameter }, system);
    const ips = 'http://hl7.org/fhir/uv/ips/StructureDefinition';
    for (const identifier of [
      { valueString: 'urn:odd|a\\|b\\,c' },
      { valueIdentifier: { system: 'urn:odd', value: 'a|b,c' } },
    ]) {
      const { json } = await asked('Patient/$summary', { name: 'identifier', ...identifier });
      expect(json.entry[0].resource.subject).toEqual(odd);
    }
    for (const valueUri of [`${ips}/Bundle-uv-ips`, `${ips}/Composition-uv-ips|2.0.0`])
      expect((await asked('Patient/empty/$summary', { name: 'profile', valueUri })).status).toBe(200);
    const refused: [object, number, string][] = [
      [{ name: 'profile', valueUri: `${ips}/Patient-uv-ips` }, 400, 'profile'],
      [{ name: 'profile', valueUri: `${ips}/Bundle-uv-ips|9.0.0` }, 400, 'profile'],
      [{ name: 'graph', valueUri: 'http://example.org/GraphDefinition/g' }, 400, 'graph'],
      [{ name: 'identifier', valueString: 'urn:mrn|8' }, 412, 'identifier'],
      [{ name: 'identifier', valueIdentifier: { system: 'urn:odd' } }, 400, 'identifier'],
    ];
    for (const [parameter, status, name] of refused) {
      const answer = await asked('Patient/$summary', parameter);
      expect(answer.status, answer.text).toBe(status);
      expect(answer.json.issue[0].expression).toEqual([`Parameters.parameter:${name}`]);
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
    // What rows refer to is no way around a scope.
    const narrow = await token({ scopes: 'system/Patient.rs system/MedicationRequest.rs' });
    const { json } = await harness.client().get('Patient/odd/$summary', narrow);
    const types = new Set(resourcesOf(json).map(({ resourceType }) => resourceType));
    expect([...types].sort()).toEqual([
      ...['Composition', 'Device', 'MedicationRequest', 'MedicationStatement', 'Patient'],
    ]);
    expect(json.entry[0].resource.custodian).toBeUndefined();
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
  test('a card of what is known, escaped; a refusal for whom the record is closed', async () => {
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
    // The EHR is told so with a 412 (CDS Hooks 2.0, HTTP Status Codes; agents/runtime/hook-services.ts).
    const closed = agents.runtime.run(context, 'medical-records', input, { caller: nobody });
    await expect(closed).rejects.toMatchObject({ status: 403 });
  });
});
