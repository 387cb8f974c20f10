import { objectsOf } from '../../json/objects.ts';
import type { JsonValue, Resource } from '../../json/types.ts';
import { codingsOf, hasCode, namesOf, textOf } from './codeable.ts';

/** Codes of SNOMED CT by which R4 allergyintolerance.html#9.1.3 has it said that there are no allergies, of a kind or at all. */
export const NO_KNOWN_ALLERGY = [
  '716186003',
  '409137002',
  '429625007',
  '428607008',
  '428197003',
  '716184000',
  '716220001',
];
/** The same where it is of no kind in particular. */
export const NO_KNOWN_ALLERGY_AT_ALL = '716186003';

/** Whether an AllergyIntolerance counts: neither resolved nor inactive, refuted or entered in error. */
export function isInForce(allergy: Resource): boolean {
  return (
    !hasCode(allergy['clinicalStatus'], ['inactive', 'resolved']) &&
    !hasCode(allergy['verificationStatus'], ['refuted', 'entered-in-error'])
  );
}

/** Whether an AllergyIntolerance says that there is none. */
export const saysNone = (allergy: Resource): boolean => hasCode(allergy['code'], NO_KNOWN_ALLERGY);

/** Something that a patient reacts to, or that a medicine holds. */
export interface Substance {
  /** `system|code` */
  readonly codings: readonly string[];
  readonly names: readonly string[];
}

/** What an AllergyIntolerance is about: its code, and the substances of its reactions. */
export function substancesOf(allergy: Resource): Substance[] {
  const concepts: (JsonValue | undefined)[] = [
    allergy['code'],
    ...objectsOf(allergy['reaction']).map(({ substance }) => substance),
  ];
  return concepts.flatMap((concept) => substanceOf(concept) ?? []);
}

/** @returns undefined for a concept without coding and name */
export function substanceOf(concept: JsonValue | undefined): Substance | undefined {
  const substance = { codings: codingsOf(concept), names: namesOf(concept) };
  return substance.codings.length + substance.names.length === 0 ? undefined : substance;
}

/** How a medicine is related to what a patient reacts to: by a coding that both have, or by a name within a name. */
export type Relation = { readonly by: 'code' | 'name'; readonly what: string };

/**
 * Whether a medicine is, or names, what a patient reacts to. No terminology is consulted: the same code of the same
 * system counts, and a name of the substance that stands, in whole words, in a name of the medicine.
 */
export function relationOf(allergen: Substance, medicine: Substance): Relation | undefined {
  const code = allergen.codings.find((one) => medicine.codings.includes(one));
  if (code !== undefined) return { by: 'code', what: code };
  for (const name of allergen.names.flatMap(substanceNames)) {
    if (medicine.names.some((text) => containsWords(text, name))) return { by: 'name', what: name };
  }
  return undefined;
}

/** Words that a recorded allergy is worded with and that name no substance. */
const WORDING =
  /\b(allerg(y|ies|ic)|intoleran(ce|t)|hypersensitivity|sensitivity|adverse|reactions?|propensity|disposition|known|history|of|to|the|and|or|medications?|medicines?|drugs?|substances?|products?|containing|caused|by|disorder|finding|situation|oral|tablets?|capsules?|injection|agents?|preparations?|other|unknown|unspecified|none|no)\b/g;

/** Shortest name that is looked for: shorter ones are abbreviations that stand for many things. */
const SHORTEST = 4;

/** The names of substances in what an allergy is called: "Allergy to sulfamethoxazole / trimethoprim" has two. */
export function substanceNames(text: string): string[] {
  return folded(text)
    .replace(/\([^)]*\)/g, ' ')
    .split(/\s*[/;,+]\s*|\s+and\s+|\s+or\s+/)
    .map((part) => words(part.replace(WORDING, ' ')).join(' '))
    .filter((name) => name.length >= SHORTEST && /[\p{L}]/u.test(name));
}

/** Whether words stand in a text one after the other. @param name folded, with single spaces */
function containsWords(text: string, name: string): boolean {
  return ` ${words(folded(text)).join(' ')} `.includes(` ${name} `);
}

const folded = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

const words = (text: string): string[] => text.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '');

/** What an AllergyIntolerance is called. */
export const allergyName = (allergy: Resource): string =>
  namesOf(allergy['code'])[0] ??
  substancesOf(allergy)[0]?.names[0] ??
  `AllergyIntolerance/${textOf(allergy, 'id')}`;
