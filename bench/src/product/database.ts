import { openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownerUrl } from '@vesta/server/src/storage/embedded/postgres.ts';
import { readPostmasterFile } from '@vesta/server/src/storage/embedded/postmaster.ts';
import { prepareDatabase } from '@vesta/server/src/storage/prepare.ts';
import pg from 'pg';
import { onEnd } from '../cleanup.ts';
import { type CapturedStatement, LOG_PREFIX, parseLog } from './sql-log.ts';

/** A look into the product's database from outside, as its owner: sizes, settings, and the SQL that it is sent. */
export class ProductDatabase {
  readonly #client: pg.Client;
  readonly #log: string;
  readonly #url: string;
  readonly #forget: () => Promise<void>;

  private constructor(client: pg.Client, url: string, log: string) {
    this.#client = client;
    this.#url = url;
    this.#log = log;
    this.#forget = onEnd('connection of the owner', () => client.end().catch(() => {}));
  }

  /** @param dataDirectory of a running product with embedded PostgreSQL */
  static async open(dataDirectory: string): Promise<ProductDatabase> {
    const secrets = JSON.parse(readFileSync(join(dataDirectory, 'secrets.json'), 'utf8'));
    const postmaster = readPostmasterFile(join(dataDirectory, 'postgres'));
    if (postmaster === undefined) throw new Error(`No PostgreSQL runs on ${dataDirectory}`);
    const url = ownerUrl({ secrets }, postmaster.socketDirectory, postmaster.port, 'vesta');
    const client = new pg.Client({ connectionString: url, application_name: 'bench' });
    client.on('error', () => {});
    await client.connect();
    return new ProductDatabase(client, url, join(dataDirectory, 'postgres.log'));
  }

  async close(): Promise<void> {
    await this.#forget();
  }

  /** Connection string of the role that serves requests. */
  async servingUrl(): Promise<string> {
    return (await prepareDatabase(this.#url, { statementTimeout: 30_000 })).url;
  }

  /** Bytes of the database, its indexes and everything; the log of changes (WAL) is not in it. */
  async size(): Promise<number> {
    return Number(await this.#value('select pg_database_size(current_database())'));
  }

  /** Size of each table with its TOAST and of its indexes, in bytes, the greatest first. */
  async tableSizes(): Promise<{ name: string; table: number; indexes: number }[]> {
    const { rows } = await this.#client.query(
      `select format('%s.%s', nspname, relname) as name, pg_table_size(c.oid)::float8 as table, pg_indexes_size(c.oid)::float8 as indexes
        from pg_class c join pg_namespace n on n.oid = relnamespace
        where relkind = 'r' and nspname in ('store', 'public') order by pg_total_relation_size(c.oid) desc limit 10`,
    );
    return rows;
  }

  /** Version of PostgreSQL, e.g. `18.4`. */
  async version(): Promise<string> {
    return String(await this.#value('show server_version'));
  }

  /** Values of settings, by name. */
  async settings(names: readonly string[]): Promise<Record<string, string>> {
    const { rows } = await this.#client.query(
      'select name, current_setting(name) as value from pg_settings where name = any($1)',
      [names],
    );
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  }

  /** The tenant's number, which the serving role's sessions carry in `app.tenant`. */
  async tenantId(name: string): Promise<number> {
    const { rows } = await this.#client.query('select id from store.tenant where name = $1', [name]);
    if (rows[0] === undefined) throw new Error(`The database has no tenant ${name}`);
    return rows[0].id as number;
  }

  /**
   * Waits until autovacuum has dealt with what was loaded: nothing runs, and the tables have been analyzed since.
   * @returns seconds waited, and whether it came to rest within the time
   */
  async settle(longest: number): Promise<{ seconds: number; settled: boolean }> {
    const began = performance.now();
    for (;;) {
      const busy = Number(
        await this.#value(
          `select (select count(*) from pg_stat_activity where backend_type = 'autovacuum worker' and query like 'autovacuum:%')
            + (select count(*) from pg_stat_user_tables where n_live_tup > 1000 and n_mod_since_analyze > 0.05 * n_live_tup + 50)`,
        ),
      );
      const seconds = (performance.now() - began) / 1000;
      if (busy === 0 || seconds > longest) return { seconds, settled: busy === 0 };
      await sleep(500);
    }
  }

  /** A checkpoint, so that the writes of one measurement are not paid for in the next. */
  async checkpoint(): Promise<void> {
    await this.#client.query('checkpoint');
  }

  /**
   * Lets `work` see which statements the product sends: `take` returns those since the last call. The server's
   * statement log is what tells them, so they are the very ones, with their values.
   */
  async capture<T>(work: (take: () => CapturedStatement[]) => Promise<T>): Promise<T> {
    const settings = {
      log_statement: 'all',
      log_error_verbosity: 'default',
      log_line_prefix: LOG_PREFIX,
      log_parameter_max_length: '-1',
      log_destination: 'stderr',
    };
    for (const [name, value] of Object.entries(settings)) {
      await this.#client.query(`alter system set ${name} = '${value}'`);
    }
    const restore = onEnd('statement log', async () => {
      for (const name of Object.keys(settings)) await this.#client.query(`alter system reset ${name}`);
      await this.#client.query('select pg_reload_conf()');
    });
    try {
      await this.#client.query('select pg_reload_conf()');
      // Sessions read the new settings before their next statement; give the postmaster time to tell them.
      await sleep(500);
      const file = openSync(this.#log, 'r');
      let position = statSync(this.#log).size;
      return await work(() => {
        const size = statSync(this.#log).size;
        const bytes = Buffer.alloc(size - position);
        readSync(file, bytes, 0, bytes.length, position);
        position = size;
        return parseLog(bytes.toString('utf8'));
      });
    } finally {
      await restore();
    }
  }

  async #value(sql: string): Promise<unknown> {
    const { rows } = await this.#client.query({ text: sql, rowMode: 'array' });
    return rows[0]?.[0];
  }
}
