import { componentType } from '../index/composite.ts';
import { badValue } from './errors.ts';
import { unescapeValue } from './escape.ts';
import { normalizedText } from './parts.ts';
import type { ParseScope } from './scope.ts';
import type { CompositePart, Params } from './types.ts';
import { parseDate, parseNumber, parseQuantity, parseReference, parseToken, splitPrefix } from './values.ts';

/** The value of a composite's component by the type of the parameter that the component is of. @throws FhirError 400 */
export function compositePart(scope: ParseScope, params: Params, index: number, raw: string): CompositePart {
  const { definitions, baseUrl, now } = scope.context;
  const [param] = params;
  const component = param?.components[index];
  const type = param && component && componentType(component, param, definitions);
  switch (type) {
    case 'token':
      return { type, value: parseToken(scope.label, raw) };
    case 'string':
      return { type, text: normalizedText(scope, unescapeValue(raw)) };
    case 'uri':
      return { type, uri: unescapeValue(raw) };
    case 'reference':
      return { type, value: parseReference(scope.label, raw, { baseUrl, isType: scope.isType }) };
    case 'date': {
      const text = unescapeValue(raw);
      return { type, test: parseDate(scope.label, text, now ?? Date.now()), text: splitPrefix(text).rest };
    }
    case 'number':
      return { type, test: parseNumber(scope.label, unescapeValue(raw)) };
    case 'quantity':
      return { type, test: parseQuantity(scope.label, raw) };
  }
  throw badValue(scope.label, `component ${component?.code} cannot be searched for.`, 'not-supported');
}
