import { setTimeout as sleep } from 'node:timers/promises';
import type { AnyAgent } from '../src/agents/agent.ts';
import type { JsonObject } from '../src/json/types.ts';
import { type StepInput, type StepOutput, stepInput } from '../src/workflows/step.ts';
import type { Harness, HeaderMap, Json } from './harness.ts';

/** What a step of a test does. */
export type StepWork = (
  input: StepInput,
  context: Parameters<AnyAgent['run']>[1],
) => Promise<Partial<StepOutput>> | Partial<StepOutput>;

/** An agent for a step of a workflow. */
export function stepAgent(code: string, work: StepWork, grants?: AnyAgent['grants']): AnyAgent {
  return {
    name: `test-${code.replaceAll('_', '-')}`,
    title: `Test of ${code}`,
    version: '1',
    description: 'For tests',
    wakes: [{ kind: 'step', code }],
    grants: grants ?? [
      {
        types: ['Basic', 'Patient', 'Encounter', 'Appointment', 'Task', 'CommunicationRequest'],
        interactions: ['create', 'read', 'update', 'search-type', 'transaction'],
      },
    ],
    timeout: 5000,
    actions: [{ code: 'ask', title: 'Ask somebody', autonomy: 'asks', approver: 'nurse' }],
    input: stepInput,
    run: async (input: StepInput, context): Promise<StepOutput> => ({
      outputs: [],
      ...(await work(input, context)),
    }),
  };
}

/** An output of a step with a text. */
export const textOutput = (code: string, valueString: string): JsonObject => ({
  type: { coding: [{ system: 'http://example.org/output', code }] },
  valueString,
});

/** A step of a PlanDefinition. */
export function action(id: string, code: string, more: object = {}): object {
  return {
    id,
    title: id,
    code: [{ coding: [{ system: 'https://vesta.health/fhir/CodeSystem/workflow-step', code }] }],
    ...more,
  };
}

export const after = (...ids: string[]) => ({
  relatedAction: ids.map((actionId) => ({ actionId, relationship: 'after-end' })),
});
export const person = (role: string) => ({
  participant: [
    {
      type: 'practitioner',
      role: { coding: [{ system: 'https://vesta.health/fhir/CodeSystem/role', code: role }] },
    },
  ],
});
export const plan = (id: string, ...actions: object[]) => ({
  resourceType: 'PlanDefinition',
  id,
  url: `http://example.org/PlanDefinition/${id}`,
  status: 'active',
  title: id,
  action: actions,
});
export const parameters = (...parameter: object[]) => ({ resourceType: 'Parameters', parameter });

export async function until<T>(
  look: () => Promise<T | undefined | false>,
  seconds = 30,
  what: () => string = () => 'It did not happen',
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(what());
    await sleep(25);
  }
}

/** Workflows of a tenant as a client sees them. */
export class WorkflowClient {
  readonly #harness: Pick<Harness, 'client'>;
  readonly #headers: HeaderMap;

  constructor(harness: Pick<Harness, 'client'>, headers: HeaderMap = {}) {
    this.#harness = harness;
    this.#headers = headers;
  }

  call(path: string, ...parameter: object[]) {
    return this.#harness.client().post(path, parameters(...parameter), this.#headers);
  }

  async start(id: string, ...parameter: object[]): Promise<Json> {
    const answer = await this.call(`PlanDefinition/${id}/$start`, ...parameter);
    if (answer.status !== 201) throw new Error(answer.text);
    return answer.json;
  }

  /** The steps' Tasks by the ids of their actions. */
  async tasks(group: { id: string }): Promise<Record<string, Json>> {
    const steps = await this.steps(group);
    const found: Record<string, Json> = {};
    for (const { id, task } of steps)
      found[id] = (await this.#harness.client().get(task, this.#headers)).json;
    return found;
  }

  /** The steps as $status tells them. */
  async steps(group: { id: string }): Promise<Json[]> {
    const { json } = await this.#harness.client().get(`RequestGroup/${group.id}/$status`, this.#headers);
    if (json.resourceType !== 'Parameters') throw new Error(JSON.stringify(json));
    return json.parameter
      .filter(({ name }: Json) => name === 'step')
      .map(({ part }: Json) =>
        Object.fromEntries(
          part.map((one: Json) => {
            const key = Object.keys(one).find((name) => name.startsWith('value'))!;
            return [one.name, one[key].reference ?? one[key]];
          }),
        ),
      );
  }

  async states(group: { id: string }): Promise<Record<string, string>> {
    return Object.fromEntries((await this.steps(group)).map(({ id, status }) => [id, status]));
  }

  async read(path: string): Promise<Json> {
    return (await this.#harness.client().get(path, this.#headers)).json;
  }

  /** Waits until the workflow has a status. */
  async ended(group: { id: string }, status = 'completed'): Promise<Json> {
    let last = '';
    return until(
      async () => {
        const now = await this.read(`RequestGroup/${group.id}`);
        last = JSON.stringify([now.status, await this.states(group)]);
        return now.status === status && now;
      },
      60,
      () => `The workflow is not ${status}: ${last}`,
    );
  }

  /** Waits until a step has a status. */
  async step(group: { id: string }, id: string, status: string): Promise<Json> {
    let last = '';
    return until(
      async () => {
        const states = await this.states(group);
        last = JSON.stringify(states);
        return states[id] === status && (await this.tasks(group))[id];
      },
      60,
      () => `${id} is not ${status}: ${last}`,
    );
  }
}

/** The agents of a test, and what they were asked to do. */
export class StepBench {
  /** What they do, by code; nothing by default. */
  works: Record<string, StepWork> = {};
  /** Codes of the steps in the order in which agents were woken. */
  log: string[] = [];
  readonly agents: readonly AnyAgent[];

  constructor() {
    const codes = [
      'triage',
      'admission',
      'medical_records',
      'communication',
      'scheduling',
      'one',
      'two',
      'three',
    ];
    this.agents = codes.map((code) =>
      stepAgent(code, async (input, context) => {
        this.log.push(code);
        return (await this.works[code]?.(input, context)) ?? {};
      }),
    );
  }

  reset(): void {
    this.works = {};
    this.log = [];
  }
}

/** Stores resources under their ids. */
export async function putAll(
  harness: Pick<Harness, 'client'>,
  ...resources: readonly { resourceType: string; id: string }[]
): Promise<void> {
  for (const one of resources) {
    const answer = await harness.client().put(`${one.resourceType}/${one.id}`, one);
    if (answer.status > 201) throw new Error(answer.text);
  }
}

/** Two patients; `line`: three steps of agents in a row; `people`: with a person's step `desk` between two of agents. */
export const BASICS = [
  { resourceType: 'Patient', id: 'p' },
  { resourceType: 'Patient', id: 'q' },
  plan('line', action('a', 'one'), action('b', 'two', after('a')), action('c', 'three', after('b'))),
  plan(
    'people',
    action('a', 'one'),
    action('desk', 'paper', { ...person('billing'), ...after('a') }),
    action('c', 'three', after('desk')),
  ),
];
