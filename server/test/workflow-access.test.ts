import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AGENTS } from '../src/agents/registry.ts';
import { mintAccessToken } from '../src/auth/token/mint.ts';
import { newMasterKey } from '../src/security/keys/master-key.ts';
import { type Harness, type HeaderMap, type Json, startHarness } from './harness.ts';
import { action, person, plan, until, WorkflowClient } from './workflow-support.ts';

/* Issue 6, section 2: who may start, complete and override, where access is controlled; what is recorded of it. */

const ROLES = ['attending', 'nurse', 'billing', 'front_desk', 'practice_manager', 'patient'] as const;
type Person = (typeof ROLES)[number];

let harness: Harness;
let system: HeaderMap;
const headers = {} as Record<Person, HeaderMap>;
const as = (role: Person) => new WorkflowClient(harness, headers[role]);

beforeAll(async () => {
  harness = await startHarness({
    service: {
      agents: AGENTS.filter(({ name }) => ['admission', 'triage', 'medical-records'].includes(name)),
      auth: { masterKeys: { keys: [newMasterKey()], reload() {} }, mail: async () => {} },
    },
  });
  const services = harness.service.auth!.services;
  const tenant = (await services.findTenant('test'))!;
  const token = async (fields: { scopes: string; role?: string; fhirUser?: string }) => {
    const base = { grantId: randomUUID(), clientId: 'test', subject: randomUUID() };
    const { jwt } = await mintAccessToken(services, tenant, { ...base, ...fields }, 3600);
    return { authorization: `Bearer ${jwt}` };
  };
  system = await token({ scopes: 'system/*.cruds' });
  const put = async (resource: { resourceType: string; id: string }) => {
    const answer = await harness.client().put(`${resource.resourceType}/${resource.id}`, resource, system);
    if (answer.status > 201) throw new Error(answer.text);
  };
  for (const role of ROLES) {
    const type = role === 'patient' ? 'Patient' : 'Practitioner';
    const id = role.replace('_', '-');
    await put({ resourceType: type, id });
    headers[role] = await token({ scopes: 'user/*.cruds', role, fhirUser: `${type}/${id}` });
  }
  await put(plan('paper', action('a', 'paper', person('billing'))) as never);
});
afterAll(() => harness?.stop());

const start = (role: Person, id = 'paper') => as(role).call(`PlanDefinition/${id}/$start`);
const override = (role: Person, task: string, mode = 'skip') =>
  as(role).call(
    `Task/${task}/$override`,
    { name: 'reason', valueString: 'Er ist bewußtlos' },
    { name: 'mode', valueCode: mode },
  );

test('a nurse’s emergency intake is triaged and registers the person, though nurses register nobody', async () => {
  const patient = {
    resourceType: 'Patient',
    name: [{ family: 'Newcomer', given: ['Nora'] }],
    birthDate: '1964-02-03',
  };
  expect((await harness.client().post('Patient', patient, headers.nurse)).status).toBe(403);
  const group = await as('nurse').start(
    'emergency',
    { name: 'intake', valueString: '62, crushing chest pain, sweating, BP 90/60' },
    { name: 'patient', resource: patient },
  );
  expect(group.author).toEqual({ reference: 'Practitioner/nurse' });
  const task = await as('nurse').step(group, 'admission', 'completed');
  expect(task.requester).toEqual({ reference: 'Practitioner/nurse' });
  const { subject, encounter } = await as('nurse').read(`RequestGroup/${group.id}`);
  expect(await as('nurse').read(subject.reference)).toMatchObject({ name: [{ family: 'Newcomer' }] });
  const [risk] = (await as('nurse').read(`RiskAssessment?encounter=${encounter.reference}`)).entry;
  expect(['1', '2']).toContain(risk.resource.prediction[0].qualitativeRisk.coding[0].code);
  const [{ resource }] = (await as('nurse').read(`Provenance?target=${encounter.reference}`)).entry;
  expect(resource.agent[0]).toMatchObject({
    who: { reference: expect.stringMatching(/^Device\//) },
    onBehalfOf: { reference: 'Practitioner/nurse' },
  });
  // Each role sees the step that is its own, and not what was said at the door.
  const legal = await as('nurse').step(group, 'legal', 'requested');
  expect((await as('practice_manager').read(`Task/${legal.id}`)).status).toBe('requested');
  expect((await as('billing').read(`Task/${legal.id}`)).resourceType).toBe('OperationOutcome');
  expect((await harness.client().get(`RequestGroup/${group.id}`, headers.billing)).status).toBe(403);
  expect((await as('practice_manager').call(`Task/${legal.id}/$complete`)).status).toBe(200);
});

test('a probable duplicate waits for the front desk, which sees it and decides', async () => {
  const patient = {
    resourceType: 'Patient',
    name: [{ family: 'Doppelt', given: ['Dora'] }],
    birthDate: '1970-07-07',
    gender: 'female',
  };
  const answer = await harness.client().post('Patient', patient, system);
  const known = `Patient/${answer.json.id}`;
  const group = await as('nurse').start(
    'emergency',
    { name: 'intake', valueString: 'fell from a ladder, arm hurts' },
    { name: 'patient', resource: patient },
  );
  await as('nurse').step(group, 'admission', 'completed');
  const { subject, encounter } = await as('nurse').read(`RequestGroup/${group.id}`);
  expect(subject.reference).not.toBe(known);
  const tasks = await as('front_desk').read('Task?code=admission.merge&status=requested');
  const task = tasks.entry[0].resource;
  expect(task).toMatchObject({ for: subject, reasonCode: { text: expect.stringContaining(known) } });
  const accept = (role: Person) =>
    harness.client().put(`Task/${task.id}`, { ...task, status: 'accepted' }, headers[role]);
  // What a nurse writes there is put back: it is not hers to decide.
  expect((await accept('nurse')).status).toBe(200);
  await until(async () => (await as('nurse').read(`Task/${task.id}`)).status === 'requested');
  expect((await as('nurse').read(encounter.reference)).subject).toEqual(subject);
  expect((await accept('front_desk')).status).toBe(200);
  await until(async () => (await as('nurse').read(encounter.reference)).subject.reference === known);
  expect((await as('nurse').read(`RequestGroup/${group.id}`)).subject.reference).toBe(known);
});

test('who may not write RequestGroups and Tasks starts nothing', async () => {
  for (const role of ['billing', 'front_desk', 'patient'] as const)
    expect((await start(role)).status).toBe(403);
  for (const role of ['nurse', 'attending'] as const) expect((await start(role)).status).toBe(201);
});

test('a step is completed by its role or by the physician in charge; others are refused', async () => {
  const begin = async () => {
    const { json: group } = await start('attending');
    return as('attending').step(group, 'a', 'requested');
  };
  const task = await begin();
  expect((await as('nurse').call(`Task/${task.id}/$complete`)).status).toBe(403);
  expect((await as('front_desk').call(`Task/${task.id}/$complete`)).status).toBe(404);
  expect((await as('billing').call(`Task/${task.id}/$complete`)).status).toBe(200);
  const other = await begin();
  // Nor by an ordinary write, or by making the step one's own first.
  for (const changes of [{ status: 'completed' }, { status: 'cancelled' }, { performerType: undefined }]) {
    const answer = await harness.client().put(`Task/${other.id}`, { ...other, ...changes }, headers.nurse);
    expect(answer.status).toBe(403);
  }
  const noted = { ...other, note: [{ text: 'asked the insurance' }] };
  expect((await harness.client().put(`Task/${other.id}`, noted, headers.nurse)).status).toBe(200);
  expect((await as('attending').call(`Task/${other.id}/$complete`)).status).toBe(200);
  const third = await begin();
  const done = { ...third, status: 'completed' };
  expect((await harness.client().put(`Task/${third.id}`, done, headers.billing)).status).toBe(200);
});

test('a visit of somebody else starts no workflow', async () => {
  for (const id of ['one', 'two'])
    await harness.client().put(`Patient/${id}`, { resourceType: 'Patient', id }, system);
  const encounter = {
    resourceType: 'Encounter',
    id: 'of-one',
    status: 'arrived',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'EMER' },
    subject: { reference: 'Patient/one' },
  };
  await harness.client().put('Encounter/of-one', encounter, system);
  const begin = (patient: string) =>
    as('attending').call(
      'PlanDefinition/paper/$start',
      { name: 'subject', valueReference: { reference: `Patient/${patient}` } },
      { name: 'encounter', valueReference: { reference: 'Encounter/of-one' } },
    );
  const refused = await begin('two');
  expect(refused.status).toBe(422);
  expect(refused.json.issue[0].expression[0]).toContain('encounter');
  const patient = { resourceType: 'Patient', birthDate: 'yesterday' };
  const wrong = await as('nurse').call('PlanDefinition/paper/$start', { name: 'patient', resource: patient });
  expect(wrong.status).toBe(422);
  expect(wrong.json.issue[0].expression).toEqual([
    "Parameters.parameter.where(name='patient').resource.birthDate",
  ]);
  expect((await begin('one')).status).toBe(201);
});

test('physicians override, with a reason that Provenance and audit log keep; others do not', async () => {
  const { json: group } = await start('nurse');
  const task = await as('nurse').step(group, 'a', 'requested');
  for (const role of ['nurse', 'billing'] as const) expect((await override(role, task.id)).status).toBe(403);
  expect((await override('attending', task.id)).status).toBe(200);
  await as('nurse').ended(group);
  const { entry } = (await harness.client().get(`Provenance?target=Task/${task.id}`, system)).json;
  const told = entry
    .map(({ resource }: Json) => resource)
    .find(({ reason }: Json) => reason?.[0].text === 'Er ist bewußtlos');
  expect(told).toMatchObject({
    agent: [{ who: { reference: 'Practitioner/attending' } }],
    reason: [{ coding: [{ code: 'ETREAT' }] }],
  });
  await until(async () => {
    const { json } = await harness.client().get('AuditEvent?subtype=workflow-override', system);
    return JSON.stringify(json).includes('Er ist bewußtlos');
  });
});

test('only who may change the workflow cancels it', async () => {
  const { json: group } = await start('nurse');
  const cancel = (role: Person) =>
    as(role).call(`RequestGroup/${group.id}/$cancel`, { name: 'reason', valueString: 'no' });
  for (const role of ['billing', 'patient'] as const) expect((await cancel(role)).status).toBe(403);
  expect((await cancel('nurse')).status).toBe(200);
  await as('nurse').step(group, 'a', 'cancelled');
});
