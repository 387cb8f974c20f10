import { fhirPathEvaluator } from '../fhir/operations/fhirpath-evaluator.ts';
import type { FhirPathVariable } from '../fhir/operations/fhirpath-protocol.ts';
import { fhirError } from '../fhir/outcome.ts';
import { parseExpression } from '../fhirpath/parser.ts';
import type { Resource } from '../json/types.ts';
import { type Condition, codeOf, type Step } from './steps.ts';
import { WORKFLOW_STEP } from './terms.ts';

/** What conditions can ask of a workflow. */
export interface Surroundings {
  readonly group: Resource;
  /** The steps' Tasks, by the steps' ids. */
  readonly tasks: ReadonlyMap<string, Resource>;
}

/**
 * Whether all conditions of a kind hold. An expression is evaluated on the RequestGroup, with `%group` (the same),
 * `%steps` (the Tasks of all steps) and each step's Task by its id and by its code (`%medical_records.output`). Empty is
 * false.
 * @throws FhirError 400 and 422 for an expression that fails, or takes too long
 */
export async function holds(
  conditions: readonly Condition[],
  kind: Condition['kind'],
  { group, tasks }: Surroundings,
): Promise<boolean> {
  for (const { expression } of conditions.filter((one) => one.kind === kind)) {
    const [result] = await fhirPathEvaluator().evaluate({
      expression,
      lenient: true,
      resource: JSON.stringify(group),
      variables: [
        ['group', [variable(group)]],
        ['steps', [...tasks.values()].map(variable)],
        ...byName(tasks),
      ],
    });
    const values = result?.values ?? [];
    if (values.length === 0 || values[0]?.json === 'false') return false;
  }
  return true;
}

const variable = (resource: Resource): FhirPathVariable => ({
  json: JSON.stringify(resource),
  type: resource.resourceType,
});

/** Where several steps have one code, the name stands for all of them. */
function byName(tasks: ReadonlyMap<string, Resource>): [string, FhirPathVariable[]][] {
  const named = new Map<string, FhirPathVariable[]>();
  for (const [id, task] of tasks) {
    const code = codeOf(task['code'], WORKFLOW_STEP);
    for (const name of new Set([id, ...(code === undefined ? [] : [code])]))
      named.set(name, [...(named.get(name) ?? []), variable(task)]);
  }
  return [...named];
}

/** @throws FhirError 422 for an expression that is none */
export function assertReadable(steps: readonly Pick<Step, 'id' | 'conditions'>[]): void {
  for (const { id, conditions } of steps) {
    for (const { expression } of conditions) {
      try {
        parseExpression(expression);
      } catch (error) {
        throw fhirError(
          422,
          'invalid',
          `A condition of ${id} is no FHIRPath expression: ${(error as Error).message}`,
          'PlanDefinition.action.condition.expression',
        );
      }
    }
  }
}
