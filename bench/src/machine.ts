import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { median } from './statistics.ts';

/** What the numbers were measured on. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  /** Bytes. */
  readonly memory: number;
  readonly kernel: string;
  readonly node: string;
  /** Median time in milliseconds until 8 kB that are appended to a file are on the disk. */
  readonly sync: number;
}

/** @param directory on the disk where the databases will lie */
export function describeMachine(directory: string): Machine {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memory: totalmem(),
    kernel: release(),
    node: process.version,
    sync: syncTime(directory),
  };
}

function syncTime(directory: string): number {
  const file = join(directory, 'sync-test');
  const descriptor = openSync(file, 'w');
  const page = Buffer.alloc(8192, 1);
  const times: number[] = [];
  try {
    for (let i = 0; i < 200; i++) {
      const began = performance.now();
      writeSync(descriptor, page);
      fdatasyncSync(descriptor);
      times.push(performance.now() - began);
    }
  } finally {
    closeSync(descriptor);
    rmSync(file, { force: true });
  }
  return median(times);
}
