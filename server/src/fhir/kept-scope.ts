import { type AccessScope, isOpenScope, sameScope, type Tenant } from '../access/scope.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';

/** An access scope as store.job.request keeps it, for what is carried out later with the same rights. */
export interface KeptScope extends JsonObject {
  subject: string;
  /** The rest of the access scope, without the tenant. */
  access: JsonValue;
}

/** What a job keeps of the scope of who starts it. */
export function keptScope({ tenant: _tenant, subject, ...access }: AccessScope): KeptScope {
  return { subject, access: access as unknown as JsonValue };
}

/** The scope that {@link keptScope} was given. */
export function scopeOf(tenant: Tenant, { subject, access }: KeptScope): AccessScope {
  // A job without rights may do nothing.
  return { grants: [], ...(access as unknown as Partial<AccessScope>), tenant, subject };
}

/**
 * Whether a scope is that of who started a job. Its result is what that scope could see: a token of the same person with
 * other rights does not get it, unless it sees everything. Jobs that keep no rights ($reindex) are their subject's.
 */
export function isOwner(scope: AccessScope, request: JsonObject): boolean {
  if (request['access'] === undefined) return request['subject'] === scope.subject;
  const starter = scopeOf(scope.tenant, request as KeptScope);
  if (sameScope(scope, starter)) return true;
  return isOpenScope(scope) && scope.subject === starter.subject && scope.client === starter.client;
}
