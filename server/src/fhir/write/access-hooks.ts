import { assertPolicyWrite } from '../../access/policies/guard.ts';
import type { AccessScope } from '../../access/scope.ts';
import { AGENT_ACTION } from '../../agents/codes.ts';
import { assertRequestWrite } from '../../agents/runtime/request-guard.ts';
import { typeCode } from '../../conformance/resource-types.ts';
import { parseJson } from '../../json/parse.ts';
import type { Resource } from '../../json/types.ts';
import { noteAccessChange } from '../../storage/access/changes.ts';
import type { LockedRow, NewVersion } from '../../storage/rows.ts';
import type { Transaction } from '../../storage/transaction.ts';
import { assertStepWrite } from '../../workflows/step-guard.ts';
import { WORKFLOW_STEP } from '../../workflows/terms.ts';
import { FhirError } from '../outcome.ts';
import type { TenantContext } from '../tenant-context.ts';
import { bodyAt, placedUnder } from './prepare.ts';
import type { WriteOutcome, WriteRequest } from './write-request.ts';

/** Types of which a write may change what somebody may do, or what is labelled (fhir/access-facts.ts). */
const DECIDING = ['Consent', 'PractitionerRole', 'RelatedPerson', 'Parameters', 'ValueSet'] as const;
const DECIDING_CODES = new Set(DECIDING.map((type) => typeCode(type)));
const DECIDING_NAMES = new Set<string>(DECIDING);

/** Whether writes may have changed what somebody may do. */
export function bearOnAccess(outcomes: readonly Pick<WriteOutcome, 'type'>[]): boolean {
  return outcomes.some(({ type }) => DECIDING_NAMES.has(type));
}

/** Counts a change of what decides about access, in the transaction that makes it. */
export async function noteDeciding(
  transaction: Transaction,
  versions: readonly Pick<NewVersion, 'typeCode'>[],
): Promise<void> {
  if (versions.some((version) => DECIDING_CODES.has(version.typeCode))) await noteAccessChange(transaction);
}

/**
 * Checks a write of what decides about access itself (a tenant's policy of a role), and of Tasks that are for certain roles
 * only: steps of workflows, and what agents have asked for.
 * @param row what is there before
 * @param next what is there afterwards; undefined for a deletion
 * @throws FhirError 403, 422
 */
export function assertGoverned(
  scope: AccessScope,
  context: TenantContext,
  request: WriteRequest,
  id: string,
  row: LockedRow | undefined,
  next: Resource | undefined,
): void {
  const isGuarded =
    request.type === 'Task' &&
    scope.role !== undefined &&
    [WORKFLOW_STEP, AGENT_ACTION].some((system) => row?.content.includes(system) === true);
  if (request.type !== 'Parameters' && !isGuarded) return;
  const current = row === undefined || row.deleted ? undefined : (parseJson(row.content) as Resource);
  try {
    if (isGuarded) {
      assertStepWrite(scope, current, next);
      assertRequestWrite(scope, current, next);
    } else assertPolicyWrite(scope, context.definitions, id, current, next);
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    throw new FhirError(error.status, placedUnder(bodyAt(request), error.issues));
  }
}
