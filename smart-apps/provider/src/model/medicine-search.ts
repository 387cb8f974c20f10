import { codingText } from '@vesta/app-kit';
import {
  type Bundle,
  type CodeableConcept,
  type Coding,
  type MedicationRequest,
  ofType,
  type Resource,
} from './fhir.ts';

/** A medicine that can be ordered by its code. */
export interface CodedMedicine {
  readonly label: string;
  readonly coding: Coding & { readonly system: string; readonly code: string };
}

/**
 * What MedicationRequest.medication[x] is bound to in US Core, newest first: VSAC's Medication Clinical Drug (US Core 4 and
 * later), and the value set of its earlier versions.
 */
export const MEDICATION_VALUE_SETS = [
  'http://cts.nlm.nih.gov/fhir/ValueSet/2.16.840.1.113762.1.4.1010.4',
  'http://hl7.org/fhir/us/core/ValueSet/us-core-medication-codes',
] as const;

/** Fewer letters would find nearly everything. */
export const FEWEST_LETTERS = 2;

const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';

const SYSTEM_NAMES: Readonly<Record<string, string>> = {
  [RXNORM]: 'RxNorm',
  'http://snomed.info/sct': 'SNOMED CT',
  'http://hl7.org/fhir/sid/ndc': 'NDC',
  'http://www.whocc.no/atc': 'ATC',
};

export const keyOf = ({ system, code }: Coding): string => `${system ?? ''}|${code ?? ''}`;

/** A coding as people tell it apart: `RxNorm 308182`. */
export const codeText = ({ system = '', code = '' }: Coding): string =>
  `${SYSTEM_NAMES[system] ?? system} ${code}`.trim();

interface Expansion extends Resource {
  readonly expansion?: { readonly contains?: readonly Contained[] };
}
interface Contained extends Coding {
  readonly abstract?: boolean;
  readonly inactive?: boolean;
  readonly contains?: readonly Contained[];
}

/** The codes of an expanded value set that can be chosen, whatever their place in it (R4 valueset.html, expansion). */
export function ofExpansion(valueSet: Resource): CodedMedicine[] {
  const walk = (all: readonly Contained[] = []): CodedMedicine[] =>
    all.flatMap(({ contains, abstract, inactive, system, version, code, display }) => [
      ...(abstract === true || inactive === true
        ? []
        : coded({
            coding: [
              {
                ...(system === undefined ? {} : { system }),
                ...(version === undefined ? {} : { version }),
                ...(code === undefined ? {} : { code }),
                ...(display === undefined ? {} : { display }),
              },
            ],
          })),
      ...walk(contains),
    ]);
  return walk((valueSet as Expansion).expansion?.contains);
}

/** The medicines that a server keeps as resources of their own, such as a hospital's formulary. */
export function ofFormulary(bundle: Bundle | undefined): CodedMedicine[] {
  return (bundle === undefined ? [] : ofType(bundle, 'Medication')).flatMap((one) => {
    const { code, status } = one as { code?: CodeableConcept; status?: string };
    return status === 'inactive' || status === 'entered-in-error' ? [] : coded(code);
  });
}

/** The medicines of a chart that have a code. */
export function ofChart(bundle: Bundle): CodedMedicine[] {
  const requests = ofType<MedicationRequest>(bundle, 'MedicationRequest');
  return [
    ...requests
      .filter(({ status }) => status !== 'entered-in-error')
      .flatMap(({ medicationCodeableConcept }) => coded(medicationCodeableConcept)),
    ...ofFormulary(bundle),
  ];
}

/** A concept by its code, RxNorm's if it has several: US Core asks for that one. */
function coded(concept: CodeableConcept | undefined): CodedMedicine[] {
  const codings = (concept?.coding ?? []).filter(
    (one): one is CodedMedicine['coding'] => one.system !== undefined && one.code !== undefined,
  );
  const coding = codings.find(({ system }) => system === RXNORM) ?? codings[0];
  if (coding === undefined) return [];
  const label = concept?.text ?? codingText(coding);
  return label === undefined || label === '' ? [] : [{ label, coding }];
}

/** Those with every word that is typed in their name, in any order and case. */
export function fitting(all: readonly CodedMedicine[], typed: string): CodedMedicine[] {
  const words = wordsOf(typed);
  return all.filter(({ label, coding }) => {
    const name = fold(`${label} ${coding.display ?? ''} ${coding.code}`);
    return words.every((word) => name.includes(word));
  });
}

/** What a server is asked for that searches the beginning of names. */
export const firstWord = (typed: string): string => wordsOf(typed)[0] ?? '';

/** Several lists as one; each code once, by its first name. */
export function together(...lists: readonly (readonly CodedMedicine[])[]): CodedMedicine[] {
  const each = new Map<string, CodedMedicine>();
  for (const one of lists.flat()) if (!each.has(keyOf(one.coding))) each.set(keyOf(one.coding), one);
  return [...each.values()];
}

const wordsOf = (text: string): string[] =>
  fold(text)
    .split(/\s+/)
    .filter((word) => word !== '');

const fold = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
