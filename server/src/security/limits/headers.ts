import { FhirError } from '../../fhir/outcome.ts';
import type { Dimension, RateVerdict } from './limiter.ts';

/**
 * The headers that tell a client where it stands: RateLimit and RateLimit-Policy of draft-ietf-httpapi-ratelimit-headers
 * (quota and window in seconds of each policy; what remains of the tightest one), and the three RateLimit-* fields of its
 * earlier versions. A refusal has Retry-After (RFC 9110, 10.2.3) too.
 */
export function rateLimitHeaders(verdict: RateVerdict): Record<string, string> {
  const { dimension, limit, remaining, reset, policies } = verdict;
  const headers: Record<string, string> = {
    'RateLimit-Limit': String(limit.burst),
    'RateLimit-Remaining': String(remaining),
    'RateLimit-Reset': String(reset),
    'RateLimit-Policy': policies,
    RateLimit: `"${dimension}";r=${remaining};t=${reset}`,
  };
  if (!verdict.allowed) headers['Retry-After'] = String(Math.max(1, verdict.retryAfter));
  return headers;
}

/** The names of the headers above that a page of another origin may read (Access-Control-Expose-Headers). */
export const RATE_LIMIT_HEADERS =
  'RateLimit, RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset';

const WHO: Readonly<Record<Dimension, string>> = {
  address: 'this network address',
  client: 'this client',
  user: 'this user',
  tenant: 'this tenant',
};

/** What a refused request is told. */
export function refusalText({ dimension, retryAfter }: RateVerdict): string {
  const seconds = Math.max(1, retryAfter);
  return `Too many requests from ${WHO[dimension]}. Try again in ${seconds} second${seconds === 1 ? '' : 's'}.`;
}

/** A refusal as FHIR words it: 429 (RFC 6585) with an OperationOutcome `throttled`. */
export function rateLimitError(verdict: RateVerdict): FhirError {
  return new FhirError(
    429,
    { severity: 'error', code: 'throttled', diagnostics: refusalText(verdict) },
    rateLimitHeaders(verdict),
  );
}
