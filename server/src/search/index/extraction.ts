import type { Resource } from '../../json/types.ts';
import type { DateRange } from '../dates.ts';
import { type Hash64, xorHash } from '../hash.ts';
import type { DateEntry, IndexEntries, QuantityEntry, StringEntry, TextEntry } from '../index-model.ts';
import { HashSet64 } from './hash-set.ts';
import { type CachedReference, compartmentKey, type KeyCache } from './key-cache.ts';
import type { PathScope } from './path-types.ts';

/** What the entries of a parameter depend on besides its values; fixed when the parameter is compiled. */
export interface ParamContext {
  readonly key: number;
  /** Its value lies in date_low and date_high. */
  readonly primaryDate: boolean;
  /** Its Patient target lies in column patient. */
  readonly patient: boolean;
  /** Compartments that its targets put the resource into. */
  readonly compartments: readonly string[];
}

/** Duplicates are looked for among this many entries before a new one: values that repeat mostly lie together. */
const NEAR = 16;

const seen = new HashSet64();

/** The entries of one resource while they are collected. */
export class Extraction implements PathScope {
  readonly resource: Resource;
  readonly cache: KeyCache;
  dateLow: number | null = null;
  dateHigh: number | null = null;
  patient: Hash64 | null = null;
  readonly references: Hash64[] = [];
  readonly tokens: Hash64[] = [];
  readonly compartments: Hash64[] = [];
  readonly present: number[] = [];
  readonly dates: DateEntry[] = [];
  readonly strings: StringEntry[] = [];
  readonly quantities: QuantityEntry[] = [];
  readonly texts: TextEntry[] = [];
  #lastPresent: number | undefined;

  constructor(resource: Resource, cache: KeyCache) {
    this.resource = resource;
    this.cache = cache;
    seen.clear();
  }

  referenceType(text: string): string | undefined {
    return this.cache.reference(text).type;
  }

  markPresent(param: ParamContext): void {
    // A parameter's values come one after the other.
    if (this.#lastPresent === param.key) return;
    this.#lastPresent = param.key;
    this.present.push(param.key);
  }

  token(token: Hash64 | undefined): void {
    if (token !== undefined && seen.add(token)) this.tokens.push(token);
  }

  text(entry: TextEntry | undefined): void {
    if (entry === undefined || !seen.add(entry.token)) return;
    this.tokens.push(entry.token);
    this.texts.push(entry);
  }

  /** A uri's or canonical's token with its text entry for `:below`. */
  uri(param: ParamContext, uri: string): void {
    const token = this.cache.uri(param.key, uri);
    if (!seen.add(token)) return;
    this.tokens.push(token);
    this.texts.push({ param: param.key, text: uri, token });
  }

  /** The tokens of a literal reference to a resource of the tenant: the parameter's, and of compartments. */
  localReference(param: ParamContext, reference: CachedReference, hash: Hash64): void {
    const { keys } = this.cache;
    const token = xorHash(keys.salt(param.key), hash);
    if (seen.add(token)) this.references.push(token);
    const { type } = reference;
    if (param.patient && type === 'Patient') this.patient ??= hash;
    for (const compartment of param.compartments) {
      if (compartment === type) this.compartment(compartment, hash);
    }
  }

  /** Membership in the compartment of the resource with this reference hash. */
  compartment(type: string, hash: Hash64): void {
    const token = xorHash(this.cache.keys.salt(compartmentKey(type)), hash);
    if (seen.add(token)) this.compartments.push(token);
  }

  date(param: ParamContext, range: DateRange): void {
    if (param.primaryDate) {
      this.dateLow = this.dateLow === null ? range.low : Math.min(this.dateLow, range.low);
      this.dateHigh = this.dateHigh === null ? range.high : Math.max(this.dateHigh, range.high);
      return;
    }
    const { dates } = this;
    for (let i = dates.length - 1; i >= 0 && i >= dates.length - NEAR; i--) {
      const other = dates[i] as DateEntry;
      if (other.param === param.key && other.low === range.low && other.high === range.high) return;
    }
    dates.push({ param: param.key, low: range.low, high: range.high });
  }

  string(param: ParamContext, text: string): void {
    const { normalized, exact } = this.cache.string(param.key, text);
    if (normalized === '') return;
    if (seen.add(exact)) this.tokens.push(exact);
    const { strings } = this;
    for (let i = strings.length - 1; i >= 0 && i >= strings.length - NEAR; i--) {
      const other = strings[i] as StringEntry;
      if (other.param === param.key && other.value === normalized) return;
    }
    strings.push({ param: param.key, value: normalized });
  }

  quantity(param: number, key: Hash64, unit: Hash64, low: number, high: number): void {
    const { quantities } = this;
    for (let i = quantities.length - 1; i >= 0 && i >= quantities.length - NEAR; i--) {
      const other = quantities[i] as QuantityEntry;
      if (
        other.param === param &&
        other.low === low &&
        other.high === high &&
        other.unit.lo === unit.lo &&
        other.unit.hi === unit.hi &&
        other.key.lo === key.lo &&
        other.key.hi === key.hi
      ) {
        return;
      }
    }
    quantities.push({ param, key, unit, low, high });
  }

  entries(): IndexEntries {
    const { references, tokens, compartments } = this;
    const referenceCount = references.length;
    for (let i = 0; i < compartments.length; i++) references.push(compartments[i] as Hash64);
    for (let i = 0; i < tokens.length; i++) references.push(tokens[i] as Hash64);
    return {
      dateLow: this.dateLow,
      dateHigh: this.dateHigh,
      patient: this.patient,
      tokens: references,
      referenceCount,
      present: this.present,
      dates: this.dates,
      strings: this.strings,
      quantities: this.quantities,
      texts: this.texts,
    };
  }
}
