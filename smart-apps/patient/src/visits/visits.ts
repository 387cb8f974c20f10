import { type Appointment, type Bundle, resourcesOf, useSearchAll } from '@vesta/app-kit';
import { usePatientReference } from '../patient-of.ts';
import type { Sentence } from '../text.ts';

/** All visits of the patient. */
export function useVisits() {
  const patient = usePatientReference();
  return useSearchAll<Appointment>('Appointment', { patient, _sort: 'date' });
}

const OPEN = new Set(['proposed', 'pending', 'booked', 'arrived', 'checked-in']);

/** A visit that is still to come and not called off; today's counts until it is over. */
export function isUpcoming({ status, start, end }: Appointment, now = Date.now()): boolean {
  return OPEN.has(status) && start !== undefined && new Date(end ?? start).getTime() >= now;
}

export const isWaiting = ({ status }: Appointment): boolean => status === 'waitlist';

/** The visits of a Bundle in the parts of the page: coming up by time, waiting, and before with the latest first. */
export function partsOf(bundle: Bundle<Appointment> | undefined, now = Date.now()) {
  const all = resourcesOf<Appointment>(bundle);
  const byTime = (a: Appointment, b: Appointment) => (a.start ?? '').localeCompare(b.start ?? '');
  const upcoming = all.filter((one) => isUpcoming(one, now)).toSorted(byTime);
  const waiting = all.filter(isWaiting);
  const before = all
    .filter((one) => !isUpcoming(one, now) && !isWaiting(one))
    .toSorted((a, b) => byTime(b, a));
  return { upcoming, waiting, before };
}

const STATUS: Readonly<Record<string, Sentence>> = {
  booked: 'statusBooked',
  pending: 'statusPending',
  proposed: 'statusProposed',
  waitlist: 'statusWaitlist',
  cancelled: 'statusCancelled',
  arrived: 'statusArrived',
  'checked-in': 'statusArrived',
  fulfilled: 'statusFulfilled',
  noshow: 'statusNoshow',
};

/** The state of a visit in words. */
export const statusOf = ({ status }: Appointment): Sentence => STATUS[status] ?? 'statusOther';

/** Names of those of a type who take part, as far as the visit says them. */
export function namesOf({ participant }: Appointment, ...types: readonly string[]): string[] {
  const names = participant.flatMap(({ actor }) =>
    actor?.display !== undefined && types.some((type) => actor.reference?.includes(`${type}/`))
      ? [actor.display]
      : [],
  );
  return [...new Set(names)];
}
