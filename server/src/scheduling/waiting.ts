import { fhirError } from '../fhir/outcome.ts';
import { objectsOf } from '../json/objects.ts';
import type { JsonObject, Resource } from '../json/types.ts';
import { dateRange } from '../search/dates.ts';
import { cancellation } from './change.ts';
import type { Desk } from './desk.ts';
import { type FreeTime, findTimes } from './find.ts';
import { boundsOf } from './hours.ts';
import { messageEntries } from './messages.ts';
import { visitsOf } from './patient-visits.ts';
import { appointmentAt, instantIn, patientIn, patientOf, wantedOf } from './proposal.ts';
import { appointmentIn, someCandidates, takeTime, timeOf } from './take.ts';
import { changing, givingBack, holdUntil, slotsOf, unheld, visitSlots } from './visit-slots.ts';
import { type Waiting, type Wish, waitingAppointment, waitingFor, wishOf, withWish } from './wish.ts';
import { writeVisit } from './write-visit.ts';

/** Times that were offered and not taken which are remembered of somebody who waits. */
const REMEMBERED = 50;

/**
 * Puts a patient onto the waiting list.
 * @returns the Appointment, status waitlist
 * @throws FhirError 422 when nobody offers such a visit, or the visit that it is to take the place of is not booked
 */
export async function waitForVisit(desk: Desk, waiting: Waiting): Promise<Resource> {
  const { wish, patient } = waiting;
  await someCandidates(desk, wish.wanted);
  if (wish.instead !== undefined) {
    const other = await desk.caller.follow(wish.instead);
    if (other?.['status'] !== 'booked' || patientOf(other) !== patient)
      throw fhirError(
        422,
        'business-rule',
        `${wish.instead} is no booked visit of ${patient}`,
        'http.query.instead',
      );
  }
  const fullUrl = `urn:uuid:${crypto.randomUUID()}`;
  const told = { kind: 'waiting', appointment: fullUrl, visits: [] } as const;
  const resource = waitingAppointment(waiting, desk.now());
  const answer = await writeVisit(desk, [
    { fullUrl, resource, request: { method: 'POST', url: 'Appointment' } },
    ...messageEntries(desk, patient, told),
  ]);
  return appointmentIn(answer);
}

/**
 * Free times that suit somebody who waits, without those that were offered already.
 * @param entry an Appointment of the waiting list
 * @param within only times between these instants, epoch milliseconds
 */
export async function timesForWaiting(
  desk: Desk,
  entry: Resource,
  within: { readonly start: number; readonly end: number } | undefined,
  count: number,
): Promise<FreeTime[]> {
  const wish = waitingWish(entry);
  const patient = patientOf(entry);
  const instead = wish.instead === undefined ? undefined : await desk.caller.follow(wish.instead);
  const before = instead === undefined ? Number.POSITIVE_INFINITY : timeOf(instead).start;
  const not = patient === undefined ? [] : await visitsOf(desk, patient, wish.when);
  // A date is wider where the place is: the search for times looks at it in the zone of the place.
  const start = later(wish.when.start, within?.start);
  const end = earlier(wish.when.end, Math.min(within?.end ?? Number.POSITIVE_INFINITY, before));
  const { times } = await findTimes(
    desk,
    wish.wanted,
    { ...wish.when, start, end, not },
    count + wish.offered.length,
  );
  return times.filter((time) => !wish.offered.includes(time.start) && isWished(wish, time)).slice(0, count);
}

/** Whether a time is within the days that are wished for, which are those of the place. */
function isWished({ when }: Wish, { start, end, candidate: { zone } }: FreeTime): boolean {
  const first = boundsOf(when.start, zone);
  const last = when.end.includes('T') ? dateRange(when.end)?.low : boundsOf(when.end, zone)?.end;
  return first !== undefined && last !== undefined && start >= first.start && end <= last;
}

/**
 * Gives somebody who waits a time: books it, or holds and offers it.
 * @param proposal an Appointment as $find proposes it
 * @param expires until when it is offered, epoch milliseconds; without it the time is booked
 * @throws FhirError 409 when the time is not free, 412 when somebody else has changed the Appointment, 422 when it waits no more
 */
export async function giveToWaiting(
  desk: Desk,
  entry: Resource,
  proposal: JsonObject,
  expires: number | undefined,
): Promise<Resource> {
  const wish = waitingWish(entry);
  const patient = patientOf(entry);
  const replaced = expires === undefined ? replacing(desk, wish) : [];
  const asked = { wanted: wantedOf(proposal), ...timeOf(proposal) };
  return takeTime(desk, asked, async (time, calendars) => {
    const { entries, slots } = visitSlots(time, calendars, expires);
    const state = expires === undefined ? 'accepted' : 'tentative';
    const { participant, ...rest } = appointmentAt(time, state);
    const changed: JsonObject = {
      ...rest,
      status: expires === undefined ? 'booked' : 'pending',
      slot: [...slots],
      participant: [...(patient === undefined ? [] : [patientIn(patient, state)]), ...objectsOf(participant)],
      ...(expires === undefined ? {} : { extension: [...withWish(entry, wish), holdUntil(expires)] }),
    };
    const zone = time.candidate.zone;
    const told = {
      kind: expires === undefined ? 'booked' : 'offered',
      appointment: `Appointment/${String(entry['id'])}`,
      visits: [changed],
      zone: zone.name,
      ...(expires === undefined ? {} : { until: instantIn(zone, expires) }),
    } as const;
    return [
      ...(await replaced),
      ...entries,
      changing(entry, changed),
      ...messageEntries(desk, patient, told),
    ];
  });
}

/**
 * Puts somebody back onto the waiting list whose time was offered and not taken; the time is free again.
 * @throws FhirError 422 when nothing is offered
 */
export async function backToWaiting(desk: Desk, offered: Resource): Promise<Resource> {
  const wish = wishOf(offered);
  const patient = patientOf(offered);
  if (wish === undefined || patient === undefined || offered['status'] !== 'pending')
    throw fhirError(422, 'business-rule', 'No time is offered by this Appointment', 'Appointment.status');
  const { start } = timeOf(offered);
  const extension = unheld({
    ...offered,
    extension: withWish(offered, { ...wish, offered: [...wish.offered, start].slice(-REMEMBERED) }),
  });
  const nothing = { start: undefined, end: undefined, minutesDuration: undefined, slot: undefined };
  const answer = await writeVisit(desk, [
    ...(await givingBack(desk, await slotsOf(desk, offered))),
    changing(offered, {
      ...nothing,
      serviceType: undefined,
      specialty: undefined,
      ...waitingFor(wish, patient),
      extension,
      status: 'waitlist',
    }),
  ]);
  return appointmentIn(answer);
}

/** Entries that cancel the visit whose place the one that was waited for takes. */
export async function replacing(desk: Desk, wish: Wish | undefined): Promise<JsonObject[]> {
  const old = wish?.instead === undefined ? undefined : await desk.caller.follow(wish.instead);
  if (old?.['status'] !== 'booked') return [];
  return cancellation(desk, old, { text: 'Another visit takes its place' });
}

function waitingWish(entry: Resource): Wish {
  const wish = entry['status'] === 'waitlist' ? wishOf(entry) : undefined;
  if (wish === undefined)
    throw fhirError(
      422,
      'business-rule',
      'This Appointment is not on the waiting list',
      'Appointment.status',
    );
  return wish;
}

/** The later of a dateTime and an instant, as text; a date is taken at its earliest anywhere. */
function later(text: string, instant: number | undefined): string {
  if (instant === undefined) return text;
  const range = dateRange(text);
  return range !== undefined && range.low >= instant ? text : new Date(instant).toISOString();
}

function earlier(text: string, instant: number): string {
  const range = dateRange(text);
  return range === undefined || range.high <= instant ? text : new Date(instant).toISOString();
}
