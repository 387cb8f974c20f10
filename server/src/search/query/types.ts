import type { DefinitionsModel, SearchParamModel } from '../../conformance/model.ts';
import type { Issue } from '../../fhir/outcome.ts';

/** Prefixes of ordered values (R4 search.html#prefix). */
export type Prefix = 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb' | 'ap';

/** `code`, `system|code`, `|code` (system is the empty string) or `system|` (no code). */
export interface TokenValue {
  readonly system?: string;
  readonly code?: string;
}

/** Epoch milliseconds, both ends included; for `ap` already widened. */
export interface DateTest {
  readonly prefix: Prefix;
  readonly low: number;
  readonly high: number;
}

/**
 * A number to compare with. For `eq` and `ne` [low, high) is the interval of its implicit precision; for `ap`
 * [low, high] is within 10 %; the other prefixes compare with `value` exactly (R4 search.html#number).
 */
export interface NumberTest {
  readonly prefix: Prefix;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** No code: as given in any unit. Code with system '': `number||code`, by unit or code as given. */
export interface QuantityTest extends NumberTest {
  readonly system?: string;
  readonly code?: string;
}

export type ReferenceValue =
  /** A resource of this server; without a type, of any type that the parameter may point to. */
  | { readonly kind: 'local'; readonly type?: string; readonly id: string; readonly version?: string }
  /** Another server's URL, a urn or a canonical URL (with or without `|version`). */
  | { readonly kind: 'url'; readonly url: string };

export type CompositePart =
  | { readonly type: 'token'; readonly value: TokenValue }
  | { readonly type: 'string'; readonly text: string }
  | { readonly type: 'uri'; readonly uri: string }
  | { readonly type: 'reference'; readonly value: ReferenceValue }
  | { readonly type: 'date'; readonly test: DateTest; readonly text: string }
  | { readonly type: 'number'; readonly test: NumberTest }
  | { readonly type: 'quantity'; readonly test: QuantityTest };

export type StringMatch = 'prefix' | 'contains' | 'suffix' | 'equals' | 'exact';
export type UriMatch = 'exact' | 'below' | 'above' | 'contains' | 'suffix';

/** What a resource must fulfil. `_filter` needs the whole of it; ordinary parameters make an `and` of criteria. */
export type Criteria =
  | { readonly kind: 'and'; readonly of: readonly Criteria[] }
  | { readonly kind: 'or'; readonly of: readonly Criteria[] }
  | { readonly kind: 'not'; readonly of: Criteria }
  | Criterion;

/** The parameter as each searched type has it: one model per type, all of the same search type. */
export type Params = readonly SearchParamModel[];

/** One test; several values are alternatives. */
export type Criterion =
  | { readonly kind: 'none' }
  | { readonly kind: 'id'; readonly types: readonly string[]; readonly ids: readonly string[] }
  | { readonly kind: 'last-updated'; readonly tests: readonly DateTest[] }
  | { readonly kind: 'missing'; readonly params: Params; readonly missing: boolean }
  | { readonly kind: 'token'; readonly params: Params; readonly values: readonly TokenValue[] }
  | {
      readonly kind: 'token-text';
      readonly params: Params;
      readonly texts: readonly string[];
      readonly match: StringMatch;
    }
  | {
      readonly kind: 'of-type';
      readonly params: Params;
      readonly values: readonly { readonly system: string; readonly code: string; readonly value: string }[];
    }
  /** `texts` are normalized, save for match `exact`. */
  | {
      readonly kind: 'string';
      readonly params: Params;
      readonly texts: readonly string[];
      readonly match: StringMatch;
    }
  | {
      readonly kind: 'uri';
      readonly params: Params;
      readonly uris: readonly string[];
      readonly match: UriMatch;
    }
  | { readonly kind: 'reference'; readonly params: Params; readonly values: readonly ReferenceValue[] }
  /** Any resource of a hierarchy at or below (above) the values: `:below` and `:above` of a reference. */
  | {
      readonly kind: 'hierarchy';
      readonly params: Params;
      readonly roots: readonly { readonly type: string; readonly id: string }[];
      /** For each type of `roots`, the reference parameter that points to the parent. */
      readonly parents: ReadonlyMap<string, SearchParamModel>;
      readonly direction: 'below' | 'above';
    }
  | { readonly kind: 'identifier'; readonly params: Params; readonly values: readonly TokenValue[] }
  | { readonly kind: 'date'; readonly params: Params; readonly tests: readonly DateTest[] }
  | { readonly kind: 'number'; readonly params: Params; readonly tests: readonly NumberTest[] }
  | { readonly kind: 'quantity'; readonly params: Params; readonly tests: readonly QuantityTest[] }
  | {
      readonly kind: 'composite';
      readonly params: Params;
      readonly values: readonly (readonly CompositePart[])[];
    }
  /** A referenced resource of one of the branches' types fulfils that branch's criteria. */
  | {
      readonly kind: 'chain';
      readonly params: Params;
      readonly branches: readonly { readonly type: string; readonly criteria: Criteria }[];
    }
  /** A resource that refers to this one through `param` fulfils the criteria. */
  | {
      readonly kind: 'has';
      readonly param: SearchParamModel;
      readonly types: readonly string[];
      readonly criteria: Criteria;
    }
  | { readonly kind: 'list'; readonly lists: readonly string[] }
  | { readonly kind: 'word'; readonly where: 'narrative' | 'content'; readonly word: string }
  | {
      readonly kind: 'near';
      readonly latitude: number;
      readonly longitude: number;
      readonly kilometres: number;
    };

export interface SortKey {
  readonly code: string;
  /** `_id`, `_lastUpdated` and `_type` have none. */
  readonly params: Params;
  readonly descending: boolean;
}

/** One `_include` or `_revinclude` (R4 search.html#include). */
export interface IncludeSpec {
  readonly reverse: boolean;
  readonly iterate: boolean;
  /** The type whose references are followed, or `*`. */
  readonly source: string;
  /** The reference parameters of `source` to follow; empty with source `*`: all of them. */
  readonly params: Params;
  /** Only targets of this type. */
  readonly target?: string;
}

export type Total = 'none' | 'estimate' | 'accurate';
export type Summary = 'true' | 'text' | 'data' | 'count' | 'false';

/** What a search asks for, as {@link parseSearch} found it. */
export interface ParsedSearch {
  /** The type in the path; undefined for a search over several types. */
  readonly resourceType: string | undefined;
  /** Types searched: one, those of `_type`, or undefined for all. */
  readonly types: readonly string[] | undefined;
  readonly compartment: { readonly type: string; readonly id: string } | undefined;
  readonly criteria: readonly Criteria[];
  readonly contained: 'false' | 'true' | 'both';
  readonly containedType: 'container' | 'contained';
  readonly sort: readonly SortKey[];
  /** Page size after limits; 0 asks for the count only. */
  readonly count: number;
  readonly total: Total | undefined;
  readonly summary: Summary | undefined;
  readonly elements: readonly string[] | undefined;
  readonly includes: readonly IncludeSpec[];
  readonly explain: boolean;
  readonly format: string | undefined;
  readonly pretty: boolean | undefined;
  readonly cursor: string | undefined;
  /** Parameters in effect, for the self link: as given, without `_cursor` and what was ignored. */
  readonly applied: readonly (readonly [name: string, value: string])[];
  /** Warnings about parameters that were left out (never any under strict handling). */
  readonly ignored: readonly Issue[];
  /** Text that is equal for two searches only if they find the same resources in the same order. */
  readonly fingerprint: string;
  /** Indexes into `applied` of the parameters that made `criteria`. */
  readonly criterionNames: readonly number[];
}

/** What token modifiers ask of terminology. All answers come from memory. */
export interface Terminology {
  /** Codes of a value set by canonical URL; undefined if the value set is not known or cannot be listed. */
  codesIn(valueSetUrl: string): readonly { readonly system?: string; readonly code: string }[] | undefined;
  /** Codes that `code` subsumes, without itself. */
  descendants(system: string, code: string): readonly string[];
  /** Codes that subsume `code`, without itself. */
  ancestors(system: string, code: string): readonly string[];
}

/** Bounds on what one search may ask; over a bound the answer is 400 with the parameter's name. */
export interface SearchLimits {
  readonly parameters: number;
  /** Alternatives of one parameter. */
  readonly values: number;
  /** UTF-16 code units of one parameter's value. */
  readonly valueLength: number;
  /** Links of a chain or of nested `_has`. */
  readonly chainDepth: number;
  /** Criteria after chains without type have been spread over the types they may point to. */
  readonly criteria: number;
  readonly includes: number;
  /** Codes of a value set or below a code. */
  readonly expansion: number;
  readonly defaultCount: number;
  readonly maxCount: number;
}

export const DEFAULT_LIMITS: SearchLimits = {
  parameters: 100,
  values: 1000,
  valueLength: 65536,
  chainDepth: 6,
  criteria: 2000,
  includes: 50,
  expansion: 20000,
  defaultCount: 50,
  maxCount: 1000,
};

export interface SearchContext {
  readonly definitions: DefinitionsModel;
  /** `Prefer: handling=strict`: unknown parameters are errors. */
  readonly strict: boolean;
  /** Absolute URL of the tenant without trailing slash: references below it are local. */
  readonly baseUrl: string;
  readonly compartment?: { readonly type: string; readonly id: string };
  readonly limits?: Partial<SearchLimits>;
  readonly terminology?: Terminology;
  /** Epoch milliseconds for `ap` of dates; the clock's time if absent. */
  readonly now?: number;
}
