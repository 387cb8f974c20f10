import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { constants, gunzipSync } from 'node:zlib';

/** A file to load. */
export interface InputFile {
  /** Absolute. */
  readonly path: string;
  readonly bytes: number;
  readonly modified: number;
  readonly gzip: boolean;
  readonly ndjson: boolean;
  /** Its place in the order of loading: files of one rank may be loaded side by side, after those of lower ranks. */
  readonly rank: number;
}

const NAME = /\.(json|ndjson|jsonl)(\.gz)?$/i;

/**
 * What refers to little comes before what refers to it: servers that check references want their targets first.
 * Types that are not listed, and bundles of several types, come last.
 */
const ORDER = [
  'Organization',
  'Location',
  'Practitioner',
  'PractitionerRole',
  'Patient',
  'RelatedPerson',
  'Group',
];
ORDER.push(
  'Substance',
  'Medication',
  'Device',
  'HealthcareService',
  'Endpoint',
  'Coverage',
  'Encounter',
  'Condition',
);

/** Bundles of type batch: shared directories such as Synthea's hospitals, of which the other bundles make use. */
const BATCH_RANK = ORDER.length;
const LAST = ORDER.length + 1;

/**
 * The files to load, in their order: those named, and those below the directories named that end in .json, .ndjson or
 * .jsonl, with .gz or without.
 * @throws Error when a path is not there
 */
export function inputFiles(paths: readonly string[]): InputFile[] {
  const found = new Map<string, InputFile>();
  const visit = (path: string, named: boolean): void => {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) throw new Error(`There is no ${path}`);
    if (stats.isDirectory()) {
      for (const name of readdirSync(path).sort()) if (!name.startsWith('.')) visit(join(path, name), false);
    } else if (named || NAME.test(path)) {
      const file = {
        path,
        bytes: stats.size,
        modified: Math.round(stats.mtimeMs),
        gzip: /\.gz$/i.test(path),
        ndjson: /\.(ndjson|jsonl)(\.gz)?$/i.test(path),
      };
      found.set(path, { ...file, rank: rankOf(file) });
    }
  };
  for (const path of paths) visit(resolve(path), true);
  return [...found.values()].sort((a, b) => a.rank - b.rank || (a.path < b.path ? -1 : 1));
}

function rankOf(file: Pick<InputFile, 'path' | 'gzip'>): number {
  const start = beginning(file);
  const types = [...start.matchAll(/"resourceType"\s*:\s*"([A-Za-z]+)"/g)].map((match) => match[1]!);
  if (types[0] !== 'Bundle') return rankOfType(types[0]);
  const type = /"type"\s*:\s*"([a-z-]+)"/.exec(start)?.[1];
  if (type === 'batch' || type === 'collection') {
    const rank = rankOfType(types[1]);
    return rank <= ORDER.indexOf('PractitionerRole') ? rank : type === 'batch' ? BATCH_RANK : LAST;
  }
  return LAST;
}

function rankOfType(type: string | undefined): number {
  const index = ORDER.indexOf(type ?? '');
  return index < 0 ? LAST : index;
}

/** Whether a text begins a Bundle that may be sent as it is, and of which type. */
export function requestKind(start: string): 'transaction' | 'batch' | undefined {
  if (!/^\s*\{\s*"resourceType"\s*:\s*"Bundle"/.test(start)) return undefined;
  // Only what comes before the entries is the Bundle's own.
  const own = start.split(/"entry"\s*:/, 1)[0]!;
  return /"type"\s*:\s*"(transaction|batch)"/.exec(own)?.[1] as 'transaction' | 'batch' | undefined;
}

/** The first kilobytes of a file's text. */
export function beginning({ path, gzip }: Pick<InputFile, 'path' | 'gzip'>): string {
  const buffer = Buffer.alloc(4096);
  const descriptor = openSync(path, 'r');
  let length: number;
  try {
    length = readSync(descriptor, buffer, 0, buffer.length, 0);
  } finally {
    closeSync(descriptor);
  }
  const bytes = buffer.subarray(0, length);
  if (!gzip) return bytes.toString('utf8');
  try {
    return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).toString('utf8').slice(0, 16_384);
  } catch {
    return '';
  }
}
