import {
  corePackage,
  type FhirPackage,
  type PackageEntry,
  PackageSet,
} from '../conformance/packages/index.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import type { Resource } from '../json/types.ts';
import type { TerminologyType } from '../storage/terminology/find-resources.ts';
import { joinCanonical, splitCanonical } from './canonical.ts';
import { stringOf } from './json.ts';
import type { TerminologyService } from './service.ts';

/** Packages, or how to have them: they take memory that many requests do not need. */
export type PackagesOption = PackageSet | (() => Promise<PackageSet | undefined>);

/** A CodeSystem, ValueSet or ConceptMap of a package, not read yet. */
export interface PackageItem {
  readonly entry: PackageEntry;
  readonly package: FhirPackage;
}

/** What the packages of a set have of terminology, as far as their indexes do not tell it. */
interface SetIndex {
  /** By type and URL. */
  readonly byUrl: ReadonlyMap<string, readonly PackageItem[]>;
  readonly byType: ReadonlyMap<string, readonly PackageItem[]>;
  /** Supplements by the URL of the code system that they are for. */
  supplements?: Promise<ReadonlyMap<string, readonly PackageItem[]>>;
  /** Code systems by the URL of the value set of all their codes (CodeSystem.valueSet). */
  valueSets?: Promise<ReadonlyMap<string, PackageItem>>;
}

const TYPES: readonly string[] = ['CodeSystem', 'ValueSet', 'ConceptMap'] satisfies TerminologyType[];

/** Made once for each set of packages, and gone with it. */
const indexes = new WeakMap<PackageSet, SetIndex>();

/** Files that are read before others get their turn. */
const STEP = 20;

/**
 * The terminology of FHIR packages. R4 core is left out: what it defines is among the built-in definitions. Only an index
 * is kept here; resources are kept by the service, which bounds them.
 */
export class PackageSource {
  readonly #service: TerminologyService;
  readonly #set: PackageSet;
  readonly #index: SetIndex;

  constructor(service: TerminologyService, set: PackageSet) {
    this.#service = service;
    this.#set = set;
    let index = indexes.get(set);
    if (index === undefined) {
      index = indexSet(set);
      indexes.set(set, index);
    }
    this.#index = index;
  }

  /** All definitions of a URL, of any version and content, in no order. */
  items(type: TerminologyType, url: string): readonly PackageItem[] {
    return this.#index.byUrl.get(`${type} ${url}`) ?? [];
  }

  /** All definitions of a type. */
  all(type: TerminologyType): readonly PackageItem[] {
    return this.#index.byType.get(type) ?? [];
  }

  /** The definition that the set itself gives for a canonical, by its order of packages; undefined for one of R4 core. */
  preferred(type: TerminologyType, url: string, version: string | undefined): PackageEntry | undefined {
    const found = this.#set.find(type, joinCanonical(url, version));
    return found === undefined || isCore(found.package) ? undefined : found.entry;
  }

  /** @throws TxError 422 for a file that is broken or too large */
  read(item: PackageItem): Resource {
    return this.#service.packageResource(item.package, item.entry);
  }

  /** Supplements for a code system. @throws TxError as {@link read} */
  async supplements(url: string): Promise<Resource[]> {
    this.#index.supplements ??= this.#group(
      this.all('CodeSystem').filter(({ entry }) => entry.type === 'supplement'),
      (resource) => splitCanonical(stringOf(resource['supplements']) ?? '').url,
    );
    const items = (await this.#index.supplements).get(url) ?? [];
    return items.map((item) => this.read(item));
  }

  /** The code system whose value set of all codes has this URL. */
  async systemOfValueSet(url: string): Promise<Resource | undefined> {
    this.#index.valueSets ??= this.#group(
      this.all('CodeSystem').filter(({ entry }) => entry.type === 'complete' || entry.type === 'fragment'),
      (resource) => stringOf(resource['valueSet']),
    ).then((groups) => new Map([...groups].map(([key, [first]]) => [key, first as PackageItem])));
    const item = (await this.#index.valueSets).get(url);
    return item && this.read(item);
  }

  async #group(
    items: readonly PackageItem[],
    keyOf: (resource: Resource) => string | undefined,
  ): Promise<ReadonlyMap<string, readonly PackageItem[]>> {
    const groups = new Map<string, PackageItem[]>();
    for (const [i, item] of items.entries()) {
      if (i % STEP === STEP - 1) await new Promise((resolve) => setImmediate(resolve));
      let resource: Resource;
      try {
        // Past the service: a look at every file should not push out what is in use.
        resource = item.package.read(item.entry);
      } catch {
        continue;
      }
      const key = keyOf(resource);
      if (key === undefined || key === '') continue;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [item]);
      else group.push(item);
    }
    return groups;
  }
}

function indexSet(set: PackageSet): SetIndex {
  const byUrl = new Map<string, PackageItem[]>();
  const byType = new Map<string, PackageItem[]>();
  const add = (map: Map<string, PackageItem[]>, key: string, item: PackageItem): void => {
    const list = map.get(key);
    if (list === undefined) map.set(key, [item]);
    else list.push(item);
  };
  for (const type of TYPES) {
    for (const item of set.list(type)) {
      if (isCore(item.package) || item.entry.url === '') continue;
      add(byUrl, `${type} ${item.entry.url}`, item);
      add(byType, type, item);
    }
  }
  return { byUrl, byType };
}

function isCore({ manifest }: FhirPackage): boolean {
  return manifest.name === corePackage().manifest.name;
}

/** The active packages of a tenant, as {@link PackagesOption}; undefined where it has none. */
export function packagesOf(context: TenantContext | undefined): PackagesOption | undefined {
  if (context === undefined || context.activePackages.length === 0) return undefined;
  return () => context.packages();
}

/** The packages of an option, as a source of terminology. */
export async function openPackages(
  service: TerminologyService,
  option: PackagesOption | undefined,
): Promise<PackageSource | undefined> {
  const set = option instanceof PackageSet || option === undefined ? option : await option();
  return set && new PackageSource(service, set);
}
