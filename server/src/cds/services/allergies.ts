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
  const [reactsTo, holds] = [knownOf(allergen), knownOf(medicine)];
  const code = allergen.codings.find((one) => holds.codes.has(one));
  if (code !== undefined) return { by: 'code', what: code };
  for (const name of reactsTo.names) if (holds.has(name)) return { by: 'name', what: name };
  for (const drugClass of holds.classes) {
    const { title } = drugClass;
    if (
      drugClass.codings.some((one) => reactsTo.codes.has(one)) ||
      reactsTo.classNames.some((name) => drugClass.names.includes(name))
    )
      return { by: 'class', what: title, drugClass };
    if (drugClass.crossReactive && reactsTo.firstOf(drugClass.members) !== undefined)
      return { by: 'same-class', what: title, drugClass };
  }
  const other = holds.sideChain && reactsTo.firstOf(holds.sideChain);
  return other === undefined ? undefined : { by: 'side-chain', what: other };
}

/** What comparing needs of a substance. It is worked out once: each is compared with many. */
class Known {
  readonly codes: ReadonlySet<string>;
  /** The names of substances in its names. */
  readonly names: readonly string[];
  readonly #texts: readonly string[];
  readonly #firsts = new Map<readonly string[], string | undefined>();
  #classNames: readonly string[] | undefined;
  #classes: readonly DrugClass[] | undefined;
  #sideChain: readonly string[] | undefined | null = null;

  constructor({ codings, names }: Substance) {
    this.codes = new Set(codings);
    this.names = names.flatMap(substanceNames);
    this.#texts = names.map((name) => ` ${words(folded(name)).join(' ')} `);
  }

  /** Whether words stand in a name one after the other. @param name folded, with single spaces */
  has(name: string): boolean {
    const wanted = ` ${name} `;
    return this.#texts.some((text) => text.includes(wanted));
  }

  /** The first of some names that is among them. */
  firstOf(members: readonly string[]): string | undefined {
    if (!this.#firsts.has(members)) {
      this.#firsts.set(
        members,
        members.find((member) => this.has(member)),
      );
    }
    return this.#firsts.get(members);
  }

  /** The names, as classes are called. */
  get classNames(): readonly string[] {
    this.#classNames ??= this.names.map(className);
    return this.#classNames;
  }

  /** The classes that a medicine is of. */
  get classes(): readonly DrugClass[] {
    this.#classes ??= DRUG_CLASSES.filter(({ members }) => this.firstOf(members) !== undefined);
    return this.#classes;
  }

  /** The medicines that a medicine has its side chain in common with. */
  get sideChain(): readonly string[] | undefined {
    if (this.#sideChain === null)
      this.#sideChain = SIDE_CHAINS.find((chain) => this.firstOf(chain) !== undefined);
    return this.#sideChain;
  }
}

const KNOWN = new WeakMap<Substance, Known>();

function knownOf(substance: Substance): Known {
  let known = KNOWN.get(substance);
  if (known === undefined) {
    known = new Known(substance);
    KNOWN.set(substance, known);
  }
  return known;
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

const folded = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

const words = (text: string): string[] => text.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '');

/** What an AllergyIntolerance is called. */
export const allergyName = (allergy: Resource): string =>
  namesOf(allergy['code'])[0] ??
  substancesOf(allergy)[0]?.names[0] ??
  `AllergyIntolerance/${textOf(allergy, 'id')}`;
