import type { Resource } from '../../json/types.ts';
import type { Filter } from './code-systems.ts';

interface Include {
  readonly system?: string;
  readonly version?: string;
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
export interface IndexedSet {
  /** `url|version`: the same for each copy of the resource. */
  readonly key: string;
  readonly resource: Resource;
  readonly include: readonly IndexedInclude[];
  readonly exclude: readonly IndexedInclude[];
  /** The codes of an expansion, where there is no compose. */
  readonly expansion: ReadonlySet<string> | undefined;
  /** Code systems that its own parts, or the codes of its expansion, are of. */
  readonly systems: ReadonlySet<string>;
}
export interface IndexedInclude {
  readonly system: string | undefined;
  /** The version of the code system that its codes are drawn from; undefined for any. */
  readonly version: string | undefined;
  readonly codes: ReadonlySet<string> | undefined;
  readonly filters: readonly Filter[];
  readonly valueSets: readonly string[];
}

/** Prepares a ValueSet resource (R4 valueset.html#compose; its expansion only counts where there is no compose). */
export function indexSet(resource: Resource): IndexedSet {
  const compose = resource['compose'] as unknown as
    | { include?: readonly Include[]; exclude?: readonly Include[] }
    | undefined;
  const contains = (resource['expansion'] as unknown as { contains?: readonly Contains[] } | undefined)
    ?.contains;
  let expansion: Set<string> | undefined;
  const systems = new Set<string>();
  if (compose === undefined && contains !== undefined) {
    expansion = new Set();
    const visit = (list: readonly Contains[]): void => {
      for (const { system, code, abstract, contains: inner } of list) {
        if (system !== undefined) systems.add(system);
        if (code !== undefined && abstract !== true) {
          expansion?.add(code);
          expansion?.add(`${system ?? ''}|${code}`);
        }
        visit(inner ?? []);
      }
    };
    visit(contains);
  }
  const include = (compose?.include ?? []).map(indexInclude);
  const exclude = (compose?.exclude ?? []).map(indexInclude);
  for (const { system } of [...include, ...exclude]) if (system !== undefined) systems.add(system);
  return {
    key: `${resource['url'] ?? ''}|${resource['version'] ?? ''}`,
    resource,
    include,
    exclude,
    expansion,
    systems,
  };
}

function indexInclude({ system, version, concept, filter, valueSet }: Include): IndexedInclude {
  return {
    system,
    version: version === '*' ? undefined : version,
    codes: concept === undefined ? undefined : new Set(concept.map(({ code }) => code)),
    filters: filter ?? [],
    valueSets: valueSet ?? [],
  };
}
