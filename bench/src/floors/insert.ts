import { startEmbeddedPostgres } from '@vesta/server/src/storage/embedded/postgres.ts';
import { runInChild } from '../child-process.ts';
import { onEnd } from '../cleanup.ts';
import type { PreparedPatient } from '../synthea/prepare.ts';
import type { InsertJob, InsertResult } from './insert-child.ts';

/** Rows of a statement. Tried from 100 to 5,000: none was clearly faster. */
const BATCH = 1000;

/**
 * Floor of ingest: the same resources through bare `pg` into a table (id, type, content) with a primary key, in
 * multi-row INSERTs and one transaction for each bundle. A PostgreSQL of its own with the product's settings.
 *
 * @param directory for its cluster; made when absent
 * @returns rows and seconds
 * @throws Error when fsync is off or rows are missing
 */
export async function insertFloor(
  directory: string,
  patients: readonly PreparedPatient[],
  connections: number,
): Promise<InsertResult> {
  const postgres = await startEmbeddedPostgres({ dataDirectory: directory, watch: false });
  const stop = onEnd('PostgreSQL of the insert floor', () => postgres.stop());
  try {
    return await runInChild<InsertJob, InsertResult>(new URL('./insert-child.ts', import.meta.url), {
      url: postgres.url(),
      connections,
      files: patients.map(({ rowsFile }) => rowsFile),
      batch: BATCH,
    });
  } finally {
    await stop();
  }
}
