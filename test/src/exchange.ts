import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';

/** An HTTP request as it goes out. */
export interface Outgoing {
  readonly method: string;
  /** Request target: path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer;
}

/** The answer, read whole; or what became of the connection. */
export interface Incoming {
  /** 0 when the connection ended without an answer, -1 when the time was up. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  readonly milliseconds: number;
  readonly error?: string;
}

/** Connections that are kept for reuse, so that thousands of requests do not need as many ports. */
export const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/**
 * Sends a request to 127.0.0.1 and reads the answer. Never rejects.
 * @param limit milliseconds after which it is given up
 */
export function exchange(port: number, outgoing: Outgoing, limit = 20_000): Promise<Incoming> {
  const { method, path, headers = {}, body } = outgoing;
  const started = performance.now();
  const passed = () => performance.now() - started;
  return new Promise((resolve) => {
    const failed = (error: Error, status = 0) =>
      resolve({ status, headers: {}, body: Buffer.alloc(0), milliseconds: passed(), error: error.message });
    let request: ReturnType<typeof httpRequest>;
    try {
      request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent });
    } catch (error) {
      // Node itself refuses to send it (control characters): it goes out as bytes.
      rawExchange(port, rawText(outgoing), limit).then(resolve, (thrown) => failed(thrown ?? error));
      return;
    }
    const timer = setTimeout(() => {
      failed(new Error('no answer in time'), -1);
      request.destroy();
    }, limit);
    let answered = false;
    request.on('response', (response) => {
      answered = true;
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      const done = () => {
        clearTimeout(timer);
        resolve({
          status: response.statusCode as number,
          headers: response.headers as Record<string, string>,
          body: Buffer.concat(chunks),
          milliseconds: passed(),
        });
      };
      response.on('end', done);
      response.on('error', done);
    });
    request.on('error', (error) => {
      // After an early answer the server need not take the rest of the body.
      if (answered) return;
      clearTimeout(timer);
      failed(error);
    });
    request.end(body);
  });
}

function rawText({ method, path, headers = {}, body = '' }: Outgoing): Buffer {
  const bytes = Buffer.from(body);
  const lines = Object.entries({ Host: '127.0.0.1', ...headers, 'Content-Length': String(bytes.length) });
  const head = `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}Connection: close\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes]);
}

/** Sends bytes as they are and reads until the other side closes. */
export function rawExchange(port: number, bytes: Buffer | string, limit = 20_000): Promise<Incoming> {
  const started = performance.now();
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    const chunks: Buffer[] = [];
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      socket.destroy();
    }, limit);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      const all = Buffer.concat(chunks);
      const end = all.indexOf('\r\n\r\n');
      const [first = '', ...lines] = all.subarray(0, Math.max(0, end)).toString('latin1').split('\r\n');
      const headers = Object.fromEntries(
        lines.map((line) => [
          line.slice(0, line.indexOf(':')).toLowerCase(),
          line.slice(line.indexOf(':') + 1).trim(),
        ]),
      );
      resolve({
        status: timedOut ? -1 : Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0),
        headers,
        body: end < 0 ? Buffer.alloc(0) : all.subarray(end + 4),
        milliseconds: performance.now() - started,
      });
    });
  });
}

/** Runs `work` for each item, at most `width` of them at once. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next++;
      await work(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
}
