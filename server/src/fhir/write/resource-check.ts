import type { Resource } from '../../json/types.ts';
import type { TerminologyService } from '../../terminology/service.ts';
import type { ValidationIssue } from '../../validation/profiles/index.ts';
import { FhirError, type Issue } from '../outcome.ts';
import type { TenantContext } from '../tenant-context.ts';
import { validateInTenant } from '../validation/validate-in-tenant.ts';
import { bodyAt, checkStructure, placedUnder } from './prepare.ts';
import { nextTurn, SLICE } from './turns.ts';
import type { WriteRequest } from './write-request.ts';

/** Most issues that a refused write names. */
const MOST = 100;

/** Whether writes of a tenant are validated against more than the R4 structure. */
export function checksProfiles({ policy }: TenantContext): boolean {
  return policy.validation.writes === 'declared' || policy.validation.writes === 'required';
}

/**
 * Validates a resource as the tenant's policy asks for before it is written: R4's rules, the profiles that it declares,
 * and those that are required of its type.
 *
 * @param at FHIRPath of where the resource stands, e.g. `Bundle.entry[3].resource`; empty when it is the body itself
 * @returns what is to be told of a resource that may be written
 * @throws FhirError 422 naming the elements at fault
 */
export async function checkProfiles(
  terminology: TerminologyService,
  context: TenantContext,
  resource: Resource,
  at: string,
): Promise<readonly Issue[]> {
  const { writes, required, warnings, unknownProfiles } = context.policy.validation;
  const profiles = writes === 'required' ? (required.get(resource.resourceType) ?? []) : [];
  const issues = await validateInTenant(terminology, context, resource, {
    profiles,
    // What the entries of a transaction search for is looked up when they are written.
    options: { unknownProfiles, conditionalReferences: true },
  });
  const wrong = issues.filter(
    (issue) => isError(issue) || (warnings === 'refuse' && issue.severity === 'warning'),
  );
  if (wrong.length > 0)
    throw new FhirError(422, placedUnder(at, [...wrong, ...others(issues, wrong)].slice(0, MOST)));
  return warnings === 'report' ? placedUnder(at, issues) : [];
}

function isError({ severity }: ValidationIssue): boolean {
  return severity === 'error' || severity === 'fatal';
}

function others(all: readonly ValidationIssue[], wrong: readonly ValidationIssue[]): ValidationIssue[] {
  return all.filter((issue) => !wrong.includes(issue));
}

/**
 * Checks the structure of a bundle's resources, giving way to other requests between slices.
 * @throws FhirError with the issues of all
 */
export async function checkStructures(
  context: TenantContext,
  requests: readonly WriteRequest[],
): Promise<void> {
  const errors: FhirError[] = [];
  let sinceBreak = performance.now();
  for (const request of requests) {
    if (request.resource === undefined || request.describe !== undefined) continue;
    try {
      checkStructure(context, request.resource, bodyAt(request));
    } catch (error) {
      if (!(error instanceof FhirError)) throw error;
      errors.push(error);
      if (errors.length >= MOST) break;
    }
    if (performance.now() - sinceBreak > SLICE) {
      await nextTurn();
      sinceBreak = performance.now();
    }
  }
  throwTogether(errors);
}

/** What the tenant's policy says of the bodies of requests: which are refused, and what is to be told of the others. */
export async function checkRequests(
  terminology: TerminologyService,
  context: TenantContext,
  requests: readonly WriteRequest[],
): Promise<{ refused: Map<WriteRequest, FhirError>; notes: Map<WriteRequest, readonly Issue[]> }> {
  const refused = new Map<WriteRequest, FhirError>();
  const notes = new Map<WriteRequest, readonly Issue[]>();
  if (!checksProfiles(context)) return { refused, notes };
  for (const request of requests) {
    if (request.resource === undefined || request.describe !== undefined) continue;
    try {
      notes.set(request, await checkProfiles(terminology, context, request.resource, bodyAt(request)));
    } catch (error) {
      if (!(error instanceof FhirError)) throw error;
      refused.set(request, error);
    }
    await nextTurn();
  }
  return { refused, notes };
}

/** @throws FhirError with the issues of several, if there are any */
export function throwTogether(errors: readonly FhirError[]): void {
  if (errors.length === 0) return;
  throw new FhirError(
    Math.max(...errors.map(({ status }) => status)),
    errors.flatMap(({ issues }) => issues).slice(0, MOST),
  );
}
