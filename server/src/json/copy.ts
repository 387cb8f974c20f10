import { isExactNumber } from './exact-number.ts';
import type { JsonValue } from './types.ts';

/** A deep copy of a JSON value. Exact numbers are immutable and shared: `structuredClone` cannot copy them. */
export function copyOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null || isExactNumber(value as JsonValue)) return value;
  if (Array.isArray(value)) return value.map(copyOf) as T;
  const copy: Record<string, unknown> = {};
  for (const [name, child] of Object.entries(value)) copy[name] = copyOf(child);
  return copy as T;
}
