import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonValue, Resource } from '../../json/types.ts';

const LOCAL = /^([A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64})(?:\/_history\/.*)?$/;

/** `Type/id` of a resource that is stored. */
export const referenceTo = (resource: Resource): string =>
  `${resource.resourceType}/${String(resource['id'])}`;

/**
 * `Type/id` of a Reference (R4 references.html#literal) to a resource of this server: relative, its version left out.
 * @returns undefined for any other
 */
export function localReference(value: JsonValue | undefined): string | undefined {
  const text = isObject(value) ? value['reference'] : undefined;
  return typeof text === 'string' ? LOCAL.exec(text)?.[1] : undefined;
}

/** As {@link localReference}, of a Reference or several, each once. */
export function localReferences(value: JsonValue | undefined): string[] {
  return [...new Set(objectsOf(value).flatMap((one) => localReference(one) ?? []))];
}
