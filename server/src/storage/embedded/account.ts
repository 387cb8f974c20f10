import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';

/** An operating system account that PostgreSQL's programs run as; `undefined` ids mean "as this process". */
export interface Account {
  readonly name: string;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

const SELF: Account = { name: 'this user', uid: undefined, gid: undefined };

/**
 * The account for PostgreSQL, which refuses to run as root. A normal user runs it itself. Root runs it as the owner
 * of the existing cluster, else as `postgres`, which is made when absent, else as `nobody`.
 *
 * @param cluster directory of the cluster; need not exist
 * @throws Error when root finds no account to use
 */
export function postgresAccount(cluster: string): Account {
  if (process.getuid?.() !== 0) return SELF;
  const owner = ownerOf(cluster);
  if (owner !== undefined && owner.uid !== 0) {
    const name = accounts().find((entry) => entry.uid === owner.uid)?.name;
    if (name === undefined) {
      throw new Error(
        `The database in ${cluster} belongs to user id ${owner.uid}, which has no account on this machine. ` +
          'Give it to the user postgres: chown -R postgres: ' +
          cluster,
      );
    }
    return { name, ...owner };
  }
  const known = accountNamed('postgres');
  if (known !== undefined) return known;
  const commands = [
    ['useradd', '--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent', 'postgres'],
    ['adduser', '-S', '-D', '-H', 'postgres'],
  ];
  for (const [command, ...args] of commands) {
    spawnSync(command!, args, { stdio: 'ignore' });
    const made = accountNamed('postgres');
    if (made !== undefined) return made;
  }
  const nobody = accountNamed('nobody');
  if (nobody !== undefined) return nobody;
  throw new Error(
    'PostgreSQL does not run as root, and no user "postgres" could be made. Start Vesta as a normal user, ' +
      'make a user named postgres, or set DATABASE_URL to an external PostgreSQL.',
  );
}

/** Whether the account can enter the directory, through each one above it. */
export function canReach(account: Account, directory: string): boolean {
  const probe = spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', directory], {
    cwd: '/',
    stdio: 'ignore',
    ...ids(account),
  });
  return probe.status === 0;
}

/** The account as options of node:child_process. */
export function ids(account: Account): { uid?: number; gid?: number } {
  return account.uid === undefined || account.gid === undefined ? {} : { uid: account.uid, gid: account.gid };
}

function ownerOf(path: string): { uid: number; gid: number } | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && { uid: stats.uid, gid: stats.gid };
}

function accountNamed(name: string): Account | undefined {
  return accounts().find((entry) => entry.name === name && entry.uid !== 0);
}

function accounts(): { name: string; uid: number; gid: number }[] {
  let text: string;
  try {
    text = readFileSync('/etc/passwd', 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    return name && uid && gid ? [{ name, uid: Number(uid), gid: Number(gid) }] : [];
  });
}
