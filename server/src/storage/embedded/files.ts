import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Account } from './account.ts';

/** Gives a directory and what is in it to the account; does nothing for "as this process". */
export function chownTree(path: string, account: Account): void {
  if (account.uid === undefined || account.gid === undefined) return;
  chownSync(path, account.uid, account.gid);
  if (lstatSync(path).isDirectory()) {
    for (const name of readdirSync(path)) chownTree(join(path, name), account);
  }
}

/**
 * Writes a whole file or none of it: a new file beside it takes its name. It belongs to the account, or else to the
 * owner of the directory, so that what root wrote there can be read by who owns it.
 */
export function writeFileWhole(path: string, text: string, mode: number, account?: Account): void {
  const unfinished = `${path}.${process.pid}.new`;
  writeFileSync(unfinished, text, { mode });
  chmodSync(unfinished, mode);
  if (account?.uid !== undefined && account.gid !== undefined)
    chownSync(unfinished, account.uid, account.gid);
  else giveToOwner(unfinished);
  renameSync(unfinished, path);
}

/** Lets a file that root made belong to the owner of its directory. */
export function giveToOwner(path: string): void {
  if (process.getuid?.() !== 0) return;
  const owner = statSync(dirname(path));
  chownSync(path, owner.uid, owner.gid);
}

/** Secrets of the embedded database, kept in `<dataDir>/secrets.json` (mode 600). */
export interface Secrets {
  readonly postgresPassword: string;
}

/** The secrets of a data directory, or undefined when there are none yet. */
export function readSecrets(dataDirectory: string): Secrets | undefined {
  const path = join(dataDirectory, 'secrets.json');
  if (!existsSync(path)) return undefined;
  const secrets = JSON.parse(readFileSync(path, 'utf8')) as Partial<Secrets>;
  if (typeof secrets.postgresPassword !== 'string') throw new Error(`${path}: postgresPassword is missing`);
  return { postgresPassword: secrets.postgresPassword };
}

/** Writes the secrets of a data directory. */
export function writeSecrets(dataDirectory: string, secrets: Secrets): void {
  writeFileWhole(join(dataDirectory, 'secrets.json'), `${JSON.stringify(secrets, null, 2)}\n`, 0o600);
}
