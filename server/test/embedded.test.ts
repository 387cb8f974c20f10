import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { acquireLock, lockHolder } from '../src/cli/lock.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/storage/embedded/postgres.ts';
import { postgresConf, postgresSettings } from '../src/storage/embedded/settings.ts';
import { withOwner } from '../src/storage/prepare.ts';

/** For each test its own. */
let folder: string;
/** A data directory for the tests that need a cluster, whichever: making one takes longer than all the rest. */
let shared: string;
const running: EmbeddedPostgres[] = [];

function temporaryFolder(): string {
  const made = mkdtempSync(join(tmpdir(), 'vesta-embedded-'));
  chmodSync(made, 0o755);
  return made;
}

beforeAll(() => {
  shared = join(temporaryFolder(), 'data');
});
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  for (const postgres of running.splice(0)) await postgres.stop('immediate');
  rmSync(folder, { recursive: true, force: true });
});
afterAll(() => rmSync(dirname(shared), { recursive: true, force: true }));

async function start(dataDirectory = shared): Promise<EmbeddedPostgres> {
  const settings = { shared_buffers: '64MB' };
  const postgres = await startEmbeddedPostgres({ dataDirectory, watch: false, fast: true, settings });
  running.push(postgres);
  return postgres;
}

async function value(postgres: EmbeddedPostgres, sql: string): Promise<unknown> {
  return await withOwner(
    postgres.url(),
    async (client) => Object.values((await client.query(sql)).rows[0])[0],
  );
}

describe('embedded PostgreSQL', () => {
  test('what a killed initdb left behind is removed', async () => {
    const left = join(shared, 'postgres.new-0123456789ab');
    mkdirSync(left, { recursive: true });
    expect((await start()).created).toBe(true);
    expect(existsSync(left)).toBe(false);
  });

  test('is durable, UTF-8, has checksums, listens on no port and wants a password', async () => {
    const postgres = await start();
    const settings = [
      'fsync',
      'full_page_writes',
      'synchronous_commit',
      'data_checksums',
      'server_encoding',
      'listen_addresses',
    ];
    const sql = `select array[${settings.map((name) => `current_setting('${name}')`).join(', ')}]`;
    expect(await value(postgres, sql)).toEqual(['on', 'on', 'on', 'on', 'UTF8', '']);
    const wrong = postgres.url().replace(/:[^:@]+@/, ':wrong@');
    await expect(withOwner(wrong, async () => {})).rejects.toThrow(/password authentication failed/);
    expect(readFileSync(join(shared, 'secrets.json')).length).toBeGreaterThan(0);
  });

  test('one that runs is taken over, with the same data', async () => {
    const first = await start();
    await withOwner(first.url(), (client) => client.query('create table taken_over as select 7 as v'));
    first.release();
    const second = await start();
    expect([first.adopted, second.adopted]).toEqual([false, true]);
    expect(second.pid).toBe(first.pid);
    expect(await value(second, 'select v from taken_over')).toBe(7);
  });

  test('a postmaster.pid whose number another process has got since does not keep it from starting', async () => {
    const first = await start();
    const pidFile = join(shared, 'postgres', 'postmaster.pid');
    const text = readFileSync(pidFile, 'utf8');
    await first.stop('fast');
    // As after a reboot, or in a new container: this test's own process has the number.
    writeFileSync(pidFile, text.replace(/^\d+/, String(process.pid)));
    writeFileSync(join(shared, 'postgres', '.s.PGSQL.5432.lock'), `${process.pid}\n`);
    const second = await start();
    expect(second.adopted).toBe(false);
    expect(await value(second, 'select 1')).toBe(1);
  });

  test('a path too long for a socket gets one among the temporary files, which goes when it stops', async () => {
    const long = join(folder, 'x'.repeat(120));
    if (existsSync(shared)) renameSync(shared, long);
    const postgres = await start(long);
    const socket = decodeURIComponent(new URL(postgres.url()).hostname);
    expect(socket.length).toBeLessThan(90);
    expect(await value(postgres, 'select 1')).toBe(1);
    await postgres.stop();
    expect(existsSync(socket)).toBe(false);
    renameSync(long, shared);
  });

  test.runIf(process.getuid?.() === 0)(
    'in a directory that only root can enter it lies elsewhere, behind a link',
    async () => {
      chmodSync(folder, 0o700);
      const data = join(folder, 'data');
      const place = join(data, 'postgres');
      const first = await start(data);
      const directory = realpathSync(place);
      try {
        expect(lstatSync(place).isSymbolicLink()).toBe(true);
        expect(directory).toMatch(/^\/var\/lib\/vesta\/clusters\//);
        await withOwner(first.url(), (client) => client.query('create table t as select 7 as v'));
        await first.stop();
        const second = await start(data);
        expect(await value(second, 'select v from t')).toBe(7);
        await second.stop();
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  );

  test('a directory of something else, and a cluster of another version, are left alone', async () => {
    const data = join(folder, 'data');
    const postgres = join(data, 'postgres');
    mkdirSync(postgres, { recursive: true });
    writeFileSync(join(postgres, 'letter.txt'), 'dear');
    await expect(start(data)).rejects.toThrow(/is not empty and is no PostgreSQL cluster/);
    writeFileSync(join(postgres, 'PG_VERSION'), '9.6\n');
    await expect(start(data)).rejects.toThrow(/made by PostgreSQL 9\.6/);
  });

  test('settings of user.conf win, a wrong one is reported with the log', async () => {
    const first = await start();
    await first.stop();
    const userConf = join(shared, 'postgres', 'user.conf');
    writeFileSync(userConf, "work_mem = '33MB'\n");
    const second = await start();
    expect(await value(second, 'show work_mem')).toBe('33MB');
    await second.stop();
    writeFileSync(userConf, "work_mem = 'lots'\n");
    await expect(start()).rejects.toThrow(/PostgreSQL did not start[\s\S]*work_mem/);
    rmSync(userConf);
  });

  test('memory settings follow the machine', () => {
    const gigabytes = (memory: number) => postgresSettings({ memory: memory * 2 ** 30, cores: 2 });
    expect(gigabytes(0.25)['shared_buffers']).toBe('128MB');
    expect(gigabytes(2)['shared_buffers']).toBe('512MB');
    expect(gigabytes(64)['shared_buffers']).toBe('1024MB');
    expect(gigabytes(64)['effective_cache_size']).toBe('32768MB');
    expect(postgresConf({ a: "it's \\" })).toContain("a = 'it''s \\\\'");
  });
});

describe('lock of the data directory', () => {
  test('is held by one process, and released', async () => {
    const lock = await acquireLock(folder, 'serve', 'http://127.0.0.1:1');
    expect(lockHolder(folder)).toMatchObject({ pid: process.pid, url: 'http://127.0.0.1:1' });
    await expect(acquireLock(folder, 'serve')).rejects.toThrow(/process \d+, http:\/\/127.0.0.1:1/);
    lock.release();
    expect(lockHolder(folder)).toBeUndefined();
    (await acquireLock(folder, 'serve')).release();
  });

  test('of a process that is gone, of another one with its number, and half a file do not count', async () => {
    const gone = Number(execFileSync('/bin/sh', ['-c', 'echo $$'], { encoding: 'utf8' }));
    const stale = [
      JSON.stringify({ pid: gone, started: 'x', command: 'serve' }),
      JSON.stringify({ pid: process.pid, started: 'earlier', command: 'serve' }),
      '{"pid":',
    ];
    for (const text of stale) {
      writeFileSync(join(folder, 'vesta.lock'), text);
      expect(lockHolder(folder)).toBeUndefined();
      (await acquireLock(folder, 'serve')).release();
    }
  });

  test('of one that is stopping is waited for', async () => {
    const lock = await acquireLock(folder, 'serve', 'http://127.0.0.1:1');
    lock.update({ stopping: true });
    const next = acquireLock(folder, 'serve');
    setTimeout(() => lock.release(), 200);
    (await next).release();
  });
});
