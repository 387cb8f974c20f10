import { type Grant, grantsFor, type Interaction } from '../../access/scope.ts';
import { typeCode } from '../../conformance/resource-types.ts';
import { parseCriteria } from '../query/parse.ts';
import { rowCondition } from './condition.ts';
import type { RowContext } from './context.ts';
import { allOf, anyOf } from './sql.ts';
import { overlap } from './tokens.ts';

type ScopeContext = Pick<RowContext, 'sql' | 'plan' | 'alias' | 'types'>;

/**
 * What the access scope allows of rows of the context's types under an interaction: `true` if nothing is kept back,
 * `false` if there is no grant, else a condition on columns type, tokens and ref_hash (and, for grants with a search,
 * those that the search needs) of the row.
 */
export function scopeCondition(context: ScopeContext, interaction: Interaction): string {
  const { plan, sql, alias } = context;
  const { grants } = plan.scope;
  if (grants.some((grant) => grant.types === '*' && isOpen(grant) && covers(grant, interaction)))
    return 'true';
  const types = context.types ?? plan.search.definitions.resourceTypes;
  const open: string[] = [];
  const narrowed: string[] = [];
  for (const type of types) {
    const own = grantsFor(plan.scope, type, interaction);
    if (own.length === 0) continue;
    if (own.some(isOpen)) open.push(type);
    else {
      const granted = anyOf(own.map((grant) => grantCondition(context, type, grant)));
      narrowed.push(types.length === 1 ? granted : allOf([typeCondition(context, [type]), granted]));
    }
  }
  if (open.length === types.length) return 'true';
  const conditions = open.length === 0 ? narrowed : [typeCondition({ sql, alias }, open), ...narrowed];
  return anyOf(conditions);
}

function isOpen(grant: Grant): boolean {
  return grant.compartment === undefined && grant.search === undefined;
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
  { sql, plan, alias }: Pick<RowContext, 'sql' | 'plan' | 'alias'>,
  types: readonly string[] | undefined,
  compartment: { readonly type: string; readonly id: string },
  pinned = false,
): string {
  const { keys } = plan;
  const conditions = [overlap({ sql, alias, pinned }, [keys.compartment(compartment.type, compartment.id)])];
  if (types === undefined || types.includes(compartment.type)) {
    conditions.push(
      `${alias}.ref_hash = ${sql.hash(keys.reference(`${compartment.type}/${compartment.id}`))}`,
    );
  }
  return conditions.length === 1 ? conditions[0]! : anyOf(conditions);
}

function grantCondition(context: ScopeContext, type: string, grant: Grant): string {
  const { plan } = context;
  const conditions: string[] = [];
  if (grant.compartment !== undefined)
    conditions.push(compartmentCondition(context, [type], grant.compartment));
  if (grant.search !== undefined) {
    const parameters = [...new URLSearchParams(grant.search)];
    const criteria = parseCriteria(type, parameters, { ...plan.search, strict: true });
    // What a restriction itself looks at is not restricted in turn.
    conditions.push(rowCondition({ ...context, types: [type], restricted: false, pinned: true }, [criteria]));
  }
  return allOf(conditions);
}
