import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CacheName, cacheFile, cacheStamp, compileCache } from './compile.ts';
import { type PackedSection, readPacked } from './packed.ts';
import { findDefinitionsPackage } from './source.ts';

export interface CacheOptions {
  /** Directory of the compiled definitions. Default: `.cache/vesta` in node_modules, or below the system's temporary directory if that cannot be written. */
  readonly cacheDir?: string;
}

/**
 * Opens a compiled cache file, and compiles it first if it is absent, damaged or of another version. Several processes
 * may do so at once. Throws if the definitions package is missing or no directory can be written.
 */
export function openCache(name: CacheName, options: CacheOptions = {}): Map<string, PackedSection> {
  const source = findDefinitionsPackage();
  const stamp = cacheStamp(source);
  const directories =
    options.cacheDir === undefined
      ? [
          join(source.nodeModules, '.cache', 'vesta'),
          join(tmpdir(), `vesta-definitions-${process.getuid?.() ?? 'user'}`),
        ]
      : [options.cacheDir];
  for (const directory of directories) {
    const sections = readPacked(cacheFile(directory, name, source), stamp);
    if (sections !== undefined) return sections;
  }
  const directory = directories.find(isWritable);
  if (directory === undefined)
    throw new Error(`no directory for compiled definitions can be written: ${directories.join(', ')}`);
  const file = cacheFile(directory, name, source);
  // A process of its own, so that the memory that compiling takes (some hundred MB) is not this one's for good.
  spawnSync(
    process.execPath,
    [fileURLToPath(new URL('./compile-main.ts', import.meta.url)), name, directory],
    {
      stdio: 'ignore',
      env: { ...process.env, NODE_OPTIONS: '' },
    },
  );
  let sections = readPacked(file, stamp);
  if (sections === undefined) {
    compileCache(name, directory, source);
    sections = readPacked(file, stamp);
  }
  if (sections === undefined) throw new Error(`the compiled definitions ${file} cannot be read back`);
  return sections;
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
