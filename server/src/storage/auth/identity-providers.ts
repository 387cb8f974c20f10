import type { Tenant } from '../../access/scope.ts';
import type { IdentityProvider } from '../../auth/sso/provider.ts';
import type { SecretBox } from '../../security/keys/secret-box.ts';
import type { Connections, Row } from '../connections.ts';
import { runTransaction } from '../transaction.ts';
import { revokeMatching } from './grants.ts';

/** The identity providers of tenants in the database. Their secrets are sealed. */
export class StoredIdentityProviders {
  readonly #connections: Connections;
  readonly #secrets: SecretBox | undefined;

  /** @param secrets without them no secret can be read or stored */
  constructor(connections: Connections, secrets?: SecretBox) {
    this.#connections = connections;
    this.#secrets = secrets;
  }

  /** Those that are active, by name. */
  async list(tenant: Tenant): Promise<IdentityProvider[]> {
    return await this.#select(tenant, 'order by name, id', []);
  }

  async find(tenant: Tenant, id: string): Promise<IdentityProvider | undefined> {
    return (await this.#select(tenant, 'and id = $2', [id]))[0];
  }

  /** The client secret (OpenID Connect) or the private key of requests in PEM (SAML); undefined when there is none. */
  async secret(tenant: Tenant, id: string): Promise<string | undefined> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        text: 'select sealed_secret from tenant.identity_provider where tenant_id = $1 and id = $2 and active',
        values: [tenant.id, id],
      }),
    );
    const sealed = rows[0]?.[0] as Buffer | null | undefined;
    return sealed ? this.#box.open(purposeOf(tenant, id), sealed) : undefined;
  }

  /** @returns false when the id is taken */
  async add(tenant: Tenant, provider: IdentityProvider, secret: string | undefined): Promise<boolean> {
    const { id, kind, name, ...config } = provider;
    const { count } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: `insert into store.identity_provider (tenant_id, id, kind, name, config, sealed_secret, created)
          values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
        values: [
          tenant.id,
          id,
          kind,
          name,
          JSON.stringify(config),
          secret === undefined ? null : this.#box.seal(purposeOf(tenant, id), secret),
          Date.now(),
        ],
      }),
    );
    return count === 1;
  }

  /**
   * Replaces the description of a provider of the same kind and issuer; who is linked stays linked.
   * @param secret undefined: the one that is stored stays
   * @returns false when there is none of this id and kind
   */
  async replace(tenant: Tenant, provider: IdentityProvider, secret: string | undefined): Promise<boolean> {
    const { id, kind, name, ...config } = provider;
    const { count } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: `update store.identity_provider
          set name = $4, config = $5, sealed_secret = coalesce($6, sealed_secret) where tenant_id = $1 and id = $2 and kind = $3`,
        values: [
          tenant.id,
          id,
          kind,
          name,
          JSON.stringify(config),
          secret === undefined ? null : this.#box.seal(purposeOf(tenant, id), secret),
        ],
      }),
    );
    return count === 1;
  }

  /**
   * Removes a provider with all links of accounts to it; sessions that began there end, with what apps hold by them.
   * @returns how many links and sessions there were; undefined when there is no such provider
   */
  async remove(tenant: Tenant, id: string): Promise<{ links: number; sessions: number } | undefined> {
    return await runTransaction(this.#connections, tenant, async (transaction) => {
      const run = (text: string, ...more: unknown[]) =>
        transaction.query({ text, values: [tenant.id, id, ...more] });
      const removed = await run(
        'delete from store.identity_provider where tenant_id = $1 and id = $2 returning id',
      );
      if (removed.length === 0) return undefined;
      const links = await run(
        'delete from store.account_identity where tenant_id = $1 and provider = $2 returning subject',
      );
      await run('delete from store.federated_login where tenant_id = $1 and provider = $2');
      const sessions = await run(
        'update store.account_session set ended = $3 where tenant_id = $1 and provider = $2 and ended is null returning id',
        Date.now(),
      );
      for (const [session] of sessions) await revokeMatching(transaction, { session: session as string });
      return { links: links.length, sessions: sessions.length };
    });
  }

  get #box(): SecretBox {
    if (this.#secrets === undefined) throw new Error('Secrets of identity providers need the master key');
    return this.#secrets;
  }

  async #select(tenant: Tenant, rest: string, values: readonly unknown[]): Promise<IdentityProvider[]> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        text: `select id, kind, name, config from tenant.identity_provider where tenant_id = $1 and active ${rest}`,
        values: [tenant.id, ...values],
      }),
    );
    return rows.map(providerOf);
  }
}

const purposeOf = (tenant: Tenant, id: string): string => `identity-provider/${tenant.id}/${id}`;

function providerOf([id, kind, name, config]: Row): IdentityProvider {
  return { ...(config as object), id, kind, name } as IdentityProvider;
}
