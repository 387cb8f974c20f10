import type { DefinitionsModel } from '../conformance/model.ts';
import { type Expression, partsOf } from '../fhirpath/ast.ts';
import { Environment } from '../fhirpath/environment.ts';
import { FhirPathError } from '../fhirpath/errors.ts';
import { evaluate } from '../fhirpath/evaluate.ts';
import type { Spend } from '../fhirpath/limits.ts';
import { modelOf } from '../fhirpath/model.ts';
import { type Items, itemOf, plainValue } from '../fhirpath/values.ts';
import type { Node } from './element-tree.ts';

/**
 * Functions that a condition may use besides those that the locator evaluates itself: those that look at values (R4
 * fhirpatch.html keeps paths simple). Left out are regular expressions, recursion, and what reaches outside (resolve,
 * memberOf, trace).
 */
const ALLOWED = new Set(
  `where select exists empty not count all allTrue anyTrue allFalse anyFalse distinct isDistinct first last tail skip take
  single ofType as is extension hasValue getValue iif union combine intersect exclude subsetOf supersetOf children
  startsWith endsWith contains indexOf substring upper lower replace length toChars trim split join
  toBoolean toInteger toDecimal toString toDate toDateTime toTime toQuantity convertsToBoolean convertsToInteger
  convertsToDecimal convertsToString convertsToDate convertsToDateTime convertsToTime convertsToQuantity
  abs ceiling floor round truncate now today timeOfDay lowBoundary highBoundary type`.split(/\s+/),
);

/**
 * Evaluates a criterion on one node with the general FHIRPath evaluator. Undefined when the criterion uses what is not
 * allowed here or fails.
 * @param spend counts the work of all criteria of a path
 */
export function evaluateCriterion(
  criterion: Expression,
  node: Node,
  root: Node,
  definitions: DefinitionsModel,
  spend: Spend,
): boolean | undefined {
  if (!isAllowed(criterion)) return undefined;
  const model = modelOf(definitions);
  const itemsOf = ({ value, extra, type }: Node): Items =>
    type.startsWith('System.')
      ? itemOf(value ?? null, undefined, model)
      : [{ kind: 'Node', type, value, extra, path: undefined, parent: undefined }];
  const resource = itemsOf(root);
  const constants = new Map(['resource', 'context', 'rootResource'].map((name) => [name, resource]));
  try {
    const result = evaluate(criterion, itemsOf(node), new Environment(model, constants, { spend }));
    const value = result.length === 1 && result[0] !== undefined ? plainValue(result[0]) : undefined;
    return value?.kind === 'Boolean' && value.value;
  } catch (error) {
    if (error instanceof FhirPathError) return undefined;
    throw error;
  }
}

function isAllowed(expression: Expression): boolean {
  if (expression.kind === 'constant')
    return ['resource', 'context', 'ucum', 'sct', 'loinc'].includes(expression.name);
  if (expression.kind === 'step' && expression.step.kind === 'call' && !ALLOWED.has(expression.step.name))
    return false;
  return partsOf(expression).every(isAllowed);
}
