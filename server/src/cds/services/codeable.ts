import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, JsonValue } from '../../json/types.ts';

/** The codings of a CodeableConcept as `system|code`. */
export function codingsOf(concept: JsonValue | undefined): string[] {
  return isObject(concept)
    ? objectsOf(concept['coding']).flatMap(({ system, code }) =>
        typeof system === 'string' && typeof code === 'string' ? [`${system}|${code}`] : [],
      )
    : [];
}

/** Names of a concept that are looked at, and characters of each: what is longer is no name. */
const MOST_NAMES = 100;
const LONGEST = 500;

/** What a CodeableConcept is called: its text and its codings' displays, each once. */
export function namesOf(concept: JsonValue | undefined): string[] {
  if (!isObject(concept)) return [];
  const all = [concept['text'], ...objectsOf(concept['coding']).map(({ display }) => display)];
  const names = all.filter((one): one is string => typeof one === 'string' && one.trim() !== '');
  return [...new Set(names)].slice(0, MOST_NAMES).map(shortName);
}

/** A text as a name. */
export const shortName = (text: string): string => text.slice(0, LONGEST);

/** Whether a CodeableConcept has one of these codes, whatever the system. */
export function hasCode(concept: JsonValue | undefined, codes: readonly string[]): boolean {
  return (
    isObject(concept) &&
    objectsOf(concept['coding']).some(({ code }) => typeof code === 'string' && codes.includes(code))
  );
}

/** A text element. */
export function textOf(object: JsonObject, name: string): string | undefined {
  const value = object[name];
  return typeof value === 'string' ? value : undefined;
}
