import {
  type Appointment,
  type Bundle,
  type Encounter,
  nameOf,
  ofType,
  type Patient,
  type Reference,
  target,
  textOf,
} from './fhir.ts';

/** With what it was booked as (R4 encounter.html). */
type Visit = Encounter & { appointment?: Reference[] };

/** A line of today's list. */
export interface ScheduleRow {
  /** `Appointment/id` or `Encounter/id`. */
  readonly key: string;
  readonly start: string | undefined;
  /** `Patient/id`. */
  readonly patient: string | undefined;
  readonly name: string;
  readonly what: string;
  readonly status: string;
  readonly encounter: string | undefined;
}

/** The beginning and end of a local day, as instants. */
export function dayOf(now: Date): { start: string; end: string } {
  const start = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const end = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
  return { start: start.toISOString(), end: end.toISOString() };
}

/** Today's appointments and visits by time. Appointments that were never made are left out. */
export function scheduleRows(
  appointments: Bundle | undefined,
  encounters: Bundle | undefined,
): ScheduleRow[] {
  const patients = new Map<string, Patient>(
    [...ofType<Patient>(appointments, 'Patient'), ...ofType<Patient>(encounters, 'Patient')].map((one) => [
      `Patient/${one.id}`,
      one,
    ]),
  );
  const nameFor = (reference: Reference | undefined): string =>
    nameOf(patients.get(target(reference) ?? '')) || (reference?.display ?? '');
  const visits = ofType<Visit>(encounters, 'Encounter').filter(
    (one) => one.class?.code !== 'EMER' && one.status !== 'entered-in-error',
  );
  const visitOf = new Map(
    visits.flatMap((one) => (one.appointment ?? []).map((reference) => [target(reference), one] as const)),
  );
  const planned = ofType<Appointment>(appointments, 'Appointment')
    .filter(({ status }) => !['entered-in-error', 'proposed', 'waitlist'].includes(status ?? ''))
    .map((one): ScheduleRow => {
      const who = one.participant?.find(({ actor }) => target(actor)?.startsWith('Patient/'))?.actor;
      const visit = visitOf.get(`Appointment/${one.id}`);
      return {
        key: `Appointment/${one.id}`,
        start: one.start,
        patient: target(who),
        name: nameFor(who),
        what:
          [...(one.serviceType ?? []), ...(one.reasonCode ?? [])].map(textOf).filter(Boolean).join(', ') ||
          (one.description ?? ''),
        status: visit?.status ?? one.status ?? '',
        encounter: visit?.id,
      };
    });
  const planless = visits
    .filter((one) => one.appointment === undefined)
    .map(
      (one): ScheduleRow => ({
        key: `Encounter/${one.id}`,
        start: one.period?.start,
        patient: target(one.subject),
        name: nameFor(one.subject),
        what:
          [...(one.type ?? []), ...(one.reasonCode ?? [])].map(textOf).filter(Boolean).join(', ') ||
          (one.class?.display ?? ''),
        status: one.status ?? '',
        encounter: one.id,
      }),
    );
  return [...planned, ...planless].sort(
    (a, b) => Date.parse(a.start ?? '') - Date.parse(b.start ?? '') || a.key.localeCompare(b.key),
  );
}
