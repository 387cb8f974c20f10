import pg from 'pg';
import type { AuditRow } from '../../audit/entry.ts';
import { ROW_TYPES, rowColumns } from './rows.ts';

/** Where a tenant's chain stands, for the next batch. */
export interface ChainEnd {
  /** The time of the next batch, epoch milliseconds. */
  readonly written: number;
  readonly hash: Buffer;
  /** How many lines of the spool file are in the chain. */
  readonly taken: number;
  /** Events of committed writes that wait for the chain. */
  readonly inbox: readonly { readonly id: string; readonly entry: string }[];
}

/** A batch for {@link SealingConnection}. */
export interface Batch {
  readonly hash: Buffer;
  readonly keyId: string;
  /** Those of the inbox that come first. */
  readonly inboxIds: readonly string[];
  readonly rows: readonly AuditRow[];
  /** The spool file that the rows are of, and its lines that are in the chain then. */
  readonly source?: { readonly id: string; readonly taken: number };
}

/** Most events of the inbox in one batch. */
export const INBOX_BATCH = 2000;

const SEAL = `select store.audit_seal($1::int, $2::bigint, $3::bytea, $4::bytea, $5::text, $6::uuid, $7::bigint,
  $8::bigint[], ${ROW_TYPES.map((type, i) => `$${i + 9}::${type}`).join(', ')})`;

/**
 * The audit log's own connection, so that it waits for nobody: made when it is first needed, and again after an error.
 */
export class SealingConnection {
  readonly #connectionString: string;
  #client: Promise<pg.Client> | undefined;

  /** @param connectionString of the serving role */
  constructor(connectionString: string) {
    this.#connectionString = connectionString;
  }

  /**
   * Adds a batch to a tenant's chain. `make` is told where the chain stands and holds its lock meanwhile; it gives
   * undefined when there is nothing to add.
   * @param source a spool file whose progress is asked for
   * @returns whether a batch was added
   * @throws Error of the database; then it is not known whether the batch was added, and the next call's `taken` tells
   */
  async add(
    tenantId: number,
    source: string | undefined,
    make: (end: ChainEnd) => Batch | undefined,
  ): Promise<boolean> {
    const client = await this.#connected();
    try {
      const sent = [
        client.query('begin'),
        client.query(`select set_config('app.tenant', $1, true)`, [String(tenantId)]),
        client.query<[string, Buffer, string]>({
          name: 'audit-begin',
          text: 'select written, hash, taken from store.audit_begin($1::int, $2::uuid)',
          values: [tenantId, source ?? null],
          rowMode: 'array',
        }),
        client.query<[string, string]>({
          name: 'audit-inbox',
          text: `select id, entry from tenant.audit_inbox where tenant_id = $1 order by id limit ${INBOX_BATCH}`,
          values: [tenantId],
          rowMode: 'array',
        }),
      ] as const;
      const [, , begun, inbox] = await Promise.all(sent);
      const [written, hash, taken] = begun.rows[0] as [string, Buffer, string];
      const end: ChainEnd = {
        written: Number(written),
        hash,
        taken: Number(taken),
        inbox: inbox.rows.map(([id, entry]) => ({ id, entry })),
      };
      const batch = make(end);
      if (batch === undefined) {
        await client.query('rollback');
        return false;
      }
      const { source: progress } = batch;
      await Promise.all([
        client.query({
          name: 'audit-seal',
          text: SEAL,
          values: [
            tenantId,
            end.written,
            end.hash,
            batch.hash,
            batch.keyId,
            progress?.id ?? null,
            progress?.taken ?? 0,
            batch.inboxIds,
            ...rowColumns(batch.rows),
          ],
        }),
        client.query('commit'),
      ]);
      return true;
    } catch (error) {
      // Whatever state it is in: the next one begins anew.
      await this.close();
      throw error;
    }
  }

  /** Tenants with events of writes that wait for the chain. */
  async waiting(): Promise<number[]> {
    const client = await this.#connected();
    try {
      const { rows } = await client.query<{ tenant_id: number }>(
        'select tenant_id from store.audit_waiting()',
      );
      return rows.map((row) => row.tenant_id);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.then((open) => open.end()).catch(() => {});
  }

  #connected(): Promise<pg.Client> {
    if (this.#client === undefined) {
      const made = this.#connect();
      this.#client = made;
      made.catch(() => {
        if (this.#client === made) this.#client = undefined;
      });
    }
    return this.#client;
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#connectionString,
      application_name: 'vesta-audit',
      connectionTimeoutMillis: 10_000,
      statement_timeout: 30_000,
      keepAlive: true,
      pipeline: true,
    } as pg.ClientConfig);
    client.on('error', () => {
      this.#client = undefined;
    });
    await client.connect();
    return client;
  }
}
