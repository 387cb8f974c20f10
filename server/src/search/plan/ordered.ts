import type { DateTest, NumberTest, QuantityTest } from '../query/types.ts';
import { canonicalQuantity, UCUM } from '../units.ts';
import type { RowContext } from './context.ts';
import { anyOf, type SqlBuilder } from './sql.ts';

/**
 * A date's test on an interval [low, high] in milliseconds, both ends included (R4 search.html#prefix). Where one bound
 * follows from the other it is written too, for the index.
 */
export function dateCondition(sql: SqlBuilder, test: DateTest, low: string, high: string): string {
  const a = sql.bind(test.low, 'bigint');
  const b = sql.bind(test.high, 'bigint');
  switch (test.prefix) {
    case 'eq':
      return `${low} >= ${a} and ${high} <= ${b} and ${low} <= ${b}`;
    case 'ne':
      return `not (${low} >= ${a} and ${high} <= ${b})`;
    case 'gt':
      return `${high} > ${b}`;
    case 'lt':
      return `${low} < ${a}`;
    case 'ge':
      return `(${low} >= ${a} or ${high} > ${b})`;
    case 'le':
      return `${low} <= ${b} and (${high} <= ${b} or ${low} < ${a})`;
    case 'sa':
      return `${low} > ${b}`;
    case 'eb':
      return `${high} < ${a} and ${low} < ${a}`;
    case 'ap':
      return `${low} <= ${b} and ${high} >= ${a}`;
  }
}

/** A number's test on an interval [low, high] (R4 search.html#number): precision counts for eq and ne only. */
export function numberCondition(sql: SqlBuilder, test: NumberTest, low: string, high: string): string {
  const value = () => sql.bind(test.value, 'float8');
  const a = () => sql.bind(test.low, 'float8');
  const b = () => sql.bind(test.high, 'float8');
  switch (test.prefix) {
    case 'eq':
      return `${low} >= ${a()} and ${low} < ${b()} and ${high} < ${b()}`;
    case 'ne':
      return `not (${low} >= ${a()} and ${high} < ${b()})`;
    case 'gt':
      return `${high} > ${value()}`;
    case 'lt':
      return `${low} < ${value()}`;
    case 'ge':
      return `${high} >= ${value()}`;
    case 'le':
      return `${low} <= ${value()}`;
    case 'sa':
      return `${low} > ${value()}`;
    case 'eb':
      return `${high} < ${value()} and ${low} < ${value()}`;
    case 'ap':
      return `${low} <= ${b()} and ${high} >= ${a()}`;
  }
}

/**
 * A quantity's test on a row of index_quantity with alias `q` (R4 search.html#quantity): with a UCUM unit on canonical
 * values, with another system on `system|code` as given, with `||unit` on unit or code as given, else on any as given.
 */
export function quantityCondition(context: RowContext, test: QuantityTest, q: string): string {
  const { sql, plan } = context;
  const { system, code } = test;
  if (code === undefined) {
    // Units as given have the lowest bit 0: see IndexKeys.unitKey.
    return `${q}.unit & 1 = 0 and ${numberCondition(sql, test, `${q}.low`, `${q}.high`)}`;
  }
  let unit =
    system === undefined || system === '' ? plan.keys.unitKey(code) : plan.keys.systemUnitKey(system, code);
  let numbers: NumberTest = test;
  if (system === UCUM) {
    const value = canonicalQuantity(test.value, code);
    const low = canonicalQuantity(test.low, code);
    const high = canonicalQuantity(test.high, code);
    if (value !== undefined && low !== undefined && high !== undefined) {
      unit = plan.keys.systemUnitKey(UCUM, value.unit);
      numbers = { prefix: test.prefix, value: value.value, low: low.value, high: high.value };
    }
  }
  return `${q}.unit = ${sql.hash(unit)} and ${numberCondition(sql, numbers, `${q}.low`, `${q}.high`)}`;
}

const EARTH_KILOMETRES = 6371.0088;

/**
 * `near` on rows of index_quantity with alias `q`, which keep latitude as low and longitude as high: a box for the
 * index, then the great-circle distance (haversine).
 */
export function nearCondition(
  sql: SqlBuilder,
  place: { latitude: number; longitude: number; kilometres: number },
  q: string,
): string {
  const { latitude, longitude, kilometres } = place;
  const angle = kilometres / EARTH_KILOMETRES;
  const degrees = (angle * 180) / Math.PI + 1e-6;
  const conditions = [
    `${q}.low between ${sql.bind(latitude - degrees, 'float8')} and ${sql.bind(latitude + degrees, 'float8')}`,
  ];
  const radians = (latitude * Math.PI) / 180;
  // Meridians close in towards the poles: how far east and west the circle reaches.
  const sine = Math.sin(Math.min(angle, Math.PI / 2)) / Math.cos(radians);
  if (Math.abs(latitude) + degrees < 90 && sine < 1) {
    const width = (Math.asin(sine) * 180) / Math.PI + 1e-6;
    const between = (from: number, to: number) =>
      `${q}.high between ${sql.bind(from, 'float8')} and ${sql.bind(to, 'float8')}`;
    const west = longitude - width;
    const east = longitude + width;
    const parts = [between(west, east)];
    if (west < -180) parts.push(between(west + 360, 180));
    if (east > 180) parts.push(between(-180, east - 360));
    conditions.push(anyOf(parts));
  }
  const lat = sql.bind(latitude, 'float8');
  const lon = sql.bind(longitude, 'float8');
  conditions.push(
    `2 * ${EARTH_KILOMETRES} * asin(least(1, sqrt(sin(radians(${q}.low - ${lat}) / 2) ^ 2 + cos(radians(${lat})) * cos(radians(${q}.low)) * sin(radians(${q}.high - ${lon}) / 2) ^ 2))) <= ${sql.bind(kilometres, 'float8')}`,
  );
  return conditions.join(' and ');
}
