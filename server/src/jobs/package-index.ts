import { typeCode } from '../conformance/resource-types.ts';
import type { TenantContext, TenantPackage } from '../fhir/tenant-context.ts';
import type { Connections } from '../storage/connections.ts';
import { runTransaction, type Transaction } from '../storage/transaction.ts';
import type { JobQueue } from './job-queue.ts';
import { REINDEX_JOB, type ReindexRequest } from './reindex-job.ts';

/** Who asks for the jobs that the server makes for itself. */
const SUBJECT = 'vesta';

/**
 * Sees to it that all resources of a tenant become indexed by the search parameters of its packages: at once where the
 * tenant has no resources of their types, by a reindexing in the background otherwise. May be called any number of
 * times, by several processes at once.
 */
export async function indexPackages(
  connections: Connections,
  jobs: JobQueue,
  context: TenantContext,
): Promise<void> {
  const { tenant, keys } = context;
  const waiting = context.activePackages.filter(({ ready }) => !ready);
  await runTransaction(connections, tenant, async (transaction) => {
    // Waits for those who still write by older definitions, and for another process that does the same as this.
    await transaction.lockExclusive([keys.reference('lock/conformance')]);
    const [state] = await transaction.query({
      text: 'select conformance_version from store.tenant where id = $1',
      values: [tenant.id],
    });
    if (state?.[0] !== context.conformanceVersion) return;
    // What is not active is not kept up by writes.
    await transaction.query({
      text: 'delete from store.package_index where tenant_id = $1 and digest <> all($2::text[])',
      values: [tenant.id, context.activePackages.map(({ digest }) => digest)],
    });
    const open = await unindexed(transaction, context, waiting);
    if (open.length === 0) return;
    const request: ReindexRequest = {
      subject: SUBJECT,
      types: [...new Set(open.flatMap(typesOf))].sort(),
      packages: open.map(({ digest }) => digest),
    };
    await jobs.enqueue(tenant, REINDEX_JOB, request);
  });
}

/** Those that need a reindexing which nobody has asked for yet; those that need none are recorded as indexed. */
async function unindexed(
  transaction: Transaction,
  { tenant }: TenantContext,
  waiting: readonly TenantPackage[],
): Promise<TenantPackage[]> {
  const jobs = await transaction.query({
    text: `select request -> 'packages' from tenant.job
      where tenant_id = $1 and kind = $2 and state in ('waiting', 'running')`,
    values: [tenant.id, REINDEX_JOB],
  });
  const asked = new Set(jobs.flatMap(([digests]) => (digests as string[] | null) ?? []));
  const open: TenantPackage[] = [];
  for (const one of waiting) {
    const rows = await transaction.query({
      text: `insert into store.package_index (tenant_id, digest) select $1::int, $2::text where not exists (
          select from tenant.resource where tenant_id = $1::int and type = any($3::smallint[]))
        on conflict do nothing returning digest`,
      values: [tenant.id, one.digest, typesOf(one).map((type) => typeCode(type))],
    });
    if (rows.length === 0 && !asked.has(one.digest)) open.push(one);
  }
  return open;
}

/** The resource types that a package has search parameters for. */
export function typesOf({ models }: TenantPackage): string[] {
  return [...new Set(models.map(({ resourceType }) => resourceType))];
}

/**
 * Records that all resources of these types were walked and indexed, for the packages that a walk began with.
 * @param digests of the packages; those that are active no more, or need more types, are left out
 */
export async function recordPackagesIndexed(
  connections: Connections,
  context: TenantContext,
  digests: readonly string[],
  walked: ReadonlySet<string> | 'all',
): Promise<void> {
  const covered = context.activePackages.filter(
    (one) =>
      digests.includes(one.digest) && (walked === 'all' || typesOf(one).every((type) => walked.has(type))),
  );
  if (covered.length === 0) return;
  const { tenant, keys } = context;
  await runTransaction(connections, tenant, async (transaction) => {
    await transaction.lockShared([keys.reference('lock/conformance')]);
    // Only if nothing was activated or deactivated since: then the next walk records it.
    await transaction.query({
      text: `insert into store.package_index (tenant_id, digest) select $1::int, d from unnest($2::text[]) as d
        where exists (select from store.tenant where id = $1::int and conformance_version = $3::int)
        on conflict do nothing`,
      values: [tenant.id, covered.map(({ digest }) => digest), context.conformanceVersion],
    });
  });
}
