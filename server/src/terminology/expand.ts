import { randomUUID } from 'node:crypto';
import type { JsonObject, Resource } from '../json/types.ts';
import { compareVersions, joinCanonical, splitCanonical } from './canonical.ts';
import { FilterCache, Membership, type PreparedPart, type PreparedSet, prepareSet } from './compose.ts';
import type { TxContext } from './context.ts';
import {
  type Candidate,
  designationsOf,
  ExpansionProperties,
  entryJson,
  entryTexts,
} from './expansion-entry.ts';
import { ExpansionNotes } from './expansion-notes.ts';
import { TxError, txIssue } from './issues.ts';
import { stringOf } from './json.ts';
import type { CodeSystemProvider, Concept, TextFilter } from './model.ts';
import { isAbstract, isInactive } from './status.ts';
import { passesText, textFilter } from './text-filter.ts';
import { type Publication, publicationOf } from './warnings.ts';

/** What a value set's definition says beyond its identity: left out of an expansion unless it is asked for. */
const DEFINITION = [
  'purpose',
  'compose',
  'description',
  'contact',
  'copyright',
  'publisher',
  'extension',
  'contained',
];

interface Entry {
  readonly json: JsonObject;
  readonly children: Entry[];
}

/** An imported value set that is not known. @see prepareSet */
function missingImport(reference: string): TxError {
  const { url, version } = splitCanonical(reference);
  return new TxError(
    422,
    version === undefined
      ? txIssue('error', 'not-found', 'not-found', undefined, 'VS_EXP_IMPORT_UNK', url)
      : txIssue('error', 'not-found', 'not-found', undefined, 'VS_EXP_IMPORT_UNK_PINNED', url, version),
    { outcome: true },
  );
}

/**
 * ValueSet/$expand (R4 valueset-operation-expand.html, terminology ecosystem).
 * @returns the value set with its expansion
 * @throws TxError when parts are not known or not understood, or it is too costly
 */
export async function expand(context: TxContext, valueSet: Resource): Promise<Resource> {
  return new Expansion(context, valueSet).run();
}

class Expansion {
  readonly #context: TxContext;
  readonly #valueSet: Resource;
  readonly #source: Publication;
  readonly #filters = new FilterCache();
  readonly #membership: Membership;
  readonly #text: TextFilter | undefined;
  readonly #notes: ExpansionNotes;
  readonly #properties = new ExpansionProperties();
  readonly #seen = new Set<string>();
  readonly #entries: Entry[] = [];
  readonly #roots: Entry[] = [];
  /** Entries by system and code, for what is nested below them. */
  readonly #byCode = new Map<string, Entry>();
  /** Whether the entries form a tree that may be shown as one. */
  #nested: boolean;
  /** False once it is known that codes exist which are not listed. */
  #closed = true;
  /** Whether the entries are the page already. */
  #cutDone = false;

  constructor(context: TxContext, valueSet: Resource) {
    this.#context = context;
    this.#valueSet = valueSet;
    this.#source = publicationOf(valueSet);
    this.#notes = new ExpansionNotes(context, this.#source);
    this.#membership = new Membership(context, this.#filters);
    this.#text = textFilter(context.parameters.filter);
    const { parameters } = context;
    this.#nested = !parameters.flag('excludeNested') && !((parameters.offset ?? 0) > 0);
  }

  async run(): Promise<Resource> {
    const { parameters } = this.#context;
    this.#context.wantSupplements(this.#valueSet);
    const set = await prepareSet(this.#context, this.#valueSet, missingImport);
    if (set.expansion !== undefined && this.#text === undefined && parameters.count === undefined)
      return this.#valueSet;
    this.#notes.echo();
    if (set.versionsMatch && !parameters.given('versionsMatch'))
      this.#notes.add('versionsMatch', 'valueBoolean', true);
    await this.#checkSystems(set);
    const total = (await this.#page(set)) ?? (await this.#collect(set));
    this.#context.assertSupplements();
    return this.#result(total);
  }

  /** Every code system that takes part must be there before anything is listed. */
  async #checkSystems(set: PreparedSet): Promise<void> {
    for (const part of [...set.include, ...set.exclude]) {
      if (part.system === undefined) continue;
      const provider = await this.#context.expandable(part.system, part.version);
      const problem = this.#context.versionProblem(provider);
      if (problem !== undefined) throw new TxError(400, problem, { outcome: true });
      if (provider.info.content === 'fragment') {
        this.#notes.add('used-fragment', 'valueUri', joinCanonical(provider.info.url, provider.info.version));
        this.#notes.unclosed(`This extension is based on a fragment of the code system ${part.system}`);
      }
    }
  }

  /**
   * A page of one large code system, straight from its tables.
   * @returns the total, as far as it is known; undefined when the value set needs to be walked through
   */
  async #page(set: PreparedSet): Promise<{ total?: number } | undefined> {
    const { parameters } = this.#context;
    const [part] = set.include;
    if (parameters.count === undefined || part?.system === undefined || set.include.length > 1)
      return undefined;
    if (set.exclude.length > 0 || part.valueSets.length > 0 || part.concepts !== undefined) return undefined;
    if (parameters.flag('excludeNotForUI')) return undefined;
    const provider = await this.#context.expandable(part.system, part.version);
    const { page, count, info } = provider;
    if (
      page === undefined ||
      count === undefined ||
      (info.size ?? 0) <= this.#context.sources.service.limits.expansion
    )
      return undefined;
    const selection = {
      tests: await this.#filters.tests(provider, part.filters),
      activeOnly: parameters.flag('activeOnly') || set.excludesInactive,
      ...(this.#text === undefined ? {} : { text: this.#text }),
    };
    const most = 10_000;
    const [concepts, total] = await Promise.all([
      page.call(provider, selection, parameters.offset ?? 0, parameters.count),
      count.call(provider, selection, this.#text === undefined ? Number.MAX_SAFE_INTEGER : most),
    ]);
    if (concepts === undefined) return undefined;
    this.#notes.use(provider);
    this.#nested = false;
    this.#cutDone = true;
    for (const concept of concepts) this.#push(candidateOf(provider, concept), undefined, false);
    if (total === undefined || (this.#text !== undefined && total >= most)) return {};
    return { total };
  }

  /** Walks through the value set. @returns how many codes it has; no total when the walk ended with the page */
  async #collect(set: PreparedSet): Promise<{ total?: number }> {
    const { parameters } = this.#context;
    const { limits } = this.#context.sources.service;
    const wanted = (parameters.offset ?? 0) + (parameters.count ?? 0);
    const limit = Math.max(limits.expansion, wanted);
    let found = 0;
    for await (const [candidate, parent] of this.#candidates(set, true)) {
      if (found >= limit) {
        if (parameters.count !== undefined && parameters.count > 0) return {};
        if (parameters.count === undefined) throw tooCostly(set, limits.expansion);
        if (found >= limits.walk) return {};
      }
      found++;
      // A count of 0 asks for the total alone.
      if (parameters.count !== 0) this.#push(candidate, parent, this.#isVersioned(set, candidate.system));
    }
    return { total: found };
  }

  #isVersioned(set: PreparedSet, system: string): boolean {
    return set.versioned.has(system) && !set.versionsMatch && !this.#context.parameters.flag('versionsMatch');
  }

  #push(candidate: Candidate, parent: string | undefined, withVersion: boolean): void {
    const json = entryJson(candidate, this.#context.parameters, withVersion, this.#properties, (name) =>
      this.#notes.supplements.add(name),
    );
    const entry: Entry = { json, children: [] };
    this.#entries.push(entry);
    const key = `${candidate.system} ${candidate.version ?? ''} `;
    this.#byCode.set(key + candidate.code, entry);
    const above = parent === undefined ? undefined : this.#byCode.get(key + parent);
    if (above === undefined) this.#roots.push(entry);
    else above.children.push(entry);
  }

  /**
   * The codes of a value set in order, each once, with the code that it is nested below.
   * @param top whether it is the value set that is being expanded, not one that it imports
   */
  async *#candidates(set: PreparedSet, top: boolean): AsyncIterable<[Candidate, string | undefined]> {
    const { parameters } = this.#context;
    const seen = top ? this.#seen : new Set<string>();
    if (set.expansion !== undefined) {
      this.#nested = false;
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
        this.#nested = false;
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
        const { provider, concept } = candidate;
        if (provider !== undefined && concept !== undefined) {
          const activeOnly = parameters.flag('activeOnly') || set.excludesInactive;
          if (activeOnly && isInactive(provider.info, concept)) continue;
          if (parameters.flag('excludeNotForUI') && isAbstract(provider.info, concept)) continue;
        }
        if (await this.#isExcluded(set, candidate)) continue;
        const key = `${candidate.system} ${this.#isVersioned(set, candidate.system) ? (candidate.version ?? '') : ''} ${candidate.code}`;
        if (seen.has(key)) {
          this.#nested = false;
          continue;
        }
        seen.add(key);
        yield found;
      }
    }
  }

  async #isExcluded(set: PreparedSet, candidate: Candidate): Promise<boolean> {
    for (const part of set.exclude) {
      if (part.system !== undefined) {
        if (part.system !== candidate.system) continue;
        const provider = await this.#context.expandable(part.system, part.version);
        if (this.#isVersioned(set, part.system) && provider.info.version !== candidate.version) continue;
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
      this.#nested = false;
    const inAll = async (sets: readonly PreparedSet[], candidate: Candidate): Promise<boolean> => {
      for (const one of sets) if (!(await this.#membership.inSet(one, candidate))) return false;
      return true;
    };
    if (part.system === undefined) {
      if (first === undefined) return;
      for await (const [candidate] of this.#candidates(first, false)) {
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
    if (this.#text !== undefined) this.#nested = false;
    if (part.filters.length > 0 && !provider.info.hasHierarchy) this.#nested = false;
    await this.#refuseTooLarge(part, provider, set);
    for await (const batch of provider.select(selection)) {
      for (const concept of batch) {
        const candidate = candidateOf(provider, concept);
        if (!(await inAll(part.valueSets, candidate))) continue;
        // A concept with several parents cannot be shown as part of a tree.
        if (part.filters.length === 0 && concept.parents.length > 1) this.#nested = false;
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
    this.#closed = false;
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

  #result({ total }: { total?: number }): Resource {
    const { parameters } = this.#context;
    const { offset = 0, count } = parameters;
    for (const supplement of this.#notes.supplements)
      this.#notes.add('used-supplement', 'valueUri', supplement);
    for (const rule of parameters.usedRules) {
      const at = rule.indexOf('=');
      const value = rule.slice(at + 1);
      if (value !== this.#source.name) this.#notes.add(rule.slice(0, at), 'valueUri', value);
    }
    const paged = total === undefined || this.#entries.length < total;
    const nested =
      this.#nested && this.#closed && !paged && (count === undefined || count > this.#entries.length);
    let contains: JsonObject[];
    if (nested) contains = this.#roots.map(nest);
    else {
      const cut =
        count === undefined || this.#cutDone
          ? this.#entries.slice(this.#cutDone ? 0 : offset)
          : this.#entries.slice(offset, offset + count);
      contains = cut.map(({ json }) => json);
    }
    const { text: _text, id: _id, expansion: _expansion, ...kept } = this.#valueSet;
    const valueSet: JsonObject = kept;
    if (!parameters.flag('includeDefinition')) for (const name of DEFINITION) delete valueSet[name];
    const extension = [...this.#notes.extensions, ...this.#properties.json()];
    return {
      ...valueSet,
      resourceType: 'ValueSet',
      expansion: {
        ...(extension.length === 0 ? {} : { extension }),
        identifier: `urn:uuid:${randomUUID()}`,
        timestamp: new Date().toISOString(),
        ...(total === undefined ? {} : { total }),
        ...(parameters.offset === undefined ? {} : { offset: parameters.offset }),
        ...(this.#notes.parameters.length === 0 ? {} : { parameter: this.#notes.parameters }),
        ...(contains.length === 0 ? {} : { contains }),
      },
    };
  }
}

const EMPTY = { designation: [], property: [], extension: [], parents: [] } as const;

function candidateOf(provider: CodeSystemProvider, concept: Concept): Candidate {
  const { url, version } = provider.info;
  return {
    system: url,
    code: concept.code,
    provider,
    concept,
    ...(version === undefined ? {} : { version }),
  };
}

function nest({ json, children }: Entry): JsonObject {
  return children.length === 0 ? json : { ...json, contains: children.map(nest) };
}

function tooCostly(set: PreparedSet, limit: number): TxError {
  return new TxError(
    422,
    txIssue('error', 'too-costly', 'too-costly', undefined, 'VALUESET_TOO_COSTLY', set.name, `>${limit}`),
    { outcome: true },
  );
}
