import { TxError, txIssue } from '../issues.ts';
import { stringOf, valueText } from '../json.ts';
import type { ComposeFilter, Concept, FilterTest, RowCondition, SystemInfo } from '../model.ts';
import { RegexError, SafeRegex } from '../regex.ts';
import { isDeprecated, isInactive, propertyCodes, standardValues, statusOf } from '../status.ts';

/** What the filters of a code system with concepts need of it besides the concept that they test. */
export interface FilterContext {
  readonly info: SystemInfo;
  /** The code as the system writes it; undefined for one that it does not have. */
  canonicalCode(code: string): string | undefined;
  /** Tests for being strictly below a code. */
  below(code: string): FilterTest;
  /** Tests for being strictly above a code. */
  above(code: string): FilterTest;
  isLeaf(concept: Concept): boolean;
  childrenOf(concept: Concept): readonly string[];
}

/** Properties that every concept has without a declaration. */
const STANDARD = new Set([
  'notSelectable',
  'inactive',
  'status',
  'deprecated',
  'parent',
  'child',
  'display',
  'definition',
]);

function notUnderstood({ property, op, value }: ComposeFilter): TxError {
  return new TxError(
    400,
    txIssue('error', 'not-supported', 'vs-invalid', undefined, 'FILTER_NOT_UNDERSTOOD', property, op, value),
    { outcome: true },
  );
}

function compileRegex(value: string): SafeRegex {
  try {
    return new SafeRegex(value);
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    throw new TxError(
      400,
      txIssue('error', 'invalid', 'vs-invalid', undefined, 'INVALID_REGEX', value, error.message),
      { outcome: true },
    );
  }
}

function listOf(value: string): string[] {
  return value.split(',').map((item) => item.trim());
}

/**
 * Prepares a filter (R4 valueset-filter-operator) for a code system whose concepts are known.
 * @throws TxError 400 for a property or operator that is not known, or a regular expression that cannot be run
 */
export function prepareFilter(context: FilterContext, filter: ComposeFilter): FilterTest {
  const { property, op, value } = filter;
  if (property === 'concept' || property === 'code') return conceptFilter(context, filter);
  const values = propertyValues(context, filter);
  const rows = factRows(context, property);
  switch (op) {
    case '=':
      return { test: (concept) => values(concept).includes(value), ...rows([value]) };
    case 'in': {
      const wanted = new Set(listOf(value));
      return { test: (concept) => values(concept).some((one) => wanted.has(one)), ...rows([...wanted]) };
    }
    case 'not-in': {
      const unwanted = new Set(listOf(value));
      return {
        test: (concept) => !values(concept).some((one) => unwanted.has(one)),
        ...negated(rows([...unwanted])),
      };
    }
    case 'exists': {
      const wanted = value === 'true';
      return { test: (concept) => values(concept).length > 0 === wanted };
    }
    case 'regex': {
      const regex = compileRegex(value);
      return { test: (concept) => values(concept).some((one) => regex.test(one)) };
    }
    case 'is-a':
    case 'descendent-of': {
      // Over a property whose values are codes of the same system.
      const below = belowCodes(context, value, op === 'is-a');
      return { test: (concept) => values(concept).some(below) };
    }
    default:
      throw notUnderstood(filter);
  }
}

function belowCodes(context: FilterContext, value: string, self: boolean): (code: string) => boolean {
  const start = context.canonicalCode(value);
  if (start === undefined) return () => false;
  const { test } = context.below(start);
  return (code) => (self && code === start) || test({ ...EMPTY, code });
}

const EMPTY = { designation: [], property: [], extension: [], parents: [] } as const;

function conceptFilter(context: FilterContext, filter: ComposeFilter): FilterTest {
  const { op, value } = filter;
  const code = context.canonicalCode(value);
  const nothing: FilterTest = { test: () => false, rows: { kind: 'codes', codes: [] } };
  switch (op) {
    case 'is-a':
    case 'descendent-of': {
      if (code === undefined) return nothing;
      const below = context.below(code);
      if (op === 'descendent-of') return below;
      return withSelf(below, code);
    }
    case 'is-not-a': {
      if (code === undefined) return { test: () => true };
      const { test, rows } = withSelf(context.below(code), code);
      return {
        test: (concept) => !test(concept),
        ...(rows === undefined ? {} : { rows: { kind: 'not', of: rows } }),
      };
    }
    case 'child-of':
      return code === undefined ? nothing : { test: (concept) => concept.parents.includes(code) };
    case 'descendent-leaf': {
      if (code === undefined) return nothing;
      const below = context.below(code);
      return { test: (concept) => below.test(concept) && context.isLeaf(concept) };
    }
    case 'generalizes': {
      if (code === undefined) return nothing;
      const above = context.above(code);
      return { test: (concept) => concept.code === code || above.test(concept) };
    }
    case '=':
      return code === undefined ? nothing : codesTest([code]);
    case 'in':
      return codesTest(listOf(value).flatMap((one) => context.canonicalCode(one) ?? []));
    case 'not-in': {
      const { test, rows } = codesTest(listOf(value).flatMap((one) => context.canonicalCode(one) ?? []));
      return { test: (concept) => !test(concept), rows: { kind: 'not', of: rows as RowCondition } };
    }
    case 'regex': {
      const regex = compileRegex(value);
      return { test: (concept) => regex.test(concept.code) };
    }
    case 'exists':
      return { test: () => value === 'true' };
    default:
      throw notUnderstood(filter);
  }
}

function codesTest(codes: readonly string[]): FilterTest {
  const wanted = new Set(codes);
  return { test: (concept) => wanted.has(concept.code), rows: { kind: 'codes', codes } };
}

function withSelf(below: FilterTest, code: string): FilterTest {
  const { test, rows } = below;
  return {
    test: (concept) => concept.code === code || test(concept),
    ...(rows?.kind === 'below' ? { rows: { ...rows, self: true } } : {}),
  };
}

function negated(test: { rows?: RowCondition }): { rows?: RowCondition } {
  return test.rows === undefined ? {} : { rows: { kind: 'not', of: test.rows } };
}

/** The values of a filter's property. @throws TxError when the system has no such property */
function propertyValues(
  context: FilterContext,
  filter: ComposeFilter,
): (concept: Concept) => readonly string[] {
  const { info } = context;
  const declared = info.properties.find(
    ({ code, uri }) => code === filter.property || uri === filter.property,
  );
  const name = declared?.code ?? filter.property;
  if (declared === undefined && !STANDARD.has(name)) throw notUnderstood(filter);
  switch (name) {
    case 'display':
      return (concept) => (concept.display === undefined ? [] : [concept.display]);
    case 'definition':
      return (concept) => (concept.definition === undefined ? [] : [concept.definition]);
    case 'parent':
      return (concept) => concept.parents;
    case 'child':
      return (concept) => context.childrenOf(concept);
    case 'inactive':
      return (concept) => [String(isInactive(info, concept))];
    case 'deprecated':
      return (concept) => [String(isDeprecated(info, concept))];
    case 'status':
      return (concept) => {
        const status = statusOf(info, concept);
        return status === undefined ? [] : [status];
      };
    case 'notSelectable':
      return (concept) => standardValues(info, concept, 'notSelectable');
    default:
      return (concept) =>
        concept.property
          .filter((one) => stringOf(one['code']) === name)
          .flatMap((one) => valueText(one) ?? []);
  }
}

/** The condition over rows for the value of a property, where rows are indexed by it. */
function factRows(
  context: FilterContext,
  property: string,
): (values: readonly string[]) => { rows?: RowCondition } {
  const declared = context.info.properties.find(({ code, uri }) => code === property || uri === property);
  const special =
    STANDARD.has(declared?.code ?? property) ||
    propertyCodes(context.info, 'notSelectable').includes(property);
  if (special) return () => ({});
  return (values) => ({ rows: { kind: 'fact', property: declared?.code ?? property, values } });
}
