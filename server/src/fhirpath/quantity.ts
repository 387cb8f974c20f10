import { canonicalQuantity } from '../search/units.ts';
import {
  compareDecimals,
  type Decimal,
  divide,
  fromDouble,
  fromInteger,
  multiply,
  parseDecimal,
  rounded,
  toDouble,
  trimmed,
} from './decimal.ts';
import { type CalendarUnit, convertCalendar } from './duration.ts';

/** A quantity: `unit` is a UCUM code, or a calendar duration (singular) where `calendar` is set. */
export interface Quantity {
  readonly value: Decimal;
  readonly unit: string;
  readonly calendar: boolean;
  /** How a calendar duration was written, `days`. */
  readonly written?: string;
  /** It is of a resource: its UCUM code for years or months may stand for those of the calendar (R4 fhirpath.html#quantity). */
  readonly ofResource?: boolean;
}

const DEFINITE: Readonly<Record<CalendarUnit, string>> = {
  year: 'a',
  month: 'mo',
  week: 'wk',
  day: 'd',
  hour: 'h',
  minute: 'min',
  second: 's',
  millisecond: 'ms',
};
const CALENDAR = new Map(
  Object.entries(DEFINITE).map(([calendar, code]) => [code, calendar as CalendarUnit]),
);

/** The calendar unit of a keyword, singular or plural; undefined for other texts. */
export function calendarUnit(keyword: string): CalendarUnit | undefined {
  const singular = keyword.endsWith('s') ? keyword.slice(0, -1) : keyword;
  return Object.hasOwn(DEFINITE, singular) ? (singular as CalendarUnit) : undefined;
}

export function quantityOf(value: Decimal, unit: string, calendar: boolean): Quantity {
  return calendar
    ? { value, unit: calendarUnit(unit) ?? unit, calendar, written: unit }
    : { value, unit, calendar };
}

/** FHIRPath 6.7: the calendar unit by which a quantity moves a date; `'a'` and `'mo'` are none. */
export function durationUnit({ unit, calendar, ofResource }: Quantity): CalendarUnit | undefined {
  if (calendar) return unit as CalendarUnit;
  if (ofResource) return CALENDAR.get(unit);
  return unit === 'a' || unit === 'mo' ? undefined : CALENDAR.get(unit);
}

/** A factor between UCUM codes of the same kind; undefined for others, for no codes, and for units with an offset or of logarithms. */
function ucumFactor(from: string, to: string): Decimal | undefined {
  if (from === to) return fromInteger(1);
  const [one, other] = [linearFactor(from), linearFactor(to)];
  if (one === undefined || other === undefined || one.unit !== other.unit) return undefined;
  return fromDouble(Number((one.value / other.value).toPrecision(12)));
}

function linearFactor(code: string): { value: number; unit: string } | undefined {
  const one = canonicalQuantity(1, code);
  const zero = canonicalQuantity(0, code);
  return one === undefined || zero?.value !== 0 || one.value === 0 ? undefined : one;
}

/**
 * The value of a quantity in the unit of another, for `=`, `~` and comparisons: undefined where they cannot be compared.
 * Years and months of the calendar are not those of UCUM unless `loose`.
 */
export function valueIn(from: Quantity, to: Quantity, loose: boolean): Decimal | undefined {
  if (from.calendar === to.calendar) {
    if (from.unit === to.unit) return from.value;
    if (from.calendar) return convertCalendar(from.value, from.unit as CalendarUnit, to.unit as CalendarUnit);
    return scaled(from.value, ucumFactor(from.unit, to.unit));
  }
  const calendar = (from.calendar ? from.unit : to.unit) as CalendarUnit;
  const definite = from.calendar ? to.unit : from.unit;
  const imprecise = (unit: string | undefined) => unit === 'year' || unit === 'month';
  const counterpart = CALENDAR.get(definite);
  if (!loose && !from.ofResource && !to.ofResource && (imprecise(calendar) || imprecise(counterpart)))
    return undefined;
  if (counterpart === undefined) {
    const code = DEFINITE[calendar];
    return scaled(from.value, from.calendar ? ucumFactor(code, definite) : ucumFactor(definite, code));
  }
  return from.calendar
    ? convertCalendar(from.value, calendar, counterpart)
    : convertCalendar(from.value, counterpart, calendar);
}

/** Factors below one are divided by their inverse, which has fewer digits. */
function scaled(value: Decimal, factor: Decimal | undefined): Decimal | undefined {
  if (factor === undefined) return undefined;
  if (compareDecimals(factor, fromInteger(1)) >= 0) return trimmed(rounded(multiply(value, factor), 20));
  const inverse = fromDouble(Number((1 / toDouble(factor)).toPrecision(12)));
  return inverse === undefined ? undefined : trimmed(divide(value, inverse) ?? value);
}

/** toQuantity(unit): a quantity in a unit that is a UCUM code or a calendar keyword; undefined where it cannot be converted. */
export function convertQuantity(from: Quantity, unit: string): Quantity | undefined {
  const calendar = calendarUnit(unit) !== undefined;
  const target = quantityOf(from.value, unit, calendar);
  if (!from.calendar && from.unit === '1') return target;
  if (!calendar && canonicalQuantity(1, unit) === undefined) return undefined;
  const value = valueIn(from, target, true);
  return value === undefined ? undefined : { ...target, value };
}

/** Which of two quantities has the coarser unit; undefined where they cannot be compared. */
export function isCoarser(a: Quantity, b: Quantity): boolean | undefined {
  const one = valueIn({ ...a, value: fromInteger(1) }, b, true);
  return one === undefined ? undefined : compareDecimals(one, fromInteger(1)) >= 0;
}

/** A text that quantities have in common if they are equal. */
export function quantityKey(quantity: Quantity): string {
  const { value, unit, calendar } = quantity;
  const code = calendar && unit !== 'year' && unit !== 'month' ? DEFINITE[unit as CalendarUnit] : unit;
  const canonical = calendar && code === unit ? undefined : canonicalQuantity(toDouble(value), code);
  if (calendar && code === unit) {
    const months = convertCalendar(value, unit as CalendarUnit, 'month') ?? value;
    return `${textKey(months)} month`;
  }
  return canonical === undefined ? `${textKey(value)} ${unit}` : `${canonical.value} ${canonical.unit}`;
}

function textKey(value: Decimal): string {
  const { digits, scale } = trimmed(value);
  return `${digits}e${scale}`;
}

/** The regular expression of FHIRPath for toQuantity(). */
const TEXT = /^([+-]?\d+(?:\.\d+)?)\s*(?:'([^']+)'|([a-zA-Z]+))?$/;

/** A quantity from its text; undefined if it is none. */
export function parseQuantity(text: string): Quantity | undefined {
  const match = TEXT.exec(text.trim());
  const value = match === null ? undefined : parseDecimal(match[1] as string);
  if (match === null || value === undefined) return undefined;
  const [, , code, keyword] = match;
  if (keyword !== undefined) {
    return calendarUnit(keyword) === undefined ? undefined : quantityOf(value, keyword, true);
  }
  return quantityOf(value, code ?? '1', false);
}

/** The unit of a product or quotient of two UCUM units: powers of the same symbol are put together. */
export function unitProduct(left: string, right: string, divided: boolean): string | undefined {
  const powers = new Map<string, number>();
  if (!collect(left, 1, powers) || !collect(right, divided ? -1 : 1, powers)) return undefined;
  const term = ([symbol, power]: [string, number]) => (power === 1 ? symbol : `${symbol}${power}`);
  const entries = [...powers];
  const above = entries.filter(([, power]) => power > 0).map(term);
  const below = entries
    .filter(([, power]) => power < 0)
    .map(([symbol, power]) => `/${term([symbol, -power])}`);
  return above.join('.') + below.join('') || '1';
}

/** @returns whether the unit is a plain product of symbols with powers */
function collect(unit: string, sign: number, powers: Map<string, number>): boolean {
  if (unit === '1') return true;
  if (/[()]/.test(unit)) return false;
  let direction = sign;
  for (const part of unit.split(/([./])/)) {
    if (part === '/') direction = -sign;
    else if (part === '.') direction = sign;
    else if (part !== '' && part !== '1') {
      const match = /^(.*?[^\d+-])([+-]?\d+)?$/.exec(part);
      if (match === null || /^10[*^]/.test(part)) return false;
      const symbol = match[1] as string;
      const power = (powers.get(symbol) ?? 0) + direction * Number(match[2] ?? 1);
      if (power === 0) powers.delete(symbol);
      else powers.set(symbol, power);
    }
  }
  return true;
}
