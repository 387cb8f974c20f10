import type { Tenant } from '../../access/scope.ts';
import type { JwkSet } from '../../auth/clients/client.ts';
import { compact } from '../../auth/compact.ts';
import type { CdsClientRegistration, CdsProviderRegistration } from '../../cds/registrations.ts';
import type { Connections, Row } from '../connections.ts';

/** The registrations of CDS Hooks in the database: EHRs that may call, and providers of services that are called. */
export class StoredCdsRegistrations {
  readonly #connections: Connections;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  async findClient(tenant: Tenant, issuer: string): Promise<CdsClientRegistration | undefined> {
    const rows = await this.#read(tenant, `${CLIENTS} and issuer = $2`, [issuer]);
    return rows[0] && clientOf(rows[0]);
  }

  /** By issuer. */
  async clients(tenant: Tenant): Promise<CdsClientRegistration[]> {
    return (await this.#read(tenant, `${CLIENTS} order by issuer`, [])).map(clientOf);
  }

  /** @returns false when the issuer is registered already */
  addClient(tenant: Tenant, client: CdsClientRegistration): Promise<boolean> {
    const { issuer, name, jku, jwks, fhirServers, privateNetwork } = client;
    return this.#write(
      tenant,
      `insert into store.cds_client (tenant_id, issuer, name, jku, jwks, fhir_servers, private_network, created)
        values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
      [
        issuer,
        name,
        jku ?? null,
        jwks === undefined ? null : JSON.stringify(jwks),
        fhirServers ?? [],
        privateNetwork === true,
        Date.now(),
      ],
    );
  }

  /** @returns false when there is none */
  removeClient(tenant: Tenant, issuer: string): Promise<boolean> {
    return this.#write(tenant, 'delete from store.cds_client where tenant_id = $1 and issuer = $2', [issuer]);
  }

  /** By id. */
  async providers(tenant: Tenant): Promise<CdsProviderRegistration[]> {
    return (await this.#read(tenant, `${PROVIDERS} order by id`, [])).map(providerOf);
  }

  async findProvider(tenant: Tenant, id: string): Promise<CdsProviderRegistration | undefined> {
    const rows = await this.#read(tenant, `${PROVIDERS} and id = $2`, [id]);
    return rows[0] && providerOf(rows[0]);
  }

  /** @returns false when the id is taken */
  addProvider(tenant: Tenant, provider: CdsProviderRegistration): Promise<boolean> {
    const { id, name, url, scopes, privateNetwork } = provider;
    return this.#write(
      tenant,
      `insert into store.cds_provider (tenant_id, id, name, url, scopes, private_network, created)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
      [id, name, url, scopes ?? null, privateNetwork === true, Date.now()],
    );
  }

  /** @returns false when there is none */
  removeProvider(tenant: Tenant, id: string): Promise<boolean> {
    return this.#write(tenant, 'delete from store.cds_provider where tenant_id = $1 and id = $2', [id]);
  }

  async #read(tenant: Tenant, text: string, values: readonly unknown[]): Promise<Row[]> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({ text, values: [tenant.id, ...values] }),
    );
    return rows;
  }

  async #write(tenant: Tenant, text: string, values: readonly unknown[]): Promise<boolean> {
    const { count } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({ text, values: [tenant.id, ...values] }),
    );
    return count === 1;
  }
}

const CLIENTS =
  'select issuer, name, jku, jwks, fhir_servers, private_network from tenant.cds_client where tenant_id = $1';
const PROVIDERS =
  'select id, name, url, scopes, private_network from tenant.cds_provider where tenant_id = $1';

const clientOf = (row: Row): CdsClientRegistration =>
  compact({
    issuer: row[0] as string,
    name: row[1] as string,
    jku: (row[2] as string | null) ?? undefined,
    jwks: (row[3] as JwkSet | null) ?? undefined,
    fhirServers: (row[4] as string[]).length === 0 ? undefined : (row[4] as string[]),
    privateNetwork: row[5] === true ? true : undefined,
  });

const providerOf = (row: Row): CdsProviderRegistration =>
  compact({
    id: row[0] as string,
    name: row[1] as string,
    url: row[2] as string,
    scopes: (row[3] as string | null) ?? undefined,
    privateNetwork: row[4] === true ? true : undefined,
  });
