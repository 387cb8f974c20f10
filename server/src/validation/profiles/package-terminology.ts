import type { CanonicalResolver } from '../../conformance/packages/package-set.ts';
import type { Resource } from '../../json/types.ts';
import { CodeSystemIndex } from './code-systems.ts';
import { computedSystem } from './computed-systems.ts';
import type { CodeResult, Sources, TerminologyProvider } from './types.ts';
import { type IndexedInclude, type IndexedSet, indexSet } from './value-sets.ts';

/** Value sets of R4 that are lists of something outside it, such as the work groups of HL7. */
const LIVING: ReadonlySet<string> = new Set(['http://hl7.org/fhir/ValueSet/hl7-work-group']);

const KEPT_SYSTEMS = 48;
const KEPT_SETS = 400;
const KEPT_ANSWERS = 20_000;
const MAX_KEY = 1000;
/** Value sets that import one another: how deep, and how many. */
const MAX_DEPTH = 100;
const MAX_IMPORTED = 1000;

/** A question about one code, and what the value sets on the way to its answer have said. */
interface Question {
  readonly system: string | undefined;
  readonly version: string | undefined;
  readonly code: string;
  /** By {@link IndexedSet.key}: a value set that many others import is asked once. */
  readonly answers: Map<string, boolean | undefined>;
  /** Keys of the value sets that are being asked: one that imports itself ends here. */
  readonly path: string[];
}

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
  readonly #sources = new Map<string, Sources>();
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
    version?: string,
  ): CodeResult {
    const key = `${system ?? ''}\n${version ?? ''}\n${code}\n${display ?? ''}\n${valueSet ?? ''}\n${this.#originKey(valueSet, origin)}\n${system === undefined}`;
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const answer =
      valueSet === undefined
        ? this.#inSystem(system ?? '', version, code, display)
        : this.#inSet({ system, version, code, answers: new Map(), path: [] }, valueSet, origin);
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

  drawsOn(valueSet: string, origin?: object): Sources {
    const key = `${valueSet}\n${this.#originKey(valueSet, origin)}`;
    let sources = this.#sources.get(key);
    if (sources === undefined) {
      sources = this.#sourcesOf(valueSet, origin);
      if (this.#sources.size >= KEPT_SETS) this.#sources.clear();
      this.#sources.set(key, sources);
    }
    return sources;
  }

  #sourcesOf(valueSet: string, origin: object | undefined): Sources {
    const systems = new Set<string>();
    const valueSets = new Set<string>();
    const open: [url: string, origin: object | undefined][] = [[valueSet, origin]];
    for (let next = open.pop(); next !== undefined && valueSets.size < MAX_IMPORTED; next = open.pop()) {
      const set = this.#set(...next);
      if (set === undefined) continue;
      for (const system of set.systems) systems.add(system);
      for (const { valueSets: imported } of [...set.include, ...set.exclude]) {
        for (const url of imported) {
          if (valueSets.has(url)) continue;
          valueSets.add(url);
          open.push([url, set.resource]);
        }
      }
    }
    return { systems, valueSets: new Set([...valueSets].map((url) => url.split('|', 1)[0] as string)) };
  }

  #inSystem(
    system: string,
    version: string | undefined,
    code: string,
    display: string | undefined,
  ): CodeResult {
    const computed = computedSystem(system, code);
    if (computed !== undefined) {
      return computed
        ? { result: 'yes' }
        : { result: 'no', message: `${JSON.stringify(code.slice(0, 100))} is not a code of ${system}` };
    }
    if (this.#resolver.resolve('ValueSet', system) !== undefined && this.#system(system) === undefined) {
      return { result: 'no', message: `${system} is a value set, not a code system` };
    }
    const index = this.#system(system, version);
    if (index === undefined && version !== undefined && this.#system(system) !== undefined) {
      return { result: 'unknown', unknownVersion: true, message: unknownVersion(system, version) };
    }
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

  #inSet(question: Question, valueSet: string, origin: object | undefined): CodeResult {
    if (LIVING.has(valueSet.split('|', 1)[0] as string)) return this.#inLiving(question, valueSet, origin);
    const set = this.#set(valueSet, origin);
    if (set === undefined) {
      return {
        result: 'unknown',
        unknownValueSet: true,
        message: `the value set ${valueSet} is not known here`,
      };
    }
    const member = this.#isMember(set, question);
    if (member === true) return { result: 'yes' };
    if (member === false) return { result: 'no' };
    const { system, version } = question;
    if (system !== undefined && version !== undefined && this.#system(system, version) === undefined) {
      return { result: 'unknown', unknownVersion: true, message: unknownVersion(system, version) };
    }
    return { result: 'unknown', message: 'it draws on a code system that is not here' };
  }

  /** Of a list that goes on growing only membership can be told. */
  #inLiving(question: Question, valueSet: string, origin: object | undefined): CodeResult {
    const set = this.#set(valueSet, origin);
    return set !== undefined && this.#isMember(set, question) === true
      ? { result: 'yes' }
      : { result: 'unknown', final: true, message: 'its list goes on growing' };
  }

  /** Whether a value set has the code; undefined where that cannot be told, as in one that imports itself. */
  #isMember(set: IndexedSet, question: Question): boolean | undefined {
    const { answers, path } = question;
    if (answers.has(set.key)) return answers.get(set.key);
    if (path.length > MAX_DEPTH || path.includes(set.key)) return undefined;
    path.push(set.key);
    const answer = this.#ask(set, question);
    path.pop();
    answers.set(set.key, answer);
    return answer;
  }

  #ask(set: IndexedSet, question: Question): boolean | undefined {
    const { system, code } = question;
    if (set.expansion !== undefined) {
      return set.expansion.has(system === undefined ? code : `${system}|${code}`);
    }
    const included = any(set.include.map((include) => this.#matches(include, question, set)));
    if (included === false || set.exclude.length === 0) return included;
    const excluded = any(set.exclude.map((exclude) => this.#matches(exclude, question, set)));
    if (excluded === true) return false;
    return excluded === undefined ? undefined : included;
  }

  /** An include or exclude: its system part and all its value sets must have the code. */
  #matches(include: IndexedInclude, question: Question, set: IndexedSet): boolean | undefined {
    let result: boolean | undefined = true;
    for (const url of include.valueSets) {
      const imported = this.#set(url, set.resource);
      const member = imported === undefined ? undefined : this.#isMember(imported, question);
      if (member === false) return false;
      if (member === undefined) result = undefined;
    }
    if (include.system === undefined) return include.valueSets.length === 0 ? false : result;
    const own = this.#matchesSystem(include, include.system, question);
    return own === true ? result : own;
  }

  #matchesSystem(
    { version, codes, filters }: IndexedInclude,
    own: string,
    { system, version: asked, code }: Question,
  ): boolean | undefined {
    if (system !== undefined && system !== own) return false;
    if (codes !== undefined) {
      if (codes.has(code)) return true;
      // Case matters unless the system says that it does not.
      const concept = this.#system(own)?.find(code);
      return concept !== undefined && concept.code !== code && codes.has(concept.code);
    }
    const computed = computedSystem(own, code);
    if (computed !== undefined && filters.length === 0) return computed;
    const wanted = version ?? asked;
    const exact = wanted === undefined ? undefined : this.#system(own, wanted);
    const index = exact ?? this.#system(own);
    if (index === undefined) return undefined;
    // What another version than the one that is meant does not have, that one may.
    const no = wanted === undefined || exact !== undefined ? false : undefined;
    const concept = index.find(code);
    if (concept === undefined) return index.complete ? no : undefined;
    let result: boolean | undefined = true;
    for (const filter of filters) {
      const keeps = index.keeps(concept, filter);
      if (keeps === false) return no;
      if (keeps === undefined) result = undefined;
    }
    return result;
  }

  #system(system: string, version?: string): CodeSystemIndex | undefined {
    const url = version === undefined ? system : `${system}|${version}`;
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

function unknownVersion(system: string, version: string): string {
  return `the version ${JSON.stringify(version.slice(0, 100))} of the code system ${system} is not known here`;
}

/** Or of three values: true if one is, else undefined if one is. */
function any(results: readonly (boolean | undefined)[]): boolean | undefined {
  if (results.includes(true)) return true;
  return results.includes(undefined) ? undefined : false;
}

function fold(text: string): string {
  return text.trim().replace(/\s+/g, ' ').toLowerCase();
}
