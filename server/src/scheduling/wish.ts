import { localReference } from '../fhir/references/literal.ts';
import { isObject, objectsOf } from '../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import { dateRange } from '../search/dates.ts';
import type { Wanted } from './candidates.ts';
import type { When } from './find.ts';
import { partOfDay, partOfDayText } from './part-of-day.ts';
import { patientIn } from './proposal.ts';
import { VISIT_WISH } from './terms.ts';
import { DAYS_OF_WEEK } from './zone.ts';

/** What visit somebody waits for. */
export interface Wish {
  readonly wanted: Wanted;
  readonly when: Omit<When, 'not'>;
  /** Whether a time that becomes free is booked, or held and offered. */
  readonly whenFree: 'book' | 'offer';
  /** `Appointment/id` of a booked visit that an earlier time would take the place of. */
  readonly instead: string | undefined;
  /** Starts that were offered and not taken, epoch milliseconds. */
  readonly offered: readonly number[];
}

/** What joins the waiting list. */
export interface Waiting {
  readonly wish: Wish;
  /** `Patient/id`. */
  readonly patient: string;
  readonly comment?: string | undefined;
  /** Elements of the Appointment besides: reasons, priority. */
  readonly said?: JsonObject;
}

const REFERENCES = [
  ['practitioner', 'practitioners'],
  ['organization', 'organizations'],
  ['location', 'locations'],
  ['healthcare-service', 'services'],
] as const;

/** The extension that tells a wish; its parts have the names of the parameters of $find. */
export function wishExtension({ wanted, when, whenFree, instead, offered }: Wish): JsonObject {
  const part = (url: string, name: string, values: readonly JsonValue[]): JsonObject[] =>
    values.map((value) => ({ url, [name]: value }));
  const references = REFERENCES.flatMap(([url, name]) =>
    part(
      url,
      'valueReference',
      wanted[name].map((reference) => ({ reference })),
    ),
  );
  return {
    url: VISIT_WISH,
    extension: [
      ...references,
      ...part('specialty', 'valueCoding', wanted.specialties.map(codingOf)),
      ...part(
        'visit-type',
        'valueCoding',
        wanted.visitType === undefined ? [] : [codingOf(wanted.visitType)],
      ),
      ...part('time-of-day', 'valueString', when.timesOfDay.map(partOfDayText)),
      ...part('days-of-week', 'valueCode', [...(when.days ?? [])]),
      ...part('when-free', 'valueCode', [whenFree]),
      ...part('instead', 'valueReference', instead === undefined ? [] : [{ reference: instead }]),
      ...part(
        'offered',
        'valueInstant',
        offered.map((start) => new Date(start).toISOString()),
      ),
    ],
  };
}

/** What an Appointment waits for, or was found by; undefined where it never was on the waiting list. */
export function wishOf(appointment: JsonObject): Wish | undefined {
  const stated = objectsOf(appointment['extension']).find(({ url }) => url === VISIT_WISH);
  if (stated === undefined) return undefined;
  const parts = objectsOf(stated['extension']);
  const values = (url: string, name: string) =>
    parts.filter((one) => one['url'] === url).flatMap((one) => one[name] ?? []);
  const references = (url: string) =>
    values(url, 'valueReference').flatMap((one) => localReference(one) ?? []);
  const tokens = (url: string) => values(url, 'valueCoding').flatMap(tokenOf);
  const days = values('days-of-week', 'valueCode');
  const [period] = objectsOf(appointment['requestedPeriod']);
  const { start, end } = period ?? {};
  if (typeof start !== 'string' || typeof end !== 'string') return undefined;
  return {
    wanted: {
      practitioners: references('practitioner'),
      organizations: references('organization'),
      locations: references('location'),
      services: references('healthcare-service'),
      specialties: tokens('specialty'),
      visitType: tokens('visit-type')[0],
    },
    when: {
      start,
      end,
      timesOfDay: values('time-of-day', 'valueString').flatMap((one) => partOfDay(String(one)) ?? []),
      days: days.length === 0 ? undefined : new Set(DAYS_OF_WEEK.filter((day) => days.includes(day))),
    },
    whenFree: values('when-free', 'valueCode')[0] === 'book' ? 'book' : 'offer',
    instead: references('instead')[0],
    offered: values('offered', 'valueInstant').flatMap((one) => dateRange(String(one))?.low ?? []),
  };
}

/** The extensions of an Appointment with another wish. */
export function withWish(appointment: JsonObject, wish: Wish): JsonObject[] {
  const others = objectsOf(appointment['extension']).filter(({ url }) => url !== VISIT_WISH);
  return [...others, wishExtension(wish)];
}

/** The Appointment of somebody who waits (R4 valueset-appointmentstatus.html#waitlist). @param now epoch milliseconds */
export function waitingAppointment({ wish, patient, comment, said }: Waiting, now: number): Resource {
  return {
    resourceType: 'Appointment',
    ...said,
    extension: [wishExtension(wish)],
    status: 'waitlist',
    ...waitingFor(wish, patient),
    requestedPeriod: [{ start: wish.when.start, end: wish.when.end }],
    created: new Date(now).toISOString(),
    ...(comment === undefined ? {} : { comment }),
  };
}

/** What an Appointment that waits says of the visit: who is wanted, and what for. */
export function waitingFor({ wanted }: Wish, patient: string): JsonObject {
  const actors = [...wanted.practitioners, ...wanted.services, ...wanted.locations];
  return {
    ...(wanted.visitType === undefined ? {} : { serviceType: [{ coding: [codingOf(wanted.visitType)] }] }),
    ...(wanted.specialties.length === 0
      ? {}
      : { specialty: wanted.specialties.map((one) => ({ coding: [codingOf(one)] })) }),
    participant: [
      patientIn(patient, 'accepted'),
      ...actors.map((reference) => ({ actor: { reference }, required: 'required', status: 'needs-action' })),
    ],
  };
}

function codingOf(token: string): JsonObject {
  const bar = token.indexOf('|');
  const system = token.slice(0, Math.max(bar, 0));
  return { ...(system === '' ? {} : { system }), code: token.slice(bar + 1) };
}

function tokenOf(coding: JsonValue): string[] {
  if (!isObject(coding) || typeof coding['code'] !== 'string') return [];
  return [typeof coding['system'] === 'string' ? `${coding['system']}|${coding['code']}` : coding['code']];
}
