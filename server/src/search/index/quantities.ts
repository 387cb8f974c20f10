import { isObject } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';
import type { Hash64 } from '../hash.ts';
import { ZERO } from '../index-model.ts';
import { canonicalQuantity, UCUM } from '../units.ts';
import { numberOf } from './convert.ts';
import type { Extraction } from './extraction.ts';
import type { TypeSystem } from './path-types.ts';

/** The `system` of Money.currency (R4 datatypes.html#money). */
export const CURRENCIES = 'urn:iso:std:iso:4217';

export type RowSink = (unit: Hash64, low: number, high: number) => void;
/** Hands over each index row of a number or quantity: its unit key and bounds. */
export type QuantityRows = (value: JsonValue, extraction: Extraction, row: RowSink) => void;

interface Units {
  readonly unit: string | undefined;
  readonly system: string | undefined;
  readonly code: string | undefined;
}

/**
 * How values of a FHIR type become number and quantity rows (R4 search.html#number, #quantity). A number leaves one row
 * with unit zero. A quantity leaves a row as given for each distinct unit text and code (unit zero if it has neither) and,
 * if it has a system and a code, one under IndexKeys.systemUnitKey: in canonical units where UCUM can convert it.
 * Undefined for types that are neither.
 */
export function quantityRows(fhirType: string, types: TypeSystem): QuantityRows | undefined {
  const is = (ancestor: string) => types.isA(fhirType, ancestor);
  if (is('Quantity')) return quantity;
  if (is('Money')) return money;
  if (is('Range')) return range;
  if (is('SampledData')) return sampledData;
  if (is('decimal') || is('integer')) return number;
  return undefined;
}

const number: QuantityRows = (value, _, row) => {
  const exact = numberOf(value);
  if (exact !== undefined) row(ZERO, exact, exact);
};

const quantity: QuantityRows = (value, to, row) => {
  if (!isObject(value)) return;
  const exact = numberOf(value.value);
  if (exact === undefined) return;
  let low = exact;
  let high = exact;
  const { comparator } = value;
  if (comparator === '<' || comparator === '<=') low = Number.NEGATIVE_INFINITY;
  else if (comparator === '>' || comparator === '>=') high = Number.POSITIVE_INFINITY;
  // The bound itself is no value of `<` and `>`: the nearest number stands for it.
  if (comparator === '<')
    rows(unitsOf(value), low, high, to, (unit, from, end) => row(unit, from, -after(-end)));
  else if (comparator === '>')
    rows(unitsOf(value), low, high, to, (unit, from, end) => row(unit, after(from), end));
  else rows(unitsOf(value), low, high, to, row);
};

const bits = new DataView(new ArrayBuffer(8));

/** The least double above a number. */
function after(value: number): number {
  if (!Number.isFinite(value)) return value;
  if (value === 0) return Number.MIN_VALUE;
  bits.setFloat64(0, value);
  bits.setBigInt64(0, bits.getBigInt64(0) + (value > 0 ? 1n : -1n));
  return bits.getFloat64(0);
}

const money: QuantityRows = (value, to, row) => {
  if (!isObject(value)) return;
  const exact = numberOf(value.value);
  if (exact === undefined) return;
  const currency = typeof value.currency === 'string' ? value.currency : undefined;
  rows({ unit: undefined, system: currency && CURRENCIES, code: currency }, exact, exact, to, row);
};

const range: QuantityRows = (value, to, row) => {
  if (!isObject(value)) return;
  const from = isObject(value.low) ? value.low : undefined;
  const until = isObject(value.high) ? value.high : undefined;
  const low = numberOf(from?.value);
  const high = numberOf(until?.value);
  if (low === undefined && high === undefined) return;
  const lowUnits = low === undefined ? undefined : unitsOf(from as JsonObject);
  const highUnits = high === undefined ? undefined : unitsOf(until as JsonObject);
  const same =
    lowUnits === undefined ||
    highUnits === undefined ||
    (lowUnits.code === highUnits.code &&
      lowUnits.unit === highUnits.unit &&
      lowUnits.system === highUnits.system);
  const open = low ?? Number.NEGATIVE_INFINITY;
  const close = high ?? Number.POSITIVE_INFINITY;
  if (same) rows((lowUnits ?? highUnits) as Units, open, close, to, row);
  else {
    // Only in canonical units can the two ends be one range.
    const first = canonicalEnd(open, lowUnits);
    const last = canonicalEnd(close, highUnits);
    if (first !== undefined && last !== undefined && first.unit === last.unit) {
      row(to.cache.systemUnit(UCUM, first.unit), first.value, last.value);
    }
  }
};

/** SampledData as the range of its points: `origin + data * factor`, within its limits where a point lies beyond them. */
const sampledData: QuantityRows = (value, to, row) => {
  if (!isObject(value) || typeof value.data !== 'string' || !isObject(value.origin)) return;
  const origin = numberOf(value.origin.value) ?? 0;
  const factor = numberOf(value.factor) ?? 1;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const point of value.data.split(' ')) {
    if (point === 'L') low = Number.NEGATIVE_INFINITY;
    else if (point === 'U') high = Number.POSITIVE_INFINITY;
    else {
      const sample = point === '' ? Number.NaN : Number(point) * factor + origin;
      if (sample < low) low = sample;
      if (sample > high) high = sample;
    }
  }
  if (low === Number.POSITIVE_INFINITY) low = high;
  if (high === Number.NEGATIVE_INFINITY) high = low;
  if (low <= high && !(low === high && !Number.isFinite(low)))
    rows(unitsOf(value.origin), low, high, to, row);
};

function unitsOf(quantity: JsonObject): Units {
  const { unit, system, code } = quantity;
  return {
    unit: typeof unit === 'string' && unit !== '' ? unit : undefined,
    system: typeof system === 'string' && system !== '' ? system : undefined,
    code: typeof code === 'string' && code !== '' ? code : undefined,
  };
}

function canonicalEnd(value: number, units: Units | undefined): { value: number; unit: string } | undefined {
  return units?.system === UCUM && units.code !== undefined
    ? canonicalQuantity(value, units.code)
    : undefined;
}

function rows({ unit, system, code }: Units, low: number, high: number, to: Extraction, row: RowSink): void {
  const { cache } = to;
  if (code === undefined && unit === undefined) row(ZERO, low, high);
  if (code !== undefined) row(cache.unit(code), low, high);
  if (unit !== undefined && unit !== code) row(cache.unit(unit), low, high);
  if (system === undefined || code === undefined) return;
  if (system === UCUM) {
    const finite = Number.isFinite(low) ? low : high;
    const canonical = canonicalQuantity(finite, code);
    if (canonical !== undefined) {
      const key = cache.systemUnit(UCUM, canonical.unit);
      const other = low === high ? canonical.value : end(finite === low ? high : low, code);
      row(key, finite === low ? canonical.value : other, finite === low ? other : canonical.value);
      return;
    }
  }
  row(cache.systemUnit(system, code), low, high);
}

/** The other end of a range in canonical units; an open end stays open. */
function end(value: number, code: string): number {
  return Number.isFinite(value) ? (canonicalQuantity(value, code)?.value ?? value) : value;
}
