import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Gate } from './gate.ts';

const derive = promisify((parameters: Argon2Parameters, done: (error: Error | null, key?: Buffer) => void) =>
  argon2('argon2id', parameters, done),
) as (parameters: Argon2Parameters) => Promise<Buffer>;

/** OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, 2 passes, 1 lane. */
const MEMORY = 19_456;
const PASSES = 2;
const PARALLELISM = 1;
const TAG = 32;
const SALT = 16;

/** Derivations take 19 MiB each, on threads that DNS and files need too. */
const gate = new Gate(2, 100);

/** Passwords are compared in NFKC (NIST SP 800-63B-4, section 3.1.1.2), so that keyboards do not matter. */
const bytesOf = (password: string): Buffer => Buffer.from(password.normalize('NFKC'), 'utf8');

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');

/**
 * The argon2id hash (RFC 9106) of a password with a new salt, made off the event loop.
 * @returns PHC text: `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`
 * @throws BusyError when too many wait already
 */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(SALT);
  const tag = await gate.run(() =>
    derive({
      message: bytesOf(password),
      nonce,
      memory: MEMORY,
      passes: PASSES,
      parallelism: PARALLELISM,
      tagLength: TAG,
    }),
  );
  return `$argon2id$v=19$m=${MEMORY},t=${PASSES},p=${PARALLELISM}$${unpadded(nonce)}$${unpadded(tag)}`;
}

interface Phc {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly nonce: Buffer;
  readonly tag: Buffer;
}

function parsePhc(text: string): Phc {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(text);
  if (match === null) throw new Error('A stored password is no argon2id hash');
  const [, memory, passes, parallelism, nonce, tag] = match as unknown as string[];
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    nonce: Buffer.from(nonce as string, 'base64'),
    tag: Buffer.from(tag as string, 'base64'),
  };
}

/** A hash that no password has: what is compared with where there is no account, for the same time. */
const NOBODY = `$argon2id$v=19$m=${MEMORY},t=${PASSES},p=${PARALLELISM}$${unpadded(randomBytes(SALT))}$${unpadded(randomBytes(TAG))}`;

/**
 * Whether a password has this hash. Without a hash the same work is done, and the answer is no.
 * @throws BusyError when too many wait already; Error for a hash that is not in PHC form
 */
export async function verifyPassword(hash: string | undefined, password: string): Promise<boolean> {
  const { memory, passes, parallelism, nonce, tag } = parsePhc(hash ?? NOBODY);
  const found = await gate.run(() =>
    derive({ message: bytesOf(password), nonce, memory, passes, parallelism, tagLength: tag.length }),
  );
  return timingSafeEqual(found, tag) && hash !== undefined;
}

/** Whether a hash was made with other parameters than today's: then it is made anew at the next login. */
export function isOutdated(hash: string): boolean {
  const { memory, passes, parallelism, tag } = parsePhc(hash);
  return memory !== MEMORY || passes !== PASSES || parallelism !== PARALLELISM || tag.length !== TAG;
}
