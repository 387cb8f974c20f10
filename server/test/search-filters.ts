import fc from 'fast-check';
import type { DefinitionsModel } from '../src/conformance/model.ts';
import type { NaiveFilter } from './naive-filter.ts';
import { type Arb, of, SYSTEMS } from './search-datatypes.ts';
import { TYPES } from './search-resources.ts';
import {
  askable,
  CODES_OF,
  dateText,
  numberText,
  referenceText,
  stringText,
  tokenText,
  units,
  uriText,
} from './search-values.ts';

const ORDERED = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'];

function filterTest(type: string, definitions: DefinitionsModel, depth: number): Arb<NaiveFilter> {
  const params = askable(type, definitions).filter((one) => one.type !== 'composite');
  const test = (path: string, operator: Arb<string>, value: Arb<string>): Arb<NaiveFilter> =>
    fc
      .tuple(operator, value)
      .map(([op, text]): NaiveFilter => ({ kind: 'test', path: [path], operator: op, value: text }));
  const leaf = of(params).chain((param): Arb<NaiveFilter> => {
    const pr = test(param.code, fc.constant('pr'), of(['true', 'false']));
    const or = (...others: Arb<NaiveFilter>[]) => fc.oneof(pr, ...others, ...others);
    switch (param.type) {
      case 'string':
        return or(test(param.code, of(['eq', 'ne', 'co', 'sw', 'ew']), stringText));
      case 'uri':
        return or(test(param.code, of(['eq', 'ne', 'co', 'sw', 'ew']), uriText));
      case 'token': {
        const concept = fc.tuple(of(SYSTEMS), of(['a', 'b', 'c'])).map((parts) => parts.join('|'));
        return or(
          test(param.code, of(['eq', 'ne']), tokenText(param)),
          test(param.code, of(['co', 'sw', 'ew']), stringText),
          test(param.code, of(['in', 'ni']), fc.constant('http://vs')),
          ...(CODES_OF[param.code] === undefined ? [test(param.code, of(['ss', 'sb']), concept)] : []),
        );
      }
      case 'reference':
        return or(test(param.code, of(['eq', 'ne', 're']), referenceText(param)));
      case 'date':
        return or(test(param.code, of([...ORDERED, 'po']), dateText));
      case 'number':
        return or(test(param.code, of(ORDERED), numberText));
      default:
        return or(
          test(
            param.code,
            of(ORDERED),
            fc.tuple(numberText, units).map((parts) => parts.join('')),
          ),
        );
    }
  });
  const references = params.filter(
    (one) => one.type === 'reference' && one.targets.some((target) => TYPES.includes(target)),
  );
  if (depth === 0 || references.length === 0) return leaf;
  const path = of(references).chain((param) =>
    of(param.targets.filter((target) => TYPES.includes(target))).chain((target) =>
      filterTest(target, definitions, depth - 1).map(
        (inner): NaiveFilter =>
          inner.kind === 'test' ? { ...inner, path: [`${param.code}:${target}`, ...inner.path] } : inner,
      ),
    ),
  );
  return fc.oneof({ weight: 5, arbitrary: leaf }, { weight: 1, arbitrary: path });
}

/** Random filters on a type. */
export function filter(type: string, definitions: DefinitionsModel): Arb<NaiveFilter> {
  return fc.letrec<{ node: NaiveFilter }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      filterTest(type, definitions, 1),
      fc.record({
        kind: of(['and', 'or'] as const),
        of: fc.array(tie('node'), { minLength: 2, maxLength: 3 }),
      }),
      fc.record({ kind: fc.constant('not' as const), of: tie('node') }),
    ),
  })).node;
}

/** The text of a filter (grammar of R4 search_filter.html). */
export function render(node: NaiveFilter): string {
  switch (node.kind) {
    case 'not':
      return `not (${render(node.of)})`;
    case 'test':
      return `${node.path.join('.')} ${node.operator} ${/^[^\s\])"(]+$/.test(node.value) ? node.value : JSON.stringify(node.value)}`;
    default:
      return node.of.map((one) => `(${render(one)})`).join(` ${node.kind} `);
  }
}
