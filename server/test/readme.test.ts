import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../src/config/config.ts';
import { cleanEnvironment, cleanUp, freePort, temporaryDirectory, VestaProcess } from './server-process.ts';

/** The blocks of the README that a reader may copy: `npm start`, which they need, is what starts the server here. */
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);

const run = promisify(execFile);
let data: string;
let port: number;
let server: VestaProcess;
let token = '';

const environment = () => ({ ...cleanEnvironment(), VESTA_DATA_DIR: data, PORT: String(port), TOKEN: token });

/** A block as it is run. --fail: an HTTP error ends the block. The vesta command is run as npx finds it. */
const scriptOf = (block: string): string =>
  block
    .replaceAll('localhost:8080', `localhost:${port}`)
    .replaceAll('curl -s', 'curl -s --fail-with-body')
    .replaceAll('npx vesta', `node ${join(ROOT, 'server', 'bin', 'vesta.mjs')}`);

beforeAll(async () => {
  data = temporaryDirectory();
  port = await freePort();
  const env = { PORT: String(port), VESTA_DATA_DIR: data };
  server = new VestaProcess([], env, ['npm', 'start']);
  await server.says(/demo-service/);
  // What the reader's shell keeps from one block to the next.
  const exporting = blocks.find((block) => block.startsWith('export TOKEN=')) as string;
  const { stdout } = await run(
    'bash',
    ['-euo', 'pipefail', '-c', `${scriptOf(exporting)}printf %s "$TOKEN"`],
    {
      cwd: ROOT,
      env: environment(),
    },
  );
  token = stdout;
}, 120_000);
afterAll(async () => {
  await cleanUp(data);
});

describe('README (issue 3, section 1: every command in it is run by a test)', () => {
  test('npm start loads at least 12 demo patients', async () => {
    const response = await fetch(`http://127.0.0.1:${port}/fhir/demo/Patient?_summary=count`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    expect(((await response.json()) as { total: number }).total).toBeGreaterThanOrEqual(12);
  });

  test.each(blocks.map((block) => [block]))('%s', async (block) => {
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', `${scriptOf(block)}\necho done`], {
      cwd: ROOT,
      env: environment(),
      maxBuffer: 64 * 1024 * 1024,
    });
    expect(stdout.endsWith('done\n')).toBe(true);
    if (!block.startsWith('export')) expect(stdout).not.toBe('done\n');
    expect(stdout).not.toContain('"severity":"error"');
  });
});
