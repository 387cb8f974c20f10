import type { TenantContext } from '../fhir/tenant-context.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import type { FoundResource, TerminologyType } from '../storage/terminology/find-resources.ts';
import type { StoredSystem } from '../storage/terminology/rows.ts';
import { Candidates, extraOf, metadata } from './candidates.ts';
import { compareVersions, joinCanonical, pickVersion, splitCanonical, versionMatches } from './canonical.ts';
import { implicitValueSet } from './implicit-value-sets.ts';
import { TxError } from './issues.ts';
import { objectsOf, stringOf } from './json.ts';
import type { CodeSystemProvider, Definition } from './model.ts';
import {
  openPackages,
  type PackageItem,
  type PackageSource,
  type PackagesOption,
  packagesOf,
} from './package-source.ts';
import { COMPUTED_SYSTEMS, packageKey, resourceKey, type TerminologyService } from './service.ts';
import { isLanguagePack, SupplementedSystem } from './systems/supplemented.ts';

/** Contents of code systems that codes can be judged by. */
const USABLE = new Set(['complete', 'fragment']);

export interface SourceOptions {
  readonly service: TerminologyService;
  /** Absent: only what comes with the request, the computed and the built-in definitions. */
  readonly context?: TenantContext;
  /** Whether the tenant's own resources of a type may be seen by whoever asks. */
  readonly visible?: (type: TerminologyType) => boolean;
  /** Resources that came with the request (`tx-resource`). */
  readonly extra?: readonly Resource[];
  /** FHIR packages; absent: those that are active for the context's tenant. */
  readonly packages?: PackagesOption;
  /** `date` of the request: where no version is asked for, only definitions of that time or before count. */
  readonly date?: string;
}

/**
 * Where one request finds its code systems, value sets and concept maps: what came with it, then the tenant's own
 * resources, then code systems loaded into the tables, then FHIR packages, then computed and built-in ones. Within the
 * first of these that has what is asked for, the newest version counts when none is asked for.
 */
export class Sources {
  readonly service: TerminologyService;
  readonly #options: SourceOptions;
  readonly #extra: readonly Resource[];
  readonly #systems = new Map<string, Promise<CodeSystemProvider | undefined>>();
  readonly #own = new Map<string, Promise<{ found: FoundResource; resource: Resource }[]>>();
  readonly #candidates: Candidates;
  #packages: Promise<PackageSource | undefined> | undefined;

  constructor(options: SourceOptions) {
    this.service = options.service;
    this.#options = options;
    this.#extra = options.extra ?? [];
    this.#candidates = new Candidates(options, () => this.packages());
  }

  get extra(): readonly Resource[] {
    return this.#extra;
  }

  /** The packages, opened at the first question. */
  packages(): Promise<PackageSource | undefined> {
    const { packages, context } = this.#options;
    this.#packages ??= openPackages(this.service, packages ?? packagesOf(context));
    return this.#packages;
  }

  /** Code systems in the concept tables that the tenant sees. */
  async stored(): Promise<readonly StoredSystem[]> {
    const { context } = this.#options;
    return context === undefined ? [] : this.service.registry.systems(context.tenant);
  }

  /**
   * A code system with its supplements; undefined if there is none of that version whose codes are known.
   * @param supplements those asked for by name, `url` or `url|version`; language packs take part anyway
   */
  codeSystem(
    url: string,
    version: string | undefined,
    supplements: ReadonlySet<string> = new Set(),
  ): Promise<CodeSystemProvider | undefined> {
    const key = `${url}|${version ?? ''} ${[...supplements].join(' ')}`;
    let found = this.#systems.get(key);
    if (found === undefined) {
      found = this.#findSystem(url, version, supplements);
      this.#systems.set(key, found);
    }
    return found;
  }

  async #findSystem(
    url: string,
    version: string | undefined,
    supplements: ReadonlySet<string>,
  ): Promise<CodeSystemProvider | undefined> {
    const [base, added] = await Promise.all([
      this.#base(url, version),
      this.#supplements(url, version, supplements),
    ]);
    if (base === undefined || added.length === 0) return base;
    const fitting = added.filter((supplement) => {
      const { version: wanted } = splitCanonical(stringOf(supplement['supplements']) ?? '');
      return (
        wanted === undefined || base.info.version === undefined || versionMatches(wanted, base.info.version)
      );
    });
    return fitting.length === 0 ? base : new SupplementedSystem(base, fitting);
  }

  async #base(url: string, version: string | undefined): Promise<CodeSystemProvider | undefined> {
    // Computed systems have no versions: any that is asked for is as good.
    for (const level of this.#candidates.levels(url)) {
      const candidates = (await level(version)).filter(({ content }) => USABLE.has(content ?? ''));
      const chosen = this.#candidates.choose(candidates, version);
      if (chosen !== undefined) return chosen.open();
    }
    return COMPUTED_SYSTEMS.includes(url) ? this.service.computed(url) : undefined;
  }

  /** All versions of a code system that are known, oldest first. */
  async versions(url: string): Promise<string[]> {
    const lists = await Promise.all(this.#candidates.levels(url).map((level) => level()));
    const versions = lists
      .flat()
      .flatMap(({ version, content }) =>
        version === undefined || content === 'supplement' ? [] : [version],
      );
    return [...new Set(versions)].sort(compareVersions);
  }

  /** CodeSystem.content of a definition that is there but whose codes may not be: `supplement`, `not-present`... */
  async content(
    url: string,
    version: string | undefined,
  ): Promise<{ content: string; version?: string } | undefined> {
    for (const level of this.#candidates.levels(url)) {
      const chosen = this.#candidates.choose(await level(version), version);
      if (chosen !== undefined) {
        return {
          content: chosen.content ?? '',
          ...(chosen.version === undefined ? {} : { version: chosen.version }),
        };
      }
    }
    return undefined;
  }

  async #supplements(
    url: string,
    version: string | undefined,
    asked: ReadonlySet<string>,
  ): Promise<Resource[]> {
    const extra = this.#extra.filter(
      (resource) =>
        resource.resourceType === 'CodeSystem' &&
        splitCanonical(stringOf(resource['supplements']) ?? '').url === url,
    );
    const own = await this.#ownBy('CodeSystem', 'supplements', url);
    const packaged = (await (await this.packages())?.supplements(url)) ?? [];
    const all = [...extra, ...own.map(({ resource }) => resource), ...packaged].filter((supplement) => {
      const target = splitCanonical(stringOf(supplement['supplements']) ?? '');
      if (target.url !== url || supplement['content'] !== 'supplement') return false;
      if (version !== undefined && target.version !== undefined && !versionMatches(target.version, version))
        return false;
      return isLanguagePack(supplement) || [...asked].some((name) => namesResource(name, supplement));
    });
    const unique = new Map<string, Resource>();
    for (const supplement of all) {
      const key = joinCanonical(stringOf(supplement['url']) ?? '', stringOf(supplement['version']));
      if (!unique.has(key)) unique.set(key, supplement);
    }
    return [...unique.values()];
  }

  /** The tenant's resources by a parameter with a URL. */
  #ownBy(
    type: TerminologyType,
    param: string,
    url: string,
  ): Promise<{ found: FoundResource; resource: Resource }[]> {
    const { context } = this.#options;
    if (context === undefined || this.#options.visible?.(type) === false) return Promise.resolve([]);
    const key = `${type} ${param} ${url}`;
    let reading = this.#own.get(key);
    if (reading === undefined) {
      reading = (async () => {
        const found = await this.service.finder.find(context, { type, param, url });
        const contents = await this.service.contents(context, found);
        return found.flatMap((one) => {
          const resource = contents.get(one);
          return resource === undefined ? [] : [{ found: one, resource }];
        });
      })();
      this.#own.set(key, reading);
    }
    return reading;
  }

  /**
   * A value set by canonical URL, `url|version`, or `#id` of one that `within` contains. Implicit value sets of code
   * systems (`?fhir_vs`, CodeSystem.valueSet, LOINC's) are made here.
   */
  async valueSet(canonical: string, version?: string, within?: Resource): Promise<Definition | undefined> {
    if (canonical.startsWith('#')) {
      const contained = objectsOf(within?.['contained']).find(({ id }) => id === canonical.slice(1));
      return contained?.['resourceType'] === 'ValueSet' ? { resource: contained as Resource } : undefined;
    }
    const { url, version: own } = splitCanonical(canonical);
    return (
      (await this.#definition('ValueSet', url, version ?? own)) ??
      (await implicitValueSet(this, url, version ?? own))
    );
  }

  async conceptMap(canonical: string, version?: string): Promise<Definition | undefined> {
    const { url, version: own } = splitCanonical(canonical);
    return this.#definition('ConceptMap', url, version ?? own);
  }

  async #definition(
    type: 'ValueSet' | 'ConceptMap',
    url: string,
    version: string | undefined,
  ): Promise<Definition | undefined> {
    const extra = this.#candidates.choose(
      extraOf(this.#extra, type, url).map((resource) => definition(resource)),
      version,
    );
    if (extra !== undefined) return extra;
    const { context } = this.#options;
    const own = (await this.#ownBy(type, 'url', url))
      .filter(({ resource }) => resource['url'] === url)
      .map(({ found, resource }) => definition(resource, context && resourceKey(context.tenant, found)));
    const mine = this.#candidates.choose(own, version);
    if (mine !== undefined) return mine;
    const packages = await this.packages();
    if (packages !== undefined) {
      const preferred = packages.preferred(type, url, version);
      const items = packages.items(type, url).map((item) => ({
        item,
        preferred: item.entry === preferred,
        ...this.#candidates.packagedMetadata(packages, item),
      }));
      const packaged = this.#candidates.choose(items, version);
      if (packaged !== undefined) return packagedDefinition(packages, packaged.item);
    }
    const builtin = (await this.service.builtin()).versions(type, url);
    const chosen = pickVersion(builtin, version);
    if (chosen === undefined) return undefined;
    const resource = await this.service.builtinResource(type, url, chosen.version);
    return resource && definition(resource, `builtin ${type} ${url}|${chosen.version ?? ''}`);
  }

  /** All concept maps that may translate, those of the request and the tenant first; at most a thousand of the tenant. */
  async conceptMaps(): Promise<Definition[]> {
    const maps = this.#extra
      .filter(({ resourceType }) => resourceType === 'ConceptMap')
      .map((resource) => definition(resource));
    const { context } = this.#options;
    if (context !== undefined && this.#options.visible?.('ConceptMap') !== false) {
      // One that is too large to be worked with is no reason to translate nothing.
      const found = (await this.service.finder.all(context, 'ConceptMap', 1000)).filter(
        ({ bytes }) => bytes <= this.service.limits.bytes,
      );
      for (const [one, resource] of await this.service.contents(context, found)) {
        maps.push(definition(resource, resourceKey(context.tenant, one)));
      }
    }
    const packages = await this.packages();
    for (const item of packages?.all('ConceptMap') ?? []) {
      try {
        if (packages !== undefined) maps.push(packagedDefinition(packages, item));
      } catch (error) {
        if (!(error instanceof TxError)) throw error;
      }
    }
    const builtin = await this.service.builtin();
    for (const url of builtin.urls('ConceptMap')) {
      for (const { version } of builtin.versions('ConceptMap', url)) {
        const resource = await this.service.builtinResource('ConceptMap', url, version);
        if (resource !== undefined)
          maps.push(definition(resource, `builtin ConceptMap ${url}|${version ?? ''}`));
      }
    }
    return maps;
  }
}

function definition(resource: Resource, key?: string): Definition & { readonly date?: string } {
  return { resource, ...metadata(resource), ...(key === undefined ? {} : { key }) };
}

function packagedDefinition(packages: PackageSource, item: PackageItem): Definition {
  return definition(packages.read(item), packageKey(item.package, item.entry));
}

/** Whether `url` or `url|version` names a resource. */
export function namesResource(canonical: string, resource: JsonObject): boolean {
  const { url, version } = splitCanonical(canonical);
  return (
    resource['url'] === url &&
    (version === undefined || versionMatches(version, stringOf(resource['version'])))
  );
}
