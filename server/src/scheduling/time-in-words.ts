import { Lru } from '../collections/lru.ts';

/** Making a format costs more than using it a hundred times. */
const formats = new Lru<string, Intl.DateTimeFormat>(100);

/**
 * A time as people of the language write it, with the name of its zone.
 * @param instant FHIR instant
 * @param zone IANA name; by default the offset that the instant is told in
 * @param language BCP 47 tag; English where it is none
 */
export function timeInWords(instant: string, zone: string | undefined, language: string): string {
  const timeZone = zone ?? /[+-]\d\d:\d\d$/.exec(instant)?.[0] ?? 'UTC';
  const key = `${language} ${timeZone}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.DateTimeFormat(knownLanguage(language), {
      weekday: 'long',
      day: 'numeric',
      month: 'long',
      year: 'numeric',
      hour: 'numeric',
      minute: '2-digit',
      timeZoneName: 'short',
      timeZone,
    });
    formats.set(key, format);
  }
  return format.format(new Date(instant));
}

function knownLanguage(tag: string): string {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(tag)[0] ?? 'en';
  } catch {
    return 'en';
  }
}
