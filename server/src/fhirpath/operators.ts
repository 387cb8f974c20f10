import { add, bounded, divide, multiply, negated, remainder, wholeQuotient } from './decimal.ts';
import { plus } from './duration.ts';
import type { Environment } from './environment.ts';
import { compareItems, equalItems, equals, equivalent } from './equality.ts';
import { failure } from './errors.ts';
import { checkLength, type Spend } from './limits.ts';
import { durationUnit, type Quantity, unitProduct, valueIn } from './quantity.ts';
import {
  asQuantity,
  boolean,
  decimal,
  decimalOf,
  describe,
  EMPTY,
  FALSE,
  type Item,
  type Items,
  integer,
  long,
  plainValue,
  quantity,
  string,
  TRUE,
  temporal,
  type Value,
} from './values.ts';

/** An operand that is evaluated when it is needed. */
export type Evaluated = () => Items;

/**
 * FHIRPath 4.5: a collection as Boolean; a single item that is none counts as true.
 * @throws FhirPathError for several items; leniently they count as true
 */
export function truth(items: Items, what: string, { isLenient }: Environment): boolean | undefined {
  const [item] = items;
  if (item === undefined) return undefined;
  if (items.length > 1 && isLenient) return true;
  if (items.length > 1) throw failure(`${what} takes a single item, not ${items.length}`);
  const value = plainValue(item);
  return value?.kind === 'Boolean' ? value.value : true;
}

/** FHIRPath 6.5: the operators of three-valued logic; undefined for another operator. */
export function logic(
  operator: string,
  left: Evaluated,
  right: Evaluated,
  environment: Environment,
): Items | undefined {
  switch (operator) {
    case 'and': {
      const a = truth(left(), operator, environment);
      const b = truth(right(), operator, environment);
      return a === false || b === false ? FALSE : a && b ? TRUE : EMPTY;
    }
    case 'or': {
      const a = truth(left(), operator, environment);
      const b = truth(right(), operator, environment);
      return a || b ? TRUE : a === false && b === false ? FALSE : EMPTY;
    }
    case 'xor': {
      const a = truth(left(), operator, environment);
      const b = truth(right(), operator, environment);
      return a === undefined || b === undefined ? EMPTY : boolean(a !== b);
    }
    case 'implies': {
      const a = truth(left(), operator, environment);
      if (a === false) return TRUE;
      const b = truth(right(), operator, environment);
      return b === true ? TRUE : a === true ? boolean(b) : EMPTY;
    }
    default:
      return undefined;
  }
}

/** The other binary operators, but for `|`. @throws FhirPathError for operands that the operator does not take */
export function binary(
  operator: string,
  left: Items,
  right: Items,
  { spend, isLenient }: Environment,
): Items {
  switch (operator) {
    case '=':
      return boolean(equals(left, right, spend));
    case '!=':
      return boolean(inverse(equals(left, right, spend)));
    case '~':
      return boolean(equivalent(left, right, spend));
    case '!~':
      return boolean(inverse(equivalent(left, right, spend)));
    case 'in':
      return membership(left, right, operator, spend);
    case 'contains':
      return membership(right, left, operator, spend);
    case '&':
      return joined(concatenated(left, isLenient), concatenated(right, isLenient));
  }
  const [a] = left;
  const [b] = right;
  if ((left.length > 1 || right.length > 1) && !isLenient) {
    throw failure(`${operator} takes single items, not ${Math.max(left.length, right.length)}`);
  }
  if (a === undefined || b === undefined) return EMPTY;
  return ['<', '<=', '>', '>='].includes(operator)
    ? ordered(operator, a, b, spend)
    : arithmetic(operator, a, b);
}

function inverse(value: boolean | undefined): boolean | undefined {
  return value === undefined ? undefined : !value;
}

function membership(one: Items, all: Items, operator: string, spend: Spend): Items {
  if (one.length > 1) throw failure(`${operator} asks for a single item, not ${one.length}`);
  const [item] = one;
  spend(all.length);
  return item === undefined ? EMPTY : boolean(all.some((other) => equalItems(item, other, spend) === true));
}

function joined(left: string, right: string): Items {
  checkLength(left.length + right.length);
  return string(left + right);
}

/** FHIRPath 6.6.7: an empty operand counts as the empty text. */
function concatenated(items: Items, isLenient: boolean): string {
  const [item] = items;
  if (items.length > 1 && !isLenient) throw failure(`& takes single items, not ${items.length}`);
  if (item === undefined) return '';
  const value = plainValue(item);
  if (value === undefined && item.kind === 'Node' && item.extra !== undefined) return '';
  if (value?.kind !== 'String') throw failure(`& takes Strings, not ${describe(item)}`);
  return value.value;
}

function ordered(operator: string, a: Item, b: Item, spend: Spend): Items {
  const order = compareItems(a, b, spend);
  if (order === undefined) return EMPTY;
  if (operator === '<') return boolean(order < 0);
  if (operator === '<=') return boolean(order <= 0);
  return boolean(operator === '>' ? order > 0 : order >= 0);
}

/** Unary plus and minus. @throws FhirPathError for what is no number or quantity */
export function negate(item: Item, operator: '+' | '-'): Items {
  const value = plainValue(item);
  switch (value?.kind) {
    case 'Integer':
      return operator === '+' ? [value] : integer(-value.value);
    case 'Long':
      return operator === '+' ? [value] : long(-value.value);
    case 'Decimal':
      return operator === '+' ? [value] : decimal(negated(value.value));
    case 'Quantity':
      return operator === '+' ? [value] : quantity({ ...value.value, value: negated(value.value.value) });
    default:
      throw failure(`unary ${operator} takes a number or Quantity, not ${describe(item)}`);
  }
}

/** FHIRPath 6.6 and 6.7. */
export function arithmetic(operator: string, a: Item, b: Item): Items {
  const left = plainValue(a);
  const right = plainValue(b);
  const wrong = () => failure(`${operator} does not take ${describe(a)} and ${describe(b)}`);
  if (left === undefined || right === undefined) {
    for (const item of [a, b]) {
      if (plainValue(item) === undefined && item.kind === 'Node' && typeof item.value === 'object')
        throw wrong();
    }
    return EMPTY;
  }
  if (operator === '+' && left.kind === 'String' && right.kind === 'String')
    return joined(left.value, right.value);
  if (left.kind === 'Date' || left.kind === 'DateTime' || left.kind === 'Time') {
    if ((operator !== '+' && operator !== '-') || right.kind !== 'Quantity') throw wrong();
    const unit = durationUnit(right.value);
    if (unit === undefined) {
      throw failure(`'${right.value.unit}' is no unit by which a ${left.kind} can be moved`);
    }
    const { value } = right.value;
    return temporal(plus(left.value, operator === '-' ? negated(value) : value, unit));
  }
  if (left.kind === 'Quantity' || right.kind === 'Quantity') {
    const one = asQuantity(left);
    const other = asQuantity(right);
    if (one === undefined || other === undefined || operator === 'div' || operator === 'mod') throw wrong();
    return quantity(quantities(operator, one, other));
  }
  const result = numbers(operator, left, right);
  if (result === undefined) throw wrong();
  return result;
}

function numbers(operator: string, a: Value, b: Value): Items | undefined {
  const left = decimalOf(a);
  const right = decimalOf(b);
  if (left === undefined || right === undefined) return undefined;
  const isWhole = a.kind !== 'Decimal' && b.kind !== 'Decimal';
  const isLong = a.kind === 'Long' || b.kind === 'Long';
  const whole = (value: bigint | undefined): Items =>
    value === undefined ? EMPTY : isLong ? long(value) : integer(value);
  switch (operator) {
    case '+':
    case '-': {
      const sum = add(left, operator === '-' ? negated(right) : right);
      return isWhole ? whole(sum.digits) : decimal(bounded(sum));
    }
    case '*': {
      const product = multiply(left, right);
      return isWhole ? whole(product.digits) : decimal(bounded(product));
    }
    case '/': {
      const quotient = divide(left, right);
      return decimal(quotient === undefined ? undefined : bounded(quotient));
    }
    case 'div': {
      const quotient = wholeQuotient(left, right);
      if (isWhole || quotient === undefined) return whole(quotient);
      return decimal(bounded({ digits: quotient * 10n, scale: 1 }));
    }
    case 'mod': {
      const rest = remainder(left, right);
      return isWhole ? whole(rest?.digits) : decimal(rest);
    }
    default:
      return undefined;
  }
}

function quantities(operator: string, a: Quantity, b: Quantity): Quantity | undefined {
  const isOne = (value: Quantity) => !value.calendar && value.unit === '1';
  if (operator === '+' || operator === '-') {
    const target = isOne(a) ? b : a;
    const left = isOne(a) ? a.value : valueIn(a, target, false);
    const right = isOne(b) ? b.value : sumTerm(b, target);
    if (left === undefined || right === undefined) return undefined;
    const sum = bounded(add(left, operator === '-' ? negated(right) : right));
    return sum === undefined ? undefined : { ...target, value: sum };
  }
  const value = operator === '*' ? multiply(a.value, b.value) : divide(a.value, b.value);
  const result = value === undefined ? undefined : bounded(value);
  if (result === undefined) return undefined;
  if (isOne(b)) return { ...a, value: result };
  if (isOne(a) && operator === '*') return { ...b, value: result };
  if (a.calendar || b.calendar) return undefined;
  const unit = unitProduct(a.unit, b.unit, operator === '/');
  return unit === undefined ? undefined : { value: result, unit, calendar: false };
}

/** Years and months are not converted without being asked to, since what they are in other units is not exact. */
function sumTerm(term: Quantity, target: Quantity) {
  const imprecise = ({ calendar, unit }: Quantity) => calendar && (unit === 'year' || unit === 'month');
  if (term.unit !== target.unit && (imprecise(term) || imprecise(target))) return undefined;
  return valueIn(term, target, false);
}
