import type { ExactNumber, JsonValue } from './types.ts';

// ECMAScript's JSON.rawJSON and isRawJSON (Node 22 and later), which TypeScript's library does not declare yet.
const rawJson = JSON as unknown as {
  rawJSON(text: string): ExactNumber;
  isRawJSON(value: unknown): value is ExactNumber;
};

/** A number that is written with exactly these digits. `text` must be a JSON number; throws a SyntaxError otherwise. */
export function exactNumber(text: string): ExactNumber {
  if (!/^-?\d/.test(text)) throw new SyntaxError(`not a JSON number: ${text}`);
  return rawJson.rawJSON(text);
}

/** Whether a value is a number that keeps its digits. */
export function isExactNumber(value: unknown): value is ExactNumber {
  return typeof value === 'object' && rawJson.isRawJSON(value);
}

/** Whether a value is a JSON number, exact or plain. */
export function isNumber(value: unknown): value is number | ExactNumber {
  return typeof value === 'number' || isExactNumber(value);
}

/**
 * The JavaScript number nearest to a JSON number; NaN for a value that is no number. Numbers beyond the range of
 * doubles give Infinity or 0.
 */
export function numberOf(value: JsonValue | undefined): number {
  if (typeof value === 'number') return value;
  return isExactNumber(value) ? Number(value.rawJSON) : Number.NaN;
}

/** The decimal text of a JSON number, as it was written; undefined for a value that is no number. */
export function textOf(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'number') return JSON.stringify(value);
  return isExactNumber(value) ? value.rawJSON : undefined;
}

/** A JSON number from its text: a plain number where JavaScript would print it the same, else one that keeps its digits. */
export function numberFromText(text: string): number | ExactNumber {
  const value = Number(text);
  return String(value) === text ? value : rawJson.rawJSON(text);
}
