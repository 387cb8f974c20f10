import type { SearchParamModel } from '../../conformance/model.ts';
import { normalizeString } from '../normalize.ts';
import { badValue, shown } from './errors.ts';
import { splitEscaped } from './escape.ts';
import type { ParseScope } from './scope.ts';

/** The alternatives of a value, still escaped. @throws FhirError 400 if one is empty or there are too many */
export function alternatives(scope: ParseScope, value: string): string[] {
  const values = splitEscaped(value, ',');
  if (values.length > scope.limits.values) {
    throw badValue(scope.label, `more than ${scope.limits.values} alternatives.`, 'too-costly');
  }
  if (values.includes('')) throw badValue(scope.label, 'the value, or one of its alternatives, is empty.');
  return values;
}

/** `true` or `false`. @throws FhirError 400 for anything else */
export function parseBoolean(label: string, value: string): boolean {
  if (value === 'true') return true;
  if (value === 'false') return false;
  throw badValue(label, `${shown(value)} is neither "true" nor "false".`);
}

/** The types that references of the parameters may point to; only `type` if it is given and among them. */
export function chainTargets(params: readonly SearchParamModel[], type: string | undefined): string[] {
  const targets = new Set(params.flatMap((param) => param.targets));
  if (type === undefined) return [...targets];
  return targets.has(type) ? [type] : [];
}

/** @throws FhirError 400 if nothing is left of the text: it would be a prefix of everything */
export function normalizedText(scope: ParseScope, text: string): string {
  const normalized = normalizeString(text);
  if (normalized === '') throw badValue(scope.label, `${shown(text)} holds no text to search for.`);
  return normalized;
}
