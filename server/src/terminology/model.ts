import type { JsonObject, Resource } from '../json/types.ts';

export type Maybe<T> = T | Promise<T>;

/** A concept of a code system (R4 codesystem.html), with what supplements add to it. */
export interface Concept {
  readonly code: string;
  readonly display?: string;
  readonly definition?: string;
  /** CodeSystem.concept.designation; `source` is the supplement that it comes from. */
  readonly designation: readonly JsonObject[];
  readonly property: readonly JsonObject[];
  readonly extension: readonly JsonObject[];
  /** Codes directly above. */
  readonly parents: readonly string[];
  /** For concepts of the tables: keys of all concepts above, see storage/terminology. */
  readonly ancestors?: ReadonlySet<string>;
  /** Designations by their supplement's `url|version`, in place of the system itself. */
  readonly designationSources?: ReadonlyMap<JsonObject, string>;
}

/** A concept as a list of children names it. */
export interface Child {
  readonly code: string;
  readonly display?: string;
}

export interface PropertyDefinition {
  readonly code: string;
  readonly uri?: string;
  readonly type?: string;
  readonly description?: string;
}

/** What is known of a code system besides its concepts. */
export interface SystemInfo {
  readonly url: string;
  readonly version?: string;
  readonly name?: string;
  readonly title?: string;
  readonly status?: string;
  readonly standardsStatus?: string;
  readonly experimental?: boolean;
  /** complete, fragment, example, not-present; `grammar` for the computed ones, which cannot be listed. */
  readonly content: string;
  readonly caseSensitive: boolean;
  readonly hierarchyMeaning?: string;
  readonly language?: string;
  /** Canonical URL of the value set with all its codes. */
  readonly valueSet?: string;
  readonly compositional?: boolean;
  readonly versionNeeded?: boolean;
  readonly properties: readonly PropertyDefinition[];
  readonly hasHierarchy: boolean;
  /** Number of concepts, where it is known. */
  readonly size?: number;
  /** Supplements in use, `url|version`. */
  readonly supplements: readonly string[];
  /** A value set to list in place of all codes, where a system is infinite. */
  readonly enumeration?: string;
}

/** ValueSet.compose.include.filter. */
export interface ComposeFilter {
  readonly property: string;
  readonly op: string;
  readonly value: string;
}

/** A filter that has been prepared for one code system. */
export interface FilterTest {
  test(concept: Concept): boolean;
  /** As a condition over concept rows, for systems that lie in tables. */
  readonly rows?: RowCondition;
}

/** Conditions over rows of store.concept; what they mean is said in storage/terminology/select-concepts.ts. */
export type RowCondition =
  | { readonly kind: 'below'; readonly key: string; readonly self: boolean }
  | { readonly kind: 'child'; readonly key: string }
  | { readonly kind: 'codes'; readonly codes: readonly string[] }
  | { readonly kind: 'fact'; readonly property: string; readonly values: readonly string[] }
  | { readonly kind: 'not'; readonly of: RowCondition };

/** The text filter of an expansion. */
export interface TextFilter {
  /** Normalized words, all of which must be found. */
  readonly words: readonly string[];
}

export interface Selection {
  readonly tests: readonly FilterTest[];
  readonly text?: TextFilter;
  readonly activeOnly?: boolean;
}

/** A code system that can be asked. Answers may come from memory or from the database. */
export interface CodeSystemProvider {
  readonly info: SystemInfo;
  /** The concept of a code; where the system is not case sensitive, in any case of letters. */
  locate(code: string): Maybe<Concept | undefined>;
  /** Concepts of several codes, in one step. */
  locateAll(codes: readonly string[]): Maybe<ReadonlyMap<string, Concept>>;
  /** Concepts directly below. */
  children(code: string): Maybe<readonly Child[]>;
  /** Whether `code` is strictly below `ancestor`. */
  isBelow(code: string, ancestor: string): Maybe<boolean>;
  /** @throws TxError for a filter that is not understood */
  prepare(filter: ComposeFilter): Maybe<FilterTest>;
  /** All concepts that fit, parents before children, in batches. */
  select(selection: Selection): AsyncIterable<readonly Concept[]>;
  /**
   * A page of what {@link select} gives, and how many there are in all, counted up to `most`; undefined where it cannot be
   * had without walking through.
   */
  page?(
    selection: Selection,
    range: { readonly offset: number; readonly count: number; readonly most: number },
  ): Promise<{ readonly concepts: readonly Concept[]; readonly total: number } | undefined>;
}

/** A CodeSystem, ValueSet or ConceptMap with where it came from. */
export interface Definition {
  readonly resource: Resource;
  readonly version?: string;
  /** Stays the same as long as the content does: for caches. Undefined for resources of the request. */
  readonly key?: string;
}
