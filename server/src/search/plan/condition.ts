import type { SearchParamModel } from '../../conformance/model.ts';
import type { Hash64 } from '../hash.ts';
import { cut } from '../index/key-cache.ts';
import { ZERO } from '../index-model.ts';
import type { Criteria, Criterion, StringMatch } from '../query/types.ts';
import { compositeCondition } from './composite.ts';
import { definitionsOf, type RowContext } from './context.ts';
import { jsonPaths, toJsonPath } from './json-path.ts';
import { dateCondition, nearCondition, quantityCondition } from './ordered.ts';
import { chainCondition, hasCondition, hierarchyCondition, listCondition } from './related.ts';
import { typeCondition } from './scope.ts';
import { afterPrefix, allOf, anyOf, isStorable, likeLiteral, noneOf, type SqlBuilder } from './sql.ts';
import { alternativeTokens, carries, overlap, patientHashes, referenceTokens } from './tokens.ts';

/**
 * The SQL condition for a row to fulfil all of the criteria, `true` for none. Criteria that look for one token each are
 * joined into one `@>`.
 */
export function rowCondition(context: RowContext, criteria: readonly Criteria[]): string {
  const required: Hash64[] = [];
  const conditions: string[] = [];
  const add = (one: Criteria): void => {
    if (one.kind === 'and') {
      for (const inner of one.of) add(inner);
      return;
    }
    const replacement = one.kind === 'or' || one.kind === 'not' ? undefined : context.replaced?.get(one);
    if (replacement !== undefined) {
      conditions.push(replacement);
      return;
    }
    const tokens = one.kind === 'or' || one.kind === 'not' ? undefined : alternativeTokens(one, context);
    if (tokens === undefined) conditions.push(criteriaCondition(context, one));
    else if (tokens.length === 1) required.push(tokens[0]!);
    else conditions.push(overlap(context, tokens));
  };
  for (const one of criteria) add(one);
  if (required.length > 0) {
    const hashes = [...new Set(required.map((token) => context.sql.hash(token)))];
    if (context.pinned) conditions.unshift(...hashes.map((hash) => carries(context, hash)));
    else conditions.unshift(`${context.alias}.tokens @> array[${hashes.join(', ')}]`);
  }
  return allOf(conditions);
}

function criteriaCondition(context: RowContext, criteria: Criteria): string {
  switch (criteria.kind) {
    case 'and':
      return rowCondition(context, criteria.of);
    case 'or':
      return anyOf(criteria.of.map((one) => rowCondition(context, [one])));
    case 'not':
      return noneOf(rowCondition(context, [criteria.of]));
    default:
      return criterionCondition(context, criteria);
  }
}

function criterionCondition(context: RowContext, criterion: Criterion): string {
  const replacement = context.replaced?.get(criterion);
  if (replacement !== undefined) return replacement;
  const tokens = alternativeTokens(criterion, context);
  if (tokens !== undefined) return overlap(context, tokens);
  const { sql, alias, plan } = context;
  switch (criterion.kind) {
    case 'none':
      return 'false';
    case 'id': {
      const hashes = criterion.types.flatMap((type) =>
        criterion.ids.map((id) => plan.keys.reference(`${type}/${id}`)),
      );
      return hashes.length === 1
        ? `${alias}.ref_hash = ${sql.hash(hashes[0]!)}`
        : `${alias}.ref_hash = any(${sql.hashes(hashes)})`;
    }
    case 'last-updated':
      return anyOf(
        criterion.tests.map((test) =>
          dateCondition(sql, test, `${alias}.last_updated`, `${alias}.last_updated`),
        ),
      );
    case 'missing': {
      const keys = criterion.params.map((param) => param.key);
      const present = `${alias}.present && ${sql.bind(keys, 'int[]')}`;
      return criterion.missing ? `not ${present}` : present;
    }
    case 'token-text':
      return textTokens(context, criterion.params, (t) =>
        anyOf(
          criterion.texts.map((text) => {
            if (!isStorable(text)) return 'false';
            if (criterion.match === 'prefix') return textPrefix(sql, t, text);
            return `${t}.value like ${sql.bind(criterion.match === 'contains' ? `%${likeLiteral(text)}%` : `%${likeLiteral(text)}`, 'text')}`;
          }),
        ),
      );
    case 'uri':
      return textTokens(context, criterion.params, (t) =>
        anyOf(
          criterion.uris.map((uri) => {
            if (!isStorable(uri)) return 'false';
            if (criterion.match === 'below') return textPrefix(sql, t, uri);
            const pattern = `%${likeLiteral(uri)}${criterion.match === 'contains' ? '%' : ''}`;
            return `${t}.value like ${sql.bind(pattern, 'text')}`;
          }),
        ),
      );
    case 'string':
      return indexCondition(context, 'index_string', criterion.params, (s) =>
        anyOf(criterion.texts.map((text) => stringCondition(sql, criterion.match, text, `${s}.value`))),
      );
    case 'reference':
      return referenceCondition(context, criterion);
    case 'hierarchy':
      return hierarchyCondition(context, criterion);
    case 'date':
      return anyOf(
        groupByPlace(context, criterion.params).map(({ primary, params }) =>
          primary
            ? allOf([
                // In rows of other types the columns hold another parameter's value.
                params.length === criterion.params.length
                  ? 'true'
                  : typeCondition(
                      context,
                      params.map((param) => param.resourceType),
                    ),
                anyOf(
                  criterion.tests.map((test) =>
                    dateCondition(sql, test, `${alias}.date_low`, `${alias}.date_high`),
                  ),
                ),
              ])
            : indexCondition(context, 'index_date', params, (d) =>
                anyOf(criterion.tests.map((test) => dateCondition(sql, test, `${d}.low`, `${d}.high`))),
              ),
        ),
      );
    // A number is compared as given, as is a quantity without a unit.
    case 'number':
    case 'quantity':
      return indexCondition(context, 'index_quantity', criterion.params, (q) =>
        allOf([
          `${q}.key = ${sql.hash(ZERO)}`,
          anyOf(criterion.tests.map((test) => quantityCondition(context, test, q))),
        ]),
      );
    case 'composite':
      return anyOf(
        criterion.params.map((param) =>
          compositeCondition(context, param, criterion.values, (inner) => rowCondition(context, [inner])),
        ),
      );
    case 'chain':
      return chainCondition(context, criterion);
    case 'has':
      return hasCondition(context, criterion);
    case 'list':
      return listCondition(context, criterion.lists);
    case 'word':
      return wordCondition(context, criterion.where, criterion.word);
    case 'near': {
      const param = definitionsOf(context).search('Location').params.get('near');
      if (param === undefined) return 'false';
      return indexCondition(context, 'index_quantity', [param], (q) =>
        allOf([`${q}.key = ${sql.hash(ZERO)}`, nearCondition(sql, criterion, q)]),
      );
    }
    default:
      throw new Error(`no condition for criterion ${criterion.kind}`);
  }
}

/** Rows with an entry of one of the parameters in an index table that fulfils the condition. */
function indexCondition(
  { sql, alias }: RowContext,
  table: 'index_string' | 'index_date' | 'index_quantity',
  params: readonly SearchParamModel[],
  condition: (alias: string) => string,
): string {
  const x = sql.alias('x');
  const where = allOf([`${x}.tenant_id = $1`, paramCondition(sql, x, params), condition(x)]);
  return where === 'false'
    ? 'false'
    : `${alias}.rid in (select ${x}.rid from tenant.${table} ${x} where ${where})`;
}

function paramCondition(sql: SqlBuilder, x: string, params: readonly SearchParamModel[]): string {
  return params.length === 1
    ? `${x}.param = ${sql.bind(params[0]!.key, 'int')}`
    : `${x}.param = any(${sql.bind(
        params.map((param) => param.key),
        'int[]',
      )})`;
}

/** Rows with a token of one of the texts in index_text that fulfil the condition. */
function textTokens(
  context: RowContext,
  params: readonly SearchParamModel[],
  condition: (alias: string) => string,
): string {
  const { sql } = context;
  const t = sql.alias('x');
  const where = allOf([`${t}.tenant_id = $1`, paramCondition(sql, t, params), condition(t)]);
  if (where === 'false') return 'false';
  return `${context.alias}.tokens${context.pinned ? '[:]' : ''} && array(select ${t}.token from tenant.index_text ${t} where ${where})`;
}

/** Code units of index_text.value that its index holds. */
const INDEXED_TEXT = 512;

function textPrefix(sql: SqlBuilder, t: string, prefix: string): string {
  const start = [...prefix].slice(0, INDEXED_TEXT).join('');
  const conditions = [prefixRange(sql, `left(${t}.value, ${INDEXED_TEXT})`, start)];
  if (start !== prefix) conditions.push(`starts_with(${t}.value, ${sql.bind(prefix, 'text')})`);
  return conditions.join(' and ');
}

function prefixRange(sql: SqlBuilder, column: string, prefix: string): string {
  const end = afterPrefix(prefix);
  const from = `${column} >= ${sql.bind(prefix, 'text')}`;
  return end === undefined ? from : `${from} and ${column} < ${sql.bind(end, 'text')}`;
}

/** R4 search.html#string, on a normalized value. Longer texts than are kept match what was kept of them. */
function stringCondition(sql: SqlBuilder, match: StringMatch, text: string, column: string): string {
  if (!isStorable(text)) return 'false';
  const kept = cut(text);
  switch (match) {
    case 'prefix':
      return prefixRange(sql, column, kept);
    case 'equals':
    case 'exact':
      return `${column} = ${sql.bind(kept, 'text')}`;
    case 'contains':
      return `${column} like ${sql.bind(`%${likeLiteral(kept)}%`, 'text')}`;
    case 'suffix':
      return `${column} like ${sql.bind(`%${likeLiteral(kept)}`, 'text')}`;
  }
}

function groupByPlace(
  context: RowContext,
  params: readonly SearchParamModel[],
): { primary: boolean; params: SearchParamModel[] }[] {
  const definitions = definitionsOf(context);
  const isPrimary = (param: SearchParamModel) =>
    definitions.search(param.resourceType).primaryDate === param.code;
  const primary = params.filter(isPrimary);
  const others = params.filter((param) => !isPrimary(param));
  const groups: { primary: boolean; params: SearchParamModel[] }[] = [];
  if (primary.length > 0) groups.push({ primary: true, params: primary });
  if (others.length > 0) groups.push({ primary: false, params: others });
  return groups;
}

function referenceCondition(context: RowContext, criterion: Criterion & { kind: 'reference' }): string {
  const { sql, alias, plan } = context;
  const patients = patientHashes(criterion, context);
  if (patients !== undefined) {
    return patients.length === 1
      ? `${alias}.patient = ${sql.hash(patients[0]!)}`
      : `${alias}.patient = any(${sql.hashes(patients)})`;
  }
  return anyOf(
    criterion.params.flatMap((param) =>
      criterion.values.map((value) => {
        const found = overlap(context, referenceTokens(value, param, plan.keys));
        if (value.kind === 'url' || value.version === undefined) return found;
        return `${found} and ${versionCondition(context, param, `${value.type}/${value.id}/_history/${value.version}`)}`;
      }),
    ),
  );
}

/** Whether a parameter's reference has this version. The index knows none: the text of the resource tells. */
function versionCondition(context: RowContext, param: SearchParamModel, reference: string): string {
  const { sql, alias, plan } = context;
  const text = `position(${sql.bind(`${reference}"`, 'text')} in ${alias}.content) > 0`;
  const paths = jsonPaths(param, definitionsOf(context));
  // Where the path is more than a path of elements, the text may belong to another reference to the same resource.
  if (paths === undefined) return text;
  const p = sql.alias('p');
  const v = sql.alias('v');
  const texts = sql.bind([reference, `${plan.search.baseUrl}/${reference}`], 'text[]');
  const values = `unnest(${sql.bind([...new Set(paths.map(toJsonPath))], 'jsonpath[]')}) ${p}(path), jsonb_path_query(${alias}.content::jsonb, ${p}.path) ${v}(value)`;
  return `case when ${text} then exists (select from ${values} where ${v}.value #>> '{}' = any(${texts})) else false end`;
}

/** A word in the narrative's text or in any string of the resource; without index. `word` is letters and digits only. */
function wordCondition({ sql, alias }: RowContext, where: 'narrative' | 'content', word: string): string {
  if (!isStorable(word)) return 'false';
  const bare = sql.bind(word, 'text');
  const whole = sql.bind(`\\m${word}\\M`, 'text');
  // The bare word is looked for first, because that needs no parsing of the JSON.
  const first = `${alias}.content ~* ${bare}`;
  if (where === 'narrative') {
    const text = `regexp_replace(${alias}.content::jsonb #>> '{text,div}', '<[^>]*>', ' ', 'g')`;
    return `(${first} and case when ${first} then ${text} ~* ${whole} else false end)`;
  }
  const v = sql.alias('v');
  const strings = `select from jsonb_path_query(${alias}.content::jsonb, 'strict $.**') ${v}(value) where jsonb_typeof(${v}.value) = 'string' and ${v}.value #>> '{}' ~* ${whole}`;
  return `(${first} and case when ${first} then exists (${strings}) else false end)`;
}
