import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { maintainAuditPartitions } from './audit/partitions.ts';
import { purgeAuth } from './auth/purge.ts';
import { deleteTenant, TenantError } from './tenants.ts';

export interface MaintenanceOptions {
  /** Milliseconds between two looks at what has been written; default 1000. */
  readonly tick?: number;
}

/** Advisory lock of the instance that does the maintenance of a database; the others stand by. */
export const MAINTENANCE_LOCK = '7363917404160414';
/** While writes go on the pending list is emptied this often, in milliseconds; when they pause, at once. */
const CLEAN_AT_LEAST = 10_000;
/** How often ended jobs and tenants that are being deleted are looked for, in milliseconds. */
const SWEEP_EVERY = 60_000;
/** How often the audit log's months and what has ended of authorization are looked after, in milliseconds. */
const TIDY_EVERY = 60 * 60 * 1000;
/** How long ended jobs are kept, in milliseconds. */
const JOBS_KEPT = 24 * 60 * 60 * 1000;
/** A table is analyzed when this share of its rows has changed, and at least so many rows. */
const ANALYZE_SHARE = 0.2;
const ANALYZE_ROWS = 5000;
/** During a load that does not pause a table is analyzed no more often than this, in milliseconds. */
const ANALYZE_AT_MOST = 20_000;
/** Longest pause before another try after an error, in milliseconds. */
const MAX_BACKOFF = 30_000;

/** Runs until it is stopped or the connection fails. */
class Maintenance {
  readonly #client: pg.Client;
  readonly #log: (message: string) => void;
  /** Rows written to store.resource, as last seen and when the pending list was last emptied. */
  #written = -1;
  #cleaned = -1;
  #cleanedAt = 0;
  #sweptAt = Number.NEGATIVE_INFINITY;
  #tidiedAt = Number.NEGATIVE_INFINITY;
  readonly #analyzedAt = new Map<string, number>();

  constructor(client: pg.Client, log: (message: string) => void) {
    this.#client = client;
    this.#log = log;
  }

  /** Whether this instance is the one that does the maintenance. */
  async lead(): Promise<boolean> {
    const { rows } = await this.#client.query(`select pg_try_advisory_lock(${MAINTENANCE_LOCK}) as got`);
    return rows[0].got;
  }

  /** One round: what there is to do now. */
  async round(stopping: () => boolean): Promise<void> {
    const { rows } = await this.#client.query(
      `select relname as table, (n_tup_ins + n_tup_upd)::float8 as written,
        n_mod_since_analyze::float8 as changed, n_live_tup::float8 as live
        from pg_stat_user_tables where schemaname = 'store'`,
    );
    const tables = rows as { table: string; written: number; changed: number; live: number }[];
    const written = tables.find(({ table }) => table === 'resource')?.written ?? 0;
    const quiet = written === this.#written;
    this.#written = written;
    await this.#cleanPendingList(quiet);
    for (const { table, changed, live } of tables) {
      if (changed >= Math.max(ANALYZE_ROWS, live * ANALYZE_SHARE) && !stopping())
        await this.#analyze(table, quiet);
    }
    if (performance.now() - this.#sweptAt < SWEEP_EVERY || stopping()) return;
    this.#sweptAt = performance.now();
    await this.#purgeJobs();
    await this.#finishDeletions();
    if (performance.now() - this.#tidiedAt < TIDY_EVERY || stopping()) return;
    this.#tidiedAt = performance.now();
    await this.#tidy();
  }

  /** The audit log's partitions, and tokens, sessions and the like that have ended. */
  async #tidy(): Promise<void> {
    const removed = await maintainAuditPartitions(this.#client);
    for (const month of removed) this.#log(`Removed the audit log of ${month.replace('_', '-')}`);
    const count = await purgeAuth(this.#client);
    if (count > 0) this.#log(`Removed ${count} rows of authorization that had ended`);
  }

  /**
   * New tokens first go to the pending list of the GIN index, which every search reads from end to end. It is emptied as
   * soon as writes pause, and now and then while they do not.
   */
  async #cleanPendingList(quiet: boolean): Promise<void> {
    const due = this.#written !== this.#cleaned;
    if (!due || !(quiet || performance.now() - this.#cleanedAt >= CLEAN_AT_LEAST)) return;
    const written = this.#written;
    await this.#client.query(`select gin_clean_pending_list('store.resource_tokens')`);
    this.#cleaned = written;
    this.#cleanedAt = performance.now();
  }

  /** Autovacuum does this, too, but too late for the searches that come right after a load. */
  async #analyze(table: string, quiet: boolean): Promise<void> {
    const since = performance.now() - (this.#analyzedAt.get(table) ?? Number.NEGATIVE_INFINITY);
    if (!quiet && since < ANALYZE_AT_MOST) return;
    // The statistics come with a delay: not again before they can have arrived.
    if (since < 3000) return;
    await this.#client.query(`analyze store.${pg.escapeIdentifier(table)}`);
    this.#analyzedAt.set(table, performance.now());
  }

  async #purgeJobs(): Promise<void> {
    const { rowCount } = await this.#client.query(
      `delete from store.job where state in ('done', 'failed', 'cancelled')
        and heartbeat < (extract(epoch from clock_timestamp()) * 1000)::bigint - ${JOBS_KEPT}`,
    );
    if (rowCount) this.#log(`Removed ${rowCount} old jobs`);
  }

  /** Tenants whose deletion was interrupted. One that somebody is deleting right now is left to him. */
  async #finishDeletions(): Promise<void> {
    const { rows } = await this.#client.query(
      `select name from store.tenant where state = 'deleting' and not exists (
        select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
          and usename = current_user and application_name = 'vesta-owner'
          and (query like 'delete from store.%' or query like 'update store.tenant set state%'))`,
    );
    for (const { name } of rows as { name: string }[]) {
      try {
        const count = await deleteTenant(this.#client, name);
        this.#log(`Finished the deletion of tenant ${name}: ${count} rows`);
      } catch (error) {
        // Somebody else has finished it.
        if (!(error instanceof TenantError)) throw error;
      }
    }
  }
}

/**
 * Keeps the database in shape while a server runs: empties the pending list of the token index, analyzes tables that
 * have grown, removes old jobs and what has ended of authorization, finishes interrupted deletions of tenants, keeps the
 * audit log's partitions. Of several instances on one database one does
 * it; after an error it connects again.
 *
 * @param ownerUrl connection string of the database's owner
 * @param log told in one line each what was done and what went wrong
 */
export function startMaintenance(
  ownerUrl: string,
  log: (message: string) => void,
  { tick = 1000 }: MaintenanceOptions = {},
): { stop(): Promise<void> } {
  const stopper = new AbortController();
  const { signal } = stopper;
  const stopping = (): boolean => signal.aborted;
  let client: pg.Client | undefined;

  const session = async (onSuccess: () => void): Promise<void> => {
    client = new pg.Client({
      connectionString: ownerUrl,
      application_name: 'vesta-maintenance',
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
    });
    // Reported by the query that meets it.
    client.on('error', () => {});
    try {
      await client.connect();
      const maintenance = new Maintenance(client, log);
      let leading = false;
      while (!stopping()) {
        leading ||= await maintenance.lead();
        if (leading) await maintenance.round(stopping);
        onSuccess();
        await pause(tick, signal);
      }
    } finally {
      await client.end().catch(() => {});
      client = undefined;
    }
  };

  const work = async (): Promise<void> => {
    let failures = 0;
    while (!stopping()) {
      try {
        await session(() => {
          failures = 0;
        });
      } catch (error) {
        if (stopping()) return;
        failures++;
        if (failures === 1) log(`Maintenance of the database is interrupted: ${(error as Error).message}`);
        await pause(Math.min(MAX_BACKOFF, 1000 * 2 ** (failures - 1)), signal);
      }
    }
  };
  const done = work();

  return {
    /** Ends after the statement under way; one that takes longer than two seconds is given up. */
    async stop() {
      stopper.abort();
      const patience = new AbortController();
      // Ending a connection in the middle of a statement cuts it.
      const cut = pause(2000, patience.signal).then(() =>
        patience.signal.aborted ? undefined : client?.end(),
      );
      await done;
      patience.abort();
      await cut;
    },
  };
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal, ref: false }).catch(() => {});
}
