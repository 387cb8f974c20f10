import { FhirError, type Issue } from '../../fhir/outcome.ts';
import { CONTROL_NAMES, type Control, emptyControl, parseControl, parseTypes } from './control.ts';
import { parseCriterion } from './criteria.ts';
import { badValue, parameterExpression, shown, UnknownParameter } from './errors.ts';
import { type ParseScope, rootScope } from './scope.ts';
import {
  type Criteria,
  DEFAULT_LIMITS,
  type ParsedSearch,
  type SearchContext,
  type SearchLimits,
} from './types.ts';

/**
 * Reads the parameters of a search (R4 search.html) into a typed query.
 *
 * @param resourceType the type in the path, or undefined for `[base]?...` and `[base]/Patient/1/*`
 * @param parameters names and values in order, percent-decoded once, as the URL or the form body has them
 * @throws FhirError 400 naming the parameter: for a malformed value of a known parameter, a modifier or operator that
 *   does not go with it, an exceeded limit; under strict handling for an unknown parameter or modifier too
 */
export function parseSearch(
  resourceType: string | undefined,
  parameters: readonly (readonly [name: string, value: string])[],
  context: SearchContext,
): ParsedSearch {
  const limits: SearchLimits = { ...DEFAULT_LIMITS, ...context.limits };
  if (parameters.length > limits.parameters) {
    const [name] = parameters[limits.parameters]!;
    throw badValue(name, `the search has more than ${limits.parameters} parameters.`, 'too-costly');
  }
  const ignored: Issue[] = [];
  const applied: [string, string][] = [];
  const criterionNames: number[] = [];
  const criteria: Criteria[] = [];
  const control = emptyControl();
  const types = searchedTypes(resourceType, parameters, context);
  const scope = rootScope(context, types ?? context.definitions.resourceTypes);

  for (const [name, value] of parameters) {
    if (value.length > limits.valueLength) {
      throw badValue(name, `the value is longer than ${limits.valueLength} characters.`, 'too-long');
    }
    const here: ParseScope = { ...scope, label: name };
    try {
      const base = name.split(':', 1)[0] ?? '';
      if (base === '_type' && resourceType !== undefined) {
        throw new UnknownParameter('_type is for searches over several types only.');
      }
      if (CONTROL_NAMES.has(base)) {
        parseControl(here, control, name, value);
      } else {
        criteria.push(parseCriterion(here, name, value));
        criterionNames.push(applied.length);
      }
      if (base !== '_cursor') applied.push([name, value]);
    } catch (error) {
      if (!(error instanceof UnknownParameter)) throw error;
      ignored.push(unknownIssue(name, error.message, context.strict));
      if (context.strict) throw new FhirError(400, ignored);
    }
  }
  return {
    resourceType,
    types,
    compartment: context.compartment,
    criteria,
    contained: control.contained ?? 'false',
    containedType: control.containedType ?? 'container',
    sort: control.sort,
    count: control.count ?? Math.min(limits.defaultCount, limits.maxCount),
    total: control.total,
    summary: control.summary,
    elements: control.elements,
    includes: control.includes,
    explain: control.explain,
    format: control.format,
    pretty: control.pretty,
    cursor: control.cursor,
    applied,
    ignored,
    fingerprint: fingerprint(resourceType, types, context, applied, criterionNames, control),
    criterionNames,
  };
}

/** Only the selecting part of a search: what conditional interactions and access restrictions are made of. */
export function parseCriteria(
  resourceType: string,
  parameters: readonly (readonly [name: string, value: string])[],
  context: SearchContext,
): Criteria {
  const scope = rootScope(context, [resourceType]);
  const of = parameters.map(([name, value]) => {
    try {
      return parseCriterion({ ...scope, label: name }, name, value);
    } catch (error) {
      if (!(error instanceof UnknownParameter)) throw error;
      throw new FhirError(400, unknownIssue(name, error.message, true));
    }
  });
  return { kind: 'and', of };
}

function unknownIssue(name: string, diagnostics: string, strict: boolean): Issue {
  return {
    severity: strict ? 'error' : 'warning',
    code: 'not-supported',
    diagnostics: strict ? diagnostics : `${diagnostics} The parameter ${shown(name)} was ignored.`,
    expression: parameterExpression(name),
  };
}

function searchedTypes(
  resourceType: string | undefined,
  parameters: readonly (readonly [name: string, value: string])[],
  context: SearchContext,
): readonly string[] | undefined {
  if (resourceType !== undefined) return [resourceType];
  const { isType } = rootScope(context, []);
  const given = parameters.filter(([name]) => name === '_type');
  if (given.length > 0) {
    // Repeated parameters are joined by AND: a resource has one type, so only the types of all of them remain.
    return given
      .map(([, value]) => parseTypes(context, isType, value))
      .reduce((left, right) => left.filter((type) => right.includes(type)));
  }
  const { compartment, definitions } = context;
  if (compartment === undefined) return undefined;
  const members = definitions.compartments.get(compartment.type)?.params.keys() ?? [];
  return [...new Set([compartment.type, ...members])];
}

function fingerprint(
  resourceType: string | undefined,
  types: readonly string[] | undefined,
  context: SearchContext,
  applied: readonly (readonly [string, string])[],
  criterionNames: readonly number[],
  control: Control,
): string {
  const { compartment } = context;
  const selecting = criterionNames.map((at) => applied[at]!).sort(byText);
  return JSON.stringify([
    resourceType ?? null,
    types ?? null,
    compartment === undefined ? null : [compartment.type, compartment.id],
    selecting,
    control.sort.map(({ code, descending }) => [code, descending]),
    control.contained ?? 'false',
  ]);
}

function byText(a: readonly [string, string], b: readonly [string, string]): number {
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  return a[1] === b[1] ? 0 : a[1] < b[1] ? -1 : 1;
}

/**
 * Texts by which two conditional interactions with the same criteria exclude each other (R4 http.html#ccreate): one
 * `Type?name=value` per criterion, sorted, without duplicates. Alternatives of a value are sorted too.
 */
export function lockKeys(parsed: ParsedSearch): string[] {
  const type = parsed.resourceType ?? '';
  const keys = parsed.criterionNames.map((at) => {
    const [name, value] = parsed.applied[at]!;
    const normalized = name.startsWith('_filter') ? value : value.split(',').sort().join(',');
    return `${type}?${name}=${normalized.normalize('NFC')}`;
  });
  return [...new Set(keys)].sort();
}
