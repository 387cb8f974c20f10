import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
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
  WorkflowClient,
} from './workflow-support.ts';

/* Issue 6, section 2: durable workflows, without authorization, with agents made for the tests. */

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

describe('the course of a workflow', () => {
  test('steps are done one after the other, with what those before have come to; then it is completed', async () => {
    const seen: Record<string, unknown> = {};
    bench.works = {
      one: () => ({ outputs: [textOutput('said', 'from one')] }),
      two: (input) => {
        seen['earlier'] = input.earlier;
        seen['intake'] = input.intake;
        seen['subject'] = input.subject;
        return {};
      },
    };
    const group = await client.start(
      'line',
      { name: 'subject', valueReference: { reference: 'Patient/p' } },
      { name: 'intake', valueString: 'it hurts' },
      { name: 'patient', resource: { resourceType: 'Patient', name: [{ family: 'Given' }] } },
      { name: 'language', valueCode: 'en' },
    );
    expect(group).toMatchObject({ status: 'active', intent: 'order', subject: { reference: 'Patient/p' } });
    await client.ended(group);
    expect(bench.log).toEqual(['one', 'two', 'three']);
    expect(seen).toEqual({
      earlier: { one: [textOutput('said', 'from one')] },
      intake: {
        text: 'it hurts',
        language: 'en',
        patient: { resourceType: 'Patient', name: [{ family: 'Given' }] },
      },
      subject: 'Patient/p',
    });
    const { a } = await client.tasks(group);
    expect(a).toMatchObject({
      status: 'completed',
      code: { coding: [{ system: 'https://vesta.health/fhir/CodeSystem/workflow-step', code: 'one' }] },
      basedOn: [{ reference: `RequestGroup/${group.id}` }],
      for: { reference: 'Patient/p' },
      owner: { reference: expect.stringMatching(/^Device\//) },
      output: [textOutput('said', 'from one')],
    });
  });

  test('the answer of $start has a Location, and each write names the engine on behalf of who started', async () => {
    const answer = await client.call('PlanDefinition/line/$start');
    expect(answer.status).toBe(201);
    expect(answer.header('location')).toMatch(/\/RequestGroup\/[0-9a-f-]+$/);
    const group = await client.ended(answer.json);
    const { entry } = await client.read(`Provenance?target=RequestGroup/${group.id}`);
    expect(entry[0].resource.agent[0].who.reference).toMatch(/^Device\//);
    const { a } = await client.tasks(group);
    const run = a.identifier.find(
      ({ system }: Json) => system === 'https://vesta.health/fhir/identifier/agent-run',
    ).value;
    const events = await client.read(`$agent-runs?run=${run}`);
    expect(events.total).toBeGreaterThan(0);
  });

  test('a person’s step waits with its role; its completion brings the workflow on', async () => {
    const group = await client.start('people');
    const task = await client.step(group, 'desk', 'requested');
    expect(task).toMatchObject({ performerType: [{ coding: [{ code: 'billing' }] }] });
    expect(task.owner).toBeUndefined();
    expect(bench.log).toEqual(['one']);
    const done = await client.call(
      `Task/${task.id}/$complete`,
      {
        name: 'output',
        part: [
          { name: 'type', valueCode: 'estimate' },
          { name: 'value', valueString: '100 EUR' },
        ],
      },
      { name: 'note', valueString: 'told the family' },
    );
    expect(done.status).toBe(200);
    expect(done.json).toMatchObject({
      status: 'completed',
      output: [{ type: { text: 'estimate' }, valueString: '100 EUR' }],
    });
    await client.ended(group);
    expect(bench.log).toEqual(['one', 'three']);
    expect((await client.call(`Task/${task.id}/$complete`)).status).toBe(422);
  });

  test('a workflow that is held up begins nothing new until it goes on', async () => {
    const gate = Promise.withResolvers<void>();
    bench.works = { one: () => gate.promise.then(() => ({})) };
    const group = await client.start('line');
    await client.step(group, 'a', 'in-progress');
    const hold = async (status: string) => {
      const now = await client.read(`RequestGroup/${group.id}`);
      expect((await harness.client().put(`RequestGroup/${group.id}`, { ...now, status })).status).toBe(200);
    };
    await hold('on-hold');
    gate.resolve();
    await client.step(group, 'a', 'completed');
    expect((await client.states(group))['b']).toBe('draft');
    expect(bench.log).toEqual(['one']);
    await hold('active');
    await client.ended(group);
    expect(bench.log).toEqual(['one', 'two', 'three']);
  });

  test('a Task that is changed by an ordinary update counts as well', async () => {
    const group = await client.start('people');
    const task = await client.step(group, 'desk', 'requested');
    await harness.client().put(`Task/${task.id}`, { ...task, status: 'completed' });
    await client.ended(group);
  });

  test('branches run beside each other, and what needs both waits for both', async () => {
    const gates = { one: Promise.withResolvers<void>(), two: Promise.withResolvers<void>() };
    bench.works = {
      one: () => gates.one.promise.then(() => ({})),
      two: () => gates.two.promise.then(() => ({})),
    };
    await putAll(
      harness,
      plan('fork', action('a', 'one'), action('b', 'two'), action('c', 'three', after('a', 'b'))),
    );
    const group = await client.start('fork');
    await client.step(group, 'a', 'in-progress');
    await client.step(group, 'b', 'in-progress');
    gates.two.resolve();
    await client.step(group, 'b', 'completed');
    expect((await client.states(group))['c']).toBe('draft');
    gates.one.resolve();
    await client.ended(group);
    expect(bench.log.at(-1)).toBe('three');
  });

  test('a condition that does not hold leaves a step out; those after it go on', async () => {
    const condition = (expression: string) => ({
      condition: [{ kind: 'applicability', expression: { language: 'text/fhirpath', expression } }],
    });
    bench.works = { one: () => ({ outputs: [textOutput('level', '2')] }) };
    await putAll(
      harness,
      plan(
        'conditions',
        action('a', 'one'),
        action('b', 'two', { ...after('a'), ...condition("%a.output.where(valueString = '1').exists()") }),
        action('c', 'three', {
          ...after('b'),
          ...condition("%group.status = 'active' and %one.output.value = '2'"),
        }),
      ),
    );
    const group = await client.start('conditions');
    await client.ended(group);
    expect(bench.log).toEqual(['one', 'three']);
    const { b } = await client.tasks(group);
    expect(b).toMatchObject({ status: 'cancelled', businessStatus: { coding: [{ code: 'skipped' }] } });
  });

  test('a start condition holds a step back until it is true; a stop condition ends one that is open', async () => {
    const when = (kind: string, expression: string) => ({
      condition: [{ kind, expression: { language: 'text/fhirpath', expression } }],
    });
    await putAll(
      harness,
      plan(
        'gates',
        action('desk', 'paper', person('billing')),
        action('a', 'one', when('start', "%desk.status = 'completed'")),
        action('b', 'other-paper', { ...person('nurse'), ...when('stop', "%desk.status = 'completed'") }),
      ),
    );
    const group = await client.start('gates');
    expect(await client.states(group)).toEqual({ desk: 'requested', a: 'draft', b: 'requested' });
    const { desk } = await client.tasks(group);
    await client.call(`Task/${desk.id}/$complete`);
    await client.ended(group);
    expect(await client.states(group)).toEqual({ desk: 'completed', a: 'completed', b: 'cancelled' });
  });

  test('of exactly-one only the first that applies is done', async () => {
    const no = {
      condition: [{ kind: 'applicability', expression: { language: 'text/fhirpath', expression: 'false' } }],
    };
    await putAll(
      harness,
      plan('choice', {
        id: 'g',
        selectionBehavior: 'exactly-one',
        action: [action('a', 'one', no), action('b', 'two'), action('c', 'three')],
      }),
    );
    const group = await client.start('choice');
    await client.ended(group);
    expect(bench.log).toEqual(['two']);
    expect(await client.states(group)).toEqual({ a: 'cancelled', b: 'completed', c: 'cancelled' });
  });

  test('what a step finds out about the patient holds for the whole workflow', async () => {
    bench.works = { two: () => ({ subject: 'Patient/q' }) };
    const group = await client.start('line', {
      name: 'subject',
      valueReference: { reference: 'Patient/p' },
    });
    const ended = await client.ended(group);
    expect(ended.subject).toEqual({ reference: 'Patient/q' });
    for (const task of Object.values(await client.tasks(group)))
      expect(task.for).toEqual({ reference: 'Patient/q' });
  });
});

describe('definitions', () => {
  test.each([
    ['a circle', plan('bad', action('a', 'one', after('b')), action('b', 'two', after('a')))],
    ['an unknown action', plan('bad', action('a', 'one', after('x')))],
    ['no code', plan('bad', { id: 'a', title: 'x' })],
    ['nobody to do it', plan('bad', action('a', 'nobody-knows'))],
    [
      'a broken condition',
      plan(
        'bad',
        action('a', 'one', {
          condition: [{ kind: 'start', expression: { language: 'text/fhirpath', expression: '((' } }],
        }),
      ),
    ],
    [
      'another language',
      plan(
        'bad',
        action('a', 'one', {
          condition: [{ kind: 'start', expression: { language: 'text/cql', expression: 'true' } }],
        }),
      ),
    ],
    ['nothing', { resourceType: 'PlanDefinition', id: 'bad', status: 'active' }],
  ])('%s is refused with 422 and nothing is begun', async (_, bad) => {
    await putAll(harness, bad as never);
    const before = (await client.read('RequestGroup?_summary=count')).total;
    const answer = await client.call('PlanDefinition/bad/$start');
    expect(answer.status).toBe(422);
    expect(answer.expressions[0]).toMatch(/^PlanDefinition\.action/);
    expect((await client.read('RequestGroup?_summary=count')).total).toBe(before);
  });

  test.each([
    [{ name: 'subject', valueReference: { reference: 'Practitioner/1' } }, 400],
    [{ name: 'subject', valueReference: { reference: 'Patient/nobody' } }, 422],
    [{ name: 'intake', resource: { resourceType: 'Basic' } }, 400],
    [{ name: 'patient', resource: { resourceType: 'Basic' } }, 400],
    [{ name: 'language', valueString: 'no such language' }, 400],
    [{ name: 'patient', resource: { resourceType: 'Patient', birthDate: 'yesterday' } }, 422],
  ])('a wrong parameter is refused: %j', async (parameter, status) => {
    expect((await client.call('PlanDefinition/line/$start', parameter)).status).toBe(status);
  });

  test('the four workflows of the house run with the steps that people do as their Tasks', async () => {
    for (const [id, people] of [
      ['emergency', ['legal', 'smart-health-device', 'billing']],
      ['regular', ['smart-health-device', 'billing']],
      ['device-scan', ['smart-health-device']],
      ['emergency-device', ['smart-health-device']],
    ] as const) {
      bench.log = [];
      const group = await client.start(id, { name: 'intake', valueString: 'chest pain' });
      expect(group.instantiatesCanonical[0]).toMatch(
        new RegExp(`^https://vesta.health/fhir/PlanDefinition/${id.replace('-', '_')}`),
      );
      for (const step of people) {
        const task = await client.step(group, step, 'requested');
        expect(task.performerType[0].coding[0].code).toMatch(/^[a-z_]+$/);
        await client.call(`Task/${task.id}/$complete`);
      }
      await client.ended(group);
    }
  });

  test('in an emergency nothing automated waits for a person', async () => {
    const group = await client.start('emergency', { name: 'intake', valueString: 'chest pain' });
    await client.step(group, 'scheduling', 'completed');
    expect(await client.states(group)).toMatchObject({
      legal: 'requested',
      billing: 'requested',
      'smart-health-device': 'requested',
    });
    expect(bench.log).toEqual(['triage', 'admission', 'medical_records', 'communication', 'scheduling']);
  });
});
