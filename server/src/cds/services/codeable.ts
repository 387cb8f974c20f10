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

/** What a CodeableConcept is called: its text and its codings' displays, each once. */
export function namesOf(concept: JsonValue | undefined): string[] {
  if (!isObject(concept)) return [];
  const all = [concept['text'], ...objectsOf(concept['coding']).map(({ display }) => display)];
  return [...new Set(all.filter((one): one is string => typeof one === 'string' && one.trim() !== ''))];
}

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

/** A text within the length that the summary of a card may have (CDS Hooks 2.0: less than 140 characters). */
export function summary(text: string): string {
  const characters = [...text];
  return characters.length < 140 ? text : `${characters.slice(0, 138).join('')}…`;
}

/** A text as it stands in Markdown: nothing in it is markup. */
export function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]()#+!|<>~&-]/g, '\\$&');
}
