import type { Query } from '../../fhir/internal-client.ts';
import { textOf } from '../../json/exact-number.ts';
import { isObject, objectsOf } from '../../json/objects.ts';
import type { JsonObject, JsonValue, Resource } from '../../json/types.ts';

/** A row of the page: what it says, when it was, and the resource that says it. */
export interface Row {
  /** One text for each of the section's columns. */
  readonly cells: readonly string[];
  readonly resource: Resource;
}

/** Where a section's rows come from. */
export interface Source {
  readonly type: string;
  /** Besides `patient`. */
  readonly query: Query;
}

/** A section of the International Patient Summary (http://hl7.org/fhir/uv/ips, Composition-uv-ips). */
export interface SectionPlan {
  readonly name: string;
  readonly title: string;
  /** LOINC, as Composition-uv-ips fixes it; of what it has no section for, LOINC's own code. */
  readonly code: string;
  readonly display: string;
  readonly columns: readonly string[];
  readonly sources: readonly Source[];
  /** Rows at most. */
  readonly most: number;
  /** Only the newest of each code. */
  readonly newestOfEach?: true;
  /** Which of what was found belongs here. */
  readonly holds?: (resource: Resource) => boolean;
  readonly cells: (resource: Resource) => readonly string[];
  /** IPS requires the section: the code of absent-unknown-uv-ips for having no information. */
  readonly unknown?: { readonly code: string; readonly display: string };
}

const CLINICAL = 'http://terminology.hl7.org/CodeSystem/condition-clinical';
const PAST = new Set(['inactive', 'remission', 'resolved']);
const newest: Query = [['_sort', '-date']];

export const SECTIONS: readonly SectionPlan[] = [
  {
    name: 'medications',
    title: 'Medicines',
    code: '10160-0',
    display: 'History of Medication use Narrative',
    columns: ['Medicine', 'How to take it', 'Status', 'Since'],
    sources: [
      {
        type: 'MedicationRequest',
        query: [
          ['status', 'active,on-hold'],
          ['intent', 'order,plan,original-order,reflex-order,filler-order,instance-order'],
        ],
      },
      { type: 'MedicationStatement', query: [['status', 'active,intended,on-hold']] },
    ],
    most: 200,
    cells: (one) => [
      nameOf(one['medicationCodeableConcept']) ?? referred(one['medicationReference']),
      dosageOf(one),
      String(one['status'] ?? ''),
      day(
        one['authoredOn'] ??
          one['effectiveDateTime'] ??
          startOf(one['effectivePeriod']) ??
          one['dateAsserted'],
      ),
    ],
    unknown: { code: 'no-medication-info', display: 'No information about medications' },
  },
  {
    name: 'allergies',
    title: 'Allergies and intolerances',
    code: '48765-2',
    display: 'Allergies and adverse reactions Document',
    columns: ['Allergy to', 'Reaction', 'Criticality', 'Recorded'],
    sources: [{ type: 'AllergyIntolerance', query: [] }],
    most: 200,
    holds: (one) => !isWrong(one) && clinicalStatus(one) !== 'resolved',
    cells: (one) => [
      nameOf(one['code']) ?? '',
      objectsOf(one['reaction'])
        .flatMap(({ manifestation }) => objectsOf(manifestation).flatMap((each) => nameOf(each) ?? []))
        .join(', '),
      String(one['criticality'] ?? ''),
      day(one['recordedDate'] ?? one['onsetDateTime']),
    ],
    unknown: { code: 'no-allergy-info', display: 'No information about allergies' },
  },
  {
    name: 'problems',
    title: 'Problems',
    code: '11450-4',
    display: 'Problem list - Reported',
    columns: ['Problem', 'Status', 'Severity', 'Since'],
    sources: [{ type: 'Condition', query: [] }],
    most: 200,
    holds: (one) => !isWrong(one) && !PAST.has(clinicalStatus(one) ?? 'active'),
    cells: problemCells,
    unknown: { code: 'no-problem-info', display: 'No information about problems' },
  },
  {
    name: 'past-illness',
    title: 'Past illnesses',
    code: '11348-0',
    display: 'History of Past illness Narrative',
    columns: ['Illness', 'Status', 'Severity', 'Since'],
    sources: [{ type: 'Condition', query: [] }],
    most: 100,
    holds: (one) => !isWrong(one) && PAST.has(clinicalStatus(one) ?? 'active'),
    cells: problemCells,
  },
  {
    name: 'results',
    title: 'Last results',
    code: '30954-2',
    display: 'Relevant diagnostic tests/laboratory data Narrative',
    columns: ['Test', 'Value', 'Interpretation', 'Date'],
    sources: [
      {
        type: 'Observation',
        query: [['category', 'laboratory'], ['status', 'final,amended,corrected,preliminary'], ...newest],
      },
    ],
    most: 60,
    newestOfEach: true,
    cells: resultCells,
  },
  {
    name: 'vital-signs',
    title: 'Last vital signs',
    code: '8716-3',
    display: 'Vital signs',
    columns: ['Measurement', 'Value', 'Interpretation', 'Date'],
    sources: [
      {
        type: 'Observation',
        query: [['category', 'vital-signs'], ['status', 'final,amended,corrected,preliminary'], ...newest],
      },
    ],
    most: 20,
    newestOfEach: true,
    cells: resultCells,
  },
  {
    name: 'immunizations',
    title: 'Vaccinations',
    code: '11369-6',
    display: 'History of Immunization Narrative',
    columns: ['Vaccine', 'Dose', 'Date'],
    sources: [{ type: 'Immunization', query: [['status', 'completed'], ...newest] }],
    most: 100,
    cells: (one) => [
      nameOf(one['vaccineCode']) ?? '',
      objectsOf(one['protocolApplied'])
        .map((each) => String(each['doseNumberPositiveInt'] ?? each['doseNumberString'] ?? ''))
        .join(', '),
      day(one['occurrenceDateTime']) || String(one['occurrenceString'] ?? ''),
    ],
  },
  {
    name: 'procedures',
    title: 'Procedures',
    code: '47519-4',
    display: 'History of Procedures Document',
    columns: ['Procedure', 'Status', 'Date'],
    sources: [{ type: 'Procedure', query: [['status', 'completed,in-progress'], ...newest] }],
    most: 50,
    cells: (one) => [
      nameOf(one['code']) ?? '',
      String(one['status'] ?? ''),
      day(one['performedDateTime'] ?? startOf(one['performedPeriod'])) ||
        String(one['performedString'] ?? ''),
    ],
  },
  {
    name: 'encounters',
    title: 'Last visits',
    code: '46240-8',
    display: 'History of Hospitalizations+Outpatient visits Narrative',
    columns: ['Visit', 'Reason', 'Status', 'Date'],
    sources: [{ type: 'Encounter', query: newest }],
    most: 20,
    holds: (one) => one['status'] !== 'cancelled' && !isWrong(one),
    cells: (one) => [
      objectsOf(one['type']).flatMap((each) => nameOf(each) ?? [])[0] ?? codingName(one['class']) ?? '',
      objectsOf(one['reasonCode']).flatMap((each) => nameOf(each) ?? [])[0] ?? '',
      String(one['status'] ?? ''),
      day(startOf(one['period'])),
    ],
  },
];

function problemCells(one: Resource): string[] {
  return [
    nameOf(one['code']) ?? '',
    clinicalStatus(one) ?? '',
    nameOf(one['severity']) ?? '',
    day(one['onsetDateTime'] ?? startOf(one['onsetPeriod']) ?? one['recordedDate']) ||
      String(one['onsetString'] ?? ''),
  ];
}

function resultCells(one: Resource): string[] {
  const parts = objectsOf(one['component']).map((each) =>
    `${nameOf(each['code']) ?? ''} ${valueText(each)}`.trim(),
  );
  const own = valueText(one);
  return [
    nameOf(one['code']) ?? '',
    [...(own === '' ? [] : [own]), ...parts].join('; '),
    objectsOf(one['interpretation'])
      .flatMap((each) => nameOf(each) ?? [])
      .join(', '),
    day(one['effectiveDateTime'] ?? startOf(one['effectivePeriod']) ?? one['issued']),
  ];
}

/** What a code is called: its text, or the display or code of its first coding. */
export function nameOf(concept: JsonValue | undefined): string | undefined {
  if (!isObject(concept)) return undefined;
  if (typeof concept['text'] === 'string' && concept['text'] !== '') return concept['text'];
  return codingName(objectsOf(concept['coding'])[0]);
}

function codingName(coding: JsonValue | undefined): string | undefined {
  if (!isObject(coding)) return undefined;
  const name = coding['display'] ?? coding['code'];
  return typeof name === 'string' ? name : undefined;
}

function referred(reference: JsonValue | undefined): string {
  if (!isObject(reference)) return '';
  const name = reference['display'] ?? reference['reference'];
  return typeof name === 'string' ? name : '';
}

/** What tells codes apart, where only the newest of each is shown. */
export function codeKey(resource: Resource): string {
  const code = resource['code'];
  const [first] = isObject(code) ? objectsOf(code['coding']) : [];
  return first === undefined
    ? `text ${nameOf(code) ?? ''}`
    : `${String(first['system'])}|${String(first['code'])}`;
}

function clinicalStatus({ clinicalStatus: status }: Resource): string | undefined {
  const codings = isObject(status) ? objectsOf(status['coding']) : [];
  const known = codings.find(({ system }) => system === CLINICAL) ?? codings[0];
  return typeof known?.['code'] === 'string' ? known['code'] : undefined;
}

function isWrong({ verificationStatus, status }: Resource): boolean {
  const codings = isObject(verificationStatus) ? objectsOf(verificationStatus['coding']) : [];
  return (
    status === 'entered-in-error' ||
    codings.some(({ code }) => code === 'entered-in-error' || code === 'refuted')
  );
}

function dosageOf(one: Resource): string {
  return objectsOf(one['dosageInstruction'] ?? one['dosage'])
    .flatMap(({ text, patientInstruction, doseAndRate }) => {
      const told = text ?? patientInstruction;
      if (typeof told === 'string') return [told];
      return objectsOf(doseAndRate).map(({ doseQuantity }) => quantity(doseQuantity));
    })
    .filter((told) => told !== '')
    .join('; ');
}

function valueText(one: JsonObject): string {
  if (one['valueQuantity'] !== undefined) return quantity(one['valueQuantity']);
  const concept = nameOf(one['valueCodeableConcept']);
  if (concept !== undefined) return concept;
  for (const name of ['valueString', 'valueDateTime', 'valueBoolean', 'valueInteger', 'valueTime']) {
    const value = one[name];
    if (value !== undefined && value !== null) return textOf(value) ?? String(value);
  }
  return '';
}

function quantity(value: JsonValue | undefined): string {
  if (!isObject(value)) return '';
  const { comparator, unit, code } = value;
  const number = textOf(value['value']);
  if (number === undefined) return '';
  return `${typeof comparator === 'string' ? comparator : ''}${number} ${String(unit ?? code ?? '')}`.trim();
}

const startOf = (period: JsonValue | undefined): JsonValue | undefined =>
  isObject(period) ? (period['start'] ?? period['end']) : undefined;

/** The day of a date or time. */
const day = (value: JsonValue | undefined): string => (typeof value === 'string' ? value.slice(0, 10) : '');
