import type { JsonValue } from '../../json/types.ts';
import type { TerminologyType } from '../../storage/terminology/find-resources.ts';
import type { TerminologyService } from '../../terminology/service.ts';
import { tenantTerminology } from '../../terminology/tenant-terminology.ts';
import type { ValidationIssue, ValidationRequest } from '../../validation/profiles/index.ts';
import type { TenantContext } from '../tenant-context.ts';
import { validateWithTerminology } from './validate-with-terminology.ts';

/**
 * Validates a resource with what a tenant has: R4, its packages and StructureDefinitions, its terminology.
 * @param visible whether the tenant's own terminology resources of a type may be seen by whoever asks
 * @throws FhirError 422 when the tenant has more definitions than can be worked with
 */
export async function validateInTenant(
  terminology: TerminologyService,
  context: TenantContext,
  resource: JsonValue,
  request: ValidationRequest,
  visible?: (type: TerminologyType) => boolean,
): Promise<ValidationIssue[]> {
  const [validators, ask] = await Promise.all([
    context.validators(),
    tenantTerminology(terminology, context, visible),
  ]);
  return validateWithTerminology(resource, validators, request, ask);
}
