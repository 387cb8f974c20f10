/** A decimal number: `digits` divided by ten to the power of `scale` (0 or more). */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

/** Digits behind the point that a result of ours can have. */
export const MAX_SCALE = 28;
/** Digits in front of the point: FHIRPath asks for 20. */
const MAX_WHOLE = 40;
const MAX_EXPONENT = 400;
const MAX_DIGITS = 1000;

const powers: bigint[] = [1n];

function tenTo(exponent: number): bigint {
  for (let i = powers.length; i <= exponent; i++) powers.push((powers[i - 1] as bigint) * 10n);
  return powers[exponent] as bigint;
}

/** A number as FHIRPath, JSON or XML write it, also with an exponent; undefined for other texts and for huge ones. */
export function parseDecimal(text: string): Decimal | undefined {
  if (text.length > MAX_DIGITS) return undefined;
  const match = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return undefined;
  const fraction = match[3] ?? '';
  const exponent = Number(match[4] ?? 0);
  if (Math.abs(exponent) > MAX_EXPONENT) return undefined;
  let digits = BigInt(`${match[2]}${fraction}`);
  if (match[1] === '-') digits = -digits;
  const scale = fraction.length - exponent;
  return scale < 0 ? { digits: digits * tenTo(-scale), scale: 0 } : { digits, scale };
}

export function fromInteger(value: bigint | number): Decimal {
  return { digits: BigInt(value), scale: 0 };
}

/** The decimal that a double stands for, to 15 significant digits; undefined for what is not finite. */
export function fromDouble(value: number): Decimal | undefined {
  if (!Number.isFinite(value)) return undefined;
  const decimal = parseDecimal(String(Number(value.toPrecision(15))));
  return decimal === undefined ? undefined : bounded(decimal);
}

export function toDouble(value: Decimal): number {
  return Number(textOf(value));
}

/** Digits with a point in front of the last `scale` of them. */
export function textOf({ digits, scale }: Decimal): string {
  if (scale === 0) return digits.toString();
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0');
  return `${digits < 0n ? '-' : ''}${text.slice(0, -scale)}.${text.slice(-scale)}`;
}

/** The same value with exactly this many digits behind the point, which must not be fewer. */
export function widened({ digits, scale }: Decimal, to: number): Decimal {
  return to <= scale ? { digits, scale } : { digits: digits * tenTo(to - scale), scale: to };
}

/** Without zeros at the end, but with at least `least` digits behind the point. */
export function trimmed({ digits, scale }: Decimal, least = 0): Decimal {
  let value = digits;
  let places = scale;
  while (places > least && value % 10n === 0n) {
    value /= 10n;
    places--;
  }
  return widened({ digits: value, scale: places }, least);
}

export type Rounding = 'half' | 'floor' | 'ceiling' | 'truncate';

/** At most this many digits behind the point; `half` rounds halves away from zero. */
export function rounded({ digits, scale }: Decimal, places: number, how: Rounding = 'half'): Decimal {
  if (scale <= places) return { digits, scale };
  const divisor = tenTo(scale - places);
  const rest = digits % divisor;
  let value = digits / divisor;
  if (rest !== 0n) {
    const negative = digits < 0n;
    const beyond = (negative ? -rest : rest) * 2n >= divisor;
    if (how === 'half' ? beyond : how === 'floor' ? negative : how === 'ceiling' && !negative)
      value += negative ? -1n : 1n;
  }
  return { digits: value, scale: places };
}

/** Undefined for what is out of range (FHIRPath 6.6: the result is empty then). */
export function bounded(value: Decimal): Decimal | undefined {
  const result = rounded(value, MAX_SCALE);
  const limit = tenTo(MAX_WHOLE + result.scale);
  return result.digits > limit || result.digits < -limit ? undefined : result;
}

export function compareDecimals(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const left = widened(a, scale).digits;
  const right = widened(b, scale).digits;
  return left < right ? -1 : left > right ? 1 : 0;
}

export function add(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { digits: widened(a, scale).digits + widened(b, scale).digits, scale };
}

export function negated({ digits, scale }: Decimal): Decimal {
  return { digits: -digits, scale };
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  return { digits: a.digits * b.digits, scale: a.scale + b.scale };
}

/** Undefined for a division by zero. Digits that do not end are rounded at the 20th. */
export function divide(a: Decimal, b: Decimal): Decimal | undefined {
  if (b.digits === 0n) return undefined;
  const places = 20;
  const shift = places + 1 + b.scale - a.scale;
  const dividend = shift >= 0 ? a.digits * tenTo(shift) : a.digits / tenTo(-shift);
  return trimmed(rounded({ digits: dividend / b.digits, scale: places + 1 }, places), 1);
}

/** The whole number towards zero of a quotient; undefined for a division by zero. */
export function wholeQuotient(a: Decimal, b: Decimal): bigint | undefined {
  if (b.digits === 0n) return undefined;
  const scale = Math.max(a.scale, b.scale);
  return widened(a, scale).digits / widened(b, scale).digits;
}

/** What remains of a division towards zero; undefined for a division by zero. */
export function remainder(a: Decimal, b: Decimal): Decimal | undefined {
  if (b.digits === 0n) return undefined;
  const scale = Math.max(a.scale, b.scale);
  return { digits: widened(a, scale).digits % widened(b, scale).digits, scale };
}

/** A power with a whole exponent; undefined where it is out of range. */
export function powerOf(base: Decimal, exponent: number): Decimal | undefined {
  const size = Math.abs(toDouble(base));
  if (size > 1 && Math.abs(exponent) * Math.log10(size) > MAX_WHOLE) {
    return exponent > 0 ? undefined : { digits: 0n, scale: 1 };
  }
  if (exponent < 0) {
    const positive = powerOf(base, -exponent);
    return positive === undefined ? undefined : divide(fromInteger(1), positive);
  }
  let result: Decimal = fromInteger(1);
  let square = base;
  for (let left = exponent; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = rounded(multiply(result, square), MAX_SCALE * 2);
    square = rounded(multiply(square, square), MAX_SCALE * 2);
  }
  return bounded(result);
}
