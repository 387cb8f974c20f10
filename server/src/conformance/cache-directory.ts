import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findDefinitionsPackage } from './source.ts';

/**
 * Where files lie that can be made again at any time: `.cache/vesta` in node_modules, else a directory below the
 * system's temporary one. Who reads looks in all of them; who writes takes the first that can be written.
 */
export function cacheDirectories(): string[] {
  return [
    join(findDefinitionsPackage().nodeModules, '.cache', 'vesta'),
    join(tmpdir(), `vesta-definitions-${process.getuid?.() ?? 'user'}`),
  ];
}

/** The first directory that can be written, made if it is absent. @throws Error naming all when there is none */
export function writableDirectory(directories: readonly string[] = cacheDirectories()): string {
  const found = directories.find(isWritable);
  if (found === undefined)
    throw new Error(`no directory for compiled definitions can be written: ${directories.join(', ')}`);
  return found;
}

export interface CacheMaker<T> {
  /** Default: {@link cacheDirectories}. */
  readonly directories?: readonly string[];
  /** Opens the file in a directory; undefined if it is absent, damaged or of another version. */
  open(directory: string): T | undefined;
  /** Path of a script that writes the file, and what it is called with. */
  script(directory: string): readonly [path: string, ...args: string[]];
  /** Writes the file in this process. */
  make(directory: string): void;
}

/**
 * Opens a file of the cache, and makes it first where it is missing: in a process of its own, so that the memory that
 * takes (some hundred MB) is not this one's for good. Several processes may do so at once.
 * @throws Error when no directory can be written, or what was made cannot be read back
 */
export function openOrMake<T>(maker: CacheMaker<T>): T {
  const directories = maker.directories ?? cacheDirectories();
  for (const directory of directories) {
    const found = maker.open(directory);
    if (found !== undefined) return found;
  }
  const directory = writableDirectory(directories);
  spawnSync(process.execPath, [...maker.script(directory)], {
    stdio: 'ignore',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let found = maker.open(directory);
  if (found === undefined) {
    maker.make(directory);
    found = maker.open(directory);
  }
  if (found === undefined) throw new Error(`what was compiled to ${directory} cannot be read back`);
  return found;
}

function isWritable(directory: string): boolean {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
