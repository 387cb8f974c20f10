import type { SearchParamModel } from '../../conformance/model.ts';
import { typeCode } from '../../conformance/resource-types.ts';
import type { Criteria, Criterion } from '../query/types.ts';
import { rowCondition } from './condition.ts';
import { CHAIN_INTERACTION, definitionsOf, hasPatientColumn, type RowContext } from './context.ts';
import { scopeCondition } from './scope.ts';
import { allOf, anyOf } from './sql.ts';

/**
 * What a row on the other end of a reference must fulfil: its type, what the access scope allows, and the criteria.
 * `false` where the scope has no grant for the type.
 */
function otherRow(context: RowContext, alias: string, type: string, criteria: Criteria): string {
  const { sql, plan, restricted } = context;
  const other: RowContext = { ...context, alias, types: [type], pinned: false };
  const code = typeCode(type);
  if (code === undefined) return 'false';
  return allOf([
    `${alias}.tenant_id = $1`,
    `${alias}.type = ${sql.bind(code, 'smallint')}`,
    `not ${alias}.deleted`,
    restricted ? scopeCondition({ sql, plan, alias, types: [type] }, CHAIN_INTERACTION) : 'true',
    rowCondition(other, [criteria]),
  ]);
}

/**
 * A chain (R4 search.html#chaining): the hashes of the target rows that fulfil the criteria, and the rows that refer to
 * one of them. A reference token is the parameter's salt XOR the target's hash, so SQL makes the tokens of the hashes.
 */
export function chainCondition(context: RowContext, chain: Criterion & { kind: 'chain' }): string {
  const { sql, plan, alias } = context;
  const conditions: string[] = [];
  for (const { type, criteria } of chain.branches) {
    const t = sql.alias('t');
    const where = otherRow(context, t, type, criteria);
    if (where === 'false') continue;
    for (const param of chain.params) {
      if (!param.targets.includes(type)) continue;
      if (type === 'Patient' && hasPatientColumn(param, definitionsOf(context))) {
        conditions.push(
          `${alias}.patient = any(array(select ${t}.ref_hash from tenant.resource ${t} where ${where}))`,
        );
      } else {
        const salt = sql.hash(plan.keys.salt(param.key));
        conditions.push(
          `${alias}.tokens && array(select ${t}.ref_hash # ${salt} from tenant.resource ${t} where ${where})`,
        );
      }
    }
  }
  return anyOf(conditions);
}

/** A chain split in two: the rows at its end, and the condition that they are the targets of. */
export interface SplitChain {
  /** Selects column `hash` of the target rows. */
  readonly targets: string;
  /** The condition on the referring row, over a table or query expression that has column `hash`. */
  condition(targets: string): string;
  /** Whether the condition is on column `patient`, which an index leads with. */
  readonly onPatient: boolean;
  /** The condition for many targets: as a join, so that it can be a look-up for each of the rows in their order. */
  readonly whenMany: string;
}

/** The parts of a chain with one parameter and one target type; undefined for any other, or where nothing may match. */
export function splitChain(
  context: RowContext,
  chain: Criterion & { kind: 'chain' },
): SplitChain | undefined {
  const { sql, plan, alias } = context;
  const [branch, ...otherBranches] = chain.branches;
  const [param, ...otherParams] = chain.params;
  if (branch === undefined || param === undefined || otherBranches.length > 0 || otherParams.length > 0)
    return undefined;
  const t = sql.alias('t');
  const where = otherRow(context, t, branch.type, branch.criteria);
  if (where === 'false') return undefined;
  const onPatient = branch.type === 'Patient' && hasPatientColumn(param, definitionsOf(context));
  const salt = sql.hash(plan.keys.salt(param.key));
  const targets = `select ${t}.ref_hash as hash from tenant.resource ${t} where ${where}`;
  const condition = (source: string) =>
    onPatient
      ? `${alias}.patient = any(array(select hash from ${source}))`
      : `${alias}.tokens && array(select hash # ${salt} from ${source})`;
  return {
    targets,
    condition,
    onPatient,
    whenMany: onPatient ? `${alias}.patient in (${targets})` : condition(`(${targets}) many`),
  };
}

/** Reverse chaining (R4 search.html#has): the rows that the references of matching rows lead to. */
export function hasCondition(context: RowContext, has: Criterion & { kind: 'has' }): string {
  const { sql, alias } = context;
  const o = sql.alias('o');
  const where = otherRow(context, o, has.param.resourceType, has.criteria);
  if (where === 'false') return 'false';
  const found = referencedHashes(context, has.param, has.types, o);
  return `${alias}.ref_hash in (select ${found.hash} from tenant.resource ${o} where ${where}${found.condition})`;
}

/** How the hashes of what row `o` refers to through a parameter are written: they are of `types` where they are found. */
export function referencedHashes(
  context: Pick<RowContext, 'sql' | 'plan'>,
  param: SearchParamModel,
  types: readonly string[],
  o: string,
): { hash: string; condition: string } {
  if (
    types.length === 1 &&
    types[0] === 'Patient' &&
    hasPatientColumn(param, context.plan.search.definitions)
  ) {
    return { hash: `${o}.patient`, condition: ` and ${o}.patient is not null` };
  }
  // Tokens of other parameters give hashes that no row has.
  const salt = context.sql.hash(context.plan.keys.salt(param.key));
  return { hash: `unnest(${o}.tokens[1:${o}.reference_count]) # ${salt}`, condition: '' };
}

/** `_list` (R4 search.html#list): what the items of the lists refer to. */
export function listCondition(context: RowContext, lists: readonly string[]): string {
  const { sql, plan, alias } = context;
  const item = definitionsOf(context).search('List').params.get('item');
  if (item === undefined) return 'false';
  const l = sql.alias('l');
  const hashes = sql.hashes(lists.map((id) => plan.keys.reference(`List/${id}`)));
  const where = otherRow(context, l, 'List', { kind: 'and', of: [] });
  if (where === 'false') return 'false';
  const found = referencedHashes(context, item, [], l);
  return `${alias}.ref_hash in (select ${found.hash} from tenant.resource ${l} where ${where} and ${l}.ref_hash = any(${hashes}))`;
}

/** `:below` and `:above` of a reference (R4 search.html#recursive): follows the parents of a hierarchy transitively. */
export function hierarchyCondition(context: RowContext, tree: Criterion & { kind: 'hierarchy' }): string {
  const { sql, plan, alias } = context;
  const conditions: string[] = [];
  for (const [type, parent] of tree.parents) {
    const code = typeCode(type);
    if (code === undefined) continue;
    const roots = tree.roots.filter((root) => root.type === type);
    const hashes = sql.hashes(roots.map((root) => plan.keys.reference(`${type}/${root.id}`)));
    const salt = sql.hash(plan.keys.salt(parent.key));
    // A tree that leads through what is kept back would tell of it.
    const allowed = (row: string) =>
      context.restricted
        ? scopeCondition({ sql, plan, alias: row, types: [type] }, CHAIN_INTERACTION)
        : 'true';
    const node = `c.tenant_id = $1 and c.type = ${sql.bind(code, 'smallint')} and not c.deleted and ${allowed('c')}`;
    const step =
      tree.direction === 'below'
        ? `select c.ref_hash from tree join tenant.resource c on ${node} and c.tokens @> array[tree.hash # ${salt}]`
        : // Only hashes of rows go on: those made of another parameter's tokens would give that token back at the end.
          `select p.ref_hash from tree join tenant.resource c on ${node} and c.ref_hash = tree.hash cross join lateral unnest(c.tokens[1:c.reference_count]) as u(token) join tenant.resource p on p.tenant_id = $1 and p.type = c.type and not p.deleted and ${allowed('p')} and p.ref_hash = u.token # ${salt}`;
    for (const param of tree.params) {
      if (!param.targets.includes(type)) continue;
      conditions.push(
        `${alias}.tokens && array(with recursive tree(hash) as (select unnest(${hashes}) union ${step}) select tree.hash # ${sql.hash(plan.keys.salt(param.key))} from tree)`,
      );
    }
  }
  return anyOf(conditions);
}
