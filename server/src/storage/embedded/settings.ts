import { availableParallelism, totalmem } from 'node:os';

/** What the embedded PostgreSQL is tuned for; all may be overridden by {@link postgresSettings}' second argument. */
export interface Machine {
  /** Bytes of memory that this process and its database may use. */
  readonly memory: number;
  readonly cores: number;
}

/** This machine, with the limits of its container (cgroup) taken into account. */
export function thisMachine(): Machine {
  const constrained = process.constrainedMemory();
  const total = totalmem();
  return {
    memory: constrained > 0 && constrained < total ? constrained : total,
    cores: availableParallelism(),
  };
}

const MB = 1024 * 1024;

/**
 * The server settings of the embedded PostgreSQL, by name. Durability is never traded: fsync, full_page_writes and
 * synchronous_commit stay on. The WAL is allowed to grow to 4 GB between checkpoints, because each first change of a
 * page after a checkpoint writes the whole page (many narrow indexes: up to 94 kB of WAL per create).
 *
 * @param machine memory and cores to tune for
 * @param overrides settings that replace the computed ones
 */
export function postgresSettings(
  machine: Machine,
  overrides: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const megabytes = Math.floor(machine.memory / MB);
  const sharedBuffers = Math.max(128, Math.min(1024, Math.floor(megabytes / 4)));
  const parallel = machine.cores > 4 ? 2 : 0;
  return {
    max_connections: '100',
    max_locks_per_transaction: '256',
    shared_buffers: `${sharedBuffers}MB`,
    effective_cache_size: `${Math.max(256, Math.floor(megabytes / 2))}MB`,
    work_mem: megabytes >= 8192 ? '16MB' : '8MB',
    maintenance_work_mem: megabytes >= 8192 ? '256MB' : '64MB',
    huge_pages: 'try',
    // Commits are durable when they are acknowledged.
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    wal_level: 'replica',
    max_wal_size: '4GB',
    min_wal_size: '256MB',
    wal_buffers: '16MB',
    checkpoint_timeout: '15min',
    checkpoint_completion_target: '0.9',
    jit: 'off',
    random_page_cost: '1.1',
    // With few cores a parallel plan takes from the other requests what it gives to this one.
    max_parallel_workers_per_gather: String(parallel),
    max_worker_processes: '8',
    autovacuum_naptime: '20s',
    autovacuum_max_workers: '2',
    autovacuum_vacuum_cost_limit: '1000',
    autovacuum_vacuum_cost_delay: '2ms',
    autovacuum_work_mem: '64MB',
    password_encryption: 'scram-sha-256',
    timezone: 'UTC',
    log_timezone: 'UTC',
    datestyle: 'iso, ymd',
    default_text_search_config: 'pg_catalog.simple',
    // Statements, their parameters and DETAIL lines hold patient data: errors are reported to the client only.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_checkpoints: 'off',
    log_connections: '',
    track_io_timing: 'off',
    ...overrides,
  };
}

/** The text of postgresql.conf for the settings; values are quoted as PostgreSQL's configuration files want it. */
export function postgresConf(settings: Readonly<Record<string, string>>): string {
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`,
  );
  return [
    '# Written by Vesta at each start. Put settings of your own into user.conf beside this file: they win.',
    ...lines,
    "include 'user.conf'",
    '',
  ].join('\n');
}
