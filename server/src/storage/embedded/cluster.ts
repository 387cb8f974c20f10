import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Account, ids } from './account.ts';
import { giveToOwner, readSecrets, type Secrets, writeFileWhole, writeSecrets } from './files.ts';
import { clusterDirectory, newCluster, type Programs } from './places.ts';

/** Name of the embedded database's owner, and of its database. */
export const OWNER = 'vesta';

const LOG_LIMIT = 10 * 1024 * 1024;

/** A cluster on disk that may be started. */
export interface Cluster {
  /** PGDATA. */
  readonly directory: string;
  readonly dataDirectory: string;
  readonly secrets: Secrets;
  readonly account: Account;
  readonly programs: Programs;
  /** Made by this call. */
  readonly created: boolean;
}

/**
 * Finds the cluster of a data directory or makes it (UTF-8, builtin C.UTF-8 collation, data checksums, passwords by
 * SCRAM only). Whoever calls holds the data directory's lock.
 *
 * @param fast skip waiting for the disk: for tests whose data may be lost
 * @throws Error when initdb fails, or when the cluster is of another major version of PostgreSQL
 */
export function openCluster(
  dataDirectory: string,
  account: Account,
  programs: Programs,
  fast = false,
): Cluster {
  const directory = clusterDirectory(dataDirectory);
  const common = { dataDirectory, account, programs };
  if (existsSync(join(directory, 'PG_VERSION'))) {
    checkVersion(directory, programs);
    const secrets = readSecrets(dataDirectory) ?? resetPassword(directory, dataDirectory, account, programs);
    return { ...common, directory, secrets, created: false };
  }
  if (existsSync(directory) && readdirSync(directory).length > 0) {
    throw new Error(
      `${directory} is not empty and is no PostgreSQL cluster. Move it away, or set VESTA_DATA_DIR to another directory.`,
    );
  }
  removeUnfinished(dataDirectory);
  const secrets = readSecrets(dataDirectory) ?? { postgresPassword: randomBytes(24).toString('base64url') };
  const made = newCluster(dataDirectory, account);
  const passwordFile = join(made.directory, '..', `vesta-pw-${randomBytes(6).toString('hex')}`);
  try {
    writeFileWhole(passwordFile, secrets.postgresPassword, 0o600, account);
    run(programs, account, 'initdb', [
      `--pgdata=${made.directory}`,
      `--username=${OWNER}`,
      `--pwfile=${passwordFile}`,
      '--auth-local=scram-sha-256',
      '--auth-host=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--data-checksums',
      ...(fast ? ['--no-sync'] : []),
    ]);
  } catch (error) {
    rmSync(made.directory, { recursive: true, force: true });
    throw error;
  } finally {
    rmSync(passwordFile, { force: true });
  }
  // The secrets are there before the cluster is: a cluster whose password is lost would have to be repaired.
  writeSecrets(dataDirectory, secrets);
  if (existsSync(directory)) rmSync(directory, { recursive: true });
  return { ...common, directory: made.publish(), secrets, created: true };
}

/** Starts `postgres` on the cluster, detached, its messages going to `<dataDir>/postgres.log`. Does not wait. */
export function spawnPostmaster(cluster: Cluster, socketDirectory: string): ChildProcess {
  const log = openLog(cluster.dataDirectory);
  try {
    const child = spawn(
      join(cluster.programs.home, 'bin', 'postgres'),
      ['-D', cluster.directory, '-k', socketDirectory, '-c', 'listen_addresses='],
      {
        cwd: '/',
        // A signal from the terminal must not end the database before those who use it.
        detached: true,
        stdio: ['ignore', log, log],
        env: programEnvironment(),
        ...ids(cluster.account),
      },
    );
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

/** How many bytes of messages there are: where those of the next start begin. */
export function logSize(dataDirectory: string): number {
  const size = statSync(logFile(dataDirectory), { throwIfNoEntry: false })?.size ?? 0;
  return size > LOG_LIMIT ? 0 : size;
}

/** The last lines of `<dataDir>/postgres.log` after so many bytes, for error messages. */
export function logTail(dataDirectory: string, from: number, lines = 8): string {
  try {
    return readFileSync(logFile(dataDirectory))
      .subarray(from)
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .slice(-lines)
      .join('\n');
  } catch {
    return '';
  }
}

function logFile(dataDirectory: string): string {
  return join(dataDirectory, 'postgres.log');
}

function openLog(dataDirectory: string): number {
  const path = logFile(dataDirectory);
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LOG_LIMIT) renameSync(path, `${path}.old`);
  const descriptor = openSync(path, 'a', 0o600);
  giveToOwner(path);
  return descriptor;
}

function checkVersion(directory: string, programs: Programs): void {
  const major = readFileSync(join(directory, 'PG_VERSION'), 'utf8').trim();
  const wanted = programs.version.split('.')[0];
  if (major !== wanted) {
    throw new Error(
      `The database in ${directory} was made by PostgreSQL ${major}; this Vesta brings PostgreSQL ${wanted}. ` +
        `Dump it with the old version and load it into a new data directory.`,
    );
  }
}

function removeUnfinished(dataDirectory: string): void {
  for (const name of readdirSync(dataDirectory)) {
    if (/^(postgres\.new-|vesta-pw-)[0-9a-f]{12}$/.test(name)) {
      rmSync(join(dataDirectory, name), { recursive: true, force: true });
    }
  }
}

/** Gives the owner a new password when secrets.json was lost, in PostgreSQL's single-user mode. */
function resetPassword(
  directory: string,
  dataDirectory: string,
  account: Account,
  programs: Programs,
): Secrets {
  const secrets = { postgresPassword: randomBytes(24).toString('base64url') };
  run(
    programs,
    account,
    'postgres',
    ['--single', '-D', directory, 'postgres'],
    `alter role ${OWNER} password '${secrets.postgresPassword}'\n`,
  );
  writeSecrets(dataDirectory, secrets);
  return secrets;
}

function run(programs: Programs, account: Account, program: string, args: string[], input = ''): void {
  const result = spawnSync(join(programs.home, 'bin', program), args, {
    cwd: '/',
    encoding: 'utf8',
    input,
    env: programEnvironment(),
    ...ids(account),
  });
  if (result.status === 0) return;
  const reason = result.error?.message ?? `${result.stderr}${result.stdout}`.trim();
  throw new Error(`${program} failed: ${reason || `exit code ${result.status ?? result.signal}`}`);
}

/** The programs see no PG* variables of the user's, which would change what they do. */
function programEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/.test(name));
  return { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' };
}
