import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/database.ts';
import type { Tenant } from '../access/scope.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { ConnectionPools } from '../storage/connections.ts';
import { withOwner } from '../storage/prepare.ts';
import { createTenant } from '../storage/tenants.ts';
import { type JobHandler, JobInterrupted, type JobStatus, type RunningJob } from './job.ts';
import { JobQueue, type JobQueueOptions } from './job-queue.ts';
import { connect } from './test-support.ts';

let database: TestDatabase;
let connections: ConnectionPools;
let north: Tenant;
let south: Tenant;
const queues: JobQueue[] = [];

function makeQueue(options: JobQueueOptions = {}): JobQueue {
  const queue = new JobQueue(connections, { poll: 50, heartbeat: 100, ...options });
  queues.push(queue);
  return queue;
}

const light = (run: JobHandler['run']): JobHandler => ({ heavy: false, run });
const owner = (text: string) =>
  withOwner(database.ownerUrl, async (client) => (await client.query(text)).rows);
/** As if the worker had died long ago. */
const silence = (id: string) =>
  owner(`update store.job set heartbeat = heartbeat - 60000 where id = '${id}'`);

async function ended(queue: JobQueue, tenant: Tenant, id: string): Promise<JobStatus> {
  for (;;) {
    const status = (await queue.status(tenant, id)) as JobStatus;
    if (status.state !== 'waiting' && status.state !== 'running') return status;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

beforeAll(async () => {
  database = await createTestDatabase();
  connections = connect(database);
  await withOwner(database.ownerUrl, async (client) => {
    north = await createTenant(client, 'north');
    south = await createTenant(client, 'south');
  });
});

afterAll(async () => {
  await Promise.all(queues.map((queue) => queue.stop()));
  await connections.close();
  await database.drop();
});

describe('job queue (issue 3: respond-async and $reindex are jobs that survive their process)', () => {
  test('does a job and keeps its result; the body goes when it has ended', async () => {
    const queue = makeQueue();
    const id = await queue.enqueue(north, 'a', { n: 1 }, 'long body');
    expect((await queue.status(north, id))?.state).toBe('waiting');
    queue.start({
      a: light(async (job) => ({ status: 200, result: JSON.stringify([job.request, job.body, job.tenant]) })),
    });
    const status = await ended(queue, north, id);
    expect(status).toMatchObject({ state: 'done', status: 200 });
    expect(JSON.parse(status.result as string)).toEqual([{ n: 1 }, 'long body', north]);
    expect(await owner(`select body from store.job where id = '${id}'`)).toEqual([{ body: null }]);
    await queue.stop();
  });

  test('a job is seen and cancelled in its own tenant only (issue 3, section 5)', async () => {
    const queue = makeQueue();
    const id = await queue.enqueue(north, 'nobody', {});
    expect(await queue.status(south, id)).toBeUndefined();
    expect(await queue.cancel(south, id)).toBe(false);
    expect(await queue.status(north, 'no uuid')).toBeUndefined();
    expect(await queue.cancel(north, id)).toBe(true);
    expect((await queue.status(north, id))?.state).toBe('cancelled');
    expect(await queue.cancel(north, id)).toBe(false);
  });

  test('two workers never do the same job', async () => {
    const done: string[] = [];
    const handler = light(async (job) => {
      done.push(job.id);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return { status: 200, result: '{}' };
    });
    const workers = [makeQueue(), makeQueue()];
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) ids.push(await makeQueue().enqueue(i % 2 ? north : south, 'shared', {}));
    for (const worker of workers) worker.start({ shared: handler });
    for (const [i, id] of ids.entries()) await ended(workers[0] as JobQueue, i % 2 ? north : south, id);
    expect([...done].sort()).toEqual([...ids].sort());
    await Promise.all(workers.map((worker) => worker.stop()));
  });

  test('a job whose worker has died goes on where it last saved; the late worker can write no more', async () => {
    const first = makeQueue({ heartbeat: 1_000_000 });
    const id = await first.enqueue(north, 'steps', {});
    const held = Promise.withResolvers<RunningJob>();
    const lost = Promise.withResolvers<unknown>();
    const go = Promise.withResolvers<void>();
    first.start({
      steps: light(async (job) => {
        await job.save({ step: 3, text: 'three' });
        held.resolve(job);
        await go.promise;
        await job.save({ step: 4 }).catch((error) => {
          lost.resolve(error);
          throw error;
        });
        return { status: 500, result: '"late"' };
      }),
    });
    await held.promise;
    expect((await first.status(north, id))?.progress).toEqual({ step: 3, text: 'three' });
    await silence(id);
    const second = makeQueue();
    second.start({
      steps: light(async (job) => ({ status: 200, result: JSON.stringify(job.progress) })),
    });
    const status = await ended(second, north, id);
    expect(JSON.parse(status.result as string)).toMatchObject({ step: 3 });
    go.resolve();
    expect(await lost.promise).toMatchObject({ reason: 'lost' });
    expect((await second.status(north, id))?.status).toBe(200);
    await Promise.all([first.stop(), second.stop()]);
  });

  test('a running job that is cancelled elsewhere is told so', async () => {
    const queue = makeQueue();
    const id = await queue.enqueue(north, 'long', {});
    const reason = Promise.withResolvers<unknown>();
    const begun = Promise.withResolvers<void>();
    queue.start({
      long: light(async ({ signal }) => {
        begun.resolve();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        reason.resolve(signal.reason);
        throw signal.reason;
      }),
    });
    await begun.promise;
    await makeQueue().cancel(north, id);
    expect(await reason.promise).toBeInstanceOf(JobInterrupted);
    expect((await queue.status(north, id))?.state).toBe('cancelled');
    await queue.stop();
  });

  test('a worker that stops gives its job back at once', async () => {
    const first = makeQueue();
    const id = await first.enqueue(north, 'resumed', {});
    const begun = Promise.withResolvers<void>();
    first.start({
      resumed: light(async (job) => {
        await job.save({ at: 7 });
        begun.resolve();
        await new Promise((resolve) => job.signal.addEventListener('abort', resolve));
        throw job.signal.reason;
      }),
    });
    await begun.promise;
    await first.stop();
    expect((await first.status(north, id))?.state).toBe('waiting');
    const second = makeQueue();
    second.start({ resumed: light(async (job) => ({ status: 200, result: String(job.progress['at']) })) });
    expect((await ended(second, north, id)).result).toBe('7');
    await second.stop();
  });

  test('failures: what the client is to know, a defect without its message, a job that kills its workers', async () => {
    const errors: unknown[] = [];
    const queue = makeQueue({ onError: (error) => errors.push(error) });
    const known = await queue.enqueue(north, 'known', {});
    const defect = await queue.enqueue(north, 'defect', {});
    const deadly = await queue.enqueue(north, 'deadly', {});
    await owner(`update store.job set attempts = 5 where id = '${deadly}'`);
    queue.start({
      known: light(async () => Promise.reject(fhirError(422, 'business-rule', 'No', 'Patient'))),
      defect: light(async () => Promise.reject(new Error('secret'))),
      deadly: light(async () => ({ status: 200, result: '{}' })),
    });
    expect(await ended(queue, north, known)).toMatchObject({ state: 'failed', status: 422 });
    const failed = await ended(queue, north, defect);
    expect(failed).toMatchObject({ state: 'failed', status: 500 });
    expect(JSON.parse(failed.result as string).resourceType).toBe('OperationOutcome');
    expect(failed.result).not.toContain('secret');
    expect(errors).toHaveLength(1);
    expect(await ended(queue, north, deadly)).toMatchObject({ state: 'failed', status: 500 });
    await queue.stop();
  });

  test('one heavy job at a time, two jobs in all; one tenant cannot keep others waiting', async () => {
    const queue = makeQueue();
    const order: string[] = [];
    let running = 0;
    let heavy = 0;
    let most = 0;
    let mostHeavy = 0;
    const handler = (isHeavy: boolean): JobHandler => ({
      heavy: isHeavy,
      run: async (job) => {
        order.push(job.tenant.name);
        most = Math.max(most, ++running);
        if (isHeavy) mostHeavy = Math.max(mostHeavy, ++heavy);
        await new Promise((resolve) => setTimeout(resolve, 20));
        running--;
        if (isHeavy) heavy--;
        return { status: 200, result: '{}' };
      },
    });
    const ids: [Tenant, string][] = [];
    for (let i = 0; i < 6; i++) ids.push([north, await queue.enqueue(north, i % 2 ? 'heavy' : 'light', {})]);
    ids.push([south, await queue.enqueue(south, 'light', {})]);
    queue.start({ heavy: handler(true), light: handler(false) });
    for (const [tenant, id] of ids) await ended(queue, tenant, id);
    expect(most).toBe(2);
    expect(mostHeavy).toBe(1);
    expect(order.indexOf('south')).toBeLessThan(3);
    await queue.stop();
  });

  test('a tenant may have so many open jobs and no more (429)', async () => {
    const queue = makeQueue({ maxOpen: 2 });
    await owner('delete from store.job');
    await queue.enqueue(north, 'nobody', {});
    await queue.enqueue(north, 'nobody', {});
    await expect(queue.enqueue(north, 'nobody', {})).rejects.toMatchObject({ status: 429 });
    await queue.enqueue(south, 'nobody', {});
  });
});
