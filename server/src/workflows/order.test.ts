import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject, Resource } from '../json/types.ts';
import { comingChanges } from './advance.ts';
import { planDefinitions } from './definitions.ts';
import { outlook, type Progress } from './order.ts';
import { closed, groupOf, progressOf, stepTask } from './resources.ts';
import { type Step, stepsOf } from './steps.ts';
import { WORKFLOW_STEP } from './terms.ts';
import { undoingOf } from './undo.ts';

/* R4 plandefinition.html#action, requestgroup.html: relations, groups, conditions; issue 6, section 2. */

const code = (name: string) => [{ coding: [{ system: WORKFLOW_STEP, code: name }] }];
const action = (id: string, more: JsonObject = {}): JsonObject => ({ id, code: code(id), ...more });
const related = (actionId: string, relationship: string, more: JsonObject = {}) => ({
  relatedAction: [{ actionId, relationship, ...more }],
});
const steps = (...actions: JsonObject[]) => stepsOf(actions, 'PlanDefinition.action');
const states = (entries: Record<string, Progress['state']>) =>
  new Map(Object.entries(entries).map(([id, state]) => [id, { state, begun: 1, ended: 1 }]));
const dueOf = (of: readonly Step[], entries: Record<string, Progress['state']>, now = 10) =>
  outlook(of, states(entries), now).due.map(({ id }) => id);

describe('relations of actions', () => {
  test.each([
    ['after', { a: 'open' }, []],
    ['after-end', { a: 'open' }, []],
    ['after-end', { a: 'done' }, ['b']],
    ['after-end', { a: 'passed' }, ['b']],
    ['after-end', { a: 'failed' }, []],
    ['after-start', { a: 'open' }, ['b']],
    ['concurrent-with-start', { a: 'waiting' }, ['a']],
  ] as const)('%s with %j', (relationship, given, wanted) => {
    const of = steps(action('a'), action('b', related('a', relationship)));
    expect(dueOf(of, given)).toEqual(wanted);
  });

  test('before says the same from the other side', () => {
    const of = steps(action('b', related('a', 'before-start')), action('a'));
    expect(dueOf(of, {})).toEqual(['b']);
    expect(dueOf(of, { b: 'done' })).toEqual(['a']);
  });

  test('an offset holds a step back until it has passed', () => {
    const offsetDuration = { value: 2, unit: 's', code: 's' };
    const of = steps(action('a'), action('b', related('a', 'after-end', { offsetDuration })));
    const done = states({ a: 'done' });
    expect(outlook(of, done, 2000)).toMatchObject({ due: [], next: 2001 });
    expect(outlook(of, done, 2001).due).toHaveLength(1);
  });

  test('a group is ended when all in it are; what it needs, its members need', () => {
    const of = steps(
      action('a'),
      { id: 'g', ...related('a', 'after-end'), action: [action('x'), action('y')] },
      action('z', related('g', 'after-end')),
    );
    expect(dueOf(of, { a: 'open' })).toEqual([]);
    expect(dueOf(of, { a: 'done' })).toEqual(['x', 'y']);
    expect(dueOf(of, { a: 'done', x: 'done', y: 'open' })).toEqual([]);
    expect(dueOf(of, { a: 'done', x: 'done', y: 'done' })).toEqual(['z']);
  });

  test('of exactly-one the second waits for the first, and is left out when that is taken', () => {
    const of = steps({
      id: 'g',
      selectionBehavior: 'exactly-one',
      action: [action('x'), { id: 'y', action: [action('y1'), action('y2')] }],
    });
    expect(dueOf(of, {})).toEqual(['x']);
    expect(dueOf(of, { x: 'passed' })).toEqual(['y1', 'y2']);
    expect(outlook(of, states({ x: 'open' }), 1).leftOut.map(({ id }) => id)).toEqual(['y1', 'y2']);
    expect(outlook(of, states({ x: 'passed', y1: 'done' }), 1).due.map(({ id }) => id)).toEqual(['y2']);
  });

  test('what could fail does not stop the others, and does not keep it from ending', () => {
    const of = steps(action('a', { requiredBehavior: 'could' }), action('b', related('a', 'after-end')));
    expect(dueOf(of, { a: 'failed' })).toEqual(['b']);
    expect(outlook(of, states({ a: 'failed', b: 'done' }), 1).finished).toBe(true);
  });

  test.each([
    [[action('a', related('a', 'after-end'))], 'PlanDefinition.action[0].relatedAction[0].actionId'],
    [[action('a'), action('a')], 'PlanDefinition.action[1].id'],
    [[action('a', { code: [] })], 'PlanDefinition.action[0].code'],
    [
      [action('a'), action('b', related('a', 'before-end'))],
      'PlanDefinition.action[1].relatedAction[0].relationship',
    ],
    [[action('a', { timingDateTime: '2026' })], 'PlanDefinition.action[0].timingDateTime'],
    [[action('a', { cardinalityBehavior: 'multiple' })], 'PlanDefinition.action[0].cardinalityBehavior'],
    [[], 'PlanDefinition.action'],
  ])('what cannot be carried out is refused where it stands (%#)', (actions, at) => {
    let thrown: unknown;
    try {
      steps(...(actions as JsonObject[]));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ status: 422, issues: [{ expression: at }] });
  });
});

describe('the workflows of the house', () => {
  const order = (id: string) =>
    stepsOf(planDefinitions().find((one) => one['id'] === id)?.['action'], 'x').map((one) => one.code);

  test('keep the order of the sources', () => {
    expect(order('emergency')).toEqual([
      'triage',
      'admission',
      'legal',
      'medical_records',
      'smart_health_device',
      'billing',
      'communication',
      'scheduling',
    ]);
    expect(order('regular')).toEqual([
      'admission',
      'triage',
      'medical_records',
      'smart_health_device',
      'billing',
      'scheduling',
      'communication',
    ]);
    expect(order('device-scan')).toEqual(['smart_health_device', 'medical_records', 'communication']);
    expect(order('emergency-device')).toEqual([
      'smart_health_device',
      'triage',
      'communication',
      'admission',
    ]);
  });

  test('begin their steps in that order too, when each is done as soon as it can be', async () => {
    for (const plan of planDefinitions()) {
      const begun = await simulate(plan, () => 0);
      expect(begun, String(plan['id'])).toEqual(stepsOf(plan['action'], 'x').map(({ id }) => id));
    }
  });

  test('RequestGroup says the same as the PlanDefinition that it was made of', () => {
    for (const plan of planDefinitions()) {
      const of = stepsOf(plan['action'], 'x');
      const group = groupOf(beginning(plan, of));
      const again = stepsOf(group['action'], 'x').map((step) => ({ ...step, automated: true }));
      expect(again).toEqual(of.map((step) => ({ ...step, automated: true })));
    }
  });
});

function beginning(plan: Resource, of: readonly Step[]) {
  return {
    groupId: 'g',
    plan,
    steps: of,
    subject: undefined,
    encounter: undefined,
    intake: { text: 'x' },
    starter: undefined,
    deviceOf: (step: Step) => (step.automated ? 'Device/1' : undefined),
    now: new Date(0),
  };
}

/**
 * Carries a workflow out in memory as the engine does: what is written is what {@link comingChanges} says, and the next to
 * end is chosen by `pick` among those that are open.
 * @returns the steps in the order in which their turn came
 */
async function simulate(
  plan: Resource,
  pick: (open: number) => number,
  look: () => number = () => 1,
): Promise<string[]> {
  const of = stepsOf(plan['action'], 'x');
  const made = beginning(plan, of);
  let group = groupOf(made);
  const tasks = new Map(of.map((step) => [step.id, stepTask(made, step)]));
  const begun: string[] = [];
  for (let tick = 1; tick < 1000; tick++) {
    for (let times = look(); times > 0; times--) {
      const { entries } = await comingChanges(
        { group, steps: of, tasks, escalations: new Map() },
        new Date(tick),
      );
      for (const { resource } of entries as { resource: Resource }[]) {
        if (resource.resourceType === 'RequestGroup') group = resource;
        const step = of.find(({ id }) => tasks.get(id)?.['id'] === resource['id']);
        if (step === undefined) continue;
        if (resource['status'] === 'requested' && tasks.get(step.id)?.['status'] === 'draft')
          begun.push(step.id);
        tasks.set(step.id, resource);
      }
    }
    if (group['status'] === 'completed') return begun;
    const open = of.filter(({ id }) => progressOf(tasks.get(id)).state === 'open');
    if (open.length === 0) throw new Error('It stands still');
    const { id } = open[pick(open.length)] as Step;
    tasks.set(id, closed(tasks.get(id) as Resource, 'completed', new Date(tick)));
  }
  throw new Error('It does not end');
}

describe('every order of events', () => {
  /** Plans without circles: an action is related to earlier ones. */
  const anyPlan = fc
    .array(
      fc.array(
        fc.record({
          to: fc.nat(),
          relationship: fc.constantFrom('after-end', 'after-start', 'after', 'concurrent'),
        }),
        { maxLength: 3 },
      ),
      { minLength: 1, maxLength: 7 },
    )
    .map(
      (relations): Resource => ({
        resourceType: 'PlanDefinition',
        id: 'p',
        action: relations.map((own, index) =>
          action(`s${index}`, {
            relatedAction:
              index === 0
                ? []
                : own.map(({ to, relationship }) => ({ actionId: `s${to % index}`, relationship })),
          }),
        ),
      }),
    );

  test('ends with every step done once, none begun before what it needs', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyPlan,
        fc.infiniteStream(fc.nat()),
        fc.infiniteStream(fc.integer({ min: 1, max: 3 })),
        async (plan, picks, looks) => {
          const of = stepsOf(plan['action'], 'x');
          const next = (stream: Iterator<number>) => stream.next().value as number;
          // Told several times over of the same, it does nothing more.
          const begun = await simulate(
            plan,
            (open) => next(picks) % open,
            () => next(looks),
          );
          expect([...begun].sort()).toEqual(of.map(({ id }) => id).sort());
          for (const { id, needs } of of)
            for (const need of needs)
              for (const other of need.steps) expect(begun.indexOf(other)).toBeLessThan(begun.indexOf(id));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('what was said when nothing had to be done is nothing', async () => {
    await fc.assert(
      fc.asyncProperty(anyPlan, async (plan) => {
        const of = stepsOf(plan['action'], 'x');
        const made = beginning(plan, of);
        const group = groupOf(made);
        const tasks = new Map(of.map((step) => [step.id, stepTask(made, step)]));
        const first = await comingChanges({ group, steps: of, tasks, escalations: new Map() }, new Date(1));
        for (const { resource } of first.entries as { resource: Resource }[]) {
          const step = of.find(({ id }) => tasks.get(id)?.['id'] === resource['id']);
          if (step !== undefined) tasks.set(step.id, resource);
        }
        const again = await comingChanges({ group, steps: of, tasks, escalations: new Map() }, new Date(2));
        expect(again.entries).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('undoing', () => {
  test.each([
    ['Appointment', 'booked', 'operation'],
    ['Appointment', 'fulfilled', undefined],
    ['Encounter', 'triaged', 'status'],
    ['Encounter', 'in-progress', undefined],
    ['CommunicationRequest', 'active', 'status'],
    ['Communication', 'completed', undefined],
    ['Observation', 'final', undefined],
    ['Task', 'requested', 'status'],
    ['Task', 'completed', undefined],
    ['Patient', undefined, undefined],
  ])('%s that is %s: %s', (resourceType, status, kind) => {
    const undoing = undoingOf({ resourceType, ...(status === undefined ? {} : { status }) });
    expect(undoing?.kind).toBe(kind);
  });
});
