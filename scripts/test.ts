// npm test: types, format and lint, then all tests; or those that are named: npm test -- server/src/search
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const named = process.argv.slice(2);

/** The steps in their order; the first that fails ends the run. */
const steps: { name: string; args: string[] }[] = [
  { name: 'types', args: [join('typescript', 'bin', 'tsc'), '--noEmit', '--project', 'tsconfig.json'] },
  {
    name: 'types of the apps',
    args: [join('typescript', 'bin', 'tsc'), '--noEmit', '--project', join('smart-apps', 'tsconfig.json')],
  },
  {
    name: 'format and lint',
    args: [join('@biomejs', 'biome', 'bin', 'biome'), 'check', '--diagnostic-level=warn', '.'],
  },
  // Once, rather than by each server that the tests start.
  { name: 'apps', args: [join('..', 'scripts', 'build-apps.ts')] },
  { name: 'tests', args: [join('vitest', 'vitest.mjs'), 'run', '--reporter=dot', ...named] },
];

for (const { name, args } of named.length > 0 ? steps.slice(-1) : steps) {
  console.log(`\n== ${name}`);
  const began = performance.now();
  const outcome = await run(args);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  if (outcome !== 0) {
    console.error(`\nnpm test failed: ${name} (${seconds} s)`);
    process.exit(1);
  }
  console.log(`== ${name}: passed (${seconds} s)`);
}

/** Runs a program, named from node_modules, on this Node; its exit code, 1 if a signal ended it. */
function run([program, ...args]: string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', program!), ...args], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill(signal));
    child.once('error', (error) => {
      console.error(error.message);
      resolve(1);
    });
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
