// node scripts/with-node24.mjs FILE [ARGUMENT...]: runs FILE on the Node 24 of node_modules, installing it if need be.
import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled, node24, root } from './install.mjs';

/**
 * Runs a program of this repository on Node 24, passes signals on to it, and ends as it ends.
 * @param {string} file path of the program, from the repository's root
 * @param {string[]} args
 */
export function runWithNode24(file, args) {
  try {
    ensureInstalled();
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
  const child = spawn(node24, [resolve(root, file), ...args], {
    // The channel tells the child when this process is killed, so that no server is left behind.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: {
      // Node keeps what it compiled: the next start is faster, and the stripper of types is not even loaded.
      NODE_COMPILE_CACHE: join(root, '.vesta-cache', 'compiled'),
      ...process.env,
      PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`,
    },
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`${node24} could not be started: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    for (const each of signals) process.removeAllListeners(each);
    process.kill(process.pid, signal);
    // A signal that does not end this process leaves the code that shells give.
    setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 100);
  });
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [file, ...args] = process.argv.slice(2);
  if (file === undefined) {
    console.error('Usage: node scripts/with-node24.mjs FILE [ARGUMENT...]');
    process.exit(2);
  }
  runWithNode24(file, args);
}
