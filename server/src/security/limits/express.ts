import type { RequestHandler } from 'express';
import { addressKey, clientAddress, type TrustedProxies } from './client-address.ts';
import { rateLimitHeaders, refusalText } from './headers.ts';
import type { RateLimiter } from './limiter.ts';

/**
 * Counts requests to endpoints that take passwords, codes and secrets, by address and tenant. A refusal is 429 with an
 * error as RFC 6749, section 5.2 shapes it, or as text for a browser.
 * @param tenantOf the tenant's name in the request's path; undefined when it has none
 */
export function limitAuthRequests(
  limiter: RateLimiter,
  proxies: TrustedProxies,
  tenantOf: (path: string) => string | undefined,
): RequestHandler {
  return (request, response, next) => {
    const forwarded = request.headers['x-forwarded-for'];
    const address = clientAddress(
      request.socket.remoteAddress,
      Array.isArray(forwarded) ? forwarded.join(',') : forwarded,
      proxies,
    );
    const verdict = limiter.check('auth', {
      address: addressKey(address),
      tenant: tenantOf(request.originalUrl),
    });
    if (verdict === undefined) return next();
    response.set(rateLimitHeaders(verdict));
    if (verdict.allowed) return next();
    const text = refusalText(verdict);
    response.status(429).set('Cache-Control', 'no-store');
    if (request.accepts(['json', 'html']) === 'html') response.type('text/plain').send(`${text}\n`);
    else response.json({ error: 'temporarily_unavailable', error_description: text });
  };
}
