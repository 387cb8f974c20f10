import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What `postmaster.pid` of a cluster says (PostgreSQL storage/lmgr: one line each). */
export interface PostmasterFile {
  readonly pid: number;
  readonly port: number;
  readonly socketDirectory: string;
  readonly status: 'starting' | 'ready' | 'stopping' | 'standby' | '';
}

/** Reads `postmaster.pid`; undefined when there is none (no server, or one that stopped cleanly). */
export function readPostmasterFile(cluster: string): PostmasterFile | undefined {
  let text: string;
  try {
    text = readFileSync(join(cluster, 'postmaster.pid'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return {
    pid,
    port: Number(lines[3] ?? 5432) || 5432,
    socketDirectory: lines[4] ?? '',
    status: (lines[7] ?? '').trim() as PostmasterFile['status'],
  };
}

/** Whether a process with the id runs. One that ended and that nobody has waited for (a zombie) does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.charAt(stat.lastIndexOf(')') + 2) !== 'Z';
  } catch {
    return true;
  }
}

/**
 * Whether the process is a postmaster of the cluster, not another one that has got its number since (after a reboot
 * or in a new container).
 */
export function isPostmasterOf(pid: number, cluster: string): boolean {
  if (!isAlive(pid)) return false;
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(cluster);
  } catch {
    const ps = spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    return ps.status === 0 && ps.stdout.includes('postgres');
  }
}

/**
 * Takes away what a postmaster that was killed has left, if PostgreSQL would not do so itself: it takes the lock files
 * for valid when their process id belongs to any process, be it another program by now or one that ended and waits for
 * its parent. Sessions that outlived the postmaster are ended first: two servers on one cluster would destroy it.
 */
export async function clearAway(cluster: string, file: PostmasterFile): Promise<void> {
  try {
    process.kill(file.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
  }
  const began = Date.now();
  for (;;) {
    const left = processesIn(cluster);
    // Without /proc nobody can tell whether sessions are left: PostgreSQL decides, and may refuse.
    if (left === undefined) return;
    if (left.length === 0) break;
    const waited = Date.now() - began;
    if (waited > 3000) for (const pid of left) kill(pid, waited > 15_000 ? 'SIGKILL' : 'SIGQUIT');
    await sleep(100);
  }
  rmSync(join(cluster, 'postmaster.pid'), { force: true });
  const socket = join(file.socketDirectory || cluster, `.s.PGSQL.${file.port}`);
  rmSync(socket, { force: true });
  rmSync(`${socket}.lock`, { force: true });
}

/** The processes that work in a directory, as those of PostgreSQL do in their cluster; undefined without /proc. */
function processesIn(directory: string): number[] | undefined {
  const real = realpathSync(directory);
  let names: string[];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return undefined;
  }
  if (names.length === 0) return undefined;
  return names.map(Number).filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === real;
    } catch {
      return false;
    }
  });
}

function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Waits until the process is gone; false when it is still there after `milliseconds`. */
export async function waitUntilGone(pid: number, milliseconds: number): Promise<boolean> {
  const end = Date.now() + milliseconds;
  while (isAlive(pid)) {
    if (Date.now() > end) return false;
    await sleep(20);
  }
  return true;
}

/**
 * Stops a postmaster: `fast` ends its sessions and writes a checkpoint; if that takes longer than `patience`
 * milliseconds it is told to stop at once (the next start recovers), and in the end it is killed.
 */
export async function stopPostmaster(
  pid: number,
  mode: 'fast' | 'immediate',
  patience = 60_000,
): Promise<void> {
  const steps: [NodeJS.Signals, number][] = [
    ['SIGQUIT', 10_000],
    ['SIGKILL', 5_000],
  ];
  if (mode === 'fast') steps.unshift(['SIGINT', patience]);
  for (const [signal, wait] of steps) {
    if (!kill(pid, signal)) return;
    if (await waitUntilGone(pid, wait)) return;
  }
}
