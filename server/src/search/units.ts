import { createRequire } from 'node:module';

/** The `system` of UCUM units (R4 datatypes.html#quantity). */
export const UCUM = 'http://unitsofmeasure.org';

/** A quantity in base units of UCUM. */
export interface CanonicalQuantity {
  /** Rounded to 12 significant digits, so that 5 g and 5000 mg give the same number. */
  readonly value: number;
  /** Product of powers of m, s, g, rad, K, C, cd, mol, eq (`g.m-3`), or `1`; arbitrary units such as `[iU]` stay factors. */
  readonly unit: string;
}

interface Conversion {
  readonly factor: number;
  readonly offset: number;
  readonly unit: string;
}

/** Factor to base units of what most clinical data is written in, so that they need no UCUM library. */
const COMMON: readonly (readonly [string, number, string, number?])[] = [
  ['1', 1, '1'],
  ['%', 0.01, '1'],
  ['10*3', 1e3, '1'],
  ['10*6', 1e6, '1'],
  ['kg', 1000, 'g'],
  ['g', 1, 'g'],
  ['mg', 1e-3, 'g'],
  ['ug', 1e-6, 'g'],
  ['ng', 1e-9, 'g'],
  ['pg', 1e-12, 'g'],
  ['[lb_av]', 453.59237, 'g'],
  ['[oz_av]', 28.349523125, 'g'],
  ['m', 1, 'm'],
  ['cm', 0.01, 'm'],
  ['mm', 1e-3, 'm'],
  ['um', 1e-6, 'm'],
  ['km', 1e3, 'm'],
  ['[in_i]', 0.0254, 'm'],
  ['[ft_i]', 0.3048, 'm'],
  ['m2', 1, 'm2'],
  ['L', 1e-3, 'm3'],
  ['l', 1e-3, 'm3'],
  ['dL', 1e-4, 'm3'],
  ['mL', 1e-6, 'm3'],
  ['uL', 1e-9, 'm3'],
  ['fL', 1e-18, 'm3'],
  ['s', 1, 's'],
  ['ms', 1e-3, 's'],
  ['min', 60, 's'],
  ['h', 3600, 's'],
  ['d', 86400, 's'],
  ['wk', 604800, 's'],
  ['mo', 2629800, 's'],
  ['a', 31557600, 's'],
  ['/min', 1 / 60, 's-1'],
  ['/h', 1 / 3600, 's-1'],
  ['/d', 1 / 86400, 's-1'],
  ['Hz', 1, 's-1'],
  ['K', 1, 'K'],
  ['Cel', 1, 'K', 273.15],
  ['[degF]', 5 / 9, 'K', (459.67 * 5) / 9],
  ['mm[Hg]', 133322, 'g.m-1.s-2'],
  ['kPa', 1e6, 'g.m-1.s-2'],
  ['kg/m2', 1000, 'g.m-2'],
  ['g/L', 1000, 'g.m-3'],
  ['g/dL', 1e4, 'g.m-3'],
  ['mg/dL', 10, 'g.m-3'],
  ['mg/L', 1, 'g.m-3'],
  ['ug/dL', 0.01, 'g.m-3'],
  ['ug/L', 1e-3, 'g.m-3'],
  ['ug/mL', 1, 'g.m-3'],
  ['ng/mL', 1e-3, 'g.m-3'],
  ['ng/dL', 1e-5, 'g.m-3'],
  ['pg/mL', 1e-6, 'g.m-3'],
  ['mg/g', 1e-3, '1'],
  ['mol', 1, 'mol'],
  ['mmol', 1e-3, 'mol'],
  ['mol/L', 1e3, 'm-3.mol'],
  ['mmol/L', 1, 'm-3.mol'],
  ['umol/L', 1e-3, 'm-3.mol'],
  ['nmol/L', 1e-6, 'm-3.mol'],
  ['pmol/L', 1e-9, 'm-3.mol'],
  ['meq/L', 1, 'm-3.eq'],
  ['10*3/uL', 1e12, 'm-3'],
  ['10*6/uL', 1e15, 'm-3'],
  ['10*9/L', 1e12, 'm-3'],
  ['10*12/L', 1e15, 'm-3'],
  ['/uL', 1e9, 'm-3'],
  ['mL/min', 1e-6 / 60, 'm3.s-1'],
  ['L/min', 1e-3 / 60, 'm3.s-1'],
  ['U/L', 1e-3 / 60, 'm-3.s-1.mol'],
  ['mg/d', 1e-3 / 86400, 'g.s-1'],
  ['[iU]', 1, '[iU]'],
  ['[iU]/L', 1e3, 'm-3.[iU]'],
  ['m[iU]/L', 1, 'm-3.[iU]'],
  ['m[iU]/mL', 1e3, 'm-3.[iU]'],
  ['u[iU]/mL', 1, 'm-3.[iU]'],
];

/** The codes of the built-in table: a test compares each of them with the UCUM library. */
export const COMMON_UNITS: readonly string[] = COMMON.map(([code]) => code);

const common = new Map<string, Conversion>();
for (const [code, factor, unit, offset] of COMMON) common.set(code, { factor, offset: offset ?? 0, unit });

/** Conversions met so far; null for a code that UCUM does not know. */
const cache = new Map<string, Conversion | null>();
const CACHE_LIMIT = 4096;
/** No UCUM expression in use is longer; a longer text is not parsed at all. */
const LONGEST_CODE = 80;

/**
 * A quantity in canonical UCUM units, so that values in different units of the same kind can be compared
 * (R4 search.html#quantity). Annotations (`{...}`) do not count. Special units of temperature are converted with their
 * offset; other special (logarithmic) units stay as they are, a unit of their own kind. Undefined if `code` is not a
 * UCUM expression or the value is not finite; never throws. The UCUM library is loaded at the first code that the
 * built-in table lacks.
 */
export function canonicalQuantity(value: number, code: string): CanonicalQuantity | undefined {
  const conversion = common.get(code) ?? lookUp(code);
  if (conversion === null) return undefined;
  const converted =
    conversion.factor === 1 && conversion.offset === 0
      ? value
      : value * conversion.factor + conversion.offset;
  if (!Number.isFinite(converted)) return undefined;
  return {
    value: Number.isInteger(converted) ? converted : Number(converted.toPrecision(12)),
    unit: conversion.unit,
  };
}

function lookUp(code: string): Conversion | null {
  const known = cache.get(code);
  if (known !== undefined) return known;
  const conversion = convert(code);
  if (code.length > LONGEST_CODE * 4) return conversion;
  // Emptied as a whole: the codes in use are back after one look-up each.
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(code, conversion);
  return conversion;
}

function convert(code: string): Conversion | null {
  const bare = withoutAnnotations(code);
  // The library writes to the console about white space.
  if (bare === undefined || bare.length > LONGEST_CODE || /\s/.test(bare)) return null;
  return common.get(bare) ?? ucumConversion(bare);
}

/** The expression without its annotations, `1` where nothing else is left; undefined if braces do not match. */
function withoutAnnotations(code: string): string | undefined {
  if (code === '') return undefined;
  let bare = '';
  let inside = false;
  for (let i = 0; i < code.length; i++) {
    const unit = code.charCodeAt(i);
    if (unit === 0x7b) {
      if (inside) return undefined;
      inside = true;
      // `/{creat}` is `/1`: an annotation alone stands for the unity
      const before = bare.charCodeAt(bare.length - 1);
      if (bare === '' || before === 0x2f || before === 0x2e || before === 0x28) {
        const after = code.charCodeAt(code.indexOf('}', i) + 1);
        if (Number.isNaN(after) || after === 0x2f || after === 0x2e || after === 0x29) bare += '1';
      }
    } else if (unit === 0x7d) {
      if (!inside) return undefined;
      inside = false;
    } else if (!inside) bare += code[i];
  }
  if (inside || bare === '') return undefined;
  return bare.startsWith('1/') && bare.length > 2
    ? bare.slice(1)
    : bare.endsWith('/1')
      ? bare.slice(0, -2) || '1'
      : bare;
}

/** The parts of a unit of the UCUM library that we use. */
interface UcumUnit {
  readonly magnitude_: number;
  readonly dim_: { readonly dimVec_: readonly number[] | null } | null;
  readonly cnv_: string | null;
  readonly cnvPfx_: number;
  readonly isArbitrary_: boolean;
  readonly moleExp_: number;
  readonly equivalentExp_: number;
}
interface UcumUtils {
  getSpecifiedUnit(code: string, purpose: 'validate'): { unit: UcumUnit | null; retMsg: readonly string[] };
}

let ucum: UcumUtils | undefined;

function ucumUnit(code: string): UcumUnit | undefined {
  if (ucum === undefined) {
    const library = createRequire(import.meta.url)('@lhncbc/ucum-lhc') as {
      UcumLhcUtils: { getInstance(): UcumUtils };
    };
    ucum = library.UcumLhcUtils.getInstance();
  }
  try {
    const { unit, retMsg } = ucum.getSpecifiedUnit(code, 'validate');
    // A message means that the library guessed another unit than was written.
    return unit === null || retMsg.length > 0 ? undefined : unit;
  } catch {
    return undefined;
  }
}

const BASE_UNITS = ['m', 's', 'g', 'rad', 'K', 'C', 'cd'];
const CANONICAL_ORDER = ['g', 'm', 's', 'rad', 'K', 'C', 'cd', 'mol', 'eq'];
/** The number of particles in a mole as the UCUM library's tables have it; it counts a mole as that many. */
const PARTICLES = 6.0221367e23;
/** Kelvin at zero of the temperature scales that UCUM defines as special units (ucum.org, table 4). */
const ZERO_IN_KELVIN: Readonly<Record<string, number>> = {
  Cel: 273.15,
  degF: (459.67 * 5) / 9,
  degRe: 273.15,
};

function ucumConversion(code: string): Conversion | null {
  const unit = ucumUnit(code);
  if (unit === undefined || !Number.isFinite(unit.magnitude_) || unit.magnitude_ === 0) return null;
  if (unit.cnv_ !== null && unit.cnv_ !== undefined) {
    const zero = ZERO_IN_KELVIN[unit.cnv_];
    if (zero === undefined) return { factor: 1, offset: 0, unit: code };
    return { factor: round15(unit.magnitude_ * unit.cnvPfx_), offset: zero, unit: 'K' };
  }
  const powers = new Map<string, number>();
  unit.dim_?.dimVec_?.forEach((power, i) => {
    powers.set(BASE_UNITS[i] as string, power);
  });
  powers.set('mol', unit.moleExp_);
  powers.set('eq', unit.equivalentExp_);
  const order = [...CANONICAL_ORDER];
  if (unit.isArbitrary_) {
    const arbitrary = arbitraryPowers(code);
    if (arbitrary === undefined) return { factor: 1, offset: 0, unit: code };
    for (const [name, power] of [...arbitrary].sort(([a], [b]) => (a < b ? -1 : 1))) {
      powers.set(name, power);
      order.push(name);
    }
  }
  const name = order
    .filter((base) => (powers.get(base) ?? 0) !== 0)
    .map((base) => (powers.get(base) === 1 ? base : `${base}${powers.get(base)}`))
    .join('.');
  const factor = round15(unit.magnitude_ / PARTICLES ** (unit.moleExp_ + unit.equivalentExp_));
  return { factor, offset: 0, unit: name === '' ? '1' : name };
}

function round15(value: number): number {
  return Number(value.toPrecision(15));
}

/**
 * The powers of the arbitrary units (`[iU]`, `[CFU]`: commensurable with nothing but themselves) in an expression;
 * undefined for an expression with parentheses, which then is a unit of its own.
 */
function arbitraryPowers(code: string): Map<string, number> | undefined {
  if (code.includes('(')) return undefined;
  const powers = new Map<string, number>();
  let sign = 1;
  for (const part of code.split(/(\[[^\]]*\]-?\d*|[/.])/)) {
    if (part === '/') sign = -1;
    else if (part === '.') sign = 1;
    else if (part.startsWith('[')) {
      const end = part.indexOf(']') + 1;
      const name = part.slice(0, end) === '[IU]' ? '[iU]' : part.slice(0, end);
      if (ucumUnit(name)?.isArbitrary_ !== true) continue;
      powers.set(name, (powers.get(name) ?? 0) + sign * Number(part.slice(end) || 1));
    }
  }
  return powers;
}
