import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../src/config/config.ts';
import { waitUntilGone } from '../src/storage/embedded/postmaster.ts';

/** A TCP port that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** A directory for `VESTA_DATA_DIR`, which must not be there yet. */
export function temporaryDirectory(): string {
  const parent = mkdtempSync(join(tmpdir(), 'vesta-serve-'));
  chmodSync(parent, 0o755);
  return join(parent, 'data');
}

/** Ends what a test has left running on a data directory and removes it. */
export async function cleanUp(dataDirectory: string): Promise<void> {
  for (const [file, signal] of [
    ['vesta.lock', 'SIGKILL'],
    ['postgres/postmaster.pid', 'SIGQUIT'],
  ] as const) {
    try {
      const text = readFileSync(join(dataDirectory, file), 'utf8').split('\n')[0]!;
      const pid = text.startsWith('{') ? (JSON.parse(text) as { pid: number }).pid : Number(text);
      process.kill(pid, signal);
      await waitUntilGone(pid, 10_000);
    } catch {
      // It is not there: nothing runs.
    }
  }
  // Server processes, which end with the primary, may be writing still.
  rmSync(join(dataDirectory, '..'), { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

/** This process' environment without options of Vesta; vitest sets some variables that are read as such (BASE_URL). */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const options = /^(VESTA_|VITEST|PORT$|HOST$|BASE_URL$|DATABASE_URL$|NODE_OPTIONS$|NODE_ENV$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !options.test(name)));
}

/** `vesta` as it is delivered, in a process of its own. */
export class VestaProcess {
  readonly child: ChildProcess;
  output = '';
  readonly exited: Promise<number | string>;

  /**
   * @param args of the command; @param env added to an environment without options of Vesta
   * @param program how it is started; by default by this Node
   */
  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    program: readonly string[] = [process.execPath, join(ROOT, 'server', 'src', 'cli', 'main.ts')],
  ) {
    const [command, ...before] = program;
    this.child = spawn(command!, [...before, ...args], {
      cwd: ROOT,
      env: { ...cleanEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk) => {
        this.output += String(chunk);
      });
    }
    this.exited = new Promise((resolve) => {
      this.child.once('close', (code, signal) => resolve(code ?? signal ?? 1));
    });
  }

  /**
   * Waits until the output matches.
   * @throws Error with the output when the process ends first, or says nothing at all for a minute
   */
  async says(pattern: RegExp, from = 0): Promise<void> {
    const ended = this.exited.then(() => true);
    let length = 0;
    let deadline = 0;
    while (!pattern.test(this.output.slice(from))) {
      if (this.output.length !== length || deadline === 0) {
        length = this.output.length;
        deadline = Date.now() + 60_000;
      }
      if (Date.now() > deadline || (await Promise.race([ended, sleep(20).then(() => false)]))) {
        if (pattern.test(this.output.slice(from))) return;
        throw new Error(`No ${pattern} in:\n${this.output}`);
      }
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

/** Runs a command to its end. */
export async function vesta(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | string; output: string }> {
  const run = new VestaProcess(args, env);
  const code = await run.exited;
  return { code, output: run.output };
}

/** The server processes of a primary: its children that run worker-entry.ts. */
export function workersOf(primary: number): number[] {
  return childrenOf(primary).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('worker-entry.ts');
    } catch {
      return false;
    }
  });
}

/** Process ids of the children of a process. */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
}

/** The postmaster's process id. */
export function postmasterOf(dataDirectory: string): number {
  return Number(readFileSync(join(dataDirectory, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
}
