import type pg from 'pg';
import type { Tenant } from '../access/scope.ts';
import { loadDefinitions } from '../conformance/definitions.ts';
import type { DefinitionsModel } from '../conformance/model.ts';
import { RESOURCE_TYPES, typeCode } from '../conformance/resource-types.ts';
import { Tenants } from '../fhir/tenants.ts';
import type { JsonObject } from '../json/types.ts';
import { TextHasher } from '../search/hash.ts';
import type { TextEntry } from '../search/index-model.ts';
import { type FieldPolicy, fieldPolicyOf, NO_FIELDS } from '../security/fields/policy.ts';
import { createRevealer, type Revealer, refuseSealed } from '../security/fields/reveal.ts';
import { type KeyWrapper, localWrapper } from '../security/keys/key-wrapper.ts';
import type { MasterKeySource } from '../security/keys/master-key.ts';
import { KeyVault } from '../security/keys/vault.ts';
import { ownerConnections } from './auth/owner.ts';
import {
  DictionaryCheck,
  histories,
  historyDifferences,
  homelessRows,
  orphans,
  type RunQuery,
  repeatedRowIds,
} from './check-related.ts';
import { type CheckReport, Findings, type TenantCheck } from './check-report.ts';
import { CHECK_COLUMNS, type CurrentRow, currentRow, ResourceCheck } from './check-resource.ts';
import { type Connections, type SqlStatement, TenantConnection } from './connections.ts';
import type { OwnerConnection } from './migrate.ts';
import { withOwner } from './prepare.ts';
import { changedDataKeys } from './security/data-keys.ts';
import { openSetting } from './security/settings.ts';
import { type SlicePosition, START, sliceStatement } from './slices.ts';
import { addSideRows, sideTableStatements } from './stored-index.ts';
import { TenantError } from './tenants.ts';

export type { CheckReport, Discrepancy, TenantCheck } from './check-report.ts';

export interface CheckOptions {
  /** Only this tenant; else all active ones. */
  readonly tenant?: string;
  /** The built-in definitions; loaded when not given. */
  readonly definitions?: DefinitionsModel;
  /**
   * The server's FHIR base with which resources were written, e.g. `https://example.org/fhir`: absolute references below
   * it are local ones. Default `http://localhost:8080/fhir`.
   */
  readonly baseUrl?: string;
  /** By which encrypted values are read; without them a resource that holds one is an error. */
  readonly masterKeys?: MasterKeySource | undefined;
  /** Told in one line, now and then, how far it is. */
  readonly onProgress?: (message: string) => void;
}

/** Time between two lines of progress, in milliseconds. */
const REPORT_EVERY = 2000;

/**
 * Compares each current resource with its row, its index entries, its history and the dictionary, as its content says
 * they must be, and looks for rows that belong to nothing. Changes nothing; each tenant is read in one snapshot, so it
 * may run beside a serving server. Memory is bounded, whatever the size of the database.
 *
 * @param owner connection string of the database's owner, or a connection of his outside a transaction
 * @returns what was looked at and what is wrong; `problems` is empty when all is well
 * @throws TenantError when the tenant named does not exist
 */
export async function checkDatabase(
  owner: string | OwnerConnection,
  options: CheckOptions = {},
): Promise<CheckReport> {
  if (typeof owner === 'string') return await withOwner(owner, (client) => checkDatabase(client, options));
  const { rows } = await owner.query(
    `select id, name from store.tenant where state = 'active' and ($1::text is null or name = $1) order by name`,
    [options.tenant ?? null],
  );
  if (options.tenant !== undefined && rows.length === 0) {
    throw new TenantError(`There is no tenant "${options.tenant}"`);
  }
  const findings = new Findings();
  const keys = await checkKeys(owner, rows as Tenant[], options.masterKeys);
  try {
    for (const tenant of rows as Tenant[]) {
      await inSnapshot(owner, async (run) => {
        const revealing: RunQuery = async (statement) => await keys.reveal(tenant, await run(statement));
        await checkTenant(owner, revealing, tenant, findings, options, keys);
      });
    }
  } finally {
    await keys.close();
  }
  if (options.tenant === undefined) await inSnapshot(owner, (run) => homelessRows(run, findings));
  return findings.report();
}

/** Runs `work` over one state of the database, which nobody can change under it. */
async function inSnapshot(owner: OwnerConnection, work: (run: RunQuery) => Promise<void>): Promise<void> {
  // A client takes one query at a time; those that are asked for meanwhile wait here.
  let last: Promise<unknown> = Promise.resolve();
  const run: RunQuery = ({ text, values, name }) => {
    const query = { text, values: values as unknown[], rowMode: 'array' as const };
    const result = last.then(() => owner.query(name === undefined ? query : { ...query, name }));
    last = result.catch(() => {});
    return result.then(({ rows }) => rows as unknown[][]);
  };
  await owner.query('begin isolation level repeatable read read only');
  try {
    await owner.query('set local statement_timeout = 0; set local jit = off');
    await work(run);
  } finally {
    await owner.query('rollback');
  }
}

async function checkTenant(
  owner: OwnerConnection,
  run: RunQuery,
  tenant: Tenant,
  findings: Findings,
  options: CheckOptions,
  keys: CheckKeys,
): Promise<void> {
  const { onProgress = () => {}, baseUrl = 'http://localhost:8080/fhir' } = options;
  const builtIn = options.definitions ?? loadDefinitions();
  const context = await tenantContext(owner, run, tenant, builtIn, baseUrl, keys);
  // Of a search parameter that was deleted entries stay until $reindex; then its row goes, too.
  const waiting = await run({
    text: `select from store.search_parameter p where tenant_id = $1 and (not ready or not exists (
        select from store.resource r where r.tenant_id = $1 and r.type = $2 and r.id = p.id and not r.deleted)) limit 1`,
    values: [tenant.id, typeCode('SearchParameter')],
  });
  const pending =
    waiting.length > 0 ||
    [...context.ownSearchParameters, ...context.activePackages].some(({ ready }) => !ready);
  const resources = new ResourceCheck(context, builtIn, pending);
  const dictionary = new DictionaryCheck(tenant);
  const check = findings.tenant(tenant.name, pending);
  let reported = performance.now();
  for await (const rows of slices(run, tenant)) {
    await checkSlice(run, tenant, rows, resources, dictionary, findings, check);
    if (performance.now() - reported < REPORT_EVERY) continue;
    reported = performance.now();
    onProgress(
      `${tenant.name}: ${check.resources + check.deletions} resources checked, ${check.discrepancies} problems`,
    );
  }
  await orphans(run, tenant, findings, check);
  await repeatedRowIds(run, tenant, findings, check);
  const [versions] = await run({
    text: 'select count(*)::int from store.history where tenant_id = $1',
    values: [tenant.id],
  });
  check.versions = versions?.[0] as number;
  onProgress(
    `${tenant.name}: done, ${check.resources + check.deletions} resources checked, ${check.discrepancies} problems`,
  );
}

/** All current rows of a tenant; the next slice is read while the caller works on one. */
async function* slices(run: RunQuery, tenant: Tenant): AsyncGenerator<CurrentRow[]> {
  const read = async (after: SlicePosition): Promise<CurrentRow[]> =>
    (await run(sliceStatement(tenant.id, CHECK_COLUMNS, after))).map(currentRow);
  let next = read(START);
  for (;;) {
    const rows = await next;
    const last = rows.at(-1);
    if (last === undefined) return;
    const index = new Map(rows.map((row) => [row.rid, row.index]));
    const side = await Promise.all(
      sideTableStatements(
        tenant,
        rows.map(({ rid }) => rid),
      ).map((statement: SqlStatement) => run(statement)),
    );
    addSideRows(index, side);
    next = read({ type: last.typeCode, rid: last.rid });
    // Reported when it is awaited; the caller may leave before that.
    next.catch(() => {});
    yield rows;
  }
}

async function checkSlice(
  run: RunQuery,
  tenant: Tenant,
  rows: readonly CurrentRow[],
  resources: ResourceCheck,
  dictionary: DictionaryCheck,
  findings: Findings,
  check: TenantCheck,
): Promise<void> {
  const past = histories(
    run,
    tenant,
    rows.map(({ rid }) => rid),
  );
  past.catch(() => {});
  const wanted: { entry: TextEntry; at: string }[] = [];
  for (const row of rows) {
    if (row.deleted) check.deletions++;
    else check.resources++;
    const at = `${RESOURCE_TYPES[row.typeCode - 1] ?? row.typeCode}/${row.id}`;
    const { wrong, texts } = resources.check(row);
    for (const message of wrong) findings.add(check, at, message);
    for (const entry of texts) wanted.push({ entry, at });
  }
  const history = await past;
  for (const row of rows) {
    for (const message of historyDifferences(row, history.get(row.rid))) {
      findings.add(check, `${RESOURCE_TYPES[row.typeCode - 1] ?? row.typeCode}/${row.id}`, message);
    }
  }
  // Entries of search parameters that wait for $reindex may be missing here, too.
  if (!resources.pending) {
    for (const { at, message } of await dictionary.missing(run, wanted)) findings.add(check, at, message);
  }
}

/** The tenant's context as a server makes it, but of what this snapshot holds. */
async function tenantContext(
  owner: OwnerConnection,
  run: RunQuery,
  tenant: Tenant,
  definitions: DefinitionsModel,
  baseUrl: string,
  keys: CheckKeys,
) {
  const [key] = await run({ text: `select value from store.setting where name = 'hash_key'`, values: [] });
  if (key === undefined) throw new Error('The database has no hash_key: run vesta db migrate');
  await owner.query(`select set_config('app.tenant', $1, true)`, [String(tenant.id)]);
  const connections: Connections = {
    global: run,
    within: (_tenant, _pool, work) =>
      work(
        new TenantConnection(owner as pg.PoolClient, undefined, undefined, (found) =>
          keys.reveal(tenant, found),
        ),
      ),
  };
  const hasher = new TextHasher(await openSetting(keys.wrapper, 'hash_key', key[0] as string));
  const tenants = new Tenants(connections, definitions, hasher, baseUrl, undefined, keys.fieldsOf);
  return await tenants.current(tenant);
}

/** What a check decrypts with. */
interface CheckKeys {
  readonly wrapper: KeyWrapper | undefined;
  readonly reveal: Revealer;
  fieldsOf(config: JsonObject): FieldPolicy;
  close(): Promise<void>;
}

/** The keys of those tenants that have some, in memory: within a snapshot none can be made. */
async function checkKeys(
  owner: OwnerConnection,
  tenants: readonly Tenant[],
  masterKeys: MasterKeySource | undefined,
): Promise<CheckKeys> {
  if (masterKeys === undefined) {
    const close = async () => {};
    return { wrapper: undefined, reveal: refuseSealed, fieldsOf: () => NO_FIELDS, close };
  }
  const connections = ownerConnections(owner as pg.Client);
  const wrapper = localWrapper(masterKeys);
  const vault = new KeyVault({ connections, wrapper });
  const keyed = new Set((await changedDataKeys(connections, 0)).tenants);
  for (const tenant of tenants) if (keyed.has(tenant.id)) await vault.ring(tenant);
  return { wrapper, reveal: createRevealer(vault), fieldsOf: fieldPolicyOf, close: () => vault.close() };
}
