import type { Tenant } from '../../access/scope.ts';
import { typeCode } from '../../conformance/resource-types.ts';
import { parseJson } from '../../json/parse.ts';
import type { Resource } from '../../json/types.ts';
import type { Hash64 } from '../../search/hash.ts';
import { hashArray } from '../../storage/binary-array.ts';
import { hashToText, type LockedRow, type NewVersion } from '../../storage/rows.ts';
import {
  addSideRows,
  expectedIndex,
  INDEX_COLUMNS,
  indexDifferences,
  type StoredIndex,
  sideTableStatements,
  storedIndex,
} from '../../storage/stored-index.ts';
import { TextDictionary } from '../../storage/text-dictionary.ts';
import { runTransaction, type Transaction } from '../../storage/transaction.ts';
import { FhirError } from '../outcome.ts';
import type { Services } from '../services.ts';
import type { TenantContext } from '../tenant-context.ts';
import { assertConformance, StaleConformance } from '../write/conformance-guard.ts';
import { expectedEntries } from '../write/expected-entries.ts';

/** What became of the resources of one slice. */
export interface SliceResult {
  /** Resources that were looked at. */
  readonly examined: number;
  /** Resources whose index entries were not those of their content. */
  readonly changed: number;
  /** `Type/id` of resources that cannot be indexed: they have too many combinations of values. */
  readonly refused: readonly string[];
}

/** Longest time in milliseconds that a slice keeps the event loop from requests. */
const TURN = 15;

/**
 * Brings the index entries of resources up to date with the tenant's newest search parameters, in transactions of their
 * own. Content, version and lastUpdated stay as they are; entries that are right already are left alone, so that it
 * costs little where little has changed.
 */
export class Reindexer {
  readonly #services: Services;
  readonly #tenant: Tenant;
  readonly #dictionary: TextDictionary;
  #context: TenantContext;

  constructor(services: Services, context: TenantContext) {
    this.#services = services;
    this.#tenant = context.tenant;
    this.#context = context;
    this.#dictionary = new TextDictionary(services.connections);
  }

  /**
   * @param choose gives the `Type/id` hashes of the resources to do, inside the transaction
   * @returns what became of them, and the locked rows as they were found
   * @throws FhirError 503 when the database is away, 409 when others kept changing the same resources
   */
  async run(
    choose: (transaction: Transaction) => Promise<readonly Hash64[]>,
  ): Promise<SliceResult & { rows: readonly LockedRow[] }> {
    for (;;) {
      const context = this.#context;
      try {
        return await runTransaction(this.#services.connections, this.#tenant, async (transaction) => {
          await assertConformance(transaction, context, []);
          // In the order in which writers lock rows, too.
          const rows = await transaction.lockRows(await choose(transaction));
          return { rows, ...(await this.#refresh(transaction, context, rows)) };
        });
      } catch (error) {
        if (!(error instanceof StaleConformance)) throw error;
        this.#context = await this.#services.tenants.current(this.#tenant);
      }
    }
  }

  async #refresh(
    transaction: Transaction,
    context: TenantContext,
    rows: readonly LockedRow[],
  ): Promise<SliceResult> {
    const current = rows.filter((row) => !row.deleted);
    if (current.length === 0) return { examined: 0, changed: 0, refused: [] };
    const stored = await storedEntries(
      transaction,
      current.map(({ refHash }) => refHash),
    );
    const all: NewVersion[] = [];
    const changed: NewVersion[] = [];
    const refused: string[] = [];
    let since = performance.now();
    for (const row of current) {
      try {
        const index = expectedEntries(context, parseJson(row.content) as Resource);
        const version = { ...row, typeCode: typeCode(row.type) as number, index };
        all.push(version);
        const found = stored.get(hashToText(row.rid));
        if (found === undefined || indexDifferences(found, expectedIndex(index)).length > 0)
          changed.push(version);
      } catch (error) {
        if (!(error instanceof FhirError) || error.status >= 500) throw error;
        refused.push(`${row.type}/${row.id}`);
      }
      if (performance.now() - since > TURN) {
        await new Promise((resolve) => setImmediate(resolve));
        since = performance.now();
      }
    }
    await this.#dictionary.ensure(this.#tenant, all);
    await transaction.refreshIndex(changed);
    return { examined: current.length, changed: changed.length, refused };
  }
}

async function storedEntries(
  transaction: Transaction,
  refHashes: readonly Hash64[],
): Promise<Map<string, StoredIndex>> {
  const { tenant } = transaction;
  const rows = await transaction.query({
    name: 'stored-index',
    text: `select rid, ${INDEX_COLUMNS} from store.resource where tenant_id = $1 and ref_hash = any($2::bigint[])`,
    values: [tenant.id, hashArray(refHashes)],
  });
  const byRid = new Map(rows.map((row) => [row[0] as string, storedIndex(row, 1)]));
  const side = sideTableStatements(tenant, [...byRid.keys()]).map((statement) =>
    transaction.query(statement),
  );
  addSideRows(byRid, await Promise.all(side));
  return byRid;
}
