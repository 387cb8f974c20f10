import { lookup as systemLookup } from 'node:dns';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isPublicAddress, publicLookup } from '../../auth/clients/public-fetch.ts';

export interface PushRequest {
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface PushRequestOptions {
  /** Whether http and addresses of private networks are allowed: for tests. */
  readonly allowPrivate: boolean;
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/**
 * What is wrong about an address that somebody else has given, or undefined. A name that leads into a private network
 * shows when it is connected to.
 */
export function endpointFault(endpoint: string, allowPrivate: boolean): string | undefined {
  if (endpoint.length > 2000 || !URL.canParse(endpoint)) return 'it is no URL';
  const { protocol, username, password, hostname } = new URL(endpoint);
  if (protocol !== 'https:' && !(allowPrivate && protocol === 'http:')) return 'it must begin with https://';
  if (username !== '' || password !== '') return 'it must not hold credentials';
  const host = hostname.replace(/^\[|\]$/g, '');
  return !allowPrivate && isIP(host) !== 0 && !isPublicAddress(host) ? 'it is not public' : undefined;
}

/**
 * Sends to a push service (RFC 8030 5), whose address a browser has named: to public addresses only, without following
 * redirects, without reading what it answers.
 * @returns the status, and the value of Retry-After in seconds
 * @throws Error for a connection that fails
 */
export function sendPush(
  { endpoint, headers, body }: PushRequest,
  { allowPrivate, timeout, signal }: PushRequestOptions,
): Promise<{ status: number; retryAfter: number | undefined }> {
  const fault = endpointFault(endpoint, allowPrivate);
  if (fault !== undefined) return Promise.reject(Object.assign(new Error(fault), { code: 'ENOTFOUND' }));
  const send = endpoint.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(
      endpoint,
      {
        method: 'POST',
        headers,
        agent: false,
        lookup: allowPrivate ? (systemLookup as LookupFunction) : publicLookup,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
        maxHeaderSize: 16_384,
      },
      (response) => {
        const after = Number(response.headers['retry-after']);
        response.destroy();
        resolve({
          status: response.statusCode as number,
          retryAfter: Number.isFinite(after) && after >= 0 ? after : undefined,
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
