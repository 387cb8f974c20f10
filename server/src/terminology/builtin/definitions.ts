import { execFile } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheDirectories, writableDirectory } from '../../conformance/cache-directory.ts';
import { findDefinitionsPackage } from '../../conformance/source.ts';
import type { Resource } from '../../json/types.ts';
import { splitCanonical } from '../canonical.ts';
import { builtinFile, builtinStamp, compileBuiltin } from './compile.ts';

export type BuiltinType = 'CodeSystem' | 'ValueSet' | 'ConceptMap';

interface Place {
  readonly start: number;
  readonly length: number;
}

interface Header {
  readonly stamp: string;
  readonly length: number;
  readonly sections: Readonly<Record<string, { names: readonly string[]; lengths: readonly number[] }>>;
}

/**
 * The terminology resources of R4 itself, of HL7 v2 and of v3. They stay in a file; only where each one lies in it is in
 * memory, and nothing before the first question.
 */
export class BuiltinDefinitions {
  readonly #fd: number;
  readonly #body: number;
  /** Places by type and URL, and versions of each. */
  readonly #places = new Map<string, { version: string | undefined; place: Place }[]>();

  constructor(fd: number, body: number, header: Header) {
    this.#fd = fd;
    this.#body = body;
    let start = 0;
    for (const [type, { names, lengths }] of Object.entries(header.sections)) {
      for (let i = 0; i < names.length; i++) {
        const { url, version } = splitCanonical(names[i] as string);
        const key = `${type} ${url}`;
        const entry = { version, place: { start, length: lengths[i] as number } };
        const known = this.#places.get(key);
        if (known === undefined) this.#places.set(key, [entry]);
        else known.push(entry);
        start += lengths[i] as number;
      }
    }
  }

  /** The versions of a definition; undefined stands for none. */
  versions(type: BuiltinType, url: string): { readonly version?: string }[] {
    return (this.#places.get(`${type} ${url}`) ?? []).map(({ version }) =>
      version === undefined ? {} : { version },
    );
  }

  read(type: BuiltinType, url: string, version: string | undefined): Resource | undefined {
    const entry = this.#places.get(`${type} ${url}`)?.find((one) => one.version === version);
    if (entry === undefined) return undefined;
    const { start, length } = entry.place;
    const bytes = Buffer.allocUnsafe(length);
    readSync(this.#fd, bytes, 0, length, this.#body + start);
    return JSON.parse(bytes.toString('utf8')) as Resource;
  }

  /** URLs of all definitions of a type. */
  urls(type: BuiltinType): string[] {
    const prefix = `${type} `;
    return [...this.#places.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length));
  }
}

let loaded: Promise<BuiltinDefinitions> | undefined;

/** The built-in definitions of this process; compiled at the first use on a machine, in a process of their own. */
export function loadBuiltin(): Promise<BuiltinDefinitions> {
  loaded ??= load().catch((error: unknown) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

async function load(): Promise<BuiltinDefinitions> {
  const source = findDefinitionsPackage();
  const stamp = builtinStamp(source);
  const directories = cacheDirectories();
  for (const directory of directories) {
    const opened = open(builtinFile(directory, source), stamp);
    if (opened !== undefined) return opened;
  }
  const directory = writableDirectory(directories);
  await promisify(execFile)(
    process.execPath,
    [fileURLToPath(new URL('./compile-main.ts', import.meta.url)), directory],
    { env: { ...process.env, NODE_OPTIONS: '' } },
  ).catch(() => {});
  const file = builtinFile(directory, source);
  let opened = open(file, stamp);
  if (opened === undefined) {
    compileBuiltin(directory, source);
    opened = open(file, stamp);
  }
  if (opened === undefined) throw new Error(`the compiled definitions ${file} cannot be read back`);
  return opened;
}

function open(file: string, stamp: string): BuiltinDefinitions | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(file, 'r');
    const size = fstatSync(fd).size;
    let line = Buffer.alloc(0);
    let end = -1;
    for (let at = 0; end < 0 && at < size; at += 262_144) {
      const part = Buffer.alloc(Math.min(262_144, size - at));
      readSync(fd, part, 0, part.length, at);
      line = Buffer.concat([line, part]);
      end = line.indexOf(10);
    }
    const header = JSON.parse(line.toString('utf8', 0, end)) as Header;
    if (header.stamp === stamp && header.length === size - end - 1)
      return new BuiltinDefinitions(fd, end + 1, header);
  } catch {
    // Absent or damaged: it is made again.
  }
  if (fd !== undefined) closeSync(fd);
  return undefined;
}
