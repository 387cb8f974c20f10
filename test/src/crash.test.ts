import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkDatabase } from '../../server/src/storage/check.ts';
import { startEmbeddedPostgres } from '../../server/src/storage/embedded/postgres.ts';
import {
  childrenOf,
  cleanUp,
  freePort,
  postmasterOf,
  temporaryDirectory,
  VestaProcess,
  vesta,
  workersOf,
} from '../../server/test/server-process.ts';
import { exchange, inParallel } from './exchange.ts';
import { until } from './served.ts';

/*
 * kill -9 in the middle of loads (issue 3, section 7): every acknowledged write is there afterwards, every transaction
 * that was not acknowledged is whole or absent (R4 http.html#transaction), and indexes agree with resources. Real
 * processes, on the embedded PostgreSQL as it is delivered (fsync on).
 */

const FHIR = { 'Content-Type': 'application/fhir+json' };
const SYSTEM = 'http://example.org/crash';
/** Resources of a bundle: the patient, and the observations about him. */
const SIZE = 25;
const BUNDLE_LOADERS = 3;
const SINGLE_WRITERS = 6;

let data: string;
let port: number;
let server: VestaProcess;
let sequence = 0;
/** Everything that was sent, by key: whether it was acknowledged. */
const bundles = new Map<string, boolean>();
/** Ids of acknowledged single writes, with the version that was acknowledged last. */
const singles = new Map<string, number>();

beforeAll(async () => {
  data = temporaryDirectory();
  port = await freePort();
  await start();
  expect((await vesta(['tenant', 'create', 'north'], environment())).code).toBe(0);
});
afterAll(async () => {
  server?.kill('SIGKILL');
  await cleanUp(data);
});

const environment = () => ({
  PORT: String(port),
  VESTA_DATA_DIR: data,
  VESTA_WORKERS: '2',
  VESTA_DEMO: 'off',
  VESTA_AUTH: 'open',
});

async function start(): Promise<void> {
  server = new VestaProcess(['serve'], environment());
  await server.says(/Vesta is ready/);
}

const request = (method: string, path: string, body?: object) =>
  exchange(port, {
    method,
    path: `/fhir/north${path}`,
    headers: FHIR,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

/** A transaction that is whole or absent: all its resources carry its key as a tag. */
function bundleOf(key: string): object {
  const meta = { tag: [{ system: SYSTEM, code: key }] };
  const uuid = crypto.randomUUID();
  const patient = {
    resourceType: 'Patient',
    meta,
    identifier: [{ system: SYSTEM, value: key }],
    name: [{ family: `Family ${key}` }],
    birthDate: '1970-01-01',
  };
  const observation = (i: number) => ({
    resourceType: 'Observation',
    meta,
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
    subject: { reference: `urn:uuid:${uuid}` },
    effectiveDateTime: `2020-01-${String(1 + (i % 28)).padStart(2, '0')}T10:00:00Z`,
    valueQuantity: { value: 60 + i, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
  });
  const entry = [
    { fullUrl: `urn:uuid:${uuid}`, resource: patient, request: { method: 'POST', url: 'Patient' } },
    ...Array.from({ length: SIZE - 1 }, (_, i) => ({
      resource: observation(i),
      request: { method: 'POST', url: 'Observation' },
    })),
  ];
  return { resourceType: 'Bundle', type: 'transaction', entry };
}

/** Loads until told to stop, whatever the answers are; remembers what was acknowledged. */
function load(): { stop(): Promise<void>; acknowledged(): number } {
  let stopping = false;
  let acknowledged = 0;
  /** After what was not acknowledged: whatever is sent while nobody listens proves nothing, and is to be looked for later. */
  const somebodyListens = async () => {
    do await sleep(20);
    while (!stopping && (await exchange(port, { method: 'GET', path: '/health/live' })).status <= 0);
  };
  const loader = async () => {
    while (!stopping) {
      const key = `b${++sequence}`;
      bundles.set(key, false);
      const { status } = await request('POST', '', bundleOf(key));
      if (status === 200) {
        bundles.set(key, true);
        acknowledged++;
      } else await somebodyListens();
    }
  };
  const writer = async (_: unknown, lane: number) => {
    while (!stopping) {
      // Every other write changes what an earlier one has made.
      const id = `s${lane}-${sequence++ >> 4}`;
      const resource = {
        resourceType: 'Patient',
        id,
        identifier: [{ system: SYSTEM, value: id }],
        name: [{ family: `Single ${sequence}` }],
      };
      const { status, headers } = await request('PUT', `/Patient/${id}`, resource);
      if (status === 200 || status === 201) {
        singles.set(id, Number(/\d+/.exec(headers['etag'] ?? '')?.[0]));
        acknowledged++;
      } else await somebodyListens();
    }
  };
  const running = Promise.all([
    ...Array.from({ length: BUNDLE_LOADERS }, loader),
    ...Array.from({ length: SINGLE_WRITERS }, writer),
  ]);
  return {
    acknowledged: () => acknowledged,
    async stop() {
      stopping = true;
      await running;
    },
  };
}

const answers = () =>
  until(
    'the server answers',
    async () => (await exchange(port, { method: 'GET', path: '/health/ready' })).status === 200,
  );

const json = async (path: string) => {
  const answer = await request('GET', path);
  expect(answer.status, path).toBe(200);
  return JSON.parse(answer.body.toString());
};

/** Compares what is there, by read and by search, with what was acknowledged. */
async function verify(): Promise<void> {
  await inParallel([...singles], 8, async ([id, version]) => {
    const { meta } = await json(`/Patient/${id}`);
    // A later version may have been written without its acknowledgement having arrived.
    expect(Number(meta.versionId), id).toBeGreaterThanOrEqual(version);
  });
  const ids = [...singles.keys()];
  const slices = Array.from({ length: Math.ceil(ids.length / 50) }, (_, i) => ids.slice(i * 50, i * 50 + 50));
  await inParallel(slices, 4, async (slice) => {
    const found = await json(
      `/Patient?identifier=${slice.map((id) => `${SYSTEM}|${id}`).join(',')}&_elements=id&_count=100`,
    );
    expect(found.entry.map(({ resource }: { resource: { id: string } }) => resource.id).sort()).toEqual(
      [...slice].sort(),
    );
  });
  await inParallel([...bundles], 8, async ([key, acknowledged]) => {
    const { total } = await json(
      `/?_tag=${SYSTEM}|${key}&_type=Patient,Observation&_summary=count&_total=accurate`,
    );
    if (acknowledged || total !== 0) expect(total, `bundle ${key}, acknowledged: ${acknowledged}`).toBe(SIZE);
  });
}

async function killDuringLoad(kill: () => void, recover: () => Promise<void>): Promise<void> {
  const loading = load();
  await until('some writes are acknowledged', () => loading.acknowledged() > 40);
  const before = loading.acknowledged();
  kill();
  await recover();
  await until('writes are acknowledged again', () => loading.acknowledged() > before + 15);
  await loading.stop();
  await verify();
}

describe.runIf(process.platform === 'linux')('kill -9 in the middle of loads', { timeout: 120_000 }, () => {
  test('of a server process', async () => {
    const victim = workersOf(server.child.pid!)[0]!;
    await killDuringLoad(() => process.kill(victim, 'SIGKILL'), answers);
    expect(childrenOf(server.child.pid!)).not.toContain(victim);
  });

  test('of PostgreSQL', async () => {
    const victim = postmasterOf(data);
    await killDuringLoad(
      () => process.kill(victim, 'SIGKILL'),
      async () => {
        await until('PostgreSQL is started again', () => {
          try {
            return postmasterOf(data) !== victim;
          } catch {
            return false;
          }
        });
        await answers();
      },
    );
  });

  test('of the primary process, and a start afterwards', async () => {
    await killDuringLoad(
      () => server.kill('SIGKILL'),
      async () => {
        await server.exited;
        await start();
      },
    );
  });

  test('of all of them at once', async () => {
    const all = childrenOf(server.child.pid!);
    await killDuringLoad(
      () => {
        for (const pid of [postmasterOf(data), ...all]) {
          try {
            process.kill(pid, 'SIGKILL');
          } catch {
            // The postmaster is among the children unless it was taken over.
          }
        }
        server.kill('SIGKILL');
      },
      async () => {
        await server.exited;
        await start();
      },
    );
  });

  test('afterwards index, history and resources agree', async () => {
    server.kill('SIGTERM');
    expect(await server.exited).toBe(0);
    const postgres = await startEmbeddedPostgres({ dataDirectory: data, watch: false });
    try {
      const report = await checkDatabase(postgres.url(), { baseUrl: `http://localhost:${port}/fhir` });
      expect(report.problems).toEqual([]);
      expect(report.resources).toBeGreaterThanOrEqual(
        [...bundles.values()].filter(Boolean).length * SIZE + singles.size,
      );
    } finally {
      await postgres.stop('immediate');
    }
  });
});
