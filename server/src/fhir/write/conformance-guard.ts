import type { Tenant } from '../../access/scope.ts';
import { typeCode } from '../../conformance/resource-types.ts';
import type { NewVersion } from '../../storage/rows.ts';
import type { Transaction } from '../../storage/transaction.ts';
import { fhirError } from '../outcome.ts';
import type { TenantContext } from '../tenant-context.ts';
import type { WriteRequest } from './write-request.ts';

/** Where the newest context of a tenant comes from. */
export interface ConformanceSource {
  current(tenant: Tenant): Promise<TenantContext>;
}

/** The tenant's definitions, packages or policy have changed since the context was compiled. */
export class StaleConformance extends Error {}

/** Types of which a tenant's own resources are part of its context. */
const CONFORMANCE = ['SearchParameter', 'StructureDefinition'];

/**
 * Makes sure that a transaction indexes by the tenant's newest search parameters: writers share a lock that a change of
 * search parameters holds exclusively, and compare the count of changes under it. So once a SearchParameter is
 * acknowledged, everything that commits later is indexed by it.
 * @throws StaleConformance when the context must be compiled again; FhirError 404 when the tenant is being deleted
 */
export async function assertConformance(
  transaction: Transaction,
  context: TenantContext,
  requests: readonly WriteRequest[],
): Promise<void> {
  const key = [context.keys.reference('lock/conformance')];
  const locked = requests.some((request) => CONFORMANCE.includes(request.type))
    ? transaction.lockExclusive(key)
    : transaction.lockShared(key);
  locked.catch(() => {});
  const state = transaction.query({
    name: 'tenant-state',
    text: 'select conformance_version, state from store.tenant where id = $1',
    values: [context.tenant.id],
  });
  state.catch(() => {});
  await locked;
  const row = (await state)[0];
  if (row === undefined || row[1] !== 'active')
    throw fhirError(404, 'not-found', 'There is no such tenant', 'http.path');
  if (row[0] !== context.conformanceVersion) throw new StaleConformance();
}

/**
 * Counts a change of the tenant's search parameters or profiles, in the transaction that makes it. A parameter for types
 * of which the tenant has no resource is ready at once; the others wait for $reindex.
 */
export async function noteConformanceChange(
  transaction: Transaction,
  context: TenantContext,
  versions: readonly NewVersion[],
): Promise<void> {
  const codes = CONFORMANCE.map((type) => typeCode(type));
  if (!versions.some((version) => codes.includes(version.typeCode))) return;
  const code = typeCode('SearchParameter');
  const changed = versions.filter((version) => version.typeCode === code);
  const ready: boolean[] = [];
  for (const version of changed) {
    const bases = version.deleted ? [] : ((JSON.parse(version.content) as { base?: string[] }).base ?? []);
    const baseCodes = bases.map((base) => typeCode(base));
    // Resource and DomainResource have no code: they stand for all types.
    const anyType = baseCodes.includes(undefined);
    const rows = await transaction.query({
      text: `select 1 from tenant.resource where tenant_id = $1 and ($2 or type = any($3::smallint[])) limit 1`,
      values: [context.tenant.id, anyType, baseCodes.filter((found) => found !== undefined)],
    });
    ready.push(rows.length === 0);
  }
  await transaction.query({
    text: 'select store.note_conformance_change($1::int, $2::text[], $3::bool[])',
    values: [context.tenant.id, changed.map((version) => version.id), ready],
  });
}
