import { isObject } from '../../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../../json/types.ts';
import type { Wanted } from '../../../scheduling/candidates.ts';
import { type When, widestBounds } from '../../../scheduling/find.ts';
import { type PartOfDay, partOfDay as readPartOfDay } from '../../../scheduling/part-of-day.ts';
import { readSeries, type Series } from '../../../scheduling/series.ts';
import type { Wish } from '../../../scheduling/wish.ts';
import { DAYS_OF_WEEK, type DayOfWeek } from '../../../scheduling/zone.ts';
import { dateRange } from '../../../search/dates.ts';
import { fhirError } from '../../outcome.ts';
import type { FhirRequest } from '../../request.ts';
import { OperationParameters } from '../parameters.ts';
import { APPOINTMENT_TEXTS } from './texts.ts';

const DAY = 24 * 60 * 60_000;
/** How far ahead times are looked for when no end is given, and at most. */
const USUAL_DAYS = 60;
const MOST_DAYS = 400;
const USUAL_COUNT = 20;
const MOST_COUNT = 500;
/** Longest hold, in minutes, and the usual one. */
const LONGEST_HOLD = 120;
const USUAL_HOLD = 10;

/** The parameters of the operations on Appointments. Every reader throws FhirError 400 naming the parameter. */
export class AppointmentParameters {
  readonly #given: OperationParameters;
  readonly #baseUrl: string;

  /** @param bare the parameter that an Appointment is which is the body itself (R4 operations.html#request) */
  constructor(request: FhirRequest, bare?: 'appt-resource') {
    this.#given = new OperationParameters(request, bare);
    if (request.prefer.handling === 'strict') assertKnown(request, this.#given.names());
    this.#baseUrl = request.context.baseUrl;
  }

  /** Whom and what kind of visit. */
  wanted(): Wanted {
    return {
      practitioners: this.#references('practitioner', ['Practitioner', 'PractitionerRole']),
      organizations: this.#references('organization', ['Organization']),
      locations: this.#references('location', ['Location']),
      services: this.#references('healthcare-service', ['HealthcareService']),
      specialties: this.#tokens('specialty'),
      visitType: this.#one('visit-type') === undefined ? undefined : this.#tokens('visit-type')[0],
    };
  }

  /** When. @param now epoch milliseconds */
  when(now: number): Omit<When, 'not'> {
    const start = this.#dateTime('start') ?? new Date(now).toISOString();
    const first = Math.max(dateRange(start)?.low ?? now, now);
    const end = this.#dateTime('end') ?? new Date(first + USUAL_DAYS * DAY).toISOString();
    const bounds = widestBounds(start, end);
    if (bounds === undefined || (dateRange(end)?.high ?? 0) <= (dateRange(start)?.low ?? 0))
      throw invalid('end', 'end must be after start');
    if (bounds.end - first > (MOST_DAYS + 3) * DAY)
      throw fhirError(400, 'too-costly', `end must be at most ${MOST_DAYS} days ahead`, 'http.query.end');
    return { start, end, timesOfDay: this.#list('time-of-day').map(partOfDay), days: this.#days() };
  }

  count(): number {
    const count = this.#whole('_count', USUAL_COUNT, 1, Number.MAX_SAFE_INTEGER);
    return Math.min(count, MOST_COUNT);
  }

  /** How long a time is held. @param longest how long it may be */
  minutes(longest = LONGEST_HOLD): number {
    return this.#whole('minutes', USUAL_HOLD, 1, longest);
  }

  /** `Patient/id`. */
  patient(name: 'patient' | 'patient-id'): string | undefined {
    return this.#single(name, this.#references(name, ['Patient']))[0];
  }

  /** The Appointment that $find proposed. */
  appointment(): JsonObject | undefined {
    const value = this.#one('appt-resource');
    if (value === undefined) return undefined;
    if (!isObject(value) || value['resourceType'] !== 'Appointment')
      throw invalid('appt-resource', 'appt-resource must be an Appointment');
    return value;
  }

  /** Id of an Appointment: one that is held or waits. */
  appointmentId(name: 'appt-id' | 'waiting' | 'instead'): string | undefined {
    return this.#single(name, this.#references(name, ['Appointment']))[0]?.slice('Appointment/'.length);
  }

  /** What somebody is to wait for. @param now epoch milliseconds */
  wish(now: number): Wish {
    const whenFree = this.text('when-free') ?? 'offer';
    if (whenFree !== 'book' && whenFree !== 'offer')
      throw invalid('when-free', 'when-free must be book or offer');
    const instead = this.appointmentId('instead');
    return {
      wanted: this.wanted(),
      when: this.when(now),
      whenFree,
      instead: instead && `Appointment/${instead}`,
      offered: [],
    };
  }

  /** How often the visit is repeated. */
  series(): Series | undefined {
    const timing = this.#one('recurrence');
    if (timing === undefined) return undefined;
    if (!isObject(timing)) throw invalid('recurrence', 'recurrence must be a Timing');
    return readSeries(timing);
  }

  /** A boolean; false by default. */
  flag(name: string): boolean {
    const value = this.#one(name) ?? false;
    if (value === true || value === 'true') return true;
    if (value === false || value === 'false') return false;
    throw invalid(name, `${name} must be a boolean`);
  }

  /** What the Appointment of somebody who waits says besides. */
  said(): JsonObject {
    const reason = this.concept('reason');
    const priority = this.text('priority');
    return {
      ...(reason === undefined ? {} : { reasonCode: [reason] }),
      ...(priority === undefined ? {} : { priority: this.#whole('priority', 0, 0, 9) }),
    };
  }

  /** A primitive as text. */
  text(name: string): string | undefined {
    if (this.#one(name) === undefined) return undefined;
    const text = this.#given.text(name);
    if (text === undefined) throw invalid(name, `${name} must be a primitive value`);
    return text;
  }

  /** An instant. */
  instant(name: string): string | undefined {
    const text = this.#dateTime(name);
    if (text !== undefined && !text.includes('T')) throw invalid(name, `${name} must be an instant`);
    return text;
  }

  /** A CodeableConcept; a text or code alone is one too. */
  concept(name: string): JsonObject | undefined {
    const value = this.#one(name);
    if (value === undefined) return undefined;
    if (isObject(value)) {
      if (value['coding'] !== undefined || value['text'] !== undefined) return value;
      if (value['code'] !== undefined) return { coding: [value] };
    }
    const text = this.#given.text(name);
    if (text === undefined || text === '') throw invalid(name, `${name} must be a CodeableConcept`);
    const [, system, code] = /^([^|]+)\|(.+)$/.exec(text) ?? [];
    return system === undefined ? { text } : { coding: [{ system, code: code as string }] };
  }

  #references(name: string, types: readonly string[]): string[] {
    return this.#values(name).map((value) => {
      const stated = isObject(value) ? value['reference'] : value;
      const text = typeof stated === 'string' ? stated : '';
      const base = `${this.#baseUrl}/`;
      const local = text.startsWith(base) ? text.slice(base.length) : text;
      const whole = local.includes('/') ? local : `${types[0]}/${local}`;
      const [type, id] = whole.split('/');
      if (
        !types.includes(type as string) ||
        !/^[A-Za-z0-9\-.]{1,64}$/.test(id ?? '') ||
        whole.split('/').length !== 2
      )
        throw invalid(name, `${name} must refer to a ${types.join(' or ')}, not '${text}'`);
      return whole;
    });
  }

  #tokens(name: string): string[] {
    return this.#values(name).flatMap((value) => {
      if (typeof value === 'string') return [value];
      const codings = isObject(value) && Array.isArray(value['coding']) ? value['coding'] : [value];
      const found = codings.filter(isObject).flatMap(({ system, code }) => {
        if (typeof code !== 'string') return [];
        return [typeof system === 'string' ? `${system}|${code}` : code];
      });
      if (found.length === 0) throw invalid(name, `${name} must be a code, Coding or CodeableConcept`);
      return found;
    });
  }

  #days(): ReadonlySet<DayOfWeek> | undefined {
    const days = this.#list('days-of-week');
    if (days.length === 0) return undefined;
    const found = DAYS_OF_WEEK.filter((day) => days.includes(day));
    if (found.length < new Set(days).size)
      throw invalid('days-of-week', `days-of-week must be of ${DAYS_OF_WEEK.join(', ')}`);
    return new Set(found);
  }

  #dateTime(name: string): string | undefined {
    // An offset's plus sign that was not encoded has become a space.
    const text = this.text(name)?.replace(/ (?=\d\d:\d\d$)/, '+');
    if (text !== undefined && dateRange(text) === undefined)
      throw invalid(name, `${name} must be a dateTime, not '${text}'`);
    return text;
  }

  #whole(name: string, usual: number, least: number, most: number): number {
    const text = this.text(name);
    if (text === undefined) return usual;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) {
      const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
      throw invalid(name, `${name} must be a whole number ${range}`);
    }
    return value;
  }

  /** The value of a parameter that there is one of at most. */
  #one(name: string): JsonValue | undefined {
    return this.#single(name, this.#given.all(name))[0];
  }

  #single<T>(name: string, values: readonly T[]): readonly T[] {
    if (values.length > 1) throw invalid(name, `${name} must be given once`);
    return values;
  }

  /** Values of a parameter; texts of the URL are lists (R4 search.html#combining). */
  #values(name: string): JsonValue[] {
    return this.#given
      .all(name)
      .flatMap((value): JsonValue[] =>
        typeof value === 'string' ? value.split(',').filter((one) => one !== '') : [value],
      );
  }

  #list(name: string): string[] {
    return this.#values(name).map((value) => {
      if (typeof value !== 'string') throw invalid(name, `${name} must be a text`);
      return value;
    });
  }
}

/** Parameters of every request (R4 http.html#parameters). */
const GENERAL = ['_format', '_pretty', '_summary', '_elements'];

/** @throws FhirError 400 for what is no parameter of the operation */
function assertKnown({ path }: FhirRequest, names: readonly string[]): void {
  const { parameters = [] } = APPOINTMENT_TEXTS[path.at(-1)?.slice(1) ?? ''] ?? {};
  const known = [...GENERAL, ...parameters.filter(({ use }) => use === 'in').map(({ name }) => name)];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw fhirError(400, 'not-supported', `There is no parameter ${unknown}`, `http.query.${unknown}`);
}

/** @throws FhirError 400 */
function partOfDay(text: string): PartOfDay {
  const part = readPartOfDay(text);
  if (part === undefined)
    throw invalid('time-of-day', "time-of-day must be morning, afternoon, evening or like '13:00-17:00'");
  return part;
}

const invalid = (name: string, message: string) => fhirError(400, 'value', message, `http.query.${name}`);
