import type { Resource } from '../../json/types.ts';
import { corePackage } from './core.ts';
import type { FhirPackage, PackageEntry } from './package.ts';
import { compareVersions, versionMatches } from './version.ts';

/** Finds conformance resources by canonical URL. What the validator, snapshots and terminology ask. */
export interface CanonicalResolver {
  /**
   * The resource with a canonical URL (`url` or `url|version`; a fragment does not count). Without a version it is the
   * one of `origin`'s package or of the packages that depends on, else the newest (R4 references.html#canonical), of the
   * first layer that has one.
   *
   * @param origin a resource that this resolver gave, in which the canonical stands
   * @returns undefined if there is none. The object is shared: it must not be changed
   */
  resolve(resourceType: string, canonical: string, origin?: object): Resource | undefined;
}

interface Candidate {
  readonly entry: PackageEntry;
  readonly package: FhirPackage;
}

export interface MissingDependency {
  /** `name#version` of the package that needs it. */
  readonly package: string;
  readonly name: string;
  readonly version: string;
}

/** How many parsed resources are kept. */
const KEPT = 64;
const CORE = 'hl7.fhir.r4.core';

/** Several packages, R4 core among them, and the resources that were given besides. */
export class PackageSet implements CanonicalResolver {
  /** All packages, those of the first layer first, R4 core last. */
  readonly packages: readonly FhirPackage[];
  readonly #layerOf = new Map<FhirPackage, number>();
  readonly #byUrl = new Map<string, Candidate[]>();
  /** Parsed resources, the last used at the end. */
  readonly #parsed = new Map<PackageEntry, Resource>();
  readonly #origins = new WeakMap<object, FhirPackage>();
  readonly #reach = new Map<FhirPackage, ReadonlySet<FhirPackage>>();

  /**
   * @param packages of two with one name and version the first counts. Given in layers (lists), what an earlier layer has
   *   wins over later ones whatever its version: a tenant's own before the shared. R4 core is always there, as the last
   *   layer.
   */
  constructor(packages: readonly FhirPackage[] | readonly (readonly FhirPackage[])[]) {
    const unique = new Map<string, FhirPackage>();
    for (const [layer, list] of [...layersOf(packages), [corePackage()]].entries()) {
      for (const one of list) {
        const key = `${one.manifest.name}#${one.manifest.version}`;
        if (unique.has(key)) continue;
        unique.set(key, one);
        this.#layerOf.set(one, one.manifest.name === CORE ? Number.POSITIVE_INFINITY : layer);
      }
    }
    this.packages = [...unique.values()];
    for (const one of this.packages) {
      for (const entry of one.entries) {
        if (entry.url === '') continue;
        const key = `${entry.resourceType} ${entry.url}`;
        const candidates = this.#byUrl.get(key);
        if (candidates === undefined) this.#byUrl.set(key, [{ entry, package: one }]);
        else candidates.push({ entry, package: one });
      }
    }
    for (const candidates of this.#byUrl.values()) {
      candidates.sort(
        (a, b) =>
          this.#compareLayers(a.package, b.package) ||
          compareVersions(b.entry.version, a.entry.version) ||
          compareVersions(b.package.manifest.version, a.package.manifest.version),
      );
    }
  }

  resolve(resourceType: string, canonical: string, origin?: object): Resource | undefined {
    const found = this.find(resourceType, canonical, origin);
    return found === undefined ? undefined : this.read(found);
  }

  /** The index entry that {@link resolve} would read, with its package. */
  find(resourceType: string, canonical: string, origin?: object): Candidate | undefined {
    const [url, version] = splitCanonical(canonical);
    const candidates = this.#byUrl.get(`${resourceType} ${url}`);
    if (candidates === undefined) return undefined;
    if (version !== undefined) {
      return (
        candidates.find(({ entry }) => entry.version === version) ??
        candidates.find(({ entry }) => versionMatches(entry.version, version))
      );
    }
    const from = origin === undefined ? undefined : this.#origins.get(origin);
    if (from !== undefined && candidates.length > 1) {
      const reach = this.#reachOf(from);
      const near =
        candidates.find((candidate) => candidate.package === from) ??
        candidates.find((candidate) => reach.has(candidate.package));
      if (near !== undefined) return near;
    }
    return candidates[0];
  }

  /** All entries of a type, with their packages, in no order. */
  *list(resourceType: string): Generator<Candidate> {
    for (const one of this.packages) {
      for (const entry of one.entries) {
        if (entry.resourceType === resourceType) yield { entry, package: one };
      }
    }
  }

  /** A candidate's resource, parsed or from the few kept. @throws PackageError if its file is broken */
  read({ entry, package: from }: Candidate): Resource {
    let resource = this.#parsed.get(entry);
    if (resource === undefined) {
      resource = from.read(entry);
      this.#origins.set(resource, from);
      const oldest = this.#parsed.keys().next();
      if (this.#parsed.size >= KEPT && !oldest.done) this.#parsed.delete(oldest.value);
    } else this.#parsed.delete(entry);
    this.#parsed.set(entry, resource);
    return resource;
  }

  /** The package that a resource of this set came from. */
  originOf(resource: object): FhirPackage | undefined {
    return this.#origins.get(resource);
  }

  /** Declares that a resource made from another (a snapshot) belongs where that came from. */
  adopt(resource: object, origin: object): void {
    const from = this.#origins.get(origin);
    if (from !== undefined) this.#origins.set(resource, from);
  }

  /** The dependencies that are not among the packages. R4 core of another patch version is as good. */
  missingDependencies(): MissingDependency[] {
    return this.packages.flatMap((one) =>
      [...one.manifest.dependencies]
        .filter(([name, version]) => this.#dependency(name, version) === undefined)
        .map(([name, version]) => ({
          package: `${one.manifest.name}#${one.manifest.version}`,
          name,
          version,
        })),
    );
  }

  #compareLayers(a: FhirPackage, b: FhirPackage): number {
    const [left = 0, right = 0] = [this.#layerOf.get(a), this.#layerOf.get(b)];
    return left === right ? 0 : left - right;
  }

  #dependency(name: string, version: string): FhirPackage | undefined {
    const named = this.packages.filter((one) => one.manifest.name === name);
    const isCore = name === CORE && version.startsWith('4.0');
    return (
      named.find((one) => versionMatches(one.manifest.version, version)) ?? (isCore ? named[0] : undefined)
    );
  }

  /** What a package depends on, directly or not. */
  #reachOf(from: FhirPackage): ReadonlySet<FhirPackage> {
    let reach = this.#reach.get(from);
    if (reach === undefined) {
      const found = new Set<FhirPackage>();
      const open = [from];
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        for (const [name, version] of next.manifest.dependencies) {
          const dependency = this.#dependency(name, version);
          if (dependency === undefined || found.has(dependency)) continue;
          found.add(dependency);
          open.push(dependency);
        }
      }
      reach = found;
      this.#reach.set(from, reach);
    }
    return reach;
  }
}

function layersOf(
  packages: readonly FhirPackage[] | readonly (readonly FhirPackage[])[],
): readonly (readonly FhirPackage[])[] {
  const isLayered = (list: typeof packages): list is readonly (readonly FhirPackage[])[] =>
    Array.isArray(list[0]);
  return isLayered(packages) ? packages : [packages as readonly FhirPackage[]];
}

/** A canonical's URL and version (R4 references.html#canonical: `url|version#fragment`). */
export function splitCanonical(canonical: string): [url: string, version: string | undefined] {
  const hash = canonical.indexOf('#');
  const whole = hash < 0 ? canonical : canonical.slice(0, hash);
  const bar = whole.indexOf('|');
  return bar < 0 ? [whole, undefined] : [whole.slice(0, bar), whole.slice(bar + 1) || undefined];
}
