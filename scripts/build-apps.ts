// node scripts/build-apps.ts [NAME...]: builds the apps of smart-apps/ whose sources have changed since they were built.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const root = dirname(import.meta.dirname);
const apps = join(root, 'smart-apps');

/** In each build: SHA-256 of what it was made from. */
const STAMP = '.sources';

/** Kept beside what they stand for, so that nothing is compressed when it is asked for. */
const COMPRESSED = new Set(['.js', '.css', '.html', '.svg', '.webmanifest', '.json']);

/** The apps that there are: folders with a page of their own. */
export function appNames(): string[] {
  return globSync('*/index.html', { cwd: apps })
    .map((file) => dirname(file))
    .toSorted();
}

/**
 * Builds apps into `smart-apps/{name}/dist`, those that are not up to date. Vite is loaded only then: an installation
 * that has been built needs none. Two of these at once do not collide: the last one that is done stays.
 * @returns the names of those that were built
 * @throws Error when an app cannot be built
 */
export async function buildApps(names: readonly string[] = appNames()): Promise<string[]> {
  const built: string[] = [];
  for (const name of names) {
    const hash = hashOf(name);
    if (stampOf(name) === hash) continue;
    await build(name, hash);
    built.push(name);
  }
  return built;
}

function stampOf(name: string): string | undefined {
  const file = join(apps, name, 'dist', STAMP);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function hashOf(name: string): string {
  const hash = createHash('sha256');
  const sources = [name, 'shared'].flatMap((folder) =>
    globSync(`${folder}/**/*.{ts,tsx,css,html,svg,json,webmanifest}`, {
      cwd: apps,
      exclude: ['**/dist', '**/dist-*', '**/node_modules', '**/*.test.*'],
    }),
  );
  for (const file of sources.toSorted())
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(apps, file)))
      .update('\0');
  for (const file of [join(root, 'package-lock.json'), import.meta.filename])
    if (existsSync(file)) hash.update(readFileSync(file));
  return hash.digest('hex');
}

async function build(name: string, hash: string): Promise<void> {
  const [vite, { default: config }] = await Promise.all([
    import('vite'),
    import(join(apps, name, 'vite.config.ts')),
  ]);
  const folder = join(apps, name);
  removeUnfinished(folder);
  const outDir = mkdtempSync(join(folder, 'dist-'));
  try {
    await inProduction(() => vite.build({ ...config, build: { ...config.build, outDir } }));
    compress(outDir);
    // Made as its owner's alone; the server may run as somebody else.
    chmodSync(outDir, 0o755);
    writeFileSync(join(outDir, STAMP), hash);
    replace(join(folder, 'dist'), outDir);
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

/** Removes what builds that were killed have left. */
function removeUnfinished(folder: string): void {
  for (const left of globSync('dist-*', { cwd: folder }))
    if (Date.now() - statSync(join(folder, left)).mtimeMs > 600_000)
      rmSync(join(folder, left), { recursive: true, force: true });
}

/** What is built is the same whoever asks for it: Vite and its plugins look at NODE_ENV, which tests set. */
async function inProduction(work: () => Promise<unknown>): Promise<void> {
  const before = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  try {
    await work();
  } finally {
    if (before === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = before;
  }
}

function compress(folder: string): void {
  for (const file of globSync('**/*', { cwd: folder })) {
    if (!COMPRESSED.has(extname(file))) continue;
    const path = join(folder, file);
    const bytes = readFileSync(path);
    writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
    writeFileSync(
      `${path}.br`,
      brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }),
    );
  }
}

/** Puts a build in the place of the one before. */
function replace(folder: string, by: string): void {
  for (let tries = 0; ; tries++) {
    const old = `${by}-old-${tries}`;
    try {
      if (existsSync(folder)) renameSync(folder, old);
      renameSync(by, folder);
      return;
    } catch (error) {
      // Somebody else has put one there in between.
      if (tries === 3) throw error;
    } finally {
      rmSync(old, { recursive: true, force: true });
    }
  }
}

if (import.meta.main) {
  const names = process.argv.slice(2);
  for (const name of await buildApps(names.length === 0 ? undefined : names))
    console.log(`built /apps/${name}/`);
}
