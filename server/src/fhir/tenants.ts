import type { Tenant } from '../access/scope.ts';
import { withSearchParameters } from '../conformance/definitions.ts';
import type { DefinitionsModel, SearchParamModel } from '../conformance/model.ts';
import { typeCode } from '../conformance/resource-types.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { type PackageFiles, packageFilesOf } from '../packages/package-files.ts';
import type { TextHasher } from '../search/hash.ts';
import { busyEntry } from '../search/index/busy.ts';
import { createExtractor, type Extractor } from '../search/index/extractor.ts';
import { compileSearchParameter } from '../search/index/search-parameter.ts';
import { IndexKeys } from '../search/index-model.ts';
import { protectedValues } from '../security/fields/fields.ts';
import { withoutSecrets } from '../security/fields/index-entries.ts';
import { type FieldPolicy, NO_FIELDS, protectsNothing } from '../security/fields/policy.ts';
import type { Connections } from '../storage/connections.ts';
import { activePackages } from '../storage/packages/active-packages.ts';
import { packageSearchParameters } from './package-search-parameters.ts';
import type { OwnSearchParameter, TenantContext, TenantPackage } from './tenant-context.ts';
import { type Definitions, TenantDefinitions } from './tenant-definitions.ts';
import { policyOf } from './tenant-policy.ts';

/** How long a tenant's context is used without asking whether it has changed, in milliseconds. */
const FRESH = 1000;
/** Compiled SearchParameter resources that are kept. */
const MAX_COMPILED = 2000;

interface Entry {
  context: TenantContext;
  checked: number;
  refreshing: Promise<TenantContext | undefined> | undefined;
}

/** The tenants and what is compiled for each. Contexts are made on first use and made again when the tenant changes. */
export class Tenants {
  readonly #connections: Connections;
  readonly #definitions: DefinitionsModel;
  readonly #hasher: TextHasher;
  readonly #baseUrl: string;
  readonly #files: PackageFiles;
  readonly #fieldsOf: (config: JsonObject) => FieldPolicy;
  readonly #tenantDefinitions: TenantDefinitions;
  readonly #byName = new Map<string, Entry>();
  readonly #compiled = new Map<string, { content: string; models: readonly SearchParamModel[] }>();
  /** Told of a context where active packages are not those that all resources are indexed by. */
  onUnindexed: (context: TenantContext) => void = () => {};
  /** Extractors of the built-in definitions are shared by all tenants without other search parameters. */
  readonly #sharedExtractors = new Map<string, Extractor>();

  /**
   * @param baseUrl the server's base, e.g. `http://localhost:8080/fhir`; tenants come below it
   * @param files the contents of installed packages
   * @param fieldsOf which identifiers a tenant of these settings has stored encrypted; none without a master key
   */
  constructor(
    connections: Connections,
    definitions: DefinitionsModel,
    hasher: TextHasher,
    baseUrl: string,
    files: PackageFiles = packageFilesOf(connections),
    fieldsOf: (config: JsonObject) => FieldPolicy = () => NO_FIELDS,
  ) {
    this.#connections = connections;
    this.#files = files;
    this.#fieldsOf = fieldsOf;
    this.#tenantDefinitions = new TenantDefinitions(connections, files, definitions);
    this.#definitions = definitions;
    this.#hasher = hasher;
    this.#baseUrl = baseUrl;
  }

  /** The context of a tenant, at most a second old as to search parameters; undefined if there is no such tenant. */
  async byName(name: string): Promise<TenantContext | undefined> {
    const entry = this.#byName.get(name);
    if (entry === undefined) return this.#load(name);
    if (performance.now() - entry.checked > FRESH && entry.refreshing === undefined) {
      // The stale context serves this request; writes check for themselves, and searches ask again when in doubt.
      entry.refreshing = this.#load(name)
        .catch(() => entry.context)
        .finally(() => {
          entry.refreshing = undefined;
        });
    }
    return entry.context;
  }

  /** Which identifiers a tenant has encrypted, as its context says; none for a tenant that was never asked for. */
  fieldsOf(tenant: Tenant): FieldPolicy {
    return this.#byName.get(tenant.name)?.context.fields ?? NO_FIELDS;
  }

  /** The context of a tenant, a second old at most: for work that follows work. @throws Error when the tenant is gone */
  async recent(tenant: Tenant): Promise<TenantContext> {
    const entry = this.#byName.get(tenant.name);
    const isFresh = entry !== undefined && performance.now() - entry.checked < FRESH;
    return isFresh && entry.context.tenant.id === tenant.id ? entry.context : this.current(tenant);
  }

  /** The newest context of a tenant. @throws Error when the tenant is gone */
  async current(tenant: Tenant): Promise<TenantContext> {
    const context = await this.#load(tenant.name);
    if (context === undefined) throw new Error(`Tenant ${tenant.name} is gone`);
    return context;
  }

  async #load(name: string): Promise<TenantContext | undefined> {
    if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) return undefined;
    const rows = await this.#connections.global({
      text: 'select id, conformance_version, state, config from store.tenant where name = $1',
      values: [name],
    });
    const row = rows[0];
    const known = this.#byName.get(name);
    if (row === undefined || row[2] !== 'active') {
      this.#byName.delete(name);
      return undefined;
    }
    const [id, version, , config] = row as [number, number, string, JsonObject];
    if (
      known !== undefined &&
      known.context.tenant.id === id &&
      known.context.conformanceVersion === version
    ) {
      known.checked = performance.now();
      // What is ready may change without the version, when $reindex ends. To make a context takes a tenth of a second
      // of the processor, so it is not made anew as often as somebody asks for a parameter that is unknown.
      if (!(await this.#anyReady(known.context))) return known.context;
    }
    const context = await this.#make({ id, name }, version, config);
    this.#byName.set(name, { context, checked: performance.now(), refreshing: undefined });
    return context;
  }

  async #make(tenant: Tenant, conformanceVersion: number, config: JsonObject): Promise<TenantContext> {
    const [own, { active, indexed }] = await Promise.all([
      this.#ownSearchParameters(tenant),
      this.#activePackages(tenant),
    ]);
    // The tenant's own come first, then its packages', then the shared ones'.
    const added = distinctModels([...own, ...active].flatMap((one) => one.models));
    const definitions =
      added.length === 0 ? this.#definitions : withSearchParameters(this.#definitions, added);
    const extractors = added.length === 0 ? this.#sharedExtractors : new Map<string, Extractor>();
    const keys = new IndexKeys(this.#hasher, tenant.id);
    const baseUrl = `${this.#baseUrl}/${tenant.name}`;
    let opened: Promise<Definitions> | undefined;
    const open = (): Promise<Definitions> => {
      opened ??= this.#tenantDefinitions.of(tenant, active).catch((error) => {
        opened = undefined;
        throw error;
      });
      return opened;
    };
    const fields = this.#fieldsOf(config);
    const protects = !protectsNothing(fields);
    const context: TenantContext = {
      tenant,
      baseUrl,
      keys,
      definitions,
      conformanceVersion,
      policy: policyOf(config),
      fields,
      ownSearchParameters: own,
      activePackages: active,
      extract(resource: Resource) {
        let extractor = extractors.get(resource.resourceType);
        if (extractor === undefined) {
          extractor = createExtractor(definitions, resource.resourceType);
          extractors.set(resource.resourceType, extractor);
        }
        const entries = extractor(resource, keys, { baseUrl });
        if (resource.resourceType === 'Slot') {
          const busy = busyEntry(resource, keys, baseUrl);
          if (busy !== undefined) entries.busy = busy;
        }
        return protects ? withoutSecrets(entries, protectedValues(resource, fields)) : entries;
      },
      packages: async () => (await open()).packages,
      validators: async () => (await open()).validators,
    };
    const isActive = (digest: string) => active.some((one) => one.digest === digest);
    if (active.some(({ ready }) => !ready) || !indexed.every(isActive)) this.onUnindexed(context);
    return context;
  }

  /** Whether something that the context's resources were not all indexed by has become ready. */
  async #anyReady({ tenant, ownSearchParameters, activePackages }: TenantContext): Promise<boolean> {
    const ids = ownSearchParameters.filter(({ ready }) => !ready).map(({ id }) => id);
    const digests = activePackages.filter(({ ready }) => !ready).map(({ digest }) => digest);
    if (ids.length === 0 && digests.length === 0) return false;
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        text: `select where exists (
            select from tenant.search_parameter where tenant_id = $1 and id = any($2::text[]) and ready)
          or exists (select from tenant.package_index where tenant_id = $1 and digest = any($3::text[]))`,
        values: [tenant.id, ids, digests],
      }),
    );
    return rows.length > 0;
  }

  /** @returns the active packages, and the digests of those that the tenant's resources are indexed by */
  async #activePackages(tenant: Tenant): Promise<{ active: TenantPackage[]; indexed: string[] }> {
    const active = await activePackages(this.#connections, tenant);
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        text: 'select digest from tenant.package_index where tenant_id = $1',
        values: [tenant.id],
      }),
    );
    const indexed = rows.map(([digest]) => digest as string);
    const found: TenantPackage[] = [];
    for (const one of active) {
      const models = packageSearchParameters(
        one.digest,
        await this.#files.open(tenant, one),
        this.#definitions,
      );
      found.push({ ...one, models, ready: models.length === 0 || indexed.includes(one.digest) });
    }
    return { active: found, indexed };
  }

  async #ownSearchParameters(tenant: Tenant): Promise<OwnSearchParameter[]> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        text: `select r.id, r.content, coalesce(p.ready, false) from tenant.resource r
          left join tenant.search_parameter p on p.tenant_id = r.tenant_id and p.id = r.id
          where r.tenant_id = $1 and r.type = $2 and not r.deleted order by r.rid`,
        values: [tenant.id, typeCode('SearchParameter')],
      }),
    );
    const taken = new Set<number>();
    return rows.map(([id, content, ready]) => {
      const models = this.#compiledOf(`${tenant.id}/${id}`, content as string).filter(
        (model) =>
          !this.#definitions.search(model.resourceType).params.has(model.code) && !taken.has(model.key),
      );
      for (const model of models) taken.add(model.key);
      return { id: id as string, ready: ready as boolean, models };
    });
  }

  /** As {@link #compile}, once for each text: to compile one with many base types takes a while. */
  #compiledOf(key: string, content: string): readonly SearchParamModel[] {
    let compiled = this.#compiled.get(key);
    if (compiled?.content !== content) {
      compiled = { content, models: this.#compile(parseJson(content) as JsonObject) };
      if (this.#compiled.size >= MAX_COMPILED) this.#compiled.clear();
      this.#compiled.set(key, compiled);
    }
    return compiled.models;
  }

  /** What a SearchParameter resource adds; nothing when it is retired, or cannot be used here though it is stored. */
  #compile(resource: JsonObject): SearchParamModel[] {
    if (resource['status'] === 'retired') return [];
    try {
      return compileSearchParameter(resource, this.#definitions);
    } catch {
      return [];
    }
  }
}

/** Of parameters with one key, such as those of two versions of a package, the first counts. */
function distinctModels(models: readonly SearchParamModel[]): SearchParamModel[] {
  return [...new Map(models.toReversed().map((model) => [model.key, model])).values()];
}
