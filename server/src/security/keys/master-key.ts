import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileWhole } from '../../storage/embedded/files.ts';

/** A key that wraps data keys. */
export interface MasterKey {
  /** Eight hexadecimal digits that follow from the key and do not tell it. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

/** Where master keys come from. */
export interface MasterKeySource {
  /** The first wraps; the others unwrap what was wrapped before a rotation. */
  readonly keys: readonly MasterKey[];
  /** The file that the keys are in; undefined when they come from the environment. */
  readonly file?: string;
  /** Reads the file again: a rotation may have added a key. */
  reload(): void;
}

/** Thrown for a master key that is missing or wrong. The message never quotes it. */
export class MasterKeyError extends Error {}

export interface MasterKeySettings {
  /** VESTA_MASTER_KEY: keys in hexadecimal or base64, separated by commas; the first one wraps. */
  readonly masterKey?: string | undefined;
  /** VESTA_MASTER_KEY_FILE: path of a file with a key on each line; lines that begin with # are comments. */
  readonly masterKeyFile?: string | undefined;
  /** Where a key is made when there is none; undefined with an external database, whose key must be given. */
  readonly dataDirectory?: string | undefined;
}

/** Name of the file that is made in the data directory. */
export const MASTER_KEY_FILE = 'master.key';

/** A master key of these bytes. @throws MasterKeyError unless there are 32 */
export function masterKeyOf(key: Uint8Array): MasterKey {
  if (key.length !== 32) throw new MasterKeyError(`A master key has 32 bytes, not ${key.length}`);
  const bytes = Buffer.from(key);
  return {
    id: createHmac('sha256', bytes).update('vesta/master-key-id').digest('hex').slice(0, 8),
    key: bytes,
  };
}

/** A new random master key. */
export const newMasterKey = (): MasterKey => masterKeyOf(randomBytes(32));

/**
 * The master keys of an installation: from the environment, else from a file, else from the data directory, where one is
 * made at the first start (mode 0600).
 * @throws MasterKeyError when none is given and none can be made, or one is not 32 bytes in hexadecimal or base64
 */
export function loadMasterKeys(settings: MasterKeySettings): MasterKeySource {
  if (settings.masterKey !== undefined) {
    const keys = parseMasterKeys(settings.masterKey.split(','), 'VESTA_MASTER_KEY');
    return { keys, reload() {} };
  }
  if (settings.masterKeyFile !== undefined)
    return fileSource(settings.masterKeyFile, 'VESTA_MASTER_KEY_FILE');
  if (settings.dataDirectory === undefined) {
    throw new MasterKeyError(
      'With an external database VESTA_MASTER_KEY or VESTA_MASTER_KEY_FILE must be set: ' +
        '32 random bytes in hexadecimal or base64, the same for all servers (openssl rand -hex 32 makes some)',
    );
  }
  const file = join(settings.dataDirectory, MASTER_KEY_FILE);
  if (!existsSync(file)) makeMasterKeyFile(file);
  return fileSource(file, file);
}

/** Writes the keys to the file in the place of what it holds; who reads it sees the old keys or the new ones. */
export function writeMasterKeys(file: string, keys: readonly MasterKey[]): void {
  const lines = keys.map(({ id, key }) => `# ${id}\n${key.toString('hex')}\n`);
  writeFileWhole(
    file,
    `# Master keys of Vesta. Without them what is encrypted in the database cannot be read: keep a copy elsewhere.\n# The first one wraps data keys, the others open what they have wrapped.\n${lines.join('')}`,
    0o600,
  );
}

function makeMasterKeyFile(file: string): void {
  const draft = `${file}.${process.pid}.draft`;
  writeMasterKeys(draft, [newMasterKey()]);
  try {
    // Of two processes that start at once one makes the key, and both use it.
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function fileSource(file: string, name: string): MasterKeySource {
  const read = (): MasterKey[] => {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      throw new MasterKeyError(`${name}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
    const lines = text.split(/\r?\n/).filter((line) => !/^\s*(#|$)/.test(line));
    return parseMasterKeys(lines, name);
  };
  let keys = read();
  return {
    file,
    get keys() {
      return keys;
    },
    reload() {
      keys = read();
    },
  };
}

function parseMasterKeys(texts: readonly string[], name: string): MasterKey[] {
  const keys = texts.map((text, index) => {
    const bytes = decode(text.trim());
    if (bytes === undefined) {
      throw new MasterKeyError(
        `${name}: key ${index + 1} is not 32 bytes in hexadecimal (64 digits) or base64 (43 or 44 characters)`,
      );
    }
    return masterKeyOf(bytes);
  });
  if (keys.length === 0) throw new MasterKeyError(`${name}: there is no key in it`);
  return keys;
}

function decode(text: string): Buffer | undefined {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex');
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return Buffer.from(text, 'base64');
  return undefined;
}
