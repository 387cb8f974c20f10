import { objectsOf } from '../../json/objects.ts';
import type { JsonValue, Resource } from '../../json/types.ts';
import { codingsOf, hasCode, namesOf, textOf } from './codeable.ts';
import { DRUG_CLASSES, type DrugClass, SIDE_CHAINS } from './drug-classes.ts';

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

/** How a medicine is related to what a patient reacts to. */
export interface Relation {
  /**
   * Both have a code; the medicine's name has that of what the patient reacts to; it is of the class that the patient
   * reacts to; it is of the class of what the patient reacts to; both have the same side chain.
   */
  readonly by: 'code' | 'name' | 'class' | 'same-class' | 'side-chain';
  /** The code, the name, the title of the class, or the other medicine with the side chain. */
  readonly what: string;
  /** The class that it is concluded from. */
  readonly drugClass?: DrugClass;
}

/**
 * Whether a medicine is, holds, or is close to what a patient reacts to: the same code of the same system; a name of the
 * substance that stands, in whole words, in a name of the medicine; a class of medicines (drug-classes.ts). Codes are not
 * looked up in a terminology: where there is a code alone, without display or text, only the same code is found.
 * @returns the closest relation; undefined where there is none
 */
export function relationOf(allergen: Substance, medicine: Substance): Relation | undefined {
  const code = allergen.codings.find((one) => medicine.codings.includes(one));
  if (code !== undefined) return { by: 'code', what: code };
  const names = allergen.names.flatMap(substanceNames);
  for (const name of names) {
    if (medicine.names.some((text) => containsWords(text, name))) return { by: 'name', what: name };
  }
  const isMember = (members: readonly string[], texts: readonly string[]): string | undefined =>
    members.find((member) => texts.some((text) => containsWords(text, member)));
  for (const drugClass of DRUG_CLASSES) {
    if (isMember(drugClass.members, medicine.names) === undefined) continue;
    const { title } = drugClass;
    if (
      drugClass.codings.some((one) => allergen.codings.includes(one)) ||
      names.some((name) => drugClass.names.includes(className(name)))
    )
      return { by: 'class', what: title, drugClass };
    if (drugClass.crossReactive && isMember(drugClass.members, allergen.names) !== undefined)
      return { by: 'same-class', what: title, drugClass };
  }
  const sharing = SIDE_CHAINS.find((chain) => isMember(chain, medicine.names) !== undefined);
  const other = sharing && isMember(sharing, allergen.names);
  return other === undefined ? undefined : { by: 'side-chain', what: other };
}

/** The name of a class without words that say that it is one, in the singular. */
function className(name: string): string {
  return name
    .replace(/\b(class|group|antibiotics?|antibacterials?|derivatives?|compounds?|type)\b/g, ' ')
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/s$/, '');
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
