import type { Tenant } from '../../access/scope.ts';
import type { Connections } from '../connections.ts';
import { UNHURRIED } from '../unhurried.ts';

/** Something that is due, in the hands of this process. */
export interface DueEntry {
  readonly tenant: Tenant;
  /** `CommunicationRequest/id` or `Communication/id`. */
  readonly reference: string;
  /** Epoch milliseconds, as it was when it was taken. */
  readonly due: number;
  /** How often working on it has failed before. */
  readonly failures: number;
  readonly urgent: boolean;
  readonly lease: string;
}

const NOW = '(extract(epoch from clock_timestamp()) * 1000)::bigint';

/** What is to be done about messages and when, kept in the database: table store.communication_due. */
export class CommunicationAgenda {
  readonly #connections: Connections;
  readonly #onDue: () => void;

  /** @param onDue told when something was put down that is due; must not throw */
  constructor(connections: Connections, onDue: () => void = () => {}) {
    this.#connections = connections;
    this.#onDue = onDue;
  }

  /**
   * Puts down when something is due, in place of what was put down before. Who works on it goes on, and it is taken again
   * afterwards.
   * @param due epoch milliseconds; undefined: now
   * @param urgent whether it is taken before what is not
   */
  async put(
    tenant: Tenant,
    reference: string,
    { due, urgent }: { readonly due?: number; readonly urgent: boolean },
  ): Promise<void> {
    await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        name: 'put-communication',
        text: `insert into store.communication_due as d (tenant_id, reference, due, urgent)
          values ($1, $2, coalesce($3::bigint, ${NOW}), $4)
          on conflict (tenant_id, reference)
            do update set due = excluded.due, urgent = excluded.urgent, failures = 0`,
        values: [tenant.id, reference, due === undefined ? null : Math.round(due), urgent],
      }),
    );
    if (due === undefined || due <= Date.now()) this.#onDue();
  }

  /** Tenants in which something is due. */
  async tenants(): Promise<Tenant[]> {
    const rows = await this.#connections.global({
      text: 'select tenant_id, tenant_name from store.due_communications()',
      values: [],
    });
    return rows.map(([id, name]) => ({ id: id as number, name: name as string }));
  }

  /** Takes what is due, the urgent and then the oldest first. @param leaseTime milliseconds until others may take it */
  async take(tenant: Tenant, most: number, leaseTime: number): Promise<DueEntry[]> {
    const lease = crypto.randomUUID();
    const { rows } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        name: 'take-communications',
        text: `update store.communication_due d set lease = $3, leased_until = ${NOW} + $4::bigint
          from (
            select n.reference from store.communication_due n
            where n.tenant_id = $1 and n.due <= ${NOW} and n.leased_until <= ${NOW}
            order by n.urgent desc, n.due limit $2 for update skip locked
          ) t, ${UNHURRIED}
          where d.tenant_id = $1 and d.reference = t.reference
          returning d.reference, d.due, d.failures, d.urgent`,
        values: [tenant.id, most, lease, leaseTime],
      }),
    );
    return rows.map(([reference, due, failures, urgent]) => ({
      tenant,
      reference: reference as string,
      due: Number(due),
      failures: failures as number,
      urgent: urgent as boolean,
      lease,
    }));
  }

  /** What was taken is done with: its entry goes, unless it was put down anew meanwhile. */
  async done({ tenant, reference, due, lease }: DueEntry): Promise<void> {
    await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        name: 'communication-done',
        text: `with gone as (
            delete from store.communication_due
            where tenant_id = $1 and reference = $2 and lease = $3 and due = $4::bigint
          )
          update store.communication_due set lease = null, leased_until = 0 from ${UNHURRIED}
          where tenant_id = $1 and reference = $2 and lease = $3 and due <> $4::bigint`,
        values: [tenant.id, reference, lease, due],
      }),
    );
  }

  /** What was taken could not be worked on: it is taken again after `wait` milliseconds. */
  async failed({ tenant, reference, lease }: DueEntry, wait: number): Promise<void> {
    await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: `update store.communication_due
          set lease = null, leased_until = 0, failures = failures + 1, due = greatest(due, ${NOW} + $4::bigint)
          where tenant_id = $1 and reference = $2 and lease = $3`,
        values: [tenant.id, reference, lease, Math.round(wait)],
      }),
    );
  }
}
