import { lookup as systemLookup } from 'node:dns';
import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';

export interface PublicFetchOptions {
  /** Whether addresses of private networks are allowed. */
  readonly allowPrivate: boolean;
  /** Whether http is allowed: for tests and development. As {@link allowPrivate} by default. */
  readonly allowHttp?: boolean;
  /** Longest time for the whole answer, in milliseconds, or what ends it. */
  readonly timeout: number | AbortSignal;
  /** Most bytes of the body. */
  readonly maxBytes: number;
  /** Of the request, besides Accept. */
  readonly headers?: Readonly<Record<string, string>>;
  /** With it the request is a POST of this form. */
  readonly form?: URLSearchParams;
  /** With it the request is a POST of this JSON text. */
  readonly json?: string;
  /** Whether any status 2xx is a success; by default 200 alone is. */
  readonly anySuccess?: boolean;
}

export interface FetchedText {
  readonly text: string;
  /** Value of the header Cache-Control. */
  readonly cacheControl: string | undefined;
}

/** Why something was not fetched; the message names no address that was found out. */
export class FetchError extends Error {
  /** Of an answer that is no success. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

/**
 * Fetches a document that a third party has named, without letting them reach into this network: https only, every
 * address the name resolves to is public, the connection goes to the address that was checked, redirects are not
 * followed, time and size are bounded.
 * @throws FetchError
 */
export function fetchPublic(url: string, options: PublicFetchOptions): Promise<FetchedText> {
  const { allowPrivate, allowHttp = allowPrivate, timeout } = options;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined) return Promise.reject(new FetchError('It is no URL'));
  if (parsed.protocol !== 'https:' && !(allowHttp && parsed.protocol === 'http:')) {
    return Promise.reject(new FetchError('The URL must begin with https://'));
  }
  if (parsed.username !== '' || parsed.password !== '') {
    return Promise.reject(new FetchError('The URL must not hold credentials'));
  }
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  if (!allowPrivate && isIP(host) !== 0 && !isPublicAddress(host)) {
    return Promise.reject(new FetchError('The address is not public'));
  }
  const content = contentOf(options);
  return new Promise((resolve, reject) => {
    const send = parsed.protocol === 'https:' ? httpsRequest : httpRequest;
    const settings: RequestOptions = {
      method: content === undefined ? 'GET' : 'POST',
      headers: {
        Accept: 'application/json',
        ...options.headers,
        ...(content === undefined ? {} : { 'Content-Type': content.type }),
      },
      // A connection of its own: one that is kept may have been made by other rules.
      agent: false,
      lookup: allowPrivate ? (systemLookup as LookupFunction) : publicLookup,
      signal: typeof timeout === 'number' ? AbortSignal.timeout(timeout) : timeout,
      maxHeaderSize: 16_384,
    };
    const fail = (reason: string) => reject(new FetchError(reason));
    const request = send(parsed, settings, (response) => {
      const { statusCode = 0 } = response;
      if (options.anySuccess === true ? statusCode < 200 || statusCode > 299 : statusCode !== 200) {
        response.destroy();
        reject(new FetchError(`The answer is ${statusCode}, not 200`, statusCode));
        return;
      }
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > options.maxBytes) {
          fail(`The answer has more than ${options.maxBytes} bytes`);
          response.destroy();
        } else chunks.push(chunk);
      });
      response.on('error', () => fail('The answer was broken off'));
      response.on('end', () =>
        resolve({
          text: Buffer.concat(chunks).toString('utf8'),
          cacheControl: response.headers['cache-control'],
        }),
      );
    });
    request.on('error', (error) =>
      fail(error.message === NOT_PUBLIC ? NOT_PUBLIC : 'The server cannot be reached in time'),
    );
    request.end(content?.text);
  });
}

function contentOf({ form, json }: PublicFetchOptions): { type: string; text: string } | undefined {
  if (json !== undefined) return { type: 'application/json', text: json };
  return form && { type: 'application/x-www-form-urlencoded', text: form.toString() };
}

/** What {@link publicLookup} fails with. */
export const NOT_PUBLIC = 'The name leads to an address that is not public';

/** Looks names up for connections that must stay out of private networks. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  systemLookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '', 0);
    if (addresses.length === 0 || !addresses.every(({ address }) => isPublicAddress(address))) {
      return callback(new Error(NOT_PUBLIC), '', 0);
    }
    if (options.all) return callback(null, addresses);
    const [first] = addresses;
    callback(null, first?.address ?? '', first?.family ?? 0);
  });
};

/** Networks that are not the public Internet: IANA's special-purpose registries (RFC 6890 and its updates). */
const SPECIAL = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  SPECIAL.addSubnet(network, prefix, 'ipv4');
}
// Of IPv6 only 2000::/3 is given out; of that, what carries or means other networks.
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  SPECIAL.addSubnet(network, prefix, 'ipv6');
}
const GLOBAL_UNICAST = new BlockList();
GLOBAL_UNICAST.addSubnet('2000::', 3, 'ipv6');

/** Whether an IP address belongs to the public Internet. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !SPECIAL.check(address, 'ipv4');
  if (isIP(address) !== 6) return false;
  return GLOBAL_UNICAST.check(address, 'ipv6') && !SPECIAL.check(address, 'ipv6');
}
