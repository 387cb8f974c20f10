import { afterAll, beforeAll, expect, test } from 'vitest';
import { AGENT_ACTION } from '../src/agents/codes.ts';
import { withOwner } from '../src/storage/prepare.ts';
import { configureTenant } from '../src/storage/tenants.ts';
import { assistant, clerk, clerkState, inTenant, until } from './agents-support.ts';
import { type Harness, type Json, startHarness } from './harness.ts';

/* Issue 6, section 2: what wakes agents, and what they may do without asking. */

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({ service: { agents: [clerk, assistant] } });
  for (const id of ['p', 'q']) await harness.client().put(`Patient/${id}`, { resourceType: 'Patient', id });
});
afterAll(() => harness?.stop());
const found = async (path: string): Promise<Json[]> =>
  ((await harness.client().get(path)).json.entry ?? []).map(({ resource }: Json) => resource);

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

test('an event wakes an agent with the version it tells of; after a failure again, the same run', async () => {
  clerkState.woken = [];
  clerkState.crash = 1;
  const client = harness.client();
  await client.create({ resourceType: 'Basic', code: { text: 'other for the clerk' } });
  const made = await client.create({ resourceType: 'Basic', code: { text: 'for the clerk' } });
  await until(async () => clerkState.woken.length === 2);
  expect(clerkState.woken[0]).toMatchObject({
    event: { type: 'Basic', id: made.id, version: 1, method: 'create' },
    resource: { id: made.id },
  });
  expect(clerkState.woken[1]).toEqual(clerkState.woken[0]);
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
