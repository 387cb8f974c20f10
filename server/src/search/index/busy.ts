import { isObject, objectsOf } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';
import { HOLD_EXPIRES } from '../../scheduling/terms.ts';
import { dateRange } from '../dates.ts';
import type { BusyEntry, IndexKeys } from '../index-model.ts';

const BUSY = new Set(['busy', 'busy-tentative', 'busy-unavailable']);
const SCHEDULE = /^Schedule\/[A-Za-z0-9\-.]{1,64}$/;

/**
 * The time of its Schedule that a Slot takes (R4 valueset-slotstatus.html): nothing for one that is free or entered in
 * error, that is overbooked on purpose, that has no literal reference to a Schedule of the tenant, or no length.
 */
export function busyEntry(slot: Resource, keys: IndexKeys, baseUrl: string): BusyEntry | undefined {
  if (!BUSY.has(String(slot['status'])) || slot['overbooked'] === true) return undefined;
  const reference = isObject(slot['schedule']) ? slot['schedule']['reference'] : undefined;
  if (typeof reference !== 'string') return undefined;
  const base = `${baseUrl}/`;
  const local = reference.startsWith(base) ? reference.slice(base.length) : reference;
  const target = local.split('/_history/')[0] as string;
  const start = instantOf(slot['start']);
  const end = instantOf(slot['end']);
  if (!SCHEDULE.test(target) || start === undefined || end === undefined || start >= end) return undefined;
  const held = objectsOf(slot['extension']).find(({ url }) => url === HOLD_EXPIRES)?.['valueInstant'];
  const expires = slot['status'] === 'busy-tentative' ? instantOf(held) : undefined;
  return { schedule: keys.reference(target), start, end, expires: expires ?? null };
}

const instantOf = (value: unknown) => (typeof value === 'string' ? dateRange(value)?.low : undefined);
