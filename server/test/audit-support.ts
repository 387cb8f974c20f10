import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Tenant } from '../src/access/scope.ts';
import { AuditLog, type AuditOptions } from '../src/audit/audit-log.ts';
import { chainKey } from '../src/audit/chain.ts';
import { RowMaker } from '../src/audit/entry.ts';
import { type ChainReport, verifyChain } from '../src/audit/verify.ts';
import { chainState, readBatches } from '../src/storage/audit/chains.ts';
import { SealingConnection } from '../src/storage/audit/sealing.ts';
import { ensureTenant } from '../src/storage/tenants.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

export const AUDIT_KEY = chainKey(Buffer.alloc(32, 7));
export const ROWS = new RowMaker(Buffer.alloc(16, 3));

/** A database with two tenants and an owner's connection, for tests of the audit log. */
export interface AuditDatabase {
  readonly database: TestDatabase;
  readonly owner: pg.Client;
  readonly tenant: Tenant;
  readonly other: Tenant;
  /** A directory for spool files of its own. */
  readonly spool: string;
  log(options?: Partial<AuditOptions>): AuditLog;
  verify(tenant?: Tenant, options?: { anchors?: string[] }): Promise<ChainReport>;
  /** Runs SQL as the owner without the triggers that keep the log append-only. */
  tamper(sql: string, values?: unknown[]): Promise<void>;
  stop(): Promise<void>;
}

export async function startAuditDatabase(): Promise<AuditDatabase> {
  const database = await createTestDatabase();
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  const { tenant } = await ensureTenant(owner, 'one');
  const { tenant: other } = await ensureTenant(owner, 'two');
  const spool = mkdtempSync(join(tmpdir(), 'vesta-spool-'));
  const logs: AuditLog[] = [];
  return {
    database,
    owner,
    tenant,
    other,
    spool,
    log(options = {}) {
      const log = new AuditLog({
        connection: new SealingConnection(database.servingUrl),
        rows: ROWS,
        key: AUDIT_KEY,
        spoolDirectory: spool,
        interval: 20,
        ...options,
      });
      logs.push(log);
      return log;
    },
    async verify(of = tenant, options = {}) {
      return await verifyChain(await chainState(owner, of.id), readBatches(owner, of.id), {
        tenantId: of.id,
        keys: [AUDIT_KEY],
        rows: ROWS,
        ...options,
      });
    },
    async tamper(sql, values = []) {
      await owner.query(`set session_replication_role = replica`);
      try {
        await owner.query(sql, values);
      } finally {
        await owner.query(`set session_replication_role = origin`);
      }
    },
    async stop() {
      await Promise.all(logs.map((log) => log.stop(2000)));
      await owner.end();
      await database.drop();
      rmSync(spool, { recursive: true, force: true });
    },
  };
}
