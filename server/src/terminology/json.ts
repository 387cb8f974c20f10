import { textOf } from '../json/exact-number.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';

export { objectsOf };

/** Readers of JSON that may have any shape: what is not as expected is as if it were absent. */

export function objectOf(value: JsonValue | undefined): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}

export function stringOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function stringsOf(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

/** Name and value of a `value[x]`. */
export function typedValue(object: JsonObject): [name: string, value: JsonValue] | undefined {
  for (const name of Object.keys(object)) {
    if (name.startsWith('value') && name.length > 5) return [name, object[name] as JsonValue];
  }
  return undefined;
}

/** A `value[x]` as text: a Coding's code, anything else as it is written. */
export function valueText(object: JsonObject): string | undefined {
  const found = typedValue(object);
  if (found === undefined) return undefined;
  const [, value] = found;
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  return textOf(value) ?? stringOf(objectOf(value)?.['code']);
}

/** The extensions of an element with this URL. */
export function extensionsOf(element: JsonObject, url: string): JsonObject[] {
  return objectsOf(element['extension']).filter((extension) => extension['url'] === url);
}

/** The value of the first extension with this URL, as text. */
export function extensionText(element: JsonObject, url: string): string | undefined {
  const found = extensionsOf(element, url)[0];
  return found && valueText(found);
}

export const STANDARDS_STATUS =
  'http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status';

/** About how many bytes of JSON a value is; it stops counting above `enough`. */
export function weightOf(value: JsonValue, enough: number): number {
  let weight = 0;
  const open: JsonValue[] = [value];
  for (let next = open.pop(); next !== undefined && weight <= enough; next = open.pop()) {
    weight += 6;
    if (typeof next === 'string') weight += next.length;
    else if (Array.isArray(next)) for (const item of next) open.push(item);
    else if (typeof next === 'object' && next !== null) {
      for (const [name, item] of Object.entries(next)) {
        weight += name.length;
        open.push(item);
      }
    }
  }
  return weight;
}
