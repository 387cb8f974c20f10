import type { Typed } from './naive-definitions.ts';
import {
  compareDecimals,
  compareNumbers,
  compareSpans,
  type Decimal,
  dateSpan,
  decimal,
  type Interval,
  isObject,
  type Json,
  type JsonObject,
  list,
  numberSearch,
  plainText,
  prefixed,
  type Span,
  splitAt,
  texts,
  unescaped,
} from './naive-values.ts';

/*
 * Whether one value of a resource matches one value of a search, by the tables of R4 search.html for each type of search
 * parameter. Naive on purpose: see naive-search.ts.
 */

/** What a match depends on besides the two values. */
export interface NaiveContext {
  readonly base: string;
  /** Epoch milliseconds. */
  readonly now: number;
  /** The system that a value of the parameter has implicitly, if it is a `code`. */
  readonly implicitSystem?: string | undefined;
  /** Types that a reference parameter may point to; undefined for any. */
  readonly targets?: readonly string[] | undefined;
}

interface Token {
  readonly system?: string | undefined;
  readonly code?: string | undefined;
  readonly exact?: boolean;
}

function text(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** R4 search.html#token, the table of data types. */
function tokensOf({ type, value }: Typed, context: NaiveContext): Token[] {
  if (isObject(value)) {
    switch (type) {
      case 'CodeableConcept':
        return list(value['coding']).flatMap((coding) =>
          tokensOf({ type: 'Coding', value: coding }, context),
        );
      case 'Coding':
        return [{ system: text(value['system']), code: text(value['code']) }];
      case 'Identifier':
        return [{ system: text(value['system']), code: text(value['value']), exact: true }];
      case 'ContactPoint':
        return [{ code: text(value['value']) }];
      default:
        return [];
    }
  }
  const code = String(value);
  if (type === 'code') return [{ code }, { code, system: context.implicitSystem }];
  return [{ code, exact: type === 'id' }];
}

export function isTokenType({ type, value }: Typed): boolean {
  return !isObject(value) || ['CodeableConcept', 'Coding', 'Identifier', 'ContactPoint'].includes(type);
}

function sameCode(token: Token, code: string): boolean {
  if (token.code === undefined) return false;
  return token.exact ? token.code === code : token.code.toLowerCase() === code.toLowerCase();
}

export function matchToken(typed: Typed, raw: string, context: NaiveContext): boolean {
  const [first = '', second] = splitAt(raw, '|').map(unescaped);
  return tokensOf(typed, context).some((token) => {
    if (second === undefined) return sameCode(token, first);
    if (second === '') return token.system === first;
    return (token.system ?? '') === first && sameCode(token, second);
  });
}

/** `:text`: R4 search.html#token, texts associated with the code. */
export function tokenTexts({ type, value }: Typed): string[] {
  if (!isObject(value)) return [];
  if (type === 'Coding') return texts(value['display']);
  if (type === 'CodeableConcept') {
    return [
      ...texts(value['text']),
      ...list(value['coding']).flatMap((one) => texts((one as JsonObject)['display'])),
    ];
  }
  return type === 'Identifier' && isObject(value['type']) ? texts(value['type']['text']) : [];
}

export function matchOfType({ value }: Typed, raw: string): boolean {
  const [system, code = '', number] = splitAt(raw, '|').map(unescaped);
  if (!isObject(value) || value['value'] !== number || !isObject(value['type'])) return false;
  return list(value['type']['coding']).some((coding) => {
    const { system: of, code: is } = coding as JsonObject;
    return (of ?? '') === system && typeof is === 'string' && is.toLowerCase() === code.toLowerCase();
  });
}

/** The strings of a value that a string parameter searches (R4 search.html#string: HumanName and Address by their parts). */
export function stringsOf({ type, value }: Typed): string[] {
  if (!isObject(value)) return [String(value)];
  const parts = (...names: string[]) => names.flatMap((name) => texts(value[name]));
  switch (type) {
    case 'HumanName':
      return parts('family', 'given', 'prefix', 'suffix', 'text');
    case 'Address':
      return parts('text', 'line', 'city', 'district', 'state', 'postalCode', 'country');
    case 'CodeableConcept':
      return tokenTexts({ type, value });
    case 'Annotation':
      return parts('text');
    default:
      return [];
  }
}

/** How texts are compared; `equals`, `endsWith` and the others as operators of `_filter` too. */
export function matchText(found: string, how: string, wanted: string): boolean {
  if (how === 'exact') return found === wanted;
  const value = plainText(found);
  const search = plainText(wanted);
  switch (how) {
    case 'starts':
      return value.startsWith(search);
    case 'contains':
      return value.includes(search);
    case 'ends':
      return value.endsWith(search);
    default:
      return value === search;
  }
}

/** R4 search.html#uri. */
export function matchUri(found: string, how: string, wanted: string): boolean {
  switch (how) {
    case 'below':
      return found.startsWith(wanted);
    case 'above': {
      if (found === wanted) return true;
      const isUrl = /^\w+:\/\/[^/]/.test(found);
      return isUrl && wanted.startsWith(found) && (found.endsWith('/') || wanted[found.length] === '/');
    }
    case 'contains':
      return found.includes(wanted);
    case 'ends':
      return found.endsWith(wanted);
    default:
      return found === wanted;
  }
}

/** A canonical is found with its version and without (R4 references.html#canonical). */
export function uriForms({ type, value }: Typed): string[] {
  if (typeof value !== 'string') return [];
  if (type !== 'canonical') return [value];
  return [value, value.replace(/\|.*$/, '')];
}

/** R4 search.html#date. */
export function spanOf({ type, value }: Typed): Span | undefined {
  if (typeof value === 'string') {
    const span = dateSpan(value);
    // An instant is a point in time.
    return type === 'instant' && span !== undefined ? { from: span.from, to: span.from } : span;
  }
  if (!isObject(value)) return undefined;
  if (type === 'Period') {
    const start = text(value['start']);
    const end = text(value['end']);
    if (start === undefined && end === undefined) return undefined;
    return {
      from: start === undefined ? Number.NEGATIVE_INFINITY : (dateSpan(start) as Span).from,
      to: end === undefined ? Number.POSITIVE_INFINITY : (dateSpan(end) as Span).to,
    };
  }
  if (type !== 'Timing') return undefined;
  const spans = texts(value['event']).map((one) => dateSpan(one) as Span);
  if (isObject(value['repeat']) && isObject(value['repeat']['boundsPeriod'])) {
    const bounds = spanOf({ type: 'Period', value: value['repeat']['boundsPeriod'] });
    if (bounds !== undefined) spans.push(bounds);
  }
  if (spans.length === 0) return undefined;
  return { from: Math.min(...spans.map(({ from }) => from)), to: Math.max(...spans.map(({ to }) => to)) };
}

export function isDateType({ type }: Typed): boolean {
  return ['date', 'dateTime', 'instant', 'Period', 'Timing'].includes(type);
}

export function matchSpan(target: Span, raw: string, now: number, overlap = false): boolean {
  const [prefix, rest] = prefixed(unescaped(raw));
  const search = dateSpan(rest);
  if (search === undefined) throw new Error(raw);
  if (overlap) return compareSpans('po', search, target);
  if (prefix !== 'ap') return compareSpans(prefix, search, target);
  const gap = Math.round(Math.max(0, search.from - now, now - search.to) / 10);
  return compareSpans('ap', { from: search.from - gap, to: search.to + gap }, target);
}

const UCUM = 'http://unitsofmeasure.org';
/** Powers of ten of the units of mass that the tests use, in grams. */
const GRAMS: Readonly<Record<string, number>> = { mg: -3, g: 0, kg: 3 };

interface Measured {
  readonly interval: Interval;
  readonly unit?: string | undefined;
  readonly system?: string | undefined;
  readonly code?: string | undefined;
}

function measured(value: JsonObject, interval: Interval): Measured {
  return { interval, unit: text(value['unit']), system: text(value['system']), code: text(value['code']) };
}

/** JSON numbers come as they are written in the tests' text: see search-resources.ts. */
function numberOf(value: Json | undefined): Decimal | undefined {
  return typeof value === 'number' ? decimal(String(value)) : undefined;
}

/** R4 search.html#quantity and #number: a value as the range of numbers that it means. */
export function measure({ type, value }: Typed): Measured | undefined {
  if (!isObject(value)) {
    const exact = numberOf(value);
    return exact === undefined ? undefined : { interval: { low: exact, high: exact } };
  }
  if (type === 'Range') {
    const low = isObject(value['low']) ? value['low'] : undefined;
    const high = isObject(value['high']) ? value['high'] : undefined;
    const interval = { low: numberOf(low?.['value']), high: numberOf(high?.['value']) };
    if (interval.low === undefined && interval.high === undefined) return undefined;
    return measured((interval.low === undefined ? high : low) as JsonObject, interval);
  }
  if (type === 'SampledData') {
    const points = String(value['data'])
      .split(' ')
      .map((point) => decimal(point) as Decimal)
      .sort(compareDecimals);
    return measured(value['origin'] as JsonObject, { low: points[0], high: points.at(-1) });
  }
  const exact = numberOf(value['value']);
  if (exact === undefined) return undefined;
  switch (value['comparator']) {
    case '<':
      return measured(value, { high: exact, highExcluded: true });
    case '<=':
      return measured(value, { high: exact });
    case '>':
      return measured(value, { low: exact, lowExcluded: true });
    case '>=':
      return measured(value, { low: exact });
    default:
      return measured(value, { low: exact, high: exact });
  }
}

function shifted(value: Decimal | undefined, power: number): Decimal | undefined {
  return value && { digits: value.digits, power: value.power + power };
}

export function matchMeasure(found: Measured, raw: string): boolean {
  const [number = '', system, code] = splitAt(raw, '|').map(unescaped);
  const [prefix, rest] = prefixed(number);
  const search = numberSearch(rest);
  if (search === undefined) throw new Error(raw);
  const { interval } = found;
  if (system === undefined || code === undefined) return compareNumbers(prefix, search, interval);
  if (system === '')
    return (found.code === code || found.unit === code) && compareNumbers(prefix, search, interval);
  if (found.system !== system || found.code === undefined) return false;
  if (found.code === code) return compareNumbers(prefix, search, interval);
  const from = GRAMS[found.code];
  const to = GRAMS[code];
  if (system !== UCUM || from === undefined || to === undefined) return false;
  const power = from - to;
  return compareNumbers(prefix, search, {
    ...interval,
    low: shifted(interval.low, power),
    high: shifted(interval.high, power),
  });
}

/** What quantities are ordered by: UCUM masses in grams; `excluded` is just above the number itself. */
export interface MeasureOrder {
  /** Whether it has a unit of a system. */
  readonly comparable: boolean;
  readonly low: Decimal | undefined;
  readonly excluded: boolean;
}

export function measureOrder({ interval, system, code }: Measured): MeasureOrder {
  const power = system === UCUM && code !== undefined ? GRAMS[code] : undefined;
  const excluded = interval.lowExcluded === true;
  return power === undefined
    ? { comparable: system !== undefined && code !== undefined, low: interval.low, excluded }
    : { comparable: true, low: shifted(interval.low, power), excluded };
}

/** A reference as R4 references.html reads its text. */
export interface NaiveReference {
  /** `Type/id` of a resource of this server. */
  readonly local?: string;
  readonly version?: string | undefined;
  readonly type?: string | undefined;
  readonly url?: string;
}

export function readReference(reference: string, base: string): NaiveReference {
  if (reference.startsWith('#')) return {};
  const [whole = '', version] = reference.split('/_history/');
  const path = whole.startsWith(`${base}/`) ? whole.slice(base.length + 1) : whole;
  if (/^[A-Z][A-Za-z]+\/[A-Za-z0-9.-]+$/.test(path))
    return { local: path, version, type: path.split('/')[0] };
  return { url: whole, type: /\/([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]+$/.exec(whole)?.[1] };
}

/** R4 search.html#reference. */
export function matchReference({ type, value }: Typed, raw: string, context: NaiveContext): boolean {
  const search = unescaped(raw);
  const reference = isObject(value) ? value['reference'] : value;
  if (typeof reference !== 'string') return false;
  if (/^[a-z]+:/.test(search) && !search.startsWith(`${context.base}/`)) {
    if (type !== 'Reference') return uriForms({ type: 'canonical', value: reference }).includes(search);
    return readReference(reference, context.base).url === search.split('/_history/')[0];
  }
  const found = readReference(
    type === 'Reference' ? reference : reference.replace(/\|.*$/, ''),
    context.base,
  );
  if (found.local === undefined) return false;
  if (!search.includes('/')) {
    const [target = '', id] = found.local.split('/');
    return id === search && (context.targets === undefined || context.targets.includes(target));
  }
  const wanted = readReference(search, context.base);
  return wanted.local === found.local && (wanted.version === undefined || wanted.version === found.version);
}

/** `:below` of a canonical: R4 search.html#versions. */
export function matchCanonical({ value }: Typed, search: string): boolean {
  if (typeof value !== 'string') return false;
  const [url, version] = value.split('|');
  const [wanted, wantedVersion] = search.split('|');
  if (url !== wanted) return false;
  return (
    wantedVersion === undefined ||
    version === wantedVersion ||
    (version ?? '').startsWith(`${wantedVersion}.`)
  );
}
