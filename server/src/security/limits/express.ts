import type { RequestHandler } from 'express';
import { addressKey, clientAddress, type TrustedProxies } from './client-address.ts';
import { rateLimitHeaders, refusalText } from './headers.ts';
import type { RateLimiter } from './limiter.ts';

/** What a failed try (a wrong password, code, secret or token) counts as, in requests. */
export const FAILED_TRY = 10;

/**
 * Counts requests to endpoints that take passwords, codes and secrets, by address and tenant; who fails is counted
 * dearer, so that honest use of an address that many share has room. A refusal is 429 with an error as RFC 6749, section
 * 5.2 shapes it, or as text for a browser.
 * @param tenantOf the tenant's name in the request's path; undefined for what is not counted
 */
export function limitAuthRequests(
  limiter: RateLimiter,
  proxies: TrustedProxies,
  tenantOf: (path: string) => string | undefined,
): RequestHandler {
  return (request, response, next) => {
    const tenant = tenantOf(request.originalUrl);
    if (tenant === undefined) return next();
    const forwarded = request.headers['x-forwarded-for'];
    const address = clientAddress(
      request.socket.remoteAddress,
      Array.isArray(forwarded) ? forwarded.join(',') : forwarded,
      proxies,
    );
    const subject = { address: addressKey(address), tenant };
    const verdict = limiter.check('auth', subject);
    if (verdict === undefined) return next();
    response.set(rateLimitHeaders(verdict));
    if (verdict.allowed) {
      if (request.method === 'POST')
        response.once('finish', () => {
          if (response.statusCode >= 400 && response.statusCode < 500)
            limiter.charge('auth', subject, FAILED_TRY - 1);
        });
      return next();
    }
    const text = refusalText(verdict);
    response.status(429).set('Cache-Control', 'no-store');
    if (request.accepts(['json', 'html']) === 'html') response.type('text/plain').send(`${text}\n`);
    else response.json({ error: 'temporarily_unavailable', error_description: text });
  };
}
