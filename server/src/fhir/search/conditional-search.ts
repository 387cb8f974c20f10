import { assertNoHiddenText, visibleDefinitions } from '../../access/hidden-parameters.ts';
import type { AccessScope, Interaction } from '../../access/scope.ts';
import { isUnrestricted } from '../../access/scope.ts';
import type { DefinitionsModel } from '../../conformance/model.ts';
import { typeCode } from '../../conformance/resource-types.ts';
import { parseQuery } from '../../http/fhir-handler.ts';
import type { Hash64 } from '../../search/hash.ts';
import { foldCode } from '../../search/normalize.ts';
import { rowCondition } from '../../search/plan/condition.ts';
import { codeCase } from '../../search/plan/context.ts';
import { scopeCondition } from '../../search/plan/scope.ts';
import { SqlBuilder } from '../../search/plan/sql.ts';
import { lockKeys, parseSearch } from '../../search/query/parse.ts';
import type { Row, SqlStatement } from '../../storage/connections.ts';
import type { RowRestriction } from '../../storage/read-versions.ts';
import { fhirError } from '../outcome.ts';
import type { Services } from '../services.ts';
import type { TenantContext } from '../tenant-context.ts';
import { searchContext } from './search-context.ts';

/** A search that decides what a conditional interaction or reference is about. */
export interface ConditionalSearch {
  readonly type: string;
  readonly typeCode: number;
  readonly limit: number;
  /** One text for each criterion: what clients with the same criteria lock. */
  readonly lockKeys: readonly string[];
  /** The index token to look for, where the criteria are no more than that. */
  readonly token?: Hash64;
  /** The statement for all other criteria; its rows are (id, version, last_updated, content). */
  statement(): SqlStatement;
  /** Puts a row of the statement into the form that the token lookup gives. */
  toRow(row: Row): Row;
}

/**
 * Reads the criteria of a conditional interaction.
 * @param query query string, e.g. `identifier=http://x|1`
 * @throws FhirError 412 for criteria without any search parameter, 400 for those that are no search
 */
export function conditionalSearch(
  scope: AccessScope,
  context: TenantContext,
  type: string,
  query: string,
  limit: number,
): ConditionalSearch {
  const code = typeCode(type);
  if (code === undefined)
    throw fhirError(400, 'not-supported', `Unknown resource type '${type}'`, 'http.query');
  const parameters = parseQuery(query);
  assertNoHiddenText(scope, parameters);
  const definitions = visibleDefinitions(context.definitions, scope.hidden);
  const token = isUnrestricted(scope, type, 'search-type')
    ? singleToken(context, definitions, type, parameters)
    : undefined;
  if (token !== undefined) {
    const [name, value] = parameters[0] as [string, string];
    return {
      type,
      typeCode: code,
      limit,
      lockKeys: [`${type}?${name}=${value.normalize('NFC')}`],
      token,
      statement: () => {
        throw new Error('a token lookup has no statement of its own');
      },
      toRow: (row) => row,
    };
  }
  const parsed = parseSearch(type, parameters, { ...searchContext(context), definitions, strict: true });
  if (parsed.criteria.length === 0) {
    // Without criteria everything matches, which no conditional interaction can mean.
    throw fhirError(412, 'required', `The criteria '${query}' name no search parameter`, 'http.query');
  }
  return {
    type,
    typeCode: code,
    limit,
    lockKeys: lockKeys(parsed),
    statement: () => {
      const sql = new SqlBuilder(context.tenant.id);
      const row = rowContext(scope, context, sql, [type]);
      const where = [
        'r.tenant_id = $1',
        `r.type = ${sql.bind(code, 'smallint')}`,
        'not r.deleted',
        `(${rowCondition(row, parsed.criteria)})`,
        `(${scopeCondition(row, 'search-type')})`,
      ];
      const text = `select r.id, r.version, r.last_updated, r.content from tenant.resource r
        where ${where.join(' and ')} limit ${sql.bind(limit, 'int')}`;
      return sql.statement(text, 'custom');
    },
    toRow: (row) => [0, ...row],
  };
}

/** The token of criteria such as `identifier=system|value` alone, which most conditional interactions have. */
function singleToken(
  context: TenantContext,
  definitions: DefinitionsModel,
  type: string,
  parameters: readonly (readonly [string, string])[],
): Hash64 | undefined {
  const [only] = parameters;
  if (only === undefined || parameters.length !== 1) return undefined;
  const [name, value] = only;
  const param = definitions.search(type).params.get(name);
  const parts = value.split('|');
  if (param?.type !== 'token' || parts.length !== 2 || /[,\\$]/.test(value)) return undefined;
  const [system = '', code = ''] = parts;
  const kept = codeCase(param, context.definitions);
  if (system === '' || code === '' || kept === 'both') return undefined;
  return context.keys.systemCode(param.key, system, kept === 'keep' ? code : foldCode(code));
}

function rowContext(
  scope: AccessScope,
  context: TenantContext,
  sql: SqlBuilder,
  types: readonly string[],
  alias = 'r',
) {
  return {
    plan: { keys: context.keys, scope, search: searchContext(context) },
    sql,
    alias,
    types,
    restricted: true,
    pinned: false,
  };
}

/** Writes what a scope allows of rows of these types. */
export function rowRestriction(
  scope: AccessScope,
  context: TenantContext,
  types: readonly string[],
  interaction: Interaction,
): RowRestriction {
  return (sql, alias) => scopeCondition(rowContext(scope, context, sql, types, alias), interaction);
}

/** The statement that says which of these resources a scope allows: rows are (ref_hash). */
export function visibleStatement(
  scope: AccessScope,
  context: TenantContext,
  type: string,
  interaction: Interaction,
  refHashes: readonly Hash64[],
): SqlStatement {
  const sql = new SqlBuilder(context.tenant.id);
  const allowed = rowRestriction(scope, context, [type], interaction)(sql, 'r');
  const text = `select r.ref_hash from tenant.resource r
    where r.tenant_id = $1 and r.ref_hash = any(${sql.hashes(refHashes)}) and not r.deleted and (${allowed})`;
  return sql.statement(text, 'custom');
}

/**
 * What a scope allows of versions, past ones too: both the version and what the resource is now must be within it, and
 * the resource must still be there. So a label that is set or removed later does not bring old content to light.
 */
export function versionRestriction(
  scope: AccessScope,
  context: TenantContext,
  types: readonly string[],
  interaction: Interaction,
): RowRestriction {
  const own = rowRestriction(scope, context, types, interaction);
  return (sql, alias) => {
    const c = sql.alias('c');
    return `(${own(sql, alias)}) and exists (select from tenant.resource ${c} where ${c}.tenant_id = $1
      and ${c}.type = ${alias}.type and ${c}.rid = ${alias}.rid and not ${c}.deleted and (${own(sql, c)}))`;
  };
}

/**
 * Whether a narrowed scope allows a resource that is there, or this version of it.
 * @param version number of a version; undefined for the current one
 */
export async function isVisible(
  services: Services,
  scope: AccessScope,
  context: TenantContext,
  type: string,
  interaction: Interaction,
  refHash: Hash64,
  version?: number,
): Promise<boolean> {
  const statement =
    version === undefined
      ? visibleStatement(scope, context, type, interaction, [refHash])
      : visibleVersionStatement(scope, context, type, interaction, refHash, version);
  const { rows } = await services.connections.within(context.tenant, 'read', (connection) =>
    connection.query(statement),
  );
  return rows.length > 0;
}

function visibleVersionStatement(
  scope: AccessScope,
  context: TenantContext,
  type: string,
  interaction: Interaction,
  refHash: Hash64,
  version: number,
): SqlStatement {
  const sql = new SqlBuilder(context.tenant.id);
  const allowed = versionRestriction(scope, context, [type], interaction)(sql, 'v');
  const columns =
    'tenant_id, type, rid, ref_hash, version, last_updated, content, date_low, date_high, patient, tokens, present';
  const wanted = sql.bind(version, 'int');
  const text = `select v.version from (
      select ${columns} from tenant.resource union all select ${columns} from tenant.history
    ) v where v.tenant_id = $1 and v.version = ${wanted}
      and v.rid = (select rid from tenant.resource where tenant_id = $1 and ref_hash = ${sql.hash(refHash)}) and (${allowed})`;
  return sql.statement(text, 'custom');
}
