import { e164, spellings } from '../communication/address.ts';
import { objectsOf } from '../json/objects.ts';
import type { Resource } from '../json/types.ts';
import { escapeValue } from '../search/query/escape.ts';
import { swappedDayAndMonth } from './compare.ts';
import { nicknamesOf } from './names.ts';
import { personOf, plainIdentifier } from './person.ts';

/** A search for candidates: parameters of a search of Patient. */
export type Block = readonly (readonly [string, string])[];

/** Most forms of a given name that are searched for. */
const MOST_NAMES = 12;
const DAY = 86_400_000;

/**
 * The searches that find, by the index, every Patient that could be the one described: each by something that two records
 * of one person mostly have in common, so that a slip in any one feature is made up for by another.
 * @returns none for a Patient of whom nothing is known that could be searched for
 */
export function blocksOf(patient: Resource): Block[] {
  const person = personOf(patient);
  const blocks: Block[] = [];
  const identifiers = objectsOf(patient['identifier']).flatMap(({ system, value }) =>
    typeof value === 'string' && value.trim() !== ''
      ? [...new Set([value.trim(), plainIdentifier(value)])].map((one) =>
          typeof system === 'string' ? `${escapeValue(system)}|${escapeValue(one)}` : escapeValue(one),
        )
      : [],
  );
  if (identifiers.length > 0) blocks.push([['identifier', identifiers.join(',')]]);
  for (const system of ['phone', 'email'] as const) {
    const values = objectsOf(patient['telecom']).flatMap((one) =>
      one['system'] === system && typeof one['value'] === 'string'
        ? [
            ...new Set([
              one['value'],
              one['value'].replace(/[^\d+@.\w-]/g, ''),
              ...spelled(system, one['value']),
            ]),
          ].filter((value) => value !== '')
        : [],
    );
    if (values.length > 0) blocks.push([[system, values.map(escapeValue).join(',')]]);
  }
  const { birthDate } = person;
  if (birthDate?.length === 10) blocks.push([['birthdate', datesLike(birthDate).join(',')]]);
  for (const { family, given } of person.names) {
    const [first] = given;
    if (family === '') continue;
    if (first !== undefined) {
      const forms = [first, ...nicknamesOf(first), ...given.slice(1)].slice(0, MOST_NAMES);
      blocks.push([
        ['family', escapeValue(family)],
        ['given', forms.map(escapeValue).join(',')],
      ]);
      blocks.push([
        ['family', escapeValue(first)],
        ['given', escapeValue(family)],
      ]);
    }
    const year = birthDate?.slice(0, 4);
    if (year !== undefined)
      blocks.push([
        ['family', escapeValue([...family].slice(0, 3).join(''))],
        ['birthdate', year],
      ]);
  }
  return blocks;
}

/** Other ways in which a telephone number may stand in the index, which knows texts only. */
function spelled(system: 'phone' | 'email', value: string): string[] {
  const number = system === 'phone' ? (e164(value, undefined) ?? e164(value, '1')) : undefined;
  return number === undefined ? [] : spellings(number);
}

/** The date, day and month changed places, and the days beside it. */
function datesLike(date: string): string[] {
  const time = Date.parse(date);
  const beside = Number.isNaN(time)
    ? []
    : [time - DAY, time + DAY].map((one) => new Date(one).toISOString().slice(0, 10));
  return [...new Set([date, swappedDayAndMonth(date), ...beside])].filter((one) => one !== undefined);
}
