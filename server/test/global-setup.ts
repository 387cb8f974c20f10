import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../src/storage/embedded/postgres.ts';
import { migrate } from '../src/storage/migrate.ts';
import { withOwner } from '../src/storage/prepare.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Connection string of the superuser of the run's PostgreSQL, database `vesta`. */
    postgresUrl: string;
    /** A migrated database that those of the tests are copies of: a tenth of the time that migrations take. */
    templateDatabase: string;
  }
}

/** Starts one PostgreSQL for the whole run; `VESTA_TEST_DATABASE_URL` names another one to use instead. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, stop } = await postgresOfTheRun();
  const template = `test_template_${randomBytes(6).toString('hex')}`;
  await withOwner(url, (client) => client.query(`create database ${template} template template0`));
  const templateUrl = new URL(url);
  templateUrl.pathname = `/${template}`;
  await withOwner(templateUrl.href, (client) => migrate(client));
  project.provide('postgresUrl', url);
  project.provide('templateDatabase', template);
  return async () => {
    try {
      await withOwner(url, (client) => client.query(`drop database ${template} with (force)`));
    } finally {
      await stop();
    }
  };
}

async function postgresOfTheRun(): Promise<{ url: string; stop: () => Promise<void> }> {
  const external = process.env['VESTA_TEST_DATABASE_URL'];
  if (external !== undefined) return { url: external, stop: async () => {} };
  const directory = mkdtempSync(join(tmpdir(), 'vesta-test-'));
  const postgres = await startEmbeddedPostgres({
    dataDirectory: directory,
    fast: true,
    // Nothing in it outlives the run. Tests of durability start their own, as it is delivered.
    settings: {
      fsync: 'off',
      full_page_writes: 'off',
      shared_buffers: '256MB',
      max_connections: '400',
      max_wal_size: '1GB',
    },
  });
  return {
    url: postgres.url(),
    stop: async () => {
      await postgres.stop('immediate');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
