import { isObject } from '../../json/objects.ts';
import type { JsonValue } from '../../json/types.ts';

/** Every literal reference of a resource, with the JSON names that lead to it. */
export function* referencesIn(
  value: JsonValue,
  path: readonly (string | number)[] = [],
): Generator<{ path: readonly (string | number)[]; reference: string }> {
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) yield* referencesIn(item, [...path, i]);
  } else if (isObject(value)) {
    const { reference } = value;
    if (typeof reference === 'string') yield { path, reference };
    for (const name in value) {
      const inner = value[name] as JsonValue;
      if (typeof inner === 'object' && inner !== null) yield* referencesIn(inner, [...path, name]);
    }
  }
}
