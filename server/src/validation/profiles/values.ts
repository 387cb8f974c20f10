import { isExpressionError } from '../../fhirpath/errors.ts';
import { safeRegExp } from '../../fhirpath/regexp.ts';
import { isNumber, numberOf, textOf } from '../../json/exact-number.ts';
import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import { compareNodes } from '../fhirpath/compare.ts';
import { choiceOf, type ElementDefinition } from './types.ts';

/** A rule on one value: what is wrong with it, or undefined. */
export type ValueRule = (value: JsonValue) => string | undefined;

function shown(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}

/** fixed[x]: exactly this value (R4 elementdefinition.html: "exactly, including precision"). */
export function fixedRule(fixed: JsonValue): ValueRule {
  if (typeof fixed === 'string' || typeof fixed === 'boolean') {
    return (value) => (value === fixed ? undefined : `the value must be exactly ${shown(fixed)}`);
  }
  return (value) => (sameValue(fixed, value) ? undefined : `the value must be exactly ${shown(fixed)}`);
}

/** pattern[x]: everything in the pattern must be in the value; of arrays each item of the pattern must be matched by one. */
export function patternRule(pattern: JsonValue): ValueRule {
  return (value) =>
    matchesPattern(pattern, value) ? undefined : `the value must match the pattern ${shown(pattern)}`;
}

export function sameValue(a: JsonValue, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  if (isNumber(a)) return isNumber(b) && (textOf(a) === textOf(b) || numberOf(a) === numberOf(b));
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameValue(item, b[i]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length && names.every((name) => sameValue(a[name] as JsonValue, b[name]))
  );
}

export function matchesPattern(pattern: JsonValue, value: JsonValue | undefined): boolean {
  if (Array.isArray(pattern)) {
    return (
      Array.isArray(value) &&
      pattern.every((item) => value.some((candidate) => matchesPattern(item, candidate)))
    );
  }
  if (!isObject(pattern)) return sameValue(pattern, value);
  if (!isObject(value)) return false;
  for (const name in pattern) if (!matchesPattern(pattern[name] as JsonValue, value[name])) return false;
  return true;
}

/** minValue[x] and maxValue[x]. What cannot be compared passes. */
export function limitRule(limit: JsonValue, type: string, isMinimum: boolean): ValueRule {
  return (value) => {
    const order = compareNodes({ v: value, s: undefined, t: type }, { v: limit, s: undefined, t: type });
    if (order === undefined || (isMinimum ? order >= 0 : order <= 0)) return undefined;
    return `the value must be ${isMinimum ? 'at least' : 'at most'} ${shown(limit)}`;
  };
}

/** maxLength, in characters. */
export function lengthRule(maxLength: number): ValueRule {
  return (value) =>
    typeof value === 'string' && value.length > maxLength
      ? `the value has ${value.length} characters, at most ${maxLength} are allowed`
      : undefined;
}

/**
 * Whether a text is as a regular expression says, all of it.
 * @returns true too where the expression cannot be used or takes too long
 */
export function matchesWhole(pattern: string, text: string): boolean {
  try {
    return safeRegExp(`^(?:${pattern})$`, text);
  } catch (error) {
    if (isExpressionError(error)) return true;
    throw error;
  }
}

/** The value of an extension with a URL, e.g. `valueCanonical`; undefined if there is none. */
export function extensionValue(
  extensions: readonly JsonObject[] | undefined,
  url: string,
): JsonValue | undefined {
  const extension = extensions?.find((one) => one['url'] === url);
  if (extension === undefined) return undefined;
  const name = Object.keys(extension).find((key) => key.startsWith('value'));
  return name === undefined ? undefined : extension[name];
}

/** The rules of an element on its values: fixed[x], pattern[x], minValue[x], maxValue[x] and maxLength. */
export function valueRules(definition: ElementDefinition, types: readonly string[]): ValueRule[] {
  const rules: ValueRule[] = [];
  const fixed = choiceOf(definition, 'fixed');
  if (fixed !== undefined) rules.push(fixedRule(fixed));
  const pattern = choiceOf(definition, 'pattern');
  if (pattern !== undefined) rules.push(patternRule(pattern));
  const type = definition.type?.[0]?.code ?? types[0] ?? '';
  const minimum = choiceOf(definition, 'minValue');
  if (minimum !== undefined) rules.push(limitRule(minimum, type, true));
  const maximum = choiceOf(definition, 'maxValue');
  if (maximum !== undefined) rules.push(limitRule(maximum, type, false));
  if (definition.maxLength !== undefined) rules.push(lengthRule(definition.maxLength));
  return rules;
}
