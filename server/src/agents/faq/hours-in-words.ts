import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonValue, Resource } from '../../json/types.ts';
import { DAYS_OF_WEEK, type DayOfWeek } from '../../scheduling/zone.ts';
import type { Language } from '../supervisor/language/types.ts';
import { filledIn } from '../supervisor/strings/index.ts';
import { FAQ_STRINGS } from './strings.ts';

const MONDAY_FIRST: readonly DayOfWeek[] = [...DAYS_OF_WEEK.slice(1), 'sun'];

/** Opening hours of a Location, HealthcareService or PractitionerRole in words; undefined where none are stated. */
export function hoursInWords(resource: Resource, language: Language): string | undefined {
  const isLocation = resource.resourceType === 'Location';
  const stated = objectsOf(resource[isLocation ? 'hoursOfOperation' : 'availableTime']);
  const byDay = new Map<DayOfWeek, string[]>();
  for (const one of stated) {
    const days = Array.isArray(one['daysOfWeek']) ? one['daysOfWeek'] : DAYS_OF_WEEK;
    const from = one[isLocation ? 'openingTime' : 'availableStartTime'];
    const to = one[isLocation ? 'closingTime' : 'availableEndTime'];
    const text =
      one['allDay'] === true
        ? FAQ_STRINGS[language].allDay
        : typeof from === 'string' && typeof to === 'string'
          ? `${from.slice(0, 5)}–${to.slice(0, 5)}`
          : undefined;
    if (text === undefined) continue;
    for (const day of MONDAY_FIRST) if (days.includes(day)) byDay.set(day, [...(byDay.get(day) ?? []), text]);
  }
  if (byDay.size === 0) return undefined;
  const spans: { first: DayOfWeek; last: DayOfWeek; text: string }[] = [];
  for (const day of MONDAY_FIRST) {
    const text = byDay.get(day)?.sort().join(', ') ?? FAQ_STRINGS[language].closedNow;
    const before = spans.at(-1);
    if (before?.text === text) before.last = day;
    else spans.push({ first: day, last: day, text });
  }
  return spans
    .map(({ first, last, text }) => {
      const days =
        first === last ? dayName(first, language) : `${dayName(first, language)}–${dayName(last, language)}`;
      return `${days} ${text}`;
    })
    .join('; ');
}

/** Times without it that are told of, and how far ahead, in milliseconds. */
const MOST = 3;
const AHEAD = 60 * 24 * 60 * 60_000;

/** When it is not available in the next weeks, as far as reasons are told. @param today a date */
export function unavailableInWords(resource: Resource, language: Language, today: string): string[] {
  const last = new Date(Date.parse(today) + AHEAD).toISOString().slice(0, 10);
  const days = (text: JsonValue | undefined) => (typeof text === 'string' ? text.slice(0, 10) : undefined);
  const soon = objectsOf(resource['notAvailable']).flatMap(({ description, during }) => {
    const { start, end } = isObject(during) ? during : {};
    const from = days(start) ?? today;
    const to = days(end) ?? from;
    return typeof description === 'string' && to >= today && from <= last ? [{ description, from, to }] : [];
  });
  return soon
    .sort((a, b) => a.from.localeCompare(b.from))
    .slice(0, MOST)
    .map(({ description, from, to }) =>
      filledIn(FAQ_STRINGS[language].notThen, {
        when: from === to ? from : `${from}–${to}`,
        reason: description,
      }),
    );
}

/** January 4th 1970 was a Sunday. */
function dayName(day: DayOfWeek, language: Language): string {
  const date = new Date(Date.UTC(1970, 0, 4 + DAYS_OF_WEEK.indexOf(day)));
  return new Intl.DateTimeFormat(language, { weekday: 'short', timeZone: 'UTC' }).format(date);
}
