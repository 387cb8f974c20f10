import { isExactNumber } from './exact-number.ts';
import type { JsonObject, JsonValue, Resource } from './types.ts';

/** Whether a value is a JSON object: neither null, nor an array, nor a number that keeps its digits. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value);
}

/** Whether a JSON value has the shape of a resource: an object that names its resource type. */
export function isResource(value: JsonValue | undefined): value is Resource {
  return isObject(value) && typeof value['resourceType'] === 'string';
}

/** The objects of a JSON array; none where it is no array. */
export function objectsOf(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
