import { ageOf } from '@vesta/app-kit';
import {
  type AllergyIntolerance,
  type Bundle,
  type CodeableConcept,
  codeIn,
  type Encounter,
  hasAnyCode,
  nameOf,
  type Observation,
  observedText,
  ofType,
  type Patient,
  type Reference,
  type Resource,
  type RiskAssessment,
  type Task,
  target,
  textOf,
} from './fhir.ts';

export const ESI = 'https://vesta.health/fhir/CodeSystem/esi';
export const RED_FLAG = 'https://vesta.health/fhir/StructureDefinition/red-flag';
export const WORKFLOW_STEP = 'https://vesta.health/fhir/CodeSystem/workflow-step';
export const AGENT_ACTION = 'https://vesta.health/fhir/CodeSystem/agent-action';
/** SNOMED CT: Royal College of Physicians NEWS2 total score. */
const NEWS2 = '1104051000000101';

/** Search of Encounter for the board: emergency visits that are not over, with who it is, what triage has found, the vital signs and what is to be done. */
export const BOARD_SEARCH = {
  class: 'EMER',
  status: 'arrived,triaged,in-progress',
  _include: 'Encounter:subject',
  _revinclude: ['RiskAssessment:encounter', 'Task:encounter', 'Observation:encounter'],
  _count: 100,
};

export interface BoardRow {
  /** Id of the Encounter. */
  readonly id: string;
  /** `Patient/id`. */
  readonly patient: string | undefined;
  readonly name: string;
  /** Nobody knows yet who it is: the Patient is a temporary one. */
  readonly isUnknown: boolean;
  readonly age: number | undefined;
  readonly gender: string | undefined;
  readonly status: string;
  readonly arrived: string | undefined;
  readonly complaint: string;
  /** 1 (at once) to 5; undefined before triage. */
  readonly esi: number | undefined;
  readonly rationale: string;
  readonly reasons: readonly string[];
  readonly redFlags: readonly string[];
  readonly news2: string | undefined;
  readonly vitals: readonly { readonly name: string; readonly value: string }[];
  readonly tasks: readonly BoardTask[];
}

export interface BoardTask {
  readonly id: string;
  readonly title: string;
  readonly status: string;
  /** Of a workflow: which step it is. */
  readonly step: string | undefined;
  /** Roles, where a person has to do it. */
  readonly roles: readonly string[];
  /** RequestGroup that it is part of. */
  readonly group: string | undefined;
}

/**
 * The board's rows: the most urgent first, those that nobody has triaged before them, then by arrival.
 * @param bundle answer to {@link BOARD_SEARCH}
 */
export function boardRows(bundle: Bundle | undefined, now: Date, language: string): BoardRow[] {
  const patients = new Map<string, Patient>(
    ofType<Patient>(bundle, 'Patient').map((one) => [`Patient/${one.id}`, one]),
  );
  const risks = byEncounter(ofType<RiskAssessment>(bundle, 'RiskAssessment'));
  const observations = byEncounter(ofType<Observation>(bundle, 'Observation'));
  const tasks = byEncounter(ofType<Task>(bundle, 'Task'));
  return ofType<Encounter>(bundle, 'Encounter')
    .map((encounter): BoardRow => {
      const own = `Encounter/${encounter.id}`;
      const patient = target(encounter.subject);
      const who = patient === undefined ? undefined : patients.get(patient);
      const risk = newest((risks.get(own) ?? []).filter(({ status }) => status !== 'entered-in-error'));
      const observed = (observations.get(own) ?? []).filter(({ status }) => status !== 'entered-in-error');
      const prediction = risk?.prediction?.find(
        ({ qualitativeRisk }) => esiOf(qualitativeRisk) !== undefined,
      );
      return {
        id: encounter.id ?? '',
        patient,
        name: nameOf(who) || (encounter.subject?.display ?? ''),
        isUnknown: who?.name?.every(({ use }) => use === 'temp') ?? true,
        age: ageOf(who?.birthDate, now),
        gender: who?.gender,
        status: encounter.status ?? '',
        arrived: encounter.period?.start,
        complaint: complaintOf(encounter),
        esi: esiOf(prediction?.qualitativeRisk),
        rationale: prediction?.rationale ?? '',
        reasons: (risk?.note ?? []).flatMap(({ text }) => text ?? []),
        redFlags: (risk?.extension ?? []).flatMap(({ url, valueString }) =>
          url === RED_FLAG && valueString ? [valueString] : [],
        ),
        news2: news2Of(observed, language),
        vitals: vitalsOf(observed, language),
        tasks: (tasks.get(own) ?? []).map(boardTask).sort((a, b) => a.title.localeCompare(b.title)),
      };
    })
    .sort(
      (a, b) =>
        (a.esi ?? 0) - (b.esi ?? 0) ||
        (a.arrived ?? '').localeCompare(b.arrived ?? '') ||
        a.id.localeCompare(b.id),
    );
}

/** Why somebody has come. A reason that an earlier one has in its words is not said again: triage codes each complaint of its first. */
function complaintOf({ reasonCode = [] }: Encounter): string {
  const texts = reasonCode.map(textOf).filter(Boolean);
  const isNew = (text: string, place: number) =>
    !texts.slice(0, place).some((earlier) => `, ${earlier}, `.includes(`, ${text}, `));
  return texts.filter(isNew).join(', ');
}

/** A Task as one line. */
export function boardTask(task: Task): BoardTask {
  return {
    id: task.id ?? '',
    title: textOf(task.code) || (task.description ?? ''),
    status: task.status ?? '',
    step: codeIn(task.code, WORKFLOW_STEP),
    roles: (task.performerType ?? []).map(textOf).filter(Boolean),
    group: (task.basedOn ?? []).map(target).find((one) => one?.startsWith('RequestGroup/')),
  };
}

/** The names of allergies that count, by `Patient/id`. What is severe comes first. */
export function allergiesByPatient(
  allergies: readonly AllergyIntolerance[],
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const sorted = allergies
    .filter(isInForce)
    .sort((a, b) => Number(b.criticality === 'high') - Number(a.criticality === 'high'));
  for (const one of sorted) {
    const patient = target(one.patient);
    const name = textOf(one.code);
    if (patient === undefined || name === '') continue;
    const names = found.get(patient) ?? [];
    if (!names.includes(name)) names.push(name);
    found.set(patient, names);
  }
  return found;
}

/**
 * What is known of somebody's allergies; undefined when nothing has been read yet, which is not the same as having none.
 * @param isRead whether the answer is one to the question for all who are there now
 */
export function knownAllergies(
  patient: string | undefined,
  byPatient: ReadonlyMap<string, readonly string[]>,
  isRead: boolean,
): readonly string[] | undefined {
  if (patient === undefined) return [];
  return byPatient.get(patient) ?? (isRead ? [] : undefined);
}

/** Whether an allergy is neither refuted nor over (R4 allergyintolerance.html). */
export function isInForce({ clinicalStatus, verificationStatus }: AllergyIntolerance): boolean {
  return (
    !hasAnyCode(clinicalStatus, 'inactive', 'resolved') &&
    !hasAnyCode(verificationStatus, 'refuted', 'entered-in-error')
  );
}

function esiOf(concept: CodeableConcept | undefined): number | undefined {
  const code = codeIn(concept, ESI);
  return code !== undefined && /^[1-5]$/.test(code) ? Number(code) : undefined;
}

function byEncounter<T extends Resource & { readonly encounter?: Reference }>(
  resources: readonly T[],
): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const one of resources) {
    const encounter = target(one.encounter);
    if (encounter === undefined) continue;
    const list = found.get(encounter) ?? [];
    list.push(one);
    found.set(encounter, list);
  }
  return found;
}

function newest<T extends Resource>(resources: readonly T[]): T | undefined {
  return resources.reduce<T | undefined>(
    (best, one) =>
      best === undefined || (one.meta?.lastUpdated ?? '') >= (best.meta?.lastUpdated ?? '') ? one : best,
    undefined,
  );
}

const isNews2 = ({ code }: Observation): boolean => hasAnyCode(code, NEWS2) || /^NEWS2/i.test(textOf(code));

function news2Of(observed: readonly Observation[], language: string): string | undefined {
  const found = newest(observed.filter(isNews2));
  return found === undefined ? undefined : observedText(found, language) || undefined;
}

/** The latest of each vital sign. */
function vitalsOf(observed: readonly Observation[], language: string): { name: string; value: string }[] {
  const latest = new Map<string, Observation>();
  for (const one of observed) {
    if (isNews2(one) || !one.category?.some((category) => hasAnyCode(category, 'vital-signs'))) continue;
    const name = textOf(one.code);
    const before = latest.get(name);
    if (before === undefined || (one.meta?.lastUpdated ?? '') >= (before.meta?.lastUpdated ?? ''))
      latest.set(name, one);
  }
  return [...latest].flatMap(([name, one]) => {
    const value = observedText(one, language);
    return value === '' ? [] : [{ name, value }];
  });
}
