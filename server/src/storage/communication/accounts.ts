import type { Tenant } from '../../access/scope.ts';
import type { SecretBox } from '../../security/keys/secret-box.ts';
import type { Connections } from '../connections.ts';

/** What a tenant sends by. */
export type AccountKind = 'twilio' | 'vapid';

/** Accounts of tenants with services that send, as JSON texts, sealed: table store.communication_account. */
export class CommunicationAccounts {
  readonly #connections: Connections;
  readonly #secrets: SecretBox;

  constructor(connections: Connections, secrets: SecretBox) {
    this.#connections = connections;
    this.#secrets = secrets;
  }

  /** @throws TamperedError when it was changed in the database, UnknownKeyError */
  async find(tenant: Tenant, kind: AccountKind): Promise<string | undefined> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        text: 'select sealed from tenant.communication_account where tenant_id = $1 and kind = $2',
        values: [tenant.id, kind],
      }),
    );
    const sealed = rows[0]?.[0] as Buffer | undefined;
    return sealed && this.#secrets.open(purposeOf(tenant, kind), sealed);
  }

  /** Stores an account in place of the one before. */
  async put(tenant: Tenant, kind: AccountKind, account: string): Promise<void> {
    await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: `insert into store.communication_account (tenant_id, kind, sealed, created) values ($1, $2, $3, $4)
          on conflict (tenant_id, kind) do update set sealed = excluded.sealed, created = excluded.created`,
        values: [tenant.id, kind, this.#secrets.seal(purposeOf(tenant, kind), account), Date.now()],
      }),
    );
  }

  /** Stores an account unless there is one. @returns the one that is stored then */
  async putFirst(tenant: Tenant, kind: AccountKind, account: string): Promise<string> {
    await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: `insert into store.communication_account (tenant_id, kind, sealed, created) values ($1, $2, $3, $4)
          on conflict do nothing`,
        values: [tenant.id, kind, this.#secrets.seal(purposeOf(tenant, kind), account), Date.now()],
      }),
    );
    return (await this.find(tenant, kind)) ?? account;
  }

  /** @returns whether there was one */
  async remove(tenant: Tenant, kind: AccountKind): Promise<boolean> {
    const { count } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: 'delete from store.communication_account where tenant_id = $1 and kind = $2',
        values: [tenant.id, kind],
      }),
    );
    return count > 0;
  }
}

const purposeOf = (tenant: Tenant, kind: AccountKind): string => `communication-account/${tenant.id}/${kind}`;
