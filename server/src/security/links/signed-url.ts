import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Tenant } from '../../access/scope.ts';
import { type DataKey, type KeyRing, UnknownKeyError } from '../keys/data-key.ts';

/*
 * Links that carry their permission with them, for files that a browser or a download manager fetches without a token:
 * `path?...&_expires=<epoch seconds>&_key=<number>&_signature=<HMAC-SHA256>`. A link is good for one tenant, one path with
 * exactly its parameters, GET and HEAD, for a short time, and, where it says so (`_bound`), for one client.
 */

/** Longest life of a link in seconds. */
export const LONGEST_LINK = 3600;
const DEFAULT_LIFE = 300;

export interface LinkTarget {
  readonly tenant: Tenant;
  /** Path and parameters below the server's base, e.g. `/fhir/demo/Binary/1`; the order of parameters counts. */
  readonly path: string;
  /** Only this client may use it: it must say who it is. */
  readonly client?: string;
}

export interface LinkOptions {
  /** Seconds that it lives: 300 by default, 3600 at most. */
  readonly life?: number;
  /** Epoch milliseconds; for tests. */
  readonly now?: number;
}

/**
 * The path with its permission.
 * @throws RangeError for a life that is no time or too long, and for a path with a fragment or a permission of its own
 */
export function signLink(ring: KeyRing, target: LinkTarget, options: LinkOptions = {}): string {
  const { life = DEFAULT_LIFE, now = Date.now() } = options;
  if (!(life > 0 && life <= LONGEST_LINK)) throw new RangeError(`A link lives 1 to ${LONGEST_LINK} seconds`);
  if (!/^\/[^#\s]*$/.test(target.path) || OWN.test(target.path))
    throw new RangeError(`"${target.path}" cannot be signed`);
  const key = ring.current;
  key.use('links').seals++;
  const bound = target.client === undefined ? '' : '&_bound=true';
  const expires = Math.floor(now / 1000 + life);
  const unsigned = `${target.path}${target.path.includes('?') ? '&' : '?'}_expires=${expires}${bound}&_key=${key.number}`;
  return `${unsigned}&_signature=${signature(key, target, unsigned).toString('base64url')}`;
}

/** What became of a link. */
export type LinkVerdict =
  | { readonly valid: true /** What was signed. */; readonly path: string; readonly expires: number }
  | { readonly valid: false; readonly reason: 'unsigned' | 'invalid' | 'expired' };

/**
 * Checks the path of a request, `/fhir/...?...` as it stands in the request line.
 * @param asked the tenant of the path, and the client that asks, if it has said who it is
 * @param now epoch milliseconds
 */
export function verifyLink(
  ring: KeyRing,
  path: string,
  asked: { readonly tenant: Tenant; readonly client?: string },
  now: number = Date.now(),
): LinkVerdict {
  const match = SIGNED.exec(path);
  if (match === null) return { valid: false, reason: OWN.test(path) ? 'invalid' : 'unsigned' };
  const [, unsigned = '', target = '', expires, bound, number, given = ''] = match;
  const client = bound === undefined ? undefined : asked.client;
  if (bound !== undefined && client === undefined) return { valid: false, reason: 'invalid' };
  let key: DataKey;
  try {
    key = ring.find(Number(number));
  } catch (error) {
    if (error instanceof UnknownKeyError) return { valid: false, reason: 'invalid' };
    throw error;
  }
  key.use('links').opens++;
  const parts = { tenant: asked.tenant, path: target, ...(client === undefined ? {} : { client }) };
  const wanted = signature(key, parts, unsigned);
  const said = Buffer.from(given, 'base64url');
  if (said.length !== wanted.length || !timingSafeEqual(said, wanted))
    return { valid: false, reason: 'invalid' };
  if (Number(expires) * 1000 <= now) return { valid: false, reason: 'expired' };
  return { valid: true, path: target, expires: Number(expires) };
}

/** Whether a request's path carries a permission: what has none costs no more than this. */
export const isSignedLink = (path: string): boolean => path.includes('_signature=');

const OWN = /[?&]_(expires|bound|key|signature)=/;
const SIGNED = /^((\/[^#\s]*?)[?&]_expires=(\d{1,12})(&_bound=true)?&_key=(\d{1,9}))&_signature=([\w-]{43})$/;

function signature(key: DataKey, { tenant, client }: LinkTarget, unsigned: string): Buffer {
  // JSON keeps the parts apart, whatever is in them.
  return createHmac('sha256', key.for('links'))
    .update(JSON.stringify([tenant.id, client ?? null, unsigned]))
    .digest();
}
