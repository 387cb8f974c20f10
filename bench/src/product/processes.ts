import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** Clock ticks of a second in /proc (USER_HZ; 100 on every Linux that Node runs on). */
const TICKS = 100;

/** What /proc says of a process. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** Name of the program's file, e.g. `node` or `postgres`. */
  readonly program: string;
  /** Processor time of the process itself, and of the children that it has waited for, in seconds. */
  readonly cpu: number;
  readonly cpuOfEnded: number;
}

/** Memory of a process in bytes. */
export interface ProcessMemory {
  /** Resident, shared pages counted in full. */
  readonly rss: number;
  /** Resident, each shared page divided by the number of its users. */
  readonly pss: number;
  /** Greatest `rss` since the process began. */
  readonly peak: number;
}

/** A process and all that it has started, as far as they run; the process itself comes first. */
export function processTree(root: number): ProcessInfo[] {
  const all = new Map<number, ProcessInfo>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const info = processInfo(Number(name));
    if (info !== undefined) all.set(info.pid, info);
  }
  const tree: ProcessInfo[] = [];
  const add = (pid: number) => {
    const info = all.get(pid);
    if (info === undefined) return;
    tree.push(info);
    for (const other of all.values()) if (other.parent === pid) add(other.pid);
  };
  add(root);
  return tree;
}

function processInfo(pid: number): ProcessInfo | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold anything: fields are counted from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    const ticks = (from: number) => (Number(fields[from]) + Number(fields[from + 1])) / TICKS;
    return {
      pid,
      parent: Number(fields[1]),
      program: basename(readlinkSync(`/proc/${pid}/exe`)),
      cpu: ticks(11),
      cpuOfEnded: ticks(13),
    };
  } catch {
    // Ended meanwhile, or not ours to see.
    return undefined;
  }
}

/** The command line of a process; empty when it is gone. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** Memory of a process now; undefined when it is gone. */
export function processMemory(pid: number): ProcessMemory | undefined {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return { rss: kilobytes(rollup, 'Rss'), pss: kilobytes(rollup, 'Pss'), peak: kilobytes(status, 'VmHWM') };
  } catch {
    return undefined;
  }
}

function kilobytes(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN) * 1024;
}

/** Processor seconds that the processes have used, with those of their children that have ended. */
export function cpuSeconds(tree: readonly ProcessInfo[]): number {
  return tree.reduce((sum, { cpu, cpuOfEnded }) => sum + cpu + cpuOfEnded, 0);
}
