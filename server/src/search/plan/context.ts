import type { AccessScope, Interaction } from '../../access/scope.ts';
import { followPath, splitUnion } from '../../conformance/expression.ts';
import type { DefinitionsModel, SearchParamModel } from '../../conformance/model.ts';
import type { IndexKeys } from '../index-model.ts';
import type { Criteria, SearchContext } from '../query/types.ts';
import type { SqlBuilder } from './sql.ts';

/** What a plan is made for. */
export interface PlanContext {
  readonly keys: IndexKeys;
  readonly scope: AccessScope;
  /** Definitions and base URL; also what searches that restrict grants are parsed with. */
  readonly search: SearchContext;
}

/** The part of a plan's context that keys of the index are made with. */
export interface KeyContext {
  readonly plan: Pick<PlanContext, 'keys' | 'search'>;
}

/** Where a condition is being written: for which row, of which types, in which statement. */
export interface RowContext {
  readonly plan: PlanContext;
  readonly sql: SqlBuilder;
  /** Alias of the row of tenant.resource that the condition is about. */
  readonly alias: string;
  /** Types that the row may have; undefined for any. */
  readonly types: readonly string[] | undefined;
  /** Whether rows that the row is joined with must be within the access scope. */
  readonly restricted: boolean;
  /**
   * Another condition already pins a good index (patient, id): tokens are tested in forms that the GIN index does not
   * serve, so that the planner cannot choose it for what is better a filter on few rows.
   */
  readonly pinned: boolean;
  /** Conditions that stand for criteria in place of their usual ones. */
  readonly replaced?: ReadonlyMap<Criteria, string>;
}

/** The interaction under which rows at the other end of chains and `_has` are looked at. */
export const CHAIN_INTERACTION: Interaction = 'search-type';

export function definitionsOf(context: KeyContext): DefinitionsModel {
  return context.plan.search.definitions;
}

const normalizedBranches = new WeakMap<SearchParamModel, readonly string[]>();

/** The union branches of a parameter's expression without blanks and parentheses, `as X` written as `ofType(X)`. */
export function branches(param: SearchParamModel): readonly string[] {
  let known = normalizedBranches.get(param);
  if (known === undefined) {
    known = splitUnion(param.expression).map(normalizeBranch);
    normalizedBranches.set(param, known);
  }
  return known;
}

function normalizeBranch(branch: string): string {
  return branch
    .trim()
    .replace(/\.as\(/g, '.ofType(')
    .replace(/\s+as\s+(\w+)/g, '.ofType($1)')
    .replace(/\s+/g, '')
    .replace(/^\((.*)\)$/, '$1');
}

const sameElement = new WeakMap<SearchParamModel, boolean>();

/**
 * Whether column `patient` holds the hash of every Patient that the parameter's references point to: the type's
 * `patient` parameter, or one on the same element (`subject` where `patient` is `subject.where(resolve() is Patient)`).
 */
export function hasPatientColumn(param: SearchParamModel, definitions: DefinitionsModel): boolean {
  let known = sameElement.get(param);
  if (known === undefined) {
    const { patientParam, params } = definitions.search(param.resourceType);
    const patient = patientParam === undefined ? undefined : params.get(patientParam);
    const elements = (one: SearchParamModel) =>
      branches(one)
        .map((branch) => branch.replace(/\.where\(resolve\(\)isPatient\)$/, ''))
        .sort()
        .join('|');
    known = patient !== undefined && elements(patient) === elements(param);
    sameElement.set(param, known);
  }
  return known;
}

/** How the codes of a token parameter are kept: `fold` lower-cased, `keep` as they are, `both` where it cannot be told. */
export type CodeCase = 'fold' | 'keep' | 'both';
const KEPT = new Set(['Identifier', 'id']);
const codeCases = new WeakMap<SearchParamModel, CodeCase>();

export function codeCase(param: SearchParamModel, definitions: DefinitionsModel): CodeCase {
  let known = codeCases.get(param);
  if (known === undefined) {
    const kept = new Set<boolean>();
    for (const branch of splitUnion(param.expression)) {
      const elements = followPath(branch, param.resourceType, definitions.types)?.elements ?? [];
      if (elements.length === 0) {
        kept.add(true);
        kept.add(false);
      }
      for (const { type } of elements) kept.add(KEPT.has(type));
    }
    known = kept.size !== 1 ? 'both' : kept.has(true) ? 'keep' : 'fold';
    codeCases.set(param, known);
  }
  return known;
}
