import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AccessScope } from '../src/access/scope.ts';
import { mintAccessToken } from '../src/auth/token/mint.ts';
import type { JsonObject } from '../src/json/types.ts';
import { newMasterKey } from '../src/security/keys/master-key.ts';
import { clerk, inTenant, observation, transaction, until } from './agents-support.ts';
import { type Harness, type HeaderMap, type Json, startHarness } from './harness.ts';

/* Issue 6, section 2, where access is controlled: what waits for a person, and who may read what agents did. */

let harness: Harness;
let attending: HeaderMap;
let nurse: HeaderMap;
let system: HeaderMap;
const token = async (fields: { scopes: string; role?: string; subject?: string; fhirUser?: string }) => {
  const services = harness.service.auth!.services;
  const tenant = (await services.findTenant('test'))!;
  const base = { grantId: randomUUID(), clientId: 'test', subject: 'test' };
  const { jwt } = await mintAccessToken(services, tenant, { ...base, ...fields }, 300);
  return { authorization: `Bearer ${jwt}` };
};
beforeAll(async () => {
  const masterKeys = { keys: [newMasterKey()], reload() {} };
  harness = await startHarness({
    service: { agents: [clerk], auth: { masterKeys, mail: async () => {} } },
  });
  system = await token({ scopes: 'system/*.cruds' });
  const person = (role: string) =>
    token({ scopes: 'user/*.cruds', role, subject: randomUUID(), fhirUser: `Practitioner/${role}` });
  attending = await person('attending');
  nurse = await person('nurse');
  for (const resource of [
    { resourceType: 'Patient', id: 'p' },
    { resourceType: 'Practitioner', id: 'attending' },
    { resourceType: 'Practitioner', id: 'nurse' },
  ]) {
    const answer = await harness.client().put(`${resource.resourceType}/${resource.id}`, resource, system);
    if (answer.status >= 300) throw new Error(answer.text);
  }
});
afterAll(() => harness?.stop());

const read = async (path: string) => (await harness.client().get(path, system)).json;
const ask = async (text: string, caller: Partial<AccessScope> = {}) => {
  const { run } = await inTenant(harness, { subject: 'Practitioner/nurse', ...caller });
  const { output } = await run('act', { text });
  return (output as { task: string }).task;
};
const count = async (text: string) => (await read(`Observation?code:text=${text}`)).total as number;
const change = async (task: string, changes: object, who: HeaderMap) => {
  const answer = await harness.client().put(task, { ...(await read(task)), ...changes }, who);
  expect(answer.status).toBe(200);
};
const ended = (task: string) =>
  until(async () => {
    const now = await read(task);
    return ['completed', 'failed'].includes(now.status) && now;
  });

test('the approver’s word carries the action out, once, on behalf of the caller', async () => {
  const task = await ask('approved');
  await change(task, { status: 'accepted' }, attending);
  const whole = await ended(task);
  expect(whole.statusReason).toBeUndefined();
  expect(whole).toMatchObject({
    status: 'completed',
    owner: { reference: 'Practitioner/attending' },
  });
  expect(await count('approved')).toBe(1);
  const [{ resource: made }] = (await read('Observation?code:text=approved')).entry;
  const provenance = (await read(`Provenance?target=Observation/${made.id}`)).entry[0].resource;
  expect(provenance.agent[0]).toMatchObject({
    who: { reference: expect.stringMatching(/^Device\//) },
    onBehalfOf: { reference: 'Practitioner/nurse' },
  });
  // Told again, as after a crash before the event was removed.
  const { service } = harness;
  await change(task, { description: 'told again' }, attending);
  await until(async () => (await service.agents.dispatcher.depths()).length === 0);
  expect(await count('approved')).toBe(1);
});

test.each(['accepted', 'rejected', 'completed'])(
  'another role’s word (%s) does not count: the Task waits on',
  async (status) => {
    const task = await ask(`not-${status}-by-nurse`, { subject: 'Practitioner/attending' });
    await change(task, { status }, nurse);
    const back = await until(async () => {
      const now = await read(task);
      return now.status === 'requested' && now.statusReason !== undefined && now;
    });
    expect(back.statusReason.text).toContain('attending');
    expect(await count(`not-${status}-by-nurse`)).toBe(0);
    await change(task, { status: 'accepted' }, attending);
    await ended(task);
    expect(await count(`not-${status}-by-nurse`)).toBe(1);
  },
);

test('nobody but the approver edits what is to be done, or who approves it', async () => {
  const task = await ask('tampered');
  const whole = await read(task);
  const other = Buffer.from(JSON.stringify(transaction(observation('smuggled')))).toString('base64');
  for (const changes of [
    { input: [{ ...whole.input[0], valueBase64Binary: other }] },
    { input: undefined },
    { performerType: [{ coding: [{ ...whole.performerType[0].coding[0], code: 'nurse' }] }] },
  ]) {
    const answer = await harness.client().put(task, { ...whole, ...changes }, nurse);
    expect(answer.status).toBe(403);
    expect(answer.expressions).toEqual(['Task.input']);
  }
  await change(task, { status: 'accepted' }, attending);
  await ended(task);
  expect([await count('tampered'), await count('smuggled')]).toEqual([1, 0]);
});

test('who has asked may take it back', async () => {
  const task = await ask('taken-back');
  await change(task, { status: 'cancelled' }, nurse);
  await until(async () => (await harness.service.agents.dispatcher.depths()).length === 0);
  expect((await read(task)).status).toBe('cancelled');
  await change(task, { status: 'accepted' }, attending);
  await until(async () => (await harness.service.agents.dispatcher.depths()).length === 0);
  expect(await count('taken-back')).toBe(0);
});

test('the approver may edit what is done, and reject it', async () => {
  const edited = await ask('before-edit');
  const task = await read(edited);
  const input = [
    {
      ...task.input[0],
      valueBase64Binary: Buffer.from(JSON.stringify(transaction(observation('after-edit')))).toString(
        'base64',
      ),
    },
  ];
  await change(edited, { status: 'accepted', input }, attending);
  expect((await ended(edited)).status).toBe('completed');
  expect([await count('before-edit'), await count('after-edit')]).toEqual([0, 1]);
  const rejected = await ask('rejected');
  await change(rejected, { status: 'rejected' }, attending);
  await change(rejected, { status: 'accepted' }, attending);
  await until(async () => (await harness.service.agents.dispatcher.depths()).length === 0);
  expect(await count('rejected')).toBe(0);
});

test('an edit cannot do what neither the agent nor its caller could: the Task fails', async () => {
  const cases: [string, JsonObject, Partial<AccessScope>][] = [
    ['agent', transaction({ resourceType: 'Condition', subject: { reference: 'Patient/p' } } as never), {}],
    [
      'caller',
      transaction(observation('beyond-caller')),
      { grants: [{ types: ['Patient'], interactions: '*' }] },
    ],
    [
      'task',
      {
        resourceType: 'Bundle',
        type: 'transaction',
        entry: [
          {
            resource: { resourceType: 'Task', id: 'x', status: 'draft', intent: 'order' },
            request: { method: 'PUT', url: 'Task/x' },
          },
        ],
      },
      {},
    ],
  ];
  for (const [name, bundle, caller] of cases) {
    const task = await ask(`beyond-${name}`, caller);
    const { input } = await read(task);
    const valueBase64Binary = Buffer.from(JSON.stringify(bundle)).toString('base64');
    await change(task, { status: 'accepted', input: [{ ...input[0], valueBase64Binary }] }, attending);
    expect((await ended(task)).status, name).toBe('failed');
  }
  expect(await count('beyond-caller')).toBe(0);
  expect((await harness.client().get('Task/x', system)).status).toBe(404);
});

test('a Task that only looks like an agent’s does nothing', async () => {
  const real = await read(await ask('model-of-a-forgery'));
  const { id: _, meta: _meta, ...rest } = real;
  const forged = await harness.client().post('Task', { ...rest, status: 'accepted' }, attending);
  expect(forged.status).toBe(201);
  await until(async () => (await harness.service.agents.dispatcher.depths()).length === 0);
  expect(await count('model-of-a-forgery')).toBe(0);
});

test('runs and steps are in the audit log, with the Device as the client', async () => {
  const { run } = await inTenant(harness, { subject: 'Practitioner/nurse' });
  const { id } = await run('write');
  const events = await until(async () => {
    const { entry = [] } = await read('AuditEvent?_count=500');
    const mine = entry
      .map(({ resource }: Json) => resource)
      .filter(({ entity }: Json) => entity?.some((one: Json) => one.what?.identifier?.value === id));
    return mine.length >= 4 && mine;
  });
  const subtypes = events.flatMap(({ subtype }: Json) => subtype.map(({ code }: Json) => code));
  expect(subtypes.toSorted()).toEqual(['agent-run', 'agent-step', 'agent-step', 'create']);
  expect(JSON.stringify(events)).toContain('Device/');
});

describe('$agent-runs', () => {
  const shown = async (query: string, who: HeaderMap) => {
    const answer = await harness.client().get(`$agent-runs?${query}`, who);
    return {
      status: answer.status,
      kinds: (answer.json.entry ?? []).map((one: Json) => one.resource.subtype[0].code),
    };
  };
  const WHOLE = ['agent-run', 'agent-step', 'agent-step'];

  test('shows a run in order to who reads the audit log, and to who treats the patient', async () => {
    const { run } = await inTenant(harness, { subject: 'Practitioner/nurse' });
    const { id } = await run('write');
    await until(async () => (await shown(`run=${id}`, system)).kinds.length === 3);
    for (const who of [system, attending, nurse]) {
      expect(await shown(`run=${id}`, who)).toEqual({ status: 200, kinds: WHOLE });
      expect((await shown(`patient=p&_count=1`, who)).kinds).toEqual(WHOLE);
    }
  });

  test('not to others, and of patients whose record is closed to the caller nothing', async () => {
    const { run } = await inTenant(harness, { subject: 'Practitioner/nurse' });
    const { id } = await run('write');
    await until(async () => (await shown(`run=${id}`, system)).kinds.length === 3);
    for (const role of ['front_desk', 'billing', 'medical_assistant', 'researcher']) {
      const who = await token({
        scopes: 'user/*.cruds',
        role,
        subject: randomUUID(),
        fhirUser: `Practitioner/${role}`,
      });
      expect((await shown(`run=${id}`, who)).status, role).toBe(403);
    }
    const other = await token({
      scopes: 'user/*.cruds',
      role: 'patient',
      subject: randomUUID(),
      fhirUser: 'Patient/q',
    });
    expect((await shown(`run=${id}`, other)).kinds).toEqual([]);
    const narrow = await token({
      scopes: 'user/*.rs?_id=none',
      role: 'attending',
      subject: randomUUID(),
      fhirUser: 'Practitioner/attending',
    });
    expect((await shown(`patient=p`, narrow)).status).toBeGreaterThanOrEqual(400);
  });
});
