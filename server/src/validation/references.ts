import { isResourceType } from '../conformance/resource-types.ts';

const RELATIVE = /^([A-Za-z]+)\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?(?:#\S*)?$/;
const CONDITIONAL = /^([A-Za-z]+)\?\S+$/;
const FRAGMENT = /^#[A-Za-z0-9\-._]{0,64}$/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/;
const UUID = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const OID = /^urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+$/;

/**
 * The resource type that a Reference.reference names: `Type/id`, `Type/id/_history/version`, or `Type?...` (conditional,
 * in transactions); '' for a contained resource, urn or URL; undefined if it has none of the shapes of
 * R4 references.html#literal and http.html#trules.
 */
export function referenceType(reference: string): string | undefined {
  const type = (RELATIVE.exec(reference) ?? CONDITIONAL.exec(reference))?.[1];
  if (type !== undefined) return isResourceType(type) ? type : undefined;
  if (FRAGMENT.test(reference)) return '';
  if (!SCHEME.test(reference)) return undefined;
  if (/^urn:uuid:/i.test(reference)) return UUID.test(reference) ? '' : undefined;
  if (/^urn:oid:/i.test(reference)) return OID.test(reference) ? '' : undefined;
  return '';
}
