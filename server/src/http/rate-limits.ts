import type { IncomingMessage } from 'node:http';
import { addressKey, clientAddress, type TrustedProxies } from '../security/limits/client-address.ts';
import { rateLimitError } from '../security/limits/headers.ts';
import type { RateLimiter, Subject } from '../security/limits/limiter.ts';
import type { RequestAccess } from './access.ts';

/**
 * Access to the FHIR API that counts requests: the address and tenant before anything else is looked at, the client and
 * user when they are known.
 * @returns access that throws FhirError 429 with Retry-After when a limit is reached
 */
export function limitedAccess(
  access: RequestAccess,
  limiter: RateLimiter,
  proxies: TrustedProxies,
): RequestAccess {
  const count = (subject: Subject): void => {
    const verdict = limiter.check('fhir', subject);
    if (verdict !== undefined && !verdict.allowed) throw rateLimitError(verdict);
  };
  return {
    ...access,
    async scopeOf(request, context, path) {
      const tenant = context.tenant.name;
      count({ address: addressKey(addressOf(request, proxies)), tenant });
      const scope = await access.scopeOf(request, context, path);
      if (scope.client !== undefined) {
        // The same name is somebody else in another tenant.
        const named = (name: string) => `${tenant} ${name}`;
        count({ client: named(scope.client), user: named(scope.subject) });
      }
      return scope;
    },
  };
}

function addressOf(request: IncomingMessage, proxies: TrustedProxies): string {
  const forwarded = request.headers['x-forwarded-for'];
  return clientAddress(
    request.socket.remoteAddress,
    Array.isArray(forwarded) ? forwarded.join(',') : forwarded,
    proxies,
  );
}
