import type { Tenant } from '../../access/scope.ts';
import type { AuthorizationRequest } from '../../auth/authorize/request.ts';
import { hashSecret, newSecret } from '../../auth/hash.ts';
import type { Connections } from '../connections.ts';

/** How long a person may take, in milliseconds. */
const LIFE = 30 * 60_000;

/** Authorization requests that wait for login, patient and consent. Each belongs to one browser. */
export class StoredAuthorizationRequests {
  readonly #connections: Connections;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** @returns the handle that pages carry */
  async add(tenant: Tenant, request: AuthorizationRequest): Promise<string> {
    const handle = newSecret();
    const now = Date.now();
    await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: `insert into store.authorization_request (tenant_id, id_hash, request, created, expires)
          values ($1, $2, $3, $4, $5)`,
        values: [tenant.id, hashSecret(handle), JSON.stringify(request), now, now + LIFE],
      }),
    );
    return handle;
  }

  /**
   * The request of a handle, for the browser that came with it first.
   * @param browser the browser's cookie
   * @returns undefined when it is unknown, too old, done or another browser's
   */
  async find(tenant: Tenant, handle: string, browser: string): Promise<AuthorizationRequest | undefined> {
    const { rows } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: `update store.authorization_request set browser_hash = $3
          where tenant_id = $1 and id_hash = $2 and expires > $4 and (browser_hash is null or browser_hash = $3)
          returning request`,
        values: [tenant.id, hashSecret(handle), hashSecret(browser), Date.now()],
      }),
    );
    return rows[0]?.[0] as AuthorizationRequest | undefined;
  }

  /** Keeps what has been found out since. */
  async update(tenant: Tenant, handle: string, request: AuthorizationRequest): Promise<void> {
    await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: 'update store.authorization_request set request = $3 where tenant_id = $1 and id_hash = $2',
        values: [tenant.id, hashSecret(handle), JSON.stringify(request)],
      }),
    );
  }

  /** Ends a request: it is answered. @returns false when it was answered before */
  async remove(tenant: Tenant, handle: string): Promise<boolean> {
    const { count } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: 'delete from store.authorization_request where tenant_id = $1 and id_hash = $2',
        values: [tenant.id, hashSecret(handle)],
      }),
    );
    return count === 1;
  }
}
