import { randomUUID } from 'node:crypto';
import type { Tenant } from '../../access/scope.ts';
import type {
  Account,
  AccountState,
  AccountStore,
  AccountTokenKind,
  NewAccount,
  Passkey,
  SealedFactors,
} from '../../auth/accounts/account.ts';
import { compact } from '../../auth/compact.ts';
import { hashSecret } from '../../auth/hash.ts';
import type { SecretBox } from '../../security/keys/secret-box.ts';
import type { Connections, Row } from '../connections.ts';
import { runTransaction } from '../transaction.ts';

const SELECT = `select a.id, a.login, a.name, a.email, a.role, a.fhir_user, a.language, a.state,
    a.password_hash is not null, coalesce((a.details->>'totp')::boolean, false),
    (select count(*)::int from tenant.passkey p where p.tenant_id = $1 and p.account_id = a.id), a.created, a.last_login,
    not exists(select from tenant.account_identity i join tenant.identity_provider o on o.tenant_id = $1 and o.id = i.provider
      where i.tenant_id = $1 and i.account_id = a.id and o.active and o.config->'localLogins' = 'false'::jsonb)
  from tenant.account a where a.tenant_id = $1`;

/** The accounts of tenants in the database. Second factors are sealed under the master key. */
export class StoredAccounts implements AccountStore {
  readonly #connections: Connections;
  readonly #secrets: SecretBox | undefined;

  /** @param secrets without them second factors can be removed but neither read nor set */
  constructor(connections: Connections, secrets?: SecretBox) {
    this.#connections = connections;
    this.#secrets = secrets;
  }

  async find(tenant: Tenant, id: string): Promise<Account | undefined> {
    return (await this.#select(tenant, 'a.id = $2::uuid', [id]))[0];
  }

  async findByLogin(tenant: Tenant, login: string): Promise<Account | undefined> {
    return (await this.#select(tenant, 'lower(a.login) = lower($2)', [login]))[0];
  }

  async findByEmail(tenant: Tenant, email: string): Promise<Account[]> {
    return await this.#select(tenant, 'lower(a.email) = lower($2) order by a.login limit 5', [email]);
  }

  async list(tenant: Tenant): Promise<Account[]> {
    return await this.#select(tenant, 'true order by lower(a.login)', []);
  }

  async create(tenant: Tenant, account: NewAccount): Promise<Account | undefined> {
    const id = randomUUID();
    const now = Date.now();
    const { passwordHash } = account;
    const count = await this.#write(
      tenant,
      `insert into store.account (tenant_id, id, login, name, email, role, fhir_user, language, password_hash,
          password_changed, state, created, updated)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12) on conflict do nothing`,
      [
        id,
        account.login,
        account.name,
        account.email ?? null,
        account.role,
        account.fhirUser ?? null,
        account.language ?? null,
        passwordHash ?? null,
        passwordHash === undefined ? null : now,
        passwordHash === undefined ? 'invited' : 'active',
        now,
      ],
    );
    return count === 1 ? await this.find(tenant, id) : undefined;
  }

  async passwordHash(tenant: Tenant, id: string): Promise<string | undefined> {
    const rows = await this.#read(
      tenant,
      'password_hash from tenant.account where tenant_id = $1 and id = $2::uuid',
      [id],
    );
    return (rows[0]?.[0] as string | null | undefined) ?? undefined;
  }

  async setPasswordHash(tenant: Tenant, id: string, hash: string): Promise<void> {
    await this.#update(
      tenant,
      id,
      `password_hash = $4, password_changed = $3, state = case state when 'invited' then 'active' else state end`,
      [hash],
    );
  }

  async setState(tenant: Tenant, id: string, state: AccountState): Promise<void> {
    await this.#update(tenant, id, 'state = $4', [state]);
  }

  async setLanguage(tenant: Tenant, id: string, language: string): Promise<void> {
    await this.#update(tenant, id, 'language = $4', [language]);
  }

  async noteLogin(tenant: Tenant, id: string): Promise<void> {
    await this.#update(tenant, id, 'last_login = $3', []);
  }

  async factors(tenant: Tenant, id: string): Promise<SealedFactors> {
    const rows = await this.#read(
      tenant,
      'sealed_mfa from tenant.account where tenant_id = $1 and id = $2::uuid',
      [id],
    );
    const sealed = rows[0]?.[0] as Buffer | null | undefined;
    return sealed ? (JSON.parse(this.#box.open(purposeOf(tenant, id), sealed)) as SealedFactors) : {};
  }

  async setFactors(tenant: Tenant, id: string, factors: SealedFactors): Promise<void> {
    const isEmpty = factors.totp === undefined;
    await this.#update(
      tenant,
      id,
      `sealed_mfa = $4, totp_step = null, details = details || jsonb_build_object('totp', $5::boolean)`,
      [
        isEmpty ? null : this.#box.seal(purposeOf(tenant, id), JSON.stringify(factors)),
        factors.totp !== undefined,
      ],
    );
  }

  async useTotpStep(tenant: Tenant, id: string, step: number): Promise<boolean> {
    const count = await this.#write(
      tenant,
      `update store.account set totp_step = $3 where tenant_id = $1 and id = $2 and (totp_step is null or totp_step < $3)`,
      [id, step],
    );
    return count === 1;
  }

  async setRecoveryCodes(tenant: Tenant, id: string, hashes: readonly Buffer[]): Promise<void> {
    await runTransaction(this.#connections, tenant, async (transaction) => {
      await transaction.query({
        text: 'delete from store.recovery_code where tenant_id = $1 and account_id = $2',
        values: [tenant.id, id],
      });
      await transaction.query({
        text: `insert into store.recovery_code (tenant_id, account_id, code_hash, created)
          select $1, $2, h, $4::bigint from unnest($3::bytea[]) as h`,
        values: [tenant.id, id, hashes, Date.now()],
      });
    });
  }

  async useRecoveryCode(tenant: Tenant, id: string, hash: Buffer): Promise<boolean> {
    const count = await this.#write(
      tenant,
      `update store.recovery_code set used = $4 where tenant_id = $1 and account_id = $2 and code_hash = $3 and used is null`,
      [id, hash, Date.now()],
    );
    return count === 1;
  }

  async recoveryCodesLeft(tenant: Tenant, id: string): Promise<number> {
    const rows = await this.#read(
      tenant,
      'count(*)::int from tenant.recovery_code where tenant_id = $1 and account_id = $2::uuid and used is null',
      [id],
    );
    return rows[0]?.[0] as number;
  }

  async passkeys(tenant: Tenant, accountId: string): Promise<Passkey[]> {
    return await this.#passkeys(tenant, 'account_id = $2::uuid order by created', accountId);
  }

  async findPasskey(tenant: Tenant, credentialId: string): Promise<Passkey | undefined> {
    return (await this.#passkeys(tenant, 'credential_id = $2', credentialId))[0];
  }

  async addPasskey(tenant: Tenant, passkey: Omit<Passkey, 'created' | 'lastUsed'>): Promise<boolean> {
    const count = await this.#write(
      tenant,
      `insert into store.passkey (tenant_id, credential_id, account_id, public_key, counter, transports, device_type,
          backed_up, name, created)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing`,
      [
        passkey.id,
        passkey.accountId,
        passkey.publicKey,
        passkey.counter,
        passkey.transports,
        passkey.deviceType ?? null,
        passkey.backedUp,
        passkey.name,
        Date.now(),
      ],
    );
    return count === 1;
  }

  async notePasskeyUse(tenant: Tenant, credentialId: string, counter: number): Promise<void> {
    await this.#write(
      tenant,
      'update store.passkey set counter = $3, last_used = $4 where tenant_id = $1 and credential_id = $2',
      [credentialId, counter, Date.now()],
    );
  }

  async removePasskey(tenant: Tenant, accountId: string, credentialId: string): Promise<void> {
    await this.#write(
      tenant,
      'delete from store.passkey where tenant_id = $1 and account_id = $2 and credential_id = $3',
      [accountId, credentialId],
    );
  }

  async addToken(
    tenant: Tenant,
    kind: AccountTokenKind,
    token: string,
    accountId: string,
    expires: number,
  ): Promise<void> {
    await runTransaction(this.#connections, tenant, async (transaction) => {
      await transaction.query({
        text: 'update store.account_token set used = $4 where tenant_id = $1 and account_id = $2 and kind = $3 and used is null',
        values: [tenant.id, accountId, kind, Date.now()],
      });
      await transaction.query({
        text: `insert into store.account_token (tenant_id, token_hash, kind, account_id, created, expires)
          values ($1, $2, $3, $4, $5, $6)`,
        values: [tenant.id, hashSecret(token), kind, accountId, Date.now(), expires],
      });
    });
  }

  async peekToken(tenant: Tenant, kind: AccountTokenKind, token: string): Promise<string | undefined> {
    const rows = await this.#read(
      tenant,
      `account_id from tenant.account_token
        where tenant_id = $1 and token_hash = $2 and kind = $3 and used is null and expires > $4`,
      [hashSecret(token), kind, Date.now()],
    );
    return rows[0]?.[0] as string | undefined;
  }

  async takeToken(tenant: Tenant, kind: AccountTokenKind, token: string): Promise<string | undefined> {
    const { rows } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: `update store.account_token set used = $4
          where tenant_id = $1 and token_hash = $2 and kind = $3 and used is null and expires > $4 returning account_id`,
        values: [tenant.id, hashSecret(token), kind, Date.now()],
      }),
    );
    return rows[0]?.[0] as string | undefined;
  }

  async useOnce(tenant: Tenant, kind: AccountTokenKind, token: string, expires: number): Promise<boolean> {
    const count = await this.#write(
      tenant,
      `insert into store.account_token (tenant_id, token_hash, kind, created, expires, used)
        values ($1, $2, $3, $4, $5, $4) on conflict do nothing`,
      [hashSecret(token), kind, Date.now(), expires],
    );
    return count === 1;
  }

  get #box(): SecretBox {
    if (this.#secrets === undefined) throw new Error('Second factors need the master key');
    return this.#secrets;
  }

  async #select(tenant: Tenant, where: string, values: readonly unknown[]): Promise<Account[]> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({ text: `${SELECT} and ${where}`, values: [tenant.id, ...values] }),
    );
    return rows.map((row) => accountOf(tenant, row));
  }

  async #read(tenant: Tenant, what: string, values: readonly unknown[]): Promise<Row[]> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({ text: `select ${what}`, values: [tenant.id, ...values] }),
    );
    return rows;
  }

  async #write(tenant: Tenant, text: string, values: readonly unknown[]): Promise<number> {
    const { count } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({ text, values: [tenant.id, ...values] }),
    );
    return count;
  }

  /** `set` may use $3 for now and $4 and following for the values. */
  async #update(tenant: Tenant, id: string, set: string, values: readonly unknown[]): Promise<void> {
    await this.#write(
      tenant,
      `update store.account set ${set}, updated = $3 where tenant_id = $1 and id = $2`,
      [id, Date.now(), ...values],
    );
  }

  async #passkeys(tenant: Tenant, where: string, value: string): Promise<Passkey[]> {
    const rows = await this.#read(
      tenant,
      `credential_id, account_id, public_key, counter, transports, device_type, backed_up, name, created, last_used
        from tenant.passkey where tenant_id = $1 and ${where}`,
      [value],
    );
    return rows.map((row) =>
      compact({
        id: row[0] as string,
        accountId: row[1] as string,
        publicKey: row[2] as Buffer,
        counter: Number(row[3]),
        transports: row[4] as string[],
        deviceType: (row[5] as string | null) ?? undefined,
        backedUp: row[6] as boolean,
        name: row[7] as string,
        created: Number(row[8]),
        lastUsed: row[9] === null ? undefined : Number(row[9]),
      }),
    );
  }
}

const purposeOf = (tenant: Tenant, id: string): string => `account-factors/${tenant.id}/${id}`;

function accountOf(tenant: Tenant, row: Row): Account {
  const text = (at: number) => (row[at] as string | null) ?? undefined;
  return compact({
    id: row[0] as string,
    tenantId: tenant.id,
    login: row[1] as string,
    name: row[2] as string,
    email: text(3),
    role: row[4] as string,
    fhirUser: text(5),
    language: text(6),
    state: row[7] as AccountState,
    hasPassword: (row[8] as boolean) && (row[13] as boolean),
    localLogins: row[13] as boolean,
    hasTotp: row[9] as boolean,
    passkeys: row[10] as number,
    created: Number(row[11]),
    lastLogin: row[12] === null ? undefined : Number(row[12]),
  });
}
