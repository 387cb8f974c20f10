import type { Tenant } from '../../access/scope.ts';
import { parseJson } from '../../json/parse.ts';
import type { JsonObject } from '../../json/types.ts';
import type { Connections } from '../connections.ts';
import type { StoredSystem } from './rows.ts';

/** How long a tenant's list is used without reading it again, in milliseconds. */
const FRESH = 1000;

interface Entry {
  systems: readonly StoredSystem[];
  read: number;
  reading: Promise<readonly StoredSystem[]> | undefined;
}

/** Which code systems lie in the concept tables, as each tenant sees them. */
export class SystemRegistry {
  readonly #connections: Connections;
  readonly #byTenant = new Map<number, Entry>();
  /** Parsed once: rows are never changed but by a state that is not seen. */
  readonly #parsed = new Map<string, StoredSystem>();

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** The tenant's code systems and the shared ones, at most a second old. */
  async systems(tenant: Tenant): Promise<readonly StoredSystem[]> {
    const entry = this.#byTenant.get(tenant.id);
    if (entry !== undefined && entry.reading === undefined && performance.now() - entry.read < FRESH)
      return entry.systems;
    if (entry?.reading !== undefined) return entry.reading;
    const made: Entry = entry ?? { systems: [], read: 0, reading: undefined };
    this.#byTenant.set(tenant.id, made);
    made.reading = this.#read(tenant)
      .then((systems) => {
        made.systems = systems;
        made.read = performance.now();
        return systems;
      })
      .finally(() => {
        made.reading = undefined;
      });
    return made.reading;
  }

  /** Has the list read again at the next question, after this process has changed it. */
  forget(tenant?: Tenant): void {
    if (tenant === undefined) this.#byTenant.clear();
    else this.#byTenant.delete(tenant.id);
  }

  async #read(tenant: Tenant): Promise<readonly StoredSystem[]> {
    const keys = await this.#connections.within(tenant, 'read', async (connection) => {
      const { rows } = await connection.query({
        name: 'terminology-systems',
        text: `select s.tenant_id, s.id from tenant.code_system s where s.tenant_id in ($1, 0) and s.state = 'ready'
          order by s.tenant_id desc, s.id`,
        values: [tenant.id],
      });
      const unknown = rows.filter(([owner, id]) => !this.#parsed.has(`${owner as number}/${id as number}`));
      if (unknown.length > 0) {
        const { rows: infos } = await connection.query({
          text: `select s.tenant_id, s.id, s.url, s.version, s.source, s.info, s.concepts from tenant.code_system s
            where s.tenant_id in ($1, 0) and s.id = any($2::int[])`,
          values: [tenant.id, unknown.map((row) => row[1])],
        });
        for (const row of infos) {
          const [owner, id, url, version, source, info, concepts] = row as [
            number,
            number,
            string,
            string,
            string | null,
            string,
            number,
          ];
          this.#parsed.set(`${owner}/${id}`, {
            owner,
            id,
            url,
            resource: parseJson(info) as JsonObject,
            concepts,
            ...(version === '' ? {} : { version }),
            ...(source === null ? {} : { source }),
          });
        }
      }
      return rows.map(([owner, id]) => `${owner as number}/${id as number}`);
    });
    return keys.flatMap((key) => this.#parsed.get(key) ?? []);
  }
}
