import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Tenant } from '../src/access/scope.ts';
import { type DispatcherOptions, EventDispatcher } from '../src/events/dispatcher.ts';
import type { EventConsumer, ResourceEvent } from '../src/events/event.ts';
import { Outbox } from '../src/events/outbox.ts';
import { fhirError } from '../src/fhir/outcome.ts';
import { TestServer } from '../src/jobs/test-support.ts';

/* Issue 6: the outbox. Consumers are told of what was committed, at least once, in order per resource. */

const WANTS: EventConsumer['wants'] = [
  { type: 'Task', methods: ['create', 'update', 'delete'] },
  { type: 'Basic', methods: ['create'], mentions: 'wanted' },
];

let server: TestServer;
let north: Tenant;
let south: Tenant;
let onCommitted = () => {};
const dispatchers: EventDispatcher[] = [];

beforeAll(async () => {
  server = await TestServer.start(new Outbox([{ name: 'test', wants: WANTS }], () => onCommitted()));
  north = await server.tenant('north');
  south = await server.tenant('south');
});
afterEach(async () => {
  await Promise.all(dispatchers.splice(0).map((dispatcher) => dispatcher.stop(1000)));
  await server.owner('delete from store.outbox');
  onCommitted = () => {};
});
afterAll(() => server?.stop());

/** A process that handles events with `handle`. */
function start(handle: EventConsumer['handle'], options: DispatcherOptions = {}): EventDispatcher {
  const consumer = { name: 'test', wants: WANTS, handle };
  const dispatcher = new EventDispatcher(server.connections, [consumer], { poll: 30, ...options });
  dispatchers.push(dispatcher);
  dispatcher.start();
  return dispatcher;
}

const task = (id: string, status = 'requested') => ({
  resourceType: 'Task',
  id,
  status,
  intent: 'order',
});
const put = (tenant: Tenant, id: string, status?: string) =>
  server.send(tenant, 'PUT', `Task/${id}`, task(id, status));
const left = async () =>
  Number((await server.owner('select count(*) from store.outbox'))[0]?.['count'] ?? Number.NaN);
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10);
}
const shown = ({ tenant, type, resourceId, version, method }: ResourceEvent) =>
  `${tenant.name} ${type}/${resourceId} ${version} ${method}`;

describe('what is written into the outbox', () => {
  test('only what some consumer wants: type, method and what the text mentions', async () => {
    await server.send(north, 'POST', 'Patient', { resourceType: 'Patient' });
    await server.send(north, 'POST', 'Basic', { resourceType: 'Basic', code: { text: 'other' } });
    expect(await left()).toBe(0);
    const made = await server.send(north, 'POST', 'Basic', {
      resourceType: 'Basic',
      code: { text: 'wanted' },
    });
    expect(await left()).toBe(1);
    await server.send(north, 'PUT', `Basic/${made.body['id']}`, { ...made.body, code: { text: 'wanted 2' } });
    expect(await left()).toBe(1);
  });

  test('nothing of a transaction that failed, and nothing of a write that changed nothing', async () => {
    const answer = await server.send(north, 'POST', '', {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        { resource: task('t-rolled-back'), request: { method: 'PUT', url: 'Task/t-rolled-back' } },
        { request: { method: 'PATCH', url: 'Task/none' } },
      ],
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(await left()).toBe(0);
  });

  test('nothing for the consumer that a write is not to wake', async () => {
    const grants = [{ types: '*', interactions: '*' }] as const;
    const scope = { tenant: north, subject: 'Device/1', grants };
    await server.send(north, 'PUT', 'Task/own', task('own'), { scope: { ...scope, unheardBy: 'test' } });
    expect(await left()).toBe(0);
    await server.send(north, 'PUT', 'Task/own', task('own', 'accepted'), {
      scope: { ...scope, unheardBy: 'other' },
    });
    expect(await left()).toBe(1);
  });

  test('who wrote it: the subject and the role of a person', async () => {
    const scope = {
      tenant: north,
      subject: 'Practitioner/1',
      role: 'nurse',
      grants: [{ types: '*', interactions: '*' }],
    } as const;
    await server.send(north, 'PUT', 'Task/by-nurse', task('by-nurse'), { scope });
    const seen = Promise.withResolvers<ResourceEvent>();
    start(async (event) => seen.resolve(event));
    expect(await seen.promise).toMatchObject({ subject: 'Practitioner/1', role: 'nurse', attempt: 1 });
  });
});

describe('how consumers are told', () => {
  test('of all versions of a resource in their order, tenants apart', async () => {
    for (const status of ['requested', 'accepted', 'completed']) {
      await put(north, 'same', status);
      await put(south, 'same', status);
    }
    await server.send(north, 'DELETE', 'Task/same');
    const seen: string[] = [];
    start(async (event) => {
      // Whoever would take two of one resource at once would end the later one first.
      await sleep(event.version === 1 ? 30 : 1);
      seen.push(shown(event));
    });
    await until(async () => (await left()) === 0);
    const of = (tenant: string) => seen.filter((text) => text.startsWith(tenant));
    expect(of('north')).toEqual([
      'north Task/same 1 create',
      'north Task/same 2 update',
      'north Task/same 3 update',
      'north Task/same 4 delete',
    ]);
    expect(of('south')).toEqual([
      'south Task/same 1 create',
      'south Task/same 2 update',
      'south Task/same 3 update',
    ]);
  });

  test('by several processes: each event once, never two of one resource at a time, others beside each other', async () => {
    const busy = new Set<string>();
    const seen: string[] = [];
    let beside = 0;
    let overlaps = 0;
    const handle = async (event: ResourceEvent) => {
      const key = event.resourceId;
      if (busy.has(key)) overlaps++;
      busy.add(key);
      beside = Math.max(beside, busy.size);
      await sleep(5);
      busy.delete(key);
      seen.push(shown(event));
    };
    for (let version = 0; version < 5; version++)
      for (let i = 0; i < 8; i++) await put(north, `many-${i}`, version % 2 ? 'accepted' : 'requested');
    for (let i = 0; i < 3; i++) start(handle);
    await until(async () => (await left()) === 0);
    expect(overlaps).toBe(0);
    expect(beside).toBeGreaterThan(1);
    expect(seen).toHaveLength(40);
    expect(new Set(seen).size).toBe(40);
    for (let i = 0; i < 8; i++) {
      const versions = seen.filter((text) => text.includes(`/many-${i} `)).map((text) => text.split(' ')[2]);
      expect(versions).toEqual(['1', '2', '3', '4', '5']);
    }
  });

  test('writers that compete for a resource: in the order of its versions', async () => {
    await put(north, 'hot', 'requested');
    const versions: number[] = [];
    start(async (event) => void versions.push(event.version));
    await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        server.send(north, 'PATCH', 'Task/hot', [{ op: 'add', path: '/description', value: `n${i}` }], {
          contentType: 'application/json-patch+json',
        }),
      ),
    );
    await until(async () => (await left()) === 0);
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    expect(versions.length).toBe(new Set(versions).size);
    expect(versions.length).toBeGreaterThan(1);
  });

  test('the urgent first (R4 Task.priority), however much waits', async () => {
    for (let i = 0; i < 30; i++) await put(north, `waits-${i}`);
    await server.send(north, 'PUT', 'Task/now', { ...task('now'), priority: 'stat' });
    const seen: string[] = [];
    start(
      async ({ resourceId }) => {
        seen.push(resourceId);
        await sleep(1);
      },
      { concurrency: 1 },
    );
    await until(async () => (await left()) === 0);
    expect(seen).toEqual(['now', ...Array.from({ length: 30 }, (_, i) => `waits-${i}`)]);
  });

  test('at once in the process that has written, without waiting for the next look', async () => {
    const seen = Promise.withResolvers<void>();
    const dispatcher = start(async () => seen.resolve(), { poll: 1_000_000 });
    onCommitted = () => dispatcher.wake(['test']);
    await sleep(50);
    await put(north, 'woken');
    await seen.promise;
  });
});

describe('failures', () => {
  test('a failing event is tried again; later ones of its resource wait, those of others do not', async () => {
    await put(north, 'bad', 'requested');
    await put(north, 'bad', 'accepted');
    await put(north, 'good', 'requested');
    const seen: string[] = [];
    let failures = 0;
    const errors: unknown[] = [];
    start(
      async (event) => {
        if (event.resourceId === 'bad' && event.version === 1 && failures++ < 2) throw new Error('not yet');
        seen.push(`${event.resourceId} ${event.version}`);
      },
      { backOff: () => 60, onError: (error) => errors.push(error) },
    );
    await until(async () => (await left()) === 0);
    expect(seen).toEqual(['good 1', 'bad 1', 'bad 2']);
    expect(errors).toHaveLength(2);
  });

  test('after the last try it is parked, told of, and the next one of its resource goes on', async () => {
    await put(north, 'poison', 'requested');
    await put(north, 'poison', 'accepted');
    const parked: string[] = [];
    const seen: number[] = [];
    const dispatcher = start(
      async (event) => {
        if (event.version === 1) throw fhirError(422, 'business-rule', 'never');
        seen.push(event.version);
      },
      {
        attempts: 3,
        backOff: () => 1,
        onParked: (event, consumer, failure) =>
          void parked.push(`${consumer} ${event.version} ${event.attempt} ${failure}`),
      },
    );
    await until(() => seen.length === 1);
    await until(async () => (await left()) === 1);
    expect(parked).toEqual(['test 1 3 FhirError: never']);
    expect(seen).toEqual([2]);
    expect(dispatcher.counts().get('test')).toEqual({ handled: 1, failed: 3, parked: 1 });
    expect(await dispatcher.depths()).toEqual([
      { consumer: 'test', waiting: 0, parked: 1, oldest: undefined },
    ]);
  });

  test('a database that is away parks nothing', async () => {
    await put(north, 'patient-one');
    let tries = 0;
    const dispatcher = start(
      async () => {
        if (tries++ < 5) throw fhirError(503, 'transient', 'away');
      },
      { attempts: 100, backOff: () => 1 },
    );
    await until(async () => (await left()) === 0);
    expect(dispatcher.counts().get('test')).toMatchObject({ handled: 1, failed: 0, parked: 0 });
  });

  test('a process that stops gives back what it did not end or begin, as if it had not taken it', async () => {
    for (let i = 0; i < 6; i++) await put(north, `held-${i}`);
    const begun = Promise.withResolvers<void>();
    const first = start(
      async (_event, signal) => {
        begun.resolve();
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
      { concurrency: 2 },
    );
    await begun.promise;
    await first.stop(1000);
    const attempts: number[] = [];
    start(async ({ attempt }) => void attempts.push(attempt));
    await until(async () => (await left()) === 0);
    expect(attempts).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test('a process killed between handling and removing: another handles it again, none is lost', async () => {
    // The killed process is one whose handler has done its work and never comes back: nothing of it reaches the
    // database any more, but for the lease that ends.
    for (let i = 0; i < 3; i++) await put(north, `killed-${i}`);
    const done: string[] = [];
    const killed = new EventDispatcher(
      server.connections,
      [
        {
          name: 'test',
          wants: WANTS,
          async handle(event) {
            done.push(event.resourceId);
            await new Promise(() => {});
          },
        },
      ],
      { poll: 20, lease: 1_000_000 },
    );
    killed.start();
    await until(() => done.length === 3);
    await killed.stop(1);
    const again: string[] = [];
    start(async (event) => {
      expect(event.attempt).toBe(2);
      again.push(event.resourceId);
    });
    await sleep(100);
    expect(again).toEqual([]);
    await server.owner('update store.outbox set leased_until = 1');
    await until(async () => (await left()) === 0);
    expect(again.toSorted()).toEqual(['killed-0', 'killed-1', 'killed-2']);
  });

  test('what was taken over by another process is stopped in the first, which can remove nothing any more', async () => {
    await put(north, 'stolen');
    const aborted = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    start(
      async (_event, signal) => {
        begun.resolve();
        await new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            aborted.resolve();
            reject(signal.reason);
          }),
        );
      },
      { lease: 300 },
    );
    await begun.promise;
    await server.owner(`update store.outbox set lease = gen_random_uuid(), leased_until = 9e15`);
    await aborted.promise;
    expect(await left()).toBe(1);
  });
});
