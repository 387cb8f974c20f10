import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fhirError } from '../src/fhir/outcome.ts';
import { type Harness, type Json, startHarness } from './harness.ts';
import {
  action,
  after,
  BASICS,
  person,
  plan,
  putAll,
  StepBench,
  textOutput,
  until,
  WorkflowClient,
} from './workflow-support.ts';

/* Issue 6, section 2: retries, refusals, overrides, time-outs, waiting for people, and cancelling of workflows. */

const bench = new StepBench();
let harness: Harness;
let client: WorkflowClient;

beforeAll(async () => {
  harness = await startHarness({ service: { agents: bench.agents } });
  client = new WorkflowClient(harness);
  await putAll(harness, ...BASICS);
});
afterAll(() => harness?.stop());
beforeEach(() => bench.reset());

describe('what goes wrong', () => {
  test('a step that fails is tried again under the same run; a failure that passes leaves no trace', async () => {
    let left = 1;
    const runs = new Set<string>();
    bench.works = {
      one: (_, context) => {
        runs.add(context.run.id);
        if (left-- > 0) throw new Error('not yet');
        return {};
      },
    };
    const group = await client.start('line');
    await client.ended(group);
    expect(bench.log).toEqual(['one', 'one', 'two', 'three']);
    expect(runs.size).toBe(1);
  });

  test('a refusal fails the step at once, a role is asked, and a physician’s override goes on', async () => {
    bench.works = {
      two: () => {
        throw fhirError(422, 'business-rule', 'This cannot be');
      },
    };
    const group = await client.start('line');
    const task = await client.step(group, 'b', 'failed');
    expect(task.statusReason.text).toContain('This cannot be');
    expect(bench.log).toEqual(['one', 'two']);
    const [escalation] = await until(async () => {
      const { entry } = await client.read(`Task?part-of=Task/${task.id}`);
      return entry;
    });
    expect(escalation.resource).toMatchObject({
      status: 'requested',
      performerType: [{ coding: [{ code: 'attending' }] }],
    });
    const call = (...parameter: object[]) => client.call(`Task/${task.id}/$override`, ...parameter);
    expect((await call({ name: 'mode', valueCode: 'skip' })).status).toBe(400);
    expect((await call({ name: 'reason', valueString: 'it is clear' })).status).toBe(400);
    const done = await call(
      { name: 'reason', valueString: 'it is clear' },
      { name: 'mode', valueCode: 'skip' },
    );
    expect(done.json).toMatchObject({
      status: 'cancelled',
      businessStatus: { coding: [{ code: 'overridden' }] },
    });
    await client.ended(group);
    const told = await client.read(`Provenance?target=Task/${task.id}`);
    expect(JSON.stringify(told)).toContain('"text":"it is clear"');
    expect(JSON.stringify(await client.read('AuditEvent?subtype=workflow-override'))).toContain(
      'it is clear',
    );
    expect((await client.read(`Task/${escalation.resource.id}`)).status).toBe('cancelled');
  });

  test('override with retry does a failed step again under its run, a completed one under a new one', async () => {
    const runs: string[] = [];
    let broken = true;
    bench.works = {
      two: (_, context) => {
        runs.push(context.run.id);
        if (broken) throw fhirError(422, 'business-rule', 'No');
        return {};
      },
    };
    const group = await client.start('people');
    const retry = (id: string) =>
      client.call(
        `Task/${id}/$override`,
        { name: 'reason', valueString: 'once more' },
        { name: 'mode', valueCode: 'retry' },
      );
    const { a } = await until(async () => {
      const tasks = await client.tasks(group);
      return tasks['a'].status === 'completed' && tasks;
    });
    bench.works = {
      one: (_, context) => {
        runs.push(context.run.id);
        return {};
      },
    };
    expect((await retry(a.id)).status).toBe(200);
    await until(async () => runs.length === 1);
    expect(runs[0]).not.toBe(a.identifier.find(({ system }: Json) => system.endsWith('/agent-run')).value);
    broken = false;
    await client.step(group, 'a', 'completed');
  });

  test('a step without which it may go on does not stop the others', async () => {
    bench.works = {
      one: () => {
        throw fhirError(403, 'forbidden', 'No');
      },
    };
    await putAll(
      harness,
      plan('could', action('a', 'one', { requiredBehavior: 'could' }), action('b', 'two', after('a'))),
    );
    const group = await client.start('could');
    await client.ended(group);
    expect(await client.states(group)).toEqual({ a: 'failed', b: 'completed' });
  });

  test('what is not done in its time is marked and a role is asked; when it is done, that is settled', async () => {
    const seconds = { value: 1, unit: 's', system: 'http://unitsofmeasure.org', code: 's' };
    await putAll(
      harness,
      plan('late', action('a', 'paper', { ...person('billing'), timingDuration: seconds })),
    );
    const group = await client.start('late');
    const task = await until(async () => {
      const { a } = await client.tasks(group);
      return a.businessStatus?.coding[0].code === 'overdue' && a;
    });
    const { entry } = await client.read(`Task?part-of=Task/${task.id}`);
    expect(entry).toHaveLength(1);
    expect(entry[0].resource).toMatchObject({ status: 'requested', focus: { reference: `Task/${task.id}` } });
    await client.call(`Task/${task.id}/$complete`);
    await client.ended(group);
    expect((await client.read(`Task/${entry[0].resource.id}`)).status).toBe('cancelled');
  });

  test('a step that waits for a person goes on when that Task is settled', async () => {
    bench.works = {
      one: async (_, context) => {
        const id = context.run.id;
        const known = await context.fhir.read('Task', id);
        if (known?.['status'] === 'completed') return { outputs: [textOutput('answer', 'yes')] };
        await context.fhir.update({
          resourceType: 'Task',
          id,
          status: 'requested',
          intent: 'order',
          code: { coding: [{ system: 'https://vesta.health/fhir/CodeSystem/task', code: 'question' }] },
        });
        return { waits: `Task/${id}` };
      },
    };
    const group = await client.start('line');
    const task = await client.step(group, 'a', 'on-hold');
    const [step] = await client.steps(group);
    expect(step['waits-for']).toMatch(/^Task\//);
    const asked = await client.read(step['waits-for']);
    await harness.client().put(`Task/${asked.id}`, { ...asked, status: 'completed' });
    await client.ended(group);
    expect(bench.log).toEqual(['one', 'one', 'two', 'three']);
    expect((await client.read(`Task/${task.id}`)).output).toEqual([textOutput('answer', 'yes')]);
  });
});

describe('cancelling', () => {
  test('open steps end, what was booked or planned is undone, what was found stays', async () => {
    const encounter = {
      resourceType: 'Encounter',
      id: 'e',
      status: 'arrived',
      class: { code: 'EMER' },
      subject: { reference: 'Patient/p' },
    };
    const request = {
      resourceType: 'CommunicationRequest',
      id: 'r',
      status: 'active',
      subject: { reference: 'Patient/p' },
    };
    const appointment = {
      resourceType: 'Appointment',
      id: 'v',
      status: 'booked',
      start: '2030-01-01T10:00:00Z',
      end: '2030-01-01T10:30:00Z',
      participant: [{ actor: { reference: 'Patient/p' }, status: 'accepted' }],
    };
    bench.works = {
      one: async (_, { fhir }) => {
        for (const resource of [encounter, request, appointment]) await fhir.update(resource as never);
        const output = ['Encounter/e', 'CommunicationRequest/r', 'Appointment/v', 'Patient/p'].map(
          (reference) => ({ type: { text: 'made' }, valueReference: { reference } }),
        );
        return { outputs: output };
      },
    };
    const group = await client.start('people');
    const desk = await client.step(group, 'desk', 'requested');
    expect((await client.call(`RequestGroup/${group.id}/$cancel`)).status).toBe(400);
    const cancelled = await client.call(`RequestGroup/${group.id}/$cancel`, {
      name: 'reason',
      valueString: 'a mistake',
    });
    expect(cancelled.json).toMatchObject({ status: 'revoked' });
    expect(cancelled.json.note[0].text).toContain('a mistake');
    await until(async () => (await client.read('Appointment/v')).status === 'cancelled');
    await until(async () => {
      const { a } = await client.tasks(group);
      return a.businessStatus?.coding[0].code === 'undone';
    });
    expect((await client.read('Encounter/e')).status).toBe('cancelled');
    expect((await client.read('CommunicationRequest/r')).status).toBe('revoked');
    expect((await client.read(`Task/${desk.id}`)).status).toBe('cancelled');
    expect((await client.states(group))['c']).toBe('cancelled');
    expect((await client.call(`Task/${desk.id}/$complete`)).status).toBe(422);
    const again = await client.call(`RequestGroup/${group.id}/$cancel`, { name: 'reason', valueString: 'x' });
    expect(again.status).toBe(422);
  });
});
