import { createRequire } from 'node:module';
import { isNumber, numberOf } from '../json/exact-number.ts';
import { isObject } from '../json/objects.ts';
import type { JsonValue } from '../json/types.ts';
import type { Node } from './element-tree.ts';
import type { Expression } from './path-ast.ts';

/**
 * Functions that may be left to the FHIRPath engine: those that take time in proportion to what they are given. Left out are
 * regular expressions (a client's pattern could run for ever), recursion, and what reaches outside (resolve, memberOf, trace).
 */
const ALLOWED = new Set(
  `where select exists empty not count all allTrue anyTrue allFalse anyFalse distinct isDistinct first last tail skip take
  single ofType as is extension hasValue getValue iif union combine intersect exclude subsetOf supersetOf children
  startsWith endsWith contains indexOf substring upper lower replace length toChars trim split join
  toBoolean toInteger toDecimal toString toDate toDateTime toTime toQuantity convertsToBoolean convertsToInteger
  convertsToDecimal convertsToString convertsToDate convertsToDateTime convertsToTime convertsToQuantity
  abs ceiling floor round truncate now today timeOfDay lowBoundary highBoundary type`.split(/\s+/),
);

type Evaluate = (
  data: unknown,
  path: { base: string; expression: string },
  variables: Record<string, unknown>,
  model: unknown,
) => unknown[];

let engine: { evaluate: Evaluate; model: unknown } | undefined;

/**
 * Evaluates a criterion on a copy of one node with the general FHIRPath engine, which is loaded when first needed (it takes
 * some 20 MB). Undefined when the criterion uses what is not allowed here or fails.
 */
export function evaluateCriterion(criterion: Expression, node: Node, root: Node): boolean | undefined {
  if (!allowed(criterion)) return undefined;
  if (engine === undefined) {
    const require = createRequire(import.meta.url);
    const fhirpath = require('fhirpath') as { evaluate: Evaluate };
    engine = { evaluate: fhirpath.evaluate, model: require('fhirpath/fhir-context/r4') };
  }
  try {
    const resource = plain(root.value);
    const path = { base: node.type, expression: criterion.source };
    const result = engine.evaluate(plain(node.value), path, { resource, context: resource }, engine.model);
    return result.length === 1 && result[0] === true;
  } catch {
    return undefined;
  }
}

function allowed(expression: Expression): boolean {
  switch (expression.kind) {
    case 'step':
      if (expression.left !== undefined && !allowed(expression.left)) return false;
      return (
        expression.step.kind !== 'call' ||
        (ALLOWED.has(expression.step.name) && expression.step.args.every(allowed))
      );
    case 'index':
      return allowed(expression.left) && allowed(expression.index);
    case 'sign':
      return allowed(expression.operand);
    case 'binary':
      return allowed(expression.left) && allowed(expression.right);
    case 'type':
      return allowed(expression.left);
    case 'constant':
      return ['resource', 'context', 'ucum', 'sct', 'loinc'].includes(expression.name);
    default:
      return true;
  }
}

/** A copy in which every number is a JavaScript number: the engine adds type information to what it is given. */
function plain(value: JsonValue | undefined): unknown {
  if (isNumber(value)) return numberOf(value);
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}
