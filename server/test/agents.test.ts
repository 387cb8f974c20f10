import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AccessScope } from '../src/access/scope.ts';
import { openScope } from '../src/access/scope.ts';
import type { AnyAgent } from '../src/agents/agent.ts';
import { AGENT_ACTION } from '../src/agents/codes.ts';
import { mintAccessToken } from '../src/auth/token/mint.ts';
import { fhirError } from '../src/fhir/outcome.ts';
import { isObject } from '../src/json/objects.ts';
import type { JsonObject, JsonValue } from '../src/json/types.ts';
import { newMasterKey } from '../src/security/keys/master-key.ts';
import { withOwner } from '../src/storage/prepare.ts';
import { configureTenant } from '../src/storage/tenants.ts';
import { type Harness, type HeaderMap, type Json, startHarness } from './harness.ts';

/* Issue 6, section 2: what agents may do, what is recorded of it, and what waits for a person. */

const observation = (text: string, patient = 'p') => ({
  resourceType: 'Observation',
  status: 'preliminary',
  code: { text },
  subject: { reference: `Patient/${patient}` },
});
const transaction = (...resources: { resourceType: string }[]): JsonObject => ({
  resourceType: 'Bundle',
  type: 'transaction',
  entry: resources.map((resource) => ({
    resource: resource as unknown as JsonObject,
    request: { method: 'POST', url: resource.resourceType },
  })),
});

let gate = Promise.withResolvers<void>();
let woken: JsonValue[] = [];
let crash = 0;

/** An agent that does what its input asks for. */
const clerk: AnyAgent = {
  name: 'clerk',
  title: 'Clerk',
  version: '3',
  description: 'For tests',
  wakes: [
    {
      kind: 'event',
      type: 'Basic',
      methods: ['create', 'update'],
      mentions: 'for the clerk',
      when: (resource) => isObject(resource['code']) && resource['code']['text'] === 'for the clerk',
    },
    { kind: 'operation', name: 'clerk', types: ['Basic'], levels: ['type', 'instance'], safe: true },
    { kind: 'operation', name: 'clerk-all', types: [] },
    { kind: 'step', code: 'clerking' },
    { kind: 'conversation', intents: ['clerk'] },
  ],
  grants: [
    { types: ['Observation'], interactions: ['create', 'read', 'search-type', 'transaction'] },
    { types: ['Patient', 'Basic'], interactions: ['read', 'vread'] },
  ],
  timeout: 2000,
  actions: [{ code: 'note', title: 'Note something', autonomy: 'asks', approver: 'attending' }],
  input(value) {
    if (!isObject(value)) throw fhirError(400, 'structure', 'It takes an object', 'clerk');
    return value;
  },
  async run(input: JsonObject, context) {
    const { fhir } = context;
    if (isObject(input['operation'])) {
      const { parameters } = input;
      if (JSON.stringify(parameters).includes('write'))
        await fhir.create(observation('by operation') as never);
      return {
        ...(parameters as JsonObject),
        id: `${input['operation']['name']}-${input['operation']['id'] ?? 'none'}`,
      };
    }
    if (isObject(input['event'])) {
      woken.push(input);
      if (crash-- > 0) throw new Error('not yet');
      return {};
    }
    switch (input['do']) {
      case 'read':
        return fhir.read('Patient', 'p');
      case 'write':
        return context.step('outer', { patient: { reference: 'Patient/p' } }, () =>
          context.step('inner', 'x'.repeat(5000), () =>
            fhir.create(observation('written') as unknown as JsonObject & { resourceType: string }),
          ),
        );
      case 'forbidden':
        return fhir.create({ resourceType: 'Condition', subject: { reference: 'Patient/p' } });
      case 'other-patient':
        return fhir.create(observation('other', 'q') as unknown as JsonObject & { resourceType: string });
      case 'hang':
        return gate.promise;
      case 'defect':
        throw new Error('secret 123');
      case 'delegate':
        return context.delegate(String(input['to']), input['with'] ?? {});
      case 'act':
        return context.act('note', 'Because', transaction(observation(String(input['text']))), 'Patient/p');
      default:
        return null;
    }
  },
};

/** An agent with other grants, for what is handed on. */
const assistant: AnyAgent = {
  ...clerk,
  name: 'assistant',
  title: 'Assistant',
  wakes: [],
  grants: [{ types: ['Condition', 'Patient', 'Device'], interactions: ['create', 'read'] }],
  actions: [],
  async run(input: JsonObject, { delegate, fhir, idFor }) {
    if (input['back'] === true) return delegate('clerk', { do: 'read' });
    const made = await fhir.create({ resourceType: 'Condition', subject: { reference: 'Patient/p' } });
    return { made: made.resourceType, id: idFor('x') };
  },
};

async function inTenant(harness: Harness, caller?: Partial<AccessScope>) {
  const { fhir, agents } = harness.service;
  const context = await fhir.tenants.byName('test');
  if (context === undefined) throw new Error('no tenant');
  const scope = { ...openScope(context.tenant), ...caller };
  return {
    scope,
    context,
    run: (what: string, more: JsonObject = {}) =>
      agents.runtime.run(context, 'clerk', { do: what, ...more }, { caller: scope }),
  };
}
async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await sleep(20);
  }
}

describe('without authorization', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness({ service: { agents: [clerk, assistant] } });
    for (const id of ['p', 'q']) await harness.client().put(`Patient/${id}`, { resourceType: 'Patient', id });
  });
  afterAll(() => harness?.stop());
  const found = async (path: string): Promise<Json[]> =>
    ((await harness.client().get(path)).json.entry ?? []).map(({ resource }: Json) => resource);

  test('its own grants confine an agent though its caller may do everything', async () => {
    const { run } = await inTenant(harness);
    expect((await run('read')).output).toMatchObject({ resourceType: 'Patient', id: 'p' });
    await expect(run('forbidden')).rejects.toMatchObject({ status: 403 });
  });

  test('its caller confines an agent though its grants allow more', async () => {
    const grants = [{ types: '*', interactions: '*', compartment: { type: 'Patient', id: 'p' } }] as const;
    const { run } = await inTenant(harness, { subject: 'Patient/p', grants });
    await run('write');
    await expect(run('other-patient')).rejects.toMatchObject({ status: 403 });
    const readOnly = await inTenant(harness, { grants: [{ types: '*', interactions: ['read'] }] });
    await expect(readOnly.run('write')).rejects.toMatchObject({ status: 403 });
  });

  test('a write has a Provenance that names the Device, which is made once, and the person', async () => {
    const { run } = await inTenant(harness, { subject: 'Patient/p' });
    const { output } = await run('write');
    const { id } = output as { id: string };
    const [provenance] = await found(`Provenance?target=Observation/${id}`);
    const devices = await found('Device?identifier=https://vesta.health/fhir/identifier/agent|clerk');
    expect(devices).toHaveLength(1);
    expect(devices[0]).toMatchObject({ version: [{ value: '3' }], deviceName: [{ name: 'Clerk' }] });
    expect(provenance.agent).toMatchObject([
      { who: { reference: `Device/${devices[0].id}` }, onBehalfOf: { reference: 'Patient/p' } },
    ]);
  });

  test('runs and nested steps are AuditEvents with input, output, digests and durations, bounded', async () => {
    const { run } = await inTenant(harness);
    const { id } = await run('write');
    const events = (await found('AuditEvent?_count=200')).filter(({ entity }) =>
      entity?.some((one: Json) => one.what?.identifier?.value === id),
    );
    const told = events.map((event) => {
      const detail = event.entity.find((one: Json) => one.detail !== undefined).detail;
      return Object.fromEntries(detail.map(({ type, valueString }: Json) => [type, valueString]));
    });
    const outer = told.find(({ name }) => name === 'outer');
    const inner = told.find(({ name }) => name === 'inner');
    const whole = told.find(({ name }) => name === undefined);
    expect(told).toHaveLength(3);
    expect(inner).toMatchObject({ agent: 'clerk', version: '3', run: id, parent: outer?.['step'] });
    expect(inner?.['input'].length).toBeLessThan(2100);
    expect(inner?.['input-sha256']).toMatch(/^[0-9a-f]{64}$/);
    expect(outer?.['output']).toContain('"resourceType":"Observation"');
    expect(whole?.['input']).toBe('{"do":"write"}');
    for (const one of told) expect(one['milliseconds']).toMatch(/^\d+$/);
    expect(events[0].agent[0].who.identifier ?? events[0].agent[0].who).toBeDefined();
    expect(JSON.stringify(events)).toContain('Device/');
  });

  test('errors: of the caller as they are, of the program without their text, recorded and counted', async () => {
    const { run, context } = await inTenant(harness);
    const { runtime } = harness.service.agents;
    await expect(runtime.run(context, 'nobody', {})).rejects.toMatchObject({ status: 404 });
    await expect(runtime.run(context, 'clerk', 'text')).rejects.toMatchObject({ status: 400 });
    const before = runtime.measures.of('clerk').failures;
    await expect(run('defect')).rejects.toMatchObject({
      status: 500,
      message: expect.not.stringMatching(/secret/),
    });
    expect(runtime.measures.of('clerk').failures).toBe(before + 1);
    expect(JSON.stringify(await found('AuditEvent?_count=200'))).not.toContain('secret 123');
  });

  test('a run ends when its time is over, and when its caller goes', async () => {
    const { context, scope, run } = await inTenant(harness);
    gate = Promise.withResolvers<void>();
    await expect(run('hang')).rejects.toMatchObject({ status: 504 });
    const gone = AbortSignal.abort(new Error('gone'));
    await expect(
      harness.service.agents.runtime.run(context, 'clerk', { do: 'hang' }, { caller: scope, signal: gone }),
    ).rejects.toThrow('gone');
    gate.resolve();
  });

  test('/health/agents and /metrics tell of agents, nothing of tenants', async () => {
    const answer = await fetch(`${harness.url}/health/agents`);
    const health = (await answer.json()) as Json;
    expect(health.agents).toMatchObject([
      { name: 'clerk', version: '3', runs: expect.any(Number) },
      { name: 'assistant' },
    ]);
    expect(health.model).toEqual({ state: 'none' });
    const metrics = await (await fetch(`${harness.url}/metrics`)).text();
    expect(metrics).toMatch(/agent_runs_total\{agent="clerk",outcome="done"\} \d+/);
    expect(metrics).toMatch(/agent_run_duration_seconds_count\{agent="clerk"\} \d+/);
  });

  test('an operation wakes an agent with Parameters, of the body and the URL, under the caller’s access', async () => {
    const client = harness.client();
    const posted = await client.post('Basic/$clerk', {
      resourceType: 'Parameters',
      parameter: [{ name: 'a', valueInteger: 1 }],
    });
    expect(posted.status).toBe(200);
    expect(posted.json).toEqual({
      resourceType: 'Parameters',
      id: 'clerk-none',
      parameter: [{ name: 'a', valueInteger: 1 }],
    });
    const got = await client.get('Basic/7/$clerk?b=2&b=3');
    expect(got.json).toMatchObject({
      id: 'clerk-7',
      parameter: [{ valueString: '2' }, { name: 'b', valueString: '3' }],
    });
    expect((await client.post('$clerk-all', { resourceType: 'Parameters' })).json.id).toBe('clerk-all-none');
    expect((await client.get('$clerk-all')).status).toBe(405);
    expect((await client.get('Patient/$clerk')).status).toBe(404);
    expect((await client.post('Basic/$clerk', { resourceType: 'Patient' })).status).toBe(400);
  });

  test('agents are found by the steps and intents that wake them', () => {
    const { runtime } = harness.service.agents;
    expect(runtime.agentOfStep('clerking')?.name).toBe('clerk');
    expect(runtime.agentOfStep('other')).toBeUndefined();
    expect(runtime.agentsOfIntent('clerk').map(({ name }) => name)).toEqual(['clerk']);
    expect(runtime.wokenBy('operation').map(({ wake }) => wake.name)).toEqual(['clerk', 'clerk-all']);
  });

  test('what is handed on runs under the other agent’s grants for the same caller, and is shown with the run', async () => {
    const { run, context } = await inTenant(harness);
    const { id, output } = await run('delegate', { to: 'assistant' });
    expect(output).toMatchObject({ made: 'Condition' });
    const readOnly = await inTenant(harness, { grants: [{ types: '*', interactions: ['read'] }] });
    await expect(readOnly.run('delegate', { to: 'assistant' })).rejects.toMatchObject({ status: 403 });
    await expect(run('delegate', { to: 'nobody' })).rejects.toMatchObject({ status: 404 });
    await expect(run('delegate', { to: 'assistant', with: { back: true } })).rejects.toMatchObject({
      status: 500,
    });
    const { json } = await harness.client().get(`$agent-runs?run=${id}`);
    expect(json.entry).toHaveLength(3);
    const { runtime } = harness.service.agents;
    const runId = randomUUID();
    const again = async () =>
      (await runtime.run(context, 'assistant', {}, { runId })).output as { id: string };
    expect((await again()).id).toBe((await again()).id);
  });

  test('an event wakes an agent with the version it tells of; after a failure again, the same run', async () => {
    woken = [];
    crash = 1;
    const client = harness.client();
    await client.create({ resourceType: 'Basic', code: { text: 'other for the clerk' } });
    const made = await client.create({ resourceType: 'Basic', code: { text: 'for the clerk' } });
    await until(async () => woken.length === 2);
    expect(woken[0]).toMatchObject({
      event: { type: 'Basic', id: made.id, version: 1, method: 'create' },
      resource: { id: made.id },
    });
    expect(woken[1]).toEqual(woken[0]);
  });

  test('what asks for approval is a Task with reason and transaction; nothing is written before', async () => {
    const { run } = await inTenant(harness);
    const { output } = await run('act', { text: 'asked' });
    const { done, task } = output as { done: boolean; task: string };
    expect(done).toBe(false);
    const { json } = await harness.client().get(task);
    expect(json).toMatchObject({
      status: 'requested',
      code: { coding: [{ system: AGENT_ACTION, code: 'clerk.note' }] },
      reasonCode: { text: 'Because' },
      for: { reference: 'Patient/p' },
      performerType: [{ coding: [{ code: 'attending' }] }],
    });
    expect(await found('Observation?code:text=asked')).toEqual([]);
    await harness.client().put(task, { ...json, status: 'accepted' });
    const [made] = await until(async () => {
      const now = await found('Observation?code:text=asked');
      return now.length > 0 && now;
    });
    const after = await until(async () => {
      const { json: now } = await harness.client().get(task);
      return now.status === 'completed' && now;
    });
    expect(after.output).toMatchObject([{ valueReference: { reference: `Observation/${made.id}` } }]);
  });

  test('a tenant may let an agent act, or ask, action by action', async () => {
    await withOwner(harness.database.ownerUrl, (owner) =>
      configureTenant(owner, 'test', { 'agents.autonomy.clerk.note': 'acts' }),
    );
    const { run } = await until(async () => {
      const one = await inTenant(harness);
      return one.context.policy.autonomy.get('clerk.note') === 'acts' && one;
    });
    expect((await run('act', { text: 'acted' })).output).toMatchObject({ done: true });
    expect(await found('Observation?code:text=acted')).toHaveLength(1);
    await withOwner(harness.database.ownerUrl, (owner) =>
      configureTenant(owner, 'test', { 'agents.autonomy.clerk.note': null }),
    );
  });
});

describe('where access is controlled', () => {
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

  test('another role cannot approve: the Task waits on', async () => {
    const task = await ask('not-by-nurse');
    await change(task, { status: 'accepted' }, nurse);
    const back = await until(async () => {
      const now = await read(task);
      return now.status === 'requested' && now.statusReason !== undefined && now;
    });
    expect(back.statusReason.text).toContain('attending');
    expect(await count('not-by-nurse')).toBe(0);
    await change(task, { status: 'accepted' }, attending);
    await ended(task);
    expect(await count('not-by-nurse')).toBe(1);
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
});
