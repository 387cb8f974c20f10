import type { IncomingMessage } from 'node:http';
import { CROSS_ORIGIN, fhirHeaders } from '../security/headers.ts';
import type { TrustedProxies } from '../security/limits/client-address.ts';
import { isSecure } from './peer.ts';

/** Gives the headers that every answer of the FHIR API to a request has; the same object for all requests of a kind. */
export type AnswerHeaders = (request: IncomingMessage) => Readonly<Record<string, string>>;

/** @param byToken whether access tokens decide what is answered: then nothing is to be kept by anybody */
export function answerHeaders(options: {
  readonly byToken: boolean;
  readonly hstsSeconds: number;
  readonly proxies: TrustedProxies;
}): AnswerHeaders {
  const { byToken, hstsSeconds, proxies } = options;
  const made = (secure: boolean) => {
    const plain = fhirHeaders({ secure, hstsSeconds, byToken, cache: byToken ? 'no-store' : 'no-cache' });
    return { plain, crossOrigin: Object.freeze({ ...plain, ...CROSS_ORIGIN }) };
  };
  const [secure, insecure] = [made(true), made(false)];
  return (request) => {
    const kind = isSecure(request, proxies) ? secure : insecure;
    return request.headers.origin === undefined ? kind.plain : kind.crossOrigin;
  };
}

/** Answers that anybody may read and keep, if they ask whether they have changed: /metadata and the SMART configuration. */
export const PUBLIC_ANSWER = { 'Cache-Control': 'no-cache' } as const;

/** What was got by a link: an app's page may show it. */
export const LINKED_ANSWER = { 'Cross-Origin-Resource-Policy': 'cross-origin' } as const;

const PREFLIGHT = {
  'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
  'Access-Control-Max-Age': '86400',
} as const;

/** What a preflight is told (Fetch, CORS protocol): any method and header may be sent. */
export function preflight(request: IncomingMessage): Record<string, string> {
  return {
    ...PREFLIGHT,
    'Access-Control-Allow-Headers':
      (request.headers['access-control-request-headers'] as string | undefined) ??
      'Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Exist, If-None-Match, Prefer, X-Provenance, X-Request-Id',
  };
}
