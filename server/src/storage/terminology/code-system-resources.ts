import { typeCode } from '../../conformance/resource-types.ts';
import type { RunStatement } from './write-concepts.ts';

/** Where a tenant's CodeSystem resource lies now. */
export interface CodeSystemRow {
  readonly rid: string;
  readonly version: number;
  readonly deleted: boolean;
  /** Bytes of its JSON text. */
  readonly bytes: number;
}

/**
 * Does work while nobody else does such work for the same resource, in any process.
 * @param reference hash of `CodeSystem/id`
 */
export async function alone<T>(
  run: RunStatement,
  tenant: number,
  reference: bigint,
  work: () => Promise<T>,
): Promise<T> {
  const key = [`${tenant}/${reference}`];
  await run("select pg_advisory_lock(hashtext('store.code_system'), hashtext($1))", key);
  try {
    return await work();
  } finally {
    // With a connection that is broken the lock has gone.
    await run("select pg_advisory_unlock(hashtext('store.code_system'), hashtext($1))", key).catch(() => {});
  }
}

/** @param reference hash of `CodeSystem/id` */
export async function findCodeSystem(
  run: RunStatement,
  tenant: number,
  reference: bigint,
): Promise<CodeSystemRow | undefined> {
  const [row] = await run(
    'select rid, version, deleted, octet_length(content) from tenant.resource where tenant_id = $1 and ref_hash = $2',
    [tenant, reference.toString()],
  );
  if (row === undefined) return undefined;
  const [rid, version, deleted, bytes] = row as [string, number, boolean, number];
  return { rid: String(rid), version, deleted, bytes };
}

/** Whether a resource has been copied into the concept tables. @param source its `rid/version` */
export async function isCopied(run: RunStatement, tenant: number, source: string): Promise<boolean> {
  const rows = await run(
    `select 1 from tenant.code_system where tenant_id = $1 and source = $2 and state = 'ready'`,
    [tenant, source],
  );
  return rows.length > 0;
}

/** A version's JSON text; undefined when it is no longer the newest. */
export async function codeSystemText(
  run: RunStatement,
  tenant: number,
  { rid, version }: CodeSystemRow,
): Promise<string | undefined> {
  const [row] = await run(
    'select content, id from tenant.resource where tenant_id = $1 and rid = $2 and version = $3 and type = $4',
    [tenant, rid, version, typeCode('CodeSystem')],
  );
  return row?.[0] as string | undefined;
}
