import type { JsonValue } from './types.ts';

const LONGEST = 120;

/**
 * A JSON value for a message to people: its JSON text, cut where it is long. Never fails, whatever the value is; a
 * template or `String()` would fail at numbers that keep their digits and at objects with a member `toString`.
 */
export function shownValue(value: JsonValue | undefined): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST).toWellFormed()}…` : text;
}
