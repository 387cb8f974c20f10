import type { CanonicalResolver } from '../../conformance/packages/package-set.ts';
import type { Resource } from '../../json/types.ts';
import { canonicalQuantity, UCUM } from '../../search/units.ts';
import { CodeSystemIndex, type Filter } from './code-systems.ts';
import type { CodeResult, TerminologyProvider } from './types.ts';

interface Include {
  readonly system?: string;
  readonly concept?: readonly { readonly code: string; readonly display?: string }[];
  readonly filter?: readonly Filter[];
  readonly valueSet?: readonly string[];
}
interface Contains {
  readonly system?: string;
  readonly code?: string;
  readonly abstract?: boolean;
  readonly contains?: readonly Contains[];
}

/** A value set, ready to be asked. */
interface IndexedSet {
  readonly url: string;
  readonly resource: Resource;
  readonly include: readonly IndexedInclude[];
  readonly exclude: readonly IndexedInclude[];
  /** The codes of an expansion, where there is no compose. */
  readonly expansion: ReadonlySet<string> | undefined;
}
interface IndexedInclude {
  readonly system: string | undefined;
  readonly codes: ReadonlySet<string> | undefined;
  readonly filters: readonly Filter[];
  readonly valueSets: readonly string[];
}

/** Value sets of R4 that are lists of something outside it, such as the work groups of HL7. */
const LIVING: ReadonlySet<string> = new Set(['http://hl7.org/fhir/ValueSet/hl7-work-group']);

const KEPT_SYSTEMS = 48;
const KEPT_SETS = 400;
const KEPT_ANSWERS = 20_000;
const MAX_KEY = 1000;

/**
 * Terminology over the value sets and code systems of the packages and of R4 core (R4 valueset.html#compose). A code is
 * looked for; nothing is expanded. What draws on a code system that is not here is `unknown`, but lists of codes of such a
 * system can be checked.
 */
export class PackageTerminology implements TerminologyProvider {
  readonly #resolver: CanonicalResolver;
  readonly #systems = new Map<string, CodeSystemIndex | null>();
  readonly #sets = new Map<Resource, IndexedSet>();
  readonly #answers = new Map<string, CodeResult>();
  readonly #origins = new WeakMap<object, number>();
  #originCount = 0;

  constructor(resolver: CanonicalResolver) {
    this.#resolver = resolver;
  }

  validateCode(
    system: string | undefined,
    code: string,
    display: string | undefined,
    valueSet: string | undefined,
    origin?: object,
  ): CodeResult {
    const key = `${system ?? ''}\n${code}\n${display ?? ''}\n${valueSet ?? ''}\n${this.#originKey(valueSet, origin)}\n${system === undefined}`;
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const answer =
      valueSet === undefined
        ? this.#inSystem(system ?? '', code, display)
        : this.#inSet(system, code, valueSet, origin);
    // Long texts are no codes: they would fill the memory.
    if (key.length > MAX_KEY) return answer;
    if (this.#answers.size >= KEPT_ANSWERS) this.#answers.clear();
    this.#answers.set(key, answer);
    return answer;
  }

  /** Which resource a value set's URL without version stands in matters only for the version that is found. */
  #originKey(valueSet: string | undefined, origin: object | undefined): number {
    if (valueSet === undefined || origin === undefined || valueSet.includes('|')) return 0;
    let key = this.#origins.get(origin);
    if (key === undefined) {
      key = ++this.#originCount;
      this.#origins.set(origin, key);
    }
    return key;
  }

  #inSystem(system: string, code: string, display: string | undefined): CodeResult {
    const computed = computedSystem(system, code);
    if (computed !== undefined) {
      return computed
        ? { result: 'yes' }
        : { result: 'no', message: `${JSON.stringify(code.slice(0, 100))} is not a code of ${system}` };
    }
    if (this.#resolver.resolve('ValueSet', system) !== undefined && this.#system(system) === undefined) {
      return { result: 'no', message: `${system} is a value set, not a code system` };
    }
    const index = this.#system(system);
    if (index === undefined) return { result: 'unknown', message: `the code system ${system} is not here` };
    const concept = index.find(code);
    if (concept === undefined) {
      return index.complete
        ? {
            result: 'no',
            notInSystem: true,
            message: `The code system ${system} has no code ${JSON.stringify(code.slice(0, 100))}`,
          }
        : { result: 'unknown', message: `of the code system ${system} only a part is here` };
    }
    if (display === undefined || concept.display === undefined) return { result: 'yes' };
    const isRight = [concept.display, ...concept.designations].some((text) => fold(text) === fold(display));
    return isRight ? { result: 'yes' } : { result: 'yes', display: concept.display };
  }

  #inSet(system: string | undefined, code: string, valueSet: string, origin: object | undefined): CodeResult {
    if (LIVING.has(valueSet.split('|', 1)[0] as string))
      return this.#inLiving(system, code, valueSet, origin);
    const set = this.#set(valueSet, origin);
    if (set === undefined) {
      return {
        result: 'unknown',
        unknownValueSet: true,
        message: `the value set ${valueSet} is not known here`,
      };
    }
    const member = this.#isMember(set, system, code, [], new Map());
    if (member === true) return { result: 'yes' };
    if (member === false) return { result: 'no' };
    return { result: 'unknown', message: 'it draws on a code system that is not here' };
  }

  /** Of a list that goes on growing only membership can be told. */
  #inLiving(
    system: string | undefined,
    code: string,
    valueSet: string,
    origin: object | undefined,
  ): CodeResult {
    const set = this.#set(valueSet, origin);
    return set !== undefined && this.#isMember(set, system, code, [], new Map()) === true
      ? { result: 'yes' }
      : { result: 'unknown', message: 'its list goes on growing' };
  }

  #isMember(
    set: IndexedSet,
    system: string | undefined,
    code: string,
    path: readonly IndexedSet[],
    answers: Map<IndexedSet, boolean | undefined>,
  ): boolean | undefined {
    if (path.includes(set) || path.length > 20) return undefined;
    // A value set that is imported by several others is asked once.
    if (answers.has(set)) return answers.get(set);
    const answer = this.#ask(set, system, code, path, answers);
    answers.set(set, answer);
    return answer;
  }

  #ask(
    set: IndexedSet,
    system: string | undefined,
    code: string,
    path: readonly IndexedSet[],
    answers: Map<IndexedSet, boolean | undefined>,
  ): boolean | undefined {
    if (set.expansion !== undefined) {
      return set.expansion.has(system === undefined ? code : `${system}|${code}`);
    }
    const inner = [...path, set];
    const included = any(
      set.include.map((include) => this.#matches(include, system, code, set, inner, answers)),
    );
    if (included === false || set.exclude.length === 0) return included;
    const excluded = any(
      set.exclude.map((exclude) => this.#matches(exclude, system, code, set, inner, answers)),
    );
    if (excluded === true) return false;
    return excluded === undefined ? undefined : included;
  }

  /** An include or exclude: its system part and all its value sets must have the code. */
  #matches(
    { system: own, codes, filters, valueSets }: IndexedInclude,
    system: string | undefined,
    code: string,
    set: IndexedSet,
    path: readonly IndexedSet[],
    answers: Map<IndexedSet, boolean | undefined>,
  ): boolean | undefined {
    let result: boolean | undefined = true;
    for (const url of valueSets) {
      const imported = this.#set(url, set.resource);
      const member =
        imported === undefined ? undefined : this.#isMember(imported, system, code, path, answers);
      if (member === false) return false;
      if (member === undefined) result = undefined;
    }
    if (own === undefined) return valueSets.length === 0 ? false : result;
    if (system !== undefined && system !== own) return false;
    if (codes !== undefined) {
      if (codes.has(code)) return result;
      // Case matters unless the system says that it does not.
      const index = this.#system(own);
      const concept = index?.find(code);
      return concept !== undefined && concept.code !== code && codes.has(concept.code) ? result : false;
    }
    const computed = computedSystem(own, code);
    if (computed !== undefined && filters.length === 0) return computed ? result : false;
    const index = this.#system(own);
    if (index === undefined) return undefined;
    const concept = index.find(code);
    if (concept === undefined) return index.complete ? false : undefined;
    for (const filter of filters) {
      const keeps = index.keeps(concept, filter);
      if (keeps === false) return false;
      if (keeps === undefined) result = undefined;
    }
    return result;
  }

  #system(url: string): CodeSystemIndex | undefined {
    let index = this.#systems.get(url);
    if (index === undefined) {
      const resource = this.#resolver.resolve('CodeSystem', url);
      const content = resource?.['content'];
      index =
        resource === undefined ||
        content === 'not-present' ||
        content === 'supplement' ||
        content === 'example'
          ? null
          : new CodeSystemIndex(resource);
      const oldest = this.#systems.keys().next();
      if (this.#systems.size >= KEPT_SYSTEMS && !oldest.done) this.#systems.delete(oldest.value);
      this.#systems.set(url, index);
    }
    return index ?? undefined;
  }

  #set(url: string, origin: object | undefined): IndexedSet | undefined {
    const resource = this.#resolver.resolve('ValueSet', url, origin) ?? this.#implicit(url);
    if (resource === undefined) return undefined;
    let set = this.#sets.get(resource);
    if (set === undefined) {
      set = indexSet(resource);
      const oldest = this.#sets.keys().next();
      if (this.#sets.size >= KEPT_SETS && !oldest.done) this.#sets.delete(oldest.value);
      this.#sets.set(resource, set);
    }
    return set;
  }

  /** The value set of all codes that a code system names (R4 codesystem.html: CodeSystem.valueSet). */
  #implicit(url: string): Resource | undefined {
    const match = /^(.*)\?fhir_vs$/.exec(url);
    if (match === null || this.#resolver.resolve('CodeSystem', match[1] as string) === undefined)
      return undefined;
    return { resourceType: 'ValueSet', url, compose: { include: [{ system: match[1] as string }] } };
  }
}

function indexSet(resource: Resource): IndexedSet {
  const compose = resource['compose'] as unknown as
    | { include?: readonly Include[]; exclude?: readonly Include[] }
    | undefined;
  const contains = (resource['expansion'] as unknown as { contains?: readonly Contains[] } | undefined)
    ?.contains;
  let expansion: Set<string> | undefined;
  if (compose === undefined && contains !== undefined) {
    expansion = new Set();
    const visit = (list: readonly Contains[]): void => {
      for (const { system, code, abstract, contains: inner } of list) {
        if (code !== undefined && abstract !== true) {
          expansion?.add(code);
          expansion?.add(`${system ?? ''}|${code}`);
        }
        visit(inner ?? []);
      }
    };
    visit(contains);
  }
  return {
    url: String(resource['url']),
    resource,
    include: (compose?.include ?? []).map(indexInclude),
    exclude: (compose?.exclude ?? []).map(indexInclude),
    expansion,
  };
}

function indexInclude({ system, concept, filter, valueSet }: Include): IndexedInclude {
  return {
    system,
    codes: concept === undefined ? undefined : new Set(concept.map(({ code }) => code)),
    filters: filter ?? [],
    valueSets: valueSet ?? [],
  };
}

/** Or of three values: true if one is, else undefined if one is. */
function any(results: readonly (boolean | undefined)[]): boolean | undefined {
  if (results.includes(true)) return true;
  return results.includes(undefined) ? undefined : false;
}

function fold(text: string): string {
  return text.trim().replace(/\s+/g, ' ').toLowerCase();
}

/** Systems whose codes are told by their form: whether a text is one; undefined for any other system. */
function computedSystem(system: string, code: string): boolean | undefined {
  switch (system) {
    case UCUM:
      return canonicalQuantity(1, code) !== undefined;
    case 'urn:ietf:bcp:47':
      return /^(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|\d{3}))?(?:-(?:[A-Za-z0-9]{5,8}|\d[A-Za-z0-9]{3}))*(?:-[A-WYZa-wyz0-9](?:-[A-Za-z0-9]{2,8})+)*(?:-x(?:-[A-Za-z0-9]{1,8})+)?$|^x(?:-[A-Za-z0-9]{1,8})+$|^i-[a-z]+$/.test(
        code,
      );
    case 'urn:ietf:bcp:13':
    case 'http://www.rfc-editor.org/bcp/bcp13.txt':
      // R4 names its formats by short codes too (CapabilityStatement.format).
      return /^(?:xml|json|ttl|html)$|^[A-Za-z0-9][\w!#$&^.+-]*\/[A-Za-z0-9*][\w!#$&^.+*-]*(?:\s*;.*)?$/.test(
        code,
      );
    case 'urn:iso:std:iso:4217':
      return /^[A-Z]{3}$/.test(code) ? (CURRENCIES.has(code) ? true : undefined) : false;
    default:
      return undefined;
  }
}

/** ISO 4217 as the ICU tables of the runtime have it. A code that is not there may be newer. */
const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));
