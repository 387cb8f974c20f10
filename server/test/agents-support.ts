import { setTimeout as sleep } from 'node:timers/promises';
import type { AccessScope } from '../src/access/scope.ts';
import { openScope } from '../src/access/scope.ts';
import type { AnyAgent } from '../src/agents/agent.ts';
import { fhirError } from '../src/fhir/outcome.ts';
import { isObject } from '../src/json/objects.ts';
import type { JsonObject, JsonValue } from '../src/json/types.ts';
import type { Harness } from './harness.ts';

/** An Observation of a patient. */
export const observation = (text: string, patient = 'p') => ({
  resourceType: 'Observation',
  status: 'preliminary',
  code: { text },
  subject: { reference: `Patient/${patient}` },
});
/** A transaction that creates these. */
export const transaction = (...resources: { resourceType: string }[]): JsonObject => ({
  resourceType: 'Bundle',
  type: 'transaction',
  entry: resources.map((resource) => ({
    resource: resource as unknown as JsonObject,
    request: { method: 'POST', url: resource.resourceType },
  })),
});

/** What the clerk has seen, and how it is to fare. */
export const clerkState = {
  /** Those who are told to hang wait for it. */
  gate: Promise.withResolvers<void>(),
  /** Events that have woken the clerk. */
  woken: [] as JsonValue[],
  /** So many of the next events fail. */
  crash: 0,
};

/** An agent that does what its input asks for. */
export const clerk: AnyAgent = {
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
      clerkState.woken.push(input);
      if (clerkState.crash-- > 0) throw new Error('not yet');
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
        return clerkState.gate.promise;
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
export const assistant: AnyAgent = {
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

/** Runs the clerk in the tenant for a caller. */
export async function inTenant(harness: Harness, caller?: Partial<AccessScope>) {
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

/** Looks until there is something. */
export async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await sleep(20);
  }
}
