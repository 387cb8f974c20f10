import { numberOf } from '../json/exact-number.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import type { Resource } from '../json/types.ts';
import { dateRange } from '../search/dates.ts';
import { byReference } from './candidates.ts';
import type { Desk } from './desk.ts';
import { actorsIn, patientOf } from './proposal.ts';
import { REMINDER_IDENTIFIER, VISIT_IDENTIFIER, VISIT_REMINDER } from './terms.ts';

const MINUTE = 60_000;
/** How long before a visit the patient is reminded where the service says nothing: a day, in minutes. */
const USUAL: readonly number[] = [24 * 60];
/** UCUM units of time, in minutes. */
const UNITS: Readonly<Record<string, number>> = { min: 1, h: 60, d: 24 * 60 };
const MOST = 50;

/** How long before a visit its patient is to be reminded, in minutes; a service that says 0 wants no reminders. */
export async function reminderLeads(desk: Desk, visit: Resource): Promise<readonly number[]> {
  const service = actorsIn(visit).find((one) => one.startsWith('HealthcareService/'));
  const found = (await byReference(desk, 'HealthcareService', service === undefined ? [] : [service])).get(
    service ?? '',
  );
  const stated = objectsOf(found?.['extension']).flatMap(({ url, valueDuration }) => {
    if (url !== VISIT_REMINDER || !isObject(valueDuration)) return [];
    const minutes = numberOf(valueDuration['value']) * (UNITS[String(valueDuration['code'])] ?? Number.NaN);
    return minutes >= 0 ? [Math.round(minutes)] : [];
  });
  return stated.length === 0 ? USUAL : [...new Set(stated)].filter((minutes) => minutes > 0);
}

/** When reminders are due, epoch milliseconds; those that would be due already are not made: the booking was told just then. */
export function dueReminders(
  visit: Resource,
  leads: readonly number[],
  now: number,
): { lead: number; at: number }[] {
  const start = dateRange(String(visit['start']))?.low;
  if (visit['status'] !== 'booked' || start === undefined || patientOf(visit) === undefined) return [];
  return leads.flatMap((lead) => {
    const at = start - lead * MINUTE;
    return at > now ? [{ lead, at }] : [];
  });
}

/** The value of a reminder's identifier: there is one for each visit, start and lead. */
export function reminderValue(visit: Resource, lead: number): string {
  const start = dateRange(String(visit['start']))?.low ?? 0;
  return `${String(visit['id'])}.${start}.${lead}`;
}

/**
 * Revokes reminders that are not delivered yet and are not of the visit as it is now: it was moved, cancelled or deleted.
 * @param id of the Appointment
 */
export async function revokeReminders(desk: Desk, id: string, visit: Resource | undefined): Promise<void> {
  const active = await desk.caller.searchAll(
    'CommunicationRequest',
    [
      ['group-identifier', `${VISIT_IDENTIFIER}|${id}`],
      ['status', 'active'],
    ],
    MOST,
  );
  const current =
    visit?.['status'] === 'booked' ? `${id}.${dateRange(String(visit['start']))?.low ?? 0}.` : undefined;
  for (const message of active) {
    const reminder = objectsOf(message['identifier']).find(({ system }) => system === REMINDER_IDENTIFIER);
    if (reminder === undefined) continue;
    if (current !== undefined && String(reminder['value']).startsWith(current)) continue;
    const version = (message['meta'] as { versionId?: string } | undefined)?.versionId;
    await desk.caller.update({ ...message, status: 'revoked' }, version);
  }
}
