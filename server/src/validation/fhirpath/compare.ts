import { isNumber, numberOf } from '../../json/exact-number.ts';
import { isObject } from '../../json/objects.ts';
import { dateRange } from '../../search/dates.ts';
import { canonicalQuantity } from '../../search/units.ts';
import { isTemporal, type Node } from './nodes.ts';

/**
 * The order of two items (FHIRPath N1 section 6.2): negative, zero or positive; undefined if it cannot be told, as of
 * dates of different precision that overlap and of quantities of different kinds.
 */
export function compareNodes(a: Node, b: Node): number | undefined {
  const { v: left } = a;
  const { v: right } = b;
  if (isNumber(left) && isNumber(right)) return numberOf(left) - numberOf(right);
  if (typeof left === 'string' && typeof right === 'string') {
    if (isTemporal(a.t) || isTemporal(b.t)) return compareTimes(left, right);
    return left < right ? -1 : left > right ? 1 : 0;
  }
  if (isObject(left) && isObject(right)) return compareQuantities(left, right);
  return undefined;
}

/** The order of two dates, dateTimes, instants or times as FHIR writes them; undefined where it cannot be told. */
export function compareTimes(left: string, right: string): number | undefined {
  if (left.charCodeAt(2) === 0x3a || right.charCodeAt(2) === 0x3a)
    return left < right ? -1 : left > right ? 1 : 0;
  const a = dateRange(left);
  const b = dateRange(right);
  if (a === undefined || b === undefined) return undefined;
  if (a.high < b.low) return -1;
  if (a.low > b.high) return 1;
  // Fractions of a second do not make another precision.
  if (left.length > 10 && right.length > 10) return a.low - b.low;
  return a.low === b.low && a.high === b.high ? 0 : undefined;
}

type Quantity = Readonly<Record<string, unknown>>;

function compareQuantities(a: Quantity, b: Quantity): number | undefined {
  const left = numberOf(a['value'] as never);
  const right = numberOf(b['value'] as never);
  if (Number.isNaN(left) || Number.isNaN(right)) return undefined;
  const unit = (quantity: Quantity): unknown => quantity['code'] ?? quantity['unit'];
  if (unit(a) === unit(b) && (a['system'] ?? b['system']) === (b['system'] ?? a['system']))
    return left - right;
  const { code: codeA } = a;
  const { code: codeB } = b;
  if (typeof codeA !== 'string' || typeof codeB !== 'string') return undefined;
  const first = canonicalQuantity(left, codeA);
  const second = canonicalQuantity(right, codeB);
  if (first === undefined || second === undefined || first.unit !== second.unit) return undefined;
  return first.value - second.value;
}
