import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { policy } from '../src/cli/policy.ts';
import { type AccessServer, startAccessServer } from './access-server.ts';

/* Issue 5, section 2: `vesta policy explain --user --request` says why something is allowed or not. */

let server: AccessServer;

beforeAll(async () => {
  server = await startAccessServer();
  vi.stubEnv('DATABASE_URL', server.harness.database.ownerUrl);
  vi.stubEnv('BASE_URL', server.harness.url);
  const consent = {
    resourceType: 'Consent',
    id: 'no',
    status: 'active',
    scope: { coding: [{ code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: 'Patient/shut' },
    policyRule: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTOUT' }],
    },
  };
  await server.put(
    { resourceType: 'Practitioner', id: 'd' },
    { resourceType: 'Patient', id: 'free' },
    { resourceType: 'Patient', id: 'shut' },
    consent,
  );
  const tenant = (await server.auth.services.findTenant('one')) as never;
  const { accounts } = server.auth.services;
  const more = { passwordHash: 'x', fhirUser: 'Practitioner/d' };
  await accounts.create(tenant, { login: 'ada', name: 'Ada', role: 'attending', ...more });
  await accounts.create(tenant, { login: 'carl', name: 'Carl', role: 'caregiver', passwordHash: 'x' });
}, 60_000);
afterEach(() => vi.restoreAllMocks());
afterAll(async () => {
  vi.unstubAllEnvs();
  await server?.stop();
});

async function explain(login: string, request: string, ...more: string[]) {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  const code = await policy.run([
    'explain',
    '--user',
    login,
    '--tenant',
    'one',
    '--request',
    request,
    ...more,
  ]);
  return { code, out: lines.join('\n') };
}

describe('vesta policy explain for an account', () => {
  it('reads role and person, and looks whether the resource is among those allowed', async () => {
    const free = await explain('ada', 'GET Patient/free');
    expect(free.out).toMatch(/role attending and is Practitioner\/d/);
    expect(free.out).toMatch(/Patient\/free is among them/);
    expect(free.code).toBe(0);
    const gone = await explain('ada', 'GET Patient/never');
    expect([gone.code, gone.out]).toEqual([1, expect.stringContaining('There is no Patient/never')]);
  });

  it('reads consents and emergency accesses', async () => {
    const shut = await explain('ada', 'GET Patient/shut');
    expect(shut.code).toBe(1);
    expect(shut.out).toMatch(/consents deny something: Consent\/no/);
    expect(shut.out).toMatch(/Patient\/shut is not among them/);
    const ada = await server.as({ role: 'attending', fhirUser: 'Practitioner/d' });
    const body = {
      resourceType: 'Parameters',
      parameter: [{ name: 'reason', valueString: 'Found unconscious' }],
    };
    expect((await server.one.post('Patient/shut/$break-glass', body, ada)).status).toBe(200);
    const open = await explain('ada', 'GET Patient/shut');
    expect(open.code).toBe(0);
    expect(open.out).toMatch(/open in an emergency: Found unconscious/);
    expect((await explain('carl', 'GET Patient/free')).out).toMatch(/No patient consents/);
  });

  it("reads the tenant's policy of the role", async () => {
    const admin = await server.as({ role: 'org_admin', fhirUser: 'Practitioner/d' });
    const part = (name: string, valueString: string) => ({ name, valueString });
    const own = {
      resourceType: 'Parameters',
      id: 'policy-attending',
      meta: { profile: ['https://vesta.health/fhir/StructureDefinition/role-policy'] },
      parameter: [
        { name: 'role', valueCode: 'attending' },
        { name: 'rule', part: [part('type', 'Observation'), part('may', 'rs')] },
      ],
    };
    expect((await server.one.put('Parameters/policy-attending', own, admin)).status).toBe(201);
    const { code, out } = await explain('ada', 'GET Patient/free');
    expect(code).toBe(1);
    expect(out).toMatch(/own policy of the role attending/);
    expect(out).toMatch(/may not read Patient/);
  });

  it('tells what is wrong with the question', async () => {
    await expect(explain('nobody', 'GET Patient')).rejects.toThrow(/no account "nobody"/);
    await expect(explain('ada', 'GET Patient', '--role', 'nurse')).rejects.toThrow(/in the database/);
  });
});
