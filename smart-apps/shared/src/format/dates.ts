import type { Period } from '../fhir/types.ts';

/*
 * FHIR dates (R4 datatypes.html#dateTime) as people of a language write them. A partial date stays as exact as it is;
 * an instant is shown by the clocks of the device.
 */

const DATE = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(T.*)?)?)?$/;

/** A FHIR date, dateTime or instant; `options` go to Intl.DateTimeFormat where the value has a time. */
export function dateText(value: string | undefined, language: string, withTime = true): string {
  const match = DATE.exec(value ?? '');
  if (match === null) return value ?? '';
  const [whole, year, month, day, time] = match;
  if (time !== undefined) {
    const instant = new Date(whole);
    if (Number.isNaN(instant.getTime())) return whole;
    return new Intl.DateTimeFormat(
      language,
      withTime ? { dateStyle: 'medium', timeStyle: 'short' } : { dateStyle: 'medium' },
    ).format(instant);
  }
  const date = new Date(Date.UTC(Number(year), Number(month ?? 1) - 1, Number(day ?? 1)));
  const options: Intl.DateTimeFormatOptions =
    day !== undefined
      ? { dateStyle: 'medium' }
      : month !== undefined
        ? { year: 'numeric', month: 'long' }
        : { year: 'numeric' };
  return new Intl.DateTimeFormat(language, { ...options, timeZone: 'UTC' }).format(date);
}

/** Weekday, day and time of an instant by the clocks of the device, which are named. */
export function visitTimeText(value: string | undefined, language: string): string {
  if (value === undefined) return '';
  return new Intl.DateTimeFormat(language, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    timeZoneName: 'short',
  }).format(new Date(value));
}

/** Weekday and day of an instant. */
export function dayText(value: string, language: string): string {
  return new Intl.DateTimeFormat(language, { weekday: 'long', day: 'numeric', month: 'long' }).format(
    new Date(value),
  );
}

/** The time of day of an instant. */
export function timeText(value: string, language: string): string {
  return new Intl.DateTimeFormat(language, { hour: 'numeric', minute: '2-digit' }).format(new Date(value));
}

/** "1 Jan – 3 Mar", open ends as they are. */
export function periodText(period: Period | undefined, language: string): string {
  const [start, end] = [period?.start, period?.end].map((one) => dateText(one, language, false));
  if (start === end || end === '') return start ?? '';
  return [start, end].join(' – ');
}

/** How long ago or ahead, in words: "3 days ago". */
export function agoText(value: string | undefined, language: string, now = Date.now()): string {
  if (value === undefined) return '';
  const seconds = (new Date(value).getTime() - now) / 1000;
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [
    ['year', 31_557_600],
    ['month', 2_629_800],
    ['week', 604_800],
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ];
  const [unit, size] = steps.find(([, step]) => Math.abs(seconds) >= step) ?? ['second', 1];
  return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(Math.round(seconds / size), unit);
}

/** Full years of life of a FHIR date at a time; undefined for a date that is not known well enough. */
export function ageOf(birthDate: string | undefined, at = new Date()): number | undefined {
  const match = DATE.exec(birthDate ?? '');
  if (match?.[1] === undefined) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2] ?? 1), Number(match[3] ?? 1)];
  const before = at.getMonth() + 1 < month || (at.getMonth() + 1 === month && at.getDate() < day) ? 1 : 0;
  const age = at.getFullYear() - year - before;
  return age < 0 ? undefined : age;
}

/** The part of a FHIR date that an `<input type="date">` takes, in the device's time zone. */
export function dayOf(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
