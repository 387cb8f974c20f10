import pg from 'pg';
import type { Tenant } from '../access/scope.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { Revealer } from '../security/fields/reveal.ts';
import { IsolationFaults } from './isolation.ts';
import { sendTogether } from './send-together.ts';
import { Watchdog } from './watchdog.ts';

/** A statement as the planner or this folder makes it. A `name` lets the server keep it prepared. */
export interface SqlStatement {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly name?: string;
}

export type Row = unknown[];

/** What a pool is for: reads by id must not wait behind slow searches, nor writes behind either. */
export type PoolName = 'read' | 'search' | 'write';

export interface ConnectionOptions {
  /** Connection string of the serving role. */
  readonly connectionString: string;
  readonly poolSizes: Readonly<Record<PoolName, number>>;
  /** Longest time a statement of the pool may run, in milliseconds. */
  readonly statementTimeouts: Readonly<Record<PoolName, number>>;
  /** Longest wait for a free connection, in milliseconds; then 503. */
  readonly acquireTimeout: number;
}

/** SQLSTATE classes that mean the database is away or overloaded, not that the request is wrong. */
const UNAVAILABLE = /^(08|57P0|53|58)/;

/** True for an error of the network or of a database that is starting, stopping, full or gone. */
export function isUnavailable(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  if (typeof code === 'string') {
    if (/^[0-9A-Z]{5}$/.test(code)) return UNAVAILABLE.test(code);
    return /^(ECONN|ENOENT|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN)/.test(code);
  }
  return /Connection terminated|not queryable|connection error/i.test(message ?? '') || isTimeout(error);
}

/** True when no connection was made, or none was given back, within the time that was set. */
function isTimeout(error: unknown): boolean {
  return /timeout exceeded when trying to connect|due to connection timeout|timeout expired/.test(
    (error as Error).message ?? '',
  );
}

/** R4 issue-type: of what passes by itself. */
const PASSING = new Set<string | undefined>(['transient', 'throttled']);

/** Whether an error says that the database, or something else that is needed, is away: the same may succeed later. */
export function isTransient(error: unknown): boolean {
  if (error instanceof FhirError) return PASSING.has(error.issues[0]?.code);
  return isUnavailable(error);
}

/** What a client is told of a database error that is not its own fault; other errors pass unchanged. */
export function toFhirError(error: unknown): unknown {
  if (error instanceof FhirError) return error;
  const code = (error as { code?: string }).code;
  if (code === '57014') {
    return new FhirError(
      503,
      {
        severity: 'error',
        code: 'too-costly',
        diagnostics: 'The query took longer than this server allows. Narrow it down.',
      },
      { 'Retry-After': '5' },
    );
  }
  if (isUnavailable(error)) {
    return new FhirError(
      503,
      {
        severity: 'error',
        code: 'transient',
        diagnostics: 'The database is not available at the moment. Try again.',
      },
      { 'Retry-After': '2' },
    );
  }
  return error;
}

/**
 * A connection lent to one caller, inside one tenant. Statements are pipelined: they go to the server as they are
 * called, without waiting for each other's answers.
 */
export class TenantConnection {
  readonly #client: pg.PoolClient;
  readonly #ready: Promise<unknown> | undefined;
  readonly #names: Set<string>;
  readonly #reveal: ((rows: Row[]) => Row[] | Promise<Row[]>) | undefined;

  /** @param reveal decrypts what is stored encrypted, in place */
  constructor(
    client: pg.PoolClient,
    ready: Promise<unknown> | undefined,
    names: Set<string> = new Set(),
    reveal?: (rows: Row[]) => Row[] | Promise<Row[]>,
  ) {
    this.#client = client;
    this.#ready = ready;
    this.#names = names;
    this.#reveal = reveal;
  }

  /** Sends a statement and returns its rows as arrays in column order, and the command tag's count. */
  async query(statement: SqlStatement): Promise<{ rows: Row[]; count: number; command: string }> {
    const { text, values, name } = statement;
    sendTogether(this.#client);
    const sent = this.#client.query({
      text,
      values: values as unknown[],
      rowMode: 'array',
      ...(name !== undefined && this.#mayPrepare(name) ? { name } : {}),
    });
    const result = this.#ready === undefined ? await sent : (await Promise.all([this.#ready, sent]))[1];
    // Several statements in one text have several results, and no rows.
    const found = result.rows as Row[] | undefined;
    if (this.#reveal !== undefined && found !== undefined && found.length > 0) {
      const revealed = this.#reveal(found);
      if (revealed instanceof Promise) await revealed;
    }
    return { rows: result.rows as Row[], count: result.rowCount ?? 0, command: result.command };
  }

  #mayPrepare(name: string): boolean {
    if (this.#names.has(name)) return true;
    if (this.#names.size >= MAX_PREPARED) return false;
    this.#names.add(name);
    return true;
  }
}

/**
 * How the pools' statements are planned. Searches are planned for their values, because a plan for any values was up to
 * 500 times slower on skewed ones; those of the read pool have a shape that leaves one plan. Pages are cheap, because
 * what is searched lies in memory: with PostgreSQL's defaults the planner reads whole indexes to spare a few of them.
 */
const CHEAP_PAGES = '-c random_page_cost=0.4 -c seq_page_cost=0.4';
const PLANNING: Readonly<Record<PoolName, string>> = {
  read: `-c plan_cache_mode=force_generic_plan ${CHEAP_PAGES}`,
  search: `-c plan_cache_mode=force_custom_plan ${CHEAP_PAGES}`,
  write: CHEAP_PAGES,
};

/**
 * Statements that a process keeps prepared. Clients can ask searches of ever new shapes; beyond this number they are
 * planned each time instead of filling the memory of every connection.
 */
const MAX_PREPARED = 400;

/** How often a connection is asked for whose time ran out while the process itself stood still. */
const MOST_ASKED = 3;

/** Lends connections: what reads and writes work with, be it the pools or one transaction that stands in for them. */
export interface Connections {
  /**
   * Lends a connection of a pool, inside a tenant, for the time of `work`.
   * @throws FhirError 503 when the database is away or no connection gets free in time
   */
  within<T>(tenant: Tenant, pool: PoolName, work: (connection: TenantConnection) => Promise<T>): Promise<T>;
  /** Runs a statement that concerns no tenant's rows (tenants, settings, sequences). */
  global(statement: SqlStatement): Promise<Row[]>;
}

/**
 * The pools of the serving role. Each connection carries the tenant it was last used for in `app.tenant`, which row
 * level security and the tenant views compare with; this class is the only place that sets it.
 */
export class ConnectionPools implements Connections {
  readonly #pools: Record<PoolName, pg.Pool>;
  readonly #tenantOf = new WeakMap<object, number>();
  readonly #names = new Set<string>();
  readonly #watchdog: Watchdog;
  /** Decrypts what is stored encrypted in every row that is read, whatever reads it. */
  reveal: Revealer | undefined;
  /** Statements that row level security has refused. */
  readonly isolation = new IsolationFaults();

  constructor(options: ConnectionOptions) {
    this.#watchdog = new Watchdog({
      connectionString: options.connectionString,
      patience: Math.min(5000, options.acquireTimeout),
    });
    const pool = (name: PoolName, max: number): pg.Pool => {
      const made = new pg.Pool({
        connectionString: options.connectionString,
        max,
        pipeline: true,
        connectionTimeoutMillis: options.acquireTimeout,
        idleTimeoutMillis: 60_000,
        statement_timeout: options.statementTimeouts[name],
        application_name: `vesta-${name}`,
        options: PLANNING[name],
        keepAlive: true,
      } as pg.PoolConfig);
      // A connection that breaks while idle is dropped by the pool; without a listener it would end the process.
      made.on('error', () => {});
      made.on('connect', (client) => client.on('error', () => {}));
      return made;
    };
    this.#pools = {
      read: pool('read', options.poolSizes.read),
      search: pool('search', options.poolSizes.search),
      write: pool('write', options.poolSizes.write),
    };
  }

  async within<T>(
    tenant: Tenant,
    pool: PoolName,
    work: (connection: TenantConnection) => Promise<T>,
  ): Promise<T> {
    const client = await this.#lend(pool);
    let broken: Error | undefined;
    try {
      let ready: Promise<unknown> | undefined;
      if (this.#tenantOf.get(client) !== tenant.id) {
        this.#tenantOf.delete(client);
        ready = client.query(`select set_config('app.tenant', '${Number(tenant.id)}', false)`).then(() => {
          this.#tenantOf.set(client, tenant.id);
        });
        // Also awaited by every query; this only keeps an early failure from being an unhandled rejection.
        ready.catch(() => {});
      }
      const { reveal } = this;
      const revealing = reveal && ((rows: Row[]) => reveal(tenant, rows));
      return await work(new TenantConnection(client, ready, this.#names, revealing));
    } catch (error) {
      if (isUnavailable(error)) broken = error as Error;
      this.isolation.look(error);
      throw toFhirError(error);
    } finally {
      this.#watchdog.returned(client);
      client.release(broken ?? this.#tenantOf.get(client) !== tenant.id);
    }
  }

  async global(statement: SqlStatement): Promise<Row[]> {
    const client = await this.#lend('read');
    let broken: Error | undefined;
    try {
      const result = await client.query({
        text: statement.text,
        values: statement.values as unknown[],
        rowMode: 'array',
      });
      return result.rows as unknown as Row[];
    } catch (error) {
      if (isUnavailable(error)) broken = error as Error;
      throw toFhirError(error);
    } finally {
      this.#watchdog.returned(client);
      client.release(broken);
    }
  }

  /** @throws FhirError 503 when the database is away or no connection gets free in time */
  async #lend(pool: PoolName): Promise<pg.PoolClient> {
    for (let left = MOST_ASKED; ; left--) {
      const since = performance.now();
      try {
        if (this.#watchdog.silent) throw new Error('Connection terminated: the database does not answer');
        const client = await this.#pools[pool].connect();
        this.#watchdog.lent(client);
        return client;
      } catch (error) {
        // The time has passed while this process stood still: the database is not to blame.
        if (left > 1 && isTimeout(error) && this.#watchdog.stoodStill(since)) continue;
        throw toFhirError(error);
      }
    }
  }

  /** Connections in use, idle and callers waiting, by pool: for /metrics. */
  stats(): Record<PoolName, { total: number; idle: number; waiting: number }> {
    const of = (pool: pg.Pool) => ({
      total: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    });
    return { read: of(this.#pools.read), search: of(this.#pools.search), write: of(this.#pools.write) };
  }

  async close(): Promise<void> {
    this.#watchdog.stop();
    await Promise.all(Object.values(this.#pools).map((pool) => pool.end()));
  }
}
