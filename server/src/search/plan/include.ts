import { visibleDefinitions } from '../../access/hidden-parameters.ts';
import type { DefinitionsModel, SearchParamModel } from '../../conformance/model.ts';
import { typeCode } from '../../conformance/resource-types.ts';
import { type Hash64, hashFromBigInt, xorHash } from '../hash.ts';
import type { IncludeSpec } from '../query/types.ts';
import { canonicalTargets, canonicalUrls } from './canonical-include.ts';
import { hasPatientColumn, type PlanContext } from './context.ts';
import { FOUND_COLUMNS, type FoundRow, toFoundRow } from './rows.ts';
import { scopeCondition, typeCondition } from './scope.ts';
import { allOf, anyOf, SqlBuilder, type SqlStatement } from './sql.ts';

const COLUMNS = [...FOUND_COLUMNS, 'content'].map((column) => `t.${column}`).join(', ');

/** The references that a spec follows from resources of one type. */
function paramsOf(
  spec: IncludeSpec,
  type: string,
  definitions: DefinitionsModel,
): readonly SearchParamModel[] {
  if (spec.params.length > 0) return spec.params;
  return [...definitions.search(type).params.values()].filter((param) => param.type === 'reference');
}

/** The specs that a round follows: all from the matches, in later rounds those that iterate. */
export function specsOfRound(specs: readonly IncludeSpec[], round: number): readonly IncludeSpec[] {
  return round === 0 ? specs : specs.filter((spec) => spec.iterate);
}

/**
 * One round of `_include` and `_revinclude` (R4 search.html#include): the resources that `rows` refer to or that refer to
 * them. For `:iterate` the caller plans another round with {@link specsOfRound} and the rows that the round before
 * brought, until nothing new comes or its limit is reached.
 *
 * @param specs what to follow; round 0: all of ParsedSearch.includes
 * @param options `limit`: most rows; one more is asked for, so that the caller sees that there are more.
 *   `known`: row ids that need not come again
 * @returns a statement whose rows {@link readIncludes} reads; undefined if there is nothing to look for
 */
export function planIncludes(
  specs: readonly IncludeSpec[],
  rows: readonly FoundRow[],
  context: PlanContext,
  options: { readonly limit: number; readonly known?: readonly string[] },
): SqlStatement | undefined {
  if (rows.length === 0 || specs.length === 0) return undefined;
  const sql = new SqlBuilder(context.scope.tenant.id);
  const byType = Map.groupBy(rows, (row) => row.type);
  const arms = [
    ...forwardArms(
      specs.filter((spec) => !spec.reverse),
      byType,
      context,
      sql,
    ),
    ...reverseArms(
      specs.filter((spec) => spec.reverse),
      byType,
      context,
      sql,
    ),
  ];
  if (arms.length === 0) return undefined;
  const known = options.known ?? [];
  const other = known.length === 0 ? '' : ` and t.rid <> all(${sql.bind(known, 'bigint[]')})`;
  const limit = sql.bind(options.limit + 1, 'int');
  const selects = arms.map(
    (arm) =>
      `(select ${COLUMNS} from tenant.resource t where t.tenant_id = $1 and not t.deleted and ${arm}${other} limit ${limit})`,
  );
  return sql.statement(
    `${selects.join(' union all ')}${selects.length > 1 ? ` limit ${limit}` : ''}`,
    // Hashes lead to the rows, whatever they are.
    'generic',
  );
}

/** The rows of {@link planIncludes}'s statement, each once. */
export function readIncludes(rows: readonly (readonly unknown[])[]): FoundRow[] {
  const found = new Map<string, FoundRow>();
  for (const row of rows) {
    const one = toFoundRow(row);
    found.set(one.rid, one);
  }
  return [...found.values()];
}

function forwardArms(
  specs: readonly IncludeSpec[],
  byType: ReadonlyMap<string, readonly FoundRow[]>,
  context: PlanContext,
  sql: SqlBuilder,
): string[] {
  const definitions = visibleDefinitions(context.search.definitions, context.scope.hidden);
  // One arm for each wanted target type, and one for references of any type.
  const hashes = new Map<string, string[]>();
  const urls = new Map<string, Map<string, Set<string>>>();
  for (const spec of specs) {
    for (const [type, rows] of byType) {
      if (spec.source !== '*' && spec.source !== type) continue;
      const params = paramsOf(spec, type, definitions).filter(
        (param) => spec.target === undefined || param.targets.includes(spec.target),
      );
      const code = typeCode(type);
      if (params.length === 0 || code === undefined) continue;
      const rids = sql.bind(
        rows.map((row) => row.rid),
        'bigint[]',
      );
      const salts = sql.hashes(params.map((param) => context.keys.salt(param.key)));
      const s = sql.alias('s');
      const target = spec.target ?? '';
      const list = hashes.get(target) ?? [];
      list.push(
        `select unnest(${s}.tokens[1:${s}.reference_count]) # ${s}p.salt from tenant.resource ${s}, unnest(${salts}) ${s}p(salt) where ${s}.tenant_id = $1 and ${s}.type = ${sql.bind(code, 'smallint')} and ${s}.rid = any(${rids})`,
      );
      hashes.set(target, list);
      for (const param of params) {
        const found = canonicalUrls(param, rows, definitions);
        if (found.length === 0) continue;
        for (const one of canonicalTargets(param, spec.target, definitions)) {
          const byTarget = urls.get(target) ?? new Map<string, Set<string>>();
          const set = byTarget.get(one) ?? new Set<string>();
          for (const url of found) set.add(url);
          byTarget.set(one, set);
          urls.set(target, byTarget);
        }
      }
    }
  }
  const arms: string[] = [];
  for (const [target, selects] of hashes) {
    const types = target === '' ? undefined : [target];
    const scope = scopeCondition({ sql, plan: context, alias: 't', types }, 'read');
    const type = types === undefined ? 'true' : typeCondition({ sql, alias: 't' }, types);
    const arm = allOf([type, `t.ref_hash = any(array(${selects.join(' union all ')}))`, scope]);
    if (arm !== 'false') arms.push(arm);
  }
  for (const byTarget of urls.values()) {
    for (const [type, set] of byTarget) {
      const url = definitions.search(type).params.get('url');
      if (url === undefined) continue;
      const tokens = [...set].map((one) => context.keys.uri(url.key, one));
      const arm = allOf([
        typeCondition({ sql, alias: 't' }, [type]),
        `t.tokens && ${sql.hashes(tokens)}`,
        scopeCondition({ sql, plan: context, alias: 't', types: [type] }, 'read'),
      ]);
      if (arm !== 'false') arms.push(arm);
    }
  }
  return arms;
}

function reverseArms(
  specs: readonly IncludeSpec[],
  byType: ReadonlyMap<string, readonly FoundRow[]>,
  context: PlanContext,
  sql: SqlBuilder,
): string[] {
  const definitions = visibleDefinitions(context.search.definitions, context.scope.hidden);
  const wanted = new Map<string, { tokens: Hash64[]; patients: Hash64[] }>();
  for (const spec of specs) {
    const sources = spec.source === '*' ? definitions.resourceTypes : [spec.source];
    for (const source of sources) {
      for (const param of paramsOf(spec, source, definitions)) {
        for (const [type, rows] of byType) {
          if (!param.targets.includes(type) || (spec.target !== undefined && spec.target !== type)) continue;
          const entry = wanted.get(source) ?? { tokens: [], patients: [] };
          wanted.set(source, entry);
          const own = rows.map((row) => hashFromBigInt(BigInt(row.refHash)));
          if (type === 'Patient' && hasPatientColumn(param, definitions)) entry.patients.push(...own);
          else {
            const salt = context.keys.salt(param.key);
            for (const hash of own) entry.tokens.push(xorHash(salt, hash));
          }
          for (const url of canonicalUrls(param, rows, definitions, 'url')) {
            entry.tokens.push(context.keys.urlToken(param.key, url));
          }
        }
      }
    }
  }
  const arms: string[] = [];
  for (const [source, { tokens, patients }] of wanted) {
    const scope = scopeCondition({ sql, plan: context, alias: 't', types: [source] }, 'read');
    // Tokens are salted by parameter, so they tell the type themselves: naming it makes the planner read the type's rows.
    const type = patients.length === 0 ? 'true' : typeCondition({ sql, alias: 't' }, [source]);
    const found: string[] = [];
    if (patients.length > 0) found.push(`t.patient = any(${sql.hashes(patients)})`);
    if (tokens.length > 0) found.push(`t.tokens && ${sql.hashes(tokens)}`);
    const arm = allOf([type, found.length === 0 ? 'false' : anyOf(found), scope]);
    if (arm !== 'false') arms.push(arm);
  }
  return arms;
}
