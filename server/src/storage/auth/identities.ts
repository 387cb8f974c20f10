import { randomUUID } from 'node:crypto';
import type { Tenant } from '../../access/scope.ts';
import type { NewAccount } from '../../auth/accounts/account.ts';
import type { Connections } from '../connections.ts';
import { runTransaction, type Transaction } from '../transaction.ts';

/** A login at an identity provider that an account is linked with. */
export interface Identity {
  /** store.identity_provider.id */
  readonly provider: string;
  /** See ProvedIdentity.subject. */
  readonly subject: string;
  /** Epoch milliseconds. */
  readonly created: number;
  readonly lastUsed?: number;
}

/** What a login at a provider changes about an account. */
export interface AccountFacts {
  readonly role: string;
  /** Null takes it away; undefined leaves it. */
  readonly fhirUser?: string | null | undefined;
}

/** Which accounts of tenants belong to which people at identity providers. */
export class StoredIdentities {
  readonly #connections: Connections;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** Id of the account of a person at a provider. */
  async accountOf(tenant: Tenant, provider: string, subject: string): Promise<string | undefined> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        text: 'select account_id from tenant.account_identity where tenant_id = $1 and provider = $2 and subject = $3',
        values: [tenant.id, provider, subject],
      }),
    );
    return rows[0]?.[0] as string | undefined;
  }

  /** Where an account is linked, first link first. */
  async ofAccount(tenant: Tenant, accountId: string): Promise<Identity[]> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        text: `select provider, subject, created, last_used from tenant.account_identity
          where tenant_id = $1 and account_id = $2::uuid order by created, provider`,
        values: [tenant.id, accountId],
      }),
    );
    return rows.map(([provider, subject, created, lastUsed]) => ({
      provider: provider as string,
      subject: subject as string,
      created: Number(created),
      ...(lastUsed === null ? {} : { lastUsed: Number(lastUsed) }),
    }));
  }

  /** @returns false when the person at the provider is linked already, to this account or another */
  async link(tenant: Tenant, provider: string, subject: string, accountId: string): Promise<boolean> {
    return await runTransaction(this.#connections, tenant, (transaction) =>
      insertLink(transaction, provider, subject, accountId),
    );
  }

  /** @returns how many links of the account to the provider there were */
  async unlink(tenant: Tenant, provider: string, accountId: string): Promise<number> {
    const { count } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: 'delete from store.account_identity where tenant_id = $1 and provider = $2 and account_id = $3',
        values: [tenant.id, provider, accountId],
      }),
    );
    return count;
  }

  /**
   * Makes an active account that is linked with a person at a provider.
   * @returns its id; undefined when the login is taken or the person is linked already
   */
  async createLinked(
    tenant: Tenant,
    provider: string,
    subject: string,
    account: Omit<NewAccount, 'passwordHash'>,
  ): Promise<string | undefined> {
    const id = randomUUID();
    const now = Date.now();
    return await runTransaction(this.#connections, tenant, async (transaction) => {
      // The link goes first: of two logins at once the second one waits here, and makes no account.
      if (!(await insertLink(transaction, provider, subject, id))) return undefined;
      const made = await transaction.query({
        text: `insert into store.account (tenant_id, id, login, name, email, role, fhir_user, state, created, updated)
          values ($1, $2, $3, $4, $5, $6, $7, 'active', $8, $8) on conflict do nothing returning id`,
        values: [
          tenant.id,
          id,
          account.login,
          account.name,
          account.email ?? null,
          account.role,
          account.fhirUser ?? null,
          now,
        ],
      });
      if (made.length === 1) return id;
      await transaction.query({
        text: 'delete from store.account_identity where tenant_id = $1 and provider = $2 and subject = $3',
        values: [tenant.id, provider, subject],
      });
      return undefined;
    });
  }

  /** Notes a login, makes an invited account active, and gives the account what the provider says of it. */
  async noteLogin(
    tenant: Tenant,
    provider: string,
    subject: string,
    accountId: string,
    { role, fhirUser }: AccountFacts,
  ): Promise<void> {
    const now = Date.now();
    await runTransaction(this.#connections, tenant, async (transaction) => {
      await transaction.query({
        text: 'update store.account_identity set last_used = $4 where tenant_id = $1 and provider = $2 and subject = $3',
        values: [tenant.id, provider, subject, now],
      });
      await transaction.query({
        text: `update store.account set role = $3, fhir_user = case when $4 then $5 else fhir_user end, updated = $6,
            state = case state when 'invited' then 'active' else state end
          where tenant_id = $1 and id = $2`,
        values: [tenant.id, accountId, role, fhirUser !== undefined, fhirUser ?? null, now],
      });
    });
  }

  /** Sessions that began at a provider and are alive: of its own session, of one of its people, or of both. */
  async sessionsOf(
    tenant: Tenant,
    provider: string,
    { session, subject }: { readonly session?: string; readonly subject?: string },
  ): Promise<{ id: string; accountId: string }[]> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        text: `select s.id, s.account_id from tenant.account_session s
          where s.tenant_id = $1 and s.provider = $2 and s.ended is null
            and ($3::text is null or s.provider_session = $3)
            and ($4::text is null or s.account_id in (select i.account_id from tenant.account_identity i
              where i.tenant_id = $1 and i.provider = $2 and i.subject = $4))`,
        values: [tenant.id, provider, session ?? null, subject ?? null],
      }),
    );
    return rows.map(([id, accountId]) => ({ id: id as string, accountId: accountId as string }));
  }
}

async function insertLink(
  transaction: Transaction,
  provider: string,
  subject: string,
  accountId: string,
): Promise<boolean> {
  const rows = await transaction.query({
    text: `insert into store.account_identity (tenant_id, provider, subject, account_id, created)
      values ($1, $2, $3, $4, $5) on conflict do nothing returning subject`,
    values: [transaction.tenant.id, provider, subject, accountId, Date.now()],
  });
  return rows.length === 1;
}
