import type { SearchParamModel } from '../conformance/model.ts';
import { type Hash64, type TextHasher, xorHash } from './hash.ts';

/**
 * What a resource leaves in the index, and how every entry is keyed. Extraction (index/) writes these entries and the
 * search planner (plan/) looks for them: both build their keys with the functions of this file and nothing else.
 *
 * Where the entries go (storage/migrations):
 * - `store.resource.tokens bigint[]` under GIN: tokens, references, uris, exact strings, composite entries;
 * - `store.resource.date_low, date_high, patient, present`: primary date, patient key, parameters that have a value;
 * - `store.index_date`, `index_string`, `index_quantity`: one narrow row for each remaining value;
 * - `store.index_text`: each distinct display text or uri of a tenant and parameter once, to find its token by prefix
 *   or substring (`:text`, `:contains` and `:below` of a uri).
 */
export interface IndexEntries {
  /** Low bound of the primary date in epoch milliseconds, or null. See {@link TypeSearchModel.primaryDate}. */
  dateLow: number | null;
  /** High bound (inclusive, the last millisecond) of the primary date, or null. */
  dateHigh: number | null;
  /** {@link IndexKeys.reference} hash of the patient the resource is about; a Patient's own hash for a Patient; otherwise null. */
  patient: Hash64 | null;
  /** Reference tokens first (`referenceCount` of them), then all other tokens. Without duplicates. */
  tokens: Hash64[];
  referenceCount: number;
  /** {@link SearchParamModel.key} of each parameter with at least one value (`:missing`). Without duplicates. */
  present: number[];
  /** Dates other than the primary one. */
  dates: DateEntry[];
  strings: StringEntry[];
  quantities: QuantityEntry[];
  texts: TextEntry[];
  /** Of a Slot that is not free: the time that it takes of its Schedule (`store.busy`). */
  busy?: BusyEntry;
}

/** Time of a Schedule that is taken: epoch milliseconds, `end` excluded. */
export interface BusyEntry {
  /** {@link IndexKeys.reference} hash of the Schedule. */
  schedule: Hash64;
  start: number;
  end: number;
  /** When a hold ends; null for what is taken for good. */
  expires: number | null;
}

export interface DateEntry {
  param: number;
  /** Epoch milliseconds. An open start is {@link MIN_DATE}. */
  low: number;
  /** Epoch milliseconds, inclusive. An open end is {@link MAX_DATE}. */
  high: number;
}

export interface StringEntry {
  param: number;
  /** The text after normalizeString, cut to {@link MAX_STRING}. */
  value: string;
}

/** A number or quantity; for a composite with a quantity or number part, also the hash of its other part. */
export interface QuantityEntry {
  param: number;
  /** Hash of the token part of a composite ({@link IndexKeys.compositeKey}); zero otherwise. */
  key: Hash64;
  /** {@link IndexKeys.unitKey}, {@link IndexKeys.systemUnitKey} or, for numbers and unitless quantities, zero. */
  unit: Hash64;
  /** For the `near` parameter of Location: degrees of latitude. */
  low: number;
  /** For the `near` parameter of Location: degrees of longitude. */
  high: number;
}

export interface TextEntry {
  param: number;
  /** What {@link IndexKeys.text} or {@link IndexKeys.uri} was made of: a normalized display text, or a uri as it is. */
  text: string;
  /** The token that resources with this text carry. */
  token: Hash64;
}

export const MIN_DATE = -8640000000000000;
export const MAX_DATE = 8640000000000000;
/** Longest normalized string kept in index_string, in UTF-16 code units. */
export const MAX_STRING = 256;
export const ZERO: Hash64 = { hi: 0, lo: 0 };

/** 32-bit FNV-1a of `Type.code`: the key of a search parameter in index rows. */
export function searchParamKey(resourceType: string, code: string): number {
  let hash = 0x811c9dc5;
  const text = `${resourceType}.${code}`;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash | 0;
}

/**
 * The keys of one tenant's index entries. Every hash depends on the database's secret key and the tenant, so entries of
 * two tenants never meet in an index.
 *
 * Token forms: for a Coding or Identifier with system s and code c the resource carries the forms `c`, `s|c`, `s|`;
 * without a system `c` and `|c`. A search `c`, `s|c`, `s|` or `|c` then looks for one token. The code of an Identifier or
 * `id` is kept as it is; of all others it is lower-cased by the caller (R4 search.html#token: not case sensitive), see
 * foldCode in normalize.ts.
 */
export class IndexKeys {
  readonly tenantId: number;
  readonly #hasher: TextHasher;
  readonly #tenantSalt: Hash64;
  readonly #salts = new Map<number, Hash64>();

  constructor(hasher: TextHasher, tenantId: number) {
    this.#hasher = hasher;
    this.tenantId = tenantId;
    this.#tenantSalt = hasher.hash(`tenant ${tenantId}`);
  }

  /** Hash of `Type/id`: column ref_hash. */
  reference(typeAndId: string): Hash64 {
    return this.#hasher.hash(typeAndId, this.#tenantSalt);
  }

  /** What a parameter's tokens are salted with. `salt # ref_hash` in SQL is the token of a reference to that row. */
  salt(param: number): Hash64 {
    let salt = this.#salts.get(param);
    if (salt === undefined) {
      salt = this.#hasher.hash(`param ${param}`, this.#tenantSalt);
      this.#salts.set(param, salt);
    }
    return salt;
  }

  /** Token of a literal reference to `Type/id` of this tenant (relative, or absolute below the tenant's base URL; a version is cut off). */
  referenceToken(param: number, typeAndId: string): Hash64 {
    return xorHash(this.salt(param), this.reference(typeAndId));
  }

  /** Token of a reference or canonical to another server or a logical URL. A canonical `url|version` leaves two: with and without version. */
  urlToken(param: number, url: string): Hash64 {
    return this.#hasher.hash(`u${url}`, this.salt(param));
  }

  /** Token of any value with this code: form `c`. */
  code(param: number, code: string): Hash64 {
    return this.#hasher.hash(`c${code}`, this.salt(param));
  }

  /** Forms `s|c` and, with an empty system, `|c`. */
  systemCode(param: number, system: string, code: string): Hash64 {
    return this.#hasher.hash(`s${system}|${code}`, this.salt(param));
  }

  /** Form `s|`. */
  system(param: number, system: string): Hash64 {
    return this.#hasher.hash(`y${system}`, this.salt(param));
  }

  /** `:identifier` of a reference: forms as for tokens, over Reference.identifier. */
  identifier(param: number, form: string): Hash64 {
    return this.#hasher.hash(`i${form}`, this.salt(param));
  }

  /** `:of-type` of an identifier: `type-system|type-code|value`. */
  ofType(param: number, typeSystem: string, typeCode: string, value: string): Hash64 {
    return this.#hasher.hash(`t${typeSystem}|${typeCode}|${value}`, this.salt(param));
  }

  /** `:exact` of a string: the text as it is. */
  exact(param: number, text: string): Hash64 {
    return this.#hasher.hash(`e${text}`, this.salt(param));
  }

  /** Token of a normalized display text (Coding.display, CodeableConcept.text, Identifier.type.text): also in index_text. */
  text(param: number, normalized: string): Hash64 {
    return this.#hasher.hash(`x${normalized}`, this.salt(param));
  }

  /** Token of a uri value, exactly as written: also in index_text for `:below`. */
  uri(param: number, uri: string): Hash64 {
    return this.#hasher.hash(`u${uri}`, this.salt(param));
  }

  /**
   * A composite entry. `parts` are the forms of its equality parts in order, as {@link compositePart} writes them.
   * Without a number or quantity part it is a token; with one it is the `key` of QuantityEntry rows; with a string or
   * date part that part is kept in `parts` too (string: normalized, date: as written up to the precision given).
   */
  compositeKey(param: number, parts: readonly string[]): Hash64 {
    return this.#hasher.hash(`m${parts.join('\u0001')}`, this.salt(param));
  }

  /**
   * Unit of a quantity as given: its code or its unit text (one entry for each that differs). The lowest bit is 0, as it
   * is in ZERO: a search without a unit compares values as given, and so leaves rows with that bit out.
   */
  unitKey(unit: string): Hash64 {
    const { hi, lo } = this.#hasher.hash(`q${unit}`, this.#tenantSalt);
    return { hi, lo: lo & ~1 };
  }

  /**
   * Canonical UCUM unit (`system` http://unitsofmeasure.org, value converted), or any other `system|code` as given. The
   * lowest bit is 1.
   */
  systemUnitKey(system: string, code: string): Hash64 {
    const { hi, lo } = this.#hasher.hash(`v${system}|${code}`, this.#tenantSalt);
    return { hi, lo: lo | 1 };
  }

  /** Token that a container carries for each type of contained resource that it holds (`_contained`). */
  containedType(resourceType: string, containedType: string): Hash64 {
    return this.#hasher.hash(`contained ${resourceType} ${containedType}`, this.#tenantSalt);
  }

  /**
   * Token of membership in the compartment of `Type/id`: what compartment searches and scopes look for. It is the
   * reference token of a pseudo-parameter, so SQL can make it of the focal row's ref_hash.
   */
  compartment(compartmentType: string, id: string): Hash64 {
    return this.referenceToken(compartmentParam(compartmentType), `${compartmentType}/${id}`);
  }
}

/** Key of the pseudo-parameter whose tokens say "refers to", for targets without a compartment token. */
export const REFERS_TO = searchParamKey('reference', 'any');

/** Key of the pseudo-parameter that compartment tokens are salted with. */
export function compartmentParam(compartmentType: string): number {
  return searchParamKey('compartment', compartmentType);
}

/** How a token part of a composite is written for {@link IndexKeys.compositeKey}: the forms `c`, `s|c`, `s|`, `|c`. */
export function compositePart(system: string | undefined, code: string | undefined): string {
  return system === undefined ? `c${code ?? ''}` : `s${system}|${code ?? ''}`;
}

/** Whether extraction keeps the parameter's value in the resource row rather than in index_date. */
export function isPrimaryDate(param: SearchParamModel, primaryDate: string | undefined): boolean {
  return param.code === primaryDate;
}
