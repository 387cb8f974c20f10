import { isDeepStrictEqual } from 'node:util';
import type { AccessScope } from '../../access/scope.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonValue, Resource } from '../../json/types.ts';
import { AGENT_ACTION, ROLE_SYSTEM } from '../codes.ts';

/** What of an agent's request is done when it is approved, and who approves. */
const ASKED = ['code', 'input', 'performerType'] as const;

/**
 * Checks a write of a Task in which an agent waits for approval: only the approver edits what is to be done. Otherwise
 * somebody else could have it approved in the agent's name.
 * @param scope of who writes; programs have no role and are not meant
 * @param current what is there before @param next what is there afterwards; undefined for a deletion
 * @throws FhirError 403
 */
export function assertRequestWrite(
  { role }: AccessScope,
  current: Resource | undefined,
  next: Resource | undefined,
): void {
  if (role === undefined || current === undefined || !hasCodeOf(current, AGENT_ACTION)) return;
  const approvers = performersOf(current);
  if (approvers.includes(role)) return;
  if (next !== undefined && ASKED.every((name) => isDeepStrictEqual(current[name], next[name]))) return;
  throw fhirError(
    403,
    'forbidden',
    `What an agent asks for is edited by the role ${approvers.join(', ')}`,
    'Task.input',
  );
}

/** The roles that a Task is for. */
export function performersOf(task: Resource): string[] {
  return objectsOf(task['performerType']).flatMap((type) =>
    codingsIn(type).flatMap(({ system, code }) => (system === ROLE_SYSTEM ? [String(code)] : [])),
  );
}

/** Whether Task.code has a code of a system. */
export const hasCodeOf = ({ code }: Resource, system: string): boolean =>
  codingsIn(code).some((coding) => coding['system'] === system);

const codingsIn = (concept: JsonValue | undefined) => (isObject(concept) ? objectsOf(concept['coding']) : []);
