import type { SearchParamModel } from '../../conformance/model.ts';
import { badValue, shown, UnknownParameter } from './errors.ts';
import { DEFAULT_LIMITS, type Params, type SearchContext, type SearchLimits } from './types.ts';

/** Where a criterion is being parsed: which types it is to test, how deep in chains, and what it may still cost. */
export interface ParseScope {
  readonly context: SearchContext;
  readonly limits: SearchLimits;
  readonly isType: (type: string) => boolean;
  readonly types: readonly string[];
  readonly depth: number;
  /** Shared by all scopes of one search. */
  readonly budget: { criteria: number };
  /** The whole parameter name as the client wrote it, for messages. */
  readonly label: string;
}

const typeSets = new WeakMap<readonly string[], ReadonlySet<string>>();

export function isTypeOf(context: SearchContext): (type: string) => boolean {
  const { resourceTypes } = context.definitions;
  let set = typeSets.get(resourceTypes);
  if (set === undefined) {
    set = new Set(resourceTypes);
    typeSets.set(resourceTypes, set);
  }
  const known = set;
  return (type) => known.has(type);
}

export function rootScope(context: SearchContext, types: readonly string[]): ParseScope {
  const limits = { ...DEFAULT_LIMITS, ...context.limits };
  return {
    context,
    limits,
    isType: isTypeOf(context),
    types,
    depth: 0,
    budget: { criteria: limits.criteria },
    label: '',
  };
}

/** The scope of the resources at the other end of a chain or `_has`. @throws FhirError 400 when that is too deep */
export function deeper(scope: ParseScope, type: string): ParseScope {
  const depth = scope.depth + 1;
  if (depth > scope.limits.chainDepth) {
    throw badValue(
      scope.label,
      `chains of more than ${scope.limits.chainDepth} links are not supported; shorten the chain.`,
      'too-costly',
    );
  }
  return { ...scope, types: [type], depth };
}

/** Counts criteria against the search's bound. @throws FhirError 400 naming the parameter that exceeds it */
export function spend(scope: ParseScope): void {
  if (--scope.budget.criteria < 0) {
    throw badValue(
      scope.label,
      `the search spreads over more than ${scope.limits.criteria} criteria; name the type at each link of a chain.`,
      'too-costly',
    );
  }
}

/**
 * The parameter `code` as each of the scope's types has it, all of one search type.
 * @throws UnknownParameter if a type lacks it
 */
export function lookUp(scope: ParseScope, code: string): Params {
  const found: SearchParamModel[] = [];
  for (const type of scope.types) {
    const param = scope.context.definitions.search(type).params.get(code);
    if (param === undefined || (found[0] !== undefined && found[0].type !== param.type)) {
      throw new UnknownParameter(unknownMessage(scope, code, type));
    }
    found.push(param);
  }
  if (found.length === 0) throw new UnknownParameter(`Unknown search parameter ${shown(code)}.`);
  return found;
}

const SPECIAL = ['_has', '_list', '_text', '_content', '_filter'];

function unknownMessage(scope: ParseScope, code: string, type: string): string {
  const known =
    scope.types.length === 1 ? [...scope.context.definitions.search(type).params.keys()] : commonCodes(scope);
  const list = [...new Set([...known, ...SPECIAL])].sort().join(', ');
  const where = scope.types.length === 1 ? type : `every one of the searched types (${type} lacks it)`;
  return `Unknown search parameter ${shown(code)} for ${where}. Known are: ${list}.`;
}

function commonCodes(scope: ParseScope): string[] {
  const [first, ...rest] = scope.types.map((type) => scope.context.definitions.search(type).params);
  return [...(first?.keys() ?? [])].filter((code) => rest.every((params) => params.has(code)));
}
