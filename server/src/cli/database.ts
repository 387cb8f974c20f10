import type pg from 'pg';
import type { Config } from '../config/config.ts';
import { startEmbeddedPostgres } from '../storage/embedded/postgres.ts';
import { withOwner } from '../storage/prepare.ts';
import { acquireLock, LockedError } from './lock.ts';

/**
 * Gives a connection of the database's owner to `work`: of the external database, of the embedded one that a server
 * runs at the moment, or of the embedded one started for this.
 * @param command name of the subcommand, for others who find the data directory in use
 */
export async function withDatabase<T>(
  config: Config,
  command: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  if (config.databaseUrl !== undefined) return await withOwner(config.databaseUrl, work);
  const options = { dataDirectory: config.dataDirectory, watch: false };
  let lock: Awaited<ReturnType<typeof acquireLock>> | undefined;
  try {
    lock = await acquireLock(config.dataDirectory, command);
  } catch (error) {
    // A server may hold it: then its PostgreSQL runs and is used beside it.
    if (!(error instanceof LockedError) || error.holder.url === undefined) throw error;
  }
  const postgres = await startEmbeddedPostgres(options);
  try {
    return await withOwner(postgres.url(), work);
  } finally {
    if (lock === undefined) postgres.release();
    else await postgres.stop();
    lock?.release();
  }
}
