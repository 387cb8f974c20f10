import type { IncomingMessage } from 'node:http';
import { sameSecret } from '../auth/hash.ts';
import { isLoopback } from '../config/open-binding.ts';

/** Headers by which proxies say that they ask for somebody else. */
const FORWARDED = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'via',
];

/**
 * Decides who may read /metrics, which is about all tenants (OWASP ASVS 5.0, 13.4.5): the bearer of the token; without a
 * token this machine, as long as the server has no public name, for a proxy in front of it is on this machine too.
 * @param token VESTA_METRICS_TOKEN
 * @param baseUrl where clients reach the server
 */
export function metricsAccess(
  token: string | undefined,
  baseUrl: string,
): (request: IncomingMessage) => boolean {
  const isLocal = isLoopback(new URL(baseUrl).hostname);
  return ({ headers, socket }) => {
    if (token !== undefined) {
      const given = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
      return given !== undefined && sameSecret(given, token);
    }
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    return isLocal && isLoopback(address) && FORWARDED.every((name) => headers[name] === undefined);
  };
}
