import type { IncomingMessage } from 'node:http';
import type { AccessScope } from '../access/scope.ts';
import { FhirError } from '../fhir/outcome.ts';
import { Buckets } from '../security/limits/bucket.ts';
import { addressKey, type TrustedProxies } from '../security/limits/client-address.ts';
import { rateLimitError } from '../security/limits/headers.ts';
import type { RateLimiter, RateVerdict, Subject } from '../security/limits/limiter.ts';
import { addressOf } from './peer.ts';

/** Counts requests to the FHIR API against the limits: each once by address, and once by tenant, client and user. */
export interface RequestLimits {
  /**
   * Before anything is looked at: by the address.
   * @throws FhirError 429 with Retry-After when the limit is reached
   */
  arrived(request: IncomingMessage): RateVerdict | undefined;
  /**
   * When it is known who asks. What nobody had to prove themselves for counts for no tenant: else strangers could use its
   * share up.
   * @throws FhirError 429 with Retry-After when a limit is reached
   */
  known(scope: AccessScope): RateVerdict | undefined;
}

/** A 429 to who was refused a short time ago: there is no need to record it again. */
export class RepeatedRefusal extends FhirError {}

/** Of those who are refused, how many are remembered to have been recorded within the minute (twice over). */
const REMEMBERED = 1000;

/**
 * Limits that count; undefined where nothing is limited, so that nothing is spent on it.
 * @param byToken whether access tokens decide who may come in
 */
export function requestLimits(
  limiter: RateLimiter,
  proxies: TrustedProxies,
  byToken: boolean,
): RequestLimits | undefined {
  const byAddress = limiter.counts('fhir', 'address');
  const byCaller = (['tenant', 'client', 'user'] as const).some((one) => limiter.counts('fhir', one));
  if (!byAddress && !byCaller) return undefined;
  const recorded = new Buckets({ perMinute: 1, burst: 1 }, REMEMBERED);
  const state = { remaining: 0, fullAfter: 0, retryAfter: 0 };
  const count = (subject: Subject): RateVerdict | undefined => {
    const verdict = limiter.check('fhir', subject);
    if (verdict === undefined || verdict.allowed) return verdict;
    const error = rateLimitError(verdict);
    const { dimension } = verdict;
    const key = `${dimension} ${dimension === 'address' ? '' : subject.tenant} ${subject[dimension]}`;
    const now = performance.now();
    if (recorded.look(key, now, 1, state).retryAfter > 0)
      throw new RepeatedRefusal(error.status, error.issues, error.headers);
    recorded.take(key, now, 1);
    throw error;
  };
  return {
    arrived: (request) =>
      byAddress ? count({ address: addressKey(addressOf(request, proxies)) }) : undefined,
    known({ client, subject, tenant: { name: tenant } }) {
      if (!byCaller || (byToken && client === undefined)) return undefined;
      // A service is its own subject: it is a client, and no user besides.
      return count({
        tenant,
        client,
        user: client === undefined || subject === client ? undefined : subject,
      });
    },
  };
}

/** Of two verdicts about a request the one that leaves less. */
export function tighter(a: RateVerdict | undefined, b: RateVerdict | undefined): RateVerdict | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return b.remaining <= a.remaining ? b : a;
}

/** What of authorization is counted by no limit: documents that anybody may keep, and what pages are drawn with. */
const DOCUMENTS =
  /^\/auth\/[^/?]+\/(jwks|pages\.css|passkey\.js|smart-style\.json|\.well-known\/[^/?]+)(\?|$)/;

/** The tenant of a request to the endpoints of authorization, as it is counted; undefined where it is not. */
export function limitedTenantOf(url: string): string | undefined {
  return DOCUMENTS.test(url) ? undefined : /^\/auth\/([^/?]+)/.exec(url)?.[1];
}
