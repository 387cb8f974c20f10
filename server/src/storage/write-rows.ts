import type { Tenant } from '../access/scope.ts';
import type { Hash64 } from '../search/hash.ts';
import {
  boolArray,
  float8Array,
  hashArray,
  int2Array,
  int4Array,
  safeIntegerArray,
  textArray,
} from './binary-array.ts';
import type { SqlStatement } from './connections.ts';
import type { NewVersion } from './rows.ts';
import { freeStatements, type Overlap, takeStatements } from './scheduling/busy-rows.ts';

/** Rows in one statement: bounded, so that a bundle of any size needs little memory for its parameters. */
const ROWS_PER_STATEMENT = 400;
const BYTES_PER_STATEMENT = 4_000_000;

/** Splits versions into statements of bounded size, in order. */
function chunks(versions: readonly NewVersion[]): NewVersion[][] {
  const result: NewVersion[][] = [];
  let chunk: NewVersion[] = [];
  let bytes = 0;
  for (const version of versions) {
    if (
      chunk.length === ROWS_PER_STATEMENT ||
      (chunk.length > 0 && bytes + version.content.length > BYTES_PER_STATEMENT)
    ) {
      result.push(chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(version);
    bytes += version.content.length;
  }
  if (chunk.length > 0) result.push(chunk);
  return result;
}

/** The columns that an insert and an update share, as parameters $2 to $16 of unnest. */
function columns(tenant: Tenant, chunk: readonly NewVersion[]): unknown[] {
  const tokens: Hash64[] = [];
  const tokenStart: number[] = [];
  const tokenEnd: number[] = [];
  const present: number[] = [];
  const presentStart: number[] = [];
  const presentEnd: number[] = [];
  for (const { index } of chunk) {
    tokenStart.push(tokens.length + 1);
    for (const token of index.tokens) tokens.push(token);
    tokenEnd.push(tokens.length);
    presentStart.push(present.length + 1);
    for (const param of index.present) present.push(param);
    presentEnd.push(present.length);
  }
  return [
    tenant.id,
    hashArray(chunk.map((version) => version.rid)),
    hashArray(chunk.map((version) => version.refHash)),
    safeIntegerArray(chunk.map((version) => version.lastUpdated)),
    safeIntegerArray(chunk.map((version) => version.index.dateLow)),
    safeIntegerArray(chunk.map((version) => version.index.dateHigh)),
    hashArray(chunk.map((version) => version.index.patient)),
    int2Array(chunk.map((version) => version.typeCode)),
    int2Array(chunk.map((version) => version.index.referenceCount)),
    int4Array(chunk.map((version) => version.version)),
    int2Array(chunk.map((version) => version.method)),
    boolArray(chunk.map((version) => version.deleted)),
    textArray(chunk.map((version) => version.id)),
    textArray(chunk.map((version) => version.sealed ?? version.content)),
    int4Array(tokenStart),
    int4Array(tokenEnd),
    int4Array(presentStart),
    int4Array(presentEnd),
    hashArray(tokens),
    int4Array(present),
  ];
}

const UNNEST = `unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::smallint[],
  $9::smallint[], $10::int[], $11::smallint[], $12::bool[], $13::text[], $14::text[], $15::int[], $16::int[], $17::int[], $18::int[])
  as u(rid, ref_hash, last_updated, date_low, date_high, patient, type, reference_count, version, method, deleted, id, content,
  token_start, token_end, present_start, present_end)`;

const INSERT_RESOURCES = `insert into store.resource (tenant_id, rid, ref_hash, last_updated, date_low, date_high, patient, type,
  reference_count, version, method, deleted, id, tokens, present, content)
select $1::int, rid, ref_hash, last_updated, date_low, date_high, patient, type, reference_count, version, method, deleted, id,
  ($19::bigint[])[token_start:token_end], ($20::int[])[present_start:present_end], content from ${UNNEST}`;

const UPDATE_RESOURCES = `update store.resource r set last_updated = u.last_updated, date_low = u.date_low, date_high = u.date_high,
  patient = u.patient, reference_count = u.reference_count, version = u.version, method = u.method, deleted = u.deleted,
  tokens = ($19::bigint[])[u.token_start:u.token_end], present = ($20::int[])[u.present_start:u.present_end], content = u.content
from ${UNNEST} where r.tenant_id = $1::int and r.type = u.type and r.rid = u.rid`;

const KEEP_HISTORY = `insert into store.history (tenant_id, rid, ref_hash, last_updated, replaced, date_low, date_high, patient,
  type, version, method, deleted, id, tokens, present, content)
select r.tenant_id, r.rid, r.ref_hash, r.last_updated, u.replaced, r.date_low, r.date_high, r.patient,
  r.type, r.version, r.method, r.deleted, r.id, r.tokens, r.present, r.content
from unnest($2::bigint[], $3::bigint[]) as u(ref_hash, replaced)
join store.resource r on r.tenant_id = $1::int and r.ref_hash = u.ref_hash`;

const named = (name: string, text: string, values: unknown[]): SqlStatement => ({ name, text, values });

/** Statements that insert resources that the tenant does not have, with their index entries: made as they are taken. */
export function* insertStatements(tenant: Tenant, versions: readonly NewVersion[]): Generator<SqlStatement> {
  for (const chunk of chunks(versions)) {
    yield named('insert-resources', INSERT_RESOURCES, columns(tenant, chunk));
    yield* indexStatements(tenant, chunk);
    yield* takeStatements(tenant, chunk, 'refuse');
  }
}

/** Statements that move the current versions into the history and replace them, with their index entries. */
export function* updateStatements(tenant: Tenant, versions: readonly NewVersion[]): Generator<SqlStatement> {
  for (const chunk of chunks(versions)) {
    yield named('keep-history', KEEP_HISTORY, [
      tenant.id,
      hashArray(chunk.map((version) => version.refHash)),
      safeIntegerArray(chunk.map((version) => version.lastUpdated)),
    ]);
    yield* refreshIndexStatements(tenant, chunk, 'refuse');
  }
}

/**
 * Statements that write the rows of current versions and their index entries anew (also $reindex).
 * @param overlap of Slots that take what is taken already: $reindex leaves them out, which others have stored before
 */
export function* refreshIndexStatements(
  tenant: Tenant,
  versions: readonly NewVersion[],
  overlap: Overlap,
): Generator<SqlStatement> {
  for (const chunk of chunks(versions)) {
    yield named('update-resources', UPDATE_RESOURCES, columns(tenant, chunk));
    yield* reindexStatements(tenant, chunk);
    yield* freeStatements(tenant, chunk);
    yield* takeStatements(tenant, chunk, overlap);
  }
}

function reindexStatements(tenant: Tenant, chunk: readonly NewVersion[]): SqlStatement[] {
  const rids = hashArray(chunk.map((version) => version.rid));
  return [
    ...['index_date', 'index_string', 'index_quantity'].map((table) =>
      named(
        `delete-${table}`,
        `delete from store.${table} where tenant_id = $1::int and rid = any($2::bigint[])`,
        [tenant.id, rids],
      ),
    ),
    ...indexStatements(tenant, chunk),
  ];
}

/** One statement for each index table that gets rows. */
function indexStatements(tenant: Tenant, chunk: readonly NewVersion[]): SqlStatement[] {
  const statements: SqlStatement[] = [];
  const owners: Hash64[] = [];
  const collect = <T>(entriesOf: (version: NewVersion) => readonly T[]): T[] => {
    owners.length = 0;
    const all: T[] = [];
    for (const version of chunk) {
      for (const entry of entriesOf(version)) {
        all.push(entry);
        owners.push(version.rid);
      }
    }
    return all;
  };
  const dates = collect((version) => version.index.dates);
  if (dates.length > 0) {
    statements.push(
      named(
        'insert-dates',
        `insert into store.index_date (tenant_id, rid, param, low, high)
         select $1::int, u.* from unnest($2::bigint[], $3::int[], $4::bigint[], $5::bigint[]) as u`,
        [
          tenant.id,
          hashArray(owners),
          int4Array(dates.map((entry) => entry.param)),
          safeIntegerArray(dates.map((entry) => entry.low)),
          safeIntegerArray(dates.map((entry) => entry.high)),
        ],
      ),
    );
  }
  const strings = collect((version) => version.index.strings);
  if (strings.length > 0) {
    statements.push(
      named(
        'insert-strings',
        `insert into store.index_string (tenant_id, rid, param, value)
         select $1::int, u.* from unnest($2::bigint[], $3::int[], $4::text[]) as u`,
        [
          tenant.id,
          hashArray(owners),
          int4Array(strings.map((entry) => entry.param)),
          textArray(strings.map((entry) => entry.value)),
        ],
      ),
    );
  }
  const quantities = collect((version) => version.index.quantities);
  if (quantities.length > 0) {
    statements.push(
      named(
        'insert-quantities',
        `insert into store.index_quantity (tenant_id, rid, param, key, unit, low, high)
         select $1::int, u.* from unnest($2::bigint[], $3::int[], $4::bigint[], $5::bigint[], $6::float8[], $7::float8[]) as u`,
        [
          tenant.id,
          hashArray(owners),
          int4Array(quantities.map((entry) => entry.param)),
          hashArray(quantities.map((entry) => entry.key)),
          hashArray(quantities.map((entry) => entry.unit)),
          float8Array(quantities.map((entry) => entry.low)),
          float8Array(quantities.map((entry) => entry.high)),
        ],
      ),
    );
  }
  return statements;
}

/**
 * The statement that adds display texts and uris to the tenant's dictionary. It runs in a transaction of its own before
 * the resources': an entry without a resource does no harm, while waiting inside long transactions for each other's
 * dictionary entries would (the entries are inserted in key order for the same reason).
 */
export function dictionaryStatement(
  tenant: Tenant,
  entries: readonly { param: number; token: Hash64; text: string }[],
): SqlStatement {
  return named(
    'insert-texts',
    `insert into store.index_text (tenant_id, param, token, value)
     select $1::int, u.param, u.token, u.value from unnest($2::int[], $3::bigint[], $4::text[]) as u(param, token, value)
     order by u.param, u.token on conflict do nothing`,
    [
      tenant.id,
      int4Array(entries.map((entry) => entry.param)),
      hashArray(entries.map((entry) => entry.token)),
      textArray(entries.map((entry) => entry.text)),
    ],
  );
}
