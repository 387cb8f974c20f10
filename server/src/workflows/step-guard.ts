import { isDeepStrictEqual } from 'node:util';
import type { AccessScope } from '../access/scope.ts';
import { hasCodeOf, performersOf } from '../agents/runtime/request-guard.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { Resource } from '../json/types.ts';
import { progressOf, workflowIdOf } from './resources.ts';
import { WORKFLOW_STEP } from './terms.ts';

/** What says which step of which workflow a Task is, and whose. */
const WHOSE = ['code', 'groupIdentifier', 'performerType'] as const;
/** Who decides about any step. */
const DECIDING: readonly string[] = ['attending', 'specialist', 'super_admin'];

/**
 * Checks an ordinary write of a step's Task: by it nobody settles a step, begins it or takes it up again who may not by
 * `$complete` and `$override`.
 * @param scope of who writes; programs, among them those that act for somebody, have no role and are not meant
 * @param current what is there before @param next what is there afterwards; undefined for a deletion
 * @throws FhirError 403
 */
export function assertStepWrite(
  { role }: AccessScope,
  current: Resource | undefined,
  next: Resource | undefined,
): void {
  if (role === undefined || current === undefined || !isStep(current) || DECIDING.includes(role)) return;
  const performers = performersOf(current);
  const [before, after] = [progressOf(current).state, progressOf(next).state];
  const isOwn = performers.includes(role) && before === 'open';
  if (next !== undefined && WHOSE.some((name) => !isDeepStrictEqual(current[name], next[name])))
    throw fhirError(403, 'forbidden', `Whose step it is, and of what (${WHOSE.join(', ')}), stays`, 'Task');
  if (before === after || isOwn) return;
  const text =
    performers.length > 0 && before === 'open'
      ? `This step is done by the role ${performers.join(', ')}`
      : 'A physician decides about a step against its course';
  throw fhirError(403, 'forbidden', text, 'Task.status');
}

const isStep = (task: Resource): boolean =>
  workflowIdOf(task) !== undefined && hasCodeOf(task, WORKFLOW_STEP);
