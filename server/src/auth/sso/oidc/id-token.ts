import { createHash } from 'node:crypto';
import type * as jose from 'jose';
import { sameSecret } from '../../hash.ts';
import { SsoError } from '../proved-identity.ts';
import { type KeySource, TOLERANCE, verifyProviderJwt } from './provider-jwt.ts';

/** What an id_token must fit. */
export interface ExpectedIdToken {
  readonly issuer: string;
  readonly clientId: string;
  readonly nonce: string;
  /** It came with this one. */
  readonly accessToken: string | undefined;
  /** Whether the person must have proved who they are after {@link started}. */
  readonly fresh: boolean;
  /** When the person went to the provider, in epoch milliseconds. */
  readonly started: number;
}

/** An id_token may be so old, in seconds: it comes straight from the provider. */
const MAX_AGE = 600;

/**
 * Checks an id_token (OpenID Connect Core 1.0, 3.1.3.7 and 3.1.3.8).
 * @param now epoch milliseconds
 * @returns its claims
 * @throws SsoError; FetchError when the provider's keys cannot be had
 */
export async function checkIdToken(
  idToken: string,
  keys: KeySource,
  expected: ExpectedIdToken,
  now = Date.now(),
): Promise<jose.JWTPayload & { readonly sub: string }> {
  const { claims, header } = await verifyProviderJwt(idToken, 'the id_token', keys, expected, now);
  const { sub, exp, iat, nonce, azp, at_hash: atHash, auth_time: authTime } = claims;
  if (exp === undefined) throw new SsoError('the id_token has no exp');
  if ((iat as number) < now / 1000 - MAX_AGE) throw new SsoError('the id_token is too old');
  if (azp !== undefined && azp !== expected.clientId)
    throw new SsoError('azp of the id_token is another client');
  if (typeof nonce !== 'string' || !sameSecret(nonce, expected.nonce)) {
    throw new SsoError('nonce of the id_token is of another login');
  }
  if (typeof sub !== 'string' || !/^[\x21-\x7e][\x20-\x7e]{0,254}$/.test(sub)) {
    throw new SsoError('the id_token has no usable sub');
  }
  if (atHash !== undefined && atHash !== accessTokenHash(expected.accessToken ?? '', header)) {
    throw new SsoError('at_hash of the id_token is of another access token');
  }
  if (expected.fresh) {
    if (typeof authTime !== 'number') throw new SsoError('the provider does not say when it asked for proof');
    if (authTime < expected.started / 1000 - TOLERANCE)
      throw new SsoError('the provider has not asked for proof anew');
  }
  return { ...claims, sub };
}

/**
 * `at_hash`: the left half of the hash that goes with the signature's algorithm (OpenID Connect Core, 3.1.3.6); of
 * Ed25519 that is SHA-512 (RFC 8032).
 */
export function accessTokenHash(accessToken: string, { alg }: Pick<jose.JWTHeaderParameters, 'alg'>): string {
  const algorithm = alg.startsWith('Ed') ? 'sha512' : `sha${alg.slice(-3)}`;
  const digest = createHash(algorithm).update(accessToken, 'ascii').digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}
