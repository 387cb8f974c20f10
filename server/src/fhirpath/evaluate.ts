import type { Expression, Invocation, Literal } from './ast.ts';
import { fromInteger, parseDecimal } from './decimal.ts';
import type { Environment } from './environment.ts';
import { distinct } from './equality.ts';
import { failure } from './errors.ts';
import { Call, FUNCTIONS } from './functions/index.ts';
import { checkCount, type Spend, TooCostly, textSteps } from './limits.ts';
import { binary, type Evaluated, logic, negate } from './operators.ts';
import { quantityOf } from './quantity.ts';
import { child, defineVariable, lookUp, type Scope } from './scope.ts';
import { parseDate, parseDateTime, parseTime } from './temporal.ts';
import { isOf } from './type-test.ts';
import {
  boolean,
  decimal,
  EMPTY,
  type Item,
  type Items,
  integer,
  long,
  plainValue,
  quantity,
  string,
  temporal,
} from './values.ts';

/**
 * Evaluates an expression (FHIRPath N1 with the trial-use parts of the later releases, and R4 fhirpath.html).
 * @param input what `$this` and `%context` are at first
 * @throws FhirPathError (evaluation), TooCostly among them
 */
export function evaluate(expression: Expression, input: Items, environment: Environment): Items {
  try {
    return run(expression, { self: input, index: 0, total: undefined, variables: undefined }, environment);
  } catch (error) {
    // The stack, or memory for one text, is used up.
    if (error instanceof RangeError) throw new TooCostly('it goes too deep or makes too much');
    throw error;
  }
}

/** Evaluates a part of an expression in a scope. */
export function run(expression: Expression, scope: Scope, environment: Environment): Items {
  environment.spend(1);
  switch (expression.kind) {
    case 'literal':
      return literalItems(expression.literal);
    case 'empty':
      return EMPTY;
    case 'constant':
      return constant(expression.name, scope, environment);
    case 'step':
      return step(expression.left, expression.step, scope, environment);
    case 'index': {
      const items = run(expression.left, scope, environment);
      const place = single(run(expression.index, child(scope), environment), 'an index', environment);
      if (place === undefined) return EMPTY;
      const value = plainValue(place);
      if (value?.kind !== 'Integer') throw failure('an index must be an Integer');
      const item = items[Number(value.value)];
      return item === undefined ? EMPTY : [item];
    }
    case 'sign': {
      const operand = single(
        run(expression.operand, scope, environment),
        `unary ${expression.operator}`,
        environment,
      );
      return operand === undefined ? EMPTY : negate(operand, expression.operator);
    }
    case 'type': {
      const type = environment.model.resolveType(expression.type);
      const items = run(expression.left, scope, environment);
      // R4's own expressions (dom-3, search parameters on repeating elements) use `as` on several items.
      if (expression.operator === 'as') return items.filter((one) => isOf(one, type, environment));
      const item = single(items, 'is', environment);
      return item === undefined ? EMPTY : boolean(isOf(item, type, environment));
    }
    case 'binary':
      return operation(expression, scope, environment);
  }
}

/** Variables that one operand defines are not there for the other. */
function operation(
  { operator, left, right }: Extract<Expression, { kind: 'binary' }>,
  scope: Scope,
  environment: Environment,
): Items {
  const { spend } = environment;
  const first: Evaluated = () => run(left, child(scope), environment);
  const second: Evaluated = () => run(right, child(scope), environment);
  const truths = logic(operator, first, second, environment);
  if (truths !== undefined) return truths;
  const [a, b] = [first(), second()];
  if (operator !== '|') return made(binary(operator, a, b, environment), spend);
  spend(a.length + b.length);
  checkCount(a.length + b.length);
  return distinct([...a, ...b], spend);
}

/** What a step made, when it has been counted. */
function made(items: Items, spend: Spend): Items {
  let steps = items.length;
  for (const item of items) if (item.kind === 'String') steps += textSteps(item.value.length);
  spend(steps);
  return items;
}

/** FHIRPath 4.5: the only item; undefined when there is none. @throws FhirPathError for several, unless it is lenient */
export function single(items: Items, what: string, { isLenient }: Environment): Item | undefined {
  if (items.length > 1 && !isLenient) throw failure(`${what} takes a single item, not ${items.length}`);
  return items[0];
}

const literals = new WeakMap<Literal, Items>();

/** The items of a literal, made once. @throws FhirPathError for one that is out of range */
function literalItems(value: Literal): Items {
  let items = literals.get(value);
  if (items === undefined) {
    items = literal(value);
    literals.set(value, items);
  }
  return items;
}

function literal(value: Literal): Items {
  switch (value.type) {
    case 'Boolean':
      return boolean(value.value);
    case 'String':
      return string(value.text);
    case 'Integer':
    case 'Long': {
      const items = value.type === 'Integer' ? integer(BigInt(value.text)) : long(BigInt(value.text));
      if (items.length === 0) throw failure(`${value.text} is too large for ${value.type}`);
      return items;
    }
    case 'Decimal':
      return decimal(parseDecimal(value.text));
    case 'Quantity':
      return quantity(quantityOf(parseDecimal(value.text) ?? fromInteger(0), value.unit, value.calendar));
    default: {
      const parse = value.type === 'Date' ? parseDate : value.type === 'Time' ? parseTime : parseDateTime;
      const parsed = parse(value.text);
      if (parsed === undefined) throw failure(`@${value.text} is no ${value.type}`);
      return temporal(parsed);
    }
  }
}

function constant(name: string, scope: Scope, environment: Environment): Items {
  const value = lookUp(scope, name) ?? environment.constant(name);
  if (value === undefined) throw failure(`there is no environment variable %${name}`);
  return value;
}

function step(
  left: Expression | undefined,
  invocation: Invocation,
  scope: Scope,
  environment: Environment,
): Items {
  switch (invocation.kind) {
    case 'special':
      return special(invocation.name, scope);
    case 'member': {
      const { name } = invocation;
      if (left === undefined) {
        const same = ofTypeNamed(name, scope.self, environment);
        return same.length > 0 ? same : navigate(scope.self, name, environment);
      }
      return navigate(run(left, scope, environment), name, environment);
    }
    case 'call': {
      const make = FUNCTIONS.get(invocation.name);
      if (make === undefined) throw failure(`there is no function ${invocation.name}()`);
      const input = left === undefined ? scope.self : run(left, scope, environment);
      const count = invocation.args.length;
      const { least, most } = make;
      if (count < least || count > most) {
        const takes = least === most ? `${least}` : `${least} to ${most === Infinity ? 'many' : most}`;
        throw failure(`${invocation.name}() takes ${takes} parameters, not ${count}`);
      }
      const call = new Call(invocation, input, scope, environment, run);
      environment.spend(input.length >> 3);
      const result = make.run(call);
      if (result !== input) made(result, environment.spend);
      if (call.variable !== undefined) defineVariable(scope, call.variable, environment);
      return result;
    }
  }
}

function special(name: '$this' | '$index' | '$total', scope: Scope): Items {
  if (name === '$this') return scope.self;
  if (name === '$index') return scope.index === undefined ? EMPTY : integer(scope.index);
  return scope.total ?? EMPTY;
}

/** FHIRPath 3: a path may begin with the type of what it is evaluated on. */
function ofTypeNamed(name: string, items: Items, { model }: Environment): Items {
  if (!model.isType(name)) return EMPTY;
  return items.filter((item) => item.kind === 'Node' && model.chain(item.type).includes(name));
}

function navigate(items: Items, name: string, { model, spend }: Environment): Items {
  const result: Item[] = [];
  spend(items.length);
  for (const item of items) {
    const before = result.length;
    model.child(item, name, result);
    spend(result.length - before);
    checkCount(result.length);
  }
  return result;
}
