import type { QuietHours } from '../../communication/tenant-settings.ts';
import { objectsOf } from '../../json/objects.ts';
import type { JsonObject, Resource } from '../../json/types.ts';
import { TIME_ZONE } from '../../scheduling/terms.ts';
import { addDays, type TimeZone, timeZone } from '../../scheduling/zone.ts';

const MINUTE = 60_000;
const DAY = 24 * 60;

/**
 * When quiet hours end that it is now, by the clocks of a zone.
 * @param now epoch milliseconds
 * @returns epoch milliseconds; undefined when these are no quiet hours
 */
export function quietUntil(now: number, { from, until }: QuietHours, zone: TimeZone): number | undefined {
  const minutes = zone.minutesAt(now);
  const isQuiet = from < until ? from <= minutes && minutes < until : minutes >= from || minutes < until;
  if (!isQuiet) return undefined;
  const today = zone.dayAt(now);
  const end = zone.instantOf(minutes < until ? today : addDays(today, 1), until);
  if (end > now) return end;
  // The clocks were put back, and show the end for the second time.
  return now - (now % MINUTE) + ((until - minutes + DAY) % DAY) * MINUTE;
}

/**
 * The time zone that a person lives by: extension timezone of the resource or of an address, else `otherwise`.
 * A zone that there is not counts as none.
 */
export function zoneOf(person: Resource, otherwise: string): TimeZone {
  const own = [person, ...objectsOf(person['address']).sort(homeFirst)];
  for (const name of [...own.flatMap(zoneNames), otherwise, 'UTC']) {
    try {
      return timeZone(name);
    } catch {
      // The next one.
    }
  }
  return timeZone('UTC');
}

function zoneNames(element: JsonObject): string[] {
  return objectsOf(element['extension']).flatMap(({ url, valueCode }) =>
    url === TIME_ZONE && typeof valueCode === 'string' ? [valueCode] : [],
  );
}

const homeFirst = (a: JsonObject, b: JsonObject): number =>
  Number(b['use'] === 'home') - Number(a['use'] === 'home');
