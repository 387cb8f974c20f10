import { isInForce } from './board.ts';
import {
  type AllergyIntolerance,
  type Bundle,
  type CodeableConcept,
  type Condition,
  hasAnyCode,
  type MedicationRequest,
  ofType,
  type Resource,
  textOf,
} from './fhir.ts';

/** A line of a list of the chart. */
export interface ListItem {
  readonly id: string;
  readonly title: string;
  /** A code of FHIR: `active`, `high`. */
  readonly status: string;
  readonly date: string | undefined;
  readonly detail: string;
  /** Shown with a warning. */
  readonly isGrave: boolean;
}

const ACTIVE = ['active', 'recurrence', 'relapse'];

/** Problems: those that are there first, each group by date, newest first. What was entered in error is left out. */
export function problems(conditions: readonly Condition[]): ListItem[] {
  return conditions
    .filter(({ verificationStatus }) => !hasAnyCode(verificationStatus, 'entered-in-error', 'refuted'))
    .map((one) => ({
      id: one.id ?? '',
      title: textOf(one.code),
      status: one.clinicalStatus?.coding?.[0]?.code ?? '',
      date: one.onsetDateTime ?? one.onsetPeriod?.start ?? one.recordedDate,
      detail: one.onsetString ?? '',
      isGrave: false,
    }))
    .sort(
      (a, b) =>
        Number(ACTIVE.includes(b.status)) - Number(ACTIVE.includes(a.status)) || byDate(a.date, b.date),
    );
}

/** {@link medications} of a search's answer that includes what requests refer to. */
export function medicinesOf(bundle: Bundle): ListItem[] {
  const named = new Map(ofType(bundle, 'Medication').map((one) => [`Medication/${one.id}`, one] as const));
  return medications(ofType<MedicationRequest>(bundle, 'MedicationRequest'), named);
}

const MEDICATION_ORDER = ['active', 'on-hold', 'draft', 'completed', 'stopped', 'cancelled', 'unknown'];

/** Medicines: what is taken first. @param named what references point to, by `Medication/id` */
export function medications(
  requests: readonly MedicationRequest[],
  named: ReadonlyMap<string, Resource>,
): ListItem[] {
  return requests
    .filter(({ status }) => status !== 'entered-in-error')
    .map((one) => ({
      id: one.id ?? '',
      title: medicationName(one, named),
      status: one.status ?? '',
      date: one.authoredOn,
      detail: (one.dosageInstruction ?? []).flatMap(({ text }) => text ?? []).join('; '),
      isGrave: false,
    }))
    .sort(
      (a, b) =>
        MEDICATION_ORDER.indexOf(a.status) - MEDICATION_ORDER.indexOf(b.status) || byDate(a.date, b.date),
    );
}

export function medicationName(
  { medicationCodeableConcept, medicationReference }: MedicationRequest,
  named: ReadonlyMap<string, Resource>,
): string {
  if (medicationCodeableConcept !== undefined) return textOf(medicationCodeableConcept);
  const known = named.get(medicationReference?.reference ?? '');
  return medicationReference?.display ?? textOf((known as { code?: CodeableConcept } | undefined)?.code);
}

/** Allergies and intolerances that count: the critical ones first. */
export function allergies(found: readonly AllergyIntolerance[]): ListItem[] {
  return found
    .filter(isInForce)
    .map((one) => ({
      id: one.id ?? '',
      title: textOf(one.code),
      status: one.criticality ?? '',
      date: one.onsetDateTime ?? one.recordedDate,
      detail: (one.reaction ?? [])
        .flatMap(({ manifestation }) => (manifestation ?? []).map(textOf))
        .filter(Boolean)
        .join(', '),
      isGrave: one.criticality === 'high',
    }))
    .sort((a, b) => Number(b.isGrave) - Number(a.isGrave) || a.title.localeCompare(b.title));
}

/** Newest first; what has no date last. */
export function byDate(a: string | undefined, b: string | undefined): number {
  return (b ?? '').localeCompare(a ?? '');
}
