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
    VESTA_WORKERS: '2',
    VESTA_DEMO: 'off',
    VESTA_AUTH: 'open',
  };
});
afterEach(() => {
  // A test that failed half-way must not fail those after it.
  for (const server of started.splice(0)) server.kill('SIGKILL');
});
afterAll(() => cleanUp(data));

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

async function stop(server: VestaProcess): Promise<void> {
  server.kill('SIGTERM');
  expect(await server.exited).toBe(0);
}

/** Waits until requests are answered again after something was killed. */
async function untilAnswered(path: string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const status = await get(path).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return;
    await sleep(100);
  }
  throw new Error(`${path} is not answered`);
}

describe('vesta serve (issue 3, sections 1 and 7)', () => {
  test('starts on an empty directory; a tenant made beside it is served; SIGTERM ends it with 0', async () => {
    const server = await start();
    const made = await vesta(['tenant', 'create', 'north'], env);
    expect(made).toMatchObject({ code: 0, output: expect.stringContaining('/fhir/north') });
    expect((await vesta(['tenant', 'create', 'north'], env)).code).toBe(1);
    expect((await vesta(['tenant', 'list'], env)).output).toMatch(/^north\s+made \d{4}-/m);
    expect(await put('first')).toBe(201);
    expect((await get('/fhir/north/Patient/first')).status).toBe(200);
    expect((await get('/fhir/south/Patient/first')).status).toBe(404);
    expect((await get('/health/ready')).status).toBe(200);
    await stop(server);
    expect(server.output).toContain('Stopping');
    expect(existsSync(join(data, 'vesta.lock'))).toBe(false);
    expect(existsSync(join(data, 'postgres', 'postmaster.pid'))).toBe(false);
  });

  test('twice on one directory: the second names the process and the address of the first', async () => {
    const server = await start();
    const second = await vesta(['serve'], { ...env, PORT: String(await freePort()) });
    expect(second.code).toBe(1);
    expect(second.output.trim()).toBe(
      `Vesta is running on ${data} already: process ${server.child.pid}, http://127.0.0.1:${port}`,
    );
    await stop(server);
  });

  test('a second one waits for the first to stop', async () => {
    const server = await start();
    server.kill('SIGINT');
    await server.says(/Stopping/);
    const second = await start();
    expect(await server.exited).toBe(0);
    await stop(second);
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

  test.runIf(LINUX)('kill -9 of a server process: another one takes its place', async () => {
    const server = await start();
    const victim = workersOf(server.child.pid!)[0];
    const from = server.output.length;
    process.kill(victim!, 'SIGKILL');
    await server.says(/ended with SIGKILL: starting another one/, from);
    await untilAnswered('/fhir/north/Patient/first');
    await stop(server);
  });

  test('kill -9 of PostgreSQL: it is started again, and what was acknowledged is there', async () => {
    const server = await start();
    expect(await put('second')).toBe(201);
    const from = server.output.length;
    process.kill(postmasterOf(data), 'SIGKILL');
    await server.says(/PostgreSQL answers again/, from);
    await untilAnswered('/fhir/north/Patient/second');
    await stop(server);
  });

  test('kill -9 of the primary: server processes end, the next start takes PostgreSQL over', async () => {
    const server = await start();
    expect(await put('third')).toBe(201);
    const postmaster = postmasterOf(data);
    server.kill('SIGKILL');
    await server.exited;
    const next = await start();
    expect(next.output).toContain('Took over the PostgreSQL');
    expect(postmasterOf(data)).toBe(postmaster);
    expect((await get('/fhir/north/Patient/third')).status).toBe(200);
    await stop(next);
  });

  test('kill -9 of primary and PostgreSQL together: the next start recovers', async () => {
    const server = await start();
    expect(await put('fourth')).toBe(201);
    process.kill(postmasterOf(data), 'SIGKILL');
    server.kill('SIGKILL');
    await server.exited;
    const next = await start();
    expect((await get('/fhir/north/Patient/fourth')).status).toBe(200);
    await stop(next);
    const check = await vesta(['db', 'check', '--tenant', 'north'], env);
    expect(check).toMatchObject({ code: 0, output: expect.stringContaining('all is well') });
  });

  test('a lost secrets.json is made anew', async () => {
    rmSync(join(data, 'secrets.json'));
    const server = await start();
    expect((await get('/fhir/north/Patient/first')).status).toBe(200);
    await stop(server);
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

describe('demo patients (issue 3, section 1)', () => {
  test('kill -9 half-way of loading them: the next start loads the rest, and nobody twice', async () => {
    const directory = temporaryDirectory();
    const demo = { VESTA_DATA_DIR: directory, VESTA_DEMO: 'on' };
    const count = async (type: string) =>
      (await get(`/fhir/demo/${type}?_summary=count&_total=accurate`)).body['total'] as number;
    try {
      const server = await start(demo);
      for (let patients = 0; patients === 0; ) patients = await count('Patient');
      server.kill('SIGKILL');
      await server.exited;
      const next = await start(demo);
      await next.says(/The demo patients are there/);
      expect(await count('Patient')).toBe(18);
      expect(await count('Practitioner')).toBe(await count('PractitionerRole'));
      await stop(next);
      const third = await start(demo);
      expect(third.output).not.toContain('Loading');
      await stop(third);
    } finally {
      await cleanUp(directory);
    }
  }, 240_000);
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
