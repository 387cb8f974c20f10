import {
  type Bundle,
  type CodeableConcept,
  conceptText,
  type Period,
  type Reference,
  type Resource,
  resourcesOf,
} from '@vesta/app-kit';

/** Canonical URLs of the measures that this app shows. */
export const VISITS = 'https://vesta.health/fhir/Measure/visits-by-department';
export const CONDITIONS = 'https://vesta.health/fhir/Measure/conditions-by-code';

interface Population {
  readonly code?: CodeableConcept;
  readonly count?: number;
}
interface Stratum {
  readonly value?: CodeableConcept;
  readonly population?: readonly Population[];
}
interface MeasureReport extends Resource {
  readonly status?: string;
  readonly type?: string;
  readonly measure?: string;
  readonly date?: string;
  readonly reporter?: Reference;
  readonly period?: Period;
  readonly group?: readonly {
    readonly code?: CodeableConcept;
    readonly population?: readonly Population[];
    readonly stratifier?: readonly { readonly stratum?: readonly Stratum[] }[];
  }[];
}

/** A number that a facility has reported: visits of a department, or diagnoses of a code. */
export interface Figure {
  readonly kind: 'visits' | 'conditions';
  /** `Organization/id`. */
  readonly facility: string;
  /** `2025-Q3`. */
  readonly quarter: string;
  /** Code of the class of encounter, or `system|code` of a condition. */
  readonly key: string;
  readonly name: string;
  readonly count: number;
}

/** A report as it was submitted. */
export interface Submission {
  readonly id: string;
  readonly facility: string;
  readonly quarter: string;
  /** Canonical URL without version. */
  readonly measure: string;
  readonly date: string | undefined;
  readonly status: string;
}

export interface Reports {
  readonly figures: readonly Figure[];
  readonly submissions: readonly Submission[];
  /** All in which something was reported, newest first. */
  readonly quarters: readonly string[];
}

/** `2025-Q3` of a period that is one quarter of a year; undefined for others. */
export function quarterOf(period: Period | undefined): string | undefined {
  const start = /^(\d{4})-(01|04|07|10)-01/.exec(period?.start ?? '');
  const end = /^(\d{4})-(03-31|06-30|09-30|12-31)/.exec(period?.end ?? '');
  if (start === null || end === null || start[1] !== end[1]) return undefined;
  const number = (Number(start[2]) + 2) / 3;
  return Number((end[2] as string).slice(0, 2)) === number * 3 ? `${start[1]}-Q${number}` : undefined;
}

/** The first day of a quarter, as a FHIR date. */
export function quarterStart(quarter: string): string {
  const [year, number] = quarter.split('-Q');
  return `${year}-${String(3 * (Number(number) - 1) + 1).padStart(2, '0')}-01`;
}

/**
 * What facilities have submitted (R4 measurereport.html): reports of type summary that are complete, of quarters. Where a
 * facility has reported the same twice, the later report counts.
 */
export function reportsOf(bundle: Bundle | undefined): Reports {
  const latest = new Map<string, { readonly report: MeasureReport; readonly submission: Submission }>();
  const submissions: Submission[] = [];
  for (const report of resourcesOf<MeasureReport>(
    bundle as Bundle<MeasureReport> | undefined,
    'MeasureReport',
  )) {
    const quarter = quarterOf(report.period);
    const facility = organizationOf(report.reporter);
    if (report.type !== 'summary' || quarter === undefined || facility === undefined) continue;
    const submission: Submission = {
      id: report.id ?? '',
      facility,
      quarter,
      measure: report.measure?.split('|')[0] ?? '',
      date: report.date,
      status: report.status ?? '',
    };
    submissions.push(submission);
    if (report.status !== 'complete') continue;
    const key = `${submission.measure} ${facility} ${quarter}`;
    const known = latest.get(key);
    if (known === undefined || (known.report.date ?? '') <= (report.date ?? ''))
      latest.set(key, { report, submission });
  }
  const figures = [...latest.values()].flatMap(({ report, submission }) => figuresOf(report, submission));
  const quarters = [...new Set(submissions.map(({ quarter }) => quarter))].sort().reverse();
  return { figures, submissions, quarters };
}

function organizationOf(reference: Reference | undefined): string | undefined {
  return /(Organization\/[A-Za-z0-9\-.]{1,64})$/.exec(reference?.reference ?? '')?.[1];
}

function figuresOf({ group = [] }: MeasureReport, { measure, facility, quarter }: Submission): Figure[] {
  const figure = (
    kind: Figure['kind'],
    concept: CodeableConcept | undefined,
    population: readonly Population[] | undefined,
  ): Figure[] => {
    const [coding] = concept?.coding ?? [];
    const count = countOf(population);
    if (concept === undefined || count === undefined) return [];
    const name = conceptText(concept) ?? '';
    const key =
      kind === 'visits'
        ? (coding?.code ?? name)
        : coding === undefined
          ? name
          : `${coding.system ?? ''}|${coding.code}`;
    return [{ kind, facility, quarter, key, name, count }];
  };
  if (measure === VISITS) return group.flatMap(({ code, population }) => figure('visits', code, population));
  if (measure !== CONDITIONS) return [];
  return group.flatMap(({ stratifier = [] }) =>
    stratifier.flatMap(({ stratum = [] }) =>
      stratum.flatMap(({ value, population }) => figure('conditions', value, population)),
    ),
  );
}

/** The count of the initial population. */
function countOf(populations: readonly Population[] | undefined): number | undefined {
  const found =
    populations?.find(({ code }) => code?.coding?.some((one) => one.code === 'initial-population')) ??
    populations?.[0];
  return found?.count;
}

export interface Filter {
  readonly kind: Figure['kind'];
  /** All quarters without one. */
  readonly quarter?: string | undefined;
  /** All departments or conditions without one. */
  readonly key?: string | undefined;
  readonly facility?: string | undefined;
}

export const matching = (figures: readonly Figure[], { kind, quarter, key, facility }: Filter): Figure[] =>
  figures.filter(
    (one) =>
      one.kind === kind &&
      (quarter === undefined || one.quarter === quarter) &&
      (key === undefined || one.key === key) &&
      (facility === undefined || one.facility === facility),
  );

export interface Total {
  readonly key: string;
  readonly name: string;
  readonly count: number;
}

/** Sums by facility, department, condition or quarter, the largest first. */
export function totals(figures: readonly Figure[], by: 'facility' | 'key' | 'quarter'): Total[] {
  const found = new Map<string, { name: string; count: number }>();
  for (const one of figures) {
    const key = one[by];
    const known = found.get(key);
    if (known === undefined) found.set(key, { name: by === 'key' ? one.name : key, count: one.count });
    else known.count += one.count;
  }
  return [...found]
    .map(([key, { name, count }]) => ({ key, name, count }))
    .sort((a, b) => b.count - a.count || a.name.localeCompare(b.name));
}

/** Facilities that have reported in the four quarters before one, and not in it. @param quarters newest first */
export function missing(
  submissions: readonly Submission[],
  quarters: readonly string[],
  quarter: string,
): string[] {
  const before = quarters.slice(quarters.indexOf(quarter) + 1).slice(0, 4);
  const there = new Set(submissions.filter((one) => one.quarter === quarter).map(({ facility }) => facility));
  const expected = submissions.filter((one) => before.includes(one.quarter)).map(({ facility }) => facility);
  return [...new Set(expected)].filter((facility) => !there.has(facility)).sort();
}
