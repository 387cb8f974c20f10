import type { Bundle, Parameters, Resource } from './fhir.ts';

/** Vital signs of the intake form, each in one unit, with what can be typed by mistake at most. */
export const VITALS = [
  { name: 'systolic', unit: 'mm[Hg]', least: 20, most: 320 },
  { name: 'diastolic', unit: 'mm[Hg]', least: 10, most: 220 },
  { name: 'heartRate', unit: '/min', least: 10, most: 350 },
  { name: 'respiratoryRate', unit: '/min', least: 2, most: 120 },
  { name: 'oxygenSaturation', unit: '%', least: 30, most: 100 },
  { name: 'temperature', unit: 'Cel', least: 20, most: 46 },
] as const;
export type VitalName = (typeof VITALS)[number]['name'];

/** ACVPU: alert, new confusion, responds to voice, to pain, unresponsive. */
export const CONSCIOUSNESS = ['alert', 'confused', 'voice', 'pain', 'unresponsive'] as const;
export type Consciousness = (typeof CONSCIOUSNESS)[number];

/** What the form holds, as typed. */
export interface IntakeForm {
  readonly text: string;
  readonly vitals: Readonly<Partial<Record<VitalName, string>>>;
  readonly consciousness?: Consciousness | undefined;
  readonly givenName: string;
  readonly familyName: string;
  readonly birthDate: string;
  readonly gender: string;
  /** By which the person or the family is reached. */
  readonly phone: string;
  /** `Patient/id` of a known patient who was chosen. */
  readonly subject?: string | undefined;
}

export type IntakeProblem =
  | { readonly field: 'text'; readonly kind: 'empty' }
  | { readonly field: 'birthDate'; readonly kind: 'date' }
  | {
      readonly field: VitalName;
      readonly kind: 'number' | 'range' | 'pair';
      readonly least: number;
      readonly most: number;
    };

/** What is wrong with the form; nothing when it can be sent. */
export function intakeProblems(form: IntakeForm, now: Date): IntakeProblem[] {
  const problems: IntakeProblem[] = [];
  const isEmpty = form.text.trim() === '' && VITALS.every(({ name }) => !form.vitals[name]?.trim());
  if (isEmpty) problems.push({ field: 'text', kind: 'empty' });
  const { birthDate } = form;
  if (birthDate !== '' && !(isDate(birthDate) && Date.parse(birthDate) <= now.getTime()))
    problems.push({ field: 'birthDate', kind: 'date' });
  for (const { name, least, most } of VITALS) {
    const typed = form.vitals[name]?.trim() ?? '';
    if (typed === '') continue;
    const value = numberOf(typed);
    if (value === undefined) problems.push({ field: name, kind: 'number', least, most });
    else if (value < least || value > most) problems.push({ field: name, kind: 'range', least, most });
  }
  const [systolic, diastolic] = [numberOf(form.vitals.systolic), numberOf(form.vitals.diastolic)];
  if (systolic !== undefined && diastolic !== undefined && diastolic >= systolic)
    problems.push({ field: 'diastolic', kind: 'pair', least: VITALS[1].least, most: systolic - 1 });
  return problems;
}

const isDate = (text: string): boolean =>
  /^\d{4}(-\d\d){0,2}$/.test(text) &&
  !Number.isNaN(Date.parse(text)) &&
  // Date.parse takes the 31st of short months for a day of the next.
  (text.length < 10 || new Date(`${text}T00:00:00Z`).toISOString().startsWith(text));

/** A number as people type it, with a comma or point. */
function numberOf(typed: string | undefined): number | undefined {
  const text = typed?.trim().replace(',', '.') ?? '';
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}

/**
 * The free text with the measured values behind it, in the words and units that charts use, so that triage reads all in
 * one place.
 */
export function intakeText({ text, vitals, consciousness }: IntakeForm): string {
  const value = (name: VitalName) => numberOf(vitals[name]);
  const [systolic, diastolic] = [value('systolic'), value('diastolic')];
  const pressure =
    systolic === undefined ? [] : [`BP ${systolic}${diastolic === undefined ? '' : `/${diastolic}`} mmHg`];
  const one = (name: VitalName, label: string, unit: string): string[] => {
    const found = value(name);
    return found === undefined ? [] : [`${label} ${found}${unit}`];
  };
  const measured = [
    ...pressure,
    ...one('heartRate', 'HR', ''),
    ...one('respiratoryRate', 'RR', ''),
    ...one('oxygenSaturation', 'SpO2', '%'),
    ...one('temperature', 'Temp', ' C'),
    ...(consciousness === undefined ? [] : [CONSCIOUS_TEXT[consciousness]]),
  ];
  return [text.trim(), measured.join(', ')].filter((part) => part !== '').join('. ');
}

const CONSCIOUS_TEXT: Readonly<Record<Consciousness, string>> = {
  alert: 'alert',
  confused: 'new confusion',
  voice: 'responds to voice',
  pain: 'responds to pain',
  unresponsive: 'unresponsive',
};

/** Input of `PlanDefinition/emergency/$start`. */
export function startParameters(form: IntakeForm, language: string): Parameters {
  const { subject, givenName, familyName, birthDate, gender, phone } = form;
  const isNamed = [givenName, familyName, birthDate, gender, phone].some((text) => text.trim() !== '');
  const name = {
    ...(familyName.trim() === '' ? {} : { family: familyName.trim() }),
    ...(givenName.trim() === '' ? {} : { given: givenName.trim().split(/\s+/) }),
  };
  const patient = {
    resourceType: 'Patient',
    ...(Object.keys(name).length === 0 ? {} : { name: [name] }),
    ...(birthDate === '' ? {} : { birthDate }),
    ...(gender === '' ? {} : { gender }),
    ...(phone.trim() === '' ? {} : { telecom: [{ system: 'phone', value: phone.trim() }] }),
  };
  return {
    resourceType: 'Parameters',
    parameter: [
      ...(subject === undefined ? [] : [{ name: 'subject', valueReference: { reference: subject } }]),
      { name: 'intake', valueString: intakeText(form) },
      ...(subject === undefined && isNamed ? [{ name: 'patient', resource: patient }] : []),
      { name: 'language', valueCode: language },
    ],
  };
}

/** A picture or scan that was chosen. */
export interface Photo {
  readonly name: string;
  readonly contentType: string;
  /** Base64. */
  readonly data: string;
}

/**
 * A transaction that keeps a picture as Binary with the DocumentReference that says whose and of what visit it is (R4
 * documentreference.html).
 * @param group `RequestGroup/id` of the emergency that it belongs to
 */
export function documentBundle(
  photo: Photo,
  about: {
    readonly subject?: string | undefined;
    readonly group?: string | undefined;
    readonly author?: string | undefined;
  },
  now: Date,
): Bundle {
  const { subject, group, author } = about;
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      {
        fullUrl: 'urn:uuid:5f0c1d5e-6f5b-4f0e-9d6a-0a6f6f1f7a01',
        resource: { resourceType: 'Binary', contentType: photo.contentType, data: photo.data } as Resource,
        request: { method: 'POST', url: 'Binary' },
      },
      {
        fullUrl: 'urn:uuid:5f0c1d5e-6f5b-4f0e-9d6a-0a6f6f1f7a02',
        resource: {
          resourceType: 'DocumentReference',
          status: 'current',
          type: {
            coding: [{ system: 'http://loinc.org', code: '55107-7', display: 'Addendum Document' }],
            text: 'Document brought to the emergency department',
          },
          category: [
            {
              coding: [
                {
                  system: 'http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category',
                  code: 'clinical-note',
                },
              ],
            },
          ],
          description: photo.name,
          date: now.toISOString(),
          ...(subject === undefined ? {} : { subject: { reference: subject } }),
          ...(author === undefined ? {} : { author: [{ reference: author }] }),
          content: [
            {
              attachment: {
                contentType: photo.contentType,
                url: 'urn:uuid:5f0c1d5e-6f5b-4f0e-9d6a-0a6f6f1f7a01',
                title: photo.name,
                creation: now.toISOString(),
              },
            },
          ],
          ...(group === undefined ? {} : { context: { related: [{ reference: group }] } }),
        } as Resource,
        request: { method: 'POST', url: 'DocumentReference' },
      },
    ],
  };
}
