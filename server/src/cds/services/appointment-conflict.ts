import { randomUUID } from 'node:crypto';
import type { Resource } from '../../json/types.ts';
import { bundleResources } from '../hooks/context.ts';
import { plain } from '../hooks/text.ts';
import type { CdsCard } from '../hooks/types.ts';
import type { CdsService } from '../service/service.ts';
import { namesOf, shortName, textOf } from './codeable.ts';
import { cardsOf, type Find, MOST_FOUND, Turns } from './many.ts';

const SOURCE = {
  label: 'Vesta: appointment conflicts (HL7 FHIR R4, Appointment)',
  url: 'http://hl7.org/fhir/R4/appointment.html',
};

/** Statuses of R4 appointmentstatus whose time the patient has given away. */
const TAKEN = 'pending,booked,arrived,checked-in';

/** Tells which booked Appointments of the patient overlap with one that is about to be booked. */
export const appointmentConflict: CdsService = {
  id: 'appointment-conflict',
  hook: 'appointment-book',
  title: 'Appointment conflicts',
  description: 'Compares the times of new appointments with those that the patient has already.',
  prefetch: { booked: `Appointment?patient={{context.patientId}}&status=${TAKEN}` },
  timeout: 2000,
  run: async ({ context }, { prefetch, signal }) => {
    const proposed = timed(bundleResources(context['appointments']));
    const booked = timed(
      bundleResources(prefetch['booked']).filter(({ resourceType }) => resourceType === 'Appointment'),
    );
    const turns = new Turns(signal);
    const found: Find[] = [];
    for (const [index, one] of proposed.entries()) {
      for (const others of [booked, proposed.slice(0, index)]) {
        for (const other of others) {
          const pause = turns.due();
          if (pause !== undefined) await pause;
          if (!overlap(one, other)) continue;
          found.push({ indicator: 'warning', card: () => cardOf(one.appointment, other.appointment) });
          if (found.length > MOST_FOUND) return { cards: cardsOf(found, moreCard) };
        }
      }
    }
    return { cards: cardsOf(found, moreCard) };
  },
};

interface Timed {
  readonly appointment: Resource;
  readonly start: number;
  readonly end: number;
}

/** The appointments that have a time. */
const timed = (appointments: readonly Resource[]): Timed[] =>
  appointments.flatMap((appointment) => {
    const period = periodOf(appointment);
    return period === undefined ? [] : [{ appointment, ...period }];
  });

/** Whether two different Appointments share a moment; what ends when the other begins does not. */
function overlap(a: Timed, b: Timed): boolean {
  // An appointment that is moved is in the record at its old time.
  const id = a.appointment['id'];
  if (id !== undefined && id === b.appointment['id']) return false;
  return a.start < b.end && b.start < a.end;
}

/** Epoch milliseconds; undefined where no time is set. */
function periodOf(appointment: Resource): { start: number; end: number } | undefined {
  const start = Date.parse(textOf(appointment, 'start') ?? '');
  const minutes = appointment['minutesDuration'];
  const end =
    textOf(appointment, 'end') === undefined && typeof minutes === 'number'
      ? start + minutes * 60_000
      : Date.parse(textOf(appointment, 'end') ?? '');
  return Number.isNaN(start) || Number.isNaN(end) || end <= start ? undefined : { start, end };
}

const moreCard = (): CdsCard => ({
  uuid: randomUUID(),
  summary: 'The patient has more appointments at the same times than are shown',
  indicator: 'warning',
  source: SOURCE,
});

function cardOf(one: Resource, other: Resource): CdsCard {
  const what = nameOf(other);
  const id = textOf(one, 'id');
  return {
    uuid: randomUUID(),
    summary: 'The patient has another appointment at that time',
    detail: `${plain(nameOf(one))}, ${timesOf(one)}, overlaps with ${plain(what)}, ${timesOf(other)}.`,
    indicator: 'warning',
    source: SOURCE,
    ...(id === undefined
      ? {}
      : {
          suggestions: [
            {
              label: 'Do not book it',
              uuid: randomUUID(),
              actions: [
                {
                  type: 'delete',
                  description: 'Removes the appointment that was about to be booked',
                  resourceId: `Appointment/${id}`,
                },
              ],
            },
          ],
          selectionBehavior: 'at-most-one',
        }),
  };
}

function nameOf(appointment: Resource): string {
  const services = appointment['serviceType'];
  const first = Array.isArray(services) ? namesOf(services[0])[0] : undefined;
  return shortName(
    first ??
      textOf(appointment, 'description') ??
      namesOf(appointment['appointmentType'])[0] ??
      'an appointment',
  );
}

const timesOf = (appointment: Resource): string =>
  plain(
    [textOf(appointment, 'start'), textOf(appointment, 'end')]
      .filter((one) => one !== undefined)
      .join(' to '),
  );
