import type { JsonObject, Resource } from '../json/types.ts';
import {
  circularReference,
  composeParts,
  excludesInactive,
  type TxContext,
  valueSetName,
} from './context.ts';
import { TxError, txIssue } from './issues.ts';
import { objectsOf, stringOf, stringsOf } from './json.ts';
import type { CodeSystemProvider, ComposeFilter, Concept, FilterTest } from './model.ts';
import { isInactive } from './status.ts';

/** A ValueSet whose parts have been looked up: what expansion and validation work on. */
export interface PreparedSet {
  readonly resource: Resource;
  /** `url|version`, for messages. */
  readonly name: string;
  readonly include: readonly PreparedPart[];
  readonly exclude: readonly PreparedPart[];
  readonly excludesInactive: boolean;
  /** Of a value set without compose: the codes of its expansion. */
  readonly expansion?: readonly JsonObject[];
  /** Whether it is contained in another, and so has no name of its own. */
  readonly contained: boolean;
  /** Code systems of which several versions take part: their codes are told apart by version. */
  readonly versioned: ReadonlySet<string>;
  /** Set when every exclude names another version than the includes: then versions do not matter to it. */
  readonly versionsMatch: boolean;
}

/** An include or exclude. */
export interface PreparedPart {
  readonly element: JsonObject;
  readonly system?: string;
  /** The version that the element asks for. */
  readonly version?: string;
  /** Enumerated concepts by code, in order. */
  readonly concepts?: ReadonlyMap<string, JsonObject>;
  readonly filters: readonly ComposeFilter[];
  readonly valueSets: readonly PreparedSet[];
}

/** Indexes of long lists of concepts stay with the element that they were made from. */
const indexes = new WeakMap<object, ReadonlyMap<string, JsonObject>>();

function conceptIndex(element: JsonObject): ReadonlyMap<string, JsonObject> {
  let index = indexes.get(element);
  if (index === undefined) {
    const made = new Map<string, JsonObject>();
    for (const concept of objectsOf(element['concept'])) {
      const code = stringOf(concept['code']);
      if (code !== undefined && !made.has(code)) made.set(code, concept);
    }
    index = made;
    indexes.set(element, index);
  }
  return index;
}

/** Most value sets that one value set may draw in. */
const MOST_IMPORTS = 2000;

/**
 * Looks up a value set's imports, and theirs.
 * @param missing what to throw for an import that is not known
 * @throws TxError 400 for value sets that import each other; what `missing` makes
 */
export async function prepareSet(
  context: TxContext,
  resource: Resource,
  missing: (reference: string) => TxError,
): Promise<PreparedSet> {
  const done = new Map<string, PreparedSet>();
  let imports = 0;
  const prepare = async (
    valueSet: Resource,
    path: readonly string[],
    within: Resource,
    contained: boolean,
  ): Promise<PreparedSet> => {
    const name = valueSetName(valueSet);
    const known = contained ? undefined : done.get(name);
    if (known !== undefined) return known;
    const key = contained ? `#${String(valueSet['id'])}` : name;
    if (path.includes(key)) throw circularReference(key, path);
    if (++imports > MOST_IMPORTS) {
      throw new TxError(
        422,
        {
          severity: 'error',
          code: 'too-costly',
          type: 'too-costly',
          text: `The value set '${path[0]}' imports more than ${MOST_IMPORTS} value sets`,
        },
        { outcome: true },
      );
    }
    context.parameters.seeValueSet(valueSet);
    const inner = [...path, key];
    const parts = async (part: 'include' | 'exclude'): Promise<PreparedPart[]> => {
      const prepared: PreparedPart[] = [];
      for (const [index, element] of composeParts(valueSet, part).entries()) {
        const system = stringOf(element['system']);
        const version = stringOf(element['version']);
        const valueSets: PreparedSet[] = [];
        for (const reference of stringsOf(element['valueSet'])) {
          const found = await context.valueSet(reference, within);
          if (found === undefined) throw missing(reference);
          const own = reference.startsWith('#');
          valueSets.push(await prepare(found.resource, inner, own ? within : found.resource, own));
        }
        prepared.push({
          element,
          filters: filtersOf(element, `ValueSet.compose.${part}[${index}]`, system),
          valueSets,
          ...(system === undefined ? {} : { system }),
          ...(version === undefined ? {} : { version }),
          ...(element['concept'] === undefined ? {} : { concepts: conceptIndex(element) }),
        });
      }
      return prepared;
    };
    const expansion =
      valueSet['compose'] === undefined ? (valueSet['expansion'] as JsonObject | undefined) : undefined;
    const set: PreparedSet = {
      resource: valueSet,
      name,
      include: await parts('include'),
      exclude: await parts('exclude'),
      excludesInactive: excludesInactive(valueSet),
      contained,
      ...versionsOf(valueSet),
      ...(expansion === undefined ? {} : { expansion: flatten(objectsOf(expansion['contains'])) }),
    };
    if (!contained && valueSet['url'] !== undefined) done.set(name, set);
    return set;
  };
  return prepare(resource, [], resource, false);
}

function versionsOf(valueSet: JsonObject): Pick<PreparedSet, 'versioned' | 'versionsMatch'> {
  const includes = composeParts(valueSet, 'include');
  const excludes = composeParts(valueSet, 'exclude');
  const versions = new Map<string, Set<string>>();
  for (const element of [...includes, ...excludes]) {
    const system = stringOf(element['system']);
    if (system === undefined) continue;
    const known = versions.get(system) ?? new Set();
    versions.set(system, known.add(stringOf(element['version']) ?? ''));
  }
  const versioned = new Set([...versions].filter(([, known]) => known.size > 1).map(([system]) => system));
  const [system] = versions.keys();
  const all = [...includes, ...excludes];
  const versionsMatch =
    excludes.length > 0 &&
    includes.length > 0 &&
    all.every((element) => element['system'] === system && element['version'] !== undefined) &&
    !includes.some((include) => excludes.some((exclude) => exclude['version'] === include['version']));
  return { versioned, versionsMatch };
}

function flatten(contains: readonly JsonObject[]): JsonObject[] {
  const all: JsonObject[] = [];
  const open = [...contains].reverse();
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    if (entry['code'] !== undefined) all.push(entry);
    open.push(...objectsOf(entry['contains']).reverse());
  }
  return all;
}

function filtersOf(element: JsonObject, path: string, system: string | undefined): ComposeFilter[] {
  return objectsOf(element['filter']).map((filter, index) => {
    const [property, op, value] = ['property', 'op', 'value'].map((name) => stringOf(filter[name]));
    if (value === undefined) {
      throw new TxError(
        400,
        txIssue(
          'error',
          'invalid',
          'vs-invalid',
          `${path}.filter[${index}]`,
          'UNABLE_TO_HANDLE_SYSTEM_FILTER_WITH_NO_VALUE',
          system,
          property,
          op,
        ),
        { outcome: true },
      );
    }
    return { property: property ?? '', op: op ?? '', value };
  });
}

/**
 * Sees to it that filters are understood, and supplements found, before any code is looked at.
 * @throws TxError 400 for a filter that is not understood, 422 for a supplement that is not there
 */
export async function checkFilters(
  context: TxContext,
  set: PreparedSet,
  seen = new Set<PreparedSet>(),
): Promise<void> {
  const top = seen.size === 0;
  if (seen.has(set)) return;
  seen.add(set);
  for (const part of [...set.include, ...set.exclude]) {
    for (const imported of part.valueSets) await checkFilters(context, imported, seen);
    if (part.system === undefined || (part.filters.length === 0 && context.wanted.size === 0)) continue;
    const system = await context.codeSystem(part.system, part.version);
    for (const filter of part.filters) await system?.prepare(filter);
  }
  if (top) context.assertSupplements();
}

/** Prepared filters of a part, kept for the time of an operation. */
export class FilterCache {
  readonly #tests = new WeakMap<CodeSystemProvider, Map<string, Promise<FilterTest>>>();

  tests(system: CodeSystemProvider, filters: readonly ComposeFilter[]): Promise<FilterTest[]> {
    let known = this.#tests.get(system);
    if (known === undefined) this.#tests.set(system, (known = new Map()));
    return Promise.all(
      filters.map((filter) => {
        const key = `${filter.property}\u0000${filter.op}\u0000${filter.value}`;
        let test = known.get(key);
        if (test === undefined) {
          test = Promise.resolve(system.prepare(filter));
          known.set(key, test);
        }
        return test;
      }),
    );
  }
}

/** A code that is asked for membership: its system's version and its concept, as far as they are known. */
export interface Member {
  readonly system: string;
  readonly version?: string;
  readonly code: string;
  /** The code system that `concept` is of. */
  readonly provider?: CodeSystemProvider;
  readonly concept?: Concept;
}

/** Decides whether codes belong to value sets, without listing them. */
export class Membership {
  readonly #context: TxContext;
  readonly #filters: FilterCache;
  /** Codes of value sets that come with their expansion. */
  readonly #expansions = new WeakMap<PreparedSet, ReadonlySet<string>>();
  /** Value sets that have been asked about one code: value sets may import another by very many ways. */
  #asked: { readonly member: Member; readonly answers: Map<PreparedSet, boolean> } | undefined;

  constructor(context: TxContext, filters: FilterCache) {
    this.#context = context;
    this.#filters = filters;
  }

  async inSet(set: PreparedSet, member: Member): Promise<boolean> {
    if (this.#asked?.member !== member) this.#asked = { member, answers: new Map() };
    const { answers } = this.#asked;
    const known = answers.get(set);
    if (known !== undefined) return known;
    const found = await this.#inSet(set, member);
    answers.set(set, found);
    return found;
  }

  async #inSet(set: PreparedSet, member: Member): Promise<boolean> {
    if (set.expansion !== undefined) {
      let codes = this.#expansions.get(set);
      if (codes === undefined) {
        codes = new Set(set.expansion.map(({ system, code }) => `${String(system)} ${String(code)}`));
        this.#expansions.set(set, codes);
      }
      return codes.has(`${member.system} ${member.code}`);
    }
    let found = false;
    for (const part of set.include) {
      if (await this.inPart(part, member, set.excludesInactive)) {
        found = true;
        break;
      }
    }
    if (!found) return false;
    for (const part of set.exclude) if (await this.inPart(part, member, false)) return false;
    return true;
  }

  /** R4 valueset.html#compositions: system, concepts or filters, and all value sets of an include must agree. */
  async inPart(part: PreparedPart, member: Member, activeOnly: boolean): Promise<boolean> {
    if (part.system === undefined && part.valueSets.length === 0) return false;
    if (part.system !== undefined) {
      if (part.system !== member.system) return false;
      if (part.concepts !== undefined && !part.concepts.has(member.code)) return false;
      const provider = await this.#context.codeSystem(part.system, part.version);
      if (provider === undefined) return false;
      const same = provider.info.version === member.provider?.info.version;
      const concept =
        same && member.concept !== undefined ? member.concept : await provider.locate(member.code);
      if (concept === undefined) return false;
      if (activeOnly && isInactive(provider.info, concept)) return false;
      const tests = await this.#filters.tests(provider, part.filters);
      if (!tests.every(({ test }) => test(concept))) return false;
    }
    for (const imported of part.valueSets) if (!(await this.inSet(imported, member))) return false;
    return true;
  }
}
