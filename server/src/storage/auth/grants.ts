import type { Tenant } from '../../access/scope.ts';
import { compact } from '../../auth/compact.ts';
import type { AuthGrant, GrantContext } from '../../auth/token/grant.ts';
import type { Connections, Row, SqlStatement } from '../connections.ts';
import { runTransaction, type Transaction } from '../transaction.ts';
import { addRevocations } from './revocations.ts';

const COLUMNS = `id, client_id, account_id, session_id, scopes, role, fhir_user, patient, encounter, purpose_of_use,
  context, created, revoked`;

/**
 * Which grants: one, all of a person or those of the person for one client or with one id, those of a session (except for
 * `offline_access`, which outlives it), or all of a client.
 */
export type GrantFilter =
  | { readonly id: string }
  | { readonly account: string; readonly client?: string; readonly grant?: string }
  | { readonly session: string }
  | { readonly client: string };

/** A grant on a person's page of apps. */
export interface ActiveGrant {
  readonly id: string;
  readonly clientId: string;
  readonly scopes: string;
  readonly patient?: string;
  /** Epoch milliseconds. */
  readonly created: number;
  readonly lastUsed: number;
  /** When the last of its tokens ends, if none is renewed. */
  readonly expires: number;
}

export async function insertGrant(
  transaction: Transaction,
  grant: AuthGrant,
  expires: number,
): Promise<void> {
  await transaction.query({
    text: `insert into store.auth_grant (tenant_id, id, client_id, account_id, session_id, scopes, role, fhir_user,
        patient, encounter, purpose_of_use, context, created, expires)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    values: [
      transaction.tenant.id,
      grant.id,
      grant.clientId,
      grant.accountId ?? null,
      grant.sessionId ?? null,
      grant.scopes,
      grant.role ?? null,
      grant.fhirUser ?? null,
      grant.patient ?? null,
      grant.encounter ?? null,
      grant.purposeOfUse ?? null,
      JSON.stringify(grant.context),
      grant.created,
      expires,
    ],
  });
}

/** @returns undefined when there is no such grant */
export async function readGrant(
  source: Pick<Transaction, 'query' | 'tenant'>,
  id: string,
): Promise<AuthGrant | undefined> {
  const rows = await source.query({
    text: `select ${COLUMNS} from store.auth_grant where tenant_id = $1 and id = $2`,
    values: [source.tenant.id, id],
  });
  return rows[0] && grantOf(rows[0]);
}

/** Notes that tokens of a grant were issued, and when the last of them ends (epoch milliseconds). */
export async function touchGrant(transaction: Transaction, id: string, expires: number): Promise<void> {
  const now = Date.now();
  await transaction.query({
    text: `update store.auth_grant set activated = coalesce(activated, $3), last_used = $3, expires = greatest(expires, $4)
      where tenant_id = $1 and id = $2`,
    values: [transaction.tenant.id, id, now, expires],
  });
}

/** Who may still use a grant: the state of account and session, as of now. */
export interface GrantHolder {
  /** Undefined when the account is gone or not active. */
  readonly account: { readonly role: string; readonly fhirUser?: string } | undefined;
  readonly sessionAlive: boolean;
}

export async function readHolder(transaction: Transaction, grant: AuthGrant): Promise<GrantHolder> {
  const rows = await transaction.query({
    text: `select a.role, a.fhir_user, exists (select from store.account_session s
          where s.tenant_id = $1 and s.id = $3 and s.ended is null and s.expires > $4)
      from (select 1) as one left join store.account a on a.tenant_id = $1 and a.id = $2 and a.state = 'active'`,
    values: [transaction.tenant.id, grant.accountId ?? null, grant.sessionId ?? null, Date.now()],
  });
  const [role, fhirUser, sessionAlive] = rows[0] as [string | null, string | null, boolean];
  return {
    account: role === null ? undefined : compact({ role, fhirUser: fhirUser ?? undefined }),
    sessionAlive,
  };
}

/**
 * Ends grants with all their tokens, as a part of a transaction.
 * @returns how many were alive
 */
export async function revokeMatching(transaction: Transaction, filter: GrantFilter): Promise<number> {
  const rows = await transaction.query(matching(transaction.tenant, filter));
  const ids = rows.map(([id]) => id as string);
  await addRevocations(transaction, ids);
  return ids.length;
}

function matching(tenant: Tenant, filter: GrantFilter): SqlStatement {
  const update = 'update store.auth_grant set revoked = $2 where tenant_id = $1 and revoked is null';
  const now = Date.now();
  if ('id' in filter)
    return { text: `${update} and id = $3 returning id`, values: [tenant.id, now, filter.id] };
  if ('session' in filter) {
    return {
      text: `${update} and session_id = $3 and not ('offline_access' = any(string_to_array(scopes, ' '))) returning id`,
      values: [tenant.id, now, filter.session],
    };
  }
  if ('account' in filter) {
    return {
      text: `${update} and account_id = $3 and ($4::text is null or client_id = $4)
        and ($5::text is null or id::text = $5) returning id`,
      values: [tenant.id, now, filter.account, filter.client ?? null, filter.grant ?? null],
    };
  }
  return { text: `${update} and client_id = $3 returning id`, values: [tenant.id, now, filter.client] };
}

/** What people have authorized. */
export class StoredGrants {
  readonly #connections: Connections;
  readonly #onRevoked: () => void;

  /** @param onRevoked told when something was revoked, after the commit */
  constructor(connections: Connections, onRevoked: () => void) {
    this.#connections = connections;
    this.#onRevoked = onRevoked;
  }

  /** The grants of a person that have living tokens, newest use first. */
  async ofAccount(tenant: Tenant, accountId: string): Promise<ActiveGrant[]> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        text: `select id, client_id, scopes, patient, created, coalesce(last_used, created), expires from tenant.auth_grant
          where tenant_id = $1 and account_id = $2 and revoked is null and activated is not null and expires > $3
          order by 6 desc, id`,
        values: [tenant.id, accountId, Date.now()],
      }),
    );
    return rows.map((row) =>
      compact({
        id: row[0] as string,
        clientId: row[1] as string,
        scopes: row[2] as string,
        patient: (row[3] as string | null) ?? undefined,
        created: Number(row[4]),
        lastUsed: Number(row[5]),
        expires: Number(row[6]),
      }),
    );
  }

  /** A grant by its id, alive or not; undefined when there is none. */
  async find(tenant: Tenant, id: string): Promise<AuthGrant | undefined> {
    return await this.#connections.within(tenant, 'read', (connection) =>
      readGrant({ tenant, query: async (statement) => (await connection.query(statement)).rows }, id),
    );
  }

  /**
   * Ends grants with all their tokens: an app that a person no longer wants, a session that has ended, an account that
   * was disabled or whose password was reset.
   * @returns how many were alive
   */
  async revoke(tenant: Tenant, filter: GrantFilter): Promise<number> {
    const revoked = await runTransaction(this.#connections, tenant, (transaction) =>
      revokeMatching(transaction, filter),
    );
    this.#onRevoked();
    return revoked;
  }

  /** Ends one access token. */
  async revokeToken(tenant: Tenant, tokenId: string): Promise<void> {
    await runTransaction(this.#connections, tenant, (transaction) => addRevocations(transaction, [tokenId]));
    this.#onRevoked();
  }
}

function grantOf(row: Row): AuthGrant {
  const text = (at: number) => (row[at] as string | null) ?? undefined;
  return compact({
    id: row[0] as string,
    clientId: row[1] as string,
    accountId: text(2),
    sessionId: text(3),
    scopes: row[4] as string,
    role: text(5),
    fhirUser: text(6),
    patient: text(7),
    encounter: text(8),
    purposeOfUse: text(9),
    context: row[10] as GrantContext,
    created: Number(row[11]),
    revoked: row[12] !== null,
  });
}
