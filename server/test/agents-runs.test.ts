import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assistant, clerk, clerkState, inTenant } from './agents-support.ts';
import { type Harness, type Json, startHarness } from './harness.ts';

/* Issue 6, section 2: what agents may do, and what is recorded of it. */

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
  clerkState.gate = Promise.withResolvers<void>();
  await expect(run('hang')).rejects.toMatchObject({ status: 504 });
  const gone = AbortSignal.abort(new Error('gone'));
  await expect(
    harness.service.agents.runtime.run(context, 'clerk', { do: 'hang' }, { caller: scope, signal: gone }),
  ).rejects.toThrow('gone');
  clerkState.gate.resolve();
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
  const again = async () => (await runtime.run(context, 'assistant', {}, { runId })).output as { id: string };
  expect((await again()).id).toBe((await again()).id);
});
