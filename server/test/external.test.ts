import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ids, postgresAccount } from '../src/storage/embedded/account.ts';
import { chownTree } from '../src/storage/embedded/files.ts';
import { withOwner } from '../src/storage/prepare.ts';
import { freePort, VestaProcess, vesta } from './server-process.ts';

/** Debian's PostgreSQL 15, the oldest version that is supported; without it these tests are skipped. */
const PROGRAMS = '/usr/lib/postgresql/15/bin';

describe.skipIf(!existsSync(PROGRAMS))(
  'an external PostgreSQL 15 by DATABASE_URL (issue 3, section 1)',
  () => {
    let folder: string;
    let port: number;
    const account = postgresAccount('/nonexistent');
    const run = (program: string, ...args: string[]) =>
      execFileSync(join(PROGRAMS, program), args, { cwd: '/', stdio: 'ignore', ...ids(account) });

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'vesta-15-'));
      chmodSync(folder, 0o755);
      chownTree(folder, account);
      port = await freePort();
      const password = join(folder, 'password');
      writeFileSync(password, 'admin');
      run(
        'initdb',
        '-D',
        join(folder, 'data'),
        '-U',
        'postgres',
        '--auth=scram-sha-256',
        `--pwfile=${password}`,
        '-N',
        '-E',
        'UTF8',
        '--locale=C.UTF-8',
      );
      run(
        'pg_ctl',
        '-D',
        join(folder, 'data'),
        '-w',
        '-l',
        join(folder, 'log'),
        '-o',
        `-k ${folder} -h 127.0.0.1 -p ${port} -F`,
        'start',
      );
      await withOwner(`postgresql://postgres:admin@127.0.0.1:${port}/postgres`, async (client) => {
        await client.query(`create role hospital login createrole password 'p@ss/w:rd'`);
        await client.query('create database hospital owner hospital');
        await client.query(`create role modest login password 'modest'`);
        await client.query('create database modest owner modest');
        await client.query(
          `create database latin owner hospital encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0`,
        );
      });
    });
    afterAll(() => {
      run('pg_ctl', '-D', join(folder, 'data'), '-m', 'immediate', '-w', 'stop');
      rmSync(folder, { recursive: true });
    });

    const url = (user: string, password: string, database = user) =>
      `postgresql://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;

    test('two servers share a database whose owner is no superuser', async () => {
      const env = {
        DATABASE_URL: url('hospital', 'p@ss/w:rd'),
        VESTA_DEMO: 'off',
        VESTA_WORKERS: '1',
        VESTA_AUTH: 'open',
      };
      const ports = [await freePort(), await freePort()];
      const servers = ports.map((each) => new VestaProcess(['serve'], { ...env, PORT: String(each) }));
      await Promise.all(servers.map((server) => server.says(/Vesta is ready/)));
      expect((await vesta(['tenant', 'create', 'north'], env)).code).toBe(0);
      const made = await fetch(`http://127.0.0.1:${ports[0]}/fhir/north/Patient/a`, {
        method: 'PUT',
        headers: { 'Content-Type': 'application/fhir+json' },
        body: '{"resourceType":"Patient","id":"a","name":[{"family":"Brandt"}]}',
      });
      expect(made.status).toBe(201);
      const found = await fetch(
        `http://127.0.0.1:${ports[1]}/fhir/north/Patient?name:contains=rand&_summary=count`,
      );
      expect(((await found.json()) as { total: number }).total).toBe(1);
      for (const server of servers) server.kill('SIGTERM');
      expect(await Promise.all(servers.map(({ exited }) => exited))).toEqual([0, 0]);
      await withOwner(env.DATABASE_URL, async (client) => {
        const { rows } = await client.query(
          `select rolsuper or rolcreatedb or rolcreaterole or rolbypassrls or rolinherit as above from pg_roles where rolname = 'vesta_serving_hospital'`,
        );
        expect(rows).toEqual([{ above: false }]);
      });
    });

    test('an owner who may not create roles is told what an administrator has to run, and that works', async () => {
      const env = {
        DATABASE_URL: url('modest', 'modest'),
        VESTA_DEMO: 'off',
        VESTA_WORKERS: '1',
        VESTA_AUTH: 'open',
        PORT: String(await freePort()),
      };
      const refused = await vesta(['serve'], env);
      expect(refused.code).toBe(1);
      const statement = /create role [^;]*;/.exec(refused.output)?.[0];
      await withOwner(url('postgres', 'admin'), (client) => client.query(statement!));
      const server = new VestaProcess(['serve'], env);
      await server.says(/Vesta is ready/);
      server.kill('SIGTERM');
      expect(await server.exited).toBe(0);
    });

    test('a database of another encoding is refused', async () => {
      const server = await vesta(['serve'], {
        DATABASE_URL: url('hospital', 'p@ss/w:rd', 'latin'),
        VESTA_AUTH: 'open',
        PORT: String(await freePort()),
      });
      expect(server).toMatchObject({
        code: 1,
        output: expect.stringContaining('encoding must be UTF8; it is LATIN1'),
      });
    });
  },
);
