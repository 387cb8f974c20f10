import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AccessServer, found, startAccessServer } from './access-server.ts';
import type { HeaderMap } from './harness.ts';

/* Issue 5, section 3: Consent (R4 consent.html) is enforced over HTTP, at once where it is written and elsewhere in 5 s. */

const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const RESOURCE_TYPES = 'http://hl7.org/fhir/resource-types';
const CONSENT_RULE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';

let server: AccessServer;
let doctor: HeaderMap;
let colleague: HeaderMap;
let carer: HeaderMap;

beforeAll(async () => {
  server = await startAccessServer();
  await server.put(
    { resourceType: 'Organization', id: 'clinic', name: 'Clinic' },
    { resourceType: 'Practitioner', id: 'd1' },
    { resourceType: 'Practitioner', id: 'd2' },
    {
      resourceType: 'PractitionerRole',
      id: 'r1',
      practitioner: { reference: 'Practitioner/d1' },
      organization: { reference: 'Organization/clinic' },
    },
    { resourceType: 'Patient', id: 'p1' },
    { resourceType: 'Patient', id: 'p2' },
    observation('plain', {}),
    observation('labelled', { meta: { security: [{ system: ACT_CODE, code: 'GDIS' }] } }),
    observation('others', { subject: { reference: 'Patient/p2' } }),
    {
      resourceType: 'Condition',
      id: 'dx',
      subject: { reference: 'Patient/p1' },
      code: { coding: [{ system: 'http://snomed.info/sct', code: '73211009' }] },
    },
    { resourceType: 'RelatedPerson', id: 'carer', patient: { reference: 'Patient/p1' } },
  );
  doctor = await server.as({ role: 'attending', fhirUser: 'Practitioner/d1' });
  colleague = await server.as({ role: 'attending', fhirUser: 'Practitioner/d2' });
  carer = await server.as({
    role: 'caregiver',
    fhirUser: 'RelatedPerson/carer',
    purposeOfUse: 'PATRQT',
  });
}, 60_000);
afterAll(() => server?.stop());

const observation = (id: string, more: object) => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { text: id },
  subject: { reference: 'Patient/p1' },
  ...more,
});
const actor = (reference: string) => [{ role: { coding: [{ code: 'PRCP' }] }, reference: { reference } }];

function consent(rule: 'OPTIN' | 'OPTOUT', provision: object, more: object = {}) {
  return {
    resourceType: 'Consent',
    id: 'c1',
    status: 'active',
    scope: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
    },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: 'Patient/p1' },
    policyRule: { coding: [{ system: CONSENT_RULE, code: rule }] },
    ...(Object.keys(provision).length === 0 ? {} : { provision }),
    ...more,
  };
}

const observations = (who: HeaderMap) => found(server.one, 'Observation', who);

describe('consents', () => {
  it('without one everything is seen', async () => {
    expect(await observations(doctor)).toEqual(['labelled', 'others', 'plain']);
  });

  it('the most specific provision wins, at once: denied, but permitted to one, but not what has a label', async () => {
    const unlabelled = { type: 'deny', securityLabel: [{ system: ACT_CODE, code: 'GDIS' }] };
    await server.put(
      consent('OPTOUT', {
        provision: [{ type: 'permit', actor: actor('Practitioner/d1'), provision: [unlabelled] }],
      }),
    );
    expect(await observations(doctor)).toEqual(['others', 'plain']);
    expect(await observations(colleague)).toEqual(['others']);
    for (const path of ['Observation/plain', 'Condition/dx', 'Patient/p1', 'Observation/plain/_history/1'])
      expect([path, (await server.one.get(path, colleague)).status]).toEqual([path, 404]);
    expect((await server.one.get('Observation?_summary=count', colleague)).json.total).toBe(1);
    expect((await server.one.get('Observation/labelled', doctor)).status).toBe(404);
    // Writes obey, too: what is not seen cannot be changed, nor something added to the record.
    const changed = observation('plain', { status: 'amended' });
    expect((await server.one.put('Observation/plain', changed, colleague)).status).toBe(403);
    expect((await server.one.post('Observation', observation('new', {}), colleague)).status).toBe(403);
    // A patient's own access is free.
    const self = await server.as({ role: 'patient', fhirUser: 'Patient/p1' });
    expect(await observations(self)).toEqual(['labelled', 'plain']);
  });

  it('names practitioners by their organization, until the role ends', async () => {
    await server.put(
      consent('OPTOUT', { provision: [{ type: 'permit', actor: actor('Organization/clinic') }] }),
    );
    expect(await observations(doctor)).toEqual(['labelled', 'others', 'plain']);
    const role = {
      resourceType: 'PractitionerRole',
      id: 'r1',
      active: false,
      practitioner: { reference: 'Practitioner/d1' },
      organization: { reference: 'Organization/clinic' },
    };
    await server.put(role);
    expect(await observations(doctor)).toEqual(['others']);
    await server.put({ ...role, active: true });
    expect(await observations(doctor)).toEqual(['labelled', 'others', 'plain']);
  });

  it('names practitioners by their care team', async () => {
    const team = {
      resourceType: 'CareTeam',
      id: 't1',
      status: 'active',
      participant: [{ member: { reference: 'Practitioner/d2' } }],
    };
    await server.put(
      team,
      consent('OPTOUT', { provision: [{ type: 'permit', actor: actor('CareTeam/t1') }] }),
    );
    expect(await observations(doctor)).toEqual(['others']);
    expect(await observations(colleague)).toEqual(['labelled', 'others', 'plain']);
  });

  it('denies by resource type', async () => {
    await server.put(
      consent('OPTIN', {
        provision: [{ type: 'deny', class: [{ system: RESOURCE_TYPES, code: 'Condition' }] }],
      }),
    );
    expect(await observations(doctor)).toEqual(['labelled', 'others', 'plain']);
    expect((await server.one.get('Condition/dx', doctor)).status).toBe(404);
  });

  it('holds for its period only, and ends while a decision is remembered', async () => {
    const end = new Date(Date.now() + 1500).toISOString();
    await server.put(consent('OPTOUT', { period: { end } }));
    expect(await observations(doctor)).toEqual(['others']);
    await expect
      .poll(() => observations(doctor), { timeout: 10_000 })
      .toEqual(['labelled', 'others', 'plain']);
    await server.put(consent('OPTOUT', { period: { end: '2020-01-01' } }));
    expect(await observations(doctor)).toHaveLength(3);
  });

  it('is enforced by other processes within five seconds, and ends there when it is withdrawn', async () => {
    const there = () => found(server.elsewhere, 'Observation', doctor);
    expect(await there()).toHaveLength(3);
    await server.put(consent('OPTOUT', {}));
    expect(await observations(doctor)).toEqual(['others']);
    await expect.poll(there, { timeout: 5000 }).toEqual(['others']);
    await server.put(consent('OPTOUT', {}, { status: 'inactive' }));
    expect(await observations(doctor)).toHaveLength(3);
    await expect.poll(there, { timeout: 5000 }).toHaveLength(3);
  });

  it('is of its own tenant only', async () => {
    await server.put(consent('OPTOUT', {}));
    const system = await server.as({ scopes: 'system/*.cruds' }, 'two');
    await server.two.put('Patient/p1', { resourceType: 'Patient', id: 'p1' }, system);
    const other = await server.as({ role: 'attending', fhirUser: 'Practitioner/d1' }, 'two');
    expect((await server.two.get('Patient/p1', other)).status).toBe(200);
    expect((await server.one.get('Patient/p1', doctor)).status).toBe(404);
  });
});

describe('caregivers', () => {
  const permits = (provision: object = {}, more: object = {}) =>
    consent(
      'OPTIN',
      { provision: [{ type: 'permit', actor: actor('RelatedPerson/carer'), ...provision }] },
      more,
    );

  /** Those who have no patients may not even search. */
  const isShut = async () => {
    expect((await server.one.get('Patient', carer)).status).toBe(403);
    expect((await server.one.get('Patient/p1', carer)).status).toBe(403);
  };

  it('see nothing without a consent that names them', async () => {
    await server.put(consent('OPTIN', {}));
    await isShut();
  });

  it('see the record with one, but what is restricted, and nobody else', async () => {
    await server.put(permits());
    expect(await found(server.one, 'Patient', carer)).toEqual(['p1']);
    expect(await observations(carer)).toEqual(['plain']);
    expect((await server.one.get('Patient/p2', carer)).status).toBe(404);
  });

  it('see only what it permits to them by name', async () => {
    await server.put(permits({ class: [{ system: RESOURCE_TYPES, code: 'Patient' }] }));
    expect(await found(server.one, 'Patient', carer)).toEqual(['p1']);
    expect(await observations(carer)).toEqual([]);
  });

  it('see nothing when it is over, or they are not related any more', async () => {
    await server.put(permits({ period: { end: '2021' } }));
    await isShut();
    await server.put(permits({}, { status: 'inactive' }));
    await isShut();
    const related = { resourceType: 'RelatedPerson', id: 'carer', patient: { reference: 'Patient/p1' } };
    await server.put(permits(), { ...related, period: { end: '2021' } });
    await isShut();
    await server.put(related);
    expect(await found(server.one, 'Patient', carer)).toEqual(['p1']);
  });
});
