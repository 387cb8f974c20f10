import { loadDefinitions } from '../../conformance/definitions.ts';
import type { DefinitionsModel } from '../../conformance/model.ts';
import type { CanonicalResolver } from '../../conformance/packages/package-set.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonValue } from '../../json/types.ts';
import { type StructureIssue, validateStructure } from '../structure.ts';
import { fhirPathOf } from './expression.ts';
import { logicalInstance } from './logical-models.ts';
import { checkResource } from './nested.ts';
import { PackageTerminology } from './package-terminology.ts';
import { ENOUGH, Run } from './run.ts';
import type { TerminologyProvider, ValidationIssue, ValidationOptions } from './types.ts';
import { Validators } from './validators.ts';

export interface ValidationRequest {
  /** Canonicals of profiles that the resource must follow besides those that it declares. */
  readonly profiles?: readonly string[];
  readonly options?: ValidationOptions;
}

/**
 * The validators over a set of packages: compiled profiles are made when first needed and shared by all validations.
 *
 * @param resolver where definitions are found, a PackageSet as a rule
 * @param terminology default: the value sets and code systems of the resolver
 */
export function createValidators(
  resolver: CanonicalResolver,
  terminology: TerminologyProvider = new PackageTerminology(resolver),
  definitions: DefinitionsModel = loadDefinitions(),
): Validators {
  return new Validators(definitions, resolver, terminology);
}

/**
 * Validates a resource (R4 validation.html): its structure, R4's own rules, the profiles that it and the resources in it
 * declare, and those asked for.
 *
 * @param resource what parseJson gave; an instance of a logical model of the packages, or a resource; anything else is an
 *   issue too
 * @returns the issues in the order of the resource's structure first, then rules; each with details for a person, a
 *   FHIRPath expression, and where it comes from a profile that profile, element and constraint
 */
export function validateResource(
  resource: JsonValue,
  validators: Validators,
  request: ValidationRequest = {},
): ValidationIssue[] {
  const logical = isObject(resource) ? logicalInstance(resource, validators) : undefined;
  if (logical !== undefined) return validateResource(logical.instance, logical.validators, request);
  const { definitions } = validators;
  const options = request.options ?? {};
  const structure = validateStructure(resource, definitions, { strict: true }).map(atHolder);
  if (!isObject(resource) || definitions.types.get(String(resource['resourceType']))?.kind !== 'resource') {
    return structure.map((issue) => finish(issue, definitions));
  }
  const run = new Run(validators, options, resource);
  run.enter(String(resource['resourceType']), String(resource['resourceType']));
  try {
    checkResource(resource, run, request.profiles ?? []);
  } catch (error) {
    if (error !== ENOUGH) throw error;
  }
  if (structure.length === 0 && run.issues.length === 0) return run.issues;
  return distinct([...structure, ...run.issues].map((issue) => finish(issue, definitions)));
}

/** The issue as one of the element at fault. */
function atHolder({ holder, ...issue }: StructureIssue): ValidationIssue {
  if (holder === undefined) return issue;
  const details = issue.diagnostics.slice((issue.expression ?? '').length + 2);
  return { ...issue, expression: holder, diagnostics: details };
}

/** In the form that is shown: FHIRPath instead of JSON names, details for a person. */
function finish(issue: ValidationIssue, definitions: DefinitionsModel): ValidationIssue {
  const { expression } = issue;
  let text = issue.diagnostics;
  if (expression !== undefined && text.startsWith(`${expression}: `))
    text = text.slice(expression.length + 2);
  const path = expression === undefined ? undefined : fhirPathOf(expression, definitions);
  const details = text.charAt(0).toUpperCase() + text.slice(1);
  const origin =
    issue.profile === undefined
      ? ''
      : ` [${issue.profile}${issue.element === undefined ? '' : ` ${issue.element}`}]`;
  return {
    ...issue,
    details,
    diagnostics: `${path === undefined ? '' : `${path}: `}${details}${origin}`,
    ...(path === undefined ? {} : { expression: path }),
  };
}

/** One rule is often in several profiles that a resource follows: of issues that say the same at one place the first stays. */
function distinct(issues: readonly ValidationIssue[]): ValidationIssue[] {
  const seen = new Set<string>();
  return issues.filter(({ severity, code, expression, details, constraint }) => {
    const key = `${severity} ${code} ${expression} ${constraint ?? details}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
