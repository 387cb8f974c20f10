import type { Tenant } from '../../access/scope.ts';
import { typeCode } from '../../conformance/resource-types.ts';
import { parseJson } from '../../json/parse.ts';
import type { Resource } from '../../json/types.ts';
import type { Hash64 } from '../../search/hash.ts';
import { hashArray } from '../binary-array.ts';
import type { Connections } from '../connections.ts';

/** Resources whose contents are asked for at once. */
const PAGE = 1000;

interface Kept<T> {
  readonly version: number;
  readonly value: T | undefined;
}

/**
 * What is read out of all resources of one type in a tenant. To bring it up to date takes the versions of all and the
 * contents of those that have changed.
 */
export class ResourceMirror<T> {
  readonly #tenant: Tenant;
  readonly #type: string;
  readonly #read: (resource: Resource) => T | undefined;
  #kept = new Map<string, Kept<T>>();

  /**
   * @param read what is kept of a resource; undefined for one that does not matter
   */
  constructor(tenant: Tenant, type: string, read: (resource: Resource) => T | undefined) {
    this.#tenant = tenant;
    this.#type = type;
    this.#read = read;
  }

  /** What is read out of the resources that there are now, by id. */
  async current(connections: Connections): Promise<Map<string, T>> {
    const type = typeCode(this.#type);
    const tenant = this.#tenant;
    const { rows } = await connections.within(tenant, 'read', (connection) =>
      connection.query({
        name: 'mirror-versions',
        text: 'select id, version from tenant.resource where tenant_id = $1 and type = $2 and not deleted',
        values: [tenant.id, type],
      }),
    );
    const next = new Map<string, Kept<T>>();
    const changed: string[] = [];
    for (const [id, version] of rows as [string, number][]) {
      const known = this.#kept.get(id);
      if (known?.version === version) next.set(id, known);
      else changed.push(id);
    }
    for (let at = 0; at < changed.length; at += PAGE) {
      const ids = changed.slice(at, at + PAGE);
      const found = await connections.within(tenant, 'read', (connection) =>
        connection.query({
          name: 'mirror-contents',
          text: `select id, version, content from tenant.resource
            where tenant_id = $1 and type = $2 and not deleted and id = any($3::text[])`,
          values: [tenant.id, type, ids],
        }),
      );
      for (const [id, version, content] of found.rows as [string, number, string][])
        next.set(id, { version, value: this.#read(parseJson(content) as Resource) });
    }
    this.#kept = next;
    return new Map([...next].flatMap(([id, { value }]) => (value === undefined ? [] : [[id, value]])));
  }
}

/** The resources with these hashes of `Type/id` that there are. */
export async function resourcesByHash(
  connections: Connections,
  tenant: Tenant,
  hashes: readonly Hash64[],
): Promise<Resource[]> {
  if (hashes.length === 0) return [];
  const { rows } = await connections.within(tenant, 'read', (connection) =>
    connection.query({
      name: 'resources-by-hash',
      text: `select id, content from tenant.resource
        where tenant_id = $1 and ref_hash = any($2::bigint[]) and not deleted`,
      values: [tenant.id, hashArray(hashes)],
    }),
  );
  return rows.map(([, content]) => parseJson(content as string) as Resource);
}

/**
 * The resources of a type that carry an index token, such as that of a compartment.
 * @param limit most that are returned
 */
export async function resourcesByToken(
  connections: Connections,
  tenant: Tenant,
  type: string,
  token: Hash64,
  limit: number,
): Promise<Resource[]> {
  const { rows } = await connections.within(tenant, 'search', (connection) =>
    connection.query({
      text: `select id, content from tenant.resource
        where tenant_id = $1 and type = $2 and tokens @> $3::bigint[] and not deleted order by rid limit $4::int`,
      values: [tenant.id, typeCode(type), hashArray([token]), limit],
    }),
  );
  return rows.map(([, content]) => parseJson(content as string) as Resource);
}
