import type { Tenant } from '../../access/scope.ts';
import { foldCode } from '../../search/normalize.ts';
import type { ConceptReader, RowSelection } from '../../storage/terminology/concepts.ts';
import { placeOf, type StoredConcept, type StoredSystem } from '../../storage/terminology/rows.ts';
import type {
  Child,
  CodeSystemProvider,
  ComposeFilter,
  Concept,
  FilterTest,
  Selection,
  SystemInfo,
} from '../model.ts';
import { passesText } from '../text-filter.ts';
import { prepareFilter } from './filters.ts';
import { systemInfo } from './info.ts';

const BATCH = 1000;
const MOST_CHILDREN = 10_000;
/** Codes up to which a list is looked up one by one. */
const FEW = 50;

const infos = new WeakMap<StoredSystem, SystemInfo>();

function infoOf(system: StoredSystem): SystemInfo {
  let info = infos.get(system);
  if (info === undefined) {
    info = systemInfo(system.resource, { hasHierarchy: true, size: system.concepts });
    infos.set(system, info);
  }
  return info;
}

/** A code system whose concepts lie in the database. */
export class TableSystem implements CodeSystemProvider {
  readonly info: SystemInfo;
  readonly #tenant: Tenant;
  readonly #system: StoredSystem;
  readonly #reader: ConceptReader;

  constructor(tenant: Tenant, system: StoredSystem, reader: ConceptReader) {
    this.#tenant = tenant;
    this.#system = system;
    this.#reader = reader;
    this.info = infoOf(system);
  }

  #fold(code: string): string {
    return this.info.caseSensitive ? code : foldCode(code);
  }

  locate(code: string): Promise<StoredConcept | undefined> {
    if (code.length > 1000 || code.includes('\u0000') || !code.isWellFormed())
      return Promise.resolve(undefined);
    return this.#reader.locate(this.#tenant, this.#system, this.#fold(code));
  }

  async locateAll(codes: readonly string[]): Promise<ReadonlyMap<string, StoredConcept>> {
    const usable = codes.filter((code) => !code.includes('\u0000') && code.isWellFormed());
    const found = new Map<string, StoredConcept>();
    if (usable.length <= FEW) {
      // Few are asked one by one: they come from the cache, or share a statement with what others ask.
      const concepts = await Promise.all(usable.map((code) => this.locate(code)));
      for (const [i, concept] of concepts.entries())
        if (concept !== undefined) found.set(usable[i] as string, concept);
      return found;
    }
    for (let at = 0; at < usable.length; at += 5000) {
      const part = usable.slice(at, at + 5000);
      const rows = await this.#reader.locateAll(this.#tenant, this.#system, [
        ...new Set(part.map((code) => this.#fold(code))),
      ]);
      for (const code of part) {
        const concept = rows.get(this.#fold(code));
        if (concept !== undefined) found.set(code, concept);
      }
    }
    return found;
  }

  async children(code: string): Promise<readonly Child[]> {
    const concept = await this.locate(code);
    if (concept === undefined) return [];
    return this.#reader.children(this.#tenant, this.#system, concept.id, MOST_CHILDREN);
  }

  async isBelow(code: string, ancestor: string): Promise<boolean> {
    const [below, above] = await Promise.all([this.locate(code), this.locate(ancestor)]);
    return below !== undefined && above !== undefined && below.ancestors.has(above.id);
  }

  async prepare(filter: ComposeFilter): Promise<FilterTest> {
    const { property, op, value } = filter;
    const codes = op === 'in' || op === 'not-in' ? value.split(',').map((one) => one.trim()) : [value];
    const needed = property === 'concept' || property === 'code' || op === 'is-a' || op === 'descendent-of';
    const known: ReadonlyMap<string, StoredConcept> =
      needed && op !== 'regex' ? await this.locateAll(codes) : new Map();
    const byCode = new Map([...known.values()].map((concept) => [concept.code, concept]));
    const idOf = (code: string): string => byCode.get(code)?.id ?? '';
    const needsInner = op === 'descendent-leaf' || property === 'child';
    const places = needsInner
      ? await this.#reader.innerPlaces(this.#tenant, this.#system)
      : new Set<number>();
    const isLeaf = (concept: Concept): boolean => !places.has(placeOf((concept as StoredConcept).id));
    const children = property === 'child' && op !== 'exists' ? await this.#allChildren() : undefined;
    return prepareFilter(
      {
        info: this.info,
        canonicalCode: (code) => known.get(code)?.code,
        below: (code) => {
          const key = idOf(code);
          return {
            test: (concept) => concept.ancestors?.has(key) === true,
            rows: { kind: 'below', key, self: false },
          };
        },
        above: (code) => {
          const ancestors = byCode.get(code)?.ancestors ?? new Set<string>();
          return { test: (concept) => ancestors.has((concept as StoredConcept).id) };
        },
        isLeaf,
        // Whether there are any is all that `exists` asks.
        childrenOf: (concept) =>
          children?.get(concept.code) ?? (children === undefined && !isLeaf(concept) ? [''] : []),
      },
      filter,
    );
  }

  /** The children of every concept that has any. */
  async #allChildren(): Promise<Map<string, string[]>> {
    const all = new Map<string, string[]>();
    for await (const batch of this.#walk({ conditions: [] })) {
      for (const { code, parents } of batch) {
        for (const parent of parents) {
          const children = all.get(parent);
          if (children === undefined) all.set(parent, [code]);
          else children.push(code);
        }
      }
    }
    return all;
  }

  async *#walk(rows: RowSelection): AsyncIterable<readonly StoredConcept[]> {
    for (let after: string | undefined; ; ) {
      const batch = await this.#reader.page(this.#tenant, this.#system, rows, {
        limit: BATCH,
        ...(after === undefined ? {} : { after }),
      });
      if (batch.length > 0) yield batch;
      if (batch.length < BATCH) return;
      after = (batch.at(-1) as StoredConcept).id;
    }
  }

  #rows({ tests, text, activeOnly }: Selection): RowSelection {
    return {
      conditions: tests.flatMap(({ rows }) => (rows === undefined ? [] : [rows])),
      ...(text === undefined ? {} : { text }),
      ...(activeOnly === undefined ? {} : { activeOnly }),
    };
  }

  async *select(selection: Selection): AsyncIterable<readonly Concept[]> {
    for await (const batch of this.#walk(this.#rows(selection))) {
      // Hashes may collide, and not every filter is a condition over rows.
      yield batch.filter(
        (concept) =>
          selection.tests.every(({ test }) => test(concept)) && passesText(selection.text, concept),
      );
    }
  }

  async page(
    selection: Selection,
    { offset, count, most }: { readonly offset: number; readonly count: number; readonly most: number },
  ): Promise<{ concepts: readonly Concept[]; total: number } | undefined> {
    const { tests, text, activeOnly } = selection;
    if (tests.some(({ rows }) => rows === undefined)) return undefined;
    const rows = this.#rows(selection);
    if (tests.length > 0 || text !== undefined || activeOnly === true)
      return this.#reader.pageOf(this.#tenant, this.#system, rows, { offset, limit: count, most });
    const concepts = await this.#reader.page(this.#tenant, this.#system, rows, { offset, limit: count });
    return { concepts, total: Math.min(most, this.#system.concepts) };
  }
}
