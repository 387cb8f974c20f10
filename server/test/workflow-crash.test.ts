import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient, type Harness, type Json, startHarness } from './harness.ts';
import { cleanEnvironment, freePort } from './server-process.ts';
import { action, after, person, plan, WorkflowClient } from './workflow-support.ts';

/* Issue 6, section 2: workflows survive `kill -9` between any two steps. */

const CODES = ['one', 'two', 'three', 'four'];

let harness: Harness;
let owner: pg.Client;
let port: number;
let child: ChildProcess | undefined;

beforeAll(async () => {
  // The harness only makes the database: its own process has no agents, and would take none of the events.
  harness = await startHarness({ service: { agents: [] } });
  owner = new pg.Client({ connectionString: harness.database.ownerUrl });
  await owner.connect();
  await harness
    .client()
    .put(
      'PlanDefinition/work',
      plan(
        'work',
        action('a', 'one'),
        action('b', 'two', after('a')),
        action('c', 'three', after('a')),
        action('paper', 'paper', { ...person('billing'), ...after('b') }),
        action('d', 'four', after('b', 'c')),
      ),
    );
  await harness.service.stop(1000);
  port = await freePort();
});
afterAll(async () => {
  child?.kill('SIGKILL');
  await owner?.end();
  await harness?.database.drop();
});

/** Starts a server process; resolves when it serves. */
async function run(suicidal: boolean): Promise<{ exited: Promise<unknown> }> {
  const settings = {
    ...harness.settings,
    agents: undefined,
    port,
    baseUrl: `http://127.0.0.1:${port}`,
    suicidal,
    codes: CODES,
  };
  const started = spawn(process.execPath, [join(import.meta.dirname, 'workflow-server.ts')], {
    env: { ...cleanEnvironment(), SETTINGS: JSON.stringify(settings) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child = started;
  const exited = new Promise((resolve) => started.once('exit', resolve));
  await Promise.race([
    exited,
    new Promise<void>((resolve) =>
      started.stdout?.on('data', (text) => String(text).includes('READY') && resolve()),
    ),
  ]);
  return { exited };
}

/** As if the time was over for which the dead process had the events. */
const afterLease = () =>
  owner.query('update store.outbox set leased_until = 0, not_before = 0 where parked is null');

const client = () => new WorkflowClient({ client: () => createClient(`http://127.0.0.1:${port}/fhir/test`) });

async function begin(): Promise<{ id: string }> {
  for (;;) {
    try {
      return await client().start('work');
    } catch (error) {
      // It may have died with the first step, after the answer was lost.
      const { rows } = await owner.query(`select group_id from store.workflow order by started desc limit 1`);
      if (rows.length > 0) return { id: rows[0].group_id };
      if (child?.exitCode === null && child.signalCode === null) throw error;
      await run(true);
    }
  }
}

async function assertWhole(group: { id: string }): Promise<void> {
  const tasks = await client().tasks(group);
  for (const id of ['a', 'b', 'c', 'd']) expect(tasks[id], id).toMatchObject({ status: 'completed' });
  // Each step has one result, however often it ran: what it made has the id of its run.
  for (const id of ['a', 'b', 'c', 'd']) {
    expect(tasks[id].output).toHaveLength(1);
    const run_ = tasks[id].identifier.find(({ system }: Json) => system.endsWith('/agent-run')).value;
    expect(tasks[id].output[0].valueReference.reference).toBe(`Basic/made-${run_}`);
  }
  expect(tasks['paper'].status).toBe('requested');
  const end = (id: string) => Date.parse(tasks[id].executionPeriod.end);
  const begun = (id: string) => Date.parse(tasks[id].restriction.period.start);
  expect(begun('b')).toBeGreaterThanOrEqual(end('a'));
  expect(begun('d')).toBeGreaterThanOrEqual(Math.max(end('b'), end('c')));
  expect((await client().read(`Task?based-on=RequestGroup/${group.id}&_summary=count`)).total).toBe(5);
}

/** Ends the process and waits until it is gone. */
async function kill(exited: Promise<unknown>): Promise<void> {
  child?.kill('SIGKILL');
  await exited;
}

test('killed before and after the work of each step, it ends the same', async () => {
  let { exited } = await run(true);
  const group = await begin();
  let deaths = 0;
  for (;;) {
    const alive = Symbol('alive');
    const outcome = await Promise.race([
      exited,
      client()
        .step(group, 'd', 'completed')
        .then(
          () => alive,
          () => sleep(50),
        ),
    ]);
    if (outcome === alive) break;
    await exited;
    deaths++;
    await afterLease();
    ({ exited } = await run(true));
  }
  expect(deaths).toBeGreaterThanOrEqual(CODES.length);
  await assertWhole(group);
  await kill(exited);
}, 240_000);

test('killed at random moments, it ends the same', async () => {
  let { exited } = await run(false);
  const group = await client().start('work');
  for (let round = 0; round < 3; round++) {
    await sleep(Math.random() * 120);
    await kill(exited);
    await afterLease();
    ({ exited } = await run(false));
  }
  await client().step(group, 'd', 'completed');
  await assertWhole(group);
  await kill(exited);
}, 240_000);
