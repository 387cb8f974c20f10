import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import type { Run, Source } from './run.ts';
import type { Item } from './slicing.ts';
import type { ElementDefinition } from './types.ts';

/** A JSON property that an element may be in. */
export interface Slot {
  readonly prop: string;
  readonly type: string;
  readonly primitive: boolean;
}

/** ElementDefinition.max as a number. */
export function maxOf(definition: ElementDefinition | undefined): number {
  const max = definition?.max;
  return max === undefined || max === '*' ? Number.POSITIVE_INFINITY : Number(max);
}

export function itemOf(
  value: JsonValue | undefined,
  extra: JsonValue | undefined,
  slot: Slot,
  index: number,
): Item {
  const own =
    slot.type === 'Resource' && isObject(value) && typeof value['resourceType'] === 'string'
      ? value['resourceType']
      : slot.type;
  return {
    v: value === null ? undefined : value,
    s: isObject(extra) ? extra : undefined,
    t: own,
    prop: slot.prop,
    index,
  };
}

/** How many values an object has in a property; of a primitive those with extensions only count too. */
export function countOf(object: JsonObject, slot: Slot): number {
  const value = object[slot.prop];
  if (value !== undefined) return Array.isArray(value) ? value.length : 1;
  if (!slot.primitive) return 0;
  const extra = object[`_${slot.prop}`];
  return extra === undefined ? 0 : Array.isArray(extra) ? extra.length : 1;
}

export function reportMin(label: string, min: number, count: number, run: Run, source: Source): void {
  run.report(
    'error',
    'required',
    min === 1 && count === 0
      ? `The element ${label} is required`
      : `At least ${min} of ${label} are required, there are ${count}`,
    source,
  );
}

export function reportMax(label: string, max: number, count: number, run: Run, source: Source): void {
  run.report(
    'error',
    'structure',
    max === 0
      ? `The element ${label} is not allowed`
      : `At most ${max} of ${label} are allowed, there are ${count}`,
    source,
  );
}
