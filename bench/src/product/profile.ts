import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Product } from './server.ts';

/** Where Node listens for a debugger after SIGUSR1, unless it was told otherwise. */
const INSPECTOR = 'http://127.0.0.1:9229/json/list';
let inspected: number | undefined;

/**
 * Profiles one of the product's workers while `work` runs, and writes `<directory>/<name>.cpuprofile`, which Chrome's
 * developer tools and editors read. The worker needs no preparation: Node opens its inspector on SIGUSR1.
 *
 * @throws Error when the inspector of the worker cannot be reached
 */
export async function profiled<T>(
  product: Product,
  directory: string,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  const session = await Session.open(product);
  try {
    await session.call('Profiler.enable');
    await session.call('Profiler.start');
    const result = await work();
    const { profile } = (await session.call('Profiler.stop')) as { profile: unknown };
    const file = join(
      directory,
      `${name.replaceAll(/[^A-Za-z0-9]+/g, '-').replace(/^-+|-+$/g, '')}.cpuprofile`,
    );
    writeFileSync(file, JSON.stringify(profile));
    console.log(`  profile: ${file}`);
    return result;
  } finally {
    session.close();
  }
}

/** A session of the inspector's protocol with one worker. */
class Session {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<
    number,
    { resolve: (result: unknown) => void; reject: (error: Error) => void }
  >();
  #next = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const { id, result, error } = JSON.parse(String(data));
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error.message));
    });
    socket.addEventListener('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the profiled worker is gone'));
    });
  }

  static async open(product: Product): Promise<Session> {
    const worker = product.workers()[0];
    if (worker === undefined) throw new Error('the server has no workers');
    if (inspected !== worker.pid) process.kill(worker.pid, 'SIGUSR1');
    inspected = worker.pid;
    const socket = new WebSocket(await debuggerUrl());
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('error', () => reject(new Error('the inspector refuses the connection')));
    });
    const session = new Session(socket);
    const { result } = (await session.call('Runtime.evaluate', { expression: 'process.pid' })) as {
      result: { value: number };
    };
    if (result.value !== worker.pid)
      throw new Error(`Another process (${result.value}) has the inspector's port`);
    return session;
  }

  call(method: string, params: object = {}): Promise<unknown> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  close(): void {
    this.#socket.close();
  }
}

async function debuggerUrl(): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      const targets = (await (await fetch(INSPECTOR)).json()) as { webSocketDebuggerUrl: string }[];
      return targets[0]!.webSocketDebuggerUrl;
    } catch (error) {
      if (attempt === 50)
        throw new Error(`The worker's inspector does not answer: ${(error as Error).message}`);
      await sleep(100);
    }
  }
}
