import { OWN_SENSITIVITY } from '../policies/labels.ts';
import type { SecurityLabel } from './labeller.ts';

/** Codes of one system, however they are given. */
export interface CodeTest {
  has(code: string): boolean;
}

/** A value set of sensitive codes, with the label that its codes ask for. */
export interface SensitiveCodes {
  readonly label: SecurityLabel;
  readonly systems: ReadonlyMap<string, CodeTest>;
}

const ICD_10 = ['http://hl7.org/fhir/sid/icd-10-cm', 'http://hl7.org/fhir/sid/icd-10'] as const;
const ICD_9 = 'http://hl7.org/fhir/sid/icd-9-cm';
const SNOMED = 'http://snomed.info/sct';
const LOINC = 'http://loinc.org';
const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';

/**
 * Codes of a classification by ranges of its categories (`F20-F69`, both included) and by beginnings (`Z71.41`): what is
 * below a category begins with it.
 */
export function classified(...ranges: readonly string[]): CodeTest {
  const pairs = ranges.map((range) => {
    const [low = '', high = low] = range.split('-');
    return { low, high };
  });
  return {
    has: (code) =>
      pairs.some(({ low, high }) => code.slice(0, low.length) >= low && code.slice(0, high.length) <= high),
  };
}

const icd10 = (...ranges: readonly string[]): [string, CodeTest][] => {
  const test = classified(...ranges);
  return ICD_10.map((system) => [system, test]);
};
const sensitive = (
  code: string,
  display: string,
  systems: readonly [string, CodeTest][],
  system: string = ACT_CODE,
): SensitiveCodes => ({ label: { system, code, display }, systems: new Map(systems) });

/**
 * What is sensitive where a tenant says nothing else: diagnoses, findings and documents of the kinds that law or custom
 * protects. Of ICD all that is below the categories named; of SNOMED CT the concepts by name, because their hierarchy is
 * there only where a tenant has loaded it: value sets of its own (fhir/labels.ts) reach the rest.
 */
export const SENSITIVE_CODES: readonly SensitiveCodes[] = [
  // 42 CFR 2.11: substance use disorders, but for tobacco and caffeine.
  sensitive('SUD', 'substance use disorder information sensitivity', [
    ...icd10('F10-F16', 'F18-F19', 'K70', 'T40', 'O99.31', 'O99.32', 'P04.4', 'Z71.41', 'Z71.51', 'Z86.4'),
    [ICD_9, classified('291-292', '303-304', '305.0', '305.2-305.9')],
    [
      SNOMED,
      new Set([
        '66214007',
        '26416006',
        '191816009',
        '6525002',
        '361055000',
        '7200002',
        '66590003',
        '15167005',
        '10939881000119105',
        '75544000',
        '5602001',
        '31956009',
        '78267003',
        '85005007',
        '37344009',
        '56876005',
      ]),
    ],
  ]),
  // Disorders of mood, thought, anxiety, behaviour and personality; not those of intellect and development.
  sensitive('MH', 'mental health information sensitivity', [
    ...icd10('F20-F69', 'F90-F99', 'R45.85', 'T14.91', 'Z91.5'),
    [ICD_9, classified('295-302', '306-314', 'V62.84')],
    [
      SNOMED,
      new Set([
        '74732009',
        '35489007',
        '370143000',
        '36923009',
        '66344007',
        '13746004',
        '58214004',
        '69322001',
        '197480006',
        '21897009',
        '47505003',
        '191736004',
        '72366004',
        '6471006',
        '82313006',
        '80583007',
      ]),
    ],
    // Notes of psychiatrists and psychologists.
    [LOINC, new Set(['34788-0', '34791-4'])],
  ]),
  sensitive('HIV', 'HIV/AIDS information sensitivity', [
    ...icd10('B20-B24', 'B97.35', 'O98.7', 'R75', 'Z11.4', 'Z20.6', 'Z21'),
    [ICD_9, classified('042', '079.53', 'V08')],
    [SNOMED, new Set(['86406008', '62479008', '165816005'])],
    [LOINC, new Set(['7917-8', '7918-6', '20447-9', '25836-8', '56888-1', '75622-1'])],
  ]),
  sensitive('STD', 'sexually transmitted disease information sensitivity', [
    ...icd10('A50-A64', 'Z11.3', 'Z20.2'),
    [ICD_9, classified('090-099', 'V74.5')],
    [
      SNOMED,
      new Set(['8098009', '15628003', '76272004', '240589008', '310861008', '269828009', '165829005']),
    ],
    [LOINC, new Set(['20507-0', '21613-5', '43304-5', '43305-2'])],
  ]),
  sensitive('SEX', 'sexuality and reproductive health information sensitivity', [
    ...icd10('F52', 'F64-F66', 'O04', 'Z30', 'Z33.2', 'Z70', 'Z72.5'),
    [ICD_9, classified('302', '635', 'V25')],
  ]),
  sensitive('SDV', 'sexual assault, abuse, or domestic violence information sensitivity', [
    ...icd10('T74', 'T76', 'Y07', 'Z04.4', 'Z69'),
    [ICD_9, classified('995.5', '995.8')],
    [SNOMED, new Set(['706893006'])],
  ]),
  sensitive(
    'legal',
    'legal proceedings',
    [...icd10('Y35', 'Z65.0', 'Z65.1', 'Z65.2', 'Z65.3'), [SNOMED, new Set(['266948004'])]],
    OWN_SENSITIVITY,
  ),
];
