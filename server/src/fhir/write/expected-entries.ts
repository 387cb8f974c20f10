import type { Resource } from '../../json/types.ts';
import type { IndexEntries } from '../../search/index-model.ts';
import type { NewVersion } from '../../storage/rows.ts';
import type { TenantContext } from '../tenant-context.ts';
import { addReferrerTokens, targetsOf } from './integrity.ts';

/**
 * The index entries that the write engine gives to a resource that is stored: those of its search parameters and the
 * tokens by which deletions find referrers. For $reindex and `vesta db check`.
 * @param resource as stored, with its id
 * @throws FhirError 422 when a resource has more combinations of values than are indexed
 */
export function expectedEntries(context: TenantContext, resource: Resource): IndexEntries {
  const index = context.extract(resource);
  // Of the version only its entries count here.
  addReferrerTokens(context, { index } as NewVersion, targetsOf(context, resource, ''));
  return index;
}
