import { ROLES, type Role } from '../access/policies/policy.ts';
import { ROLE_SYSTEM } from '../agents/codes.ts';
import { fhirError } from '../fhir/outcome.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';
import { ESCALATES_TO, PERFORMED_BY, PERFORMER_ROLE, WORKFLOW_STEP } from './terms.ts';

/** What must have happened before a step's turn comes. */
export interface Need {
  /** Ids of steps: all of them must have ended, or one of them begun. */
  readonly steps: readonly string[];
  readonly when: 'begun' | 'ended';
  /** Milliseconds that must pass after it. */
  readonly offset: number;
}

/** A FHIRPath condition (R4 action-condition-kind). */
export interface Condition {
  readonly kind: 'applicability' | 'start' | 'stop';
  readonly expression: string;
}

export interface Choice {
  readonly group: string;
  readonly member: string;
}

/** A step of a workflow: an action of a PlanDefinition or RequestGroup that has no actions of its own. */
export interface Step {
  readonly id: string;
  /** Of {@link WORKFLOW_STEP}. */
  readonly code: string;
  readonly title: string;
  readonly description: string | undefined;
  readonly needs: readonly Need[];
  /** Its own and those of the groups that it lies in. */
  readonly conditions: readonly Condition[];
  /** Groups of which only the first member that applies is done, and in which member of them it lies. */
  readonly choices: readonly Choice[];
  /** Whether others wait for it though it has failed. */
  readonly required: boolean;
  /** Milliseconds that it may take once its turn has come. */
  readonly limit: number | undefined;
  /** Whether an agent may do it. */
  readonly automated: boolean;
  /** Who does it where no agent does. */
  readonly performer: Role | undefined;
  readonly escalatesTo: Role;
  readonly priority: string | undefined;
}

/** Most steps of a workflow. */
const MOST_STEPS = 100;
const DEEPEST = 8;

interface Inherited {
  readonly conditions: readonly Condition[];
  readonly choices: readonly Choice[];
  /** The choice that the actions at this place are the members of. */
  readonly choosing: string | undefined;
  readonly required: boolean;
  readonly priority: string | undefined;
}

/**
 * Reads the actions of a PlanDefinition (R4 plandefinition.html#action) or RequestGroup as steps, in their order.
 * `relatedAction` says what comes first, groups hand down relations, conditions and `exactly-one`/`at-most-one`;
 * timingDuration is the time that a step may take.
 * @param at where they stand, for messages: `PlanDefinition.action`
 * @throws FhirError 422 naming the element that cannot be carried out, circles among them
 */
export function stepsOf(actions: JsonValue | undefined, at: string): Step[] {
  const leaves = new Map<string, string[]>();
  const relations: { readonly of: string; readonly relation: JsonObject; readonly at: string }[] = [];
  const steps: { readonly step: Omit<Step, 'needs'>; readonly id: string }[] = [];

  const walk = (
    value: JsonValue | undefined,
    path: string,
    inherited: Inherited,
    depth: number,
  ): string[] => {
    if (depth > DEEPEST) throw cannot(path, 'Groups of actions lie too deep in one another');
    return objectsOf(value).flatMap((action, index) => {
      const here = `${path}[${index}]`;
      const id = action['id'];
      if (typeof id !== 'string' || id === '') throw cannot(`${here}.id`, 'Each action needs an id');
      if (leaves.has(id)) throw cannot(`${here}.id`, `Two actions have the id ${id}`);
      leaves.set(id, []);
      for (const [place, relation] of objectsOf(action['relatedAction']).entries())
        relations.push({ of: id, relation, at: `${here}.relatedAction[${place}]` });
      if (action['cardinalityBehavior'] === 'multiple')
        throw cannot(`${here}.cardinalityBehavior`, 'An action is done once');
      const handed = handedDown(action, id, here, inherited);
      const children = objectsOf(action['action']);
      if (children.length === 0) {
        const step = stepOf(action, id, here, handed);
        steps.push({ step, id });
        leaves.set(id, [id]);
        return [id];
      }
      const selection = action['selectionBehavior'];
      const isChoice = selection === 'exactly-one' || selection === 'at-most-one';
      const below = walk(
        action['action'],
        `${here}.action`,
        { ...handed, choosing: isChoice ? id : undefined },
        depth + 1,
      );
      leaves.set(id, below);
      return below;
    });
  };
  walk(
    actions,
    at,
    { conditions: [], choices: [], choosing: undefined, required: true, priority: undefined },
    0,
  );
  if (steps.length === 0) throw cannot(at, 'There is nothing to be done');
  if (steps.length > MOST_STEPS) throw cannot(at, `A workflow has at most ${MOST_STEPS} steps`);

  const needs = new Map<string, Need[]>(steps.map(({ id }) => [id, []]));
  for (const { of, relation, at: where } of relations) addNeed(needs, leaves, of, relation, where);
  const made = steps.map(({ step, id }): Step => ({ ...step, needs: needs.get(id) ?? [] }));
  assertNoCircle(made, at);
  return made;
}

function handedDown(action: JsonObject, id: string, at: string, inherited: Inherited): Inherited {
  const { choosing } = inherited;
  const conditions = objectsOf(action['condition']).map((condition, index) =>
    conditionOf(condition, `${at}.condition[${index}]`),
  );
  const behaviour = action['requiredBehavior'];
  const priority = action['priority'];
  return {
    choosing: undefined,
    choices:
      choosing === undefined ? inherited.choices : [...inherited.choices, { group: choosing, member: id }],
    conditions: [...inherited.conditions, ...conditions],
    required: behaviour === undefined ? inherited.required : behaviour !== 'could',
    priority: typeof priority === 'string' ? priority : inherited.priority,
  };
}

function conditionOf({ kind, expression }: JsonObject, at: string): Condition {
  if (kind !== 'applicability' && kind !== 'start' && kind !== 'stop')
    throw cannot(`${at}.kind`, 'A condition is of kind applicability, start or stop');
  if (!isObject(expression) || typeof expression['expression'] !== 'string')
    throw cannot(`${at}.expression`, 'A condition needs an expression');
  if (expression['language'] !== 'text/fhirpath')
    throw cannot(`${at}.expression.language`, 'Conditions are in text/fhirpath');
  return { kind, expression: expression['expression'] };
}

function stepOf(action: JsonObject, id: string, at: string, inherited: Inherited): Omit<Step, 'needs'> {
  const code = codeOf(action['code'], WORKFLOW_STEP);
  if (code === undefined) throw cannot(`${at}.code`, `A step has a code of ${WORKFLOW_STEP}`);
  for (const name of Object.keys(action)) {
    if (name.startsWith('timing') && name !== 'timingDuration')
      throw cannot(`${at}.${name}`, 'The time that a step may take is told by timingDuration');
  }
  const { title, description } = action;
  const { automated, performer } = performers(action, at);
  const escalatesTo = roleOf(extensionOf(action, ESCALATES_TO), at) ?? 'attending';
  return {
    id,
    code,
    title: typeof title === 'string' ? title : code,
    description: typeof description === 'string' ? description : undefined,
    conditions: inherited.conditions,
    choices: inherited.choices,
    required: inherited.required,
    limit: action['timingDuration'] === undefined ? undefined : duration(action['timingDuration'], at),
    automated,
    performer,
    escalatesTo,
    priority: inherited.priority,
  };
}

/** PlanDefinition says it with participants; RequestGroup, whose participants are references, with extensions. */
function performers(action: JsonObject, at: string): { automated: boolean; performer: Role | undefined } {
  const by = extensionOf(action, PERFORMED_BY)?.['valueCode'];
  if (by !== undefined)
    return { automated: by === 'device', performer: roleOf(extensionOf(action, PERFORMER_ROLE), at) };
  const participants = objectsOf(action['participant']).filter(({ type }) => type !== undefined);
  const person = participants.find(({ role }) => role !== undefined);
  return {
    automated: participants.length === 0 || participants.some(({ type }) => type === 'device'),
    performer:
      person === undefined ? undefined : roleOf({ valueCodeableConcept: person['role'] ?? null }, at),
  };
}

export function extensionOf(element: JsonObject, url: string): JsonObject | undefined {
  return objectsOf(element['extension']).find((extension) => extension['url'] === url);
}

function roleOf(extension: JsonObject | undefined, at: string): Role | undefined {
  if (extension === undefined) return undefined;
  const code = codeOf([extension['valueCodeableConcept'] ?? null], ROLE_SYSTEM);
  if (!(ROLES as readonly (string | undefined)[]).includes(code))
    throw cannot(at, `Who does it is a role of ${ROLE_SYSTEM}`);
  return code as Role;
}

/** The code of a system among CodeableConcepts. */
export function codeOf(concepts: JsonValue | undefined, system: string): string | undefined {
  const codings = (
    Array.isArray(concepts) ? objectsOf(concepts) : isObject(concepts) ? [concepts] : []
  ).flatMap(({ coding }) => objectsOf(coding));
  const code = codings.find((coding) => coding['system'] === system)?.['code'];
  return typeof code === 'string' ? code : undefined;
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  wk: 7 * 86_400_000,
};

/** Milliseconds of a Duration. @throws FhirError 422 */
function duration(value: JsonValue | undefined, at: string): number {
  const { value: number, code, unit } = isObject(value) ? value : ({} as JsonObject);
  const factor = UNITS[String(code ?? unit)];
  const count = Number(isObject(number as JsonValue) ? Number.NaN : String(number));
  if (factor === undefined || !(count >= 0) || count * factor > 366 * 86_400_000)
    throw cannot(at, 'A duration is a number of s, min, h, d or wk, at most a year');
  return count * factor;
}

/** Adds what a relatedAction says to the needs of the one that waits for the other. */
function addNeed(
  needs: Map<string, Need[]>,
  leaves: ReadonlyMap<string, readonly string[]>,
  of: string,
  relation: JsonObject,
  at: string,
): void {
  const { actionId, relationship, offsetDuration, offsetRange } = relation;
  const other = leaves.get(String(actionId));
  const own = leaves.get(of) as readonly string[];
  if (other === undefined) throw cannot(`${at}.actionId`, `There is no action ${String(actionId)}`);
  if (other.some((id) => own.includes(id)))
    throw cannot(`${at}.actionId`, 'An action cannot be related to one that it lies in, or to itself');
  const low = isObject(offsetRange) ? offsetRange['low'] : undefined;
  const span = offsetDuration ?? low;
  const offset = span === undefined ? 0 : duration(span, at);
  const add = (waiting: readonly string[], steps: readonly string[], when: Need['when']) => {
    for (const id of waiting) needs.get(id)?.push({ steps, when, offset });
  };
  switch (relationship) {
    case 'after':
    case 'after-end':
      add(own, other, 'ended');
      break;
    case 'after-start':
    case 'concurrent':
    case 'concurrent-with-start':
      add(own, other, 'begun');
      break;
    case 'before':
    case 'before-start':
      add(other, own, 'ended');
      break;
    default:
      throw cannot(
        `${at}.relationship`,
        `'${String(relationship)}' cannot be carried out; after, after-start, after-end, before, before-start, concurrent and concurrent-with-start can`,
      );
  }
}

function assertNoCircle(steps: readonly Step[], at: string): void {
  const done = new Set<string>();
  let left = [...steps];
  while (left.length > 0) {
    const free = left.filter(({ needs }) =>
      needs.every(({ steps: of, when }) =>
        when === 'ended' ? of.every((id) => done.has(id)) : of.some((id) => done.has(id)),
      ),
    );
    if (free.length === 0)
      throw cannot(at, `These actions wait for one another: ${left.map(({ id }) => id).join(', ')}`);
    for (const { id } of free) done.add(id);
    left = left.filter(({ id }) => !done.has(id));
  }
}

function cannot(at: string, message: string): Error {
  return fhirError(422, 'business-rule', message, at);
}
