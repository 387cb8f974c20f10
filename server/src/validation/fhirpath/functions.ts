import { type Expression, nameIn } from '../../fhirpath/ast.ts';
import { safeRegExp, safeReplace } from '../../fhirpath/regexp.ts';
import { numberOf } from '../../json/exact-number.ts';
import { isObject } from '../../json/objects.ts';
import { checkXhtml } from '../xhtml.ts';
import {
  distinct,
  type Environment,
  type Evaluate,
  spend,
  text,
  truth,
  UnsupportedExpression,
  valueText,
} from './compile.ts';
import { bool, EMPTY, identity, type Node, type Nodes } from './nodes.ts';

/** The items of one collection that are, or are not, in another. */
function keepIn(input: Nodes, other: Nodes, isIn: boolean, environment: Environment): Nodes {
  spend(environment, input.length + other.length);
  const known = new Set(other.map(identity));
  return input.filter((item) => known.has(identity(item)) === isIn);
}

/** Makes a function's closure from its arguments. */
type Maker = (args: readonly Expression[], compile: (expression: Expression) => Evaluate) => Evaluate;

function one(value: string | number | boolean, type?: string): Nodes {
  const t =
    type ??
    (typeof value === 'string'
      ? 'System.String'
      : typeof value === 'boolean'
        ? 'System.Boolean'
        : Number.isInteger(value)
          ? 'System.Integer'
          : 'System.Decimal');
  return [{ v: value, s: undefined, t }];
}

/** A function of the collection alone. */
function of(run: (input: Nodes, environment: Environment) => Nodes): Maker {
  return () => run;
}

/** A function with a criteria argument that sees each item as `$this`. */
function perItem(
  run: (input: Nodes, test: (item: Node, index: number) => Nodes, environment: Environment) => Nodes,
): Maker {
  return ([argument], compile) => {
    if (argument === undefined) throw new UnsupportedExpression('a function without its argument');
    const criteria = compile(argument);
    return (input, environment) => {
      const { self, index } = environment;
      const result = run(
        input,
        (item, place) => {
          spend(environment, 1);
          environment.self = [item];
          environment.index = place;
          return criteria(environment.self, environment);
        },
        environment,
      );
      environment.self = self;
      environment.index = index;
      return result;
    };
  };
}

/** A function whose arguments are collections, evaluated on `$this`. */
function withArguments(
  run: (input: Nodes, args: readonly Nodes[], environment: Environment) => Nodes,
): Maker {
  return (args, compile) => {
    const compiled = args.map(compile);
    return (input, environment) => {
      const values = compiled.map((argument) => argument(environment.self, environment));
      return run(input, values, environment);
    };
  };
}

/** A function of a single text with texts as arguments. Empty if one of them is missing. */
function ofText(run: (value: string, args: readonly string[]) => Nodes): Maker {
  return withArguments((input, args) => {
    const [first] = input;
    if (first?.v === undefined || args.some((argument) => argument.length === 0)) return EMPTY;
    return run(valueText(first.v), args.map(text));
  });
}

function typeArgument(args: readonly Expression[]): string {
  const name = args[0] === undefined ? undefined : nameIn(args[0]);
  if (name === undefined || !/^[A-Za-z]+(?:\.[A-Za-z]+)?$/.test(name))
    throw new UnsupportedExpression('type');
  return name;
}

const ofType: Maker = (args) => {
  const type = typeArgument(args);
  return (input, environment) => input.filter((item) => environment.navigator.hasType(item, type));
};

/** The functions of FHIRPath N1 that invariants use, and those of R4 fhirpath.html. */
export const FUNCTIONS: Readonly<Record<string, Maker | undefined>> = {
  __proto__: null as never,
  empty: of((input) => bool(input.length === 0)),
  exists: (args, compile) =>
    args.length === 0
      ? (input) => bool(input.length > 0)
      : perItem((input, test) => bool(input.some((item, i) => truth(test(item, i)) === true)))(args, compile),
  all: perItem((input, test) => bool(input.every((item, i) => truth(test(item, i)) === true))),
  where: perItem((input, test) =>
    input.length === 0 ? EMPTY : input.filter((item, i) => truth(test(item, i)) === true),
  ),
  select: perItem((input, test) => (input.length === 0 ? EMPTY : input.flatMap((item, i) => test(item, i)))),
  repeat: perItem((input, test) => {
    const result: Node[] = [];
    const seen = new Set<unknown>();
    let open: Nodes = input;
    while (open.length > 0 && result.length < 100_000) {
      const next: Node[] = [];
      for (const [i, item] of open.entries()) {
        for (const found of test(item, i)) {
          const key = isObject(found.v) ? found.v : identity(found);
          if (seen.has(key)) continue;
          seen.add(key);
          next.push(found);
        }
      }
      result.push(...next);
      open = next;
    }
    return result;
  }),
  not: of((input) => {
    const value = truth(input);
    return value === undefined ? EMPTY : bool(!value);
  }),
  allTrue: of((input) => bool(input.every(({ v }) => v === true))),
  allFalse: of((input) => bool(input.every(({ v }) => v === false))),
  anyTrue: of((input) => bool(input.some(({ v }) => v === true))),
  anyFalse: of((input) => bool(input.some(({ v }) => v === false))),
  count: of((input) => one(input.length)),
  distinct: of(distinct),
  isDistinct: of((input) => bool(new Set(input.map(identity)).size === input.length)),
  hasValue: of((input) => bool(input.length === 1 && input[0]?.v !== undefined && !isObject(input[0].v))),
  first: of((input) => input.slice(0, 1)),
  last: of((input) => input.slice(-1)),
  single: of((input) => input.slice(0, 1)),
  tail: of((input) => input.slice(1)),
  skip: withArguments((input, [count]) => input.slice(Math.max(0, numberOf(count?.[0]?.v)))),
  take: withArguments((input, [count]) => input.slice(0, Math.max(0, numberOf(count?.[0]?.v)))),
  intersect: withArguments((input, [other = EMPTY], environment) =>
    distinct(keepIn(input, other, true, environment)),
  ),
  exclude: withArguments((input, [other = EMPTY], environment) => keepIn(input, other, false, environment)),
  union: withArguments((input, [other = EMPTY]) => distinct([...input, ...other])),
  combine: withArguments((input, [other = EMPTY]) => [...input, ...other]),
  subsetOf: withArguments((input, [other = EMPTY], environment) =>
    bool(keepIn(input, other, true, environment).length === input.length),
  ),
  supersetOf: withArguments((input, [other = EMPTY], environment) =>
    bool(keepIn(other, input, true, environment).length === other.length),
  ),
  ofType,
  as: ofType,
  is: (args) => {
    const type = typeArgument(args);
    return (input, environment) =>
      input[0] === undefined ? EMPTY : bool(environment.navigator.hasType(input[0], type));
  },
  iif: (args, compile) => {
    const [condition, yes, no] = args.map(compile);
    if (condition === undefined || yes === undefined) throw new UnsupportedExpression('iif');
    return (input, environment) => {
      const { self } = environment;
      environment.self = input;
      const result =
        truth(condition(input, environment)) === true
          ? yes(input, environment)
          : (no?.(input, environment) ?? EMPTY);
      environment.self = self;
      return result;
    };
  },
  children: of((input, environment) => {
    const result: Node[] = [];
    for (const node of input) environment.navigator.children(node, result);
    spend(environment, result.length);
    return result;
  }),
  descendants: of((input, environment) => {
    const { navigator } = environment;
    const result: Node[] = [];
    for (const node of input) navigator.children(node, result);
    for (let i = 0; i < result.length; i++) {
      const before = result.length;
      navigator.children(result[i] as Node, result);
      spend(environment, result.length - before);
    }
    return result;
  }),
  trace: of((input) => input),
  length: ofText((value) => one(value.length)),
  startsWith: ofText((value, [prefix = '']) => bool(value.startsWith(prefix))),
  endsWith: ofText((value, [suffix = '']) => bool(value.endsWith(suffix))),
  contains: ofText((value, [part = '']) => bool(value.includes(part))),
  indexOf: ofText((value, [part = '']) => one(value.indexOf(part))),
  upper: ofText((value) => one(value.toUpperCase())),
  lower: ofText((value) => one(value.toLowerCase())),
  trim: ofText((value) => one(value.trim())),
  toChars: ofText((value) => [...value].flatMap((char) => one(char))),
  replace: ofText((value, [part = '', by = '']) => one(value.replaceAll(part, by))),
  split: ofText((value, [by = '']) => value.split(by).flatMap((part) => one(part))),
  join: withArguments((input, [by = EMPTY]) => one(input.map(({ v }) => valueText(v)).join(text(by)))),
  substring: withArguments((input, [start, length]) => {
    const [first] = input;
    const from = numberOf(start?.[0]?.v);
    if (first?.v === undefined || Number.isNaN(from)) return EMPTY;
    const value = valueText(first.v);
    if (from < 0 || from >= value.length) return EMPTY;
    const count = length === undefined ? Number.POSITIVE_INFINITY : numberOf(length[0]?.v);
    return one(value.slice(from, from + (Number.isNaN(count) ? Number.POSITIVE_INFINITY : count)));
  }),
  matches: ofText((value, [pattern = '']) => bool(safeRegExp(pattern, value))),
  matchesFull: ofText((value, [pattern = '']) => bool(safeRegExp(`^(?:${pattern})$`, value))),
  replaceMatches: ofText((value, [pattern = '', by = '']) => one(safeReplace(pattern, value, by))),
  toString: of((input) => (input[0]?.v === undefined ? EMPTY : one(valueText(input[0].v)))),
  toInteger: of((input) => {
    const [first] = input;
    if (first?.v === undefined) return EMPTY;
    if (typeof first.v === 'boolean') return one(first.v ? 1 : 0);
    const value = valueText(first.v);
    return /^[+-]?\d+$/.test(value) ? one(Number(value)) : EMPTY;
  }),
  toDecimal: of((input) => {
    const value = input[0]?.v === undefined ? '' : valueText(input[0].v);
    return /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value) ? one(Number(value), 'System.Decimal') : EMPTY;
  }),
  toBoolean: of((input) => {
    const value = input[0]?.v === undefined ? '' : valueText(input[0].v).toLowerCase();
    if (/^(?:true|t|yes|y|1|1\.0)$/.test(value)) return bool(true);
    return /^(?:false|f|no|n|0|0\.0)$/.test(value) ? bool(false) : EMPTY;
  }),
  extension: withArguments((input, [url], { navigator }) => {
    const wanted = text(url ?? EMPTY);
    const found: Node[] = [];
    for (const node of input) navigator.child(node, 'extension', found);
    return found.filter(({ v }) => isObject(v) && v['url'] === wanted);
  }),
  resolve: of((input, environment) =>
    input.flatMap((node) => {
      const target = environment.resolve(node);
      return target === undefined ? [] : [target];
    }),
  ),
  memberOf: withArguments((input, [valueSet], environment) => {
    const [first] = input;
    if (first === undefined) return EMPTY;
    const result = environment.memberOf(first, text(valueSet ?? EMPTY));
    return bool(result ?? true);
  }),
  conformsTo: withArguments((input, [profile], environment) => {
    const [first] = input;
    if (first === undefined) return EMPTY;
    const result = environment.conformsTo(first, text(profile ?? EMPTY));
    return result === undefined ? EMPTY : bool(result);
  }),
  htmlChecks: of((input) =>
    input.length === 0
      ? EMPTY
      : bool(input.every(({ v }) => typeof v !== 'string' || checkXhtml(v) === undefined)),
  ),
};
