import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';

/** The objects of a JSON array with their places; of anything else none. */
export function listOf(value: JsonValue | undefined): [number, JsonObject][] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((one, index): [number, JsonObject][] => (isObject(one) ? [[index, one]] : []));
}
