import type { Tenant } from '../../access/scope.ts';
import { hashSecret, newSecret } from '../../auth/hash.ts';
import type { PendingLogin } from '../../auth/sso/pending.ts';
import type { SecretBox } from '../../security/keys/secret-box.ts';
import type { Connections } from '../connections.ts';

/** How long a person may take at the provider, in milliseconds. */
const LIFE = 15 * 60_000;

/** Logins that people have gone to identity providers for. Each belongs to one browser and comes back once. */
export class StoredFederatedLogins {
  readonly #connections: Connections;
  readonly #secrets: SecretBox;

  constructor(connections: Connections, secrets: SecretBox) {
    this.#connections = connections;
    this.#secrets = secrets;
  }

  /**
   * @param browser the browser's cookie
   * @returns the state that the provider sends back
   */
  async add(tenant: Tenant, provider: string, browser: string, login: PendingLogin): Promise<string> {
    const state = newSecret();
    const now = Date.now();
    await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: `insert into store.federated_login (tenant_id, state_hash, provider, browser_hash, sealed, created, expires)
          values ($1, $2, $3, $4, $5, $6, $7)`,
        values: [
          tenant.id,
          hashSecret(state),
          provider,
          hashSecret(browser),
          this.#seal(tenant, state, login),
          now,
          now + LIFE,
        ],
      }),
    );
    return state;
  }

  /**
   * Takes a login out: it comes back once, whatever becomes of it.
   * @param answered whether the provider's answer has to be in
   * @returns undefined when it is unknown, too old, was taken before, or belongs to another browser or provider
   */
  async take(
    tenant: Tenant,
    provider: string,
    state: string,
    browser: string,
    answered: boolean,
  ): Promise<PendingLogin | undefined> {
    const { rows } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: `delete from store.federated_login where tenant_id = $1 and state_hash = $2 and provider = $3
            and browser_hash = $4 and answered = $5 and expires > $6 returning sealed`,
        values: [tenant.id, hashSecret(state), provider, hashSecret(browser), answered, Date.now()],
      }),
    );
    const sealed = rows[0]?.[0] as Buffer | undefined;
    return sealed && this.#open(tenant, state, sealed);
  }

  /** A login whose answer is not in yet, without taking it: a SAML response comes without the browser's cookie. */
  async peek(tenant: Tenant, provider: string, state: string): Promise<PendingLogin | undefined> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        text: `select sealed from tenant.federated_login
          where tenant_id = $1 and state_hash = $2 and provider = $3 and not answered and expires > $4`,
        values: [tenant.id, hashSecret(state), provider, Date.now()],
      }),
    );
    const sealed = rows[0]?.[0] as Buffer | undefined;
    return sealed && this.#open(tenant, state, sealed);
  }

  /** Keeps the answer until the browser comes for it. @returns false when there was an answer before */
  async answer(tenant: Tenant, provider: string, state: string, login: PendingLogin): Promise<boolean> {
    const { count } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: `update store.federated_login set sealed = $4, answered = true
          where tenant_id = $1 and state_hash = $2 and provider = $3 and not answered and expires > $5`,
        values: [tenant.id, hashSecret(state), provider, this.#seal(tenant, state, login), Date.now()],
      }),
    );
    return count === 1;
  }

  #seal(tenant: Tenant, state: string, login: PendingLogin): Buffer {
    return this.#secrets.seal(purposeOf(tenant, state), JSON.stringify(login));
  }

  #open(tenant: Tenant, state: string, sealed: Buffer): PendingLogin {
    return JSON.parse(this.#secrets.open(purposeOf(tenant, state), sealed)) as PendingLogin;
  }
}

const purposeOf = (tenant: Tenant, state: string): string =>
  `federated-login/${tenant.id}/${hashSecret(state).toString('base64url')}`;
