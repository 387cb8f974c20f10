import {
  bearsOn,
  type CompartmentRef,
  compartmentsOf,
  type Grant,
  type Interaction,
  isOpenGrant,
  type RowRule,
} from '../../access/scope.ts';
import { typeCode } from '../../conformance/resource-types.ts';
import { parseCriteria } from '../query/parse.ts';
import { rowCondition } from './condition.ts';
import type { RowContext } from './context.ts';
import { labelTokens } from './label-tokens.ts';
import { reachCondition } from './reach.ts';
import { allOf, anyOf, noneOf } from './sql.ts';
import { overlap } from './tokens.ts';

type ScopeContext = Pick<RowContext, 'sql' | 'plan' | 'alias' | 'types'>;

/**
 * What the access scope allows of rows of the context's types under an interaction: `true` if nothing is kept back,
 * `false` if there is no grant, else a condition on columns type, tokens, reference_count and ref_hash (and, for grants
 * with a search, those that the search needs) of the row.
 */
export function scopeCondition(context: ScopeContext, interaction: Interaction): string {
  const { plan, sql, alias } = context;
  const { grants } = plan.scope;
  if (grants.some((grant) => grant.types === '*' && isOpenGrant(grant) && covers(grant, interaction)))
    return 'true';
  const types = context.types ?? plan.search.definitions.resourceTypes;
  const open: string[] = [];
  // Types with the same grants share one condition, but for searches, whose parameters are each type's own.
  const narrowed = new Map<string, { types: string[]; grants: readonly Grant[] }>();
  for (const type of types) {
    const own = grants.filter((grant) => bearsOn(grant, type, interaction));
    if (own.length === 0) continue;
    if (own.some(isOpenGrant)) {
      open.push(type);
      continue;
    }
    const ownSearch = own.some((grant) => grant.search !== undefined || grant.except !== undefined);
    const key = `${ownSearch || own.some(({ reach }) => reach !== undefined) ? type : ''} ${own.map((grant) => grants.indexOf(grant)).join()}`;
    const group = narrowed.get(key);
    if (group === undefined) narrowed.set(key, { types: [type], grants: own });
    else group.types.push(type);
  }
  if (open.length === types.length) return 'true';
  const conditions = open.length === 0 ? [] : [typeCondition({ sql, alias }, open)];
  for (const group of narrowed.values()) {
    const granted = anyOf(group.grants.map((grant) => grantCondition(context, group.types, grant)));
    conditions.push(types.length === 1 ? granted : allOf([typeCondition(context, group.types), granted]));
  }
  return anyOf(conditions);
}

function covers(grant: Grant, interaction: Interaction): boolean {
  return grant.interactions === '*' || grant.interactions.includes(interaction);
}

/** Rows of these types. */
export function typeCondition(
  { sql, alias }: Pick<RowContext, 'sql' | 'alias'>,
  types: readonly string[],
): string {
  const codes = types.map(typeCode).filter((code) => code !== undefined);
  if (codes.length === 0) return 'false';
  return codes.length === 1
    ? `${alias}.type = ${sql.bind(codes[0]!, 'smallint')}`
    : `${alias}.type = any(${sql.bind(codes, 'smallint[]')})`;
}

/** Rows of one type in a compartment; the resource that it is named after is in it (R4 compartmentdefinition.html). */
export function compartmentCondition(
  context: Pick<RowContext, 'sql' | 'plan' | 'alias'>,
  types: readonly string[] | undefined,
  compartment: CompartmentRef,
  pinned = false,
): string {
  return compartmentsCondition(context, types, [compartment], pinned);
}

/** Rows in one of the compartments. */
export function compartmentsCondition(
  { sql, plan, alias }: Pick<RowContext, 'sql' | 'plan' | 'alias'>,
  types: readonly string[] | undefined,
  compartments: readonly CompartmentRef[],
  pinned = false,
): string {
  const { keys } = plan;
  const members = compartments.map(({ type, id }) => keys.compartment(type, id));
  const named = compartments
    .filter(({ type }) => types === undefined || types.includes(type))
    .map(({ type, id }) => keys.reference(`${type}/${id}`));
  const conditions = [overlap({ sql, alias, pinned }, members)];
  if (named.length === 1) conditions.push(`${alias}.ref_hash = ${sql.hash(named[0]!)}`);
  else if (named.length > 1) conditions.push(`${alias}.ref_hash = any(${sql.hashes(named)})`);
  return conditions.length === 1 ? conditions[0]! : anyOf(conditions);
}

function grantCondition(context: ScopeContext, types: readonly string[], grant: Grant): string {
  const conditions: string[] = [];
  const compartments = compartmentsOf(grant);
  if (compartments !== undefined) {
    const labels = grant.hiddenLabels ?? [];
    const visible = (row: ScopeContext) => labelCondition(row, row.types ?? [], labels);
    conditions.push(
      grant.reach === undefined || grant.reach === 'member'
        ? compartmentsCondition(context, types, compartments)
        : reachCondition(context, types, compartments, grant.reach, visible),
    );
  }
  if (grant.search !== undefined) {
    for (const type of types) conditions.push(searchCondition(context, type, grant.search));
  }
  conditions.push(labelCondition(context, types, grant.hiddenLabels ?? []));
  for (const rule of grant.except ?? [])
    conditions.push(noneOf(anyOf(types.map((type) => ruleCondition(context, type, rule)))));
  return allOf(conditions);
}

/** What a search finds of one type. What a restriction itself looks at is not restricted in turn. */
function searchCondition(context: ScopeContext, type: string, search: string): string {
  const { plan } = context;
  const parameters = [...new URLSearchParams(search)];
  const criteria = parseCriteria(type, parameters, { ...plan.search, strict: true });
  return rowCondition({ ...context, types: [type], restricted: false, pinned: true }, [criteria]);
}

/** Rows that carry none of the labels. */
function labelCondition(
  { plan, sql, alias }: ScopeContext,
  types: readonly string[],
  labels: readonly string[],
): string {
  if (labels.length === 0 || types.length === 0) return 'true';
  // As a slice, so that the index on tokens is not asked for what nearly every row is without.
  return `not ${alias}.tokens[:] && ${sql.hashList(labelTokens(plan.keys, types, labels))}`;
}

function ruleCondition(context: ScopeContext, type: string, rule: RowRule): string {
  switch (rule.kind) {
    case 'any':
      return anyOf(rule.of.map((one) => ruleCondition(context, type, one)));
    case 'all':
      return allOf(rule.of.map((one) => ruleCondition(context, type, one)));
    case 'not':
      return noneOf(ruleCondition(context, type, rule.of));
    case 'row':
      if (rule.types !== undefined && !rule.types.includes(type)) return 'false';
      return allOf([
        rule.compartment === undefined ? 'true' : compartmentsCondition(context, [type], [rule.compartment]),
        rule.search === undefined ? 'true' : knownSearch(context, type, rule.search),
      ]);
  }
}

/** A search of a rule for many types: `false` for a type that has not all of its parameters. */
function knownSearch(context: ScopeContext, type: string, search: string): string {
  const { params } = context.plan.search.definitions.search(type);
  const names = [...new URLSearchParams(search)].map(([name]) => name.split(':')[0] as string);
  if (!names.every((name) => params.has(name))) return 'false';
  return searchCondition(context, type, search);
}
