import { randomUUID } from 'node:crypto';
import type { JsonObject, Resource } from '../json/types.ts';
import { joinCanonical } from './canonical.ts';
import { FilterCache, type PreparedSet, prepareSet } from './compose.ts';
import type { TxContext } from './context.ts';
import { type Candidate, ExpansionProperties, entryJson } from './expansion-entry.ts';
import { ExpansionNotes } from './expansion-notes.ts';
import { candidateOf, ExpansionWalk, missingImport, tooCostly } from './expansion-walk.ts';
import { TxError } from './issues.ts';
import type { TextFilter } from './model.ts';
import { textFilter } from './text-filter.ts';
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

/** Matches of a text that are counted: beyond them an expansion of a large code system tells no total. */
const MOST_COUNTED = 10_000;
const WHOLE = Number.MAX_SAFE_INTEGER;

interface Entry {
  readonly json: JsonObject;
  readonly children: Entry[];
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
  readonly #walk: ExpansionWalk;
  readonly #text: TextFilter | undefined;
  readonly #notes: ExpansionNotes;
  readonly #properties = new ExpansionProperties();
  readonly #entries: Entry[] = [];
  readonly #roots: Entry[] = [];
  /** Entries by system and code, for what is nested below them. */
  readonly #byCode = new Map<string, Entry>();
  /** Whether the entries are the page already. */
  #cutDone = false;

  constructor(context: TxContext, valueSet: Resource) {
    this.#context = context;
    this.#valueSet = valueSet;
    this.#source = publicationOf(valueSet);
    this.#notes = new ExpansionNotes(context, this.#source);
    this.#text = textFilter(context.parameters.filter);
    this.#walk = new ExpansionWalk(context, this.#notes, this.#text, this.#filters);
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
    if (parameters.flag('excludeNotForUI') || parameters.excludedSystems.size > 0) return undefined;
    const provider = await this.#context.expandable(part.system, part.version);
    const { page, info } = provider;
    if (page === undefined || (info.size ?? 0) <= this.#context.sources.service.limits.expansion)
      return undefined;
    const selection = {
      tests: await this.#filters.tests(provider, part.filters),
      activeOnly: parameters.flag('activeOnly') || set.excludesInactive,
      ...(this.#text === undefined ? {} : { text: this.#text }),
    };
    const found = await page.call(provider, selection, {
      offset: parameters.offset ?? 0,
      count: parameters.count,
      most: this.#text === undefined ? WHOLE : MOST_COUNTED,
    });
    if (found === undefined) return undefined;
    const { concepts, total } = found;
    this.#notes.use(provider);
    this.#walk.nested = false;
    this.#cutDone = true;
    for (const concept of concepts) this.#push(candidateOf(provider, concept), undefined, false);
    return this.#text !== undefined && total >= MOST_COUNTED ? {} : { total };
  }

  /** Walks through the value set. @returns how many codes it has; no total when the walk ended with the page */
  async #collect(set: PreparedSet): Promise<{ total?: number }> {
    const { parameters } = this.#context;
    const { limits } = this.#context.sources.service;
    const wanted = (parameters.offset ?? 0) + (parameters.count ?? 0);
    const limit = Math.max(limits.expansion, wanted);
    let found = 0;
    for await (const [candidate, parent] of this.#walk.candidates(set)) {
      if (found >= limit) {
        if (parameters.count !== undefined && parameters.count > 0) return {};
        if (parameters.count === undefined) throw tooCostly(set, limits.expansion);
        if (found >= limits.walk) return {};
      }
      found++;
      // A count of 0 asks for the total alone.
      if (parameters.count !== 0)
        this.#push(candidate, parent, this.#walk.isVersioned(set, candidate.system));
    }
    return { total: found };
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
      this.#walk.nested &&
      this.#walk.closed &&
      !paged &&
      (count === undefined || count > this.#entries.length);
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

function nest({ json, children }: Entry): JsonObject {
  return children.length === 0 ? json : { ...json, contains: children.map(nest) };
}
