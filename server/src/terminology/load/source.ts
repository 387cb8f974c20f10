import { createReadStream, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** A file of a code system, read in pieces of text, with how far the reading is. */
export class SourceFile {
  readonly #path: string;
  readonly bytes: number;
  #read = 0;

  /** @throws Error when the file is not there */
  constructor(path: string) {
    this.#path = path;
    this.bytes = statSync(path).size;
  }

  /** Share of the file that was read in this pass, 0 to 1. */
  get share(): number {
    return this.bytes === 0 ? 1 : Math.min(1, this.#read / this.bytes);
  }

  /** The text in pieces; a gzip file is unpacked. A byte order mark at the start is left out. */
  async *chunks(): AsyncIterable<string> {
    this.#read = 0;
    const file = createReadStream(this.#path, { highWaterMark: 256 * 1024 });
    file.on('data', (part) => {
      this.#read += part.length;
    });
    let stream: Readable = file;
    if (this.#path.endsWith('.gz')) {
      const unpacked = createGunzip();
      file.on('error', (error) => unpacked.destroy(error));
      stream = file.pipe(unpacked);
    }
    const decoder = new TextDecoder('utf-8', { fatal: true });
    for await (const part of stream) yield decoder.decode(part as Buffer, { stream: true });
    const rest = decoder.decode();
    if (rest !== '') yield rest;
  }

  async *lines(): AsyncIterable<string> {
    let rest = '';
    for await (const chunk of this.chunks()) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
    }
    if (rest !== '') yield rest;
  }
}
