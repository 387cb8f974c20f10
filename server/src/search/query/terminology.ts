import { badValue, shown } from './errors.ts';
import type { ParseScope } from './scope.ts';
import type { TokenValue } from './types.ts';

function bounded(scope: ParseScope, values: TokenValue[], what: string): TokenValue[] {
  if (values.length <= scope.limits.expansion) return values;
  throw badValue(scope.label, `${what} has more than ${scope.limits.expansion} codes.`, 'too-costly');
}

/** The codes of a value set for `:in` and `:not-in`. @throws FhirError 400 if it is not known here or too large */
export function expandValueSet(scope: ParseScope, url: string): TokenValue[] {
  const codes = scope.context.terminology?.codesIn(url);
  if (codes === undefined) {
    throw badValue(
      scope.label,
      `value set ${shown(url)} is not known to this server or cannot be listed.`,
      'not-found',
    );
  }
  return bounded(scope, [...codes], `value set ${shown(url)}`);
}

/**
 * The codes that a code subsumes (`below`) or is subsumed by (`above`), with itself (R4 search.html#modifiers).
 * @throws FhirError 400 if the system is missing: subsumption is a matter of one code system
 */
export function expandToken(
  scope: ParseScope,
  token: TokenValue,
  direction: 'below' | 'above',
): TokenValue[] {
  const { system, code } = token;
  if (system === undefined || system === '' || code === undefined) {
    throw badValue(scope.label, `modifier "${direction}" needs a value of the form system|code.`);
  }
  const { terminology } = scope.context;
  const others =
    (direction === 'below' ? terminology?.descendants(system, code) : terminology?.ancestors(system, code)) ??
    [];
  const values: TokenValue[] = [token, ...others.map((other) => ({ system, code: other }))];
  return bounded(scope, values, `${system}|${code} with what is ${direction} it`);
}
