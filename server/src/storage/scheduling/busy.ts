import type { Tenant } from '../../access/scope.ts';
import type { Interval, Intervals } from '../../scheduling/intervals.ts';
import type { Hash64 } from '../../search/hash.ts';
import { hashArray } from '../binary-array.ts';
import type { Connections } from '../connections.ts';
import { hashToText } from '../rows.ts';

/*
 * Of a Schedule the intervals come as one multirange without overlaps; it is cheaper to join them there than to bring
 * thousands of rows here. Time of a hold that has ended counts as free.
 */
const BUSY = `select b.schedule, b.busy from unnest($2::bigint[]) as s(schedule) cross join lateral (
    select schedule, range_agg(during)::text as busy from tenant.busy
    where tenant_id = $1::int and schedule = s.schedule and during && int8range($3::bigint, $4::bigint)
      and (expires is null or expires > $5::bigint)
      and rid <> all(array(select rid from tenant.resource where tenant_id = $1::int and ref_hash = any($6::bigint[])))
    group by schedule) as b`;

/**
 * When Schedules are taken.
 * @param schedules hashes of `Schedule/id` (IndexKeys.reference)
 * @param window in which is looked, epoch milliseconds; what is taken across its ends comes whole
 * @param now epoch milliseconds; holds that ended before it count for nothing
 * @param except hashes of `Slot/id` that do not count: those that are to be moved
 * @returns by hash as text (hashToText); Schedules that are free throughout are left out
 */
export async function busyTimes(
  connections: Connections,
  tenant: Tenant,
  schedules: readonly Hash64[],
  window: Interval,
  now: number,
  except: readonly Hash64[] = [],
): Promise<Map<string, Intervals>> {
  if (schedules.length === 0) return new Map();
  const { rows } = await connections.within(tenant, 'read', (connection) =>
    connection.query({
      name: 'busy-times',
      text: BUSY,
      values: [tenant.id, hashArray(schedules), window.start, window.end, now, hashArray(except)],
    }),
  );
  return new Map(rows.map(([schedule, busy]) => [schedule as string, intervalsOf(busy as string)]));
}

/** The hash as {@link busyTimes} names a Schedule. */
export const scheduleKey = hashToText;

/** `{[1,2),[3,4)}`, as PostgreSQL prints an int8multirange. */
function intervalsOf(multirange: string): Interval[] {
  const found: Interval[] = [];
  for (const [, start, end] of multirange.matchAll(/\[(-?\d+),(-?\d+)\)/g))
    found.push({ start: Number(start), end: Number(end) });
  return found;
}
