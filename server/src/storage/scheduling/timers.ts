import type { Tenant } from '../../access/scope.ts';
import type { Connections } from '../connections.ts';
import { UNHURRIED } from '../unhurried.ts';

/** Something to be done with a visit at a time. */
export interface VisitTimer {
  /** Id of the Appointment. */
  readonly appointment: string;
  readonly kind: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** A timer in the hands of a process: nobody else has it until `at`. */
export interface TakenTimer extends VisitTimer {
  /** Which try this is, from 1. */
  readonly attempt: number;
}

const NOW = '(extract(epoch from clock_timestamp()) * 1000)::bigint';

const SET = `with gone as (
    delete from store.visit_timer
    where tenant_id = $1::int and appointment = $2 and kind <> all($3::text[]) and attempts = 0
  )
  insert into store.visit_timer (tenant_id, appointment, kind, at)
  select $1::int, $2, kind, at from unnest($3::text[], $4::bigint[]) as u(kind, at), ${UNHURRIED}
  on conflict (tenant_id, appointment, kind) do update set at = excluded.at, attempts = 0`;

const TAKE = `update store.visit_timer v
  set attempts = v.attempts + 1, at = ${NOW} + $2::bigint * (1 << least(v.attempts, 10))
  from (
    select appointment, kind from store.visit_timer where tenant_id = $1::int and at <= ${NOW}
    order by at limit $3::int for update skip locked
  ) t
  where v.tenant_id = $1::int and v.appointment = t.appointment and v.kind = t.kind
  returning v.appointment, v.kind, v.at, v.attempts`;

/** What is to be done with visits at times: table store.visit_timer. */
export class VisitTimers {
  readonly #connections: Connections;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /**
   * Sets all timers of a visit: those that are not named are removed, save those that somebody works on. The caller sets
   * them again when a crash has undone what it did next.
   */
  async set(
    tenant: Tenant,
    appointment: string,
    timers: readonly Omit<VisitTimer, 'appointment'>[],
  ): Promise<void> {
    await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        name: 'set-visit-timers',
        text: SET,
        values: [tenant.id, appointment, timers.map(({ kind }) => kind), timers.map(({ at }) => at)],
      }),
    );
  }

  /** The tenants in which something is due. */
  async due(): Promise<Tenant[]> {
    const rows = await this.#connections.global({
      text: 'select tenant_id, tenant_name from store.due_visit_timers()',
      values: [],
    });
    return rows.map(([id, name]) => ({ id: id as number, name: name as string }));
  }

  /**
   * Takes what is due, for a while that doubles with every try.
   * @param lease milliseconds
   * @param most at once
   */
  async take(tenant: Tenant, lease: number, most: number): Promise<TakenTimer[]> {
    const { rows } = await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({ name: 'take-visit-timers', text: TAKE, values: [tenant.id, lease, most] }),
    );
    return rows.map(([appointment, kind, at, attempt]) => ({
      appointment: appointment as string,
      kind: kind as string,
      at: Number(at),
      attempt: attempt as number,
    }));
  }

  /** Removes what was done, unless it was set anew meanwhile. */
  async done(tenant: Tenant, { appointment, kind, at }: VisitTimer): Promise<void> {
    await this.#connections.within(tenant, 'write', (connection) =>
      connection.query({
        name: 'visit-timer-done',
        text: `delete from store.visit_timer where tenant_id = $1::int and appointment = $2 and kind = $3 and at = $4::bigint`,
        values: [tenant.id, appointment, kind, at],
      }),
    );
  }
}
