import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type RunningService, type ServiceSettings, startService } from '../../server/src/http/service.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../server/src/storage/embedded/postgres.ts';
import { prepareDatabase, withOwner } from '../../server/src/storage/prepare.ts';
import { ensureTenant } from '../../server/src/storage/tenants.ts';
import { childrenOf, freePort } from '../../server/test/server-process.ts';
import { exchange, type Incoming, type Outgoing } from './exchange.ts';
import { until } from './served.ts';

/*
 * What goes wrong around the server (issue 3, section 7): the database away, slow or busy; clients that are slow, send
 * too much or leave; a stop while requests run. The database is a PostgreSQL of this test's own.
 */

const FHIR = { 'Content-Type': 'application/fhir+json' };
const BASE = '/fhir/north';
const LIMIT = 64 * 1024;
/** Longest statement and longest wait for a connection, in milliseconds. */
const STATEMENT = 1500;
const ACQUIRE = 2000;

let folder: string;
let postgres: EmbeddedPostgres;
let servingUrl: string;
let port: number;
let service: RunningService;
const sockets: Socket[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vesta-away-'));
  await startPostgres();
  servingUrl = (await prepareDatabase(postgres.url(), { statementTimeout: STATEMENT })).url;
  await withOwner(postgres.url(), (owner) => ensureTenant(owner, 'north'));
  ({ service, port } = await start());
  for (const id of ['a', 'b']) expect((await put(id)).status).toBe(201);
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
  await service?.stop(1000);
  await postgres?.stop('immediate');
  rmSync(folder, { recursive: true, force: true });
});

async function startPostgres(): Promise<void> {
  postgres = await startEmbeddedPostgres({
    dataDirectory: folder,
    fast: true,
    watch: false,
    settings: { shared_buffers: '32MB' },
  });
}

async function start(): Promise<{ service: RunningService; port: number }> {
  const free = await freePort();
  const settings: ServiceSettings = {
    port: free,
    host: '127.0.0.1',
    baseUrl: `http://127.0.0.1:${free}`,
    servingUrl,
    fhir: {
      references: 'strict',
      defaultPage: 20,
      maxPage: 100,
      maxIncludes: 100,
      maxBundleEntries: 100,
      maxConditionalDelete: 10,
      searchCostLimit: 0,
      softwareVersion: 'test',
    },
    maxBodyBytes: LIMIT,
    bodyBudgetBytes: 10_000_000,
    poolSize: 6,
    statementTimeout: STATEMENT,
    // The wait for a connection is as long.
    requestTimeout: ACQUIRE,
    logLevel: 'silent',
  };
  return { service: await startService(settings), port: free };
}

const send = (outgoing: Outgoing, limit?: number): Promise<Incoming> => exchange(port, outgoing, limit);
const get = (path: string): Promise<Incoming> => send({ method: 'GET', path });
const put = (id: string, family = 'Anna'): Promise<Incoming> =>
  send({
    method: 'PUT',
    path: `${BASE}/Patient/${id}`,
    headers: FHIR,
    body: JSON.stringify({ resourceType: 'Patient', id, name: [{ family }] }),
  });

/** The rule for each of these answers: 503, when to come again, and why, as FHIR says it (R4 http.html#Status-Codes). */
function expectUnavailable(answer: Incoming, code = /^transient$/): void {
  expect(answer.status, answer.body.toString()).toBe(503);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  expect(JSON.parse(answer.body.toString())).toMatchObject({
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'error', code: expect.stringMatching(code) }],
  });
}

/** Every kind of request while the database is away. */
async function expectAllUnavailable(): Promise<void> {
  const bundle = {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [{ request: { method: 'POST', url: 'Patient' }, resource: { resourceType: 'Patient' } }],
  };
  const answers = await Promise.all([
    get(`${BASE}/Patient/a`),
    get(`${BASE}/Patient?family=anna`),
    get(`${BASE}/Patient/a/_history`),
    put('a'),
    send({
      method: 'POST',
      path: `${BASE}/Patient`,
      headers: { ...FHIR, 'If-None-Exist': 'identifier=x' },
      body: '{"resourceType":"Patient"}',
    }),
    send({ method: 'DELETE', path: `${BASE}/Patient/b` }),
    send({ method: 'POST', path: BASE, headers: FHIR, body: JSON.stringify(bundle) }),
    get('/fhir/south/Patient/a'),
  ]);
  for (const answer of answers) expectUnavailable(answer);
  const ready = await get('/health/ready');
  expect(ready.status).toBe(503);
  expect(Number(ready.headers['retry-after'])).toBeGreaterThan(0);
  expect((await get('/health/live')).status).toBe(200);
  expect((await get('/metrics')).status).toBe(200);
}

async function expectRecovery(): Promise<void> {
  await until('ready again', async () => (await get('/health/ready')).status === 200);
  expect((await get(`${BASE}/Patient/a`)).status).toBe(200);
  expect(JSON.parse((await get(`${BASE}/Patient?family=anna&_id=a`)).body.toString()).entry).toHaveLength(1);
  expect((await put('a')).status).toBe(200);
  expect((await put('b')).status).toBe(200);
  await expectIdle();
}

/** No connection is lent and nobody waits for one. */
async function expectIdle(): Promise<void> {
  const stats = () => Object.values(service.connections.stats());
  await until('connections given back', () =>
    stats().every(({ total, idle, waiting }) => total === idle && waiting === 0),
  );
  expect(service.fhir.services.writes.depth).toBe(0);
}

/** Holds a lock on a table, as a migration or an operator's session might. @returns lets it go */
async function holding(lock: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: postgres.url() });
  await client.connect();
  await client.query(`begin; ${lock}`);
  return async () => {
    await client.query('rollback');
    await client.end();
  };
}

describe('PostgreSQL away for a while', () => {
  test('stopped: 503 with Retry-After for whatever needs it; recovery without a restart', async () => {
    await postgres.stop('immediate');
    await expectAllUnavailable();
    await startPostgres();
    await expectRecovery();
  });

  test.runIf(process.platform === 'linux')(
    'frozen, so that nothing answers and nothing is refused: the same',
    async () => {
      const pids = [postgres.pid, ...childrenOf(postgres.pid)];
      for (const pid of pids) process.kill(pid, 'SIGSTOP');
      try {
        await expectAllUnavailable();
        // From now on nobody has to wait any more.
        expectUnavailable(await send({ method: 'GET', path: `${BASE}/Patient/a` }, 1500));
      } finally {
        for (const pid of pids.reverse()) process.kill(pid, 'SIGCONT');
      }
      await expectRecovery();
    },
  );

  test('sessions ended by an administrator: what comes next is served', async () => {
    await withOwner(postgres.url(), (owner) =>
      owner.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'vesta-%' and pid <> pg_backend_pid()`,
      ),
    );
    await expectRecovery();
  });
});

describe('slow statements and exhausted pools', () => {
  test('searches that wait for a lock end with 503 at the statement timeout; reads by id are served meanwhile', async () => {
    const release = await holding('lock table store.index_string in access exclusive mode');
    const searches = Promise.all(Array.from({ length: 6 }, () => get(`${BASE}/Patient?family:contains=nn`)));
    let done = false;
    void searches.then(() => {
      done = true;
    });
    let reads = 0;
    while (!done) {
      expect((await get(`${BASE}/Patient/a`)).status).toBe(200);
      reads++;
      await sleep(20);
    }
    await release();
    // The first ones ran into the statement timeout; those behind them may not even have got a connection.
    for (const answer of await searches) expectUnavailable(answer, /^(too-costly|transient)$/);
    expect(reads).toBeGreaterThan(10);
    await expectRecovery();
  });

  test('writes that wait for a lock hold all connections for writing: the next one is told 503, reads go on', async () => {
    const release = await holding('lock table store.index_string in access exclusive mode');
    const transaction = (i: number) =>
      send({
        method: 'POST',
        path: BASE,
        headers: FHIR,
        body: JSON.stringify({
          resourceType: 'Bundle',
          type: 'transaction',
          entry: [
            {
              request: { method: 'PUT', url: `Patient/w${i}` },
              resource: { resourceType: 'Patient', id: `w${i}`, name: [{ family: 'Anna' }] },
            },
          ],
        }),
      });
    const held = Array.from({ length: 3 }, (_, i) => transaction(i));
    await until(
      'connections taken',
      () => service.connections.stats().write.idle === 0 && service.connections.stats().write.total === 3,
    );
    const late = Array.from({ length: 6 }, (_, i) => transaction(i + 3));
    const read = await get(`${BASE}/Patient/a`);
    const search = await get(`${BASE}/Patient?_id=a`);
    const answers = await Promise.all([...held, ...late]);
    await release();
    expect([read.status, search.status]).toEqual([200, 200]);
    for (const answer of answers) expectUnavailable(answer, /^(too-costly|transient)$/);
    // What was told to have failed has left nothing.
    for (let i = 0; i < answers.length; i++) expect((await get(`${BASE}/Patient/w${i}`)).status).toBe(404);
    await expectRecovery();
  });
});

/** Sends pieces at intervals; resolves with what came back when the server ends the connection. */
function slowClient(pieces: readonly string[], interval: number, filler: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    let received = '';
    const rest = [...pieces];
    const timer = setInterval(() => socket.writable && socket.write(rest.shift() ?? filler), interval);
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(timer);
      resolve(received);
    });
  });
}

describe('clients that ask too much', () => {
  const post = (more: string) =>
    `POST ${BASE}/Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\n${more}`;

  test('a body over the limit is refused with 413: by its declared length, before it is sent', async () => {
    const received = await slowClient([post(`Content-Length: ${LIMIT + 1}\r\n\r\n`)], 50, '');
    expect(received).toMatch(/^HTTP\/1\.1 413 /);
    expect(received).toContain('"too-long"');
    await expectIdle();
  });

  test('and by what arrives, when it comes in chunks without a length', async () => {
    const chunk = `4000\r\n${' '.repeat(0x4000)}\r\n`;
    const received = await slowClient([post('Transfer-Encoding: chunked\r\n\r\n')], 20, chunk);
    expect(received).toMatch(/^HTTP\/1\.1 413 /);
    await expectIdle();
  });

  test('a body of just the limit is taken', async () => {
    const text = JSON.stringify({ resourceType: 'Basic', code: { text: 'x' } });
    const answer = await send({
      method: 'POST',
      path: `${BASE}/Basic`,
      headers: FHIR,
      body: text + ' '.repeat(LIMIT - text.length),
    });
    expect(answer.status).toBe(201);
  });

  test('headers and bodies that trickle in are cut off with 408, and others are served meanwhile', async () => {
    const slow = [
      slowClient([`GET ${BASE}/Patient/a HTTP/1.1\r\nHost: x\r\n`], 100, 'X-A: b\r\n'),
      slowClient([post('Content-Length: 5000\r\n\r\n')], 100, ' '),
      slowClient([post('Transfer-Encoding: chunked\r\n\r\n')], 100, '1\r\n \r\n'),
    ];
    expect((await get(`${BASE}/Patient/a`)).status).toBe(200);
    for (const received of await Promise.all(slow)) expect(received).toMatch(/^HTTP\/1\.1 (408|400) /);
    await expectIdle();
  });

  test('requests whose client leaves do not keep connections or memory: all is idle again', async () => {
    const requests = [
      `GET ${BASE}/Patient?family:contains=nn HTTP/1.1\r\nHost: x\r\n\r\n`,
      `GET ${BASE}/Patient/a HTTP/1.1\r\nHost: x\r\n\r\n`,
      `${post('Content-Length: 27\r\n\r\n')}{"resourceType":"Patient"}\n`,
      `${post('Content-Length: 1000\r\n\r\n')}{"resourceType":`,
    ];
    const before = await connections();
    for (let i = 0; i < 200; i++) {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(requests[i % requests.length]!);
        setTimeout(() => socket.destroy(), i % 7);
      });
      socket.on('error', () => {});
      sockets.push(socket);
      if (i % 20 === 0) await sleep(5);
    }
    await expectIdle();
    expect((await put('a')).status).toBe(200);
    await until('connections closed', async () => (await connections()) <= before + 1);
  });
});

function connections(): Promise<number> {
  return new Promise((resolve, reject) =>
    service.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}

describe('a graceful stop', () => {
  test('finishes what runs, refuses what is new, and ends', async () => {
    const other = await start();
    const release = await holding('lock table store.index_string in access exclusive mode');
    const running = exchange(other.port, {
      method: 'PUT',
      path: `${BASE}/Patient/last`,
      headers: FHIR,
      body: '{"resourceType":"Patient","id":"last","name":[{"family":"Anna"}]}',
    });
    await until('the write runs', () => other.service.connections.stats().write.total > 0);
    await sleep(200);
    const stopped = other.service.stop(20_000);
    await sleep(100);
    expect((await exchange(other.port, { method: 'GET', path: '/health/live' }, 1000)).status).toBe(0);
    await release();
    expect((await running).status).toBe(201);
    await stopped;
    expect((await get(`${BASE}/Patient/last`)).status).toBe(200);
  });
});
