import { SsoError } from '../proved-identity.ts';
import { type KeySource, verifyProviderJwt } from './provider-jwt.ts';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** A logout token may be so old, in seconds. */
const MAX_AGE = 300;

/** Which sessions end. */
export interface LogoutToken {
  readonly jti: string;
  readonly sub?: string;
  readonly sid?: string;
  /** Epoch milliseconds after which it is refused anyway. */
  readonly expires: number;
}

/**
 * Checks a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6). Whether its jti was used before is left to the
 * caller.
 * @param now epoch milliseconds
 * @throws SsoError; FetchError when the provider's keys cannot be had
 */
export async function checkLogoutToken(
  jwt: string,
  keys: KeySource,
  expected: { readonly issuer: string; readonly clientId: string },
  now = Date.now(),
): Promise<LogoutToken> {
  const { claims, header } = await verifyProviderJwt(jwt, 'the logout token', keys, expected, now);
  if (header.typ !== undefined && !/^(application\/)?(logout\+jwt|jwt)$/i.test(header.typ)) {
    throw new SsoError('typ of the logout token is another one');
  }
  const { jti, sub, sid, nonce, events, iat } = claims;
  if (claims.exp === undefined) throw new SsoError('the logout token has no exp');
  if ((iat as number) < now / 1000 - MAX_AGE) throw new SsoError('the logout token is too old');
  // An id_token is none.
  if (nonce !== undefined) throw new SsoError('a logout token has no nonce');
  const event =
    typeof events === 'object' && events !== null ? (events as Record<string, unknown>)[EVENT] : undefined;
  if (typeof event !== 'object' || event === null) throw new SsoError('the logout token is for no logout');
  if (typeof jti !== 'string' || jti === '' || jti.length > 500)
    throw new SsoError('the logout token has no jti');
  if (typeof sub !== 'string' && typeof sid !== 'string') throw new SsoError('the logout token names nobody');
  return {
    jti,
    ...(typeof sub === 'string' ? { sub } : {}),
    ...(typeof sid === 'string' ? { sid } : {}),
    expires: ((iat as number) + 2 * MAX_AGE) * 1000,
  };
}
