import type { Tenant } from '../../access/scope.ts';
import type { EventMethod, ResourceEvent } from '../../events/event.ts';
import type { Connections } from '../connections.ts';
import { METHODS, type Method } from '../rows.ts';
import { UNHURRIED } from '../unhurried.ts';

/** A consumer that has something to do in a tenant. */
export interface OpenEvents {
  readonly tenant: Tenant;
  readonly consumer: string;
}

/** An event that this process holds. */
export interface LeasedEvent extends ResourceEvent {
  readonly consumer: string;
  readonly lease: string;
  readonly urgent: boolean;
}

/** How many events of a consumer wait and are parked, and when the oldest that waits was written. */
export interface EventDepth {
  readonly consumer: string;
  readonly waiting: number;
  readonly parked: number;
  readonly oldest: number | undefined;
}

const NOW = '(extract(epoch from clock_timestamp()) * 1000)::bigint';
const MAX_FAILURE = 2000;

/** The outbox as consumers work with it: table store.outbox. */
export class OutboxStore {
  readonly #connections: Connections;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** Where these consumers have something to do. */
  async open(consumers: readonly string[]): Promise<OpenEvents[]> {
    const rows = await this.#connections.global({
      text: 'select tenant_id, tenant_name, consumer from store.open_events($1)',
      values: [consumers],
    });
    return rows.map(([id, name, consumer]) => ({
      tenant: { id: id as number, name: name as string },
      consumer: consumer as string,
    }));
  }

  /**
   * Takes events, the urgent first, each the first that waits of its resource: of a resource that somebody works on, or whose first event
   * failed a moment ago, nothing is taken.
   * @param most events
   * @param leaseTime milliseconds until others may take them, unless {@link renew}ed
   */
  async take(
    { tenant, consumer }: OpenEvents,
    most: number,
    lease: string,
    leaseTime: number,
  ): Promise<LeasedEvent[]> {
    const { rows } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        name: 'take-events',
        text: `update store.outbox o set lease = $4, leased_until = ${NOW} + $5::bigint, attempts = attempts + 1
          from (
            select n.id from store.outbox n
            where n.tenant_id = $1 and n.consumer = $2 and n.parked is null and greatest(n.not_before, n.leased_until) <= ${NOW}
              and not exists (
                select from store.outbox e
                where e.tenant_id = n.tenant_id and e.consumer = n.consumer and e.type = n.type
                  and e.resource_id = n.resource_id and e.parked is null and e.id < n.id
              )
            order by n.urgent desc, n.id limit $3 for update skip locked
          ) t, ${UNHURRIED}
          where o.tenant_id = $1 and o.id = t.id
          returning o.id, o.type, o.resource_id, o.version, o.method, o.subject, o.role, o.at, o.attempts, o.urgent`,
        values: [tenant.id, consumer, most, lease, leaseTime],
      }),
    );
    return rows
      .map((row) => ({
        tenant,
        consumer,
        lease,
        id: row[0] as string,
        type: row[1] as string,
        resourceId: row[2] as string,
        version: row[3] as number,
        method: methodOf(row[4] as Method, row[3] as number),
        subject: row[5] as string,
        role: (row[6] as string | null) ?? undefined,
        at: Number(row[7]),
        attempt: row[8] as number,
        urgent: row[9] as boolean,
      }))
      .sort((a, b) => Number(b.urgent) - Number(a.urgent) || (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
  }

  /** Holds events of a lease for longer. @returns ids of those that are still held */
  async renew(tenant: Tenant, lease: string, ids: readonly string[], leaseTime: number): Promise<string[]> {
    const { rows } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: `update store.outbox set leased_until = ${NOW} + $4::bigint
          where tenant_id = $1 and lease = $2 and id = any($3::bigint[]) returning id`,
        values: [tenant.id, lease, ids, leaseTime],
      }),
    );
    return rows.map(([id]) => id as string);
  }

  /** Removes events of a tenant that were handled, save those that somebody else has taken over. */
  async done(tenant: Tenant, events: readonly LeasedEvent[]): Promise<void> {
    await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        name: 'events-done',
        text: `delete from store.outbox o
          using unnest($2::bigint[], $3::uuid[]) as d(id, lease), ${UNHURRIED}
          where o.tenant_id = $1 and o.id = d.id and o.lease = d.lease`,
        values: [tenant.id, events.map(({ id }) => id), events.map(({ lease }) => lease)],
      }),
    );
  }

  /** Lets an event that failed wait. @param wait milliseconds */
  failed(event: LeasedEvent, wait: number, failure: string): Promise<boolean> {
    return this.#change(
      event,
      `update store.outbox set lease = null, leased_until = 0, not_before = ${NOW} + $4::bigint, failure = $5`,
      [Math.round(wait), storable(failure)],
    );
  }

  /** Gives an event up: it is kept, and the next ones of its resource go on. */
  park(event: LeasedEvent, failure: string): Promise<boolean> {
    return this.#change(
      event,
      `update store.outbox set lease = null, leased_until = 0, parked = ${NOW}, failure = $4`,
      [storable(failure)],
    );
  }

  /** Gives an event back that was not worked on to its end, as if it had not been taken. */
  release(event: LeasedEvent): Promise<boolean> {
    return this.#change(
      event,
      'update store.outbox set lease = null, leased_until = 0, attempts = greatest(attempts - 1, 0)',
    );
  }

  /** Lets parked events of a tenant be tried again, after what made them fail was put right. @returns how many */
  async unpark(tenant: Tenant, consumer: string): Promise<number> {
    const { count } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        text: `update store.outbox set parked = null, attempts = 0, not_before = 0
          where tenant_id = $1 and consumer = $2 and parked is not null`,
        values: [tenant.id, consumer],
      }),
    );
    return count;
  }

  /** What waits, of all tenants: for /metrics. */
  async depths(): Promise<EventDepth[]> {
    const rows = await this.#connections.global({
      text: 'select consumer, waiting, parked, oldest from store.event_depths()',
      values: [],
    });
    return rows.map(([consumer, waiting, parked, oldest]) => ({
      consumer: consumer as string,
      waiting: waiting as number,
      parked: parked as number,
      oldest: oldest === null ? undefined : Number(oldest),
    }));
  }

  async #change(event: LeasedEvent, change: string, values: readonly unknown[] = []): Promise<boolean> {
    const { count } = await this.#connections.within(event.tenant, 'write', (connection) =>
      connection.query({
        text: `${change} where tenant_id = $1 and id = $2 and lease = $3`,
        values: [event.tenant.id, event.id, event.lease, ...values],
      }),
    );
    return count > 0;
  }
}

function methodOf(method: Method, version: number): EventMethod {
  const name = METHODS[method];
  if (name === 'DELETE') return 'delete';
  return version === 1 || name === 'POST' ? 'create' : 'update';
}

/** PostgreSQL's text holds no U+0000. */
function storable(text: string): string {
  return text.replaceAll('\0', '').slice(0, MAX_FAILURE).toWellFormed();
}
