import type { TokenClaims } from './access-scope-of.ts';
import type { Grant } from './scope.ts';

const REFERENCE = /^([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9\-.]{1,64})$/;

/**
 * What the scope `fhirUser` allows besides the claim: to read the resource that the claim names, and no other of its type
 * (SMART App Launch 2.2, "Scopes for requesting identity data": the claim is the URL of a resource that can be read).
 */
export function ownRecordGrants({ scopes, fhirUser, actor }: TokenClaims): Grant[] {
  const [, type, id] = REFERENCE.exec(fhirUser ?? '') ?? [];
  if (type === undefined || actor !== undefined || !scopes.split(' ').includes('fhirUser')) return [];
  return [{ types: [type], interactions: ['read'], search: `_id=${id}` }];
}
