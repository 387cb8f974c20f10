import type { Tenant } from '../../access/scope.ts';
import { typeCode } from '../../conformance/resource-types.ts';
import { hashArray, safeIntegerArray } from '../binary-array.ts';
import type { SqlStatement } from '../connections.ts';
import type { NewVersion } from '../rows.ts';

/** The constraint that keeps rows of a Schedule from overlapping. */
export const NO_OVERLAP = 'busy_no_overlap';

const SLOT = typeCode('Slot');

/** What becomes of time that is taken already: the transaction fails, or the row is left out. */
export type Overlap = 'refuse' | 'leave-out';

/**
 * Under these advisory locks time of a Schedule is taken. Two transactions that take the same time at once would
 * otherwise each wait for the other to end. The keys differ from those that references to the Schedule are locked by.
 */
const LOCK = `select count(pg_advisory_xact_lock(k)) from (
  select distinct k # 5643986812310572087 as k from unnest($1::bigint[]) as k order by 1) as s`;

const DROP_EXPIRED = `delete from store.busy
  where tenant_id = $1::int and schedule = any($2::bigint[]) and expires <= $3::bigint`;

const INSERT = `insert into store.busy (tenant_id, rid, schedule, during, expires)
  select $1::int, rid, schedule, int8range(low, high), expires
  from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) as u(rid, schedule, low, high, expires)`;

/** Statements that free the time of current versions that are to be replaced; none where no Slot is among them. */
export function freeStatements(tenant: Tenant, versions: readonly NewVersion[]): SqlStatement[] {
  const slots = versions.filter((version) => version.typeCode === SLOT);
  if (slots.length === 0) return [];
  return [
    {
      name: 'delete-busy',
      text: 'delete from store.busy where tenant_id = $1::int and rid = any($2::bigint[])',
      values: [tenant.id, hashArray(slots.map(({ rid }) => rid))],
    },
  ];
}

/** Statements that take the time that Slots among the versions say is taken; holds that have ended make way. */
export function takeStatements(
  tenant: Tenant,
  versions: readonly NewVersion[],
  overlap: Overlap,
): SqlStatement[] {
  const taken = versions.flatMap(({ rid, index: { busy } }) => (busy === undefined ? [] : [{ rid, busy }]));
  if (taken.length === 0) return [];
  const schedules = hashArray(taken.map(({ busy }) => busy.schedule));
  return [
    { name: 'lock-busy', text: LOCK, values: [schedules] },
    { name: 'drop-expired', text: DROP_EXPIRED, values: [tenant.id, schedules, Date.now()] },
    {
      name: `insert-busy-${overlap}`,
      text: overlap === 'refuse' ? INSERT : `${INSERT} on conflict do nothing`,
      values: [
        tenant.id,
        hashArray(taken.map(({ rid }) => rid)),
        schedules,
        safeIntegerArray(taken.map(({ busy }) => busy.start)),
        safeIntegerArray(taken.map(({ busy }) => busy.end)),
        safeIntegerArray(taken.map(({ busy }) => busy.expires)),
      ],
    },
  ];
}
