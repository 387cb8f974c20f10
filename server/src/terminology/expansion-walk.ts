import { compareVersions, splitCanonical } from './canonical.ts';
import { type FilterCache, Membership, type PreparedPart, type PreparedSet, prepareSet } from './compose.ts';
import type { TxContext } from './context.ts';
import { type Candidate, designationsOf, entryTexts } from './expansion-entry.ts';
import type { ExpansionNotes } from './expansion-notes.ts';
import { TxError, txIssue } from './issues.ts';
import { stringOf } from './json.ts';
import type { CodeSystemProvider, Concept, TextFilter } from './model.ts';
import { isAbstract, isInactive } from './status.ts';
import { passesText } from './text-filter.ts';

/** Longest list of an imported value set's codes that is kept for the time of an expansion. */
const KEPT_LIST = 5000;

/** An imported value set that is not known. @see prepareSet */
export function missingImport(reference: string): TxError {
  const { url, version } = splitCanonical(reference);
  return new TxError(
    422,
    version === undefined
      ? txIssue('error', 'not-found', 'not-found', undefined, 'VS_EXP_IMPORT_UNK', url)
      : txIssue('error', 'not-found', 'not-found', undefined, 'VS_EXP_IMPORT_UNK_PINNED', url, version),
    { outcome: true },
  );
}

/** Walks through the codes of a value set that is being expanded. */
export class ExpansionWalk {
  readonly #context: TxContext;
  readonly #notes: ExpansionNotes;
  readonly #text: TextFilter | undefined;
  readonly #filters: FilterCache;
  readonly #membership: Membership;
  readonly #seen = new Set<string>();
  readonly #lists = new Map<PreparedSet, readonly Candidate[]>();
  /** Whether the codes form a tree that may be shown as one. */
  nested: boolean;
  /** False once it is known that codes exist which are not listed. */
  closed = true;

  constructor(context: TxContext, notes: ExpansionNotes, text: TextFilter | undefined, filters: FilterCache) {
    this.#context = context;
    this.#notes = notes;
    this.#text = text;
    this.#filters = filters;
    this.#membership = new Membership(context, filters);
    const { parameters } = context;
    this.nested = !parameters.flag('excludeNested') && !((parameters.offset ?? 0) > 0);
  }

  /**
   * The codes of a value set in order, each once, with the code that it is nested below.
   * @throws TxError when a part is not known or not understood, or the time is up
   */
  candidates(set: PreparedSet): AsyncIterable<[Candidate, string | undefined]> {
    return this.#codes(set, true);
  }

  /**
   * The codes of a value set in order, each once, with the code that it is nested below.
   * @param top whether it is the value set that is being expanded, not one that it imports
   */
  async *#codes(set: PreparedSet, top: boolean): AsyncIterable<[Candidate, string | undefined]> {
    const { parameters } = this.#context;
    const seen = top ? this.#seen : new Set<string>();
    if (set.expansion !== undefined) {
      this.nested = false;
      for (const entry of set.expansion) {
        if (this.#text !== undefined && !passesText(this.#text, { ...EMPTY, ...entryTexts(entry) })) continue;
        const version = stringOf(entry['version']);
        const system = stringOf(entry['system']) ?? '';
        const code = stringOf(entry['code']) as string;
        const key = `${system} ${code}`;
        if (seen.has(key)) continue;
        seen.add(key);
        yield [{ system, code, entry, ...(version === undefined ? {} : { version }) }, undefined];
      }
      return;
    }
    for (const part of set.exclude) {
      for (const imported of part.valueSets) this.#notes.useSet(imported);
      if (part.system !== undefined)
        this.#notes.use(await this.#context.expandable(part.system, part.version));
      if (part.valueSets.length > 0 || part.concepts !== undefined || part.filters.length > 1)
        this.nested = false;
    }
    // Of several versions of a code system the newest comes first.
    const parts = [...set.include].sort((a, b) =>
      a.system === b.system && a.version !== undefined && b.version !== undefined
        ? compareVersions(b.version, a.version)
        : 0,
    );
    for (const part of parts) {
      for await (const found of this.#partCandidates(part, set)) {
        const [candidate] = found;
        await this.#context.tick(set.name);
        const { provider, concept, system, version } = candidate;
        if (parameters.excludes(system, version)) continue;
        if (provider !== undefined && concept !== undefined) {
          const activeOnly = parameters.flag('activeOnly') || set.excludesInactive;
          if (activeOnly && isInactive(provider.info, concept)) continue;
          if (parameters.flag('excludeNotForUI') && isAbstract(provider.info, concept)) continue;
        }
        if (await this.#isExcluded(set, candidate)) continue;
        const key = `${candidate.system} ${this.isVersioned(set, candidate.system) ? (candidate.version ?? '') : ''} ${candidate.code}`;
        if (seen.has(key)) {
          this.nested = false;
          continue;
        }
        seen.add(key);
        yield found;
      }
    }
  }

  /** The codes of an imported value set; those of one that is imported by several ways are collected once. */
  async *#imported(set: PreparedSet): AsyncIterable<Candidate> {
    await this.#context.tick(set.name);
    const known = this.#lists.get(set);
    if (known !== undefined) {
      yield* known;
      return;
    }
    const list: Candidate[] = [];
    for await (const [candidate] of this.#codes(set, false)) {
      if (list.length <= KEPT_LIST) list.push(candidate);
      yield candidate;
    }
    if (list.length <= KEPT_LIST) this.#lists.set(set, list);
  }

  async #isExcluded(set: PreparedSet, candidate: Candidate): Promise<boolean> {
    for (const part of set.exclude) {
      if (part.system !== undefined) {
        if (part.system !== candidate.system) continue;
        const provider = await this.#context.expandable(part.system, part.version);
        if (this.isVersioned(set, part.system) && provider.info.version !== candidate.version) continue;
      }
      if (await this.#membership.inPart(part, candidate, false)) return true;
    }
    return false;
  }

  async *#partCandidates(
    part: PreparedPart,
    set: PreparedSet,
  ): AsyncIterable<[Candidate, string | undefined]> {
    const [first, ...others] = part.valueSets;
    for (const imported of part.valueSets) this.#notes.useSet(imported);
    if (part.valueSets.length > 0 || part.concepts !== undefined || part.filters.length > 1)
      this.nested = false;
    const inAll = async (sets: readonly PreparedSet[], candidate: Candidate): Promise<boolean> => {
      for (const one of sets) if (!(await this.#membership.inSet(one, candidate))) return false;
      return true;
    };
    if (part.system === undefined) {
      if (first === undefined) return;
      for await (const candidate of this.#imported(first)) {
        if (await inAll(others, candidate)) yield [candidate, undefined];
      }
      return;
    }
    const provider = await this.#context.expandable(part.system, part.version);
    this.#notes.use(provider);
    if (part.concepts !== undefined) {
      for await (const candidate of this.#enumerated(part, provider, set)) {
        if (await inAll(part.valueSets, candidate)) yield [candidate, undefined];
      }
      return;
    }
    const { enumeration } = provider.info;
    if (enumeration !== undefined) {
      yield* this.#enumeration(part, provider, enumeration, inAll);
      return;
    }
    const { parameters } = this.#context;
    const selection = {
      tests: await this.#filters.tests(provider, part.filters),
      activeOnly: parameters.flag('activeOnly') || set.excludesInactive,
      ...(this.#text === undefined ? {} : { text: this.#text }),
    };
    if (this.#text !== undefined) this.nested = false;
    if (part.filters.length > 0 && !provider.info.hasHierarchy) this.nested = false;
    await this.#refuseTooLarge(part, provider, set);
    for await (const batch of provider.select(selection)) {
      for (const concept of batch) {
        const candidate = candidateOf(provider, concept);
        if (!(await inAll(part.valueSets, candidate))) continue;
        // A concept with several parents cannot be shown as part of a tree.
        if (part.filters.length === 0 && concept.parents.length > 1) this.nested = false;
        yield [candidate, concept.parents[0]];
      }
    }
  }

  /** A whole large code system, not paged, would only end at the limit: the answer is given at once. */
  async #refuseTooLarge(part: PreparedPart, provider: CodeSystemProvider, set: PreparedSet): Promise<void> {
    const { parameters } = this.#context;
    const { expansion } = this.#context.sources.service.limits;
    if (part.filters.length > 0 || part.valueSets.length > 0 || this.#text !== undefined) return;
    if (parameters.count !== undefined || set.exclude.length > 0) return;
    if ((provider.info.size ?? 0) > expansion && !parameters.flag('activeOnly') && !set.excludesInactive)
      throw tooCostly(set, expansion);
  }

  async *#enumerated(
    part: PreparedPart,
    provider: CodeSystemProvider,
    set: PreparedSet,
  ): AsyncIterable<Candidate> {
    const elements = [...(part.concepts ?? [])];
    const tests = await this.#filters.tests(provider, part.filters);
    const language = stringOf(set.resource['language']);
    for (let at = 0; at < elements.length; at += 1000) {
      const chunk = elements.slice(at, at + 1000);
      const concepts = await provider.locateAll(chunk.map(([code]) => code));
      for (const [code, element] of chunk) {
        const concept = concepts.get(code);
        if (concept === undefined || !tests.every(({ test }) => test(concept))) continue;
        const candidate: Candidate = {
          ...candidateOf(provider, concept),
          element,
          ...(language === undefined ? {} : { elementLanguage: language }),
        };
        if (this.#text !== undefined) {
          const designation = designationsOf(candidate).all.map(({ value }) => ({ value }));
          if (!passesText(this.#text, { ...EMPTY, code, designation })) continue;
        }
        yield candidate;
      }
    }
  }

  /** Of a code system with a grammar only the codes of a value set of common ones are listed. */
  async *#enumeration(
    part: PreparedPart,
    provider: CodeSystemProvider,
    url: string,
    inAll: (sets: readonly PreparedSet[], candidate: Candidate) => Promise<boolean>,
  ): AsyncIterable<[Candidate, string | undefined]> {
    this.closed = false;
    this.#notes.unclosed(
      `The code System '${provider.info.url}' has a grammar and so has infinite members. This extension is based on ${url}`,
    );
    const found = await this.#context.sources.valueSet(url);
    if (found === undefined) throw missingImport(url);
    const set = await prepareSet(this.#context, found.resource, missingImport);
    const tests = await this.#filters.tests(provider, part.filters);
    for (const inner of set.include) {
      for await (const candidate of this.#enumerated(inner, provider, set)) {
        if (!tests.every(({ test }) => test(candidate.concept as Concept))) continue;
        if (await inAll(part.valueSets, candidate)) yield [candidate, undefined];
      }
    }
  }

  /** Whether codes of a system are told apart by its version: several versions of it take part. */
  isVersioned(set: PreparedSet, system: string): boolean {
    return set.versioned.has(system) && !set.versionsMatch && !this.#context.parameters.flag('versionsMatch');
  }
}

const EMPTY = { designation: [], property: [], extension: [], parents: [] } as const;

/** A concept of a code system on its way into an expansion. */
export function candidateOf(provider: CodeSystemProvider, concept: Concept): Candidate {
  const { url, version } = provider.info;
  return {
    system: url,
    code: concept.code,
    provider,
    concept,
    ...(version === undefined ? {} : { version }),
  };
}

/** More codes than an expansion may have. */
export function tooCostly(set: PreparedSet, limit: number): TxError {
  return new TxError(
    422,
    txIssue('error', 'too-costly', 'too-costly', undefined, 'VALUESET_TOO_COSTLY', set.name, `>${limit}`),
    { outcome: true },
  );
}
