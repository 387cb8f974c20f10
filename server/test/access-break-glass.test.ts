import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AccessServer, found, said, startAccessServer } from './access-server.ts';
import type { HeaderMap, Json } from './harness.ts';

/*
 * Emergency access (issue 5, section 3; 45 CFR 164.312(a)(2)(ii)): who may opens one patient's record for a time, with a
 * reason; it is marked, told and audited.
 */

const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const PROFILE = 'https://vesta.health/fhir/StructureDefinition/role-policy';

let server: AccessServer;
let specialist: HeaderMap;
let admin: HeaderMap;

beforeAll(async () => {
  server = await startAccessServer();
  const consent = {
    resourceType: 'Consent',
    id: 'no',
    status: 'active',
    scope: { coding: [{ code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: 'Patient/shut' },
    policyRule: { coding: [{ system: ACT_CODE, code: 'OPTOUT' }] },
  };
  await server.put(
    { resourceType: 'Practitioner', id: 's1' },
    { resourceType: 'Practitioner', id: 's2' },
    { resourceType: 'Practitioner', id: 'gp' },
    { resourceType: 'Practitioner', id: 'privacy' },
    { resourceType: 'Patient', id: 'shut', generalPractitioner: [{ reference: 'Practitioner/gp' }] },
    { resourceType: 'Patient', id: 'other' },
    note('secret', 'shut', 'PSYTHPN'),
    note('plain', 'shut'),
    note('others-secret', 'other', 'PSYTHPN'),
    consent,
  );
  const tenant = (await server.auth.services.findTenant('one')) as never;
  const { accounts } = server.auth.services;
  for (const [login, role, who] of [
    ['priya', 'org_admin', 'privacy'],
    ['gerda', 'attending', 'gp'],
    ['nobody', 'nurse', 's2'],
  ] as const)
    await accounts.create(tenant, {
      login,
      name: login,
      role,
      fhirUser: `Practitioner/${who}`,
      email: `${login}@example.org`,
      passwordHash: 'x',
    });
  specialist = await server.as({ role: 'specialist', fhirUser: 'Practitioner/s1' });
  admin = await server.as({ role: 'org_admin', fhirUser: 'Practitioner/privacy' });
}, 60_000);
afterAll(() => server?.stop());

const note = (id: string, patient: string, label?: string) => ({
  resourceType: 'Observation',
  id,
  ...(label === undefined ? {} : { meta: { security: [{ system: ACT_CODE, code: label }] } }),
  status: 'final',
  code: { text: id },
  subject: { reference: `Patient/${patient}` },
});

const parameters = (values: Readonly<Record<string, string | number>>) => ({
  resourceType: 'Parameters',
  parameter: Object.entries(values).map(([name, value]) =>
    typeof value === 'number' ? { name, valueInteger: value } : { name, valueString: value },
  ),
});
const REASON = 'Unconscious in the emergency room';
const open = (who: HeaderMap, values = {}, patient = 'shut') =>
  server.one.post(`Patient/${patient}/$break-glass`, parameters({ reason: REASON, ...values }), who);
const end = (who: HeaderMap, patient = 'shut') =>
  server.one.post(`Patient/${patient}/$break-glass-end`, parameters({}), who);
const observations = (who: HeaderMap) => found(server.one, 'Observation', who);

describe('break-glass', () => {
  it('is for those whose role may, with a reason, for a short time', async () => {
    for (const role of ['billing', 'org_admin', 'super_admin', 'patient', 'caregiver', 'researcher']) {
      const answer = await open(await server.as({ role, fhirUser: 'Practitioner/s2' }));
      expect([role, answer.status]).toEqual([role, 403]);
    }
    expect((await open(await server.as({ scopes: 'system/*.cruds' }))).status).toBe(403);
    // An agent for a specialist opens nothing.
    const agent = await server.as({
      role: 'specialist',
      fhirUser: 'Practitioner/s1',
      actor: { clientId: 'agent' },
    });
    expect((await open(agent)).status).toBe(403);
    for (const [values, expression] of [
      [{ reason: 'x' }, 'reason'],
      [{ minutes: 241 }, 'minutes'],
      [{ minutes: 0 }, 'minutes'],
      [{ purpose: 'TREAT' }, 'purpose'],
    ] as const) {
      const answer = await open(specialist, values);
      expect([values, answer.status]).toEqual([values, 422]);
      expect(answer.expressions[0]).toContain(expression);
    }
    expect((await open(specialist, {}, 'never')).status).toBe(404);
    expect(await observations(specialist)).toEqual([]);
  });

  it('opens the whole record of that patient, here at once and elsewhere within five seconds', async () => {
    const there = () => found(server.elsewhere, 'Observation', specialist);
    expect(await there()).toEqual([]);
    const answer = await open(specialist, { minutes: 30 });
    expect(answer.status, answer.text).toBe(200);
    expect(await observations(specialist)).toEqual(['plain', 'secret']);
    expect((await server.one.get('Patient/shut', specialist)).status).toBe(200);
    await expect.poll(there, { timeout: 5000 }).toEqual(['plain', 'secret']);
    // Nobody else's access, no other record, and no more than reading.
    expect(await observations(await server.as({ role: 'specialist', fhirUser: 'Practitioner/s2' }))).toEqual(
      [],
    );
    expect((await server.one.get('Observation/others-secret', specialist)).status).toBe(404);
    expect((await server.one.put('Observation/plain', note('plain', 'shut'), specialist)).status).toBe(403);
  });

  it('opens no more than the token has scopes for', async () => {
    const narrow = await server.as({
      role: 'specialist',
      fhirUser: 'Practitioner/s1',
      scopes: 'user/Patient.rs',
    });
    expect((await server.one.get('Patient/shut', narrow)).status).toBe(200);
    expect((await server.one.get('Observation/plain', narrow)).status).toBe(403);
  });

  it('is of its tenant only', async () => {
    const system = await server.as({ scopes: 'system/*.cruds' }, 'two');
    await server.two.put('Patient/shut', { resourceType: 'Patient', id: 'shut' }, system);
    await server.two.put('Observation/secret', note('secret', 'shut', 'PSYTHPN'), system);
    const same = await server.as({ role: 'specialist', fhirUser: 'Practitioner/s1' }, 'two');
    expect((await server.two.get('Patient/shut', same)).status).toBe(200);
    expect((await server.two.get('Observation/secret', same)).status).toBe(404);
  });

  it('is told to the general practitioner and to those who look after privacy', async () => {
    const self = await server.as({ role: 'patient', fhirUser: 'Patient/shut' });
    const gp = await server.as({ role: 'attending', fhirUser: 'Practitioner/gp' });
    // The patient's consent that shuts the record does not keep back that it was opened.
    for (const who of [self, gp, admin])
      expect(await found(server.one, 'Communication', who)).toHaveLength(1);
    const [{ resource }] = (await server.one.get('Communication', self)).json.entry;
    expect(resource.recipient.map(({ reference }: Json) => reference)).toEqual([
      'Practitioner/gp',
      'Practitioner/privacy',
    ]);
    expect(resource.sender.reference).toBe('Practitioner/s1');
    expect(resource.reasonCode[0].coding[0].code).toBe('BTG');
    expect(resource.payload[0].contentString).toContain(REASON);
    await expect
      .poll(() => server.mails.map(({ to }) => to).sort())
      .toEqual(['gerda@example.org', 'priya@example.org']);
    expect(server.mails[0]?.text).toContain('Patient/shut');
    expect(server.mails[0]?.text).not.toContain(REASON);
  });

  it('is audited with its purpose and reason, and so is what is read by it', async () => {
    const events = async (query: string): Promise<Json[]> =>
      ((await server.one.get(`AuditEvent?${query}&_count=100`, admin)).json.entry ?? []).map(
        ({ resource }: Json) => resource,
      );
    await expect.poll(async () => (await events('subtype=110127')).length, { timeout: 5000 }).toBe(1);
    const [start] = await events('subtype=110127');
    expect(JSON.stringify(start)).toContain(REASON);
    expect(JSON.stringify(start.purposeOfEvent ?? start.agent)).toContain('BTG');
    await expect
      .poll(
        async () =>
          (await events('entity=Patient/shut&subtype=read')).filter((event) =>
            JSON.stringify(event).includes('"BTG"'),
          ).length,
        { timeout: 5000 },
      )
      .toBeGreaterThan(0);
  });

  it('is listed, and ended by the person', async () => {
    const listed = async (who: HeaderMap) =>
      ((await server.one.get('Patient/shut/$break-glass', who)).json.parameter ?? []).length;
    expect(await listed(specialist)).toBe(1);
    expect(await listed(admin)).toBe(1);
    const another = await server.as({ role: 'specialist', fhirUser: 'Practitioner/s2' });
    expect(await listed(another)).toBe(0);
    expect((await end(another)).status).toBe(404);
    expect(await observations(specialist)).toEqual(['plain', 'secret']);
    expect((await end(specialist)).status).toBe(200);
    expect(await observations(specialist)).toEqual([]);
    await expect
      .poll(() => found(server.elsewhere, 'Observation', specialist), { timeout: 5000 })
      .toEqual([]);
    expect((await end(specialist)).status).toBe(404);
  });

  it('is ended by those who look after privacy', async () => {
    expect((await open(specialist)).status).toBe(200);
    expect(await observations(specialist)).toHaveLength(2);
    expect((await end(admin)).status).toBe(200);
    expect(await observations(specialist)).toEqual([]);
  });

  it('ends by itself, also while a decision is remembered', async () => {
    expect((await open(specialist, { minutes: 1 })).status).toBe(200);
    expect(await observations(specialist)).toHaveLength(2);
    const { harness } = server;
    const pg = await import('pg');
    const owner = new pg.default.Client({ connectionString: harness.database.ownerUrl });
    await owner.connect();
    try {
      await owner.query('update store.emergency_access set until = $1 where ended is null', [
        Date.now() + 500,
      ]);
      await owner.query(
        'update store.access_change set count = count + 1, changed = (extract(epoch from clock_timestamp()) * 1000)::bigint',
      );
    } finally {
      await owner.end();
    }
    await expect.poll(() => observations(specialist), { timeout: 8000 }).toEqual([]);
  });

  it("follows the tenant's policy of the role", async () => {
    const policy = {
      resourceType: 'Parameters',
      id: 'policy-specialist',
      meta: { profile: [PROFILE] },
      parameter: [
        { name: 'role', valueCode: 'specialist' },
        {
          name: 'rule',
          part: [
            { name: 'type', valueString: 'Observation' },
            { name: 'may', valueString: 'rs' },
          ],
        },
      ],
    };
    const stored = await server.one.put('Parameters/policy-specialist', policy, admin);
    expect(stored.status, stored.text).toBe(201);
    const refused = await open(specialist);
    expect([refused.status, said(refused)]).toEqual([403, expect.stringContaining('role')]);
  });
});
