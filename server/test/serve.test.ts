import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  cleanUp,
  freePort,
  postmasterOf,
  temporaryDirectory,
  VestaProcess,
  vesta,
  workersOf,
} from './server-process.ts';

const READY = /Vesta is ready/;
const LINUX = process.platform === 'linux';

/** Those that run: tests that need one go on with the one that is there. */
const started: VestaProcess[] = [];
let data: string;
let port: number;
let env: Record<string, string>;

beforeAll(async () => {
  data = temporaryDirectory();
  port = await freePort();
  env = {
    PORT: String(port),
    VESTA_DATA_DIR: data,
    VESTA_WORKERS: '1',
    VESTA_DEMO: 'off',
    VESTA_AUTH: 'open',
  };
});
afterEach(({ task }) => {
  // A test that failed half-way must not fail those after it.
  if (task.result?.state === 'fail') for (const server of started.splice(0)) server.kill('SIGKILL');
});
afterAll(async () => {
  for (const server of started) server.kill('SIGKILL');
  await cleanUp(data);
});

async function get(path: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function put(id: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/fhir/north/Patient/${id}`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/fhir+json' },
    body: JSON.stringify({ resourceType: 'Patient', id }),
  });
  await response.arrayBuffer();
  return response.status;
}

async function start(extra: Record<string, string> = {}): Promise<VestaProcess> {
  const server = new VestaProcess(['serve'], { ...env, ...extra });
  started.push(server);
  await server.says(READY);
  return server;
}

/** The server that the test before has left, or a new one. */
async function running(): Promise<VestaProcess> {
  return started.at(-1) ?? (await start());
}

/** Waits until a server has ended. @returns its exit code, or the signal that ended it */
async function ended(server: VestaProcess): Promise<number | string> {
  const how = await server.exited;
  started.splice(started.indexOf(server), 1);
  return how;
}

async function stop(server: VestaProcess): Promise<void> {
  server.kill('SIGTERM');
  expect(await ended(server)).toBe(0);
}

async function kill(server: VestaProcess): Promise<void> {
  server.kill('SIGKILL');
  expect(await ended(server)).toBe('SIGKILL');
}

/** Waits until requests are answered again after something was killed. */
async function untilAnswered(path: string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const status = await get(path).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return;
    await sleep(50);
  }
  throw new Error(`${path} is not answered`);
}

describe('vesta serve (issue 3, sections 1 and 7)', () => {
  test('starts on an empty directory, and serves a tenant made beside it', async () => {
    await start({ VESTA_WORKERS: '2' });
    const made = await vesta(['tenant', 'create', 'north'], env);
    expect(made).toMatchObject({ code: 0, output: expect.stringContaining('/fhir/north') });
    expect((await vesta(['tenant', 'create', 'north'], env)).code).toBe(1);
    expect((await vesta(['tenant', 'list'], env)).output).toMatch(/^north\s+made \d{4}-/m);
    expect(await put('first')).toBe(201);
    expect((await get('/fhir/north/Patient/first')).status).toBe(200);
    expect((await get('/fhir/south/Patient/first')).status).toBe(404);
    expect((await get('/health/ready')).status).toBe(200);
  });

  test('twice on one directory: the second names the process and the address of the first', async () => {
    const server = await running();
    const second = await vesta(['serve'], { ...env, PORT: String(await freePort()) });
    expect(second.code).toBe(1);
    expect(second.output.trim()).toBe(
      `Vesta is running on ${data} already: process ${server.child.pid}, http://127.0.0.1:${port}`,
    );
  });

  test.runIf(LINUX)('kill -9 of a server process: another one takes its place', async () => {
    const server = await running();
    const before = workersOf(server.child.pid!);
    const from = server.output.length;
    process.kill(before[0]!, 'SIGKILL');
    await server.says(/ended with SIGKILL: starting another one/, from);
    await untilAnswered('/fhir/north/Patient/first');
    await expect.poll(() => workersOf(server.child.pid!), { timeout: 30_000 }).toHaveLength(before.length);
  });

  test('kill -9 of PostgreSQL: it is started again, and what was acknowledged is there', async () => {
    const server = await running();
    expect(await put('second')).toBe(201);
    const from = server.output.length;
    process.kill(postmasterOf(data), 'SIGKILL');
    await server.says(/PostgreSQL answers again/, from);
    await untilAnswered('/fhir/north/Patient/second');
  });

  test('SIGTERM and Ctrl-C end it with 0, and nothing of it is left; a second one waits for the first to stop', async () => {
    const server = await running();
    server.kill('SIGINT');
    await server.says(/Stopping/);
    const second = await start();
    expect(await ended(server)).toBe(0);
    await stop(second);
    expect(second.output).toContain('Stopping');
    expect(existsSync(join(data, 'vesta.lock'))).toBe(false);
    expect(existsSync(join(data, 'postgres', 'postmaster.pid'))).toBe(false);
  });

  test('a taken port is named, and PostgreSQL is not started', async () => {
    const other = createServer().listen(port, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const server = await vesta(['serve'], env);
    expect(server.code).toBe(1);
    expect(server.output).toMatch(new RegExp(`^Port ${port} on 127.0.0.1 is taken`));
    expect(existsSync(join(data, 'postgres', 'postmaster.pid'))).toBe(false);
    await new Promise((resolve) => other.close(resolve));
  });

  test.each([
    [{ PORT: 'x' }, /^PORT: "x" is not allowed/],
    [{ HOST: '192.0.2.1', VESTA_AUTH: 'smart' }, /^HOST: "192.0.2.1" is no address of this machine/],
    [{ HOST: '0.0.0.0' }, /^HOST: "0.0.0.0" is not allowed with VESTA_AUTH=open/],
    [{ VESTA_PROT: '1' }, /^VESTA_PROT/],
    [
      { DATABASE_URL: 'postgresql://a:secret@127.0.0.1:1/x' },
      /^Cannot connect to PostgreSQL at 127.0.0.1:1\/x as a/,
    ],
  ])('%j is refused at start', async (wrong, message) => {
    const server = await vesta(['serve'], { ...env, ...(wrong as Record<string, string>) });
    expect(server.code).toBe(1);
    expect(server.output).toMatch(message);
    expect(server.output).not.toContain('secret');
    expect(server.output).not.toMatch(/^\s+at /m);
  });

  test('a lost secrets.json is made anew', async () => {
    rmSync(join(data, 'secrets.json'));
    await start();
    expect((await get('/fhir/north/Patient/first')).status).toBe(200);
  });

  test('kill -9 of primary and PostgreSQL together: the next start recovers', async () => {
    const server = await running();
    expect(await put('third')).toBe(201);
    process.kill(postmasterOf(data), 'SIGKILL');
    await kill(server);
    await start();
    for (const id of ['second', 'third'])
      expect((await get(`/fhir/north/Patient/${id}`)).status, id).toBe(200);
  });

  test('kill -9 of the primary: server processes end, the next start takes PostgreSQL over', async () => {
    const server = await running();
    expect(await put('fourth')).toBe(201);
    const postmaster = postmasterOf(data);
    await kill(server);
    const next = await start();
    expect(next.output).toContain('Took over the PostgreSQL');
    expect(postmasterOf(data)).toBe(postmaster);
    expect((await get('/fhir/north/Patient/fourth')).status).toBe(200);
    await stop(next);
    const check = await vesta(['db', 'check', '--tenant', 'north'], env);
    expect(check).toMatchObject({ code: 0, output: expect.stringContaining('all is well') });
  });

  test('tenant delete without a running server starts the database for itself and stops it', async () => {
    expect((await vesta(['tenant', 'delete', 'north'], env)).code).toBe(2);
    expect((await vesta(['tenant', 'delete', 'north', '--yes'], env)).code).toBe(0);
    expect((await vesta(['tenant', 'list'], env)).output).toContain('There are no tenants');
    expect(existsSync(join(data, 'postgres', 'postmaster.pid'))).toBe(false);
  });

  test("PostgreSQL's log holds no statement and no data", () => {
    expect(readFileSync(join(data, 'postgres.log'), 'utf8')).not.toMatch(/STATEMENT|DETAIL|Patient/);
  });
});

describe('command line', () => {
  test.each([
    [['--help'], 0, /Usage: vesta COMMAND/],
    [['serve', '--help'], 0, /VESTA_DATA_DIR/],
    [['load', '--help'], 0, /--concurrency/],
    [['tenant', '--help'], 0, /tenant create NAME/],
    [['reindex', '--help'], 0, /--type/],
    [['db', '--help'], 0, /migrate/],
    [['--version'], 0, /^\d+\.\d+\.\d+$/m],
    [[], 2, /A command is missing[\s\S]*Usage/],
    [['nonsense'], 2, /no command "nonsense"[\s\S]*Usage/],
    [['serve', '--port', '1'], 2, /Unknown option '--port'[\s\S]*Usage: vesta serve/],
    [['load'], 2, /argument is missing[\s\S]*Usage: vesta load/],
    [['load', 'x', '--concurrency', '0'], 2, /--concurrency: "0"/],
    [['load', '/no/such/file'], 1, /There is no \/no\/such\/file/],
    [['tenant', 'rename', 'a'], 2, /"rename" is not create, list, delete or configure/],
    [['tenant', 'create', 'A B'], 1, /no tenant name/],
    [['db', 'drop'], 2, /"drop" is not migrate, status or check/],
  ] as [string[], number, RegExp][])('vesta %j', async (args, code, output) => {
    const run = await vesta(args);
    expect(run.output).toMatch(output);
    expect(run.code).toBe(code);
  });
});
