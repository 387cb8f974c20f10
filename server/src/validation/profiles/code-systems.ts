import type { Resource } from '../../json/types.ts';

interface SourceConcept {
  readonly code: string;
  readonly display?: string;
  readonly designation?: readonly { readonly value?: string }[];
  readonly property?: readonly Readonly<Record<string, unknown>>[];
  readonly concept?: readonly SourceConcept[];
}

/** A filter of ValueSet.compose.include. */
export interface Filter {
  readonly property: string;
  readonly op: string;
  readonly value: string;
}

/** A concept in its code system's index. */
export interface Concept {
  readonly code: string;
  readonly display: string | undefined;
  readonly designations: readonly string[];
  readonly parents: string[];
  readonly properties: ReadonlyMap<string, readonly string[]>;
}

/** A CodeSystem resource with an index of its concepts. */
export class CodeSystemIndex {
  readonly url: string;
  /** Codes that are not here do not exist. */
  readonly complete: boolean;
  readonly #concepts = new Map<string, Concept>();
  readonly #folded: Map<string, string> | undefined;

  constructor(resource: Resource) {
    this.url = String(resource['url']);
    this.complete = resource['content'] === 'complete';
    const visit = (list: readonly SourceConcept[] | undefined, parent: string | undefined): void => {
      for (const concept of list ?? []) {
        const known = this.#concepts.get(concept.code);
        if (known !== undefined) {
          if (parent !== undefined) known.parents.push(parent);
        } else this.#concepts.set(concept.code, conceptOf(concept, parent));
        visit(concept.concept, concept.code);
      }
    };
    visit(resource['concept'] as unknown as readonly SourceConcept[] | undefined, undefined);
    for (const concept of this.#concepts.values()) {
      for (const child of concept.properties.get('child') ?? [])
        this.#concepts.get(child)?.parents.push(concept.code);
    }
    // R4 codesystem-definitions.html#CodeSystem.caseSensitive: only a false one says that case does not matter.
    this.#folded =
      resource['caseSensitive'] === false
        ? new Map([...this.#concepts.keys()].map((code) => [code.toLowerCase(), code]))
        : undefined;
  }

  find(code: string): Concept | undefined {
    const exact = this.#concepts.get(code);
    if (exact !== undefined || this.#folded === undefined) return exact;
    const other = this.#folded.get(code.toLowerCase());
    return other === undefined ? undefined : this.#concepts.get(other);
  }

  /** Whether a code is another, or below it. */
  isBelow(code: string, ancestor: string, orSelf: boolean): boolean {
    if (code === ancestor) return orSelf;
    const seen = new Set<string>();
    const open = [code];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const parent of this.#concepts.get(next)?.parents ?? []) {
        if (parent === ancestor) return true;
        if (!seen.has(parent)) open.push(parent);
        seen.add(parent);
      }
    }
    return false;
  }

  /** Whether a filter keeps a concept (R4 valueset-filter-operator); undefined for one that is not understood. */
  keeps(concept: Concept, { property, op, value }: Filter): boolean | undefined {
    const isCode = property === 'concept' || property === 'code';
    const values = isCode
      ? [concept.code]
      : property === 'display'
        ? [concept.display ?? '']
        : property === 'parent'
          ? concept.parents
          : (concept.properties.get(property) ?? []);
    switch (op) {
      case '=':
        return values.includes(value);
      case 'in':
        return value.split(',').some((one) => values.includes(one.trim()));
      case 'not-in':
        return !value.split(',').some((one) => values.includes(one.trim()));
      case 'exists':
        return values.length > 0 === (value === 'true');
      case 'is-a':
        return isCode ? this.isBelow(concept.code, value, true) : undefined;
      case 'descendent-of':
        return isCode ? this.isBelow(concept.code, value, false) : undefined;
      case 'is-not-a':
        return isCode ? !this.isBelow(concept.code, value, true) : undefined;
      case 'generalizes':
        return isCode ? this.isBelow(value, concept.code, true) : undefined;
      default:
        return undefined;
    }
  }
}

function conceptOf(concept: SourceConcept, parent: string | undefined): Concept {
  const properties = new Map<string, string[]>();
  const parents = parent === undefined ? [] : [parent];
  for (const property of concept.property ?? []) {
    const name = Object.keys(property).find((key) => key.startsWith('value'));
    const raw = name === undefined ? undefined : property[name];
    const value =
      typeof raw === 'object' && raw !== null
        ? String((raw as { code?: unknown }).code ?? '')
        : String(raw ?? '');
    const code = String(property['code']);
    if (code === 'subsumedBy' || code === 'parent') parents.push(value);
    else {
      const list = properties.get(code);
      if (list === undefined) properties.set(code, [value]);
      else list.push(value);
    }
  }
  return {
    code: concept.code,
    display: concept.display,
    designations: (concept.designation ?? []).flatMap(({ value }) => value ?? []),
    parents,
    properties,
  };
}
