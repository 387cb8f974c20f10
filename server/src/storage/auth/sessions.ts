import { randomUUID } from 'node:crypto';
import type { Tenant } from '../../access/scope.ts';
import { compact } from '../../auth/compact.ts';
import { hashSecret, newSecret } from '../../auth/hash.ts';
import type {
  NewSession,
  PendingStep,
  ProviderSession,
  Session,
  SessionStore,
} from '../../auth/sessions/session.ts';
import type { Connections, Row } from '../connections.ts';
import { runTransaction } from '../transaction.ts';
import { revokeMatching } from './grants.ts';

const COLUMNS = `id, account_id, created, last_seen, expires, authenticated, methods, pending, address, user_agent,
  provider`;
/** How often the last use of a session is written, in milliseconds. */
const SEEN_EVERY = 60_000;

/** The browser sessions of tenants in the database. */
export class StoredSessions implements SessionStore {
  readonly #connections: Connections;
  readonly #onRevoked: () => void;

  /** @param onRevoked told when sessions were ended, and what apps held by them with them, after the commit */
  constructor(connections: Connections, onRevoked: () => void) {
    this.#connections = connections;
    this.#onRevoked = onRevoked;
  }

  async create(tenant: Tenant, session: NewSession): Promise<{ id: string; token: string }> {
    const id = randomUUID();
    const token = newSecret();
    const now = Date.now();
    await this.#write(
      tenant,
      `insert into store.account_session (tenant_id, id, token_hash, account_id, created, last_seen, expires,
          authenticated, methods, pending, address, user_agent, provider, provider_session)
        values ($1, $2, $3, $4, $5, $5, $6, $11, $7, $8, $9, $10, $12, $13)`,
      [
        id,
        hashSecret(token),
        session.accountId,
        now,
        session.expires,
        session.methods,
        session.pending ?? null,
        session.address ?? null,
        session.userAgent?.slice(0, 300) ?? null,
        session.authenticated ?? now,
        session.from?.provider ?? null,
        session.from?.session ?? null,
      ],
    );
    return { id, token };
  }

  async findByToken(tenant: Tenant, token: string): Promise<Session | undefined> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        name: 'session',
        text: `select ${COLUMNS} from tenant.account_session
          where tenant_id = $1 and token_hash = $2 and ended is null and expires > $3`,
        values: [tenant.id, hashSecret(token), Date.now()],
      }),
    );
    return rows[0] && sessionOf(rows[0]);
  }

  async ofAccount(tenant: Tenant, accountId: string): Promise<Session[]> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        text: `select ${COLUMNS} from tenant.account_session
          where tenant_id = $1 and account_id = $2::uuid and ended is null and expires > $3 and pending is null
          order by last_seen desc, id`,
        values: [tenant.id, accountId, Date.now()],
      }),
    );
    return rows.map(sessionOf);
  }

  async seen(tenant: Tenant, session: Session): Promise<void> {
    const now = Date.now();
    if (now - session.lastSeen < SEEN_EVERY) return;
    await this.#write(
      tenant,
      'update store.account_session set last_seen = $3 where tenant_id = $1 and id = $2',
      [session.id, now],
    );
  }

  async renew(
    tenant: Tenant,
    id: string,
    methods: readonly string[],
    pending: PendingStep | undefined,
    from?: ProviderSession | null,
    authenticated?: number,
  ): Promise<string> {
    const token = newSecret();
    const now = Date.now();
    await this.#write(
      tenant,
      `update store.account_session set token_hash = $3, methods = $4, pending = $5, last_seen = $6,
          authenticated = $7, provider = case when $8 then $9 else provider end,
          provider_session = case when $8 then $10 else provider_session end
        where tenant_id = $1 and id = $2 and ended is null`,
      [
        id,
        hashSecret(token),
        methods,
        pending ?? null,
        now,
        authenticated ?? now,
        from !== undefined,
        from?.provider ?? null,
        from?.session ?? null,
      ],
    );
    return token;
  }

  async end(tenant: Tenant, accountId: string, which: { id: string } | { except?: string }): Promise<number> {
    const [one, except] = 'id' in which ? [which.id, null] : [null, which.except ?? null];
    const ended = await runTransaction(this.#connections, tenant, async (transaction) => {
      const rows = await transaction.query({
        text: `update store.account_session set ended = $3 where tenant_id = $1 and account_id = $2 and ended is null
            and ($4::uuid is null or id = $4) and ($5::uuid is null or id <> $5) returning id`,
        values: [tenant.id, accountId, Date.now(), one, except],
      });
      for (const [id] of rows) await revokeMatching(transaction, { session: id as string });
      return rows.length;
    });
    if (ended > 0) this.#onRevoked();
    return ended;
  }

  async #write(tenant: Tenant, text: string, values: readonly unknown[]): Promise<void> {
    await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({ text, values: [tenant.id, ...values] }),
    );
  }
}

function sessionOf(row: Row): Session {
  const text = (at: number) => (row[at] as string | null) ?? undefined;
  return compact({
    id: row[0] as string,
    accountId: row[1] as string,
    created: Number(row[2]),
    lastSeen: Number(row[3]),
    expires: Number(row[4]),
    authenticated: Number(row[5]),
    methods: row[6] as string[],
    pending: text(7) as PendingStep | undefined,
    address: text(8),
    userAgent: text(9),
    provider: text(10),
  });
}
