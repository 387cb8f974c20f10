import type { Tenant } from '../../access/scope.ts';
import type { SecretBox } from '../../security/keys/secret-box.ts';
import type { Connections, SqlStatement } from '../connections.ts';

/** Where a browser takes push messages, as its PushSubscription says (Push API, RFC 8030, RFC 8291). */
export interface PushAddress {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

export interface StoredPushAddress extends PushAddress {
  /** Id of its Device. */
  readonly id: string;
}

/** Most places of one person that messages go to. */
const MOST = 10;

/** Where push messages for people go, sealed: table store.push_subscription. */
export class PushSubscriptions {
  readonly #connections: Connections;
  readonly #secrets: SecretBox;

  constructor(connections: Connections, secrets: SecretBox) {
    this.#connections = connections;
    this.#secrets = secrets;
  }

  /** The newest first. @param person `Patient/1` */
  async of(tenant: Tenant, person: string): Promise<StoredPushAddress[]> {
    const { rows } = await this.#connections.within(tenant, 'read', (connection) =>
      connection.query({
        text: `select id, sealed from tenant.push_subscription where tenant_id = $1 and person = $2
          order by created desc, id limit $3`,
        values: [tenant.id, person, MOST],
      }),
    );
    return rows.map(([id, sealed]) => ({
      ...(JSON.parse(this.#secrets.open(purposeOf(tenant, id as string), sealed as Buffer)) as PushAddress),
      id: id as string,
    }));
  }

  /** For a transaction: stores an address in place of the one with the id. */
  putting(tenant: Tenant, id: string, person: string, address: PushAddress): SqlStatement {
    return {
      text: `insert into store.push_subscription (tenant_id, id, person, sealed, created) values ($1, $2, $3, $4, $5)
        on conflict (tenant_id, id) do update set person = excluded.person, sealed = excluded.sealed, created = excluded.created`,
      values: [
        tenant.id,
        id,
        person,
        this.#secrets.seal(purposeOf(tenant, id), JSON.stringify(address)),
        Date.now(),
      ],
    };
  }

  /** @param person only one of this person. @returns whether there was one */
  async remove(tenant: Tenant, id: string, person?: string): Promise<boolean> {
    const { count } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: `delete from store.push_subscription
          where tenant_id = $1 and id = $2 and person = coalesce($3, person)`,
        values: [tenant.id, id, person ?? null],
      }),
    );
    return count > 0;
  }
}

const purposeOf = (tenant: Tenant, id: string): string => `push-subscription/${tenant.id}/${id}`;
