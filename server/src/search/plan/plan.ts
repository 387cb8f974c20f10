import { fhirError } from '../../fhir/outcome.ts';
import type { CursorState } from '../cursor.ts';
import type { Hash64 } from '../hash.ts';
import type { Criteria, Criterion, ParsedSearch } from '../query/types.ts';
import { type CodedQuantity, codedQuantity } from './coded-quantity.ts';
import { rowCondition } from './condition.ts';
import { definitionsOf, type PlanContext, type RowContext } from './context.ts';
import { describe } from './describe.ts';
import { afterCursor, type Order, orderBy, orderOf } from './order.ts';
import { splitChain } from './related.ts';
import { FOUND_COLUMNS, type FoundRow, toFoundRow } from './rows.ts';
import { compartmentCondition, scopeCondition, typeCondition } from './scope.ts';
import { allOf, anyOf, SqlBuilder, type SqlStatement } from './sql.ts';
import { alternativeTokens, patientHashes } from './tokens.ts';

export interface SearchPlan {
  /** One page of matches and one row more; undefined when only the count is asked for. Read it with `readPage`. */
  readonly page: SqlStatement | undefined;
  /** One row, one column: the exact number of matches. */
  readonly count: SqlStatement;
  /** EXPLAIN in JSON of all matches: see {@link estimatedRows}. */
  readonly estimate: SqlStatement;
  readonly pageSize: number;
  readonly reason: string;
  /** `_contained`: rows hold contained resources of the type, which the caller must test against the criteria. */
  readonly needsContainedFilter: boolean;
  /** The rows of `page` in arrays mode; `next` is where the following page starts, if there is one. */
  readPage(rows: readonly (readonly unknown[])[]): { rows: FoundRow[]; next: CursorState | undefined };
  /** The query, the plan with its reason and the SQL, as JSON (`_explain`). */
  explain(): Record<string, unknown>;
}

/** How the rows are reached. */
interface Access {
  readonly kind: 'id' | 'patient' | 'identifier' | 'chain' | 'coded-quantity' | 'narrow' | 'general';
  readonly reason: string;
  /** Most criteria with which the plan does not depend on the values. */
  readonly most: number;
  /** The chain that leads to the rows. */
  readonly chain?: Criterion & { kind: 'chain' };
  /** The code and quantity that lead to the rows. */
  readonly coded?: CodedQuantity;
}

const ALIAS = 'r';
/** Targets of a chain up to which their referring rows are looked up rather than met in the order of the page. */
const FEW = 200;

/**
 * Plans a search: SQL over the views of schema tenant, with every value bound. Pure.
 *
 * @param cursor the decoded `_cursor` of the search, for the page after it
 * @throws FhirError 400 for what cannot be planned: an order that is not there, a component that cannot be compared
 */
export function planSearch(parsed: ParsedSearch, context: PlanContext, cursor?: CursorState): SearchPlan {
  const sql = new SqlBuilder(context.scope.tenant.id);
  const types = parsed.contained === 'false' ? parsed.types : undefined;
  const base: RowContext = { plan: context, sql, alias: ALIAS, types, restricted: true, pinned: false };
  const access = accessOf(parsed, { ...base, types: parsed.types });
  const pinned = access.kind === 'patient' || access.kind === 'id';
  const { coded } = access;
  const row: RowContext = {
    ...base,
    pinned,
    ...(coded === undefined
      ? {}
      : { replaced: codedReplacement(coded, `${ALIAS}.rid in (${coded.rids('x')})`) }),
  };
  const { where, itself } = whereOf(parsed, row);
  const count = () => sql.statement(`select count(*) from tenant.resource ${ALIAS} where ${where}`, 'custom');
  const estimate = () =>
    sql.statement(`explain (format json) select from tenant.resource ${ALIAS} where ${where}`, 'custom');
  const order = orderOf(base, parsed.sort);
  const pageSize = cursor?.size ?? parsed.count;
  const generic =
    access.kind !== 'general' && order.kind !== 'computed' && criteriaCount(parsed) <= access.most;
  const page =
    pageSize === 0 || parsed.summary === 'count'
      ? undefined
      : sql.statement(
          pageOf(parsed, base, {
            where,
            itself,
            order,
            access,
            pageSize,
            cursor,
            dated: requiresDate(parsed, base),
          }),
          generic ? 'generic' : 'custom',
        );
  const reason = `${access.reason}; ${order.reason}${generic ? '; the plan does not depend on the values' : ''}`;
  return {
    page,
    get count() {
      return count();
    },
    get estimate() {
      return estimate();
    },
    pageSize,
    reason,
    needsContainedFilter: parsed.contained !== 'false',
    readPage(rows) {
      const found = rows.slice(0, pageSize).map((row): FoundRow => {
        if (itself === undefined) return toFoundRow(row);
        return { ...toFoundRow(row), matches: row[row.length - 2] === true };
      });
      const last = rows[pageSize - 1];
      if (rows.length <= pageSize || last === undefined) return { rows: found, next: undefined };
      const keys = order.keys.map((_, i) => {
        const value = last[FOUND_COLUMNS.length + i];
        return value === null || value === undefined ? null : String(value);
      });
      return { rows: found, next: { keys, rid: String(last[0]), size: pageSize } };
    },
    explain: () =>
      describe(
        parsed,
        { access: access.kind, reason, order: order.kind },
        { page, count: count(), estimate: estimate() },
      ),
  };
}

/** The number of rows that the answer to SearchPlan.estimate tells: the planner's, from its statistics. */
export function estimatedRows(rows: readonly (readonly unknown[])[]): number {
  const cell = rows[0]?.[0];
  const plans = (typeof cell === 'string' ? JSON.parse(cell) : cell) as
    | { Plan?: { 'Plan Rows'?: number } }[]
    | undefined;
  return plans?.[0]?.Plan?.['Plan Rows'] ?? 0;
}

/** The planner's cost of the whole, in its units, from the answer to SearchPlan.estimate. */
export function estimatedCost(rows: readonly (readonly unknown[])[]): number {
  const cell = rows[0]?.[0];
  const plans = (typeof cell === 'string' ? JSON.parse(cell) : cell) as
    | { Plan?: { 'Total Cost'?: number } }[]
    | undefined;
  return plans?.[0]?.Plan?.['Total Cost'] ?? 0;
}

/**
 * The one token that decides a search: its only criterion looks for it, the type is one and the access scope keeps nothing
 * back. Such searches (conditional references, ifNoneExist by identifier) can be joined into one statement.
 */
export function singleToken(parsed: ParsedSearch, context: PlanContext): Hash64 | undefined {
  const { types } = parsed;
  if (types?.length !== 1 || parsed.compartment !== undefined || parsed.contained !== 'false')
    return undefined;
  const [only, ...others] = flatten(parsed.criteria);
  if (only === undefined || others.length > 0 || only.kind === 'or' || only.kind === 'not') return undefined;
  const sql = new SqlBuilder(context.scope.tenant.id);
  const row: RowContext = { plan: context, sql, alias: ALIAS, types, restricted: true, pinned: false };
  if (scopeCondition(row, 'search-type') !== 'true') return undefined;
  const tokens = alternativeTokens(only, row);
  return tokens?.length === 1 ? tokens[0] : undefined;
}

/** The criteria with nested ANDs opened. */
function flatten(criteria: readonly Criteria[]): Exclude<Criteria, { kind: 'and' }>[] {
  return criteria.flatMap((one) => (one.kind === 'and' ? flatten(one.of) : [one]));
}

/** The condition of the rows; `itself` tells those that match themselves from mere containers, where both are wanted. */
function whereOf(parsed: ParsedSearch, context: RowContext): { where: string; itself: string | undefined } {
  const { sql, plan } = context;
  const scope = scopeCondition(context, 'search-type');
  const { compartment } = parsed;
  const matches = allOf([
    parsed.types === undefined ? 'true' : typeCondition(context, parsed.types),
    compartment === undefined
      ? 'true'
      : compartmentCondition(context, parsed.types, compartment, context.pinned),
    rowCondition({ ...context, types: parsed.types }, parsed.criteria),
  ]);
  const wanted =
    parsed.contained === 'false'
      ? [matches]
      : [
          parsed.contained === 'both'
            ? anyOf([matches, containers(parsed, context)])
            : containers(parsed, context),
        ];
  const all = allOf([`not ${ALIAS}.deleted`, ...wanted, scope]);
  return {
    where: `${ALIAS}.tenant_id = $1 and ${all}`,
    itself: parsed.contained === 'both' ? matches : undefined,
  };

  /** Rows with a contained resource of a searched type. */
  function containers(search: ParsedSearch, row: RowContext): string {
    if (search.types === undefined) {
      throw fhirError(
        400,
        'not-supported',
        'A search of contained resources needs a type.',
        'http.query._contained',
      );
    }
    const { resourceTypes } = definitionsOf(row);
    const tokens = search.types.flatMap((type) =>
      resourceTypes.map((container) => plan.keys.containedType(container, type)),
    );
    return `${ALIAS}.tokens && ${sql.hashes(tokens)}`;
  }
}

const GENERAL: Access = {
  kind: 'general',
  most: 0,
  reason: 'the planner chooses by the statistics of the values',
};

/** The narrowest way to the rows that the shape of the search alone tells. */
function accessOf(parsed: ParsedSearch, context: RowContext): Access {
  if (parsed.contained !== 'false' || parsed.types?.length !== 1) return GENERAL;
  const criteria = flatten(parsed.criteria);
  for (const one of criteria) {
    if (one.kind === 'id')
      return { kind: 'id', most: 4, reason: 'ids: rows come from the unique index of Type/id' };
  }
  for (const one of criteria) {
    if (one.kind === 'reference' && patientHashes(one, context)?.length === 1) {
      return {
        kind: 'patient',
        most: 4,
        reason: "one patient: rows come from the patient's index, the rest is a filter on them",
      };
    }
  }
  for (const one of criteria) {
    if (isIdentifier(one) && alternativeTokens(one, context)?.length === 1) {
      return {
        kind: 'identifier',
        most: 4,
        reason: 'one identifier: rows come from the token index before they are ordered',
      };
    }
  }
  for (const one of criteria) {
    if (one.kind === 'chain' && one.branches.length === 1 && one.params.length === 1) {
      return {
        kind: 'chain',
        most: 3,
        chain: one,
        reason: `a chain: up to ${FEW} targets lead to the rows, more are a filter on rows in order`,
      };
    }
  }
  const coded = codedQuantity(context, criteria);
  if (coded !== undefined) {
    return {
      kind: 'coded-quantity',
      most: 2,
      coded,
      reason: 'a code and its quantity: rows come from the quantities keyed by that code',
    };
  }
  if (criteria.length === 1 && isNarrow(criteria[0]!, context)) {
    return {
      kind: 'narrow',
      most: 1,
      reason: 'the beginning of a text or a day: rows come from its index and are sorted',
    };
  }
  return GENERAL;
}

/** The criteria of a search, nested ANDs opened. */
function criteriaCount(parsed: ParsedSearch): number {
  return flatten(parsed.criteria).length;
}

/** Texts of at least this many characters and days are few enough to be looked up before they are ordered. */
const LONG_TEXT = 3;
const DAY = 86_400_000;

function isNarrow(criteria: Criteria, context: RowContext): boolean {
  if (criteria.kind === 'string') {
    const found = criteria.match === 'prefix' || criteria.match === 'equals';
    return found && criteria.params.length === 1 && criteria.texts.every((text) => text.length >= LONG_TEXT);
  }
  if (criteria.kind !== 'date' || criteria.params.length !== 1) return false;
  const [param] = criteria.params;
  const { primaryDate } = definitionsOf(context).search(param!.resourceType);
  return (
    param!.code === primaryDate &&
    criteria.tests.every(({ prefix, low, high }) => prefix === 'eq' && high - low < DAY)
  );
}

/** A coded quantity's condition in place of its two criteria. */
function codedReplacement(coded: CodedQuantity, condition: string): ReadonlyMap<Criterion, string> {
  return new Map([
    [coded.token, 'true'],
    [coded.quantity, condition],
  ]);
}

function isIdentifier(criteria: Criteria): criteria is Criterion & { kind: 'token' } {
  return (
    criteria.kind === 'token' &&
    criteria.params.every((param) => param.code === 'identifier') &&
    criteria.values.every((value) => value.code !== undefined)
  );
}

/** Whether every match has a primary date, because a criterion asks for one. */
function requiresDate(parsed: ParsedSearch, context: RowContext): boolean {
  const definitions = definitionsOf(context);
  return (
    parsed.contained === 'false' &&
    flatten(parsed.criteria).some(
      (one) =>
        one.kind === 'date' &&
        one.params.every((param) => definitions.search(param.resourceType).primaryDate === param.code),
    )
  );
}

interface PageParts {
  readonly where: string;
  /** Condition of the rows that match themselves, where mere containers are found too. */
  readonly itself: string | undefined;
  readonly order: Order;
  readonly access: Access;
  readonly pageSize: number;
  readonly cursor: CursorState | undefined;
  readonly dated: boolean;
}

/**
 * The text of a page. A chain gets two plans of which the first rows decide, because the planner cannot know how many
 * targets it has: looking up the rows of each target is right for few, filtering rows in order for many.
 */
function pageOf(parsed: ParsedSearch, base: RowContext, parts: PageParts): string {
  const { chain, coded } = parts.access;
  if (coded !== undefined && isWhole(parsed, base, parts.order)) {
    // All criteria are in the index: only the page's own rows are fetched.
    const x = base.sql.alias('x');
    const sign = parts.order.ridDescending ? '<' : '>';
    const after =
      parts.cursor === undefined ? '' : ` and ${x}.rid ${sign} ${base.sql.bind(parts.cursor.rid, 'bigint')}`;
    const direction = parts.order.ridDescending ? ' desc' : '';
    const limit = base.sql.bind(parts.pageSize + 1, 'int');
    const rids = `array(select distinct y.rid from (${coded.rids(x)}${after}) y order by y.rid${direction} limit ${limit})`;
    const replaced = codedReplacement(coded, `${ALIAS}.rid = any(${rids})`);
    return pageText(base, { ...parts, where: whereOf(parsed, { ...base, replaced }).where });
  }
  const split = chain === undefined ? undefined : splitChain(base, chain);
  if (chain === undefined || split === undefined) return pageText(base, parts);
  const where = (condition: string, pinned: boolean) =>
    whereOf(parsed, { ...base, pinned, replaced: new Map([[chain, condition]]) }).where;
  const some = `(select count(*) from few)`;
  const limit = base.sql.bind(parts.pageSize + 1, 'int');
  const few = `${where(split.condition('few'), split.onPatient)} and ${some} <= ${FEW}`;
  const many = `${where(split.whenMany, false)} and ${some} > ${FEW}`;
  const lookUp = pageText(base, { ...parts, where: few });
  const inOrder = pageText(base, { ...parts, where: many, access: GENERAL });
  return `with few as materialized (${split.targets} limit ${FEW + 1}) (${lookUp}) union all (${inOrder}) limit ${limit}`;
}

/** Whether a search has no criteria but a coded quantity's, an order by rows, and a scope that keeps nothing back. */
function isWhole(parsed: ParsedSearch, base: RowContext, order: Order): boolean {
  return (
    flatten(parsed.criteria).length === 2 &&
    order.kind === 'rows' &&
    order.keys.length === 0 &&
    parsed.compartment === undefined &&
    scopeCondition(base, 'search-type') === 'true'
  );
}

/** Ways to the rows that bring few enough of them to be sorted, whatever the planner expects. */
const FEW_ROWS: ReadonlySet<Access['kind']> = new Set(['patient', 'chain', 'narrow']);

const WITH_CONTENT = [...FOUND_COLUMNS, 'content'];

function pageText(context: RowContext, parts: PageParts): string {
  const { where, itself, order, access, pageSize, cursor, dated } = parts;
  const { sql } = context;
  const limit = sql.bind(pageSize + 1, 'int');
  const found = FOUND_COLUMNS.map((column) => `${ALIAS}.${column}`).join(', ');
  const keys = order.keys.map((key) => key.expression);
  let source = `tenant.resource ${ALIAS} where ${where}`;
  let before = '';
  let inner = ' and ';
  if (access.kind === 'identifier') {
    // Materialized, so that the order and the limit cannot talk the planner out of the token index.
    const columns = [...WITH_CONTENT, 'date_low', 'date_high']
      .map((column) => `${ALIAS}.${column}`)
      .join(', ');
    before = `with found as materialized (select ${columns} from tenant.resource ${ALIAS} where ${where}) `;
    source = `found ${ALIAS}`;
    inner = ' where ';
  }
  const flag = itself === undefined ? [] : [`(${itself}) is true as itself`];
  const select = [found, ...keys, ...flag, `${ALIAS}.content`].join(', ');
  switch (order.kind) {
    case 'rows': {
      const after = cursor === undefined ? '' : `${inner}${keyset(context, order, cursor, keys)}`;
      // A sum has no index: the few rows of the pinned one are sorted, whatever the planner expects.
      const rid = FEW_ROWS.has(access.kind) && keys.length === 0 ? `${ALIAS}.rid + 0` : `${ALIAS}.rid`;
      return `${before}select ${select} from ${source}${after} order by ${orderBy(order, keys, rid)} limit ${limit}`;
    }
    case 'date':
      return `${before}${datedPage(context, order, cursor, dated, { select, source, inner, limit })}`;
    case 'computed': {
      const columns = order.keys.map((_, i) => `k${i}`);
      const named = [found, ...keys.map((key, i) => `${key} as k${i}`), ...flag, `${ALIAS}.content`].join(
        ', ',
      );
      const shown = [...FOUND_COLUMNS, ...columns, ...(itself === undefined ? [] : ['itself']), 'content'];
      const outer = shown.map((column) => `p.${column}`).join(', ');
      const outerColumns = columns.map((column) => `p.${column}`);
      const after =
        cursor === undefined ? '' : ` where ${afterCursor(context, order, cursor, outerColumns, 'p.rid')}`;
      return `${before}select ${outer} from (select ${named} from ${source}) p${after} order by ${orderBy(order, outerColumns, 'p.rid')} limit ${limit}`;
    }
  }
}

/** Rows after the cursor in an order whose keys are not null and run in one direction, for an index. */
function keyset({ sql }: RowContext, order: Order, cursor: CursorState, columns: readonly string[]): string {
  const values = order.keys.map((key, i) => sql.bind(cursor.keys[i] ?? '', key.cast));
  const sign = order.ridDescending ? '<' : '>';
  const rid = sql.bind(cursor.rid, 'bigint');
  if (columns.length === 0) return `${ALIAS}.rid ${sign} ${rid}`;
  return `(${[...columns, `${ALIAS}.rid`].join(', ')}) ${sign} (${[...values, rid].join(', ')})`;
}

/** Rows with a date in the order of its index, then those without one. The second part runs when the first runs out. */
function datedPage(
  { sql }: RowContext,
  order: Order,
  cursor: CursorState | undefined,
  dated: boolean,
  { select, source, inner, limit }: { select: string; source: string; inner: string; limit: string },
): string {
  const direction = order.ridDescending ? ' desc' : '';
  const sign = order.ridDescending ? '<' : '>';
  const date = `${ALIAS}.date_low`;
  const rid = `${ALIAS}.rid`;
  const reached = cursor?.keys[0] ?? null;
  const parts: string[] = [];
  if (cursor === undefined || reached !== null) {
    const after =
      cursor === undefined || reached === null
        ? ''
        : ` and (${date}, ${rid}) ${sign} (${sql.bind(reached, 'bigint')}, ${sql.bind(cursor.rid, 'bigint')})`;
    parts.push(
      `select ${select} from ${source}${inner}${date} is not null${after} order by ${date}${direction}, ${rid}${direction} limit ${limit}`,
    );
  }
  if (!dated) {
    const after =
      cursor === undefined || reached !== null ? '' : ` and ${rid} ${sign} ${sql.bind(cursor.rid, 'bigint')}`;
    parts.push(
      `select ${select} from ${source}${inner}${date} is null${after} order by ${rid}${direction} limit ${limit}`,
    );
  }
  return parts.length === 1
    ? parts[0]!
    : `${parts.map((part) => `(${part})`).join(' union all ')} limit ${limit}`;
}
