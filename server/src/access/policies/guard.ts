import type { DefinitionsModel } from '../../conformance/model.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Resource } from '../../json/types.ts';
import { type AccessScope, isOpenScope } from '../scope.ts';
import { isPolicyResource, parsePolicy, policyId, roleNamed } from './policy-resource.ts';

/**
 * Checks a write of Parameters that are, or were, a tenant's policy of a role: it is in force as soon as it is stored. It
 * may be written by super_admin, and by org_admin for other roles than the own; it must be right, and have the id of its
 * role, so that there is one of each.
 *
 * @param id of the resource that is written
 * @param current what is there before the write
 * @param next what is there after it; undefined for a deletion
 * @throws FhirError 403 for who may not, 422 naming the elements at fault
 */
export function assertPolicyWrite(
  scope: AccessScope,
  definitions: DefinitionsModel,
  id: string,
  current: Resource | undefined,
  next: Resource | undefined,
): void {
  const concerned = [current, next].filter((one) => one !== undefined && isPolicyResource(one)) as Resource[];
  for (const policy of concerned) {
    if (mayWrite(scope, roleNamed(policy))) continue;
    throw fhirError(
      403,
      'forbidden',
      'Policies of roles are written by super_admin, and by org_admin for other roles than the own',
      'Parameters',
    );
  }
  if (next === undefined || !isPolicyResource(next)) return;
  const { role } = parsePolicy(next, definitions);
  if (id !== policyId(role))
    throw fhirError(
      422,
      'business-rule',
      `The policy of the role ${role} has the id ${policyId(role)}: it is written by PUT Parameters/${policyId(role)}`,
      'Parameters.id',
    );
}

function mayWrite(scope: AccessScope, role: string | undefined): boolean {
  if (isOpenScope(scope) || scope.role === 'super_admin') return true;
  return scope.role === 'org_admin' && role !== 'org_admin' && role !== 'super_admin';
}
