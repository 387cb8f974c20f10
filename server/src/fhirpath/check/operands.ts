import { FhirPathError } from '../errors.ts';
import type { Model } from '../model.ts';
import { either, kindsOf, nameOf, type Types } from './types.ts';

const NUMBERS = new Set(['Integer', 'Long', 'Decimal']);
const TEMPORALS = new Set(['Date', 'DateTime', 'Time']);

/** Result type of an operator for operands of two of FHIRPath's types; undefined where it does not take them. */
function resultOf(operator: string, left: string, right: string): string | undefined {
  const numbers = NUMBERS.has(left) && NUMBERS.has(right);
  const measures = [left, right].every((kind) => NUMBERS.has(kind) || kind === 'Quantity');
  switch (operator) {
    case '&':
      return left === 'String' && right === 'String' ? 'String' : undefined;
    case '+':
    case '-':
      if (operator === '+' && left === 'String' && right === 'String') return 'String';
      if (TEMPORALS.has(left)) return right === 'Quantity' ? left : undefined;
      return numbers ? wider(left, right) : measures ? 'Quantity' : undefined;
    case '*':
      return numbers ? wider(left, right) : measures ? 'Quantity' : undefined;
    case '/':
      return numbers ? 'Decimal' : measures ? 'Quantity' : undefined;
    case 'div':
    case 'mod':
      return numbers ? wider(left, right) : undefined;
    default: {
      // Comparisons.
      const times = TEMPORALS.has(left) && TEMPORALS.has(right) && (left === 'Time') === (right === 'Time');
      return measures || times || (left === 'String' && right === 'String') ? 'Boolean' : undefined;
    }
  }
}

function wider(left: string, right: string): string {
  return ['Decimal', 'Long'].find((kind) => kind === left || kind === right) ?? 'Integer';
}

/**
 * The types that a binary operator gives.
 * @throws FhirPathError (semantic) if the operator takes no combination of the operands' types
 */
export function checkOperands(operator: string, left: Types, right: Types, model: Model): Types {
  if (operator === '|') return either(left, right);
  const isOrder = ['<', '<=', '>', '>='].includes(operator);
  const isArithmetic = ['+', '-', '*', '/', 'div', 'mod', '&'].includes(operator);
  if (!isOrder && !isArithmetic) return ['System.Boolean'];
  const one = kindsOf(left, model);
  const other = kindsOf(right, model);
  if (one === undefined || other === undefined || one.length === 0 || other.length === 0) {
    return isOrder ? ['System.Boolean'] : operator === '&' ? ['System.String'] : undefined;
  }
  const results = one.flatMap((a) => other.map((b) => resultOf(operator, a, b)));
  const possible = results.filter((result) => result !== undefined);
  if (possible.length === 0) {
    throw new FhirPathError('semantic', `${operator} does not take ${nameOf(left)} and ${nameOf(right)}`);
  }
  return [...new Set(possible)].map((kind) => `System.${kind}`);
}
