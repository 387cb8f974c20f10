import type { Hash64 } from '../hash.ts';
import { compartmentParam, type IndexKeys, MAX_STRING, type TextEntry } from '../index-model.ts';
import { foldCode, normalizeString } from '../normalize.ts';
import { type ParsedReference, parseReference } from './references.ts';

/** The tokens that a code leaves (see IndexKeys): of a Coding, forms `c`, `s|c` and `s|`, or `c` and `|c`. */
export interface CodeTokens {
  /** Form `c`; undefined for a Coding that has a system only. */
  readonly code: Hash64 | undefined;
  /** Form `s|c`, or `|c` without a system. */
  readonly systemCode: Hash64 | undefined;
  /** Form `s|`; undefined without a system. */
  readonly system: Hash64 | undefined;
}

/** A reference as read from its text, with the hash of its local target. */
export interface CachedReference extends ParsedReference {
  readonly hash: Hash64 | undefined;
}

/** A string as it goes into the index. */
export interface CachedString {
  /** After normalizeString, cut to MAX_STRING. */
  readonly normalized: string;
  /** Token of `:exact`. */
  readonly exact: Hash64;
}

/** Most entries of one tenant's cache. Above it the cache is emptied: what is frequent is back after one miss each. */
const MOST_ENTRIES = 12_000;
/** Longer texts are seldom the same twice. */
const LONGEST_CACHED = 80;
/** Longer codes and URLs are not kept, so that the number of entries bounds the memory. */
const LONGEST_CODE = 250;
const NO_SYSTEM = '';

interface ParamCache {
  readonly codes: Map<string, Map<string, CodeTokens>>;
  readonly texts: Map<string, TextEntry>;
  readonly strings: Map<string, CachedString>;
  readonly uris: Map<string, Hash64>;
  readonly composites: Map<string, Hash64>;
}

/** Remembers hashes of one tenant's frequent values, because hashing is the dearest step of extraction. Bounded. */
export class KeyCache {
  readonly keys: IndexKeys;
  readonly baseUrl: string | undefined;
  readonly #isResourceType: (name: string) => boolean;
  readonly #params = new Map<number, ParamCache>();
  readonly #references = new Map<string, CachedReference>();
  readonly #units = new Map<string, Hash64>();
  readonly #systemUnits = new Map<string, Hash64>();
  #entries = 0;

  constructor(keys: IndexKeys, baseUrl: string | undefined, isResourceType: (name: string) => boolean) {
    this.keys = keys;
    this.baseUrl = baseUrl;
    this.#isResourceType = isResourceType;
  }

  /** Makes room if needed. Called before an extraction, so that entries in use stay. */
  trim(): void {
    if (this.#entries < MOST_ENTRIES) return;
    this.#entries = 0;
    this.#params.clear();
    this.#references.clear();
    this.#units.clear();
    this.#systemUnits.clear();
  }

  #param(param: number): ParamCache {
    let cache = this.#params.get(param);
    if (cache === undefined) {
      cache = {
        codes: new Map(),
        texts: new Map(),
        strings: new Map(),
        uris: new Map(),
        composites: new Map(),
      };
      this.#params.set(param, cache);
      this.#entries += 4;
    }
    return cache;
  }

  /** Tokens of a code of a code system; folded, see foldCode. */
  code(param: number, system: string | undefined, code: string | undefined): CodeTokens {
    const systemKey = system ?? NO_SYSTEM;
    if (systemKey.length > LONGEST_CODE || (code !== undefined && code.length > LONGEST_CODE)) {
      return this.makeCode(param, system, code === undefined ? undefined : foldCode(code));
    }
    const { codes } = this.#param(param);
    let bySystem = codes.get(systemKey);
    if (bySystem === undefined) {
      bySystem = new Map();
      codes.set(systemKey, bySystem);
      this.#entries++;
    }
    const codeKey = code ?? '';
    let tokens = bySystem.get(codeKey);
    if (tokens === undefined) {
      tokens = this.makeCode(param, system, code === undefined ? undefined : foldCode(code));
      bySystem.set(codeKey, tokens);
      this.#entries++;
    }
    return tokens;
  }

  /** As {@link code}, without folding and without keeping the tokens: for identifiers, which are seldom met twice. */
  makeCode(param: number, system: string | undefined, code: string | undefined): CodeTokens {
    const { keys } = this;
    return {
      code: code === undefined ? undefined : keys.code(param, code),
      systemCode: code === undefined ? undefined : keys.systemCode(param, system ?? NO_SYSTEM, code),
      system: system === undefined ? undefined : keys.system(param, system),
    };
  }

  /** The entry of a display text; undefined if nothing of it is left by normalizeString. */
  text(param: number, text: string): TextEntry | undefined {
    const { texts } = this.#param(param);
    let entry = texts.get(text);
    if (entry === undefined) {
      const normalized = cut(normalizeString(text));
      if (normalized === '') return undefined;
      entry = { param, text: normalized, token: this.keys.text(param, normalized) };
      if (text.length <= LONGEST_CACHED) {
        texts.set(text, entry);
        this.#entries++;
      }
    }
    return entry;
  }

  string(param: number, text: string): CachedString {
    const { strings } = this.#param(param);
    let cached = strings.get(text);
    if (cached === undefined) {
      cached = { normalized: cut(normalizeString(text)), exact: this.keys.exact(param, text) };
      if (text.length <= LONGEST_CACHED) {
        strings.set(text, cached);
        this.#entries++;
      }
    }
    return cached;
  }

  /** IndexKeys.uri, which is IndexKeys.urlToken too. */
  uri(param: number, uri: string): Hash64 {
    const { uris } = this.#param(param);
    let token = uris.get(uri);
    if (token === undefined) {
      token = this.keys.uri(param, uri);
      if (uri.length > LONGEST_CODE) return token;
      uris.set(uri, token);
      this.#entries++;
    }
    return token;
  }

  reference(text: string): CachedReference {
    let cached = this.#references.get(text);
    if (cached === undefined) {
      const parsed = parseReference(text, this.baseUrl, this.#isResourceType);
      cached = {
        ...parsed,
        hash: parsed.local === undefined ? undefined : this.keys.reference(parsed.local),
      };
      if (text.length > LONGEST_CODE) return cached;
      this.#references.set(text, cached);
      this.#entries++;
    }
    return cached;
  }

  unit(unit: string): Hash64 {
    let key = this.#units.get(unit);
    if (key === undefined) {
      key = this.keys.unitKey(unit);
      if (unit.length > LONGEST_CODE) return key;
      this.#units.set(unit, key);
      this.#entries++;
    }
    return key;
  }

  /** IndexKeys.compositeKey. */
  composite(param: number, parts: readonly string[]): Hash64 {
    const text = parts.join('\u0001');
    const { composites } = this.#param(param);
    let key = composites.get(text);
    if (key === undefined) {
      key = this.keys.compositeKey(param, parts);
      if (text.length <= 2 * LONGEST_CACHED) {
        composites.set(text, key);
        this.#entries++;
      }
    }
    return key;
  }

  systemUnit(system: string, code: string): Hash64 {
    const text = `${system}|${code}`;
    let key = this.#systemUnits.get(text);
    if (key === undefined) {
      key = this.keys.systemUnitKey(system, code);
      if (text.length > LONGEST_CODE) return key;
      this.#systemUnits.set(text, key);
      this.#entries++;
    }
    return key;
  }
}

/** The text cut to MAX_STRING code units, never between the halves of a surrogate pair. */
export function cut(text: string): string {
  if (text.length <= MAX_STRING) return text;
  const last = text.charCodeAt(MAX_STRING - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? MAX_STRING - 1 : MAX_STRING);
}

/** Tenants whose hashes are kept at once in a process. */
const MOST_TENANTS = 16;
const caches = new Map<IndexKeys, KeyCache>();

/** The cache of a tenant's keys; the tenant not asked for longest gives way to a new one. */
export function keyCache(
  keys: IndexKeys,
  baseUrl: string | undefined,
  isResourceType: (name: string) => boolean,
): KeyCache {
  if (recent !== undefined && recent.keys === keys && recent.baseUrl === baseUrl) return recent;
  let cache = caches.get(keys);
  caches.delete(keys);
  if (cache === undefined || cache.baseUrl !== baseUrl) {
    cache = new KeyCache(keys, baseUrl, isResourceType);
    if (caches.size >= MOST_TENANTS) caches.delete(caches.keys().next().value as IndexKeys);
  }
  caches.set(keys, cache);
  recent = cache;
  return cache;
}
let recent: KeyCache | undefined;

const compartmentParams = new Map<string, number>();

/** compartmentParam, remembered. */
export function compartmentKey(compartmentType: string): number {
  let key = compartmentParams.get(compartmentType);
  if (key === undefined) {
    key = compartmentParam(compartmentType);
    compartmentParams.set(compartmentType, key);
  }
  return key;
}
