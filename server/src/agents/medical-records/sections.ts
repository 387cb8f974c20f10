import type { Query } from '../../fhir/internal-client.ts';
import { localReferences, referenceTo } from '../../fhir/references/literal.ts';
import { objectsOf } from '../../json/objects.ts';
import type { Resource } from '../../json/types.ts';
import {
  clinicalStatus,
  codingName,
  day,
  deviceName,
  dosageOf,
  firstName,
  isWrong,
  type Linked,
  nameOf,
  newestOfEach,
  problemCells,
  referredName,
  resultCells,
  startOf,
} from './cells.ts';

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
  /** Left out where LOINC's versions name the code differently. */
  readonly display?: string;
  readonly columns: readonly string[];
  readonly sources: readonly Source[];
  /** Rows at most. */
  readonly most: number;
  /** Which of what was found belongs here. */
  readonly holds?: (resource: Resource) => boolean;
  /** Which of all that belongs here is shown, and in which order. */
  readonly choose?: (resources: readonly Resource[]) => readonly Resource[];
  readonly cells: (resource: Resource, linked: Linked) => readonly string[];
  /** IPS requires the section: the code of absent-unknown-uv-ips for having no information. */
  readonly unknown?: { readonly code: string; readonly display: string };
}

const PAST = new Set(['inactive', 'remission', 'resolved']);
const newest: Query = [['_sort', '-date']];
const told: Query = [['status', 'final,amended,corrected,preliminary'], ...newest];
const loinc = (...codes: readonly string[]): string =>
  codes.map((code) => `http://loinc.org|${code}`).join(',');

/** Smoking status, history of tobacco use, alcohol use and its history. */
const LIFESTYLE = loinc('72166-2', '11367-0', '74013-4', '11331-6');
/** Pregnancy status, expected delivery by its methods, and outcomes: the value sets of Observation-pregnancy-*-uv-ips. */
const PREGNANCY = loinc(
  ...['82810-3', '11778-8', '11779-6', '11780-4'],
  ...['11636-8', '11637-6', '11638-4', '11639-2', '11640-0', '11612-9', '11613-7', '11614-5', '33065-4'],
);

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
    choose: onceStated,
    // What must not be taken is no medicine of the patient (MedicationRequest-uv-ips).
    holds: (one) => one['doNotPerform'] !== true,
    cells: (one, linked) => [
      nameOf(one['medicationCodeableConcept']) ?? referredName(one['medicationReference'], one, linked),
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
    display: 'History of Past illness note',
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
    display: 'Relevant diagnostic tests/laboratory data note',
    columns: ['Test', 'Value', 'Interpretation', 'Date'],
    sources: [
      { type: 'Observation', query: [['category', 'laboratory,imaging'], ...told] },
      // By the service that made it; the categories of notes have codes of LOINC.
      {
        type: 'DiagnosticReport',
        query: [['category', 'http://terminology.hl7.org/CodeSystem/v2-0074|'], ...told],
      },
    ],
    most: 80,
    choose: newestOfEach,
    cells: resultCells,
  },
  {
    name: 'vital-signs',
    title: 'Last vital signs',
    code: '8716-3',
    display: 'Vital signs note',
    columns: ['Measurement', 'Value', 'Interpretation', 'Date'],
    sources: [{ type: 'Observation', query: [['category', 'vital-signs'], ...told] }],
    most: 20,
    choose: newestOfEach,
    cells: resultCells,
  },
  {
    name: 'immunizations',
    title: 'Vaccinations',
    code: '11369-6',
    display: 'History of Immunization note',
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
    name: 'devices',
    title: 'Medical devices',
    code: '46264-8',
    display: 'History of medical device use',
    columns: ['Device', 'Status', 'Since'],
    sources: [
      { type: 'DeviceUseStatement', query: [] },
      // US Core records implants as Devices alone.
      { type: 'Device', query: [] },
    ],
    most: 50,
    holds: (one) => !isWrong(one) && one['status'] !== 'inactive',
    choose: onceStated,
    cells: (one, linked) =>
      one.resourceType === 'Device'
        ? [deviceName(one) ?? '', String(one['status'] ?? ''), '']
        : [
            referredName(one['device'], one, linked),
            String(one['status'] ?? ''),
            day(one['timingDateTime'] ?? startOf(one['timingPeriod']) ?? one['recordedOn']),
          ],
  },
  {
    name: 'alerts',
    title: 'Alerts',
    code: '104605-1',
    display: 'Alert',
    columns: ['Alert', 'Kind', 'Since'],
    sources: [{ type: 'Flag', query: [] }],
    most: 50,
    holds: (one) => one['status'] === 'active',
    cells: (one) => [nameOf(one['code']) ?? '', firstName(one['category']), day(startOf(one['period']))],
  },
  {
    name: 'social-history',
    title: 'Tobacco and alcohol',
    code: '29762-2',
    display: 'Social history note',
    columns: ['Habit', 'Value', 'Interpretation', 'Date'],
    sources: [{ type: 'Observation', query: [['code', LIFESTYLE], ...told] }],
    most: 10,
    choose: newestOfEach,
    cells: resultCells,
  },
  {
    name: 'pregnancy',
    title: 'Pregnancy',
    code: '10162-6',
    display: 'History of pregnancies Narrative',
    columns: ['Finding', 'Value', 'Interpretation', 'Date'],
    sources: [{ type: 'Observation', query: [['code', PREGNANCY], ...told] }],
    most: 20,
    choose: newestOfEach,
    cells: resultCells,
  },
  {
    name: 'advance-directives',
    title: 'Advance directives',
    code: '42348-3',
    display: 'Advance healthcare directives',
    columns: ['Directive', 'Status', 'Date'],
    sources: [
      {
        type: 'Consent',
        query: [
          ['scope', 'http://terminology.hl7.org/CodeSystem/consentscope|adr'],
          ['status', 'active'],
        ],
      },
    ],
    most: 20,
    cells: (one) => [firstName(one['category']), String(one['status'] ?? ''), day(one['dateTime'])],
  },
  {
    name: 'plan-of-care',
    title: 'Plans of care',
    code: '18776-5',
    display: 'Plan of care note',
    columns: ['Plan', 'Description', 'Since'],
    sources: [{ type: 'CarePlan', query: [['status', 'active,on-hold'], ...newest] }],
    most: 20,
    cells: (one) => [
      typeof one['title'] === 'string' ? one['title'] : firstName(one['category']),
      String(one['description'] ?? ''),
      day(startOf(one['period']) ?? one['created']),
    ],
  },
  {
    name: 'encounters',
    title: 'Last visits',
    code: '46240-8',
    columns: ['Visit', 'Reason', 'Status', 'Date'],
    sources: [{ type: 'Encounter', query: newest }],
    most: 20,
    holds: (one) => one['status'] !== 'cancelled' && !isWrong(one),
    cells: (one) => [
      firstName(one['type']) || (codingName(one['class']) ?? ''),
      firstName(one['reasonCode']),
      String(one['status'] ?? ''),
      day(startOf(one['period'])),
    ],
  },
];

/** Statements, and of orders and Devices those that none of them is about. */
function onceStated(resources: readonly Resource[]): readonly Resource[] {
  const stated = new Set(
    resources
      .filter(({ resourceType }) => resourceType.endsWith('Statement'))
      .flatMap(({ device, derivedFrom, basedOn }) => [
        ...localReferences([device ?? null]),
        ...localReferences(derivedFrom),
        ...localReferences(basedOn),
      ]),
  );
  return resources.filter((one) => !stated.has(referenceTo(one)));
}
