import type { Tenant } from '../../access/scope.ts';
import type { Connections } from '../connections.ts';

/** How long an agreement is remembered, in milliseconds. */
const LIFE = 365 * 86_400_000;

/** What people have agreed to and do not want to be asked again. */
export class StoredConsents {
  readonly #connections: Connections;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** @param patient of the context; empty for none @returns the scopes, separated by spaces */
  async find(
    tenant: Tenant,
    accountId: string,
    clientId: string,
    patient: string,
  ): Promise<string | undefined> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        text: `select scopes from tenant.consent_decision
          where tenant_id = $1 and account_id = $2::uuid and client_id = $3 and patient = $4 and expires > $5`,
        values: [tenant.id, accountId, clientId, patient, Date.now()],
      }),
    );
    return rows[0]?.[0] as string | undefined;
  }

  async remember(
    tenant: Tenant,
    accountId: string,
    clientId: string,
    patient: string,
    scopes: string,
  ): Promise<void> {
    const now = Date.now();
    await this.#write(
      tenant,
      `insert into store.consent_decision (tenant_id, account_id, client_id, patient, scopes, decided, expires)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (tenant_id, account_id, client_id, patient)
        do update set scopes = excluded.scopes, decided = excluded.decided, expires = excluded.expires`,
      [accountId, clientId, patient, scopes, now, now + LIFE],
    );
  }

  /** Forgets what was agreed for an app, whatever the patient. */
  async forget(tenant: Tenant, accountId: string, clientId: string): Promise<void> {
    await this.#write(
      tenant,
      'delete from store.consent_decision where tenant_id = $1 and account_id = $2 and client_id = $3',
      [accountId, clientId],
    );
  }

  async #write(tenant: Tenant, text: string, values: readonly unknown[]): Promise<void> {
    await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({ text, values: [tenant.id, ...values] }),
    );
  }
}
