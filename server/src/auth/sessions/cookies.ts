import type { Request, Response } from 'express';
import type { Tenant } from '../../access/scope.ts';

/** The cookies of the pages: who is logged in at a tenant, which browser it is, and its language. */
export type CookieName = 'session' | 'browser' | 'language';

/**
 * With https cookies carry the `__Host-` prefix: no other host and no unencrypted page can set them
 * (draft-ietf-httpbis-rfc6265bis, 4.1.3.2). The tenant is part of the name, because such cookies have no path.
 */
const nameOf = (cookie: CookieName, tenant: Tenant, secure: boolean): string =>
  `${secure ? '__Host-' : ''}vesta-${cookie}-${tenant.name}`;

/** The value of a cookie; undefined when there is none. */
export function readCookie(
  request: Pick<Request, 'headers'>,
  cookie: CookieName,
  tenant: Tenant,
  secure: boolean,
): string | undefined {
  const name = nameOf(cookie, tenant, secure);
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}

/**
 * Sets a cookie that scripts cannot read and other sites' requests do not carry, except when they lead here.
 * @param seconds how long it is kept; undefined: until the browser is closed; 0: it is removed
 */
export function writeCookie(
  response: Response,
  cookie: CookieName,
  tenant: Tenant,
  secure: boolean,
  value: string,
  seconds?: number,
): void {
  response.append(
    'Set-Cookie',
    [
      `${nameOf(cookie, tenant, secure)}=${value}`,
      'Path=/',
      'HttpOnly',
      'SameSite=Lax',
      ...(secure ? ['Secure'] : []),
      ...(seconds === undefined ? [] : [`Max-Age=${seconds}`]),
    ].join('; '),
  );
}
