import type { Tenant } from '../access/scope.ts';
import { withSearchParameters } from '../conformance/definitions.ts';
import type { DefinitionsModel, SearchParamModel } from '../conformance/model.ts';
import { typeCode } from '../conformance/resource-types.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import type { TextHasher } from '../search/hash.ts';
import { createExtractor, type Extractor } from '../search/index/extractor.ts';
import { compileSearchParameter } from '../search/index/search-parameter.ts';
import { IndexKeys } from '../search/index-model.ts';
import type { Connections } from '../storage/connections.ts';
import type { OwnSearchParameter, TenantContext } from './tenant-context.ts';

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
  readonly #byName = new Map<string, Entry>();
  readonly #compiled = new Map<string, { content: string; models: readonly SearchParamModel[] }>();
  /** Extractors of the built-in definitions are shared by all tenants without search parameters of their own. */
  readonly #sharedExtractors = new Map<string, Extractor>();

  /** @param baseUrl the server's base, e.g. `http://localhost:8080/fhir`; tenants come below it */
  constructor(connections: Connections, definitions: DefinitionsModel, hasher: TextHasher, baseUrl: string) {
    this.#connections = connections;
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

  /** The newest context of a tenant. @throws Error when the tenant is gone */
  async current(tenant: Tenant): Promise<TenantContext> {
    const context = await this.#load(tenant.name);
    if (context === undefined) throw new Error(`Tenant ${tenant.name} is gone`);
    return context;
  }

  async #load(name: string): Promise<TenantContext | undefined> {
    if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) return undefined;
    const rows = await this.#connections.global({
      text: 'select id, conformance_version, state from store.tenant where name = $1',
      values: [name],
    });
    const row = rows[0];
    const known = this.#byName.get(name);
    if (row === undefined || row[2] !== 'active') {
      this.#byName.delete(name);
      return undefined;
    }
    const [id, version] = row as [number, number];
    if (
      known !== undefined &&
      known.context.tenant.id === id &&
      known.context.conformanceVersion === version
    ) {
      known.checked = performance.now();
      // What is ready may change without the version, when $reindex ends. To make a context takes a tenth of a second
      // of the processor, so it is not made anew as often as somebody asks for a parameter that is unknown.
      const waiting = known.context.ownSearchParameters.filter((own) => !own.ready).map((own) => own.id);
      if (waiting.length === 0 || !(await this.#anyReady(known.context.tenant, waiting)))
        return known.context;
    }
    const context = await this.#make({ id, name }, version);
    this.#byName.set(name, { context, checked: performance.now(), refreshing: undefined });
    return context;
  }

  async #make(tenant: Tenant, conformanceVersion: number): Promise<TenantContext> {
    const own = conformanceVersion === 0 ? [] : await this.#ownSearchParameters(tenant);
    const added = own.flatMap(({ models }) => models);
    const definitions =
      added.length === 0 ? this.#definitions : withSearchParameters(this.#definitions, added);
    const extractors = added.length === 0 ? this.#sharedExtractors : new Map<string, Extractor>();
    const keys = new IndexKeys(this.#hasher, tenant.id);
    const baseUrl = `${this.#baseUrl}/${tenant.name}`;
    return {
      tenant,
      baseUrl,
      keys,
      definitions,
      conformanceVersion,
      ownSearchParameters: own,
      extract(resource: Resource) {
        let extractor = extractors.get(resource.resourceType);
        if (extractor === undefined) {
          extractor = createExtractor(definitions, resource.resourceType);
          extractors.set(resource.resourceType, extractor);
        }
        return extractor(resource, keys, { baseUrl });
      },
    };
  }

  async #anyReady(tenant: Tenant, ids: readonly string[]): Promise<boolean> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        text: 'select from tenant.search_parameter where tenant_id = $1 and id = any($2::text[]) and ready limit 1',
        values: [tenant.id, ids],
      }),
    );
    return rows.length > 0;
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
