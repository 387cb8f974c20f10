import { connect, type Socket } from 'node:net';

/** An answer; `body` may be a view of a buffer that is used again, so it is valid only until the callback returns. */
export interface Reply {
  readonly status: number;
  /** Status line and header fields as they came, without the empty line. */
  readonly head: string;
  readonly body: Buffer;
}

/** Makes the bytes of a request. A body gets `Content-Type: application/fhir+json` unless the headers say otherwise. */
export function encodeRequest(
  host: string,
  method: string,
  path: string,
  body?: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): Buffer {
  return Buffer.concat([encodeHead(host, method, path, body, headers), Buffer.from(body ?? '')]);
}

/** The head of a request up to and with the empty line, for a body that is sent after it. */
export function encodeHead(
  host: string,
  method: string,
  path: string,
  body?: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`];
  const fields = { Accept: 'application/fhir+json', ...headers };
  if (body !== undefined && !('Content-Type' in fields))
    lines.push('Content-Type: application/fhir+json; charset=utf-8');
  for (const [name, value] of Object.entries(fields)) lines.push(`${name}: ${value}`);
  if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** A header field of an answer's head, or undefined. */
export function headerOf(head: string, name: string): string | undefined {
  const match = new RegExp(`\\r\\n${name}:[ \\t]*([^\\r]*)`, 'i').exec(head);
  return match?.[1]?.trim();
}

/** Outcome of looking for an answer in bytes: its length so far unknown, or the answer and how many bytes it took. */
type Parsed = { readonly reply: Reply; readonly used: number } | undefined;

/** Thrown for bytes that are no HTTP/1.1 answer. */
export class ProtocolError extends Error {}

/**
 * Reads answers to requests that were sent one after the other (RFC 9112): Content-Length, chunked, and the statuses
 * without a body. What has been learned of an incomplete answer is kept, so that no byte is looked at twice.
 */
export class ReplyReader {
  #headEnd = -1;
  #head = '';
  #status = 0;
  #length = -1;
  #chunkAt = -1;
  #chunks: [start: number, end: number][] = [];

  /** @param bytes everything received of this answer so far @throws ProtocolError */
  read(bytes: Buffer): Parsed {
    if (this.#headEnd < 0 && !this.#readHead(bytes)) return undefined;
    if (this.#length >= 0) {
      const end = this.#headEnd + this.#length;
      return bytes.length < end ? undefined : this.#finish(bytes.subarray(this.#headEnd, end), end);
    }
    return this.#readChunks(bytes);
  }

  #readHead(bytes: Buffer): boolean {
    const end = bytes.indexOf('\r\n\r\n', 0, 'latin1');
    if (end < 0) return false;
    const head = bytes.toString('latin1', 0, end);
    if (!head.startsWith('HTTP/1.1 ')) throw new ProtocolError(`no HTTP/1.1 answer: ${head.slice(0, 60)}`);
    this.#head = head;
    this.#headEnd = end + 4;
    this.#status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length:[ \t]*(\d+)/i.exec(head);
    if (this.#status === 204 || this.#status === 304) this.#length = 0;
    else if (length !== null) this.#length = Number(length[1]);
    else if (/\r\ntransfer-encoding:[ \t]*chunked/i.test(head)) this.#chunkAt = this.#headEnd;
    else throw new ProtocolError(`an answer without a length: ${head.slice(0, 200)}`);
    return true;
  }

  #readChunks(bytes: Buffer): Parsed {
    for (;;) {
      const lineEnd = bytes.indexOf('\r\n', this.#chunkAt, 'latin1');
      if (lineEnd < 0) return undefined;
      const size = Number.parseInt(bytes.toString('latin1', this.#chunkAt, lineEnd), 16);
      if (!(size >= 0)) throw new ProtocolError('a broken chunk');
      const start = lineEnd + 2;
      const next = start + size + 2;
      if (bytes.length < next) return undefined;
      if (size === 0) {
        const body = Buffer.concat(this.#chunks.map(([from, to]) => bytes.subarray(from, to)));
        return this.#finish(body, next);
      }
      this.#chunks.push([start, start + size]);
      this.#chunkAt = next;
    }
  }

  #finish(body: Buffer, used: number): Parsed {
    const reply = { status: this.#status, head: this.#head, body };
    this.#headEnd = -1;
    this.#length = -1;
    this.#chunkAt = -1;
    this.#chunks = [];
    return { reply, used };
  }
}

const RECEIVE_BUFFER = 256 * 1024;

/**
 * A keep-alive connection that sends one request at a time. An answer that comes in one piece is handed over without
 * being copied.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #reader = new ReplyReader();
  #pending: { reply: (reply: Reply) => void; fail: (error: Error) => void } | undefined;
  #held: Buffer = Buffer.alloc(0);
  #heldLength = 0;
  #ended = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** @throws Error when nobody listens there */
  static open(host: string, port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      // Set before anything can be received.
      let connection: Connection | undefined;
      const socket = connect({
        host,
        port,
        noDelay: true,
        onread: {
          buffer: Buffer.allocUnsafeSlow(RECEIVE_BUFFER),
          callback: (size: number, buffer: Uint8Array) => {
            connection!.#receive(Buffer.from(buffer.buffer, buffer.byteOffset, size));
            return true;
          },
        },
      });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        connection = new Connection(socket);
        socket.on('error', (error) => connection!.#fail(error));
        socket.on('close', () => connection!.#fail(new Error('the server closed the connection')));
        resolve(connection);
      });
    });
  }

  /** Sends a request in one or more pieces; exactly one of the callbacks is called, later. */
  exchange(
    request: Buffer | readonly Buffer[],
    reply: (reply: Reply) => void,
    fail: (error: Error) => void,
  ): void {
    if (this.#pending !== undefined) throw new Error('one request at a time');
    if (this.#ended) {
      queueMicrotask(() => fail(new Error('the connection is closed')));
      return;
    }
    this.#pending = { reply, fail };
    if (request instanceof Buffer) {
      this.#socket.write(request);
      return;
    }
    this.#socket.cork();
    for (const piece of request as readonly Buffer[]) this.#socket.write(piece);
    this.#socket.uncork();
  }

  /** Like {@link exchange}; the body is a copy that stays valid. */
  request(request: Buffer | readonly Buffer[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.exchange(request, (reply) => resolve({ ...reply, body: Buffer.from(reply.body) }), reject);
    });
  }

  close(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    try {
      const whole = this.#heldLength === 0 ? bytes : this.#hold(bytes);
      const parsed = this.#reader.read(whole);
      if (parsed === undefined) {
        if (this.#heldLength === 0) this.#hold(bytes);
        return;
      }
      if (parsed.used !== whole.length) throw new ProtocolError('more bytes than one answer has');
      this.#heldLength = 0;
      const pending = this.#pending;
      if (pending === undefined) throw new ProtocolError('an answer that nobody asked for');
      this.#pending = undefined;
      pending.reply(parsed.reply);
    } catch (error) {
      this.#socket.destroy();
      this.#fail(error as Error);
    }
  }

  #hold(bytes: Buffer): Buffer {
    const length = this.#heldLength + bytes.length;
    if (length > this.#held.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, this.#held.length * 2, RECEIVE_BUFFER));
      this.#held.copy(grown, 0, 0, this.#heldLength);
      this.#held = grown;
    }
    bytes.copy(this.#held, this.#heldLength);
    this.#heldLength = length;
    return this.#held.subarray(0, length);
  }

  #fail(error: Error): void {
    this.#ended = true;
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.fail(error);
  }
}
