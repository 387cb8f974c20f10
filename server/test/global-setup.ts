import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../src/storage/embedded/postgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Connection string of the superuser of the run's PostgreSQL, database `vesta`. */
    postgresUrl: string;
  }
}

/** Starts one PostgreSQL for the whole run; `VESTA_TEST_DATABASE_URL` names another one to use instead. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const external = process.env['VESTA_TEST_DATABASE_URL'];
  if (external !== undefined) {
    project.provide('postgresUrl', external);
    return async () => {};
  }
  const directory = mkdtempSync(join(tmpdir(), 'vesta-test-'));
  const postgres = await startEmbeddedPostgres({
    dataDirectory: directory,
    fast: true,
    // Nothing in it outlives the run. Tests of durability start their own, as it is delivered.
    settings: { fsync: 'off', shared_buffers: '256MB', max_connections: '200', max_wal_size: '1GB' },
  });
  project.provide('postgresUrl', postgres.url());
  return async () => {
    await postgres.stop('immediate');
    rmSync(directory, { recursive: true, force: true });
  };
}
