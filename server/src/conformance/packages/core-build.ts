import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import type { Resource } from '../../json/types.ts';
import { readDataElements } from '../compile.ts';
import { correctToR4 } from '../r4-corrections.ts';
import { type DefinitionsPackage, readBundle } from '../source.ts';
import type { SourceStructure } from '../source-model.ts';
import { entryOf, type PackageEntry } from './package.ts';

/** Counts up with every change of what is written. */
export const CORE_FORMAT = 2;

/** The first line of the core file. */
export interface CoreHeader {
  readonly stamp: string;
  /** Each resource and the length of its deflated text, in the order they are stored. */
  readonly entries: readonly (readonly [entry: PackageEntry, length: number])[];
}

const STRUCTURES = [
  'profiles-types.json',
  'profiles-resources.json',
  'profiles-others.json',
  'extension-definitions.json',
];
const TERMINOLOGY = ['valuesets.json', 'v2-tables.json', 'v3-codesystems.json'];

/**
 * Writes the R4 core package to one file: a line of JSON (the header), then each resource's deflated JSON. Narratives,
 * mappings and xpath are left out. Takes some seconds and some hundred MB; run it in a process of its own.
 */
export function buildCore(file: string, stamp: string, source: DefinitionsPackage): void {
  const header: [PackageEntry, number][] = [];
  const texts: Buffer[] = [];
  const seen = new Map<string, string>();
  const add = (resource: Resource): void => {
    const entry = entryOf('', resource, source.directory);
    if (entry === undefined || entry.url === '') return;
    const key = `${entry.resourceType} ${entry.url}`;
    const known = seen.get(key);
    // Of two with one URL the first stays: what the R4 files hold comes before what came with it.
    if (known !== undefined) return;
    seen.set(key, entry.version);
    const text = deflateRawSync(JSON.stringify(resource, dropBallast), { level: 6 });
    texts.push(text);
    header.push([{ ...entry, file: `${entry.resourceType}-${entry.id}.json` }, text.length]);
  };
  const dataElements = readDataElements(source);
  for (const name of STRUCTURES) {
    const structures = readBundle<Resource>(source, name).filter(
      ({ resourceType }) => resourceType === 'StructureDefinition',
    );
    const right =
      name === 'profiles-types.json' || name === 'profiles-resources.json'
        ? correctToR4(structures as unknown as SourceStructure[], dataElements)
        : structures;
    for (const structure of right) add(structure as unknown as Resource);
  }
  for (const name of TERMINOLOGY) {
    for (const resource of readBundle<Resource>(source, name)) {
      if (resource.resourceType === 'ValueSet' || resource.resourceType === 'CodeSystem') add(resource);
    }
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}.tmp`;
  const out = openSync(temporary, 'w');
  writeSync(out, `${JSON.stringify({ stamp, entries: header } satisfies CoreHeader)}\n`);
  for (const text of texts) writeSync(out, text);
  fsyncSync(out);
  closeSync(out);
  renameSync(temporary, file);
}

/** What neither validation nor snapshots need. */
function dropBallast(this: unknown, key: string, value: unknown): unknown {
  if (key === 'mapping' || key === 'xpath') return undefined;
  if (key === 'text' && typeof value === 'object' && value !== null && 'div' in value) return undefined;
  return value;
}
