import type { IndexKeys, QuantityEntry } from '../index-model.ts';
import type { DateTest, NumberTest, QuantityTest } from '../query/types.ts';
import { canonicalQuantity, UCUM } from '../units.ts';

/** Whether the interval [low, high] in epoch milliseconds fulfils a date's test (R4 search.html#prefix). */
export function dateMatches(test: DateTest, low: number, high: number): boolean {
  switch (test.prefix) {
    case 'eq':
      return low >= test.low && high <= test.high;
    case 'ne':
      return !(low >= test.low && high <= test.high);
    case 'gt':
      return high > test.high;
    case 'lt':
      return low < test.low;
    case 'ge':
      return low >= test.low || high > test.high;
    case 'le':
      return high <= test.high || low < test.low;
    case 'sa':
      return low > test.high;
    case 'eb':
      return high < test.low;
    case 'ap':
      return low <= test.high && high >= test.low;
  }
}

/** Whether the interval [low, high] fulfils a number's test (R4 search.html#number): precision counts for eq and ne only. */
export function numberMatches(test: NumberTest, low: number, high: number): boolean {
  const { value } = test;
  switch (test.prefix) {
    case 'eq':
      return low >= test.low && high < test.high;
    case 'ne':
      return !(low >= test.low && high < test.high);
    case 'gt':
      return high > value;
    case 'lt':
      return low < value;
    case 'ge':
      return high >= value;
    case 'le':
      return low <= value;
    case 'sa':
      return low > value;
    case 'eb':
      return high < value;
    case 'ap':
      return low <= test.high && high >= test.low;
  }
}

/**
 * Whether a quantity's entry fulfils a test (R4 search.html#quantity): with a UCUM unit on canonical values, with another
 * system on `system|code` as given, with `||unit` on unit or code as given, else on any value as given.
 */
export function quantityMatches(test: QuantityTest, entry: QuantityEntry, keys: IndexKeys): boolean {
  const { system, code } = test;
  const { unit, low, high } = entry;
  // Units as given have the lowest bit 0: see IndexKeys.unitKey.
  if (code === undefined) return (unit.lo & 1) === 0 && numberMatches(test, low, high);
  let wanted = system === undefined || system === '' ? keys.unitKey(code) : keys.systemUnitKey(system, code);
  let numbers: NumberTest = test;
  if (system === UCUM) {
    const value = canonicalQuantity(test.value, code);
    const least = canonicalQuantity(test.low, code);
    const most = canonicalQuantity(test.high, code);
    if (value !== undefined && least !== undefined && most !== undefined) {
      wanted = keys.systemUnitKey(UCUM, value.unit);
      numbers = { prefix: test.prefix, value: value.value, low: least.value, high: most.value };
    }
  }
  return unit.hi === wanted.hi && unit.lo === wanted.lo && numberMatches(numbers, low, high);
}

const EARTH_KILOMETRES = 6371.0088;
const RADIANS = Math.PI / 180;

/** Whether two places on earth, in degrees, lie within a distance: great circle (R4 location.html#positional). */
export function isNear(
  place: { readonly latitude: number; readonly longitude: number; readonly kilometres: number },
  latitude: number,
  longitude: number,
): boolean {
  const north = Math.sin(((latitude - place.latitude) * RADIANS) / 2);
  const east = Math.sin(((longitude - place.longitude) * RADIANS) / 2);
  const chord = north ** 2 + Math.cos(place.latitude * RADIANS) * Math.cos(latitude * RADIANS) * east ** 2;
  return 2 * EARTH_KILOMETRES * Math.asin(Math.min(1, Math.sqrt(chord))) <= place.kilometres;
}
