import { isObject } from '../json/objects.ts';
import type { JsonObject, JsonValue } from '../json/types.ts';

/** What the functions that put values into words share while one narrative is made. */
export interface Context {
  /** The contained resource with an id, of the resource that the narrative is of. */
  contained(id: string): JsonObject | undefined;
  /** Set when something is said that comes from an extension: the narrative's status is then `extensions`. */
  usesExtensions: boolean;
}

/** Puts one value into plain words; undefined when there is nothing to say, whatever the value is. */
export type Format = (value: JsonValue | undefined, context: Context) => string | undefined;

/** Most values of a repeating element that are shown. */
const MOST_VALUES = 100;

const ABSENT = 'http://hl7.org/fhir/StructureDefinition/data-absent-reason';

/** R4 code system data-absent-reason in words. */
const ABSENT_WORDS: Readonly<Record<string, string>> = {
  unknown: 'unknown',
  'asked-unknown': 'asked, but not known',
  'temp-unknown': 'not known at present',
  'not-asked': 'not asked',
  'asked-declined': 'asked, but answer declined',
  masked: 'withheld',
  'not-applicable': 'not applicable',
  unsupported: 'not supported by the source system',
  'as-text': 'given as text only',
  error: 'not available because of an error',
  'not-a-number': 'not a number',
  'negative-infinity': 'too small to be stated',
  'positive-infinity': 'too large to be stated',
  'not-performed': 'not performed',
  'not-permitted': 'not permitted',
};

export function asObject(value: JsonValue | undefined): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}

/** The objects of a repeating element. */
export function asObjects(value: JsonValue | undefined): JsonObject[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isObject);
}

export function asText(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Words for a data-absent-reason code; an unknown code is shown as it is. */
function absentWords(code: string): string {
  return Object.hasOwn(ABSENT_WORDS, code) ? (ABSENT_WORDS[code] as string) : code;
}

/** The first extension with a URL. */
export function extensionOf(element: JsonValue | undefined, url: string): JsonObject | undefined {
  const extensions = asObject(element)?.['extension'];
  if (!Array.isArray(extensions)) return undefined;
  return extensions.map(asObject).find((extension) => extension?.['url'] === url);
}

/** Why a value is absent, in words, where its data-absent-reason extension says so. */
export function absentReason(element: JsonValue | undefined, context: Context): string | undefined {
  const code = asText(extensionOf(element, ABSENT)?.['valueCode']);
  if (code === undefined) return undefined;
  context.usesExtensions = true;
  return absentWords(code);
}

/**
 * An element in words: all values of one that repeats, and the reason in words for a value that is absent with one.
 * @param separator between the values
 */
export function read(
  element: JsonObject,
  name: string,
  format: Format,
  context: Context,
  separator = '; ',
): string | undefined {
  const value = element[name];
  const shadow = element[`_${name}`];
  if (Array.isArray(value) || Array.isArray(shadow))
    return readAll(value, shadow, format, context, separator);
  if (value === undefined && shadow === undefined) return undefined;
  return format(value, context) ?? absentReason(value, context) ?? absentReason(shadow, context);
}

function readAll(
  value: JsonValue | undefined,
  shadow: JsonValue | undefined,
  format: Format,
  context: Context,
  separator: string,
): string | undefined {
  const values = Array.isArray(value) ? value : [];
  const shadows = Array.isArray(shadow) ? shadow : [];
  const length = Math.max(values.length, shadows.length);
  let result: string | undefined;
  for (let i = 0; i < length && i < MOST_VALUES; i++) {
    const text =
      format(values[i], context) ?? absentReason(values[i], context) ?? absentReason(shadows[i], context);
    if (text === undefined || text === '') continue;
    result = result === undefined ? text : result + separator + text;
  }
  if (length > MOST_VALUES) return `${result ?? ''}${separator}and ${length - MOST_VALUES} more`;
  return result;
}
