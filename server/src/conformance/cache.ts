import { fileURLToPath } from 'node:url';
import { openOrMake } from './cache-directory.ts';
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
export function openCache(name: CacheName, { cacheDir }: CacheOptions = {}): Map<string, PackedSection> {
  const source = findDefinitionsPackage();
  const stamp = cacheStamp(source);
  return openOrMake({
    ...(cacheDir === undefined ? {} : { directories: [cacheDir] }),
    open: (directory) => readPacked(cacheFile(directory, name, source), stamp),
    script: (directory) => [fileURLToPath(new URL('./compile-main.ts', import.meta.url)), name, directory],
    make: (directory) => compileCache(name, directory, source),
  });
}
