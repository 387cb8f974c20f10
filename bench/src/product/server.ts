import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onEnd } from '../cleanup.ts';
import { Connection, encodeRequest, type Reply } from '../http-client.ts';
import {
  commandOf,
  cpuSeconds,
  type ProcessInfo,
  type ProcessMemory,
  processMemory,
  processTree,
} from './processes.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
/** File that a server process runs. */
const WORKER = 'worker-entry';
const HOST = '127.0.0.1';
/** Longest wait for the first start, which makes a database, and for an end. */
const START_TIMEOUT = 120_000;
const STOP_TIMEOUT = 40_000;

/** When a server that was just started gave its first answers, in milliseconds since it was started. */
export interface FirstAnswers {
  readonly milliseconds: readonly number[];
}

/** The product, started as its users start it. */
export class Product {
  readonly host = HOST;
  readonly port: number;
  readonly dataDirectory: string;
  readonly tenant: string;
  readonly #log: string[] = [];
  #child: ChildProcess | undefined;
  #forget: (() => Promise<void>) | undefined;

  private constructor(port: number, dataDirectory: string, tenant: string) {
    this.port = port;
    this.dataDirectory = dataDirectory;
    this.tenant = tenant;
  }

  /** Prepares an empty data directory and a free port; nothing is started yet. */
  static async create(dataDirectory: string, tenant: string): Promise<Product> {
    mkdirSync(dataDirectory, { recursive: true });
    chmodSync(dataDirectory, 0o755);
    return new Product(await freePort(), dataDirectory, tenant);
  }

  /** Path of the tenant's base. */
  get base(): string {
    return `/fhir/${this.tenant}`;
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('the server does not run');
    return this.#child.pid;
  }

  /**
   * Starts `vesta serve` and waits until each of the paths has answered 200.
   * @throws Error with what the server said when it ends or does not answer in time
   */
  async start(paths: readonly string[]): Promise<FirstAnswers> {
    const began = performance.now();
    const child = vesta(['serve'], this.#environment());
    this.#child = child;
    this.#log.length = 0;
    child.stdout!.on('data', (data: Buffer) => this.#remember(data));
    child.stderr!.on('data', (data: Buffer) => this.#remember(data));
    this.#forget = onEnd('the server', () => this.stop());
    let ended = false;
    child.once('exit', () => {
      ended = true;
    });
    const first = paths.map(async (path) => {
      for (;;) {
        const status = await this.get(path).then(
          (reply) => reply.status,
          () => 0,
        );
        const now = performance.now() - began;
        if (status === 200) return now;
        if (ended) throw new Error(`vesta serve ended:\n${this.output()}`);
        if (now > START_TIMEOUT) throw new Error(`${path} answers ${status || 'nothing'}:\n${this.output()}`);
        await sleep(3);
      }
    });
    return { milliseconds: await Promise.all(first) };
  }

  /** Ends the server as a user does, with the signal of Ctrl-C's kind, and PostgreSQL with it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const tree = processTree(child.pid!);
    const database = this.databasePid();
    const databaseTree = database === undefined ? [] : processTree(database);
    const gone = new Promise<void>((done) => {
      if (child.exitCode !== null || child.signalCode !== null) done();
      else child.once('exit', () => done());
    });
    if (signal === 'SIGKILL') killAll([...tree, ...databaseTree]);
    else child.kill(signal);
    const timer = setTimeout(() => killAll([...tree, ...databaseTree]), STOP_TIMEOUT);
    await gone;
    clearTimeout(timer);
    // The launcher may be gone before what it launched.
    const end = performance.now() + 10_000;
    while ([...tree, ...databaseTree].some(isThere) && performance.now() < end) await sleep(20);
    killAll([...tree, ...databaseTree]);
    await this.#forget?.();
  }

  /** Runs another `vesta` command on the same data. @throws Error with its output when it fails */
  async command(...args: string[]): Promise<string> {
    const child = vesta(args, this.#environment());
    let output = '';
    child.stdout!.on('data', (data: Buffer) => (output += data));
    child.stderr!.on('data', (data: Buffer) => (output += data));
    const forget = onEnd(`vesta ${args[0]}`, () => child.kill('SIGKILL'));
    const code = await new Promise<number | null>((done) => child.once('close', done));
    await forget();
    if (code !== 0) throw new Error(`vesta ${args.join(' ')} ended with ${code}:\n${output}`);
    return output;
  }

  /** One request on a connection of its own. */
  async get(path: string): Promise<Reply> {
    const connection = await Connection.open(this.host, this.port);
    try {
      return await connection.request(encodeRequest(`${this.host}:${this.port}`, 'GET', path));
    } finally {
      connection.close();
    }
  }

  /** The body of a GET as JSON. @throws Error when the status is not 200 */
  async json(path: string): Promise<unknown> {
    const reply = await this.get(path);
    if (reply.status !== 200)
      throw new Error(`GET ${path}: ${reply.status} ${reply.body.toString('utf8', 0, 500)}`);
    return JSON.parse(reply.body.toString('utf8'));
  }

  /** The server's Node processes: launcher, primary and workers. */
  serverProcesses(): ProcessInfo[] {
    return processTree(this.pid).filter(({ program }) => program !== 'postgres');
  }

  /** The workers: the processes that serve requests. */
  workers(): ProcessInfo[] {
    return this.#leaves().filter(({ pid }) => commandOf(pid).includes(WORKER));
  }

  /** Waits until what the server does beside its work when it starts has ended: building apps, warming caches. */
  async settled(): Promise<void> {
    while (this.#leaves().some(({ pid }) => !commandOf(pid).includes(WORKER))) await sleep(200);
  }

  #leaves(): ProcessInfo[] {
    const all = this.serverProcesses();
    return all.filter(({ pid }) => !all.some(({ parent }) => parent === pid));
  }

  databaseProcesses(): ProcessInfo[] {
    const pid = this.databasePid();
    return pid === undefined ? [] : processTree(pid);
  }

  /** Process id of the postmaster, from its file in the cluster. */
  databasePid(): number | undefined {
    const file = join(this.dataDirectory, 'postgres', 'postmaster.pid');
    return existsSync(file) ? Number(readFileSync(file, 'latin1').split('\n')[0]) : undefined;
  }

  /** Memory of each server process. */
  serverMemory(): (ProcessMemory & { readonly pid: number })[] {
    return this.serverProcesses().flatMap(({ pid }) => {
      const memory = processMemory(pid);
      return memory === undefined ? [] : [{ pid, ...memory }];
    });
  }

  /** Processor seconds used so far by the server and by PostgreSQL. */
  cpu(): { readonly server: number; readonly database: number } {
    return { server: cpuSeconds(this.serverProcesses()), database: cpuSeconds(this.databaseProcesses()) };
  }

  /** The last lines that the server has written. */
  output(): string {
    return this.#log.join('').trimEnd().split('\n').slice(-30).join('\n');
  }

  #remember(data: Buffer): void {
    this.#log.push(data.toString());
    if (this.#log.length > 200) this.#log.shift();
  }

  #environment(): NodeJS.ProcessEnv {
    const clean = Object.entries(process.env).filter(
      ([name]) => !/^(VESTA_|DATABASE_URL$|BASE_URL$|NODE_OPTIONS$|NODE_CHANNEL|NODE_UNIQUE_ID)/.test(name),
    );
    return {
      ...Object.fromEntries(clean),
      PATH: userPath(),
      PORT: String(this.port),
      HOST: this.host,
      VESTA_DEMO: 'off',
      VESTA_AUTH: 'open',
      VESTA_DATA_DIR: this.dataDirectory,
    };
  }
}

function vesta(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn('node', [join(ROOT, 'server/bin/vesta.mjs'), ...args], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** PATH without the directories that npm and our launcher put in front: the `node` of the user. */
function userPath(): string {
  const parts = (process.env['PATH'] ?? '').split(delimiter);
  return parts.filter((part) => !part.endsWith(join('node_modules', '.bin'))).join(delimiter);
}

function isThere({ pid }: ProcessInfo): boolean {
  return processTree(pid).length > 0;
}

function killAll(processes: readonly ProcessInfo[]): void {
  for (const { pid, program } of processes) {
    // The number may be another process's by now.
    if (processTree(pid)[0]?.program !== program) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone.
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((done, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, HOST, () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}
