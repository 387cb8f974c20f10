import type { Tenant } from '../access/scope.ts';
import { typeName } from '../conformance/resource-types.ts';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import type { Hash64 } from '../search/hash.ts';
import { hashArray } from './binary-array.ts';
import type { Connections, Row, SqlStatement, TenantConnection } from './connections.ts';
import { hashFromText, type LockedRow, type Method, type NewVersion } from './rows.ts';
import { NO_OVERLAP } from './scheduling/busy-rows.ts';
import { insertStatements, refreshIndexStatements, updateStatements } from './write-rows.ts';

/** Serialization failure, deadlock, and a unique violation from a concurrent insert of the same id: all pass on a second try. */
const RETRY = new Set(['40001', '40P01', '23505', '55P03']);
const ATTEMPTS = 8;
/** What is told of a statement in a transaction that another statement has failed. */
const ABORTED = '25P02';

/**
 * One database transaction of a tenant. Locks are taken in a fixed order of classes (criteria, then references, then
 * rows) and sorted within a class, so that transactions wait for each other but do not deadlock.
 */
export class Transaction {
  readonly tenant: Tenant;
  readonly #connection: TenantConnection;
  readonly #writes: Promise<unknown>[] = [];
  #unanswered = 0;

  constructor(tenant: Tenant, connection: TenantConnection) {
    this.tenant = tenant;
    this.#connection = connection;
  }

  /** Runs a statement that reads (searches of conditional interactions). */
  async query(statement: SqlStatement): Promise<Row[]> {
    return (await this.#connection.query(statement)).rows;
  }

  /** Waits until no other transaction holds any of these keys, and holds them to the end. */
  async lockExclusive(keys: readonly Hash64[]): Promise<void> {
    if (keys.length === 0) return;
    await this.#connection.query({
      name: 'lock-exclusive',
      text: 'select count(pg_advisory_xact_lock(k)) from (select k from unnest($1::bigint[]) as k order by k) as s',
      values: [hashArray(keys)],
    });
  }

  /** As {@link lockExclusive}, but many may hold a key at once so long as nobody holds it exclusively. */
  async lockShared(keys: readonly Hash64[]): Promise<void> {
    if (keys.length === 0) return;
    await this.#connection.query({
      name: 'lock-shared',
      text: 'select count(pg_advisory_xact_lock_shared(k)) from (select k from unnest($1::bigint[]) as k order by k) as s',
      values: [hashArray(keys)],
    });
  }

  /** The current rows (deletions too) of these `Type/id` hashes, locked against change until the end. */
  async lockRows(refHashes: readonly Hash64[]): Promise<LockedRow[]> {
    if (refHashes.length === 0) return [];
    const { rows } = await this.#connection.query({
      name: 'lock-rows',
      text: `select rid, ref_hash, type, id, version, last_updated, method, deleted, content from store.resource
        where tenant_id = $1 and ref_hash = any($2::bigint[]) order by ref_hash for update`,
      values: [this.tenant.id, hashArray(refHashes)],
    });
    return rows.map((row) => ({
      rid: hashFromText(row[0] as string),
      refHash: hashFromText(row[1] as string),
      type: typeName(row[2] as number),
      id: row[3] as string,
      version: row[4] as number,
      lastUpdated: Number(row[5]),
      method: row[6] as Method,
      deleted: row[7] as boolean,
      content: row[8] as string,
    }));
  }

  /** Which of these `Type/id` hashes belong to resources that exist and are not deleted, as bigint texts. */
  async existing(refHashes: readonly Hash64[]): Promise<Set<string>> {
    if (refHashes.length === 0) return new Set();
    const { rows } = await this.#connection.query({
      name: 'existing',
      text: 'select ref_hash from tenant.resource where tenant_id = $1 and ref_hash = any($2::bigint[]) and not deleted',
      values: [this.tenant.id, hashArray(refHashes)],
    });
    return new Set(rows.map((row) => row[0] as string));
  }

  /**
   * One resource (`Type/id`) for each that carries any of these tokens: who refers to what is about to be deleted.
   * @returns up to `limit` rows
   */
  async carriersOf(
    tokens: readonly Hash64[],
    limit: number,
  ): Promise<{ type: string; id: string; refHash: string }[]> {
    const { rows } = await this.#connection.query({
      name: 'carriers',
      text: `select type, id, ref_hash from tenant.resource where tenant_id = $1 and tokens && $2::bigint[] and not deleted limit $3::int`,
      values: [this.tenant.id, hashArray(tokens), limit],
    });
    return rows.map((row) => ({
      type: typeName(row[0] as number),
      id: row[1] as string,
      refHash: row[2] as string,
    }));
  }

  /** Sends the inserts of new resources; failures surface at commit. */
  async insert(versions: readonly NewVersion[]): Promise<void> {
    for (const statement of insertStatements(this.tenant, versions)) await this.#send(statement);
  }

  /** Sends the updates of resources that {@link lockRows} returned; failures surface at commit. */
  async update(versions: readonly NewVersion[]): Promise<void> {
    for (const statement of updateStatements(this.tenant, versions)) await this.#send(statement);
  }

  /** Sends statements that belong to the writes, such as their audit events; failures surface at commit. */
  async note(statements: readonly SqlStatement[]): Promise<void> {
    for (const statement of statements) await this.#send(statement);
  }

  /** Writes index entries of current versions anew; failures surface at commit. */
  async refreshIndex(versions: readonly NewVersion[]): Promise<void> {
    for (const statement of refreshIndexStatements(this.tenant, versions, 'leave-out'))
      await this.#send(statement);
  }

  /**
   * This transaction in the place of the pools, for code that reads by way of {@link Connections}: it sees what the
   * transaction has written. Its statements are bounded as those of the search pool are, from here to the end.
   */
  async asConnections(statementTimeout: number): Promise<Connections> {
    const connection = this.#connection;
    await connection.query({
      text: `select set_config('statement_timeout', $1, true), set_config('plan_cache_mode', 'force_custom_plan', true)`,
      values: [String(statementTimeout)],
    });
    const within: Connections['within'] = (tenant, _pool, work) => {
      if (tenant.id !== this.tenant.id) throw new Error('A transaction lies within one tenant');
      return work(connection);
    };
    return { within, global: (statement) => this.query(statement) };
  }

  /** Waits for all writes sent so far. */
  async flush(): Promise<void> {
    this.#unanswered = 0;
    await Promise.all(this.#writes.splice(0));
  }

  /** Sends a statement without waiting for its answer, unless many bytes are on their way already. */
  async #send(statement: SqlStatement): Promise<void> {
    const sent = this.#connection.query(statement);
    // flush() reports it; until then it must not count as unhandled.
    sent.catch(() => {});
    this.#writes.push(sent);
    for (const value of statement.values) if (Buffer.isBuffer(value)) this.#unanswered += value.length;
    if (this.#unanswered > MAX_UNANSWERED) await this.flush();
  }
}

/** Bytes of parameters that a transaction sends before it waits: they are in memory until they are answered. */
const MAX_UNANSWERED = 8_000_000;

/**
 * Thrown when the connection was lost while a commit was under way: what was to be written may be there or not, so that it
 * must not be tried again on the client's behalf.
 */
export class CommitUnknown extends FhirError {
  constructor(cause: unknown) {
    super(503, {
      severity: 'error',
      code: 'transient',
      diagnostics:
        'The database was lost during the commit: the change may have been made or not. Look before trying again.',
    });
    this.cause = cause;
  }
}

/** Whether the database has answered a commit by rolling back. */
function wasRolledBack(committed: Promise<{ readonly command: string }>): Promise<boolean> {
  return committed.then(
    ({ command }) => command !== 'COMMIT',
    // Class 08 and 57P tell of a connection or server that is going.
    ({ code }: { code?: string }) => /^(?!08|57P)[0-9A-Z]{5}$/.test(code ?? ''),
  );
}

export interface TransactionOptions {
  /** Longest wait for a lock in milliseconds; without it the wait is bounded by the statement timeout. */
  readonly lockTimeout?: number;
  /** How often the work may run in all. */
  readonly attempts?: number;
}

/**
 * Runs `work` in one transaction and commits it; the promise resolves when the commit is durable. When the database
 * asks for it (deadlock, concurrent insert of the same key) the whole work runs again: it must not keep state outside.
 * @throws what `work` throws (then nothing was written); FhirError 409 when it lost against others many times over;
 *   CommitUnknown
 */
export async function runTransaction<T>(
  connections: Connections,
  tenant: Tenant,
  work: (transaction: Transaction) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const attempts = options.attempts ?? ATTEMPTS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await connections.within(tenant, 'write', async (connection) => {
        const begun = connection.query({
          text:
            options.lockTimeout === undefined
              ? 'begin'
              : `begin; set local lock_timeout = ${Number(options.lockTimeout)}`,
          values: [],
        });
        begun.catch(() => {});
        const transaction = new Transaction(tenant, connection);
        let committed: Promise<{ readonly command: string }> | undefined;
        try {
          const result = await work(transaction);
          committed = connection.query({ text: 'commit', values: [] });
          committed.catch(() => {});
          await transaction.flush();
          await begun;
          if ((await committed).command !== 'COMMIT')
            throw new Error('The transaction was rolled back at commit');
          return result;
        } catch (error) {
          const first = await transaction.flush().catch((reason: unknown) => reason);
          if (committed !== undefined && !(await wasRolledBack(committed))) throw new CommitUnknown(error);
          await connection.query({ text: 'rollback', values: [] });
          // What comes after a statement that failed fails for that.
          throw (error as { code?: string }).code === ABORTED ? (first ?? error) : error;
        }
      });
    } catch (error) {
      const { code, constraint } = error as { code?: string; constraint?: string };
      if (constraint === NO_OVERLAP)
        throw fhirError(409, 'conflict', 'This time of the Schedule is taken already', 'Slot.start');
      if (code === undefined || !RETRY.has(code)) throw error;
      if (attempt >= attempts) {
        throw fhirError(409, 'conflict', 'Other clients kept changing the same resources. Try again.');
      }
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** attempt));
    }
  }
}
