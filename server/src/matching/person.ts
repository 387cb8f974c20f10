import { objectsOf } from '../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../json/types.ts';
import { plainName } from './names.ts';

/** What of a Patient says who it is, in the form that is compared. */
export interface Person {
  /** `system` is empty where it is not said. */
  readonly identifiers: readonly { readonly system: string; readonly value: string }[];
  readonly names: readonly { readonly family: string; readonly given: readonly string[] }[];
  /** `YYYY`, `YYYY-MM` or `YYYY-MM-DD`. */
  readonly birthDate: string | undefined;
  readonly gender: string | undefined;
  /** Digits without the country's prefix. */
  readonly phones: readonly string[];
  readonly emails: readonly string[];
  readonly addresses: readonly {
    readonly postalCode: string;
    readonly city: string;
    readonly line: string;
  }[];
}

/** Digits of a telephone number that two ways of writing it have in common. */
const PHONE_DIGITS = 9;

/** Reads a Patient (R4 patient.html). Names of use `temp` and `anonymous` say nothing of who it is. */
export function personOf(patient: Resource): Person {
  const names = objectsOf(patient['name']).filter(({ use }) => use !== 'temp' && use !== 'anonymous');
  const telecom = (system: string): string[] =>
    objectsOf(patient['telecom'])
      .filter((one) => one['system'] === system && one['use'] !== 'old')
      .map(({ value }) => textOf(value));
  return {
    identifiers: objectsOf(patient['identifier']).flatMap(({ system, value, use }) =>
      use === 'old' || typeof value !== 'string' || value.trim() === ''
        ? []
        : [{ system: textOf(system), value: plainIdentifier(value) }],
    ),
    names: names.map(nameOf).filter(({ family, given }) => family !== '' || given.length > 0),
    birthDate: textOf(patient['birthDate']) || undefined,
    gender: textOf(patient['gender']) || undefined,
    phones: telecom('phone')
      .map((value) => value.replace(/\D/g, '').slice(-PHONE_DIGITS))
      .filter((digits) => digits.length >= 6),
    emails: telecom('email')
      .map((value) => value.trim().toLowerCase())
      .filter((value) => value.includes('@')),
    addresses: objectsOf(patient['address'])
      .filter(({ use }) => use !== 'old')
      .map(addressOf)
      .filter(({ postalCode, city, line }) => postalCode !== '' || city !== '' || line !== ''),
  };
}

/** Numbers are written with and without blanks and hyphens. */
export const plainIdentifier = (value: string): string => value.replace(/[\s.\-/]/g, '').toUpperCase();

function nameOf(name: JsonObject): Person['names'][number] {
  const family = plainName(textOf(name['family']));
  // `Jose Luis` is written as one given name or as two.
  const given = (Array.isArray(name['given']) ? name['given'] : []).flatMap((one) => words(textOf(one)));
  if (family !== '' || given.length > 0) return { family, given };
  // Only a text: the family name comes last, or first before a comma.
  const text = textOf(name['text']);
  const [before, behind] = text.split(',', 2);
  if (behind !== undefined) return { family: plainName(before ?? ''), given: words(behind) };
  const all = words(text);
  return { family: all.at(-1) ?? '', given: all.slice(0, -1) };
}

const words = (text: string): string[] =>
  plainName(text)
    .split(' ')
    .filter((word) => word !== '');

function addressOf({ postalCode, city, line }: JsonObject): Person['addresses'][number] {
  const [first] = Array.isArray(line) ? line : [];
  return {
    postalCode: textOf(postalCode).replace(/[\s-]/g, '').toUpperCase(),
    city: plainName(textOf(city)),
    line: plainName(textOf(first))
      .replace(/\b(street|strasse|straat)\b/g, 'st')
      .replace(/\b(road)\b/g, 'rd'),
  };
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
