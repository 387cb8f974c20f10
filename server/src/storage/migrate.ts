import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';

/** What migrations and roles need of a connection: pg.Client, or a client of a pool. */
export type OwnerConnection = Pick<pg.ClientBase, 'query'>;

/** Advisory lock that only one instance at a time changes schema, roles and settings under. */
const MIGRATION_LOCK = '7363917404160413';

const FOLDER = join(import.meta.dirname, 'migrations');

interface MigrationFile {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/** One migration as `vesta db status` lists it. */
export interface MigrationState {
  /** File name without `.sql`, e.g. `001-resources`. */
  readonly name: string;
  /** When it was applied; undefined when it is pending. */
  readonly applied?: Date;
  /** `changed`: applied with another content; `unknown`: applied by a newer Vesta. */
  readonly state: 'applied' | 'pending' | 'changed' | 'unknown';
}

/** Thrown when the database and the migrations of this Vesta do not go together. */
export class MigrationError extends Error {}

/**
 * Runs `work` while holding the lock that keeps other instances from changing schema and roles at the same time.
 * The lock is of the session: `connection` must not be a pool.
 */
export async function underMigrationLock<T>(connection: OwnerConnection, work: () => Promise<T>): Promise<T> {
  await connection.query(`select pg_advisory_lock(${MIGRATION_LOCK})`);
  try {
    return await work();
  } finally {
    await connection.query(`select pg_advisory_unlock(${MIGRATION_LOCK})`);
  }
}

/**
 * Brings the database to the schema of this Vesta: applies the pending `migrations/NNN-name.sql` in order, each in a
 * transaction of its own, then the optional trigram index for string searches. Safe to call by many instances at once.
 *
 * @param connection of the owner, outside a transaction; PostgreSQL 15 or later
 * @param log told what is done, in one line each
 * @returns the names of the migrations that were applied now
 * @throws MigrationError when an applied migration has changed, or the database is of a newer Vesta
 */
export async function migrate(
  connection: OwnerConnection,
  log: (message: string) => void = () => {},
): Promise<string[]> {
  await requireVersion(connection);
  return await underMigrationLock(connection, async () => {
    const files = migrationFiles();
    await connection.query(
      `create table if not exists public.store_migration (
        name text primary key, checksum text not null, applied timestamptz not null default clock_timestamp())`,
    );
    const applied = await appliedMigrations(connection);
    const wrong = compare(files, applied).find(({ state }) => state === 'changed' || state === 'unknown');
    if (wrong !== undefined) throw new MigrationError(explain(wrong));
    const done: string[] = [];
    for (const file of files) {
      if (applied.has(file.name)) continue;
      log(`Migrating the database: ${file.name}`);
      await inTransaction(connection, async () => {
        await connection.query(file.sql);
        await connection.query('insert into public.store_migration (name, checksum) values ($1, $2)', [
          file.name,
          file.checksum,
        ]);
      });
      done.push(file.name);
    }
    await addTrigramIndex(connection, log);
    return done;
  });
}

/** The state of every migration, without changing anything; all pending in an empty database. */
export async function migrationStatus(connection: OwnerConnection): Promise<MigrationState[]> {
  const { rows } = await connection.query(`select to_regclass('public.store_migration') as found`);
  const applied = rows[0]?.found ? await appliedMigrations(connection) : new Map<string, Applied>();
  return compare(migrationFiles(), applied);
}

/** @throws MigrationError when the server is older than PostgreSQL 15 */
export async function requireVersion(connection: OwnerConnection): Promise<void> {
  const { rows } = await connection.query(`select current_setting('server_version_num')::int as number,
    current_setting('server_version') as version, current_setting('server_encoding') as encoding`);
  if (rows[0].number < 150000) {
    throw new MigrationError(`DATABASE_URL: Vesta needs PostgreSQL 15 or later; this is ${rows[0].version}`);
  }
  if (rows[0].encoding !== 'UTF8') {
    throw new MigrationError(`DATABASE_URL: the database's encoding must be UTF8; it is ${rows[0].encoding}`);
  }
}

/** Runs `work` between begin and commit, or rolls back. */
export async function inTransaction<T>(connection: OwnerConnection, work: () => Promise<T>): Promise<T> {
  await connection.query('begin');
  try {
    const result = await work();
    await connection.query('commit');
    return result;
  } catch (error) {
    await connection.query('rollback').catch(() => {});
    throw error;
  }
}

interface Applied {
  readonly checksum: string;
  readonly applied: Date;
}

async function appliedMigrations(connection: OwnerConnection): Promise<Map<string, Applied>> {
  const { rows } = await connection.query('select name, checksum, applied from public.store_migration');
  return new Map(rows.map((row) => [row.name as string, row as Applied]));
}

function migrationFiles(): MigrationFile[] {
  return readdirSync(FOLDER)
    .filter((name) => /^\d{3}-[a-z0-9-]+\.sql$/.test(name))
    .sort()
    .map((name) => {
      const sql = readFileSync(join(FOLDER, name), 'utf8').replaceAll('\r\n', '\n');
      return { name: name.slice(0, -4), sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });
}

function compare(files: readonly MigrationFile[], applied: ReadonlyMap<string, Applied>): MigrationState[] {
  const known = files.map(({ name, checksum }): MigrationState => {
    const row = applied.get(name);
    if (row === undefined) return { name, state: 'pending' };
    return { name, applied: row.applied, state: row.checksum === checksum ? 'applied' : 'changed' };
  });
  const names = new Set(files.map(({ name }) => name));
  const unknown = [...applied].filter(([name]) => !names.has(name));
  return [
    ...known,
    ...unknown.map(([name, row]): MigrationState => ({ name, applied: row.applied, state: 'unknown' })),
  ];
}

function explain({ name, state }: MigrationState): string {
  return state === 'unknown'
    ? `The database was migrated by a newer Vesta (${name}). Start that version, or another database.`
    : `The migration ${name} has changed since it was applied to this database. ` +
        'Restore the file, or start with an empty database.';
}

/**
 * Trigrams let `:contains` use an index. The extension is trusted, so a database's owner may create it; where even
 * that is forbidden, such searches scan their parameter's rows.
 */
async function addTrigramIndex(connection: OwnerConnection, log: (message: string) => void): Promise<void> {
  const { rows } = await connection.query(`select to_regclass('store.index_string_trigram') is null
    and to_regclass('store.index_string') is not null as wanted`);
  if (!rows[0].wanted) return;
  try {
    await inTransaction(connection, async () => {
      await connection.query('create extension if not exists pg_trgm schema store');
      const found = await connection.query(
        `select quote_ident(nspname) as schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace
          where extname = 'pg_trgm'`,
      );
      await connection.query(
        `create index index_string_trigram on store.index_string using gin (value ${found.rows[0].schema}.gin_trgm_ops)`,
      );
    });
  } catch (error) {
    log(`No trigram index, :contains searches will be slower: ${(error as Error).message}`);
  }
}
