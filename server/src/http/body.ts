import type { IncomingMessage } from 'node:http';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { FhirError, fhirError } from '../fhir/outcome.ts';

/**
 * A limit on the bytes of request bodies that a process works on at once. Large bundles take several times their size
 * in memory: rather than run out of it, they wait for each other.
 */
export class BodyBudget {
  readonly #limit: number;
  #used = 0;
  readonly #waiting: { bytes: number; go: () => void }[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Waits until there is room for this many bytes; a body above the whole limit goes alone. */
  async take(bytes: number): Promise<() => void> {
    if (this.#used > 0 && this.#used + bytes > this.#limit) {
      await new Promise<void>((go) => this.#waiting.push({ bytes, go }));
    } else {
      this.#used += bytes;
    }
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#used -= bytes;
      while (this.#waiting.length > 0) {
        const next = this.#waiting[0]!;
        if (this.#used > 0 && this.#used + next.bytes > this.#limit) break;
        this.#waiting.shift();
        this.#used += next.bytes;
        next.go();
      }
    };
  }
}

/** Bytes from which a body is read into one buffer of its declared length. */
const IN_PLACE = 1_000_000;

/**
 * The bytes that a request's body is expected to take, for {@link BodyBudget}; zero for small ones, which need not wait
 * behind large ones.
 */
export function expectedBytes(request: IncomingMessage, limit: number): number {
  const length = Number(request.headers['content-length'] ?? 0);
  const chunked = request.headers['transfer-encoding'] !== undefined;
  const compressed = (request.headers['content-encoding'] ?? 'identity') !== 'identity';
  // JSON of resources is compressed to about a fifteenth.
  const expected = chunked ? 8 * IN_PLACE : compressed ? length * 15 : length;
  return expected < IN_PLACE ? 0 : Math.min(expected, limit);
}

/**
 * Reads a request body whole, undoing its Content-Encoding.
 * @param limit greatest number of bytes, counted after decompression
 * @throws FhirError 413 when it is larger, 415 for an unknown encoding, 400 when it is broken or cut off
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limit) throw tooLarge(limit);
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding === 'identity') {
    const chunks: Buffer[] = [];
    let size = 0;
    // With its length known, a large body is put together where it arrives instead of being there twice at the end.
    const whole = declared > IN_PLACE ? Buffer.allocUnsafe(declared) : undefined;
    return await new Promise<Buffer>((resolve, reject) => {
      request.on('data', (chunk: Buffer) => {
        if (size + chunk.length > limit) {
          request.pause();
          reject(tooLarge(limit));
          return;
        }
        if (whole === undefined) chunks.push(chunk);
        else chunk.copy(whole, size);
        size += chunk.length;
      });
      request.on('end', () =>
        resolve(
          whole?.subarray(0, size) ??
            (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size)),
        ),
      );
      request.on('error', () => reject(cutOff()));
      request.on('aborted', () => reject(cutOff()));
    });
  }
  const decoder =
    encoding === 'gzip' || encoding === 'x-gzip'
      ? createGunzip()
      : encoding === 'deflate'
        ? createInflate()
        : encoding === 'br'
          ? createBrotliDecompress()
          : undefined;
  if (decoder === undefined) {
    throw fhirError(
      415,
      'not-supported',
      `Content-Encoding '${encoding}' is not supported: use gzip, deflate or br`,
      'http.content-encoding',
    );
  }
  const chunks: Buffer[] = [];
  let size = 0;
  request.on('aborted', () => decoder.destroy(cutOff()));
  request.on('error', () => decoder.destroy(cutOff()));
  request.pipe(decoder);
  try {
    for await (const chunk of decoder) {
      size += (chunk as Buffer).length;
      if (size > limit) throw tooLarge(limit);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    request.unpipe(decoder);
    if (error instanceof FhirError) throw error;
    throw fhirError(400, 'invalid', `The body is not valid ${encoding}`, 'http.content-encoding');
  }
  return Buffer.concat(chunks, size);
}

function tooLarge(limit: number): FhirError {
  return fhirError(
    413,
    'too-long',
    `The body is larger than ${Math.floor(limit / 1048576)} MB, the most that this server takes`,
    'http.body',
  );
}

function cutOff(): FhirError {
  return fhirError(400, 'incomplete', 'The request ended before its body was complete', 'http.body');
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * The text of a body in UTF-8, without a byte order mark.
 * @throws FhirError 400 when the bytes are no UTF-8
 */
export function bodyText(body: Buffer): string {
  try {
    return decoder.decode(body);
  } catch {
    throw fhirError(400, 'invalid', 'The body is not valid UTF-8', 'http.body');
  }
}
