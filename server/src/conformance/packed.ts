import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { writeWhole } from './write-whole.ts';

/**
 * A file of many small JSON texts with a directory in front. The texts stay in one Buffer outside the JavaScript heap
 * and are parsed one at a time when they are first asked for.
 *
 * Layout: one line of JSON (the header), then the texts in UTF-8, one after another.
 */
interface Header {
  readonly stamp: string;
  readonly length: number;
  readonly crc: number;
  /** For each section: names, and the lengths of their texts, in the order they are stored. */
  readonly sections: Readonly<
    Record<string, { readonly names: readonly string[]; readonly lengths: readonly number[] }>
  >;
}

/** One section of a packed file: its names, and each one's value when asked for. */
export interface PackedSection {
  readonly names: readonly string[];
  /** The parsed value, freshly made on each call; undefined for a name that is not there. */
  read(name: string): unknown;
}

/** Writes a packed file so that a reader sees it whole or not at all. `stamp` says what it was made from. */
export function writePacked(
  file: string,
  stamp: string,
  sections: Readonly<Record<string, ReadonlyMap<string, unknown>>>,
): void {
  const texts: Buffer[] = [];
  const directory: Record<string, { names: string[]; lengths: number[] }> = {};
  for (const [section, entries] of Object.entries(sections)) {
    const names: string[] = [];
    const lengths: number[] = [];
    for (const [name, value] of entries) {
      const text = Buffer.from(JSON.stringify(value), 'utf8');
      texts.push(text);
      names.push(name);
      lengths.push(text.length);
    }
    directory[section] = { names, lengths };
  }
  const body = Buffer.concat(texts);
  const header: Header = { stamp, length: body.length, crc: crc32(body), sections: directory };
  writeWhole(file, [Buffer.from(`${JSON.stringify(header)}\n`, 'utf8'), body]);
}

/** Opens a packed file: its sections by name, or undefined if it is absent, damaged or made from something else. */
export function readPacked(file: string, stamp: string): Map<string, PackedSection> | undefined {
  try {
    const bytes = readFileSync(file);
    const line = bytes.indexOf(10);
    if (line < 0) return undefined;
    const header = JSON.parse(bytes.toString('utf8', 0, line)) as Header;
    const body = bytes.subarray(line + 1);
    if (header.stamp !== stamp || header.length !== body.length || header.crc !== crc32(body))
      return undefined;
    const sections = new Map<string, PackedSection>();
    let start = 0;
    for (const [section, { names, lengths }] of Object.entries(header.sections)) {
      const places = new Map<string, number>();
      const starts = new Uint32Array(names.length + 1);
      for (let i = 0; i < names.length; i++) {
        places.set(names[i] as string, i);
        starts[i] = start;
        start += lengths[i] as number;
      }
      starts[names.length] = start;
      sections.set(section, {
        names,
        read(name) {
          const place = places.get(name);
          if (place === undefined) return undefined;
          return JSON.parse(body.toString('utf8', starts[place], starts[place + 1]));
        },
      });
    }
    return sections;
  } catch {
    return undefined;
  }
}
