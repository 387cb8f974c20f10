import type { JsonObject } from '../../json/types.ts';
import { foldCode } from '../../search/normalize.ts';
import { objectsOf, stringOf, valueText } from '../json.ts';
import type {
  Child,
  CodeSystemProvider,
  ComposeFilter,
  Concept,
  FilterTest,
  Selection,
  SystemInfo,
} from '../model.ts';
import { isInactive, propertyCodes } from '../status.ts';
import { passesText } from '../text-filter.ts';
import { prepareFilter } from './filters.ts';
import { systemInfo } from './info.ts';

const BATCH = 500;
/** Deepest nesting of CodeSystem.concept that is followed. */
const MAX_NESTING = 200;

interface Node {
  readonly concept: Concept;
  readonly parents: string[];
}

/** A code system whose concepts are in memory: from a CodeSystem resource. */
export class MemorySystem implements CodeSystemProvider {
  readonly info: SystemInfo;
  readonly #concepts = new Map<string, Concept>();
  /** Codes by their folded form, where case does not matter. */
  readonly #folded: Map<string, string> | undefined;
  readonly #children = new Map<string, string[]>();
  /** Codes, parents before children. */
  readonly #order: readonly string[];

  constructor(resource: JsonObject) {
    const nodes = collect(resource);
    const parts = { properties: systemInfo(resource, { hasHierarchy: false }).properties };
    linkByProperties(nodes, propertyCodes(parts, 'parent'), propertyCodes(parts, 'child'));
    let hasHierarchy = false;
    for (const [code, { concept, parents }] of nodes) {
      this.#concepts.set(code, concept);
      for (const parent of parents) {
        hasHierarchy = true;
        const siblings = this.#children.get(parent);
        if (siblings === undefined) this.#children.set(parent, [code]);
        else siblings.push(code);
      }
    }
    this.info = systemInfo(resource, { hasHierarchy, size: nodes.size });
    this.#order = hasHierarchy ? this.#depthFirst() : [...nodes.keys()];
    if (!this.info.caseSensitive) {
      this.#folded = new Map();
      for (const code of nodes.keys()) {
        const folded = foldCode(code);
        if (!this.#folded.has(folded)) this.#folded.set(folded, code);
      }
    }
  }

  #depthFirst(): string[] {
    const order: string[] = [];
    const seen = new Set<string>();
    const visit = (start: string): void => {
      const open = [start];
      for (let code = open.pop(); code !== undefined; code = open.pop()) {
        if (seen.has(code)) continue;
        seen.add(code);
        order.push(code);
        const children = this.#children.get(code) ?? [];
        for (let i = children.length - 1; i >= 0; i--) open.push(children[i] as string);
      }
    };
    for (const [code, concept] of this.#concepts) if (concept.parents.length === 0) visit(code);
    // Concepts that are only in circles have no root.
    for (const code of this.#concepts.keys()) visit(code);
    return order;
  }

  locate(code: string): Concept | undefined {
    const found = this.#concepts.get(code);
    if (found !== undefined || this.#folded === undefined) return found;
    const canonical = this.#folded.get(foldCode(code));
    return canonical === undefined ? undefined : this.#concepts.get(canonical);
  }

  locateAll(codes: readonly string[]): ReadonlyMap<string, Concept> {
    const found = new Map<string, Concept>();
    for (const code of codes) {
      const concept = this.locate(code);
      if (concept !== undefined) found.set(code, concept);
    }
    return found;
  }

  children(code: string): readonly Child[] {
    return this.#below(code).map((below) => this.#concepts.get(below) as Concept);
  }

  #below(code: string): readonly string[] {
    return this.#children.get(code) ?? [];
  }

  isBelow(code: string, ancestor: string): boolean {
    return this.#reach(code, (at) => this.#concepts.get(at)?.parents ?? []).has(ancestor);
  }

  #reach(start: string, step: (code: string) => readonly string[]): Set<string> {
    const reached = new Set<string>();
    const open = [start];
    for (let code = open.pop(); code !== undefined; code = open.pop()) {
      for (const next of step(code)) {
        if (next === start || reached.has(next)) continue;
        reached.add(next);
        open.push(next);
      }
    }
    return reached;
  }

  prepare(filter: ComposeFilter): FilterTest {
    const member = (codes: ReadonlySet<string>): FilterTest => ({ test: ({ code }) => codes.has(code) });
    return prepareFilter(
      {
        info: this.info,
        canonicalCode: (code) => this.locate(code)?.code,
        below: (code) => member(this.#reach(code, (at) => this.#below(at))),
        above: (code) => member(this.#reach(code, (at) => this.#concepts.get(at)?.parents ?? [])),
        isLeaf: ({ code }) => this.#below(code).length === 0,
        childrenOf: ({ code }) => this.#below(code),
      },
      filter,
    );
  }

  async *select({ tests, text, activeOnly }: Selection): AsyncIterable<readonly Concept[]> {
    let batch: Concept[] = [];
    for (const code of this.#order) {
      const concept = this.#concepts.get(code) as Concept;
      if (activeOnly === true && isInactive(this.info, concept)) continue;
      if (!tests.every(({ test }) => test(concept)) || !passesText(text, concept)) continue;
      batch.push(concept);
      if (batch.length === BATCH) {
        yield batch;
        batch = [];
      }
    }
    if (batch.length > 0) yield batch;
  }

  async count({ tests, text, activeOnly }: Selection, limit: number): Promise<number> {
    let count = 0;
    for (const concept of this.#concepts.values()) {
      if (activeOnly === true && isInactive(this.info, concept)) continue;
      if (!tests.every(({ test }) => test(concept)) || !passesText(text, concept)) continue;
      if (++count >= limit) break;
    }
    return count;
  }
}

/** A concept element as a concept. */
export function conceptOf(element: JsonObject, parents: readonly string[]): Concept {
  const display = stringOf(element['display'])?.trim();
  const definition = stringOf(element['definition']);
  return {
    code: element['code'] as string,
    designation: objectsOf(element['designation']),
    property: objectsOf(element['property']),
    extension: objectsOf(element['extension']),
    parents,
    ...(display === undefined ? {} : { display }),
    ...(definition === undefined ? {} : { definition }),
  };
}

function collect(resource: JsonObject): Map<string, Node> {
  const nodes = new Map<string, Node>();
  const walk = (list: JsonObject[], parent: string | undefined, depth: number): void => {
    for (const element of list) {
      const code = stringOf(element['code']);
      if (code === undefined) continue;
      let node = nodes.get(code);
      if (node === undefined) {
        const parents: string[] = [];
        node = { concept: conceptOf(element, parents), parents };
        nodes.set(code, node);
      }
      if (parent !== undefined && parent !== code && !node.parents.includes(parent))
        node.parents.push(parent);
      if (depth < MAX_NESTING) walk(objectsOf(element['concept']), code, depth + 1);
    }
  };
  walk(objectsOf(resource['concept']), undefined, 0);
  return nodes;
}

/** A hierarchy may also be given by the properties parent and child (R4 codesystem.html#hierarchy). */
function linkByProperties(
  nodes: Map<string, Node>,
  parentCodes: readonly string[],
  childCodes: readonly string[],
): void {
  const link = (parent: string | undefined, child: string | undefined): void => {
    if (parent === undefined || child === undefined || parent === child) return;
    const node = nodes.get(child);
    if (node === undefined || !nodes.has(parent) || node.parents.includes(parent)) return;
    node.parents.push(parent);
  };
  for (const [code, { concept }] of nodes) {
    for (const property of concept.property) {
      const name = property['code'] as string;
      if (parentCodes.includes(name)) link(valueText(property), code);
      else if (childCodes.includes(name)) link(code, valueText(property));
    }
  }
}
