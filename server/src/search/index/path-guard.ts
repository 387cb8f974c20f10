import { type Expression, partsOf } from '../../fhirpath/ast.ts';
import { FUNCTIONS } from '../../fhirpath/functions/index.ts';

/** What an index cannot hold: answers that change with time, or that need more than the resource. */
const UNAVAILABLE = new Set([
  ...['now', 'today', 'timeOfDay'],
  ...['memberOf', 'conformsTo', 'subsumes', 'subsumedBy', 'elementDefinition', 'slice'],
  ...['trace', 'checkModifiers'],
]);

/**
 * Why an expression cannot say what is searched: it calls a function that there is not, or whose result cannot be kept;
 * undefined when it can. How much it takes to evaluate is limited when it is evaluated.
 */
export function pathObjection(expression: Expression): string | undefined {
  if (expression.kind === 'step' && expression.step.kind === 'call') {
    const { name, args } = expression.step;
    const definition = FUNCTIONS.get(name);
    if (definition === undefined || UNAVAILABLE.has(name))
      return `the function ${name.slice(0, 60)} is not available here`;
    if (args.length < definition.least || args.length > definition.most)
      return `the function ${name} does not take ${args.length} parameters`;
  }
  for (const part of partsOf(expression)) {
    const objection = pathObjection(part);
    if (objection !== undefined) return objection;
  }
  return undefined;
}
