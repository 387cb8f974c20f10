import type { Tenant } from '../../access/scope.ts';
import { typeCode } from '../../conformance/resource-types.ts';
import type { Connections } from '../connections.ts';

/** How long a tenant's list is used without reading it again, in milliseconds. */
const FRESH = 1000;
/** Most code systems and value sets of a tenant whose URLs are kept. */
const MOST = 5000;
/** Tenants whose lists are kept. */
const TENANTS = 200;

/** The canonical URLs of a tenant's own CodeSystems and ValueSets; the same object as long as none of them changes. */
export interface OwnUrls {
  /** False for a tenant that has too many of them to be listed: then any URL may be one of its own. */
  readonly complete: boolean;
  has(url: string): boolean;
}

const ANY: OwnUrls = { complete: false, has: () => true };

interface Entry {
  read: number;
  reading: Promise<OwnUrls> | undefined;
  /** URLs by `rid/version`, so that a resource's text is looked into once. */
  urls: ReadonlyMap<string, string>;
  list: OwnUrls | undefined;
}

/**
 * Which canonical URLs a tenant itself defines, so that it can be told without asking the database for each. A list is
 * read again when it is older than a second; who waits for nothing gets the older one meanwhile.
 */
export class OwnDefinitions {
  readonly #connections: Connections;
  readonly #byTenant = new Map<number, Entry>();

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** The tenant's URLs, as they were when the list was last read: at the first question, or up to a second ago. */
  async urls(tenant: Tenant): Promise<OwnUrls> {
    let entry = this.#byTenant.get(tenant.id);
    if (entry === undefined) {
      entry = { read: 0, reading: undefined, urls: new Map(), list: undefined };
      const oldest = this.#byTenant.keys().next();
      if (this.#byTenant.size >= TENANTS && !oldest.done) this.#byTenant.delete(oldest.value);
      this.#byTenant.set(tenant.id, entry);
    }
    if (entry.list !== undefined && performance.now() - entry.read < FRESH) return entry.list;
    entry.reading ??= this.#refresh(tenant, entry);
    return entry.list ?? entry.reading;
  }

  /** Has the list read before the next answer, after this process has changed one of the tenant's definitions. */
  forget(tenant: Tenant): void {
    this.#byTenant.delete(tenant.id);
  }

  async #refresh(tenant: Tenant, entry: Entry): Promise<OwnUrls> {
    try {
      const list = await this.#read(tenant, entry);
      entry.list = list;
      entry.read = performance.now();
      return list;
    } finally {
      entry.reading = undefined;
    }
  }

  async #read(tenant: Tenant, entry: Entry): Promise<OwnUrls> {
    const types = [typeCode('CodeSystem'), typeCode('ValueSet')];
    return this.#connections.within(tenant, 'read', async (connection) => {
      const { rows } = await connection.query({
        name: 'terminology-own',
        text: `select r.type, r.rid, r.version from tenant.resource r
          where r.tenant_id = $1 and r.type = any($2::smallint[]) and not r.deleted limit ${MOST + 1}`,
        values: [tenant.id, types],
      });
      if (rows.length > MOST) {
        entry.urls = new Map();
        return ANY;
      }
      const found = new Map<string, string>();
      const unknown = { rids: [] as string[], types: [] as number[] };
      for (const [type, rid, version] of rows as [number, string, number][]) {
        const key = `${rid}/${version}`;
        const url = entry.urls.get(key);
        if (url !== undefined) found.set(key, url);
        else {
          unknown.types.push(type);
          unknown.rids.push(String(rid));
        }
      }
      if (unknown.rids.length > 0) {
        const { rows: texts } = await connection.query({
          text: `select r.rid, r.version, coalesce(r.content::json ->> 'url', '')
            from unnest($2::smallint[], $3::bigint[]) as q(type, rid)
            join tenant.resource r on r.tenant_id = $1 and r.type = q.type and r.rid = q.rid and not r.deleted`,
          values: [tenant.id, unknown.types, unknown.rids],
        });
        for (const [rid, version, url] of texts as [string, number, string][])
          found.set(`${rid}/${version}`, url);
      }
      const same = found.size === entry.urls.size && unknown.rids.length === 0;
      if (same && entry.list?.complete === true) return entry.list;
      entry.urls = found;
      const urls = new Set(found.values());
      return { complete: true, has: (url) => urls.has(url) };
    });
  }
}
