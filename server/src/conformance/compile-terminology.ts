import type { SourceCodeSystem, SourceConcept, SourceInclude, SourceValueSet } from './source-model.ts';

/** A code system as it is stored: concepts in columns. */
export interface PackedCodeSystem {
  /** CodeSystem.content is `complete`: codes that are not here do not exist. */
  readonly complete: 0 | 1;
  readonly codes: readonly string[];
  /** 0 where it is missing. */
  readonly displays: readonly (string | 0)[];
  /** Indices of a concept's parents; a number for one, -1 for none. */
  readonly parents: readonly (number | readonly number[])[];
  /** Indices of concepts that are not to be chosen (properties notSelectable and abstract). */
  readonly abstract: readonly number[];
  /** Other properties, by concept index. */
  readonly properties: Readonly<Record<number, readonly (readonly [code: string, value: string])[]>>;
}

export interface PackedInclude {
  readonly s?: string;
  readonly c?: readonly (readonly [code: string, display?: string])[];
  readonly f?: readonly (readonly [property: string, op: string, value: string])[];
  readonly v?: readonly string[];
}
export type PackedValueSet = readonly [include: readonly PackedInclude[], exclude: readonly PackedInclude[]];

/** The stored forms of code systems and value sets by canonical URL. Of two with one URL the later version stays. */
export function compileTerminology(resources: readonly (SourceCodeSystem | SourceValueSet)[]): {
  codeSystems: Map<string, PackedCodeSystem>;
  valueSets: Map<string, PackedValueSet>;
} {
  const codeSystems = new Map<string, PackedCodeSystem>();
  const valueSets = new Map<string, PackedValueSet>();
  const versions = new Map<string, string>();
  for (const resource of resources) {
    if (
      resource.resourceType === 'CodeSystem' &&
      (resource.content === 'supplement' || resource.content === 'not-present')
    ) {
      continue;
    }
    const key = `${resource.resourceType} ${resource.url}`;
    const known = versions.get(key);
    if (known !== undefined && known > (resource.version ?? '')) continue;
    versions.set(key, resource.version ?? '');
    if (resource.resourceType === 'CodeSystem') codeSystems.set(resource.url, packCodeSystem(resource));
    else {
      valueSets.set(resource.url, [
        (resource.compose?.include ?? []).map(packInclude),
        (resource.compose?.exclude ?? []).map(packInclude),
      ]);
    }
  }
  return { codeSystems, valueSets };
}

function packInclude(include: SourceInclude): PackedInclude {
  return {
    ...(include.system === undefined ? {} : { s: include.system }),
    ...(include.concept === undefined
      ? {}
      : {
          c: include.concept.map(({ code, display }) =>
            display === undefined ? ([code] as const) : ([code, display] as const),
          ),
        }),
    ...(include.filter === undefined
      ? {}
      : { f: include.filter.map(({ property, op, value }) => [property, op, value] as const) }),
    ...(include.valueSet === undefined ? {} : { v: include.valueSet }),
  };
}

function packCodeSystem(system: SourceCodeSystem): PackedCodeSystem {
  const index = new Map<string, number>();
  const concepts: SourceConcept[] = [];
  const parents: Set<number>[] = [];
  const collect = (list: readonly SourceConcept[], parent: number): void => {
    for (const concept of list) {
      // A concept may be listed below several parents.
      let place = index.get(concept.code);
      if (place === undefined) {
        place = concepts.length;
        index.set(concept.code, place);
        concepts.push(concept);
        parents.push(new Set());
      }
      if (parent >= 0) (parents[place] as Set<number>).add(parent);
      collect(concept.concept ?? [], place);
    }
  };
  collect(system.concept ?? [], -1);

  const abstract: number[] = [];
  const properties: Record<number, [string, string][]> = {};
  for (const [place, concept] of concepts.entries()) {
    for (const property of concept.property ?? []) {
      const value = String(
        property[Object.keys(property).find((name) => name.startsWith('value')) ?? ''] ?? '',
      );
      const other = index.get(value);
      switch (property.code) {
        case 'notSelectable':
        case 'abstract':
          if (value === 'true') abstract.push(place);
          break;
        case 'child':
          if (other !== undefined && other !== place) (parents[other] as Set<number>).add(place);
          break;
        case 'parent':
        case 'subsumedBy':
          if (other !== undefined && other !== place) (parents[place] as Set<number>).add(other);
          break;
        case 'deprecationDate':
          break;
        default:
          (properties[place] ??= []).push([property.code, value]);
      }
    }
  }
  return {
    complete: system.content === 'complete' ? 1 : 0,
    codes: concepts.map((concept) => concept.code),
    displays: concepts.map((concept) => concept.display ?? 0),
    parents: parents.map((set) =>
      set.size === 0 ? -1 : set.size === 1 ? ([...set][0] as number) : [...set],
    ),
    abstract,
    properties,
  };
}
