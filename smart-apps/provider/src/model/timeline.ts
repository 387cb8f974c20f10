import { type CodeableConcept, type Period, type Reference, type Resource, textOf } from './fhir.ts';
import { byDate } from './lists.ts';

export type EventKind =
  | 'visit'
  | 'problem'
  | 'medication'
  | 'procedure'
  | 'immunization'
  | 'report'
  | 'document'
  | 'appointment';

/** Something that happened to the patient. */
export interface TimelineEvent {
  /** `Type/id`. */
  readonly key: string;
  readonly kind: EventKind;
  /** FHIR date or instant. */
  readonly date: string;
  readonly title: string;
  readonly detail: string;
}

/** A resource of any type, by its elements. */
type Elements = Resource & Readonly<Record<string, unknown>>;

interface Rule {
  readonly kind: EventKind;
  readonly date: (one: Elements) => unknown;
  readonly title: (one: Elements) => string;
  readonly detail?: (one: Elements) => string;
}

const concept = (value: unknown): string => textOf(value as CodeableConcept | undefined);
const first = (value: unknown): string => concept((value as readonly unknown[] | undefined)?.[0]);
const start = (value: unknown): string | undefined => (value as Period | undefined)?.start;
const displayOf = (value: unknown): string => (value as Reference | undefined)?.display ?? '';

const RULES: Readonly<Record<string, Rule>> = {
  Encounter: {
    kind: 'visit',
    date: (one) => start(one['period']),
    title: (one) =>
      first(one['type']) || (one['class'] as { display?: string; code?: string })?.display || '',
    detail: (one) => first(one['reasonCode']),
  },
  Condition: {
    kind: 'problem',
    date: (one) => one['onsetDateTime'] ?? start(one['onsetPeriod']) ?? one['recordedDate'],
    title: (one) => concept(one['code']),
  },
  MedicationRequest: {
    kind: 'medication',
    date: (one) => one['authoredOn'],
    title: (one) => concept(one['medicationCodeableConcept']) || displayOf(one['medicationReference']),
  },
  Procedure: {
    kind: 'procedure',
    date: (one) => one['performedDateTime'] ?? start(one['performedPeriod']),
    title: (one) => concept(one['code']),
  },
  Immunization: {
    kind: 'immunization',
    date: (one) => one['occurrenceDateTime'],
    title: (one) => concept(one['vaccineCode']),
  },
  DiagnosticReport: {
    kind: 'report',
    date: (one) => one['effectiveDateTime'] ?? start(one['effectivePeriod']) ?? one['issued'],
    title: (one) => concept(one['code']),
    detail: (one) => (one['conclusion'] as string | undefined) ?? '',
  },
  DocumentReference: {
    kind: 'document',
    date: (one) => one['date'],
    title: (one) => concept(one['type']) || ((one['description'] as string | undefined) ?? ''),
  },
  Appointment: {
    kind: 'appointment',
    date: (one) => one['start'],
    title: (one) => first(one['serviceType']) || ((one['description'] as string | undefined) ?? ''),
  },
};

/** What happened, newest first, by year. What has no date or was entered in error is left out. */
export function timelineOf(
  resources: readonly Resource[],
): { readonly year: string; readonly events: readonly TimelineEvent[] }[] {
  const events = (resources as readonly Elements[]).flatMap((one): TimelineEvent[] => {
    const rule = RULES[one.resourceType];
    const date = rule?.date(one);
    if (rule === undefined || typeof date !== 'string' || one['status'] === 'entered-in-error') return [];
    return [
      {
        key: `${one.resourceType}/${one.id}`,
        kind: rule.kind,
        date,
        title: rule.title(one),
        detail: rule.detail?.(one) ?? '',
      },
    ];
  });
  const years = new Map<string, TimelineEvent[]>();
  for (const event of events.sort((a, b) => byDate(a.date, b.date) || a.key.localeCompare(b.key))) {
    const year = event.date.slice(0, 4);
    years.set(year, [...(years.get(year) ?? []), event]);
  }
  return [...years].map(([year, ofYear]) => ({ year, events: ofYear }));
}
