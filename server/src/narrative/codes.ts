import { asObject, asObjects, asText, type Format, read } from './element.ts';
import { codeWords } from './text.ts';

/** How people call the code systems they know by name. */
const SYSTEMS: Readonly<Record<string, string>> = {
  'http://snomed.info/sct': 'SNOMED CT',
  'http://loinc.org': 'LOINC',
  'http://www.nlm.nih.gov/research/umls/rxnorm': 'RxNorm',
  'http://hl7.org/fhir/sid/ndc': 'NDC',
  'http://hl7.org/fhir/sid/cvx': 'CVX',
  'http://hl7.org/fhir/sid/icd-10-cm': 'ICD-10-CM',
  'http://hl7.org/fhir/sid/icd-10': 'ICD-10',
  'http://hl7.org/fhir/sid/icd-9-cm': 'ICD-9-CM',
  'http://www.cms.gov/Medicare/Coding/ICD10': 'ICD-10-PCS',
  'http://www.ama-assn.org/go/cpt': 'CPT',
  'http://unitsofmeasure.org': 'UCUM',
  'http://nucc.org/provider-taxonomy': 'NUCC',
  'http://www.nubc.org/patient-discharge': 'NUBC',
};

/** Displays of HL7's own codes that are letters only, which nobody could read without. */
const LETTERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation': {
    H: 'High',
    HH: 'Critical high',
    HU: 'Significantly high',
    L: 'Low',
    LL: 'Critical low',
    LU: 'Significantly low',
    N: 'Normal',
    A: 'Abnormal',
    AA: 'Critical abnormal',
    POS: 'Positive',
    NEG: 'Negative',
    IND: 'Indeterminate',
    E: 'Equivocal',
    D: 'Significant change down',
    U: 'Significant change up',
    B: 'Better',
    W: 'Worse',
    S: 'Susceptible',
    I: 'Intermediate',
    R: 'Resistant',
    NS: 'Non-susceptible',
    DET: 'Detected',
    ND: 'Not detected',
    RR: 'Reactive',
    NR: 'Non-reactive',
    WR: 'Weakly reactive',
  },
  'http://terminology.hl7.org/CodeSystem/v3-ActCode': {
    AMB: 'ambulatory',
    EMER: 'emergency',
    FLD: 'field',
    HH: 'home health',
    IMP: 'inpatient encounter',
    ACUTE: 'inpatient acute',
    NONAC: 'inpatient non-acute',
    OBSENC: 'observation encounter',
    PRENC: 'pre-admission',
    SS: 'short stay',
    VR: 'virtual',
  },
};

/** A code as words. */
export const code: Format = (value) => {
  const text = asText(value);
  return text === undefined ? undefined : codeWords(text);
};

/** A Coding by its display, else its code, with the code system's name where the code does not speak for itself. */
export const coding: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  const display = asText(element['display']);
  if (display !== undefined) return display;
  const known = asText(element['code']);
  const system = asText(element['system']);
  if (known === undefined) return read(element, 'code', code, context) ?? system;
  if (system === undefined || system === 'urn:ietf:rfc:3986') return codeWords(known);
  const letters = Object.hasOwn(LETTERS, system) ? LETTERS[system] : undefined;
  if (letters !== undefined && Object.hasOwn(letters, known)) return letters[known];
  if (Object.hasOwn(SYSTEMS, system)) return `${known} (${SYSTEMS[system]})`;
  if (system.startsWith('http://terminology.hl7.org/') || system.startsWith('http://hl7.org/fhir/'))
    return codeWords(known);
  return `${known} (${system})`;
};

/** A CodeableConcept by its text, else by the coding that the user chose, else the first with a display, else the first. */
export const concept: Format = (value, context) => {
  const element = asObject(value);
  if (element === undefined) return undefined;
  const text = asText(element['text']);
  if (text !== undefined) return text;
  const codings = asObjects(element['coding']);
  if (codings.length === 0) return read(element, 'text', asText, context);
  const chosen =
    codings.find((one) => one['userSelected'] === true) ??
    codings.find((one) => asText(one['display']) !== undefined) ??
    codings[0];
  return coding(chosen, context);
};

/** The codes of a CodeableConcept or Coding, whatever their system. */
export function codesOf(value: Parameters<Format>[0]): string[] {
  const element = asObject(value);
  if (element === undefined) return [];
  return [element, ...asObjects(element['coding'])].flatMap((one) => asText(one['code']) ?? []);
}
