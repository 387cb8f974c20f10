import type { Tenant } from '../access/scope.ts';
import { Lru } from '../collections/lru.ts';
import { type FhirPackage, type PackageEntry, PackageError } from '../conformance/packages/index.ts';
import type { TenantContext } from '../fhir/tenant-context.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { UCUM } from '../search/units.ts';
import type { Connections } from '../storage/connections.ts';
import { ConceptReader } from '../storage/terminology/concepts.ts';
import {
  type FoundResource,
  ResourceFinder,
  type TerminologyType,
} from '../storage/terminology/find-resources.ts';
import { OwnDefinitions } from '../storage/terminology/own-definitions.ts';
import { SystemRegistry } from '../storage/terminology/registry.ts';
import type { StoredSystem } from '../storage/terminology/rows.ts';
import { type BuiltinDefinitions, loadBuiltin } from './builtin/definitions.ts';
import { type TxError, txError } from './issues.ts';
import { objectsOf, stringOf, weightOf } from './json.ts';
import type { CodeSystemProvider } from './model.ts';
import { countryCodes, currencyCodes, ISO3166, ISO4217 } from './systems/country-codes.ts';
import { BCP47, languagesSystem } from './systems/languages-system.ts';
import { BCP13, mediaTypesSystem } from './systems/media-types-system.ts';
import { MemorySystem } from './systems/memory-system.ts';
import { TableSystem } from './systems/table-system.ts';
import { unitsSystem } from './systems/units-system.ts';

/** Limits on what one request may cost. */
export interface TerminologyLimits {
  /** Most codes of an expansion that is not paged by `count`. */
  readonly expansion: number;
  /** Most codes that are walked through to make an expansion. */
  readonly walk: number;
  /** Longest time of an expansion, in milliseconds. */
  readonly time: number;
  /** Largest ValueSet, ConceptMap or CodeSystem that is held in memory, in bytes of JSON. */
  readonly bytes: number;
  /** Concepts above which a stored CodeSystem goes to the tables. */
  readonly tableConcepts: number;
}

export const DEFAULT_TERMINOLOGY_LIMITS: TerminologyLimits = {
  expansion: 3000,
  walk: 1_000_000,
  time: 20_000,
  bytes: 24_000_000,
  tableConcepts: 5000,
};

/** Bytes of JSON of the tenants' and built-in definitions that a process keeps parsed. */
const KEPT_BYTES = 24_000_000;
/** Concepts of compiled code systems that a process keeps. */
const KEPT_CONCEPTS = 60_000;

/** What terminology operations share in a process: readers, and bounded caches. */
export class TerminologyService {
  readonly limits: TerminologyLimits;
  readonly finder: ResourceFinder;
  readonly registry: SystemRegistry;
  readonly concepts: ConceptReader;
  readonly own: OwnDefinitions;
  readonly #resources = new Lru<string, Resource>(KEPT_BYTES);
  readonly #systems = new Lru<string, MemorySystem>(KEPT_CONCEPTS);
  /** Files of packages that were found to be too large: they are not read again to find it out. */
  readonly #large = new Lru<string, true>(1000);
  readonly #computed = new Map<string, CodeSystemProvider>();
  readonly #units = new Map<string, string>();

  constructor(connections: Connections, limits: Partial<TerminologyLimits> = {}) {
    this.limits = { ...DEFAULT_TERMINOLOGY_LIMITS, ...limits };
    this.finder = new ResourceFinder(connections);
    this.registry = new SystemRegistry(connections);
    this.concepts = new ConceptReader(connections);
    this.own = new OwnDefinitions(connections);
  }

  builtin(): Promise<BuiltinDefinitions> {
    return loadBuiltin();
  }

  /**
   * A built-in definition, parsed.
   * @param version as the definitions have it; undefined for one without
   */
  async builtinResource(
    type: TerminologyType,
    url: string,
    version: string | undefined,
  ): Promise<Resource | undefined> {
    const key = `builtin ${type} ${url}|${version ?? ''}`;
    const known = this.#resources.get(key);
    if (known !== undefined) return known;
    const resource = (await this.builtin()).read(type, url, version);
    if (resource !== undefined) this.#resources.set(key, resource, weightOf(resource, KEPT_BYTES));
    return resource;
  }

  /**
   * The contents of resources that were found; one that has changed meanwhile is left out.
   * @throws TxError 422 for one that is too large
   */
  async contents(
    context: TenantContext,
    found: readonly FoundResource[],
  ): Promise<Map<FoundResource, Resource>> {
    const result = new Map<FoundResource, Resource>();
    const missing: FoundResource[] = [];
    for (const one of found) {
      const known = this.#resources.get(resourceKey(context.tenant, one));
      if (known !== undefined) result.set(one, known);
      else missing.push(one);
    }
    const large = missing.find(({ bytes }) => bytes > this.limits.bytes);
    if (large !== undefined) {
      throw txError(
        422,
        'too-costly',
        'too-costly',
        `${large.type}/${large.id} has ${large.bytes} bytes; this server works with up to ${this.limits.bytes}`,
      );
    }
    const texts = await this.finder.contents(context.tenant, missing);
    for (const one of missing) {
      const text = texts.get(one.rid);
      if (text === undefined) continue;
      const resource = parseJson(text, { maxDepth: 1000 }) as Resource;
      this.#resources.set(resourceKey(context.tenant, one), resource, one.bytes);
      result.set(one, resource);
    }
    return result;
  }

  /**
   * A resource of a package, parsed.
   * @throws TxError 422 for one that is broken or too large
   */
  packageResource(from: FhirPackage, entry: PackageEntry): Resource {
    const key = packageKey(from, entry);
    const known = this.#resources.get(key);
    if (known !== undefined) return known;
    const name = `${entry.file} of the package ${from.manifest.name}#${from.manifest.version}`;
    const { bytes: most } = this.limits;
    const refuse = (): TxError =>
      txError(
        422,
        'too-costly',
        'too-costly',
        `${name} is too large: this server works with up to ${most} bytes`,
      );
    if (this.#large.get(key) === true) throw refuse();
    let resource: Resource;
    try {
      resource = from.read(entry);
    } catch (error) {
      if (!(error instanceof PackageError)) throw error;
      throw txError(422, 'exception', 'invalid-data', error.message);
    }
    const bytes = weightOf(resource, most);
    if (bytes > most) {
      this.#large.set(key, true);
      throw refuse();
    }
    this.#resources.set(key, resource, bytes);
    return resource;
  }

  /** The compiled form of a CodeSystem of a package. @throws TxError as {@link packageResource} */
  packageSystem(from: FhirPackage, entry: PackageEntry): CodeSystemProvider {
    const key = packageKey(from, entry);
    return this.#systems.get(key) ?? this.system(this.packageResource(from, entry), key);
  }

  /** The compiled form of a CodeSystem resource. @param key the same only for the same content; undefined: not kept */
  system(resource: Resource, key: string | undefined): CodeSystemProvider {
    const known = key === undefined ? undefined : this.#systems.get(key);
    if (known !== undefined) return known;
    const system = new MemorySystem(resource);
    if (key !== undefined) this.#systems.set(key, system, (system.info.size ?? 0) + 50);
    return system;
  }

  tableSystem(tenant: Tenant, system: StoredSystem): CodeSystemProvider {
    return new TableSystem(tenant, system, this.concepts);
  }

  /** Code systems that are computed: units, languages, media types, countries, currencies. */
  async computed(url: string): Promise<CodeSystemProvider | undefined> {
    const known = this.#computed.get(url);
    if (known !== undefined) return known;
    const made = await this.#compute(url);
    if (made !== undefined) this.#computed.set(url, made);
    return made;
  }

  async #compute(url: string): Promise<CodeSystemProvider | undefined> {
    switch (url) {
      case UCUM: {
        const common = await this.builtinResource(
          'ValueSet',
          'http://hl7.org/fhir/ValueSet/ucum-common',
          '4.0.1',
        );
        const includes = objectsOf((common?.['compose'] as JsonObject | undefined)?.['include']);
        for (const concept of includes.flatMap((include) => objectsOf(include['concept']))) {
          const display = stringOf(concept['display']);
          if (display !== undefined) this.#units.set(concept['code'] as string, display);
        }
        return unitsSystem(() => this.#units);
      }
      case BCP47:
        return languagesSystem();
      case BCP13:
        return mediaTypesSystem();
      case ISO3166:
        return new MemorySystem(countryCodes());
      case ISO4217:
        return new MemorySystem(currencyCodes());
      default:
        return undefined;
    }
  }
}

/** URLs of the computed code systems. */
export const COMPUTED_SYSTEMS: readonly string[] = [UCUM, BCP47, BCP13, ISO3166, ISO4217];

export function resourceKey(tenant: Tenant, { type, rid, version }: FoundResource): string {
  return `${tenant.id} ${type} ${rid}/${version}`;
}

/** Numbers of packages: the same package, loaded once for all tenants, keeps its number; one that was replaced gets another. */
const packageNumbers = new WeakMap<FhirPackage, number>();
let packageCount = 0;

/** The key of a package's resource in caches. */
export function packageKey(from: FhirPackage, entry: PackageEntry): string {
  let number = packageNumbers.get(from);
  if (number === undefined) packageNumbers.set(from, (number = ++packageCount));
  return `package ${number} ${entry.file}`;
}
