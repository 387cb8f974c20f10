import { RESOURCE_TYPES } from '../../conformance/resource-types.ts';
import {
  allows,
  type ContextScope,
  formatScope,
  grantedScopes,
  type ParsedScopes,
  PERMISSIONS,
  parseScopes,
  type ResourceScope,
  subScopesOf,
} from '../scopes/index.ts';

type Scopes = Pick<ParsedScopes, 'resources' | 'context'>;

/** One line of the consent page. */
export interface ResourceChoice {
  /** What its box is called. */
  readonly value: string;
  /** What is described beside the box. */
  readonly scope: ResourceScope;
  /** What is granted when it is ticked: more than one for a wildcard that the person's role does not have whole. */
  readonly granted: readonly ResourceScope[];
  /** What may be ticked instead. */
  readonly parts: readonly ResourceScope[];
}

/** What a person may allow an app. */
export interface Choices {
  readonly resources: readonly ResourceChoice[];
  /** Who the person is, and how long: to be ticked too. */
  readonly optional: readonly ContextScope[];
  /** Context of the launch: follows from what was chosen. */
  readonly context: readonly ContextScope[];
}

const LAUNCH: readonly ContextScope[] = ['launch', 'launch/patient', 'launch/encounter'];

/**
 * What of the scopes asked for a person may allow: those that the client is registered for and the person's role has.
 * A wildcard is kept where the role has all types of it, otherwise it becomes the types that it has.
 */
export function choicesOf(asked: string, client: string, role: Scopes): Choices {
  const wanted = parseScopes(asked);
  const ofClient = grantedScopes(wanted, parseScopes(client));
  const resources = ofClient.resources.flatMap((scope): ResourceChoice[] => {
    const granted = withinRole(scope, role);
    if (granted.length === 0) return [];
    const shown =
      granted.length === 1 ? (granted[0] as ResourceScope) : { ...scope, permissions: lettersOf(granted) };
    return [{ value: formatScope(shown), scope: shown, granted, parts: partsOf(shown, granted) }];
  });
  const context = ofClient.context.filter((each) => role.context.includes(each));
  const distinct = new Map(resources.map((choice) => [choice.value, choice]));
  return {
    resources: [...distinct.values()],
    // One that renews its access without the person need not do so with them.
    optional: context.filter(
      (each) => !LAUNCH.includes(each) && !(each === 'online_access' && context.includes('offline_access')),
    ),
    context: context.filter((each) => LAUNCH.includes(each)),
  };
}

function withinRole(scope: ResourceScope, role: Scopes): readonly ResourceScope[] {
  if (scope.type === '*' && RESOURCE_TYPES.every((type) => allows(role.resources, { ...scope, type })))
    return [scope];
  return grantedScopes({ resources: [scope], context: [] }, role).resources.map((each) => {
    const letters = each.permissions.join('');
    const isOld = scope.version === 1 && each.search.length === 0 && ['rs', 'cud', 'cruds'].includes(letters);
    return isOld ? { ...each, version: 1 as const } : each;
  });
}

const lettersOf = (scopes: readonly ResourceScope[]) =>
  PERMISSIONS.filter((letter) => scopes.some(({ permissions }) => permissions.includes(letter)));

function partsOf(shown: ResourceScope, granted: readonly ResourceScope[]): ResourceScope[] {
  if (shown.type !== '*') return granted.length === 1 ? subScopesOf(shown) : [...granted];
  const types =
    granted.length > 1 ? [...granted] : RESOURCE_TYPES.map((type): ResourceScope => ({ ...shown, type }));
  return types.flatMap((each) => [each, ...subScopesOf(each)]);
}

/**
 * The scopes that a person has ticked, in the order that they were asked for. A box for the whole stands for its parts;
 * what was not offered does not count.
 * @param ticked names of boxes
 * @returns scopes separated by spaces; empty when nothing but context is left
 */
export function tickedScopes(choices: Choices, ticked: ReadonlySet<string>): string {
  const resources = choices.resources.flatMap(({ value, granted, parts }) =>
    ticked.has(value) ? granted : parts.filter((part) => ticked.has(`${value} ${formatScope(part)}`)),
  );
  // A part that lies in another ticked one says nothing more.
  const needed = resources.filter(
    (scope, at) =>
      !resources.some(
        (other, place) => place !== at && allows([other], scope) && !(allows([scope], other) && place > at),
      ),
  );
  const optional = choices.optional.filter((each) => ticked.has(each));
  if (needed.length === 0 && optional.every((each) => each.endsWith('_access'))) return '';
  return [...choices.context, ...optional, ...needed.map(formatScope)].join(' ');
}

/** All that may be ticked, ticked. */
export const everything = (choices: Choices): ReadonlySet<string> =>
  new Set([...choices.resources.map(({ value }) => value), ...choices.optional]);

/** Whether nothing is asked that is not within scopes allowed before. */
export function isWithin(choices: Choices, allowed: string): boolean {
  const before = parseScopes(allowed);
  return (
    choices.resources.every(({ granted }) => granted.every((scope) => allows(before.resources, scope))) &&
    [...choices.optional, ...choices.context].every((each) => before.context.includes(each))
  );
}

/** Whether the app needs to know a patient: it asks for one, or for access to one patient's record. */
export const needsPatient = (choices: Choices): boolean =>
  choices.context.includes('launch/patient') ||
  choices.resources.some(({ scope }) => scope.context === 'patient');
