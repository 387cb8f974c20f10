import { badValue, shown, UnknownParameter } from './errors.ts';
import { splitEscaped, unescapeValue } from './escape.ts';
import { parseBoolean } from './parts.ts';
import { lookUp, type ParseScope } from './scope.ts';
import type { IncludeSpec, SearchContext, SearchLimits, SortKey, Summary, Total } from './types.ts';

/** Parameters that shape the answer rather than select resources (R4 search.html#control and #contained). */
export const CONTROL_NAMES: ReadonlySet<string> = new Set([
  '_sort',
  '_count',
  '_total',
  '_summary',
  '_elements',
  '_include',
  '_revinclude',
  '_contained',
  '_containedType',
  '_explain',
  '_format',
  '_pretty',
  '_cursor',
  '_type',
]);

/** The answer's shape as far as it has been read; each `undefined` until its parameter comes. */
export interface Control {
  sort: SortKey[];
  count: number | undefined;
  total: Total | undefined;
  summary: Summary | undefined;
  elements: string[] | undefined;
  includes: IncludeSpec[];
  contained: 'false' | 'true' | 'both' | undefined;
  containedType: 'container' | 'contained' | undefined;
  explain: boolean;
  format: string | undefined;
  pretty: boolean | undefined;
  cursor: string | undefined;
}

export function emptyControl(): Control {
  return {
    sort: [],
    count: undefined,
    total: undefined,
    summary: undefined,
    elements: undefined,
    includes: [],
    contained: undefined,
    containedType: undefined,
    explain: false,
    format: undefined,
    pretty: undefined,
    cursor: undefined,
  };
}

function oneOf<const T extends string>(name: string, value: string, allowed: readonly T[]): T {
  if ((allowed as readonly string[]).includes(value)) return value as T;
  throw badValue(name, `${shown(value)} is none of ${allowed.join(', ')}.`);
}

/**
 * Reads one control parameter into `control`. `name` is whole: `_include:iterate`.
 * @throws FhirError 400 for a bad value or one that is given twice, UnknownParameter for an unknown modifier or sort key
 */
export function parseControl(scope: ParseScope, control: Control, name: string, value: string): void {
  const [base = '', ...modifiers] = name.split(':');
  if (base === '_include' || base === '_revinclude') {
    const iterate = modifiers.length === 1 && (modifiers[0] === 'iterate' || modifiers[0] === 'recurse');
    if (modifiers.length > 0 && !iterate) {
      throw new UnknownParameter(`Unknown modifier in ${shown(name)}: only :iterate and :recurse are known.`);
    }
    control.includes.push(parseInclude(scope, value, base === '_revinclude', iterate));
    if (control.includes.length > scope.limits.includes) {
      throw badValue(name, `more than ${scope.limits.includes} includes.`, 'too-costly');
    }
    return;
  }
  if (modifiers.length > 0) throw new UnknownParameter(`Unknown modifier in ${shown(name)}.`);
  const once = (before: unknown) => {
    if (before !== undefined && before !== false) throw badValue(name, 'the parameter is given twice.');
  };
  switch (base) {
    case '_sort':
      if (control.sort.length > 0)
        throw badValue(name, 'the parameter is given twice; separate sort keys by commas.');
      control.sort = parseSort(scope, value);
      return;
    case '_count':
      once(control.count);
      control.count = parseCount(name, value, scope.limits);
      return;
    case '_total':
      once(control.total);
      control.total = oneOf(name, value, ['none', 'estimate', 'accurate']);
      return;
    case '_summary':
      once(control.summary);
      control.summary = oneOf(name, value, ['true', 'text', 'data', 'count', 'false']);
      return;
    case '_elements':
      control.elements = [...(control.elements ?? []), ...parseElements(name, value)];
      return;
    case '_contained':
      once(control.contained);
      control.contained = oneOf(name, value, ['false', 'true', 'both']);
      return;
    case '_containedType':
      once(control.containedType);
      control.containedType = oneOf(name, value, ['container', 'contained']);
      return;
    case '_explain':
      control.explain = parseBoolean(name, value);
      return;
    case '_format':
      control.format = value;
      return;
    case '_pretty':
      control.pretty = parseBoolean(name, value);
      return;
    case '_cursor':
      once(control.cursor);
      control.cursor = value;
  }
}

function parseCount(name: string, value: string, limits: SearchLimits): number {
  if (!/^\d{1,9}$/.test(value)) throw badValue(name, `${shown(value)} is not a whole number.`);
  return Math.min(Number(value), limits.maxCount);
}

function parseElements(name: string, value: string): string[] {
  const elements = value.split(',').map((one) => one.trim());
  // Base-level element names, with the type before them where several are searched (R4 search.html#elements).
  if (elements.some((one) => !/^[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*$/.test(one))) {
    throw badValue(name, `${shown(value)} is not a list of element names.`);
  }
  return elements;
}

/** R4 search.html#sort: parameter codes, each with `-` before it for descending. */
function parseSort(scope: ParseScope, value: string): SortKey[] {
  return value.split(',').map((one) => {
    const text = one.trim();
    const descending = text.startsWith('-');
    const code = descending ? text.slice(1) : text;
    if (code === '') throw badValue(scope.label, `${shown(value)} is not a list of search parameters.`);
    if (code === '_id' || code === '_lastUpdated' || code === '_type')
      return { code, params: [], descending };
    const params = lookUp(scope, code);
    const type = params[0]?.type;
    if (
      type === 'composite' ||
      type === 'special' ||
      code === '_text' ||
      code === '_content' ||
      code === '_query'
    ) {
      throw badValue(scope.label, `${shown(code)} has no order to sort by.`, 'not-supported');
    }
    return { code, params, descending };
  });
}

/** R4 search.html#include: `Source:parameter[:Target]`, `Source:*` or `*`. */
function parseInclude(scope: ParseScope, raw: string, reverse: boolean, iterate: boolean): IncludeSpec {
  const value = unescapeValue(raw);
  const name = scope.label;
  if (value === '*') return { reverse, iterate, source: '*', params: [] };
  const [source = '', code, target, ...rest] = value.split(':');
  if (!scope.isType(source))
    throw badValue(name, `${shown(source)} in ${shown(value)} is not a resource type.`);
  if (code === undefined || code === '' || rest.length > 0 || target === '') {
    throw badValue(name, `${shown(value)} is not of the form Type:parameter or Type:parameter:Target.`);
  }
  if (target !== undefined && target !== '*' && !scope.isType(target)) {
    throw badValue(name, `${shown(target)} in ${shown(value)} is not a resource type.`);
  }
  const all = scope.context.definitions.search(source).params;
  const params = code === '*' ? [...all.values()].filter((param) => param.type === 'reference') : [];
  if (code !== '*') {
    const param = all.get(code);
    if (param?.type !== 'reference') {
      const known = [...all.values()].filter((one) => one.type === 'reference').map((one) => one.code);
      throw badValue(
        name,
        `${shown(code)} is not a reference parameter of ${source}. Known are: ${known.sort().join(', ')}.`,
      );
    }
    params.push(param);
  }
  return { reverse, iterate, source, params, ...(target === undefined || target === '*' ? {} : { target }) };
}

/** `_type`: the types that a search without a type in its path is about. @throws FhirError 400 for an unknown type */
export function parseTypes(
  context: SearchContext,
  isType: (type: string) => boolean,
  value: string,
): string[] {
  const types = splitEscaped(value, ',').map((one) => unescapeValue(one).trim());
  for (const type of types) {
    if (!isType(type)) throw badValue('_type', `${shown(type)} is not a resource type of R4.`);
  }
  const { compartment, definitions } = context;
  if (compartment !== undefined) {
    const members = definitions.compartments.get(compartment.type)?.params;
    for (const type of types) {
      if (members !== undefined && !members.has(type) && type !== compartment.type) {
        throw badValue('_type', `${shown(type)} is not in the ${compartment.type} compartment.`);
      }
    }
  }
  return [...new Set(types)];
}
