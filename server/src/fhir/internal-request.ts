import type { AccessScope } from '../access/scope.ts';
import type { FhirRequest } from './request.ts';
import type { TenantContext } from './tenant-context.ts';

/**
 * A GET as a part of the server asks it for itself, under a scope as any other: FhirServer.handle carries it out.
 * @param path below the tenant's base: `['Patient', '1']`
 */
export function internalRequest(
  context: TenantContext,
  scope: AccessScope,
  path: readonly string[],
  query: readonly (readonly [string, string])[] = [],
): FhirRequest {
  return {
    scope,
    context,
    method: 'GET',
    path,
    query,
    header: () => undefined,
    contentType: undefined,
    body: undefined,
    prefer: { return: undefined, handling: undefined, respondAsync: false },
  };
}
