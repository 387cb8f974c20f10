import { RATE_LIMIT_HEADERS } from './limits/headers.ts';

/** How an answer is protected. */
export interface HeaderOptions {
  /** The request came by TLS, to this server or to a trusted proxy: then HSTS is sent (RFC 6797, 7.2). */
  readonly secure: boolean;
  /** Life of HSTS in seconds; 0 for none. A year by default. */
  readonly hstsSeconds?: number;
  /** Whether HSTS is for subdomains too. True by default. */
  readonly hstsSubdomains?: boolean;
}

export interface FhirHeaderOptions extends HeaderOptions {
  /** Whether copies may be kept and used after asking (ETag), or not at all: `no-store` where there are patients' data. */
  readonly cache: 'no-store' | 'no-cache';
  /** Whether answers depend on the token that the request carries. */
  readonly byToken?: boolean;
}

export interface HtmlHeaderOptions extends HeaderOptions {
  /** Of this page's scripts and styles; without it neither may stand in the page. */
  readonly nonce?: string;
  /** Where the page's form ends up besides this server: browsers hold redirects after it to `form-action` too. */
  readonly formTargets?: readonly string[];
  /** Origins of pictures, such as the logos of apps. */
  readonly imageOrigins?: readonly string[];
  /** `same-origin` for pages that no app opens as a pop-up; an app that does needs its handle to stay (`unsafe-none`). */
  readonly opener?: 'same-origin' | 'unsafe-none';
}

const YEAR = 31_536_000;

/** Of all answers. */
const COMMON = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
} as const;

/** What a browser that is made to show the answer itself may do with it: nothing. */
export const INERT =
  "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox";

/** The value of Strict-Transport-Security; undefined when it must not be sent. */
export function strictTransportSecurity(options: HeaderOptions): string | undefined {
  const seconds = options.hstsSeconds ?? YEAR;
  if (!options.secure || seconds === 0) return undefined;
  return `max-age=${seconds}${(options.hstsSubdomains ?? true) ? '; includeSubDomains' : ''}`;
}

/** Headers of FHIR answers and other JSON: make them once for each combination of options. */
export function fhirHeaders(options: FhirHeaderOptions): Readonly<Record<string, string>> {
  return Object.freeze({
    ...COMMON,
    'Cache-Control': options.cache,
    'Content-Security-Policy': INERT,
    // Fetches of SMART apps use CORS and are not concerned; pages cannot embed what they may not read.
    'Cross-Origin-Resource-Policy': 'same-origin',
    Vary: `Accept, Accept-Encoding,${options.byToken === true ? ' Authorization,' : ''} Origin, Prefer`,
    ...hsts(options),
  });
}

/** Of all answers of the server that nothing else is said of: plain texts, JSON of endpoints that are not FHIR's. */
export function plainHeaders(options: HeaderOptions): Readonly<Record<string, string>> {
  return Object.freeze({
    ...COMMON,
    'Cache-Control': 'no-store',
    'Content-Security-Policy': INERT,
    'Cross-Origin-Resource-Policy': 'same-origin',
    ...hsts(options),
  });
}

/** What a browser needs to hand an answer to a page of another origin; tokens are needed for it, cookies do not count. */
export const CROSS_ORIGIN: Readonly<Record<string, string>> = Object.freeze({
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': `Content-Disposition, Content-Location, ETag, Last-Modified, Location, ${RATE_LIMIT_HEADERS}, Retry-After, WWW-Authenticate, X-Progress, X-Request-Id`,
});

/**
 * Headers of pages: nothing is loaded from elsewhere, no frame holds them, and no script runs without the nonce.
 * @throws RangeError for a nonce or origin that would end the directive it stands in
 */
export function htmlHeaders(options: HtmlHeaderOptions): Record<string, string> {
  const { nonce, opener = 'unsafe-none' } = options;
  if (nonce !== undefined && !/^[A-Za-z0-9+/_-]{16,}={0,2}$/.test(nonce))
    throw new RangeError('A nonce has at least 16 characters of base64');
  const own = nonce === undefined ? '' : ` 'nonce-${nonce}'`;
  const sources = (list: readonly string[] = []) =>
    [...new Set(list.map(sourceOf))].map((one) => ` ${one}`).join('');
  const policy = [
    "default-src 'none'",
    `style-src 'self'${own}`,
    ...(nonce === undefined ? [] : [`script-src${own}`, "connect-src 'self'"]),
    `img-src 'self' data:${sources(options.imageOrigins)}`,
    `form-action 'self'${sources(options.formTargets)}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "object-src 'none'",
  ];
  return {
    ...COMMON,
    'Cache-Control': 'no-store',
    'Content-Security-Policy': policy.join('; '),
    'Permissions-Policy':
      'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=(), publickey-credentials-get=(self), publickey-credentials-create=(self)',
    'Cross-Origin-Resource-Policy': 'same-origin',
    ...(opener === 'same-origin' ? { 'Cross-Origin-Opener-Policy': opener } : {}),
    ...hsts(options),
  };
}

/**
 * A source expression (Content Security Policy 3, 2.3.1) of a URL: its origin, or its scheme for an app's own scheme.
 * @throws RangeError when it is no URL
 */
export function sourceOf(url: string): string {
  if (!URL.canParse(url)) throw new RangeError(`"${url}" is no URL`);
  const { protocol, host } = new URL(url);
  // Brackets of IPv6 addresses are no host-source; a host may not hold what ends a directive either.
  const source =
    /^https?:$/.test(protocol) && /^[a-z0-9.:-]+$/i.test(host) ? `${protocol}//${host}` : protocol;
  if (/^(javascript|data|vbscript|blob):$/.test(source)) throw new RangeError(`"${protocol}" is no target`);
  return source;
}

function hsts(options: HeaderOptions): Record<string, string> {
  const value = strictTransportSecurity(options);
  return value === undefined ? {} : { 'Strict-Transport-Security': value };
}
