import { loadDefinitions } from '../conformance/definitions.ts';
import type { Resource } from '../json/types.ts';
import { textOf } from './decimal.ts';
import { Environment, type Knowledge } from './environment.ts';
import { FhirPathError } from './errors.ts';
import { evaluate } from './evaluate.ts';
import { Model } from './model.ts';
import { parseExpression } from './parser.ts';
import { temporalText } from './temporal.ts';
import type { Item, Items } from './values.ts';

export const model = new Model(loadDefinitions());

/** A result as FHIRPath would write it: `'text'`, `@2012-01`, `4 'mg'`; of elements the type and JSON. */
function shown(item: Item): string {
  switch (item.kind) {
    case 'Node':
      return `${item.type} ${JSON.stringify(item.value)}`;
    case 'String':
      return `'${item.value}'`;
    case 'Decimal':
      return textOf(item.value);
    case 'Long':
      return `${item.value}L`;
    case 'Date':
      return `@${temporalText(item.value)}`;
    case 'DateTime':
      return `@${temporalText(item.value)}${temporalText(item.value).includes('T') ? '' : 'T'}`;
    case 'Time':
      return `@T${temporalText(item.value)}`;
    case 'Quantity':
      return item.value.calendar
        ? `${textOf(item.value.value)} ${item.value.written}`
        : `${textOf(item.value.value)} '${item.value.unit}'`;
    case 'TypeInfo':
      return `${item.value.namespace}.${item.value.name}(${item.value.baseType})`;
    default:
      return String(item.value);
  }
}

/** What an expression gives on a resource: its results with commas between, `{}` for nothing, `error` where it fails. */
export function outcome(expression: string, resource?: Resource, knowledge: Knowledge = {}): string {
  const input: Items = resource === undefined ? [] : [model.resource(resource)];
  const constants = new Map([
    ['resource', input],
    ['rootResource', input],
    ['context', input],
  ]);
  try {
    const environment = new Environment(model, constants, { knowledge });
    return evaluate(parseExpression(expression), input, environment).map(shown).join(', ') || '{}';
  } catch (error) {
    if (!(error instanceof FhirPathError)) throw error;
    return 'error';
  }
}

/** Lines `expression → result` of a table, for it.each. */
export function rows(table: string): [string, string][] {
  return table
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const [expression, result] = line.split(' → ');
      if (expression === undefined || result === undefined) throw new Error(`no result: ${line}`);
      return [expression.trim(), result.trim()];
    });
}
