import type { Tenant } from '../../access/scope.ts';
import type {
  Client,
  ClientKind,
  ClientStore,
  GrantType,
  JwkSet,
  NewClient,
} from '../../auth/clients/client.ts';
import { compact } from '../../auth/compact.ts';
import { hashSecret } from '../../auth/hash.ts';
import { systemGrantId } from '../../auth/token/system-grant.ts';
import type { Connections, Row } from '../connections.ts';
import { runTransaction } from '../transaction.ts';
import { revokeMatching } from './grants.ts';
import { addRevocations } from './revocations.ts';

const COLUMNS =
  'id, name, kind, redirect_uris, launch_uri, scopes, grant_types, jwks, jwks_uri, about, created';

/** The clients of tenants in the database. */
export class StoredClients implements ClientStore {
  readonly #connections: Connections;
  readonly #onRevoked: () => void;

  /** @param onRevoked told when tokens were revoked, after the commit */
  constructor(connections: Connections, onRevoked: () => void) {
    this.#connections = connections;
    this.#onRevoked = onRevoked;
  }

  async find(tenant: Tenant, id: string): Promise<Client | undefined> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        name: 'client',
        text: `select ${COLUMNS} from tenant.client where tenant_id = $1 and id = $2 and state = 'active'`,
        values: [tenant.id, id],
      }),
    );
    return rows[0] && clientOf(rows[0]);
  }

  async secretHash(tenant: Tenant, id: string): Promise<Buffer | undefined> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        name: 'client-secret',
        text: `select secret_hash from tenant.client where tenant_id = $1 and id = $2 and state = 'active'`,
        values: [tenant.id, id],
      }),
    );
    return (rows[0]?.[0] as Buffer | null | undefined) ?? undefined;
  }

  async list(tenant: Tenant): Promise<Client[]> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        text: `select ${COLUMNS} from tenant.client where tenant_id = $1 and state = 'active' order by name, id`,
        values: [tenant.id],
      }),
    );
    return rows.map(clientOf);
  }

  async create(tenant: Tenant, client: NewClient): Promise<boolean> {
    const { logoUri, clientUri, policyUri, tosUri, contacts, trusted } = client;
    const { count } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: `insert into store.client (tenant_id, ${COLUMNS}, secret_hash)
          values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict do nothing`,
        values: [
          tenant.id,
          client.id,
          client.name,
          client.kind,
          client.redirectUris,
          client.launchUri ?? null,
          client.scopes,
          client.grantTypes,
          client.jwks === undefined ? null : JSON.stringify(client.jwks),
          client.jwksUri ?? null,
          JSON.stringify({ logoUri, clientUri, policyUri, tosUri, contacts, trusted }),
          Date.now(),
          client.secret === undefined ? null : hashSecret(client.secret),
        ],
      }),
    );
    return count === 1;
  }

  async delete(tenant: Tenant, id: string): Promise<boolean> {
    const deleted = await runTransaction(this.#connections, tenant, async (transaction) => {
      const rows = await transaction.query({
        text: `delete from store.client where tenant_id = $1 and id = $2 returning ${COLUMNS}`,
        values: [tenant.id, id],
      });
      if (rows[0] === undefined) return false;
      await revokeMatching(transaction, { client: id });
      // Who comes next under the same id is another one: nobody has agreed to that.
      await transaction.query({
        text: 'delete from store.consent_decision where tenant_id = $1 and client_id = $2',
        values: [tenant.id, id],
      });
      await addRevocations(transaction, [systemGrantId(clientOf(rows[0]))]);
      return true;
    });
    if (deleted) this.#onRevoked();
    return deleted;
  }
}

function clientOf(row: Row): Client {
  return compact({
    id: row[0] as string,
    name: row[1] as string,
    kind: row[2] as ClientKind,
    redirectUris: row[3] as string[],
    launchUri: (row[4] as string | null) ?? undefined,
    scopes: row[5] as string,
    grantTypes: row[6] as GrantType[],
    jwks: (row[7] as JwkSet | null) ?? undefined,
    jwksUri: (row[8] as string | null) ?? undefined,
    ...(row[9] as Pick<Client, 'logoUri' | 'clientUri' | 'policyUri' | 'tosUri' | 'contacts' | 'trusted'>),
    created: Number(row[10]),
  });
}
