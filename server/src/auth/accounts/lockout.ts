import { createHash } from 'node:crypto';

/** When tries are slowed down, and how much. */
export interface LockoutRule {
  /** Failures that cost nothing. */
  readonly free: number;
  /** The first wait in milliseconds; each further failure doubles it. */
  readonly first: number;
  /** The longest wait in milliseconds: somebody else's tries must not keep a person out for good. */
  readonly longest: number;
  /** Failures are forgotten after so many milliseconds without one. */
  readonly forgotten: number;
}

const MINUTE = 60_000;

/** By login, whether there is an account of it or not. */
export const LOGIN_RULE: LockoutRule = {
  free: 4,
  first: MINUTE / 2,
  longest: 15 * MINUTE,
  forgotten: 24 * 60 * MINUTE,
};

/** By network address: many people may share one. */
export const ADDRESS_RULE: LockoutRule = {
  free: 49,
  first: MINUTE / 2,
  longest: 60 * MINUTE,
  forgotten: 60 * MINUTE,
};

/** Wait after so many failures in a row, in milliseconds. */
export function waitAfter(failures: number, { free, first, longest }: LockoutRule): number {
  return failures <= free ? 0 : Math.min(longest, first * 2 ** Math.min(40, failures - free - 1));
}

/** Under which key a login's failures are kept: no clear text, which may be a password typed into the wrong field. */
export const loginKey = (login: string): string =>
  `login:${createHash('sha256').update(login.trim().toLowerCase()).digest('base64url')}`;

/** Under which key an address's failures are kept: IPv6 by its /64, which one household has. */
export function addressKey(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!plain.includes(':')) return `address:${plain}`;
  const [head = '', tail] = plain.split('%')[0]!.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups =
    tail === undefined
      ? before
      : [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after];
  return `address:${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
