import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';
import { DAYS_OF_WEEK, type DayOfWeek } from '../../scheduling/zone.ts';
import { JsonInput } from '../json-input.ts';

export const PARTS_OF_DAY = ['morning', 'afternoon', 'evening'] as const;

/** What visit is wished for: with whom, where and when. Plain JSON. */
export interface VisitWishes {
  /** Search token, `system|code` or `code`, of PractitionerRole.specialty. */
  readonly specialty?: string;
  /** `HealthcareService/id`. */
  readonly service?: string;
  /** `Practitioner/id` or `PractitionerRole/id`. */
  readonly practitioner?: string;
  /** `Location/id`. */
  readonly location?: string;
  /** Search token of a kind of visit of the service. */
  readonly visitType?: string;
  /** dateTime: a date is that of the place. No visit begins before. */
  readonly from: string;
  /** dateTime: no visit ends after; of a date the whole day counts. */
  readonly to: string;
  readonly timeOfDay?: (typeof PARTS_OF_DAY)[number];
  readonly days?: readonly DayOfWeek[];
}

/** What free times are wanted: input of the agent `availability`. Plain JSON. */
export interface AvailabilityRequest extends VisitWishes {
  /** `Patient/id`: times at which the patient has another visit are left out. */
  readonly patient?: string;
  /** How many times at most, 1 to 50; 5 by default. */
  readonly most?: number;
  /** BCP 47 tag of the language of the descriptions; English by default. */
  readonly language?: string;
}

/** Output of the agent `availability`. */
export interface AvailabilityAnswer {
  /**
   * Appointments with status proposed, in order of time, none of them stored: what `$book` and the agent `booking` take.
   * Participants have displays; `description` is the time in words, with the place and its time zone.
   */
  readonly proposals: readonly Resource[];
}

/** @throws FhirError 400 naming the element */
export function availabilityRequest(value: JsonValue): AvailabilityRequest {
  const input = new JsonInput(value, 'availability');
  return {
    ...readWishes(input),
    ...filled({
      patient: input.reference('patient', ['Patient']),
      most: input.whole('most', 1, 50),
      language: input.text('language'),
    }),
  };
}

/** Reads what visit is wished for. @throws FhirError 400 naming the element */
export function readWishes(input: JsonInput): VisitWishes {
  return {
    from: input.required('from', input.text('from')),
    to: input.required('to', input.text('to')),
    ...filled({
      specialty: input.text('specialty'),
      service: input.reference('service', ['HealthcareService']),
      practitioner: input.reference('practitioner', ['Practitioner', 'PractitionerRole']),
      location: input.reference('location', ['Location']),
      visitType: input.text('visitType'),
      timeOfDay: input.oneOf('timeOfDay', PARTS_OF_DAY),
      days: input.listOf('days', DAYS_OF_WEEK),
    }),
  };
}

/** The wishes as parameters of Appointment/$find and $wait. */
export function wishParameters(wishes: VisitWishes): JsonObject[] {
  const given: [string, string | undefined][] = [
    ['start', wishes.from],
    ['end', wishes.to],
    ['specialty', wishes.specialty],
    ['healthcare-service', wishes.service],
    ['practitioner', wishes.practitioner],
    ['location', wishes.location],
    ['visit-type', wishes.visitType],
    ['time-of-day', wishes.timeOfDay],
    ...(wishes.days ?? []).map((day): [string, string] => ['days-of-week', day]),
  ];
  return given.flatMap(([name, value]) => (value === undefined ? [] : [{ name, valueString: value }]));
}

type Filled<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** The elements that have a value. */
export function filled<T extends object>(values: T): Filled<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Filled<T>;
}
