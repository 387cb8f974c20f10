import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fdatasync,
  fsyncSync,
  futimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** A line of a spool file: whose event, and its entry. */
export interface SpoolLine {
  readonly tenantId: number;
  readonly entry: string;
}

/**
 * A file that events are appended to before their answers are sent. What was appended survives the end of the process;
 * what was synced survives the loss of power as well.
 */
export class SpoolFile {
  readonly id: string;
  readonly path: string;
  readonly made = Date.now();
  #descriptor: number | undefined;
  #bytes = 0;

  /**
   * @param directory is made when it is not there, for the owner of the process only: entries tell who was treated
   * @throws Error of the file system
   */
  constructor(directory: string) {
    this.id = randomUUID();
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.path = join(directory, `${hostname()}_${process.pid}_${this.id}${SUFFIX}`);
    this.#descriptor = openSync(this.path, 'ax', 0o600);
    syncDirectory(directory);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws Error of the file system; then nothing of these lines counts as appended */
  append(lines: readonly SpoolLine[]): void {
    let text = '';
    for (const { tenantId, entry } of lines) text += `${tenantId}\t${entry}\n`;
    const bytes = Buffer.from(text);
    let at = 0;
    try {
      while (at < bytes.length) at += writeSync(this.#open(), bytes, at);
    } catch (error) {
      // What was written of a line must not become part of the next one.
      if (at > 0) this.close();
      throw error;
    }
    this.#bytes += bytes.length;
  }

  /** Waits until all that was appended before is on the disk. */
  sync(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    fdatasync(this.#open(), (error) => (error ? reject(error) : resolve()));
    return promise;
  }

  /** Tells other processes that somebody looks after the file. */
  touch(): void {
    const now = new Date();
    if (this.#descriptor !== undefined) futimesSync(this.#descriptor, now, now);
  }

  get closed(): boolean {
    return this.#descriptor === undefined;
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  /** Removes the file: all of it is in the database. */
  remove(): void {
    this.close();
    rmSync(this.path, { force: true });
  }

  #open(): number {
    if (this.#descriptor === undefined) throw new Error('The spool file is closed');
    return this.#descriptor;
  }
}

const SUFFIX = '.spool';
const NAME = /^(?<host>.+)_(?<pid>\d+)_(?<id>[0-9a-f-]{36})\.spool$/;
/** A file that nobody has touched for so long, in milliseconds, belongs to nobody. */
const STALE = 300_000;

/** A spool file that a process has left behind. */
export interface LeftFile {
  readonly id: string;
  readonly path: string;
}

/** Spool files whose process has ended, or has not touched them for long. */
export function leftFiles(directory: string, now: number = Date.now()): LeftFile[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names.flatMap((name) => {
    const groups = NAME.exec(name)?.groups;
    if (groups === undefined) return [];
    const path = join(directory, name);
    const own = groups['host'] === hostname() && Number(groups['pid']) === process.pid;
    if (own) return [];
    const gone = groups['host'] === hostname() && !isAlive(Number(groups['pid']));
    try {
      if (!gone && now - statSync(path).mtimeMs < STALE) return [];
    } catch {
      return [];
    }
    return [{ id: groups['id'] as string, path }];
  });
}

/**
 * The lines of a spool file in order. A last line without an end was being written when the process ended: its answer
 * was never sent.
 * @returns also how many lines cannot be read
 */
export function readSpool(path: string): { lines: SpoolLine[]; damaged: number } {
  const parts = readFileSync(path, 'utf8').split('\n');
  parts.pop();
  const lines: SpoolLine[] = [];
  let damaged = 0;
  for (const part of parts) {
    const tab = part.indexOf('\t');
    const tenantId = Number(part.slice(0, tab));
    if (tab > 0 && Number.isInteger(tenantId)) lines.push({ tenantId, entry: part.slice(tab + 1) });
    else damaged++;
  }
  return { lines, damaged };
}

/** Removes a file that is in the database. */
export function removeLeft(path: string): void {
  rmSync(path, { force: true });
}

/** Keeps a file with lines that cannot be read for somebody to look at. */
export function setAside(path: string): void {
  renameSync(path, `${path}.damaged`);
}

/** Bytes of all spool files of a directory. */
export function spoolSize(directory: string): number {
  let size = 0;
  try {
    for (const name of readdirSync(directory))
      if (name.endsWith(SUFFIX)) size += statSync(join(directory, name)).size;
  } catch {
    // Files come and go; no directory, no bytes.
  }
  return size;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A new file's name is on the disk only when its directory is. */
function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
