import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';

/** A reference of the form `Type/id` on this server, or to somewhere else. */
export interface ParsedReference {
  /** Type of the target as the reference's text names it; undefined for `urn:uuid:` and the like. */
  readonly type: string | undefined;
  /** `Type/id` if the target is a resource of this tenant, without version. */
  readonly local: string | undefined;
  /** What another server's or a logical reference is compared by: the text without a version. */
  readonly url: string | undefined;
}

const HISTORY = '/_history/';

/**
 * Reads the text of Reference.reference (R4 references.html#literal): relative `Type/id[/_history/v]`, an absolute URL
 * (local if it lies below `baseUrl`), or another URI. A `#id` of a contained resource has no local and no url.
 *
 * @param baseUrl the tenant's FHIR base without a slash at the end
 */
export function parseReference(
  text: string,
  baseUrl: string | undefined,
  isResourceType: (name: string) => boolean,
): ParsedReference {
  if (text.startsWith('#')) return { type: undefined, local: undefined, url: undefined };
  const history = text.indexOf(HISTORY);
  const versionless = history > 0 ? text.slice(0, history) : text;
  const below =
    baseUrl !== undefined && versionless.startsWith(baseUrl) && versionless[baseUrl.length] === '/';
  const path = below ? versionless.slice(baseUrl.length + 1) : versionless;
  const slash = path.lastIndexOf('/');
  if (slash <= 0 || slash === path.length - 1) return { type: undefined, local: undefined, url: versionless };
  const typeStart = path.lastIndexOf('/', slash - 1) + 1;
  const name = path.slice(typeStart, slash);
  const type = isResourceType(name) ? name : undefined;
  if (type !== undefined && typeStart === 0) return { type, local: path, url: undefined };
  return { type, local: undefined, url: versionless };
}

/** The contained resource that `#id` names; `#` alone is the container (R4 references.html#contained). */
export function containedResource(text: string, container: Resource): JsonObject | undefined {
  if (text === '#') return container;
  const { contained } = container;
  if (!Array.isArray(contained)) return undefined;
  const id = text.slice(1);
  for (const resource of contained) if (isObject(resource) && resource.id === id) return resource;
  return undefined;
}

/** The type that Reference.type names: a type name or the canonical of its definition. */
export function typeOfReferenceType(type: JsonValue | undefined): string | undefined {
  if (typeof type !== 'string') return undefined;
  return type.slice(type.lastIndexOf('/') + 1);
}
