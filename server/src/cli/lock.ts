import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { giveToOwner } from '../storage/embedded/files.ts';
import { isAlive } from '../storage/embedded/postmaster.ts';

/** Who holds a data directory, as `<dataDir>/vesta.lock` says. */
export interface LockHolder {
  readonly pid: number;
  /** When that process was started, in the system's own terms: tells it from a later one with the same number. */
  readonly started: string;
  /** What it does, e.g. `serve`. */
  readonly command: string;
  /** Where it serves, if it does. */
  readonly url?: string;
  /** It is about to end. */
  readonly stopping?: boolean;
}

/** Thrown when another process holds the data directory; the message names it. */
export class LockedError extends Error {
  readonly holder: LockHolder;
  constructor(dataDirectory: string, holder: LockHolder) {
    super(
      holder.url === undefined
        ? `${dataDirectory} is in use by "vesta ${holder.command}" (process ${holder.pid})`
        : `Vesta is running on ${dataDirectory} already: process ${holder.pid}, ${holder.url}`,
    );
    this.holder = holder;
  }
}

export interface Lock {
  /** Changes what others read of this process. */
  update(change: Partial<Pick<LockHolder, 'url' | 'stopping'>>): void;
  release(): void;
}

const path = (dataDirectory: string) => join(dataDirectory, 'vesta.lock');

/**
 * Takes the lock of a data directory. What a process left that was killed does not count. A holder that is stopping
 * is waited for.
 * @param patience how long to wait for a stopping holder, in milliseconds
 * @throws LockedError when another process holds it
 */
export async function acquireLock(
  dataDirectory: string,
  command: string,
  url?: string,
  patience = 40_000,
): Promise<Lock> {
  const file = path(dataDirectory);
  let mine: LockHolder = {
    pid: process.pid,
    started: startOf(process.pid),
    command,
    ...(url === undefined ? {} : { url }),
  };
  const draft = `${file}.${process.pid}`;
  const write = (): void => {
    writeFileSync(draft, JSON.stringify(mine), { mode: 0o644 });
    giveToOwner(draft);
  };
  const deadline = Date.now() + patience;
  try {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o755 });
    write();
  } catch (error) {
    throw new Error(
      `VESTA_DATA_DIR: this user cannot write in ${dataDirectory} (${(error as NodeJS.ErrnoException).code}). ` +
        'Start Vesta as the user to whom it belongs, or choose another directory.',
    );
  }
  try {
    for (;;) {
      try {
        // A link appears with its content or not at all, and only if there is none.
        linkSync(draft, file);
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const { holder, text } = read(file);
      if (holder !== undefined && holds(holder)) {
        if (!holder.stopping || Date.now() > deadline) throw new LockedError(dataDirectory, holder);
        await sleep(100);
      } else if (text !== undefined) {
        removeStale(file, text);
      }
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return {
    update: (change) => {
      mine = { ...mine, ...change };
      write();
      renameSync(draft, file);
    },
    release: () => {
      if (read(file).holder?.pid === process.pid) rmSync(file, { force: true });
    },
  };
}

/** Who holds the data directory now, or undefined. */
export function lockHolder(dataDirectory: string): LockHolder | undefined {
  const { holder } = read(path(dataDirectory));
  return holder !== undefined && holds(holder) ? holder : undefined;
}

function read(file: string): { holder?: LockHolder; text?: string } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return {};
  }
  try {
    return { holder: JSON.parse(text) as LockHolder, text };
  } catch {
    return { text };
  }
}

function holds(holder: LockHolder): boolean {
  return isAlive(holder.pid) && startOf(holder.pid) === holder.started;
}

/** Removes the lock that was judged stale; if another process has taken it meanwhile, gives it back. */
function removeStale(file: string, text: string): void {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  if (readFileSync(aside, 'utf8') !== text) {
    try {
      linkSync(aside, file);
    } catch {
      // A third process was faster: it has the lock.
    }
  }
  rmSync(aside, { force: true });
}

/** When a process was started: clock ticks since boot with the boot's id on Linux, a date elsewhere. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${ticks}`;
  } catch {
    try {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    } catch {
      return '';
    }
  }
}
