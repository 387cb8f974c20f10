import { type AccessScope, grantsFor, type Interaction, isUnrestricted } from '../../access/scope.ts';
import { typeCode } from '../../conformance/resource-types.ts';
import { hashToText, type LockedRow, type NewVersion } from '../../storage/rows.ts';
import type { Transaction } from '../../storage/transaction.ts';
import { fhirError } from '../outcome.ts';
import { visibleStatement } from '../search/conditional-search.ts';
import type { TenantContext } from '../tenant-context.ts';
import type { WriteRequest } from './write-request.ts';

const INTERACTION: Record<WriteRequest['kind'], Interaction> = {
  create: 'create',
  update: 'update',
  patch: 'patch',
  delete: 'delete',
};

/**
 * Refuses writes of types for which the scope has no grant at all.
 * @throws FhirError 403
 */
export function assertGranted(scope: AccessScope, requests: readonly WriteRequest[]): void {
  for (const request of requests) {
    if (grantsFor(scope, request.type, INTERACTION[request.kind]).length > 0) continue;
    throw fhirError(
      403,
      'forbidden',
      `To ${request.kind} a ${request.type} is not allowed here`,
      request.at || 'http.path',
    );
  }
}

/** The requests whose grants are all narrowed to a compartment or search, by type and interaction. */
function restricted(
  scope: AccessScope,
  requests: readonly WriteRequest[],
): Map<string, [string, Interaction]> {
  const found = new Map<string, [string, Interaction]>();
  for (const { type, kind } of requests) {
    const interaction = INTERACTION[kind];
    if (!isUnrestricted(scope, type, interaction)) found.set(`${type} ${interaction}`, [type, interaction]);
  }
  return found;
}

/**
 * Under a narrowed scope, what is to be changed must lie within it before the change: to others it does not exist.
 * @throws FhirError 404
 */
export async function assertScopeOfCurrent(
  transaction: Transaction,
  scope: AccessScope,
  context: TenantContext,
  requests: readonly WriteRequest[],
  current: Iterable<LockedRow>,
): Promise<void> {
  for (const [type, interaction] of restricted(scope, requests).values()) {
    const own = [...current].filter((row) => row.type === type && !row.deleted);
    if (own.length === 0) continue;
    const hashes = own.map((row) => row.refHash);
    const rows = await transaction.query(visibleStatement(scope, context, type, interaction, hashes));
    const visible = new Set(rows.map((row) => row[0] as string));
    for (const row of own) {
      if (!visible.has(hashToText(row.refHash)))
        throw fhirError(404, 'not-found', `${type}/${row.id} does not exist`, 'http.path');
    }
  }
}

/**
 * Under a narrowed scope, what is written must lie within it: the database is asked, by the conditions that searches
 * use, inside the transaction.
 * @throws FhirError 403
 */
export async function assertScopeOfWrites(
  transaction: Transaction,
  scope: AccessScope,
  context: TenantContext,
  requests: readonly WriteRequest[],
  versions: readonly NewVersion[],
): Promise<void> {
  const narrowed = restricted(scope, requests);
  if (narrowed.size === 0) return;
  await transaction.flush();
  for (const [type, interaction] of narrowed.values()) {
    const code = typeCode(type);
    const own = versions.filter((version) => version.typeCode === code && !version.deleted);
    if (own.length === 0) continue;
    const hashes = own.map((version) => version.refHash);
    const rows = await transaction.query(visibleStatement(scope, context, type, interaction, hashes));
    const visible = new Set(rows.map((row) => row[0] as string));
    for (const version of own) {
      if (visible.has(hashToText(version.refHash))) continue;
      throw fhirError(403, 'forbidden', `To ${interaction} this ${type} is not allowed here`, type);
    }
  }
}
