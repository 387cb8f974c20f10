import { gunzipSync } from 'node:zlib';

/** A file of an archive. */
export interface TarFile {
  /** Path with forward slashes, without a leading `./`. */
  readonly path: string;
  readonly content: Buffer;
}

export interface TarLimits {
  /** Greatest number of bytes of the unpacked archive. Default 512 MB. */
  readonly maxBytes?: number;
  /** Greatest number of bytes of one file. Default 128 MB. */
  readonly maxFileBytes?: number;
  /** Greatest number of files. Default 100,000. */
  readonly maxFiles?: number;
}

const BLOCK = 512;

/**
 * The regular files of a gzipped tar archive (POSIX.1-2001 pax, ustar and GNU long names). Links, devices and
 * directories are passed over: a package holds files only. Nothing is written to disk.
 *
 * @param accept which paths are wanted; contents of others are never copied
 * @throws Error for what is no such archive, a path that leaves the archive, and more than the limits allow
 */
export function* readTarGz(
  archive: Buffer,
  accept: (path: string) => boolean,
  limits: TarLimits = {},
): Generator<TarFile> {
  const { maxBytes = 512 * 2 ** 20, maxFileBytes = 128 * 2 ** 20, maxFiles = 100_000 } = limits;
  let bytes: Buffer;
  try {
    bytes = gunzipSync(archive, { maxOutputLength: maxBytes });
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw new Error(tooLarge ? `it unpacks to more than ${maxBytes} bytes` : 'it is not a gzipped archive');
  }
  let count = 0;
  let longName: string | undefined;
  for (let at = 0; at + BLOCK <= bytes.length; ) {
    const header = bytes.subarray(at, at + BLOCK);
    // Two zero blocks end an archive; one is enough to know.
    if (header[0] === 0 && header.every((byte) => byte === 0)) return;
    if (!hasRightSum(header)) throw new Error(`the tar header at byte ${at} is damaged`);
    const size = numberField(header, 124, 12);
    const start = at + BLOCK;
    if (size === undefined || start + size > bytes.length)
      throw new Error('the archive ends in the middle of a file');
    at = start + Math.ceil(size / BLOCK) * BLOCK;
    const content = bytes.subarray(start, start + size);
    const flag = String.fromCharCode(header[156] as number);
    if (flag === 'L') longName = textField(content, 0, content.length);
    else if (flag === 'x') longName = paxPath(content) ?? longName;
    else if (flag === '0' || flag === '\0' || flag === '7') {
      const path = normalPath(longName ?? headerPath(header));
      longName = undefined;
      if (++count > maxFiles) throw new Error(`it has more than ${maxFiles} files`);
      if (!accept(path)) continue;
      if (size > maxFileBytes) throw new Error(`${path} has more than ${maxFileBytes} bytes`);
      yield { path, content };
    } else if (flag !== 'g') longName = undefined;
  }
}

/** A path inside the archive. @throws Error for one that leads out of it */
function normalPath(path: string): string {
  const normal = path.replaceAll('\\', '/').replace(/^(?:\.\/)+/, '');
  if (normal.startsWith('/') || /^[A-Za-z]:/.test(normal) || normal.split('/').includes('..')) {
    throw new Error(`the path ${JSON.stringify(path)} leads out of the archive`);
  }
  return normal;
}

function headerPath(header: Buffer): string {
  const name = textField(header, 0, 100);
  const prefix = textField(header, 257, 6) === 'ustar' ? textField(header, 345, 155) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function textField(buffer: Buffer, start: number, length: number): string {
  const end = buffer.indexOf(0, start);
  return buffer.toString('utf8', start, end < 0 || end > start + length ? start + length : end);
}

function numberField(header: Buffer, start: number, length: number): number | undefined {
  if (((header[start] as number) & 0x80) !== 0) {
    // GNU: a binary number for sizes beyond 8 GB, which no limit here would let pass.
    return undefined;
  }
  const text = textField(header, start, length).trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : text === '' ? 0 : undefined;
}

function hasRightSum(header: Buffer): boolean {
  const expected = numberField(header, 148, 8);
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : (header[i] as number);
  return sum === expected;
}

/** The path of a pax extended header: records of `length key=value\n`. */
function paxPath(content: Buffer): string | undefined {
  let path: string | undefined;
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(32, at);
    const length = space < 0 ? Number.NaN : Number(content.toString('utf8', at, space));
    if (!(length > space - at)) return path;
    const record = content.toString('utf8', space + 1, at + length - 1);
    if (record.startsWith('path=')) path = record.slice(5);
    at += length;
  }
  return path;
}
